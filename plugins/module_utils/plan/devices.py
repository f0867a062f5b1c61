# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks and network interfaces that come, go or get another medium while the guest runs, pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeAlias

from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, DomainType
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import HostDevice
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.step import Action, Step

Device: TypeAlias = "Disk | Nic | HostDevice"


def plan_devices(target: Domain, running: Domain) -> dict[str, Step]:
    """What is done with disks and interfaces while the guest runs, by field.

    Devices are plugged and unplugged whole, and of a CD-ROM drive the medium is changed. A device that would have to change
    otherwise under the guest's feet (a disk with another source, an interface on another bridge), and one that cannot be
    plugged (such as an IDE disk), is not among them.
    """
    steps: dict[str, Step] = {}
    kinds: tuple[tuple[str, Action, Action, dict[str, Device], dict[str, Device]], ...] = (
        ("disks", Action.ATTACH_DISK, Action.DETACH_DISK, _by_target(target), _by_target(running)),
        ("networks", Action.ATTACH_NIC, Action.DETACH_NIC, _by_mac(target), _by_mac(running)),
        *(
            (
                f"{bus}_devices",
                Action.ATTACH_HOST_DEVICE,
                Action.DETACH_HOST_DEVICE,
                _of_host(target, bus),
                _of_host(running, bus),
            )
            for bus in ("pci", "usb")
        ),
    )
    for field, attach, detach, wanted, there in kinds:
        for key, device in there.items():
            if key not in wanted and _can_be_plugged(device):
                name = f"{field}[{key}]"
                steps[name] = Step(detach, (Change(name, shown(device), None),), device)
        for key, device in wanted.items():
            name = f"{field}[{key}]"
            if key not in there:
                if _can_be_plugged(device):
                    steps[name] = Step(attach, (Change(name, None, shown(device)),), device)
            elif running.type is DomainType.HVM and _only_the_medium(there[key], device):
                change = Change(name, shown(there[key]), shown(device))
                steps[name] = Step(Action.CHANGE_MEDIUM, (change,), device)
    return steps


def _by_target(domain: Domain) -> dict[str, Device]:
    return {disk.target: disk for disk in domain.disks or ()}


def _by_mac(domain: Domain) -> dict[str, Device]:
    return {str(nic.mac): nic for nic in domain.networks or ()}


def _of_host(domain: Domain, bus: str) -> dict[str, Device]:
    addresses = domain.pci_devices if bus == "pci" else domain.usb_devices
    return {address: HostDevice(bus, address) for address in addresses or ()}


def _can_be_plugged(device: Device) -> bool:
    if isinstance(device, Disk):
        return device.can_be_plugged
    return isinstance(device, HostDevice) or device.other is None


def _only_the_medium(there: Device, wanted: Device) -> bool:
    """Whether a drive differs only in what is in it.

    libxl changes media of HVM guests only. Of a medium in a Ceph cluster the Xen driver would remember only a part.
    """
    return (
        isinstance(there, Disk)
        and isinstance(wanted, Disk)
        and wanted.cdrom
        and wanted.source != there.source
        and not (wanted.is_network or there.is_network)
        and wanted == replace(there, source=wanted.source)
    )


def shown(device: Device) -> str:
    """A device in a few words; the addresses of an interface are a field of their own."""
    return str(replace(device, addresses=())) if isinstance(device, Nic) else str(device)
