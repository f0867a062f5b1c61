# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A guest: what Xen calls a domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size


class DomainType(StrEnum):
    """How a guest is virtualised."""

    PV = "pv"
    PVH = "pvh"
    HVM = "hvm"


class PowerState(StrEnum):
    """What a guest does right now."""

    RUNNING = "running"
    PAUSED = "paused"
    SHUTTING_DOWN = "shutting_down"
    STOPPED = "stopped"
    CRASHED = "crashed"

    @property
    def is_active(self) -> bool:
        """Whether Xen has the domain."""
        return self not in (PowerState.STOPPED, PowerState.CRASHED)


class TargetState(StrEnum):
    """What an operator may ask for."""

    PRESENT = "present"
    RUNNING = "running"
    RESTARTED = "restarted"
    PAUSED = "paused"
    SAVED = "saved"
    STOPPED = "stopped"
    ABSENT = "absent"


class WaitFor(StrEnum):
    """What a running guest is waited for."""

    SSH = "ssh"


TSC_MODES = ("default", "native", "always_emulate", "native_paravirt")
ON_POWEROFF = ("destroy", "restart", "preserve", "rename-restart")
ON_CRASH = (*ON_POWEROFF, "coredump-destroy", "coredump-restart")


@dataclass(frozen=True)
class Domain:
    """A guest's configuration. In what an operator declares, None is 'not managed'.

    Attributes:
        name: its name, unique on a host.
        uuid: its UUID in lower case.
        type: PV, PVH or HVM.
        memory: what it has; not above ``memory_max``.
        memory_max: what it can be given while it runs.
        vcpus: the VCPUs it has; not above ``vcpus_max``.
        vcpus_max: the VCPUs it can be given while it runs.
        kernel: path on the host of the kernel it boots.
        ramdisk: path on the host of its initial RAM disk.
        cmdline: its kernel's command line.
        tsc_mode: how it reads the CPU's time stamp counter, one of `TSC_MODES`.
        disks: its disks.
        networks: its network interfaces.
        on_poweroff: what Xen does when it powers off.
        on_reboot: what Xen does when it reboots.
        on_crash: what Xen does when it crashes.
        labels: free keys and values that go with the definition.
    """

    name: str
    uuid: str | None = None
    type: DomainType | None = None
    memory: Size | None = None
    memory_max: Size | None = None
    vcpus: int | None = None
    vcpus_max: int | None = None
    kernel: str | None = None
    ramdisk: str | None = None
    cmdline: str | None = None
    tsc_mode: str | None = None
    disks: tuple[Disk, ...] | None = None
    networks: tuple[Nic, ...] | None = None
    on_poweroff: str | None = None
    on_reboot: str | None = None
    on_crash: str | None = None
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True)
class FoundDomain:
    """A guest as a host has it.

    Attributes:
        stored: the configuration of its next start; None for one that only runs (transient).
        stored_xml: the same as libvirt's own XML, which a change starts from.
        running: the configuration it runs with; None when it does not.
        state: what it does right now.
        autostart: whether it starts with the host.
        managed_save: whether its memory was saved to disk, to be restored at its next start.
    """

    name: str
    stored: Domain | None
    stored_xml: str | None
    running: Domain | None
    state: PowerState
    autostart: bool = False
    managed_save: bool = False

    @property
    def configuration(self) -> Domain:
        """What it runs with, or what is stored when it does not run."""
        # Libvirt knows no domain without either.
        return self.running or self.stored or Domain(self.name)

    @property
    def shown_state(self) -> str:
        """Its state for people: ``saved`` for one whose memory waits on the disk, not just ``stopped``."""
        return "saved" if self.managed_save and not self.state.is_active else self.state.value


@dataclass(frozen=True)
class Declaration:
    """What an operator declares of one guest.

    Attributes:
        domain: its configuration.
        state: its power state or presence.
        autostart: whether it starts with the host; None: not managed.
        keep_unlisted_disks: disks that are found but not declared stay attached.
        keep_unlisted_networks: the same for network interfaces.
        timeout: seconds that a guest is given to shut down.
        force: destroy a guest that did not shut down in time.
        restart_if_needed: restart a running guest when something else would have to wait for its next boot.
        wait_for: what a guest that shall run has to do before it counts as ready; None: nothing.
        wait_port: the TCP port on which its SSH server listens.
        wait_timeout: seconds that it is given to get ready.
    """

    domain: Domain
    state: TargetState = TargetState.RUNNING
    autostart: bool | None = None
    keep_unlisted_disks: bool = True
    keep_unlisted_networks: bool = True
    timeout: float = 120.0
    force: bool = False
    restart_if_needed: bool = False
    wait_for: WaitFor | None = None
    wait_port: int = 22
    wait_timeout: float = 300.0
