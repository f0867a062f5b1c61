# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A Xen host: what it has and what it can run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size


@dataclass(frozen=True)
class Mount:
    """A file system that several hosts may have mounted.

    Attributes:
        path: where it is mounted.
        source: what is mounted, such as ``10.20.0.1:/srv/guests``.
        fstype: its type, such as ``nfs4``.
    """

    path: str
    source: str
    fstype: str


def mount_above(path: str, mounts: Iterable[Mount]) -> Mount | None:
    """The innermost of some mounts that a path lies under; None when it lies under none of them."""
    above = [mount for mount in mounts if path.startswith(mount.path.rstrip("/") + "/")]
    return max(above, key=lambda mount: len(mount.path), default=None)


@dataclass(frozen=True)
class BondFact:
    """A bond that the kernel has.

    Attributes:
        name: its interface.
        mode: such as ``802.3ad``.
        members: its members.
        carriers: those of them that have carrier.
    """

    name: str
    mode: str
    members: tuple[str, ...]
    carriers: tuple[str, ...]


@dataclass(frozen=True)
class VlanFact:
    """A VLAN that the kernel has, on another interface."""

    name: str
    over: str
    vlan: int


@dataclass(frozen=True)
class Space:
    """Where disks of guests can lie.

    Attributes:
        kind: ``filesystem``, ``volume_group``, ``thin_pool``, or ``pool`` for one of libvirt.
        name: the path where it is mounted, or its name.
        total: how much fits in it.
        free: how much is left.
    """

    kind: str
    name: str
    total: Size
    free: Size


@dataclass(frozen=True)
class Host:
    """A Xen host as it was found.

    Attributes:
        name: its own name.
        xen_version: such as ``4.20.0``; None when the hypervisor is another.
        libvirt_version: such as ``11.3.0``.
        types: the types of guests that can run on it: ``pv``, ``pvh``, ``hvm``.
        live_migration: those of them that can be moved while they run.
        memory_total: what the machine has.
        memory_free: what Xen has left for guests; None when it cannot be told.
        cpus: the number of its CPUs.
        guests: the guests that libvirt knows, name to UUID.
        foreign_guests: running guests that libvirt does not know, such as those made by ``xl``.
    """

    name: str
    xen_version: str | None
    libvirt_version: str
    types: tuple[str, ...]
    live_migration: tuple[str, ...]
    memory_total: Size
    memory_free: Size | None
    cpus: int
    guests: dict[str, str]
    foreign_guests: tuple[str, ...] = ()
