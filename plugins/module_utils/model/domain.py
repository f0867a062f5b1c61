# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A guest: what Xen calls a domain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import Channel, NumaNode, UsbController
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
    SUSPENDED = "suspended"
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
    """What a guest that was started is waited for."""

    RUNNING = "running"
    ADDRESS = "address"
    SSH = "ssh"
    STOPPED = "stopped"


TSC_MODES = ("default", "native", "always_emulate", "native_paravirt")
ON_POWEROFF = ("destroy", "restart", "preserve", "rename-restart")
ON_CRASH = (*ON_POWEROFF, "coredump-destroy", "coredump-restart")
BOOT_DEVICES = ("disk", "cdrom", "network")
FIRMWARES = ("bios", "uefi")
CLOCKS = ("utc", "localtime")
PASSTHROUGH = ("sync_pt", "share_pt")
# How a feature of the CPU is given to a guest, in libvirt's words.
FEATURE_POLICIES = ("force", "require", "optional", "disable", "forbid")
GRAPHICS = ("vnc", "spice", "none")
# Where a screen is shown that names no address.
GRAPHICS_LISTEN = "127.0.0.1"
VIDEOS = ("vga", "cirrus", "qxl", "xen")
SOUNDS = ("sb16", "es1370", "ac97", "pcspk")
USB_INPUTS = ("mouse", "tablet")


@dataclass(frozen=True)
class Domain:
    """A guest's configuration. In what an operator declares, None is 'not managed'.

    In one that was found, None is also 'not there' for what is a text, and 'as Xen has it' for everything else.

    Attributes:
        name: its name, unique on a host.
        uuid: its UUID in lower case.
        type: PV, PVH or HVM.
        memory: what it has; not above ``memory_max``.
        memory_max: what it can be given while it runs.
        vcpus: the VCPUs it has; not above ``vcpus_max``.
        vcpus_max: the VCPUs it can be given while it runs.
        cpus: the host's CPUs that its VCPUs may run on: one set for all of them, or one for each; empty for all CPUs.
        cpu_weight: its share of the CPUs when they are short, against 256 of a guest that has none given.
        cpu_cap: what it gets at the most, in percent of one CPU; 0 for no limit. Libvirt stores no such thing; it is kept in the
            definition's metadata.
        cpu_features: features of the CPU, each with one of `FEATURE_POLICIES`.
        numa_nodes: the NUMA nodes that it sees.
        kernel: path on the host of the kernel it boots.
        ramdisk: path on the host of its initial RAM disk.
        cmdline: its kernel's command line.
        bootloader: the program on the host that finds a PV guest's kernel.
        bootloader_args: what that is called with.
        boot: what an HVM guest boots from, in this order, of `BOOT_DEVICES`.
        firmware: what an HVM guest boots with, one of `FIRMWARES`.
        acpi: whether it has ACPI.
        apic: whether it has an APIC.
        pae: whether it has physical address extension.
        hap: whether its page tables are the hardware's business.
        viridian: whether it is shown the interfaces of Hyper-V.
        e820_host: whether a PV guest sees the host's memory map, for its PCI devices.
        passthrough: how the IOMMU's page tables are made, one of `PASSTHROUGH`.
        clock: what its clock shows at its start, one of `CLOCKS`.
        tsc_mode: how it reads the CPU's time stamp counter, one of `TSC_MODES`.
        hpet: whether it has a high precision event timer.
        event_channels_max: how many event channels it may have.
        grant_frames_max: how many frames its grant table may have.
        disks: its disks.
        networks: its network interfaces.
        graphics: how its screen is shown, one of `GRAPHICS`.
        graphics_listen: the host's address on which that is.
        graphics_port: the port; 0 for one that Xen chooses.
        graphics_password: what one has to know to see it.
        graphics_keymap: the layout of the keyboard, such as ``de``.
        video: its graphics card, one of `VIDEOS`.
        video_memory: that card's memory.
        serials: its serial ports, as xl.cfg(5) writes them.
        channels: its channels to programs on the host.
        usb_inputs: its input devices on the USB, of `USB_INPUTS`.
        usb_controllers: its USB controllers.
        sound: its sound card, one of `SOUNDS`.
        pci_devices: the host's PCI devices that it has, such as ``0000:03:00.0``.
        usb_devices: the host's USB devices that it has, as ``vendor:product``.
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
    cpus: tuple[str, ...] | None = None
    cpu_weight: int | None = None
    cpu_cap: int | None = None
    cpu_features: Mapping[str, str] | None = None
    numa_nodes: tuple[NumaNode, ...] | None = None
    kernel: str | None = None
    ramdisk: str | None = None
    cmdline: str | None = None
    bootloader: str | None = None
    bootloader_args: str | None = None
    boot: tuple[str, ...] | None = None
    firmware: str | None = None
    acpi: bool | None = None
    apic: bool | None = None
    pae: bool | None = None
    hap: bool | None = None
    viridian: bool | None = None
    e820_host: bool | None = None
    passthrough: str | None = None
    clock: str | None = None
    tsc_mode: str | None = None
    hpet: bool | None = None
    event_channels_max: int | None = None
    grant_frames_max: int | None = None
    disks: tuple[Disk, ...] | None = None
    networks: tuple[Nic, ...] | None = None
    graphics: str | None = None
    graphics_listen: str | None = None
    graphics_port: int | None = None
    graphics_password: str | None = field(default=None, repr=False)
    graphics_keymap: str | None = None
    video: str | None = None
    video_memory: Size | None = None
    serials: tuple[str, ...] | None = None
    channels: tuple[Channel, ...] | None = None
    usb_inputs: tuple[str, ...] | None = None
    usb_controllers: tuple[UsbController, ...] | None = None
    sound: str | None = None
    pci_devices: tuple[str, ...] | None = None
    usb_devices: tuple[str, ...] | None = None
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
        running_xml: the same as libvirt's XML.
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
    running_xml: str | None = None

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
        remove_disks: the targets of the disks that go with a guest that shall be absent.
        xml: a part of libvirt's XML that its definition shall contain.
        restart_if_needed: restart a running guest when something else would have to wait for its next boot.
        wait_for: what a guest that shall run has to do before it counts as ready; None: nothing.
        wait_port: the TCP port on which its SSH server listens, or at which it is asked whether it is there.
        wait_timeout: seconds that it is given to get ready.
    """

    domain: Domain
    state: TargetState = TargetState.RUNNING
    autostart: bool | None = None
    keep_unlisted_disks: bool = True
    keep_unlisted_networks: bool = True
    timeout: float = 120.0
    force: bool = False
    remove_disks: tuple[str, ...] = ()
    xml: str | None = None
    restart_if_needed: bool = False
    wait_for: WaitFor | None = None
    wait_port: int = 22
    wait_timeout: float = 300.0
