# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Guests taken over from files of xl, over the whole park: where else each of them is, and the table of what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.xenfleet.xen.plugins.plugin_utils.table import aligned

HEADINGS = ("HOST", "GUEST", "FILE", "RESULT", "NOTE")


def import_elsewhere(
    host: str, hostvars: Mapping[str, Any], hosts: Iterable[str], taking: Iterable[str] | None = None
) -> dict[str, str]:
    """Where else the guests of a host's files are, or may be.

    Args:
        host: the host.
        hostvars: all variables; each host's ``import_look`` is what xen_takeover returned there in check mode.
        hosts: all Xen hosts of the park.
        taking: those whose guests are taken over in the same run; None: all.
    """
    listed = list(hosts)
    also_taken = set(listed if taking is None else taking)
    names = [entry["guest"] for entry in _look(host, hostvars).get("guests", ())]
    elsewhere: dict[str, str] = {}
    for name in names:
        words = [
            said for other in listed if other != host and (said := _says(other, hostvars, name, other in also_taken))
        ]
        if words:
            elsewhere[name] = "; ".join(words)
    return elsewhere


def import_table(hosts: Iterable[str], hostvars: Mapping[str, Any]) -> list[str]:
    """One line a guest, sorted by host and name, then the hosts that said nothing.

    Args:
        hosts: the Xen hosts that were asked.
        hostvars: all variables; each host's ``import_result`` is what xen_takeover returned there.
    """
    rows: list[tuple[str, ...]] = []
    silent: list[str] = []
    for host in sorted(hosts):
        found = hostvars[host].get("import_result") or {}
        if "guests" not in found:
            what = "did not answer" if found.get("unreachable") else "could not be looked at"
            silent.append(f"{host}  ({what}: {found.get('msg') or 'see above'})")
            continue
        rows += [_row(host, entry) for entry in sorted(found["guests"], key=lambda entry: str(entry["guest"]))]
    if rows:
        return [*aligned([HEADINGS, *rows]), *silent]
    return ["no file of a guest on the hosts that answered" if silent else "no file of a guest", *silent]


def _row(host: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    # One line, whatever is in a note.
    note = " ".join("; ".join(str(words) for words in entry["notes"]).split())
    return (host, str(entry["guest"]), str(entry["file"] or "-"), str(entry["result"]), note)


def _look(host: str, hostvars: Mapping[str, Any]) -> Mapping[str, Any]:
    return hostvars[host].get("import_look") or {}


def _says(host: str, hostvars: Mapping[str, Any], guest: str, also_taken: bool) -> str | None:
    """What another host says of a guest."""
    look = _look(host, hostvars)
    if "guests" not in look:
        return f"{host} did not answer and may run it"
    if guest in look["running"]:
        return f"{host} runs it"
    if guest in look["defined"]:
        return f"libvirt on {host} has it"
    files = [entry["file"] for entry in look["guests"] if entry["guest"] == guest and entry["result"] == "taken"]
    return f"{files[0]} on {host} describes it, too" if files and also_taken else None
