"""Who is in a lab, which links join them, and every address that follows from it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from xenlab.errors import LabError

MAX_XEN = 4
MAX_PLAIN = 2
CORE = "core"
SIDES = ("a", "b")

# A Xen host gets by with one; more are for those who pin VCPUs.
XEN_CPUS = int(os.environ.get("XENLAB_CPUS", "1"))
# Whether Xen hosts have an IOMMU, and devices that can be handed to guests: a disk of NVMe (PCI) and a USB stick.
SPARE = bool(os.environ.get("XENLAB_SPARE"))
SPARE_DEVICES = ("nvme", "stick")

VLANS = {10: "services", 20: "storage", 30: "migration"}


@dataclass(frozen=True)
class Machine:
    """One emulated machine."""

    name: str
    kind: str
    index: int
    """What Ansible sees as lab_index; the last part of its addresses is 100 + index (1 for core)."""
    memory_mib: int
    cpus: int

    @property
    def last_octet(self) -> int:
        return 1 if self.kind == "core" else 100 + self.index

    def address(self, vlan: int) -> str:
        return f"10.{vlan}.0.{self.last_octet}"

    @property
    def spare(self) -> tuple[str, ...]:
        """Its devices for guests."""
        return SPARE_DEVICES if SPARE and self.kind == "xen" else ()

    @property
    def links(self) -> tuple[Link, ...]:
        return () if self.kind == "core" else tuple(Link(self.name, side) for side in SIDES)


@dataclass(frozen=True)
class Link:
    """A cable from a host to core."""

    host: str
    side: str

    @property
    def name(self) -> str:
        return f"{self.host}-{self.side}"

    @property
    def number(self) -> int:
        """Its place among all links there can be: core has a socket for each from the start."""
        return ALL_LINKS.index(self)

    @property
    def core_nic(self) -> str:
        return f"eth{self.number + 1}"

    @property
    def host_nic(self) -> str:
        return f"eth{SIDES.index(self.side) + 1}"


def _machine(kind: str, number: int) -> Machine:
    if kind == "xen":
        return Machine(f"xen{number}", kind, number, 3072, XEN_CPUS)
    return Machine(f"plain{number}", kind, 10 + number, 2048, 2)


CORE_MACHINE = Machine(CORE, "core", 0, 768, 1)
HOSTS = tuple(_machine("xen", n + 1) for n in range(MAX_XEN)) + tuple(
    _machine("plain", n + 1) for n in range(MAX_PLAIN)
)
ALL_MACHINES = (CORE_MACHINE, *HOSTS)
ALL_LINKS = tuple(Link(host.name, side) for host in HOSTS for side in SIDES)


def machine(name: str) -> Machine:
    for one in ALL_MACHINES:
        if one.name == name:
            return one
    raise LabError(f"There is no machine '{name}' in a lab. There can be: {', '.join(m.name for m in ALL_MACHINES)}.")


def link(name: str) -> Link:
    for one in ALL_LINKS:
        if one.name == name:
            return one
    raise LabError(
        f"There is no link '{name}'. Links are named HOST-a and HOST-b, such as xen1-a; 'status' lists them."
    )


def wanted(hosts: int, plain: int) -> list[Machine]:
    """The machines of a lab with so many hosts, core first."""
    if not 0 <= hosts <= MAX_XEN or not 0 <= plain <= MAX_PLAIN:
        raise LabError(
            f"A lab has 0 to {MAX_XEN} Xen hosts and 0 to {MAX_PLAIN} plain machines; core has no more sockets."
        )
    return [
        CORE_MACHINE,
        *(_machine("xen", n + 1) for n in range(hosts)),
        *(_machine("plain", n + 1) for n in range(plain)),
    ]


def mac(lab: str, owner: str, nic: str) -> str:
    """A stable address in QEMU's range, distinct for each lab, machine and card."""
    digest = hashlib.sha256(f"{lab}/{owner}/{nic}".encode()).digest()
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in digest[:3])
