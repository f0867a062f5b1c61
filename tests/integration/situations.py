"""Guests as a host may have them, and what may be declared of them, for the property that check mode predicts the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, TypeVar

from hypothesis import strategies as st

from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.hypervisor import LibvirtHypervisor
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    DomainType,
    TargetState,
    WaitFor,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import NumaNode
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.stray import Stray
from ansible_collections.xenfleet.xen.plugins.module_utils.model.type_options import ONLY_FOR
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import render_domain

from ..unit.domains import whole_domains
from .surroundings import NOWHERE, SWITCH
from .xen_in_process import start_unstored, suspend, tear

Device = TypeVar("Device", Disk, Nic)

NAME, OTHER = "web1", "web2"
_UUIDS = {NAME: "6695eb01-f6a4-8304-79aa-97f2502e193f", OTHER: "6695eb01-f6a4-8304-79aa-97f2502e1940"}
OPTIONS = tuple(field.name for field in fields(Domain) if field.name != "name")
# What a running guest can be given at once, as far as it can.
_AT_ONCE: dict[str, tuple[str, ...]] = {
    "amounts": ("memory", "vcpus", "cpus", "cpu_weight", "cpu_cap"),
    "disks and networks": ("disks", "networks"),
    "devices of the host": ("pci_devices", "usb_devices", "labels"),
}
# What is neither told apart by nor counted.
_PLAIN = sorted({*OPTIONS} - {"uuid", "type"} - {name for names in _AT_ONCE.values() for name in names})
ABOUT = ("anything", "options", "what is left", *_AT_ONCE)
# What every guest has.
_OPTIONAL = sorted({*OPTIONS} - {"uuid", "type", "memory", "memory_max", "vcpus", "vcpus_max", "kernel"})
# What a start that broke off has left, and a guest of somebody else.
_STRAYS = st.sampled_from([Stray(7, _UUIDS[NAME], "paused", 0), Stray(8, _UUIDS[NAME], "running", 12.5)])
# An empty one takes away what is there.
_TEXTS = ("kernel", "ramdisk", "cmdline", "bootloader", "bootloader_args", "graphics_password", "graphics_keymap")
# Fields that make sense together only.
_GROUPS = (
    ("memory", "memory_max", "numa_nodes"),
    ("vcpus", "vcpus_max", "cpus", "numa_nodes"),
    ("graphics", "graphics_listen", "graphics_port", "graphics_password", "graphics_keymap"),
    ("video", "video_memory"),
)
_XML = (
    *("<domain><title>A web server</title></domain>", "<domain><memoryBacking><nosharepages/></memoryBacking></domain>")
    * 2,
    # What an option is there for.
    "<domain><on_crash>preserve</on_crash></domain>",
)
TAKEN = "/srv/taken.img"
_OTHER_UUID = "11111111-f6a4-8304-79aa-97f2502e193f"
# More devices that come and go in guests of each type, and one in HVM guests of which the medium can be changed.
_SPARE_DISKS = (Disk("xvdy", "/srv/spare.img"), Disk("xvdx", "/dev/vg0/spare"))
_SPARE_NICS = {
    NAME: (Nic("00:16:3e:ee:00:01", "xenbr10"), Nic("00:16:3e:ee:00:02", None, network="default")),
    OTHER: (Nic("00:16:3e:ee:00:03", "xenbr10"), Nic("00:16:3e:ee:00:04", None, network="default")),
}
_DRIVE = Disk("hdc", "/srv/old.iso", readonly=True, cdrom=True)
# What stands in the way: the declared values of a field.
_OBSTACLES: tuple[dict[str, Any], ...] = (
    {"kernel": f"{NOWHERE}/vmlinuz"},
    {"disks": (Disk("xvdz", f"{NOWHERE}/data.img"),)},
    {"disks": (Disk("xvdz", TAKEN),)},
    {"networks": (Nic("00:16:3e:ff:ff:01", "xenbr99"),)},
    {"networks": _SPARE_NICS[NAME]},
    {"networks": (Nic("00:16:3e:ff:ff:01", None, network="nowhere"),)},
    {"cpus": ("4000",)},
    {"uuid": _OTHER_UUID},
    {"vcpus": 5, "vcpus_max": 4},
)

_mostly = st.sampled_from([False, True, True, True])
_seldom = st.sampled_from([False, False, False, True])
_hardly = st.sampled_from([False] * 11 + [True])


class Power(StrEnum):
    """What a guest does before."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    SAVED = "saved"
    # It goes on, and there is a piece of its memory from a save that broke off.
    TORN = "torn"
    # It runs, and nothing of it is stored.
    UNSTORED = "unstored"


_LIVE_STATES = {
    Power.RUNNING: (TargetState.PRESENT, TargetState.RUNNING, TargetState.PAUSED, TargetState.SAVED),
    Power.PAUSED: (TargetState.PRESENT, TargetState.RUNNING, TargetState.PAUSED),
    Power.TORN: (TargetState.PRESENT, TargetState.RUNNING, TargetState.PAUSED, TargetState.SAVED),
    Power.SUSPENDED: (TargetState.PRESENT, TargetState.RUNNING, TargetState.PAUSED, TargetState.SAVED),
}


def _told(value: Any) -> str:
    """A dataclass without its many fields that say nothing."""
    said = {field.name: getattr(value, field.name) for field in fields(value)}
    words = [
        f"{name}={_told(one) if isinstance(one, Domain) else repr(one)}"
        for name, one in said.items()
        if one is not None and one is not False
    ]
    return f"{type(value).__name__}({', '.join(words)})"


@dataclass(frozen=True, repr=False)
class Guest:
    """A guest as it is before.

    Attributes:
        stored: the configuration of its next start.
        running: what it runs with, or was saved with.
        power: what it does.
        autostart: whether it starts with the host.
        capped: its cap was set when it was started, as this collection does; libvirt forgets it.
    """

    stored: Domain
    running: Domain
    power: Power
    autostart: bool
    capped: bool

    def __repr__(self) -> str:
        return _told(self)

    def put(self, host: LibvirtHypervisor) -> None:
        """Make it so."""
        connection = host.connection
        if self.power is Power.UNSTORED:
            start_unstored(host, render_domain(self.running))
            return
        first = self.stored if self.power is Power.STOPPED else self.running
        domain = connection.defineXML(render_domain(first))
        domain.setAutostart(int(self.autostart))
        if self.power is Power.STOPPED:
            return
        domain.createWithFlags(0)
        if self.capped and first.cpu_cap is not None:
            domain.setSchedulerParameters({"cap": first.cpu_cap})
        if self.power is Power.SAVED:
            domain.managedSave()
        if self.power is Power.PAUSED:
            domain.suspend()
        if self.power is Power.SUSPENDED:
            suspend(host, domain.name())
        if self.power is Power.TORN:
            tear(host, domain.name())
        if self.stored != self.running:
            connection.defineXML(render_domain(self.stored))


@dataclass(frozen=True, repr=False)
class Situation:
    """A guest, or none, and what is declared of it.

    Attributes:
        guest: what libvirt has.
        declared: what is declared.
        stray: what Xen has of this name, when libvirt does not know of it.
    """

    guest: Guest | None
    declared: Declaration
    stray: Stray | None = None

    def __repr__(self) -> str:
        return f"Situation({self.guest!r}, {_told(self.declared)}, {self.stray})"


def situations(about: str, kind: DomainType) -> st.SearchStrategy[Situation]:
    """Guests of a type and what is declared of them, by `ABOUT`."""
    if about in _AT_ONCE:
        return _live_situations(_AT_ONCE[about], kind)
    return {"anything": _any_situations, "options": _option_situations, "what is left": _leftovers}[about](kind)


def pairs(kind: DomainType) -> st.SearchStrategy[tuple[Situation, Situation]]:
    """Two guests of a host; some of their disks are the same.

    A saved one was saved with the disks that are stored. Which others its file has, and will have when it is restored, the Xen driver
    tells nobody, so that check mode cannot reckon with them.
    """
    one, other = _any_situations(kind).map(_saved_as_stored), _any_situations(kind, OTHER).map(_saved_as_stored)
    return st.tuples(one, other)


def _saved_as_stored(situation: Situation) -> Situation:
    guest = situation.guest
    if guest is None or guest.power is not Power.SAVED:
        return situation
    return replace(situation, guest=replace(guest, running=guest.stored))


@st.composite
def _any_situations(draw: st.DrawFn, kind: DomainType, name: str = NAME) -> Situation:
    """Some options of a guest, over a guest that is like it, or over none."""
    here, there = draw(_placed(kind, name)), draw(_placed(kind, name))
    power = draw(st.sampled_from([None, *Power, Power.RUNNING]))
    guest = None if power is None else draw(_guests(power, here, there))
    if draw(_hardly):
        there = draw(_placed(draw(st.sampled_from(DomainType)), name))
    names = set(OPTIONS) - draw(_some(OPTIONS)) if guest is None else draw(_some(OPTIONS))
    wanted = draw(_values(names, here, there))
    if draw(_hardly):
        wanted = {**wanted, **draw(st.sampled_from(_OBSTACLES))}
    declared = draw(_declarations(wanted, [*TargetState, TargetState.RUNNING], name))
    is_off = guest is None or guest.power in (Power.STOPPED, Power.SAVED)
    return Situation(guest, declared, draw(_STRAYS) if is_off and draw(_hardly) else None)


def situations_with(option: str) -> st.SearchStrategy[Situation]:
    """Guests of any type that can have an option, which is declared among others."""
    kinds = [DomainType(kind) for kind in ONLY_FOR.get(option, DomainType)]
    return st.sampled_from(kinds).flatmap(lambda kind: _option_situations(kind, option))


@st.composite
def _option_situations(draw: st.DrawFn, kind: DomainType, option: str | None = None) -> Situation:
    """Many options that have one value each, over a guest that has other values, and some over one of another type."""
    other = draw(st.sampled_from([kind, kind, kind, *DomainType])) if option in (None, "type") else kind
    here, there = draw(_placed(kind)), draw(_placed(other))
    guest = draw(_guests(draw(st.sampled_from([Power.STOPPED, Power.RUNNING])), here, there))
    names = draw(_some(_PLAIN, at_least=10, at_most=24)) if other is kind else {"type", *draw(_some(_PLAIN))}
    names |= {option} if option else set()
    for group in _GROUPS:
        if names & {*group} and draw(_mostly):
            names |= {*group}
    wanted = draw(_values(names, here, there))
    return Situation(guest, draw(_declarations(wanted, [TargetState.PRESENT, TargetState.RUNNING])))


@st.composite
def _leftovers(draw: st.DrawFn, kind: DomainType) -> Situation:
    """A guest that goes with some of its disks, or what is left of a start that broke off."""
    here = draw(_placed(kind))
    goes = draw(st.booleans())
    states = [TargetState.ABSENT] if goes else [TargetState.RUNNING, TargetState.PAUSED, TargetState.STOPPED]
    guest = draw(_guests(draw(st.sampled_from(Power)) if goes else Power.STOPPED, here, here))
    declared = draw(_declarations({}, states))
    if not goes:
        return Situation(guest, declared, draw(_STRAYS))
    targets = ["xvdz", *(disk.target for disk in here.disks or ())]
    return Situation(guest, replace(declared, remove_disks=tuple(draw(st.sets(st.sampled_from(targets), max_size=2)))))


@st.composite
def _live_situations(draw: st.DrawFn, names: Sequence[str], kind: DomainType) -> Situation:
    """Some of the options that a running guest heeds at once, over one that runs."""
    here, there = draw(_placed(kind)), draw(_placed(kind))
    power = draw(st.sampled_from(list(_LIVE_STATES)))
    guest = draw(_guests(power, here, there))
    wanted = draw(_values(draw(_some(names, at_least=1)), here, there))
    if here.memory_max is not None and "memory" in wanted:
        wanted["memory"] = Size(draw(st.integers(1, here.memory_max.mib)) * MIB)
    if here.vcpus_max is not None and "vcpus" in wanted:
        wanted["vcpus"] = draw(st.integers(1, here.vcpus_max))
    if here.vcpus is not None and "cpus" in wanted:
        more = tuple(f"{number}" for number in range(here.vcpus_max or here.vcpus))
        lists = [("0-1",), ("7",), ("3",) * here.vcpus, ("1-2",) * (here.vcpus - 1), more]
        wanted["cpus"] = draw(st.sampled_from(lists))
    return Situation(guest, draw(_declarations(wanted, _LIVE_STATES[power])))


@st.composite
def _declarations(
    draw: st.DrawFn, wanted: dict[str, Any], states: Sequence[TargetState], name: str = NAME
) -> Declaration:
    return Declaration(
        Domain(name, **wanted),
        state=draw(st.sampled_from(states)),
        autostart=draw(st.sampled_from([None, False, True])),
        keep_unlisted_disks=draw(st.booleans()),
        keep_unlisted_networks=draw(st.booleans()),
        # The guests here either shut down at once, or never.
        timeout=0,
        force=draw(st.booleans()),
        xml=draw(st.sampled_from(_XML)) if draw(_seldom) else None,
        restart_if_needed=draw(_seldom),
        # One that is waited for until it has ended would be for ever.
        wait_for=draw(st.sampled_from([WaitFor.RUNNING, WaitFor.ADDRESS, WaitFor.SSH])) if draw(_hardly) else None,
    )


@st.composite
def _placed(draw: st.DrawFn, kind: DomainType, name: str = NAME) -> Domain:
    """A configuration with each interface on a bridge of its kind, some more devices, and some options not said."""
    domain = draw(whole_domains(name, (kind,)))
    unsaid = draw(_some(_OPTIONAL)) if draw(st.booleans()) else ()
    domain = replace(domain, **dict.fromkeys(unsaid))
    nics = tuple(replace(nic, bridge=SWITCH) if nic.openvswitch else nic for nic in domain.networks or ())
    targets = [disk.target for disk in domain.disks or ()]
    drives = (_DRIVE,) if kind is DomainType.HVM and _DRIVE.target not in targets else ()
    spares = tuple(disk for disk in _SPARE_DISKS if draw(st.booleans()))
    return replace(
        domain,
        uuid=_UUIDS[name],
        disks=(*(domain.disks or ()), *drives, *spares),
        networks=(*nics, *(nic for nic in _SPARE_NICS[name] if draw(st.booleans()))),
        numa_nodes=draw(_numa(domain.memory_max, domain.vcpus_max)) if draw(_seldom) else (),
    )


@st.composite
def _numa(draw: st.DrawFn, memory: Size | None, vcpus: int | None) -> tuple[NumaNode, ...]:
    if memory is None or vcpus is None or vcpus < 2 or draw(st.booleans()):
        return ()
    half = Size(memory.bytes // 2)
    far = ((10, 21), (21, 10)) if draw(st.booleans()) else ((), ())
    rest = f"1-{vcpus - 1}" if vcpus > 2 else "1"
    return (NumaNode("0", half, far[0]), NumaNode(rest, half, far[1]))


@st.composite
def _guests(draw: st.DrawFn, power: Power, here: Domain, there: Domain) -> Guest:
    stored, running = here, here
    if power not in (Power.STOPPED, Power.UNSTORED) and here.type is there.type and draw(st.booleans()):
        # Changed since it was started; what guests of another type have, libvirt would not take.
        running = replace(here, **{name: getattr(there, name) for name in draw(_some(OPTIONS))})
        running = _with_groups(running, here, there)
    return Guest(stored, running, power, draw(st.booleans()), draw(st.booleans()))


def _with_groups(mixed: Domain, here: Domain, there: Domain) -> Domain:
    """With what belongs together from the same side."""
    for group in _GROUPS:
        if any(getattr(mixed, name) != getattr(here, name) for name in group):
            mixed = replace(mixed, **{name: getattr(there, name) for name in group})
    # Nodes belong to the memory and the VCPUs.
    sides = [
        side for side in (here, there) if side.memory_max == mixed.memory_max and side.vcpus_max == mixed.vcpus_max
    ]
    return replace(mixed, numa_nodes=sides[0].numa_nodes if sides else ())


def _some(names: Sequence[str], *, at_least: int = 0, at_most: int = 5) -> st.SearchStrategy[set[str]]:
    return st.sets(st.sampled_from(names), min_size=at_least, max_size=at_most)


@st.composite
def _values(draw: st.DrawFn, names: set[str], here: Domain, there: Domain) -> dict[str, Any]:
    """Values of these options: mostly such that are not there yet."""
    wanted: dict[str, Any] = {}
    for name in sorted(names):
        value = getattr(draw(st.sampled_from([here, there, there])), name)
        if name == "disks":
            disks = draw(_devices(here.disks or (), there.disks or (), lambda disk: disk.target, _declared_disk))
            value = _of_different_sources(disks)
        elif name == "networks":
            value = draw(_devices(here.networks or (), there.networks or (), lambda nic: nic.mac, _declared_nic))
        elif name == "numa_nodes":
            value = draw(_numa(wanted.get("memory_max", here.memory_max), wanted.get("vcpus_max", here.vcpus_max)))
        elif name in _TEXTS and draw(_seldom):
            value = ""
        wanted[name] = value
    return wanted


@st.composite
def _devices(
    draw: st.DrawFn,
    here: tuple[Device, ...],
    there: tuple[Device, ...],
    key: Callable[[Device], object],
    declared: Callable[[st.DrawFn, Device], Device],
) -> tuple[Device, ...]:
    """Some of those that are there, as they are, with some others."""
    kept: list[Device] = [device for device in here if draw(st.booleans())]
    taken = {key(device) for device in kept}
    more: list[Device] = [device for device in there if key(device) not in taken and draw(st.booleans())]
    return tuple(declared(draw, device) for device in (*kept, *more))


def _declared_disk(draw: st.DrawFn, disk: Disk) -> Disk:
    """As an operator names it: some with all that it can have, some with another medium."""
    if draw(st.booleans()):
        disk = replace(disk, driver=None, discard=None, monitors=None, login=None)
    if disk.cdrom and not disk.is_network and draw(st.booleans()):
        medium = draw(st.sampled_from(["/srv/one.iso", "/srv/other.iso"]))
        disk = replace(disk, source=medium, driver=None if disk.driver == "phy" else disk.driver)
    return disk


def _of_different_sources(disks: tuple[Disk, ...]) -> tuple[Disk, ...]:
    sources = [disk.source for disk in disks]
    return tuple(disk for place, disk in enumerate(disks) if disk.source is None or disk.source not in sources[:place])


def _declared_nic(draw: st.DrawFn, nic: Nic) -> Nic:
    """As an operator names it: some with all that it can have, some without a MAC address."""
    if draw(st.booleans()):
        nic = replace(
            nic,
            addresses=None,
            openvswitch=None,
            vlan=None,
            trunks=None,
            # One that hangs on nothing else needs it.
            script=nic.script if nic.kind == "ethernet" else None,
            model=None,
            rate=None,
            guest_ips=None,
        )
    return replace(nic, mac=None) if draw(_seldom) else nic
