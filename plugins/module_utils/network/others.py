# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who else manages interfaces of the host: other files of systemd-networkd, ifupdown, NetworkManager.

What others manage is left to them. Only a file that was named gives way: one of systemd-networkd is put aside under another name,
in those of ifupdown the lines of the interfaces become comments.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import FileChange, Replacement
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Link, Links
from ansible_collections.xenfleet.xen.plugins.module_utils.network import interfaces
from ansible_collections.xenfleet.xen.plugins.module_utils.network.sections import Lines, lines_of, values_of
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands

ASIDE = ".replaced"
_FOLDERS = ("etc/systemd/network", "run/systemd/network", "usr/local/lib/systemd/network", "usr/lib/systemd/network")
_COMMAND_SECONDS = 60
# Of a .network file: what the declared network says itself, or what has no meaning for what is in a bond or bridge.
_SAID_ELSEWHERE = {
    "Match": None,
    "Address": None,
    "Link": {"MTUBytes", "RequiredForOnline"},
    "Network": {
        *("Address", "Gateway", "DHCP", "IPv6AcceptRA", "LinkLocalAddressing", "ConfigureWithoutCarrier"),
        *("Description", "IPv6PrivacyExtensions", "LLDP", "EmitLLDP"),
    },
}
_OF_HARDWARE = {"Driver", "Path", "Property", "Firmware", "Architecture", "Kind"}


class OtherManagers:
    """Files and programs of others.

    Args:
        commands: how to run programs.
        root: the top of the host's file system.
        prefix: what the names of files of ours begin with.
    """

    def __init__(self, commands: Commands, root: Path, prefix: str) -> None:
        self._commands = commands
        self._root = root
        self._prefix = prefix

    def claims(self, names: Collection[str], links: Links, without: Collection[str] = ()) -> dict[str, str]:
        """Interfaces that something else manages, and what that is.

        Args:
            names: the interfaces that are asked about.
            links: what the kernel has.
            without: files that give way.
        """
        found: dict[str, str] = {}
        if self._commands.has("ifup"):
            known = interfaces.interfaces(self._root, without, names)
            found.update({name: f"ifupdown ({known[name]})" for name in names if name in known})
        found.update(network_manager(self._commands, names))
        for file in self._foreign_files():
            shown = f"/{file.relative_to(self._root)}"
            if shown in without:
                continue
            lines = lines_of(_text(file))
            for name in names:
                earlier = (
                    file.suffix == ".network"
                    and file.name < f"{self._prefix}{name}.network"
                    and matches(lines, name, links.get(name))
                )
                if earlier or (file.suffix == ".netdev" and name in values_of(lines, "NetDev", "Name")):
                    found.setdefault(name, f"the file {shown}")
        return found

    def replacements(self, paths: Iterable[str], names: Collection[str], links: Links) -> tuple[Replacement, ...]:
        """What becomes of files that give way, where they still say something of these interfaces."""
        found = [self._replacement(path, names, links) for path in dict.fromkeys(paths)]
        return tuple(one for one in found if one is not None)

    def _replacement(self, path: str, names: Collection[str], links: Links) -> Replacement | None:
        """One of them; None where it is gone already, or manages nothing that is declared."""
        file = self._root / path.lstrip("/")
        if not file.is_file():
            return None
        if path in interfaces.files(self._root):
            return ifupdown_replacement(path, _text(file), names)
        if file.parent != self._root / _FOLDERS[0] or file.suffix != ".network" or file.name.startswith(self._prefix):
            return Replacement(
                path,
                problem=f"{path} cannot give way: only .network files in /{_FOLDERS[0]} and files of ifupdown can;"
                " change it by what made it",
            )
        text = _text(file)
        lines = lines_of(text)
        managed = frozenset(link.name for link in links.by_name.values() if matches(lines, link.name, link))
        others = sorted(name for name in managed - set(names) if not links.by_name[name].is_guests)
        problem = None
        if not managed & set(names):
            return None
        if others:
            problem = (
                f"{path} cannot give way: it also manages {', '.join(others)}, which would lose its network; give that a"
                " file of its own"
            )
        aside = file.with_name(file.name + ASIDE)
        return Replacement(
            path,
            managed,
            (
                (path + ASIDE, FileChange(_text(aside) if aside.is_file() else None, text)),
                (path, FileChange(text, None)),
            ),
            tuple(f"{key}={value}" for section, key, value in lines if not _said(section, key)),
            problem,
        )

    def _foreign_files(self) -> list[Path]:
        """The files of others, where the same name in an earlier folder hides a later one."""
        found: dict[str, Path] = {}
        for folder in _FOLDERS:
            for file in sorted((self._root / folder).glob("*.net*")):
                if not file.name.startswith(self._prefix) and file.suffix in (".netdev", ".network"):
                    found.setdefault(file.name, file)
        return [file for _name, file in sorted(found.items()) if file.is_file()]


def network_manager(commands: Commands, names: Collection[str]) -> dict[str, str]:
    """Interfaces that NetworkManager manages."""
    if not commands.has("nmcli"):
        return {}
    done = commands.run(
        ["nmcli", "--terse", "--fields", "DEVICE,STATE", "device"], check=False, timeout=_COMMAND_SECONDS
    )
    states = dict(line.rpartition(":")[::2] for line in done.stdout.splitlines() if ":" in line)
    return {name: "NetworkManager" for name in names if states.get(name, "unmanaged") != "unmanaged"}


def ifupdown_replacement(path: str, text: str, names: Collection[str]) -> Replacement | None:
    """What becomes of a file of ifupdown; None where it says nothing of the interfaces."""
    stanzas = {name: method for name, method in interfaces.methods(text).items() if name in names}
    if not stanzas:
        return None
    strange = sorted(name for name, method in stanzas.items() if method not in interfaces.KNOWN_METHODS)
    problem = None
    if strange:
        problem = (
            f"{path} cannot give way: it has ifupdown find the addresses of {', '.join(strange)} in a way that is not known here"
            f" ({stanzas[strange[0]]}); make that static there first"
        )
    change = FileChange(text, interfaces.without(text, names))
    return Replacement(path, frozenset(stanzas), ((path, change),), interfaces.extras(text, names), problem)


def matches(lines: Lines, name: str, link: Link | None) -> bool:
    """Whether a ``.network`` file is for an interface.

    By its name, its address, or for being Ethernet; of a network card also by what is not known here, such as its driver.
    """
    asked = {key for section, key, _value in lines if section == "Match"}
    answers: list[bool] = []
    if "Name" in asked:
        answers.append(_fits(" ".join(values_of(lines, "Match", "Name")).split(), name))
    if "Type" in asked:
        answers.append("ether" in " ".join(values_of(lines, "Match", "Type")).split() and not (link and link.loopback))
    for key in asked & {"MACAddress", "PermanentMACAddress"}:
        given = {one.lower().replace("-", ":") for one in " ".join(values_of(lines, "Match", key)).split()}
        own = link and ((link.permanent_mac or link.mac) if key.startswith("Perm") else link.mac)
        answers.append(own is not None and own in given)
    if asked & _OF_HARDWARE and not answers:
        answers.append(link is not None and link.kind == "" and not link.loopback and not link.is_guests)
    return bool(answers) and all(answers)


def _fits(patterns: list[str], name: str) -> bool:
    """Whether a name is among patterns; one that begins with '!' turns all of them around."""
    if patterns and patterns[0].startswith("!"):
        patterns[0] = patterns[0][1:]
        return not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _said(section: str, key: str) -> bool:
    """Whether a line of a ``.network`` file needs no other that says the same."""
    known = _SAID_ELSEWHERE.get(section, set())
    return known is None or key in known


def _text(file: Path) -> str:
    """A file, byte for byte."""
    return file.read_text(encoding="utf-8", errors="surrogateescape")
