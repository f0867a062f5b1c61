# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What a running guest uses, by way of libvirt. Its Xen driver has no bulk statistics: each counter is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.connection import libvirt
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.usage import DiskUsage, NicUsage, Usage
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.devices import host_interfaces


class _Counters:
    """Asks for counters; one that cannot be told is nothing."""

    def __init__(self) -> None:
        self.busy = False

    def ask(self, call: Callable[[], Iterable[int]]) -> tuple[int | None, ...] | None:
        """What a call returns, or None when the driver cannot tell.

        Raises:
            libvirt.libvirtError: the guest is gone.
        """
        if self.busy:
            return None
        try:
            # -1 is libvirt's way to say 'not known'.
            return tuple(None if number < 0 else number for number in call())
        except libvirt.libvirtError as error:
            code = error.get_error_code()
            if code == libvirt.VIR_ERR_NO_DOMAIN:
                raise
            # Something else works on the guest, such as a migration; each further question would wait as long.
            self.busy = code == libvirt.VIR_ERR_OPERATION_TIMEOUT
            return None


def read_usage(domain: Any, running: Domain, running_xml: str) -> Usage:
    """What a running guest uses.

    Args:
        domain: libvirt's handle of it.
        running: what it runs with.
        running_xml: the same as libvirt's XML: only there is the host's name of each interface.

    Raises:
        libvirt.libvirtError: the guest is gone.
    """
    counters = _Counters()
    _state, maximum, memory, vcpus, nanoseconds = counters.ask(domain.info) or (None,) * 5
    names = host_interfaces(running_xml)
    return Usage(
        memory=None if memory is None else Size.from_kib(memory),
        memory_max=None if maximum is None else Size.from_kib(maximum),
        vcpus=vcpus,
        cpu_seconds=None if nanoseconds is None else round(nanoseconds / 1e9, 3),
        disks={disk.target: _disk(domain, counters, disk.target) for disk in running.disks or ()},
        networks={nic.mac: _nic(domain, counters, names.get(nic.mac)) for nic in running.networks or () if nic.mac},
    )


def _disk(domain: Any, counters: _Counters, target: str) -> DiskUsage:
    """The Xen driver counts only for block devices of the host: those that Xen's own backend serves."""
    told = counters.ask(lambda: domain.blockStats(target))
    if told is None:
        return DiskUsage()
    read_requests, read_bytes, write_requests, written_bytes, *_errors = told
    return DiskUsage(read_bytes, read_requests, written_bytes, write_requests)


def _nic(domain: Any, counters: _Counters, name: str | None) -> NicUsage:
    """Libvirt counts as the guest does: what it has received came out of the host's end."""
    told = counters.ask(lambda: domain.interfaceStats(name)) if name else None
    return NicUsage() if told is None else NicUsage(*told)
