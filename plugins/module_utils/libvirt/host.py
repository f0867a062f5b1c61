# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A host's own data by way of libvirt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.connection import libvirt, translated
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.hypervisor import DOM0_UUID, LibvirtHypervisor
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host import Host, Space
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size


def read_host(connection: Any, active: Mapping[int, str], *, shadow_paging: bool) -> Host:
    """The host behind a connection.

    Args:
        connection: an open libvirt connection.
        active: the guests that Xen itself lists, id to name.
        shadow_paging: whether Xen has it; a PV guest cannot be moved live without.

    Raises:
        HypervisorError: libvirt refused to tell.
    """
    hypervisor = LibvirtHypervisor(connection)
    _model, memory_mib, cpus, *_rest = translated("describe the host", connection.getInfo)
    domains = translated("list the guests", connection.listAllDomains)
    known = {domain.ID() for domain in domains}
    types = hypervisor.domain_types()
    return Host(
        name=translated("tell the host's name", connection.getHostname),
        xen_version=_version(connection.getVersion()) if connection.getType() == "Xen" else None,
        libvirt_version=_version(connection.getLibVersion()),
        types=tuple(sorted(types)),
        live_migration=tuple(sorted(types if shadow_paging else types - {"pv"})),
        memory_total=Size(memory_mib * MIB),
        memory_free=hypervisor.free_memory(),
        cpus=cpus,
        guests={domain.name(): domain.UUIDString() for domain in domains if domain.UUIDString() != DOM0_UUID},
        foreign_guests=tuple(name for domid, name in sorted(active.items()) if domid not in known),
    )


def read_pools(connection: Any) -> tuple[Space, ...]:
    """The active storage pools of libvirt; none where it has no driver for them."""
    try:
        pools = connection.listAllStoragePools(libvirt.VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE)
        told = [(pool.name(), pool.info()) for pool in pools]
    except libvirt.libvirtError:
        return ()
    return tuple(
        sorted((Space("pool", name, Size(info[1]), Size(info[3])) for name, info in told), key=lambda one: one.name)
    )


def _version(number: int) -> str:
    """Libvirt writes versions as 1000000 * major + 1000 * minor + release."""
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
