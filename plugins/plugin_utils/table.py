# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The table that says where each guest is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

HEADINGS = ("HOST", "GUEST", "TYPE", "STATE", "MEMORY", "VCPUS", "ADDRESSES", "NOTE")


def locate_table(guests: Iterable[str], hostvars: Mapping[str, Any], hosts: Iterable[str] = ()) -> list[str]:
    """One line a guest, sorted by host and name, then what did not answer.

    Args:
        guests: the guests to show, declared or found.
        hostvars: all variables.
        hosts: the park's Xen hosts.
    """
    rows = sorted((_row(name, hostvars[name]) for name in guests), key=lambda row: (row[0] == "-", row[0], row[1]))
    silent = [silent_host(host, hostvars[host]) for host in hosts if not hostvars[host].get("xen_reachable", True)]
    return [*aligned([HEADINGS, *rows]), *silent]


def aligned(rows: Iterable[Iterable[str]]) -> list[str]:
    """Rows of text with their columns made even."""
    listed = [list(row) for row in rows]
    widths = [max(len(row[column]) for row in listed) for column in range(len(listed[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in listed]


def _row(name: str, variables: Mapping[str, Any]) -> tuple[str, ...]:
    host = variables.get("xen_host")
    if not host:
        return ("-", name, "-", "not found", "-", "-", "-", "declared, but on no host that answered")
    return (
        str(host),
        name,
        str(variables["xen_type"]),
        str(variables["xen_state"]),
        str(variables["xen_memory"]),
        str(variables["xen_vcpus"]),
        ", ".join(variables["xen_addresses"]) or "-",
        "; ".join(_notes(variables)),
    )


def _notes(variables: Mapping[str, Any]) -> list[str]:
    notes = []
    if variables.get("xen_conflict"):
        notes.append(f"RUNS TWICE: {' and '.join(variables['xen_conflict'])}")
    if not variables.get("xen_host_answers", True):
        notes.append("as last seen")
    if variables["xen_restart_required"]:
        notes.append(f"restart due: {', '.join(variables['xen_restart_required'])}")
    if "xen_undeclared" in variables.get("group_names", ()):
        notes.append("not declared")
    declared = variables.get("guest_host")
    if declared and declared != variables["xen_host"]:
        notes.append(f"declared on {declared}")
    return notes


def silent_host(host: str, variables: Mapping[str, Any]) -> str:
    """The line of a host that did not answer when the inventory asked."""
    seen = variables.get("xen_seen_at")
    since = f"; last seen {datetime.fromtimestamp(seen, UTC):%Y-%m-%d %H:%M} UTC" if seen is not None else ""
    return f"{host}  (did not answer{since}: {variables.get('xen_error', 'unknown')})"
