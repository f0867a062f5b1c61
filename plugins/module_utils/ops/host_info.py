# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is reported of a host: what libvirt, Xen and the kernel tell, put together."""

from __future__ import annotations

from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.model.dom0 import File, Machine
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host import Host, Space
from ansible_collections.xenfleet.xen.plugins.module_utils.model.xen_info import XenInfo, memory_of, vcpus_of
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.dom0_boot import (
    kernel_arguments,
    next_boot,
    reboot_reasons,
    xen_arguments,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.key_file import value_of
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.dom0 import HostConfig


def host_report(host: Host, xen: XenInfo, config: HostConfig) -> dict[str, Any]:
    """The host itself, and who has its memory and CPUs."""
    foreign = [guest for guest in xen.guests if guest.name in host.foreign_guests]
    known = [guest for guest in xen.guests if guest not in foreign]
    reserved = None
    if xen.memory_total is not None and xen.memory_free is not None and xen.dom0 is not None:
        given = memory_of(xen.domains).bytes + xen.memory_free.bytes
        reserved = max(0, xen.memory_total.bytes - given) // 1024**2
    return {
        "name": host.name,
        "xen_version": host.xen_version,
        "libvirt_version": host.libvirt_version,
        "types": list(host.types),
        "live_migration": list(host.live_migration),
        "memory_total_mib": host.memory_total.mib,
        "memory_free_mib": host.memory_free.mib if host.memory_free else None,
        "memory_free": str(host.memory_free) if host.memory_free else None,
        "memory_guests_mib": memory_of(known).mib,
        "memory_foreign_guests_mib": memory_of(foreign).mib,
        "memory_reserved_mib": reserved,
        "cpus": host.cpus,
        "vcpus_guests": vcpus_of(known),
        "vcpus_foreign_guests": vcpus_of(foreign),
        "dom0": {"memory_mib": xen.dom0.memory.mib, "vcpus": xen.dom0.vcpus} if xen.dom0 else None,
        "abilities": _abilities(xen, config),
        "guests": host.guests,
        "foreign_guests": list(host.foreign_guests),
    }


def boot_report(machine: Machine, config: HostConfig) -> dict[str, Any]:
    """How a host was booted, and what of it would be otherwise now."""
    line = machine.xen.command_line if machine.xen else None
    entry = next_boot(config.read(File.MENU) or "") if machine.has_grub else None
    return {
        "xen": list(xen_arguments(line)) if line is not None else None,
        "kernel": list(kernel_arguments(machine.kernel_line)),
        "next_xen": list(entry.xen) if entry and entry.xen is not None else None,
        "next_kernel": list(entry.kernel) if entry else None,
        "restart_due": list(reboot_reasons(machine, entry)) if machine.xen else [],
    }


def space_report(space: Space) -> dict[str, Any]:
    """Where disks of guests can lie."""
    return {
        "kind": space.kind,
        "name": space.name,
        "total_mib": space.total.bytes // 1024**2,
        "free_mib": space.free.bytes // 1024**2,
    }


def _abilities(xen: XenInfo, config: HostConfig) -> dict[str, bool | None]:
    told = bool(xen.abilities)
    nested = value_of(config.read(File.LIBXL) or "", "nested_hvm")
    return {
        "hvm": xen.hvm if told else None,
        "hap": "hap" in xen.abilities if told else None,
        "iommu": xen.iommu if told else None,
        "shadow": "shadow" in xen.abilities if told else None,
        "nested_hvm": nested == "1",
    }
