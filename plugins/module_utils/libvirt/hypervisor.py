# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Xen by way of libvirt. The comments name traps of libvirt's Xen driver, which the API does not show."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed, HypervisorError
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.connection import libvirt, translated
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.driver_log import heard
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.pciback import with_pciback
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, FoundDomain, PowerState
from ansible_collections.xenfleet.xen.plugins.module_utils.model.power import power_state
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import Hypervisor
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.capabilities import domain_types
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import parse_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.hardware import as_running

DOM0_UUID = "00000000-0000-0000-0000-000000000000"


def listed(connection: Any, flag: int = 0) -> list[Any]:
    """The guests of a host that have a mark, in one question; without a mark all. Domain-0 is left out."""
    domains = translated("list the guests", lambda: connection.listAllDomains(flag))
    return [domain for domain in domains if domain.UUIDString() != DOM0_UUID]


def marked(connection: Any, flag: int) -> frozenset[str]:
    """The names of the guests that have a mark."""
    return frozenset(domain.name() for domain in listed(connection, flag))


def scheduled(domain: Any, running: Domain, stored: Domain | None) -> Domain:
    """The running configuration with what the scheduler goes by, where the stored one says something of that.

    Of a guest of which nothing is stored, the running one has to say it.

    A weight that is set while a guest runs does not get into its definition, and libvirt stores no cap at all.

    Raises:
        libvirt.libvirtError: libvirt could not tell.
    """
    said = stored or running
    if said.cpu_weight is None and said.cpu_cap is None:
        return running
    told = domain.schedulerParameters()
    return replace(
        running,
        cpu_weight=running.cpu_weight if said.cpu_weight is None else told.get("weight"),
        cpu_cap=running.cpu_cap if said.cpu_cap is None else told.get("cap", 0),
    )


def _state(domain: Any, is_active: Callable[[], int]) -> PowerState:
    """What a guest does right now; whether Xen has it is asked only when libvirt calls it off.

    Libvirt calls a guest off as soon as Xen does. It is over when libvirt has put away what is left: the guest's devices, and the guest
    itself when it is not stored any more.
    """
    state = power_state(domain.state()[0])
    return PowerState.SHUTTING_DOWN if state is PowerState.STOPPED and is_active() else state


def _unreadable(name: str, error: Exception) -> HypervisorError:
    return HypervisorError("libvirt could not read the guest", guest=name, found=str(error))


class LibvirtHypervisor:
    """Implements ``Hypervisor``, ``MovingHypervisor`` and ``RestoringHypervisor`` of ``ports``.

    Args:
        connection: an open libvirt connection.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def domains(self) -> tuple[FoundDomain, ...]:
        """All guests, with one list for each mark instead of a question for each guest."""
        autostarted = marked(self.connection, libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART)
        saved = marked(self.connection, libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)
        found = []
        for domain in listed(self.connection):
            name = domain.name()
            guest = self._read(domain, autostart=name in autostarted, managed_save=name in saved)
            if guest is not None:
                found.append(guest)
        return tuple(found)

    def domain(self, name: str) -> FoundDomain | None:
        """One guest, asked for its own marks: of a host with many guests, the lists are long."""
        try:
            domain = self.connection.lookupByName(name)
            autostart, managed_save = bool(domain.autostart()), bool(domain.hasManagedSaveImage())
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return None
            raise _unreadable(name, error) from error
        return self._read(domain, autostart=autostart, managed_save=managed_save)

    def _read(self, domain: Any, *, autostart: bool, managed_save: bool) -> FoundDomain | None:
        name = domain.name()
        try:
            active = domain.isActive()
            state = _state(domain, lambda: active)
            # Without SECURE a VNC password is left out, and a definition made from it would lose it.
            running_xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE) if active else None
            flags = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
            stored_xml = domain.XMLDesc(flags) if domain.isPersistent() else None
            stored = parse_domain(stored_xml) if stored_xml else None
            running = parse_domain(running_xml) if running_xml else None
            if running is not None:
                running = scheduled(domain, running, stored)
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return None  # gone between the list and the question
            raise _unreadable(name, error) from error
        return FoundDomain(
            name=name,
            stored=stored,
            stored_xml=stored_xml,
            running=running,
            state=state,
            autostart=autostart,
            managed_save=managed_save,
            running_xml=running_xml,
        )

    def state(self, name: str) -> PowerState | None:
        """What a guest does right now."""
        try:
            domain = self.connection.lookupByName(name)
            return _state(domain, domain.isActive)
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return None
            raise HypervisorError(
                "libvirt could not tell the guest's state", guest=name, found=error.get_error_message()
            ) from error

    def addresses(self, name: str) -> tuple[str, ...]:
        """What the DHCP servers of libvirt's networks have given a guest; the Xen driver knows no other addresses."""
        source = libvirt.VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE
        try:
            interfaces = self.connection.lookupByName(name).interfaceAddresses(source)
        except libvirt.libvirtError:
            return ()  # off, or gone
        return tuple(
            entry["addr"] for interface in interfaces.values() for entry in (interface or {}).get("addrs") or ()
        )

    def domain_types(self) -> frozenset[str]:
        """The types that can run here."""
        return domain_types(translated("tell what it can run", self.connection.getCapabilities))

    def free_memory(self) -> Size | None:
        """What Xen has left for guests."""
        try:
            return Size(self.connection.getFreeMemory())
        except libvirt.libvirtError:
            return None  # libvirt's test driver has no such call

    def cpu_count(self) -> int:
        """The host's CPUs, of which Domain-0 may see fewer."""
        return int(translated("tell its CPUs", self.connection.getInfo)[2])

    def define(self, xml: str) -> None:
        """Store a configuration."""
        translated("store the configuration", lambda: self.connection.defineXML(xml))

    def undefine(self, name: str) -> None:
        """Forget a stored configuration; the Xen driver takes no other flag than this one."""
        domain = self._domain(name)
        flags = libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        translated("remove the guest", lambda: domain.undefineFlags(flags), guest=name)

    def start(self, name: str, *, paused: bool = False) -> None:
        """Start a guest."""
        domain = self._domain(name)
        flags = libvirt.VIR_DOMAIN_START_PAUSED if paused else 0
        remedy = f"Its host says more in /var/log/libvirt/libxl/libxl-driver.log and /var/log/xen/qemu-dm-{name}.log."
        if translated("look for its saved memory", domain.hasManagedSaveImage, guest=name):
            remedy += f" Its saved memory is no good, perhaps: 'virsh managedsave-remove {name}' forgets it, and it starts afresh."
        with heard():
            start = partial(with_pciback, lambda: domain.createWithFlags(flags))
            translated("start the guest", start, guest=name, remedy=remedy)

    def pause(self, name: str) -> None:
        """Let a guest stand still."""
        domain = self._domain(name)
        translated("pause the guest", domain.suspend, guest=name)

    def save(self, name: str) -> None:
        """Save a guest's memory; libvirt restores it at the next start. What is left of a save that failed is not whole, and goes."""
        domain = self._domain(name)
        try:
            translated("save the guest", domain.managedSave, guest=name)
        except HypervisorError:
            with contextlib.suppress(libvirt.libvirtError):
                if domain.isActive() and domain.hasManagedSaveImage():
                    domain.managedSaveRemove()
            raise

    def restore(self, path: str) -> None:
        """Let a saved guest go on. The driver reads the path in one go (libxlDomainRestoreFlags), so it may be a named pipe."""
        translated("restore the saved guest", lambda: self.connection.restore(path))

    def resume(self, name: str) -> None:
        """Let a paused guest go on."""
        domain = self._domain(name)
        translated("resume the guest", domain.resume, guest=name)

    def wake(self, name: str) -> None:
        """Let a suspended guest go on. A saved memory that there is of a guest that has not ended is not whole."""
        domain = self._domain(name)
        translated("wake the guest", domain.pMWakeup, guest=name)
        self.forget_saved(name)

    def forget_saved(self, name: str) -> None:
        """Forget what there is of a running guest's saved memory.

        It is no save that goes on: libvirt says that there is one when it is done, and when it looks for files at its own start.
        """
        domain = self._domain(name)
        if translated("look for its saved memory", domain.hasManagedSaveImage, guest=name):
            translated("forget its saved memory", domain.managedSaveRemove, guest=name)

    def shutdown(self, name: str) -> None:
        """Ask a guest to shut down."""
        domain = self._domain(name)
        translated("shut the guest down", domain.shutdown, guest=name)

    def destroy(self, name: str) -> None:
        """Take a guest's power away."""
        domain = self._domain(name)
        translated("destroy the guest", domain.destroy, guest=name)

    def set_memory(self, name: str, size: Size) -> None:
        """Balloon a running guest; the stored side is written by the definition, whose check it would fail here."""
        domain = self._domain(name)
        flags = libvirt.VIR_DOMAIN_AFFECT_LIVE
        translated(f"set the memory to {size}", lambda: domain.setMemoryFlags(size.kib, flags), guest=name)

    def set_vcpus(self, name: str, count: int) -> None:
        """Plug VCPUs; with flags 0 the Xen driver refuses, and past the stored maximum it leaks its job lock."""
        domain = self._domain(name)
        flags = libvirt.VIR_DOMAIN_AFFECT_LIVE
        translated(f"set the VCPUs to {count}", lambda: domain.setVcpusFlags(count, flags), guest=name)

    def pin_vcpus(self, name: str, cpus: Sequence[str]) -> None:
        """Pin the VCPUs that a running guest has; asked for both sides at once, the Xen driver would do only this one.

        By virsh: the Python binding first asks the host for its map of CPUs, which the Xen driver cannot tell.
        """
        domain = self._domain(name)
        flags = libvirt.VIR_DOMAIN_AFFECT_LIVE
        there = translated("count the VCPUs", lambda: domain.vcpusFlags(flags), guest=name)
        virsh = ("virsh", "--quiet", "--connect", self.connection.getURI())
        for vcpu, members in enumerate(cpus[:there]):
            try:
                HostCommands().run([*virsh, "vcpupin", name, str(vcpu), members, "--live"])
            except CommandFailed as error:
                raise HypervisorError(f"libvirt could not pin VCPU {vcpu}", guest=name, found=error.found) from error

    def set_scheduler(self, name: str, weight: int | None, cap: int | None) -> None:
        """Set what Xen's scheduler goes by; the driver does it for running guests only, stores nothing, and takes no flags."""
        domain = self._domain(name)
        asked = {key: value for key, value in (("weight", weight), ("cap", cap)) if value is not None}
        translated("set the scheduler", lambda: domain.setSchedulerParameters(asked), guest=name)

    def attach(self, name: str, device: str) -> None:
        """Plug a device into a running guest."""
        domain = self._domain(name)
        flags = libvirt.VIR_DOMAIN_AFFECT_LIVE
        with heard():
            attach = partial(with_pciback, lambda: domain.attachDeviceFlags(device, flags))
            translated("plug the device in", attach, guest=name)

    def detach(self, name: str, device: str) -> None:
        """Unplug a device; libxl asks the guest, and gives up after ten seconds."""
        domain = self._domain(name)
        flags = libvirt.VIR_DOMAIN_AFFECT_LIVE
        with heard():
            running = translated("read the guest", domain.XMLDesc, guest=name)
            found = as_running(device, running)
            translated("unplug the device", lambda: domain.detachDeviceFlags(found, flags), guest=name)

    def update(self, name: str, device: str) -> None:
        """Change the medium of a CD-ROM drive; the Xen driver takes no other update."""
        domain = self._domain(name)
        flags = libvirt.VIR_DOMAIN_AFFECT_LIVE
        translated("change the medium", lambda: domain.updateDeviceFlags(device, flags), guest=name)

    def networks(self) -> frozenset[str] | None:
        """Libvirt's active networks; a daemon without its network driver refuses the question."""
        try:
            active = self.connection.listAllNetworks(libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE)
        except libvirt.libvirtError:
            return None
        return frozenset(network.name() for network in active)

    def set_autostart(self, name: str, autostart: bool) -> None:
        """Let a guest start with its host, or not."""
        domain = self._domain(name)
        translated("set autostart", lambda: domain.setAutostart(int(autostart)), guest=name)

    def migrate(self, name: str, destination: Hypervisor, transport: str, *, live: bool) -> None:
        """Send a running guest; without a transport URI the destination would listen on what its own name means."""
        if not isinstance(destination, LibvirtHypervisor):
            raise HypervisorError("the destination is no libvirt host", guest=name)
        domain = self._domain(name)
        flags = libvirt.VIR_MIGRATE_PERSIST_DEST | libvirt.VIR_MIGRATE_UNDEFINE_SOURCE
        if live:
            flags |= libvirt.VIR_MIGRATE_LIVE
        parameters = {libvirt.VIR_MIGRATE_PARAM_URI: transport}
        connection = destination.connection
        translated("send the guest", lambda: domain.migrate3(connection, parameters, flags), guest=name)

    def _domain(self, name: str) -> Any:
        return translated("find the guest", lambda: self.connection.lookupByName(name), guest=name)
