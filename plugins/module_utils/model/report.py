# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A guest as plain data, in the options' own names: what modules return and the inventory shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.model.device_options import disk_options, nic_options
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, FoundDomain
from ansible_collections.xenfleet.xen.plugins.module_utils.model.sighting import Sighting
from ansible_collections.xenfleet.xen.plugins.module_utils.model.usage import Usage


def configuration_report(domain: Domain) -> dict[str, Any]:
    """A configuration as the options that declare it."""
    return {
        "name": domain.name,
        "uuid": domain.uuid,
        "type": domain.type.value if domain.type else None,
        "memory": str(domain.memory),
        "memory_max": str(domain.memory_max),
        "vcpus": domain.vcpus,
        "vcpus_max": domain.vcpus_max,
        "kernel": domain.kernel,
        "ramdisk": domain.ramdisk,
        "cmdline": domain.cmdline,
        "disks": [disk_options(disk) for disk in domain.disks or ()],
        "networks": [nic_options(nic) for nic in domain.networks or ()],
        "tsc_mode": domain.tsc_mode,
        "on_poweroff": domain.on_poweroff,
        "on_reboot": domain.on_reboot,
        "on_crash": domain.on_crash,
        "labels": dict(domain.labels or {}),
    }


def domain_report(found: FoundDomain) -> dict[str, Any]:
    """A guest as it was found: what it runs with (or what is stored, when it does not run), and its state."""
    report = configuration_report(found.configuration)
    if found.stored is not None and found.running is not None:
        # Labels and addresses are the definition's own; the running side has those of its start.
        stored = configuration_report(found.stored)
        report["labels"] = stored["labels"]
        given = {nic["mac"]: nic["addresses"] for nic in stored["networks"]}
        for nic in report["networks"]:
            nic["addresses"] = given.get(nic["mac"], nic["addresses"])
    report["state"] = found.state.value
    report["autostart"] = found.autostart
    report["persistent"] = found.stored is not None
    return report


def plain_addresses(report: Mapping[str, Any]) -> list[str]:
    """The addresses of all interfaces of a reported guest, without their prefixes."""
    return [address.split("/", 1)[0] for nic in report["networks"] for address in nic["addresses"]]


def sighting_report(seen: Sighting) -> dict[str, Any]:
    """A guest that was only looked at. All keys are there also for one that could not be read."""
    found = seen.found
    report = domain_report(found) if found else {"networks": [], "labels": {}}
    return {
        "state": found.shown_state if found else None,
        "reason": seen.reason,
        "id": seen.id,
        "autostart": found.autostart if found else None,
        "persistent": found.stored is not None if found else None,
        "managed_save": found.managed_save if found else None,
        "stored": configuration_report(found.stored) if found and found.stored else None,
        "running": configuration_report(found.running) if found and found.running else None,
        "addresses": plain_addresses(report),
        "labels": report["labels"],
    }


def usage_report(usage: Usage) -> dict[str, Any]:
    """What a guest uses."""
    return {
        "memory_mib": {
            "current": usage.memory.mib if usage.memory else None,
            "maximum": usage.memory_max.mib if usage.memory_max else None,
        },
        "vcpus": usage.vcpus,
        "cpu_seconds": usage.cpu_seconds,
        "disks": {target: asdict(disk) for target, disk in usage.disks.items()},
        "networks": {mac: asdict(nic) for mac, nic in usage.networks.items()},
    }
