# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A guest as plain data, in the options' own names: what modules return and the inventory shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from enum import StrEnum
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.model.device_options import disk_options, nic_options
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, FoundDomain
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.sighting import Sighting
from ansible_collections.xenfleet.xen.plugins.module_utils.model.usage import Usage

# What is known of a guest, but not told.
_SECRETS = ("graphics_password",)


def configuration_report(domain: Domain) -> dict[str, Any]:
    """A configuration as the options that declare it."""
    report = {field.name: _plain(getattr(domain, field.name)) for field in fields(domain)}
    return {name: value for name, value in report.items() if name not in _SECRETS}


def _plain(value: Any) -> Any:
    if isinstance(value, Size):
        return str(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Disk):
        return disk_options(value)
    if isinstance(value, Nic):
        return nic_options(value)
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value


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
