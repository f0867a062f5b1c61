"""What is around Xen on a host, for tests of what is done with its guests: none of it is what they test."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.hypervisor import LibvirtHypervisor
from ansible_collections.xenfleet.xen.plugins.module_utils.model.stray import Stray
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import Door, GuestHost

SWITCH = "ovsbr0"
NOWHERE = "/nowhere"


class AllThere:
    """Bridges of both kinds, and all paths but those below `NOWHERE`."""

    def bridges(self) -> frozenset[str]:
        return frozenset({"xenbr10", "xenbr20", SWITCH})

    def openvswitch_bridges(self) -> frozenset[str]:
        return frozenset({SWITCH})

    def path_kind(self, path: str) -> str | None:
        return None if path.startswith(NOWHERE) else "block" if path.startswith("/dev/") else "file"


class Open:
    """Doors that accept every connection."""

    def knock(self, doors: Collection[Door], _seconds: float) -> dict[Door, bool]:
        return dict.fromkeys(doors, True)


@dataclass
class Disks:
    """Disks of which each can be removed."""

    removed: list[str] = field(default_factory=list)

    def identity(self, path: str) -> str:
        return path

    def trouble(self, path: str) -> str | None:
        return None

    def user(self, path: str) -> str | None:
        return None

    def remove(self, path: str) -> None:
        self.removed.append(path)


@dataclass
class Strays:
    """Guests that Xen has and libvirt does not know of, by name."""

    there: dict[str, Stray] = field(default_factory=dict)

    def stray(self, name: str) -> Stray | None:
        return self.there.get(name)

    def discard(self, domid: int) -> None:
        self.there = {name: stray for name, stray in self.there.items() if stray.domid != domid}


@dataclass
class Surroundings:
    """A host around its Xen."""

    disks: Disks = field(default_factory=Disks)
    strays: Strays = field(default_factory=Strays)

    def of(self, hypervisor: LibvirtHypervisor) -> GuestHost:
        return GuestHost(hypervisor, AllThere(), self.disks, self.strays)

    def told(self) -> tuple[object, ...]:
        """What has become of them."""
        return tuple(self.disks.removed), dict(self.strays.there)
