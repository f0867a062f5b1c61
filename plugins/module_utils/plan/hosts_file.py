# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What names lead to in /etc/hosts. A host's own name that leads to 127.0.1.1 sends every guest that comes to it nowhere."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.model.dom0 import HostsEntry, Naming
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change


@dataclass(frozen=True)
class _Line:
    """A line with an address."""

    address: str
    names: tuple[str, ...]
    comment: str

    def __str__(self) -> str:
        return f"{self.address}\t{' '.join(self.names)}{f' {self.comment}' if self.comment else ''}\n"


def plan_hosts(text: str, naming: Naming, hostname: str) -> tuple[str, tuple[Change, ...]]:
    """The file as it should be, and how it differs.

    Args:
        text: the former text.
        naming: what is declared.
        hostname: the host's own name, as it will be.
    """
    entries = list(naming.entries)
    if naming.address is not None:
        entries.insert(0, HostsEntry(naming.address, own_names(text, hostname)))
    changes = []
    for entry in entries:
        placed = _placed(text, entry)
        if placed != text:
            before = "; ".join(_shown(text, entry.names)) or None
            after = "; ".join(_shown(placed, entry.names))
            changes.append(Change(f"hosts[{entry.names[0]}]", before, after))
        text = placed
    return text, tuple(changes)


def own_names(text: str, hostname: str) -> tuple[str, ...]:
    """The host's own names: with its domain first, as programs expect it."""
    short = hostname.partition(".")[0]
    told = [
        name
        for line in text.splitlines()
        if (parsed := _parsed(line)) is not None and {short, hostname} & set(parsed.names)
        for name in parsed.names
        if "." in name and name.partition(".")[0] == short and "." not in hostname
    ]
    return tuple(dict.fromkeys([*told, hostname, short]))


def leads_to_loopback(text: str, hostname: str) -> bool:
    """Whether the host's own name leads back to itself, first of all."""
    for line in text.splitlines():
        parsed = _parsed(line)
        if parsed is not None and hostname in parsed.names:
            return ipaddress.ip_address(parsed.address).is_loopback
    return False


def _placed(text: str, entry: HostsEntry) -> str:
    """The text in which an entry's names lead to its address, and of the same kind of address to no other."""
    wanted = ipaddress.ip_address(entry.address)
    lines = []
    found = False
    for line in text.splitlines(keepends=True):
        parsed = _parsed(line)
        if parsed is None:
            lines.append(line)
            continue
        address = ipaddress.ip_address(parsed.address)
        if address == wanted:
            names = parsed.names
            if not found and not set(entry.names) <= set(names):
                names = (*entry.names, *(name for name in names if name not in entry.names))
            found = True
        elif address.version == wanted.version or address.is_loopback:
            names = tuple(name for name in parsed.names if name not in entry.names)
        else:
            names = parsed.names
        if names == parsed.names:
            lines.append(line)
        elif names:
            lines.append(str(_Line(parsed.address, names, parsed.comment)))
    if not found:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        lines.append(str(_Line(entry.address, entry.names, "")))
    return "".join(lines)


def _parsed(line: str) -> _Line | None:
    """A line with an address; None for others."""
    content, mark, comment = line.rstrip("\n").partition("#")
    words = content.split()
    if len(words) < 2:
        return None
    try:
        ipaddress.ip_address(words[0])
    except ValueError:
        return None
    return _Line(words[0], tuple(words[1:]), f"{mark}{comment}")


def _shown(text: str, names: Iterable[str]) -> list[str]:
    """The lines that have any of the names, for the operator's eyes."""
    parsed = (_parsed(line) for line in text.splitlines())
    return [
        f"{line.address} {' '.join(line.names)}" for line in parsed if line is not None and set(names) & set(line.names)
    ]
