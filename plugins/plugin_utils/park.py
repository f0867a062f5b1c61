# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The picture of the park: what each host reported, put together. Pure; the hosts' data is not trusted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput, Unreachable
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import FoundDomain
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import guest_name
from ansible_collections.xenfleet.xen.plugins.module_utils.model.power import power_state
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.report import domain_report, plain_addresses
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import waiting_fields
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import parse_domain


@dataclass(frozen=True)
class HostAnswer:
    """What came of asking one host.

    Attributes:
        host: its inventory name.
        report: what the probe printed, parsed; None when there was no answer.
        error: why there was none.
        seen_at: when the report was made, seconds since the epoch.
    """

    host: str
    report: Mapping[str, Any] | None
    error: str | None = None
    seen_at: float | None = None


def read_probe(text: str) -> dict[str, Any]:
    """What the probe printed.

    Raises:
        Unreachable: libvirt did not answer on the host.
        InvalidInput: it is not the probe's output.
    """
    try:
        report = json.loads(text)
    except ValueError as error:
        raise InvalidInput("the host's answer cannot be read", found=text[:200]) from error
    if not isinstance(report, dict) or not ("error" in report or {"host", "guests"} <= report.keys()):
        raise InvalidInput("the host's answer cannot be read", found=text[:200])
    if "error" in report:
        raise Unreachable(f"libvirt does not answer: {report['error']}")
    return report


def host_variables(answer: HostAnswer) -> dict[str, Any]:
    """What the inventory says of a Xen host."""
    variables: dict[str, Any] = {"xen_reachable": answer.error is None}
    if answer.error is not None:
        variables["xen_error"] = answer.error
    if answer.seen_at is not None:
        variables["xen_seen_at"] = answer.seen_at
    if answer.report is not None:
        host = answer.report["host"]
        free = host.get("memory_free")
        variables["xen_memory_total_mib"] = int(host["memory_total_mib"])
        variables["xen_memory_free_mib"] = None if free is None else int(free) // MIB
        variables["xen_cpus"] = int(host["cpus"])
    return variables


def guest_variables(answers: Iterable[HostAnswer]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """What the inventory says of each guest, by name, and warnings about what does not fit.

    A guest that several hosts know is where it runs. One that runs on several hosts is marked ``xen_conflict``.
    """
    places: dict[str, list[tuple[str, FoundDomain, HostAnswer]]] = {}
    warnings: list[str] = []
    for answer in answers:
        for entry in answer.report["guests"] if answer.report else ():
            try:
                found = _found(entry)
            except (InvalidInput, KeyError, TypeError, ValueError) as error:
                warnings.append(f"{answer.host}: a guest is left out: {error}")
                continue
            places.setdefault(found.name, []).append((answer.host, found, answer))
    guests = {}
    for name, known in sorted(places.items()):
        active = [place for place in known if place[1].state.is_active]
        host, found, answer = (active or known)[0]
        guests[name] = _variables(host, found, answer)
        if len(active) > 1:
            hosts = [place[0] for place in active]
            guests[name]["xen_conflict"] = hosts
            warnings.append(f"{name} runs on {' and '.join(hosts)} at the same time")
    return guests, warnings


def _found(entry: Mapping[str, Any]) -> FoundDomain:
    name = guest_name(str(entry["name"]))
    if "error" in entry:
        raise InvalidInput(f"libvirt tells nothing of {name}: {entry['error']}")
    running, stored = entry["running_xml"], entry["stored_xml"]
    return FoundDomain(
        name=name,
        stored=parse_domain(stored) if stored else None,
        stored_xml=stored,
        running_xml=running,
        running=parse_domain(running) if running else None,
        state=power_state(int(entry["state"])),
        autostart=bool(entry["autostart"]),
        managed_save=bool(entry["managed_save"]),
    )


def _variables(host: str, found: FoundDomain, answer: HostAnswer) -> dict[str, Any]:
    report = domain_report(found)
    domain = found.configuration
    files = [report["kernel"], report["ramdisk"], *(disk["source"] for disk in report["disks"])]
    return {
        "xen_host": host,
        "xen_state": found.shown_state,
        "xen_uuid": report["uuid"],
        "xen_type": report["type"],
        "xen_memory": memory_words(domain.memory, domain.memory_max),
        "xen_memory_mib": domain.memory.mib if domain.memory else None,
        "xen_vcpus": domain.vcpus,
        "xen_autostart": found.autostart,
        "xen_labels": report["labels"],
        "xen_bridges": sorted({nic["bridge"] for nic in report["networks"] if nic["bridge"]}),
        "xen_addresses": plain_addresses(report),
        "xen_files": [path for path in files if path and path.startswith("/")],
        "xen_restart_required": list(waiting_fields(found)),
        "xen_host_answers": answer.error is None,
    }


def memory_words(memory: Size | None, maximum: Size | None) -> str:
    """Memory for people: ``2 GiB``, or ``6/8 GiB`` when it could have more."""
    if memory is None or maximum is None or memory == maximum:
        return str(memory)
    amount, limit = str(memory), str(maximum)
    unit = limit.split(" ")[1]
    return f"{amount.split(' ', maxsplit=1)[0]}/{limit}" if amount.endswith(f" {unit}") else f"{amount} of {limit}"
