# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The table that says where guests are not what is declared of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.xenfleet.xen.plugins.plugin_utils.guests import place_of
from ansible_collections.xenfleet.xen.plugins.plugin_utils.table import aligned, silent_host

HEADINGS = ("HOST", "GUEST", "FIELD", "DECLARED", "STORED", "RUNNING")


def drift_table(hosts: Iterable[str], hostvars: Mapping[str, Any], guests: Collection[str] = ()) -> list[str]:
    """One line for each field that differs, then what is no field, then the hosts that said nothing.

    Args:
        hosts: the Xen hosts that were asked.
        hostvars: all variables; each host's ``guest_drift`` is what xen_domain_info returned there, and the problems of
            its ``guest_work`` are what kept guests from being compared.
        guests: all guests that are declared in the park.
    """
    rows: list[tuple[str, ...]] = []
    words: list[str] = []
    silent: list[str] = []
    for host in sorted(hosts):
        variables = hostvars[host]
        found = variables.get("guest_drift") or {}
        if not variables.get("xen_reachable", True):
            silent.append(silent_host(host, variables))
        elif "guests" not in found:
            silent.append(_unknown(host, found))
        else:
            for name, guest in sorted(found["guests"].items()):
                rows += _rows(host, name, guest["drift"])
            words += [f"{host}  {line}" for line in _words(host, hostvars, guests)]
    words += [
        f"-  {name}  is on no host, and guest_host says none"
        for name in sorted(guests)
        if place_of(hostvars[name]) is None
    ]
    if rows or words:
        return [*(aligned([HEADINGS, *rows]) if rows else ()), *words, *silent]
    return ["no drift on the hosts that answered" if silent else "no drift", *silent]


def _rows(host: str, name: str, drift: Iterable[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """One row a field: one that is neither as declared nor as stored is there twice, with the same values."""
    rows = {}
    for entry in drift:
        values = (entry.get("declared"), entry["stored"], entry["running"])
        rows[entry["field"]] = (
            host,
            name,
            str(entry["field"]),
            *("-" if value is None else str(value) for value in values),
        )
    return list(rows.values())


def _words(host: str, hostvars: Mapping[str, Any], guests: Collection[str]) -> list[str]:
    """What is to be said of a host's guests besides the fields."""
    found = hostvars[host]["guest_drift"]
    lines = [
        f"{name}  could not be compared: {guest['error']}"
        for name, guest in sorted(found["guests"].items())
        if guest.get("error")
    ]
    lines += [f"{name}  is declared, and not there" for name in found.get("missing", ())]
    for name in found.get("undeclared", ()):
        place = place_of(hostvars[name]) if name in guests else None
        if place is None:
            lines.append(f"{name}  is there, and not declared")
        elif place != host:
            lines.append(f"{name}  is there, and belongs on {place}")
        # One that belongs here was left out of the comparison for a reason, which is among the problems.
    return [*lines, *((hostvars[host].get("guest_work") or {}).get("problems") or ())]


def _unknown(host: str, found: Mapping[str, Any]) -> str:
    """The line of a host that gave no result."""
    what = "did not answer" if found.get("unreachable") else "could not be looked at"
    return f"{host}  ({what}: {found.get('msg') or 'see above'})"
