# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operations need of the world around them; the adapters provide it, tests may too."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import FoundDomain, PowerState
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import Bond, Bridge, HostNetwork, Links
from ansible_collections.xenfleet.xen.plugins.module_utils.model.peers import FoundPeers, Place
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.sighting import Sighting
from ansible_collections.xenfleet.xen.plugins.module_utils.model.storage import (
    Directory,
    FoundDirectory,
    FoundGroup,
    FoundMount,
    StorageMount,
    VolumeGroup,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.stray import Stray
from ansible_collections.xenfleet.xen.plugins.module_utils.model.takeover import Start, XenGuest


@dataclass(frozen=True)
class CommandResult:
    """How a program ended."""

    status: int
    stdout: str
    stderr: str


class Commands(Protocol):
    """Programs on the host."""

    def has(self, program: str) -> bool:
        """Whether the program can be found."""

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        timeout: float | None = None,
        check: bool = True,
    ) -> CommandResult:
        """Run a program to its end; argument lists only."""


class Hypervisor(Protocol):
    """Xen on one host, by way of its libvirt daemon. Every call may raise ``HypervisorError``."""

    def domains(self) -> tuple[FoundDomain, ...]:
        """All guests that libvirt knows, Domain-0 left out."""

    def domain(self, name: str) -> FoundDomain | None:
        """One of them; None when there is no such guest."""

    def state(self, name: str) -> PowerState | None:
        """What a guest does right now; None when there is no such guest."""

    def addresses(self, name: str) -> tuple[str, ...]:
        """The IP addresses that libvirt's networks have leased to a guest."""

    def domain_types(self) -> frozenset[str]:
        """The types that can run here: ``pv``, ``pvh``, ``hvm``; empty when it cannot be told."""

    def free_memory(self) -> Size | None:
        """What Xen has left for guests; None when it cannot be told."""

    def cpu_count(self) -> int:
        """How many CPUs the host has."""

    def define(self, xml: str) -> None:
        """Store a configuration, over that of the same guest."""

    def undefine(self, name: str) -> None:
        """Forget a stored configuration and a saved memory image."""

    def start(self, name: str, *, paused: bool = False) -> None:
        """Start from the stored configuration, or from a saved memory image; it may stay paused."""

    def pause(self, name: str) -> None:
        """Let a running guest stand still."""

    def save(self, name: str) -> None:
        """Save a running guest's memory to the host's disk, and end it."""

    def resume(self, name: str) -> None:
        """Let a paused guest go on."""

    def shutdown(self, name: str) -> None:
        """Ask a guest to shut down; returns at once."""

    def destroy(self, name: str) -> None:
        """Take a guest's power away."""

    def set_memory(self, name: str, size: Size) -> None:
        """Balloon a running guest, and store it."""

    def set_vcpus(self, name: str, count: int) -> None:
        """Plug VCPUs into or out of a running guest, and store it."""

    def pin_vcpus(self, name: str, cpus: Sequence[str]) -> None:
        """Let each VCPU that a running guest has run only on these of the host's CPUs; it is not stored."""

    def set_scheduler(self, name: str, weight: int | None, cap: int | None) -> None:
        """Set a running guest's share of the CPUs and its limit in percent of one; None: leave it. It is not stored."""

    def attach(self, name: str, device: str) -> None:
        """Plug a device, given as libvirt's XML, into a running guest; it is not stored."""

    def detach(self, name: str, device: str) -> None:
        """Unplug a device of a running guest; it is not stored. Returns when the guest has let it go."""

    def update(self, name: str, device: str) -> None:
        """Change the medium of a running guest's CD-ROM drive to what the drive's XML says; it is not stored."""

    def networks(self) -> frozenset[str] | None:
        """The names of libvirt's active networks; None when they cannot be told."""

    def set_autostart(self, name: str, autostart: bool) -> None:
        """Let a guest start with its host, or not."""


class GuestViews(Protocol):
    """The guests of one host, for those who only look."""

    def look(self, name: str | None, *, usage: bool) -> tuple[Sighting, ...]:
        """All guests, or the one of that name; a guest that cannot be read says so and holds up no other."""


class MovingHypervisor(Hypervisor, Protocol):
    """Xen on a host that can send guests to another."""

    def migrate(self, name: str, destination: Hypervisor, transport: str, *, live: bool) -> None:
        """Send a running guest, and forget it here when it has arrived."""


class SuspendedGuests(Protocol):
    """Guests that a broken migration left suspended, which libvirt shows as running; Xen itself knows."""

    def is_suspended(self, name: str) -> bool:
        """Whether Xen has the guest suspended."""

    def wake(self, name: str) -> None:
        """Let a suspended guest go on; whether it does is seen by asking again."""


class StrayGuests(Protocol):
    """Guests that Xen has and libvirt does not know of. Every call may raise ``CommandFailed``."""

    def stray(self, name: str) -> Stray | None:
        """The guest of this name that Xen has, of which the caller knows that libvirt has not; None when there is none."""

    def discard(self, domid: int) -> None:
        """End what is left of a start that broke off."""


class RestoringHypervisor(Hypervisor, Protocol):
    """Xen on a host that can take in a guest whose memory was saved."""

    def restore(self, path: str) -> None:
        """Let a saved guest go on; what is at the path is read once, from beginning to end."""


class XenGuests(SuspendedGuests, Protocol):
    """The guests that Xen has, whoever started them. Every call may raise ``CommandFailed``."""

    def guests(self) -> tuple[XenGuest, ...]:
        """All of them, Domain-0 left out; none where there is no ``xl``."""

    def save(self, domid: int, path: str) -> None:
        """Save a guest's memory to a file, and end it."""

    def restore(self, path: str) -> None:
        """Let a guest go on from such a file, under xl."""


class MemoryFiles(Protocol):
    """The files that guests' memory is saved to on its way from xl to libvirt. Every call may raise ``CommandFailed``."""

    def room(self) -> Size:
        """How much fits in their folder."""

    def prepare(self, guest: str) -> None:
        """Make a guest's file, which nobody else may read and which is empty yet, and its folder if that is missing."""

    def path(self, guest: str) -> str:
        """The file of a guest."""

    def exists(self, guest: str) -> bool:
        """Whether there is one with something in it."""

    def forget(self, guest: str) -> None:
        """Delete it, if it is there."""

    def as_image(self, guest: str, xml: str) -> AbstractContextManager[str]:
        """A path at which libvirt finds what xl saved as a saved guest of its own, with this definition; the file stays as it is."""


class Starts(Protocol):
    """What ``xendomains`` starts with the host. Every call may raise ``CommandFailed``."""

    def retire(self, start: Start) -> None:
        """Put an entry where it starts nothing."""


class HostFacts(Protocol):
    """What a guest's configuration refers to on its host."""

    def bridges(self) -> frozenset[str]:
        """The names of the host's bridges, those of Open vSwitch included."""

    def openvswitch_bridges(self) -> frozenset[str]:
        """The names of those of Open vSwitch."""

    def path_kind(self, path: str) -> str | None:
        """``file``, ``block``, ``directory`` or ``other`` for what is at a path; None when nothing is."""


class GuestDisks(Protocol):
    """The disks of guests, as their host has them."""

    def identity(self, path: str) -> str:
        """What a path leads to, whatever it is called by."""

    def trouble(self, path: str) -> str | None:
        """Why what is at a path cannot be removed; None when it can, or is gone already."""

    def user(self, path: str) -> str | None:
        """Who has a disk open, as far as the store does not know it itself; None when nobody has."""

    def remove(self, path: str) -> None:
        """Remove a disk; one that is gone is no error. May raise ``CommandFailed``."""


@dataclass(frozen=True)
class GuestHost:
    """A host, as the work on its guests needs it.

    Attributes:
        hypervisor: its Xen.
        facts: its bridges and paths.
        disks: what removes disks of it.
        strays: what its Xen has behind libvirt's back.
    """

    hypervisor: Hypervisor
    facts: HostFacts
    disks: GuestDisks
    strays: StrayGuests


class PeerFiles(Protocol):
    """The files by which SSH lets hosts reach each other. Every call may raise ``CommandFailed``."""

    def read(self, places: Collection[Place]) -> FoundPeers:
        """What is at these places, and the host's public keys."""

    def make_folder(self, place: Place) -> None:
        """Make a folder that is not there."""

    def set_permissions(self, place: Place) -> None:
        """Give a file or folder its permissions and its owner."""

    def make_key(self, comment: str) -> None:
        """Make the host's own key, never over another one."""

    def write(self, place: Place, text: str) -> None:
        """Give a file this content."""


@dataclass(frozen=True)
class Door:
    """Where a server listens.

    Attributes:
        address: an IP address.
        port: a TCP port.
    """

    address: str
    port: int


class Doors(Protocol):
    """Servers of guests, as their host can reach them."""

    def knock(self, doors: Collection[Door], seconds: float) -> Mapping[Door, bool]:
        """Which of them answer, and whether they accept the connection (or refuse it); all are tried at once.

        A silent one is given up after so many seconds.
        """


class HostLinks(Protocol):
    """The network interfaces of the host, as its kernel has them."""

    def read(self) -> Links:
        """All interfaces, and those that carry the management connection."""

    def delete(self, name: str) -> None:
        """Remove a virtual interface; one that is gone already is no error."""

    def release(self, name: str) -> None:
        """Take an interface out of its bond or bridge."""

    def add_bond(self, bond: Bond) -> None:
        """Make a bond, without members."""

    def add_bridge(self, bridge: Bridge) -> None:
        """Make a bridge, without ports."""

    def add_vlan(self, bridge: Bridge) -> None:
        """Make the VLAN interface under a bridge."""

    def adjust_bond(self, bond: Bond) -> None:
        """Set what a running bond takes without its members being taken out."""

    def adjust_bridge(self, bridge: Bridge, *, with_uplink: bool) -> None:
        """Set what a running bridge takes, and its VLAN interface."""

    def drop_address(self, name: str, address: str) -> None:
        """Take an address away."""

    def guest_of(self, port: str) -> str | None:
        """The guest that an interface belongs to, as far as that is known."""


class NetworkBackend(Protocol):
    """The program that makes the host's bonds and bridges at every start, and its files."""

    def stored(self) -> HostNetwork:
        """The bonds and bridges in the files that this collection has written."""

    def edited(self, declared: HostNetwork) -> tuple[str, ...]:
        """Files of ours, concerning what is declared, that somebody else has written to."""

    def claims(self, names: Collection[str]) -> dict[str, str]:
        """Which of these interfaces something else manages, and what that is."""

    def write(
        self, before: HostNetwork, after: HostNetwork, named: Collection[str], create: Collection[str]
    ) -> Mapping[str, str | None]:
        """Write what differs, the files of what is named and of what is to be made; returns the former contents."""

    def restore(self, former: Mapping[str, str | None]) -> None:
        """Write back what ``write`` returned."""

    def reload(self) -> None:
        """Let the program read its files again; nothing is taken down that they do not change."""

    def reconfigure(self, names: Collection[str]) -> None:
        """Let the program look at some interfaces again."""


class HostMounts(Protocol):
    """What is mounted on the host, and the units that mount it at each start."""

    def found(self, mount: StorageMount) -> FoundMount:
        """What there is of a declared mount; a file system that is mounted is not asked itself."""

    def make_point(self, path: str) -> None:
        """Make the folder to mount on, if it is missing."""

    def write_unit(self, unit: str, text: str) -> None:
        """Write a unit, whole or not at all."""

    def activate(self, unit: str, *, written: bool, enable: bool, start: bool) -> str:
        """Let systemd read what was written, mount it at each start, and now; returns what was said of a start that failed."""


class HostFolders(Protocol):
    """Folders of the host."""

    def found(self, directory: Directory) -> FoundDirectory:
        """What there is of a declared folder."""

    def make(self, directory: Directory) -> None:
        """Make it with those above it, and set its owner, group and permissions."""


class HostVolumeGroups(Protocol):
    """LVM volume groups of the host."""

    def found(self, group: VolumeGroup) -> FoundGroup:
        """What there is of a declared group, and what is on the devices that are not in it."""

    def create(self, name: str, devices: Sequence[str]) -> None:
        """Make a group."""

    def extend(self, name: str, devices: Sequence[str]) -> None:
        """Add devices to a group."""
