# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operations need to work on a host's guests, and to look at them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import FoundDomain, PowerState
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.sighting import Sighting
from ansible_collections.xenfleet.xen.plugins.module_utils.model.stray import Stray


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

    def wake(self, name: str) -> None:
        """Let a suspended guest go on, and forget what a save that broke off has written of its memory."""

    def forget_saved(self, name: str) -> None:
        """Forget what there is of a running guest's saved memory."""

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


class GuestViews(Protocol):
    """The guests of one host, for those who only look."""

    def look(self, name: str | None, *, usage: bool) -> tuple[Sighting, ...]:
        """All guests, or the one of that name; a guest that cannot be read says so and holds up no other."""


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
