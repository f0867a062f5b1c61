"""A Xen host in memory, for the takeover of guests: what xl runs, what libvirt has, what is saved on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed, HypervisorError
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    DomainType,
    FoundDomain,
    PowerState,
    TargetState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import GIB, MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.takeover import GuestFile, Start, XenGuest
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.hand_over import HandOver
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.takeover import HostOutcome, TakeoverOperations
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import GuestHost
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import parse_domain

UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"
OTHER_UUID = "6695eb01-f6a4-8304-79aa-97f2502e1940"
MAC = "00:16:3e:00:00:01"
SIZE = Size(512 * MIB)


def declared(name: str = "ldap1", **fields: Any) -> Declaration:
    """A guest as its file says: its interface has no MAC address of its own."""
    domain = Domain(
        name,
        type=DomainType.PV,
        memory=SIZE,
        vcpus=1,
        kernel="/boot/vmlinuz",
        disks=(Disk("xvda", f"/srv/guests/{name}.img"),),
        networks=(Nic(None, "xenbr10"),),
        on_crash="destroy",
    )
    return Declaration(replace(domain, **fields), state=TargetState.PRESENT)


def file_of(name: str = "ldap1", *, auto: bool = False, **fields: Any) -> GuestFile:
    """A file of a guest, and whether xendomains starts it."""
    start = Start(f"/etc/xen/auto/{name}.cfg", f"/etc/xen/auto.taken/{name}.cfg")
    return GuestFile(name, f"/etc/xen/{name}.cfg", declared(name, **fields), starts=(start,) if auto else ())


def running(name: str = "ldap1", **fields: Any) -> Domain:
    """A guest as it runs."""
    domain = replace(declared(name).domain, uuid=UUID, memory_max=SIZE, vcpus_max=1, tsc_mode="default")
    actions = {"on_poweroff": "destroy", "on_reboot": "restart"}
    return replace(domain, **{"networks": (Nic(MAC, "xenbr10"),), **actions, **fields})


def xen_guest(name: str = "ldap1", **fields: Any) -> XenGuest:
    """A guest that Xen has."""
    return replace(XenGuest(name, 4, "running", SIZE, running(name)), **fields)


@dataclass
class XenHost:
    """All that is on the host.

    Attributes:
        by_xl: what xl runs.
        by_libvirt: what libvirt knows.
        saved: what is saved on the disk.
        breaks: calls that fail, such as ``xl save``; one with a star fails after it was done.
        log: the calls that change something, in their order.
    """

    by_xl: dict[str, XenGuest] = field(default_factory=dict)
    by_libvirt: dict[str, FoundDomain] = field(default_factory=dict)
    saved: dict[str, XenGuest] = field(default_factory=dict)
    room: Size = field(default_factory=lambda: Size(10 * GIB))
    breaks: set[str] = field(default_factory=set)
    log: list[str] = field(default_factory=list)
    next_domid: int = 10

    def call(self, what: str) -> None:
        """Note a call, which may be one that fails."""
        self.log.append(what)
        if what in self.breaks:
            raise CommandFailed(f"'{what}' failed", found="the fake says so")

    def runs(self, name: str) -> list[str]:
        """Who runs a guest."""
        libvirt = self.by_libvirt.get(name)
        places = ["libvirt"] if libvirt is not None and libvirt.state.is_active else []
        return [*places, *(["xl"] if name in self.by_xl and self.by_xl[name].is_running else [])]

    def take_over(
        self, *files: GuestFile, check: bool = False, move: bool = True, elsewhere: dict[str, str] | None = None
    ) -> HostOutcome:
        """Take guests over, and see after each call that nothing runs twice."""
        hand_over: Any = HandOver(Libvirt(self), Xl(self), Memory(self), self.undisturbed, seconds=0.2)
        nothing: Any = None  # no disk is removed, and no guest started
        host: Any = GuestHost(hand_over.hypervisor, Facts(), nothing, nothing)
        operations: Any = TakeoverOperations(hand_over, host, Auto(self))
        outcome = operations.take_over(files, elsewhere=elsewhere or {}, move=move, check=check)
        assert isinstance(outcome, HostOutcome)
        assert all(len(self.runs(file.guest)) <= 1 for file in files)
        return outcome

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        self.log.append("(")
        yield
        self.log.append(")")


@dataclass
class Xl:
    """xl on that host."""

    host: XenHost

    def guests(self) -> tuple[XenGuest, ...]:
        if "xl list" in self.host.breaks:
            raise CommandFailed("'xl list' failed")
        ours = [
            xen_guest(guest.name, domid=99, running=guest.running)
            for guest in self.host.by_libvirt.values()
            if guest.state.is_active
        ]
        return (*self.host.by_xl.values(), *ours)

    def is_suspended(self, name: str) -> bool:
        return name in self.host.by_xl and self.host.by_xl[name].state == "suspended"

    def wake(self, name: str) -> None:
        self.host.call("xl resume")
        self.host.by_xl[name] = replace(self.host.by_xl[name], state="running")

    def save(self, domid: int, path: str) -> None:
        name = next(guest.name for guest in self.host.by_xl.values() if guest.domid == domid)
        if "xl save: suspended" in self.host.breaks:
            self.host.by_xl[name] = replace(self.host.by_xl[name], state="suspended")
            raise CommandFailed("'xl save' failed")
        self.host.saved[name] = self.host.by_xl[name]
        self.host.call("xl save")
        del self.host.by_xl[name]

    def restore(self, path: str) -> None:
        name = path.rpartition("/")[2].removesuffix(".save")
        self.host.call("xl restore")
        self.host.next_domid += 1
        self.host.by_xl[name] = replace(self.host.saved[name], domid=self.host.next_domid, state="running")


@dataclass
class Memory:
    """The folder of saved guests on that host."""

    host: XenHost

    def room(self) -> Size:
        return self.host.room

    def prepare(self, guest: str) -> None:
        self.host.call("prepare")

    def path(self, guest: str) -> str:
        return f"/var/lib/xen/takeover/{guest}.save"

    def exists(self, guest: str) -> bool:
        return guest in self.host.saved

    def forget(self, guest: str) -> None:
        assert self.host.runs(guest), "a memory is deleted while its guest does not run"
        self.host.call("forget")
        self.host.saved.pop(guest, None)

    @contextmanager
    def as_image(self, guest: str, xml: str) -> Iterator[str]:
        self.host.call("read")
        yield xml


@dataclass
class Auto:
    """What xendomains starts on that host."""

    host: XenHost

    def retire(self, start: Start) -> None:
        self.host.call(f"retire {start.path}")


class Facts:
    """A host that has all that a guest wants, but for one bridge."""

    def bridges(self) -> frozenset[str]:
        return frozenset({"xenbr10"})

    def openvswitch_bridges(self) -> frozenset[str]:
        return frozenset()

    def path_kind(self, path: str) -> str:
        return "file"


@dataclass
class Libvirt:
    """libvirt on that host."""

    host: XenHost

    def domain(self, name: str) -> FoundDomain | None:
        return next((guest for guest in self.domains() if guest.name == name), None)

    def domains(self) -> tuple[FoundDomain, ...]:
        return tuple(self.host.by_libvirt.values())

    def state(self, name: str) -> PowerState | None:
        guest = self.host.by_libvirt.get(name)
        return guest.state if guest else None

    def domain_types(self) -> frozenset[str]:
        return frozenset({"pv", "pvh"})

    def define(self, xml: str) -> None:
        self.host.call("define")
        domain = parse_domain(xml)
        domain = replace(domain, uuid=domain.uuid or OTHER_UUID)
        self.host.by_libvirt[domain.name] = FoundDomain(domain.name, domain, xml, None, PowerState.STOPPED)

    def undefine(self, name: str) -> None:
        self.host.call("undefine")
        del self.host.by_libvirt[name]

    def set_autostart(self, name: str, autostart: bool) -> None:
        self.host.call("autostart")
        self.host.by_libvirt[name] = replace(self.host.by_libvirt[name], autostart=autostart)

    def restore(self, xml: str) -> None:
        domain = parse_domain(xml)
        if "restore" in self.host.breaks:
            raise HypervisorError("libvirt could not restore the saved guest", found="not enough memory")
        self.host.log.append("restore")
        guest = self.host.by_libvirt[domain.name]
        assert guest.stored is not None
        assert guest.stored.uuid == domain.uuid
        state = PowerState.PAUSED if "restore: paused" in self.host.breaks else PowerState.RUNNING
        self.host.by_libvirt[domain.name] = replace(guest, running=domain, state=state)
