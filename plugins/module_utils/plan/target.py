# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole configuration that is meant by what is declared of a guest, and whether it makes sense. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import fields, replace
from typing import Any, TypeVar

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict, InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.cpus import cpus_in, each_pinning, shared_pinning
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    GRAPHICS_LISTEN,
    Declaration,
    Domain,
    DomainType,
    FoundDomain,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import derived_mac
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.type_options import ONLY_FOR
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.device_rules import check_devices
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.type_rules import check_type

Amount = TypeVar("Amount", Size, int)

# What a guest gets when it is made and nothing was said; a guest that exists keeps what it has.
_NEW = Domain(
    name="",
    type=DomainType.PVH,
    vcpus=1,
    tsc_mode="default",
    disks=(),
    networks=(),
    on_poweroff="destroy",
    on_reboot="restart",
    on_crash="restart",
    labels={},
)
# Options that go with the type that could have them, and what they are then.
_GOING: dict[str, Any] = {
    "bootloader": None,
    "bootloader_args": None,
    "boot": (),
    "acpi": False,
    "apic": False,
    "pae": False,
    "e820_host": False,
    "viridian": False,
    "cpu_features": {},
    "graphics": "none",
    "video": None,
    "video_memory": None,
    "serials": (),
    "usb_inputs": (),
    "sound": "none",
    "pci_devices": (),
}
# Without ACPI the QEMU of today's Xen does not even start.
_NEW_HVM = replace(_NEW, type=DomainType.HVM, acpi=True, apic=True)
# How far a NUMA node is from itself.
_ITSELF = 10
# What libvirt gives a PV guest that would have nothing to boot with.
_PV_BOOTLOADER = "pygrub"


def resolve(declared: Declaration, found: FoundDomain | None) -> Domain:
    """The whole configuration that is meant: what is declared over what is there, or over the defaults when new.

    Raises:
        InvalidInput: it makes no sense, such as more memory than its maximum.
        Conflict: the guest is not the one that is meant (another UUID).
    """
    wanted = declared.domain
    base = (found.stored or found.running) if found else None
    if base is None:
        base = _NEW_HVM if wanted.type is DomainType.HVM else _NEW
    elif wanted.uuid is not None and base.uuid != wanted.uuid:
        raise Conflict(
            "another guest has this name",
            guest=wanted.name,
            found=f"UUID {base.uuid}",
            expected=f"UUID {wanted.uuid}",
            remedy="Remove or rename that one, or leave the UUID out.",
        )
    memory, memory_max = _pair(wanted.memory, wanted.memory_max, base.memory, base.memory_max)
    vcpus, vcpus_max = _pair(wanted.vcpus, wanted.vcpus_max, base.vcpus, base.vcpus_max)
    target = replace(
        Domain(
            **{field.name: _over(getattr(wanted, field.name), getattr(base, field.name)) for field in fields(Domain)}
        ),
        memory=memory,
        memory_max=memory_max,
        vcpus=vcpus,
        vcpus_max=vcpus_max,
        disks=_merge_disks(wanted.disks, base.disks or (), declared.keep_unlisted_disks),
        networks=_merge_nics(wanted, base.networks or (), declared.keep_unlisted_networks),
    )
    if target.type is not base.type:
        target = replace(target, **_of_other_type(target))
    _check(target)
    if len(wanted.cpus or ()) > (target.vcpus_max or 1):
        raise InvalidInput(
            "cpus has more entries than the guest has VCPUs",
            guest=target.name,
            found=f"{len(wanted.cpus or ())} entries, {target.vcpus_max} VCPUs",
        )
    check_type(target, wanted)
    check_devices(target, base)
    return _settled(target, wanted, base)


def _of_other_type(target: Domain) -> dict[str, Any]:
    """What comes and goes with a change of type: what the guest cannot have any more would be left behind in silence, or refused."""
    going = {
        option: value
        for option, value in _GOING.items()
        if target.type not in ONLY_FOR[option] and getattr(target, option) not in (None, value)
    }
    # libvirt gives it to an HVM guest without one.
    return {**going, "boot": ("disk",)} if target.type is DomainType.HVM and not target.boot else going


def _settled(target: Domain, wanted: Domain, base: Domain) -> Domain:
    """With the fields that follow from others."""
    is_hvm, shown = target.type is DomainType.HVM, target.graphics not in (None, "none")
    other_card = target.video != base.video and wanted.video_memory is None
    bootloader = _bootloader(target, wanted)
    return replace(
        target,
        # The Xen driver stores no pinning of VCPUs that are not there yet.
        cpus=shared_pinning(each_pinning(wanted.cpus, target.vcpus or 1)) if wanted.cpus else target.cpus,
        bootloader=bootloader,
        bootloader_args=target.bootloader_args if bootloader else None,
        e820_host=_sees_memory_map(target, wanted),
        firmware=(target.firmware or "bios") if is_hvm else None,
        graphics_listen=(target.graphics_listen or GRAPHICS_LISTEN) if shown else None,
        graphics_port=(target.graphics_port or 0) if shown else None,
        graphics_password=target.graphics_password if shown else None,
        graphics_keymap=target.graphics_keymap if shown else None,
        video_memory=None if other_card else target.video_memory,
    )


def _bootloader(target: Domain, wanted: Domain) -> str | None:
    if target.bootloader is None and target.type is DomainType.PV and target.kernel is None:
        return _PV_BOOTLOADER
    if target.bootloader is None and wanted.bootloader_args:
        raise InvalidInput("bootloader_args without a bootloader", guest=target.name)
    return target.bootloader


def _sees_memory_map(target: Domain, wanted: Domain) -> bool | None:
    """As xl has it for a PV guest with PCI devices: without the map, Linux tells them addresses that are the guest's own."""
    if target.e820_host is None and target.type is DomainType.PV and wanted.pci_devices:
        return True
    return target.e820_host


def _over(wanted: Any, found: Any) -> Any:
    """What is declared, or else what is there. An empty text takes away what is there."""
    if wanted is None:
        return found
    return None if wanted == "" else wanted


def _check(target: Domain) -> None:
    if target.memory is None or target.memory_max is None:
        raise InvalidInput("memory is missing, and there is no such guest yet", guest=target.name)
    if target.memory > target.memory_max:
        raise InvalidInput(
            "memory is above memory_max", guest=target.name, found=f"{target.memory} of {target.memory_max}"
        )
    if (target.vcpus or 1) > (target.vcpus_max or 1):
        raise InvalidInput("vcpus is above vcpus_max", guest=target.name, found=f"{target.vcpus} of {target.vcpus_max}")
    if target.ramdisk is not None and target.kernel is None:
        raise InvalidInput("ramdisk without a kernel", guest=target.name)
    if target.numa_nodes:
        _check_numa(target)


def _check_numa(target: Domain) -> None:
    nodes = target.numa_nodes or ()
    total = Size(sum(node.memory.bytes for node in nodes))
    if total != target.memory_max:
        raise InvalidInput(
            "the memory of numa_nodes is not that of the guest",
            guest=target.name,
            found=f"{total} in its nodes, memory_max {target.memory_max}",
        )
    vcpus = [vcpu for node in nodes for vcpu in cpus_in(node.vcpus)]
    if max(vcpus) >= (target.vcpus_max or 1) or len(set(vcpus)) != len(vcpus):
        raise InvalidInput(
            "numa_nodes.vcpus names a VCPU twice, or one that the guest does not have",
            guest=target.name,
            found="; ".join(node.vcpus for node in nodes),
            expected=f"of the VCPUs 0-{(target.vcpus_max or 1) - 1} each in one node",
        )
    # Libvirt fills in what only some nodes leave out.
    if any(node.distances for node in nodes) and any(len(node.distances) != len(nodes) for node in nodes):
        raise InvalidInput(
            "numa_nodes.distances needs a distance to each node, for all nodes or for none",
            guest=target.name,
            expected=f"{len(nodes)} each",
        )
    if any(
        (far == _ITSELF) != (place == index)
        for index, node in enumerate(nodes)
        for place, far in enumerate(node.distances)
    ):
        raise InvalidInput(
            "numa_nodes.distances of a node is 10 to itself, and more to each other",
            guest=target.name,
            found="; ".join(" ".join(map(str, node.distances)) for node in nodes),
        )


def _pair(
    wanted: Amount | None, wanted_max: Amount | None, found: Amount | None, found_max: Amount | None
) -> tuple[Amount | None, Amount | None]:
    """An amount and its maximum: each follows the other where only one is declared."""
    amount = wanted or found
    maximum = wanted_max or found_max
    if wanted is not None and wanted_max is None and (maximum is None or wanted > maximum):
        maximum = wanted
    if amount is None or (wanted is None and maximum is not None and amount > maximum):
        amount = maximum
    return amount, maximum or amount


def _merge_disks(wanted: tuple[Disk, ...] | None, found: tuple[Disk, ...], keep: bool) -> tuple[Disk, ...]:
    if wanted is None:
        return found
    known = {disk.target: disk for disk in found}
    named = tuple(disk.over(known.pop(disk.target, None)) for disk in wanted)
    return (*named, *(known.values() if keep else ()))


def _merge_nics(domain: Domain, found: tuple[Nic, ...], keep: bool) -> tuple[Nic, ...]:
    """Interfaces are told apart by MAC address; one declared without keeps that of the interface at its position."""
    if domain.networks is None:
        return found
    taken = {nic.mac for nic in domain.networks if nic.mac}
    known = {nic.mac: nic for nic in found}
    result: list[Nic] = []
    for index, nic in enumerate(domain.networks):
        mac = nic.mac or _free_mac(domain.name, index, found, taken)
        taken.add(mac)
        result.append(replace(nic, mac=mac).over(known.get(mac)))
    return (*result, *(nic for nic in found if keep and nic.mac not in taken))


def _free_mac(name: str, index: int, found: tuple[Nic, ...], taken: Collection[str]) -> str:
    """The MAC address at a position, or one that no interface of the guest has."""
    here = found[index].mac if index < len(found) else None
    if here is not None and here not in taken:
        return here
    others = {nic.mac for nic in found}
    derived = (derived_mac(name, number) for number in itertools.count(index))
    return next(mac for mac in derived if mac not in taken and mac not in others)
