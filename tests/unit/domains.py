"""Domains for the property tests, and a hypervisor in memory that keeps what it is given as libvirt would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from hypothesis import strategies as st

from ansible_collections.xenfleet.xen.plugins.module_utils.model.cpus import shared_pinning
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import DRIVERS, FORMATS, Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    BOOT_DEVICES,
    CLOCKS,
    FEATURE_POLICIES,
    FIRMWARES,
    GRAPHICS,
    PASSTHROUGH,
    SOUNDS,
    TSC_MODES,
    USB_INPUTS,
    VIDEOS,
    Domain,
    DomainType,
    FoundDomain,
    PowerState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import (
    Channel,
    HostDevice,
    UsbController,
    unordered,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import NETFRONT, Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rate import Rate
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rbd import Monitor, RbdLogin
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import DomainPlan
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.step import Action, Step
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import parse_domain, render_domain

_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["Cc", "Cs"]), min_size=1)
_PATHS = _TEXT.map(lambda text: "/srv/" + text.replace("/", "_"))
_MACS = st.integers(0, 0xFFFFFF).map(lambda n: f"00:16:3e:{n >> 16:02x}:{n >> 8 & 255:02x}:{n & 255:02x}")
_ACTIONS = st.sampled_from(["destroy", "restart", "preserve"])
SERIALS = ("pty", "null", "/dev/ttyS0", "file:/a", "pipe:/b", "unix:/c", "tcp:127.0.0.1:4555")
_SIZES = st.integers(1, 64).map(lambda count: Size(count * 16 * MIB))


# In an HVM guest QEMU emulates the first four; these have places of their own there.
_IDE, _DRIVES = ("hda", "xvdb"), ("hdc", "xvdd")
_TARGETS = {True: (*_IDE, *_DRIVES, "xvde", "sda", "sdp"), False: ("xvda", "xvdb", "xvdc", "xvdz", "xvdaa")}
_NAMES = st.sampled_from(["pool/web1", "pool/space/web1@old", "ssd/data"])
_SOURCES = st.one_of(_PATHS, st.sampled_from(["/dev/vg0/web1", "/dev/sr0"]), _NAMES.map(lambda name: f"rbd:{name}"))
_MONITORS = st.builds(Monitor, st.sampled_from(["mon1", "10.30.0.1", "fd00::1"]), st.none() | st.integers(1, 65535))
_LOGINS = st.builds(RbdLogin, st.sampled_from(["xen", "guests"]), st.uuids().map(str))
_IPS = st.lists(st.ip_addresses().map(str), max_size=2, unique=True)
_TAGS = st.lists(st.integers(1, 4094), min_size=1, max_size=3, unique=True).map(sorted).map(tuple)
_SCRIPTS = st.none() | st.sampled_from(["vif-custom", "/opt/xen/vif"])


@st.composite
def disks(draw: st.DrawFn, hvm: bool) -> tuple[Disk, ...]:
    """Disks with different targets and sources, as a guest can have them."""
    targets = draw(st.lists(st.sampled_from(_TARGETS[hvm]), unique=True, max_size=3))
    sources = draw(st.lists(_SOURCES, unique=True, min_size=len(targets), max_size=len(targets)))
    return tuple(_disk(draw, target, source, hvm) for target, source in zip(targets, sources, strict=True))


def _disk(draw: st.DrawFn, target: str, source: str, hvm: bool) -> Disk:
    cdrom = target in _DRIVES if hvm else draw(st.booleans())
    plain = Disk(
        target,
        None if hvm and cdrom and draw(st.booleans()) else source,
        draw(st.sampled_from(FORMATS)),
        readonly=cdrom or (draw(st.booleans()) and not (hvm and target in _IDE)),
        shareable=draw(st.booleans()),
        cdrom=cdrom,
        discard=draw(st.booleans()),
    )
    if plain.is_network:
        plain = replace(plain, monitors=tuple(draw(st.lists(_MONITORS, max_size=2))), login=draw(st.none() | _LOGINS))
    drivers = [driver for driver in DRIVERS if plain.takes(driver) and not (hvm and cdrom and driver == "phy")]
    return replace(plain, driver=draw(st.none() | st.sampled_from(drivers))).over(None)


@st.composite
def nics(draw: st.DrawFn, hvm: bool) -> tuple[Nic, ...]:
    """Interfaces with different MAC addresses, as a guest can have them."""
    return tuple(_nic(draw, mac, hvm) for mac in draw(st.lists(_MACS, unique=True, max_size=3)))


def _nic(draw: st.DrawFn, mac: str, hvm: bool) -> Nic:
    addresses = st.lists(st.ip_addresses(v=4).map(lambda address: f"{address}/24"), max_size=2, unique=True)
    place = draw(st.sampled_from(["bridge", "openvswitch", "vlan", "trunks", "network", "ethernet"]))
    bridge = None if place in ("network", "ethernet") else draw(st.sampled_from(["xenbr10", "xenbr20"]))
    return Nic(
        mac,
        bridge,
        tuple(draw(addresses)),
        network=draw(st.sampled_from(["default", "lab net"])) if place == "network" else None,
        script="vif-route" if place == "ethernet" else None if place == "network" else draw(_SCRIPTS),
        openvswitch=place in ("openvswitch", "vlan", "trunks"),
        vlan=draw(st.integers(1, 4094)) if place == "vlan" else None,
        trunks=draw(_TAGS) if place == "trunks" else (),
        model=draw(st.sampled_from([None, NETFRONT, "e1000"] if hvm else [None, NETFRONT])),
        rate=draw(st.none() | st.integers(1, 10**7).map(Rate)),
        guest_ips=tuple(draw(_IPS)),
    )


def fit(one: Domain, other: Domain | None) -> bool:
    """Whether a guest of the one's type could keep the other's devices."""
    return other is None or (one.type is DomainType.HVM) == (other.type is DomainType.HVM)


_CHANNELS = st.builds(Channel, st.sampled_from(["org.qemu.guest_agent.0", "a"]), st.none() | st.just("/run/a"))
_PCI = st.sets(st.sampled_from(["0000:03:00.0", "0000:04:1f.7"])).map(unordered)
_CONTROLLERS = st.builds(UsbController, st.sampled_from([1, 2]), st.integers(1, 15))
_FEATURES = st.dictionaries(st.sampled_from(["vmx", "avx2", "pdpe1gb"]), st.sampled_from(FEATURE_POLICIES))
_HARDWARE = {"hap": st.booleans(), "cpu_features": _FEATURES}
# The fields that only guests of a type can have.
_OF_TYPE = {
    DomainType.PV: st.fixed_dictionaries(
        {
            "bootloader": st.none() | st.just("pygrub"),
            "bootloader_args": st.none() | _TEXT,
            "e820_host": st.booleans(),
            "pci_devices": _PCI,
        }
    ),
    DomainType.PVH: st.fixed_dictionaries(_HARDWARE),
    DomainType.HVM: st.fixed_dictionaries(
        {
            **_HARDWARE,
            "acpi": st.booleans(),
            "apic": st.booleans(),
            "boot": st.permutations(BOOT_DEVICES).map(tuple),
            "firmware": st.sampled_from(FIRMWARES),
            "pae": st.booleans(),
            "viridian": st.booleans(),
            "hpet": st.booleans(),
            "video": st.sampled_from(VIDEOS),
            "video_memory": st.integers(0, 6).map(lambda power: Size(MIB << power)),
            "serials": st.lists(st.sampled_from(SERIALS), max_size=3, unique=True).map(tuple),
            "usb_inputs": st.sets(st.sampled_from(USB_INPUTS)).map(unordered),
            "sound": st.sampled_from([*SOUNDS, "none"]),
            "pci_devices": _PCI,
        }
    ),
}


def _pinnings(vcpus: int) -> st.SearchStrategy[tuple[str, ...]]:
    sets = st.lists(st.sampled_from(["", "0-3", "1", "2,5"]), min_size=vcpus, max_size=vcpus)
    return sets.map(shared_pinning)


@st.composite
def whole_domains(draw: st.DrawFn, name: str = "web1", kinds: Sequence[DomainType] = tuple(DomainType)) -> Domain:
    """Configurations with every field given that a guest of the type can have."""
    memory, vcpus = draw(_SIZES), draw(st.integers(1, 8))
    kind = draw(st.sampled_from(kinds))
    graphics = draw(st.sampled_from(GRAPHICS if kind is DomainType.HVM else ["none"]))
    shown = graphics != "none"
    of_type: dict[str, Any] = draw(_OF_TYPE[kind])
    if of_type.get("bootloader") is None:
        of_type["bootloader_args"] = None
    return Domain(
        name=name,
        uuid="6695eb01-f6a4-8304-79aa-97f2502e193f",
        type=kind,
        memory=memory,
        memory_max=Size(memory.bytes + draw(st.integers(0, 4)) * 16 * MIB),
        vcpus=vcpus,
        vcpus_max=vcpus + draw(st.integers(0, 4)),
        cpus=draw(_pinnings(vcpus)),
        cpu_weight=draw(st.integers(2, 65535)),
        cpu_cap=draw(st.integers(0, 400)),
        clock=draw(st.sampled_from(CLOCKS)),
        passthrough=draw(st.sampled_from(["disabled", *PASSTHROUGH])),
        event_channels_max=draw(st.integers(1, 2047)),
        grant_frames_max=draw(st.integers(1, 256)),
        channels=draw(st.sets(_CHANNELS, max_size=2).map(unordered)),
        usb_controllers=unordered(draw(st.lists(_CONTROLLERS, max_size=2))),
        usb_devices=draw(st.sets(st.sampled_from(["046d:c52b", "0781:5567"])).map(unordered)),
        graphics=graphics,
        graphics_listen=draw(st.none() | st.just("192.0.2.1")) if shown else None,
        graphics_port=draw(st.sampled_from([0, 5901])) if shown else None,
        graphics_password=draw(st.none() | _TEXT) if shown else None,
        graphics_keymap=draw(st.none() | st.just("de")) if shown else None,
        **of_type,
        kernel="/srv/" + draw(st.sampled_from(["vmlinuz", "vmlinuz-2"])),
        ramdisk=draw(st.none() | _PATHS),
        cmdline=draw(st.none() | _TEXT),
        tsc_mode=draw(st.sampled_from(TSC_MODES)),
        disks=draw(disks(kind is DomainType.HVM)),
        networks=draw(nics(kind is DomainType.HVM)),
        on_poweroff=draw(_ACTIONS),
        on_reboot=draw(_ACTIONS),
        on_crash=draw(_ACTIONS),
        labels=draw(st.dictionaries(_TEXT, _TEXT, max_size=3)),
    )


def as_given(read: Domain, given: Domain) -> Domain:
    """What was read, without the fields about which nothing was given."""
    return replace(read, **{field.name: None for field in fields(given) if getattr(given, field.name) is None})


def found(domain: Domain, *, running: Domain | None = None, **marks: object) -> FoundDomain:
    """A guest as libvirt would show it, by way of its XML."""
    xml = render_domain(domain)
    if running is not None:
        # Devices may be of a form that cannot be written.
        devices = {"disks": running.disks, "networks": running.networks}
        running = replace(parse_domain(render_domain(running)), **devices)
    guest = FoundDomain(
        name=domain.name,
        stored=parse_domain(xml),
        stored_xml=xml,
        running=running,
        state=PowerState.RUNNING if running else PowerState.STOPPED,
    )
    return replace(guest, **marks)


def applied(plan: DomainPlan, before: FoundDomain | None) -> FoundDomain | None:
    """What a host has after a plan, with the same calls that the operations make."""
    guest = before
    for step in plan.steps:
        target = plan.target
        if step.action is Action.UNDEFINE:
            return None
        if step.action is Action.DEFINE and target is not None:
            xml = render_domain(target, guest.stored_xml if guest else None)
            start = guest or FoundDomain(target.name, None, None, None, PowerState.STOPPED)
            guest = replace(start, stored=parse_domain(xml), stored_xml=xml)
        elif guest is not None:
            guest = _powered(step, plan, guest)
    return guest


def _plugged(running: Domain, step: Step) -> Domain:
    disks, nics, device = running.disks or (), running.networks or (), step.device
    if isinstance(device, HostDevice):
        field = f"{device.bus}_devices"
        rest = tuple(address for address in getattr(running, field) or () if address != device.address)
        comes = step.action is Action.ATTACH_HOST_DEVICE
        return replace(running, **{field: (*rest, device.address) if comes else rest})
    if isinstance(device, Disk):
        kept = tuple(disk for disk in disks if disk.target != device.target)
        return replace(running, disks=kept if step.action is Action.DETACH_DISK else (*kept, device))
    others = tuple(nic for nic in nics if device is None or nic.mac != device.mac)
    comes = device is not None and step.action is Action.ATTACH_NIC
    return replace(running, networks=(*others, device) if comes else others)


def _powered(step: Step, plan: DomainPlan, guest: FoundDomain) -> FoundDomain:
    action, running, target = step.action, guest.running, plan.target
    if action in (Action.START, Action.START_PAUSED):
        state = PowerState.RUNNING if action is Action.START else PowerState.PAUSED
        return replace(guest, running=guest.stored, state=state, managed_save=False)
    if action is Action.SAVE:
        return replace(guest, running=None, state=PowerState.STOPPED, managed_save=True)
    if action is Action.PAUSE:
        return replace(guest, state=PowerState.PAUSED)
    if action is Action.SHUTDOWN:
        return replace(guest, running=None, state=PowerState.STOPPED)
    if action in (Action.RESUME, Action.WAKE):
        return replace(guest, state=PowerState.RUNNING)
    if action is Action.SET_AUTOSTART:
        return replace(guest, autostart=plan.autostart)
    if running is not None and step.device is not None:
        return replace(guest, running=_plugged(running, step))
    if running is not None and target is not None:
        fields_set = {field: getattr(target, field) for field in _SETS.get(action, ())}
        return replace(guest, running=replace(running, **fields_set))
    return guest


# The fields of the running guest that an action sets.
_SETS = {
    Action.SET_MEMORY: ("memory",),
    Action.SET_VCPUS: ("vcpus",),
    Action.PIN_VCPUS: ("cpus",),
    Action.SET_SCHEDULER: ("cpu_weight", "cpu_cap"),
}
