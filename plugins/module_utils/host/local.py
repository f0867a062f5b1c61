# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The machine that a module runs on: its bridges, mounts and paths, from the kernel itself."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.host.mountinfo import mount_table
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host import BondFact, Mount, Space, VlanFact
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import HostFacts

# The two places that ovs-vswitchd is usually built to put its sockets in.
_OPENVSWITCH = ("run/openvswitch", "usr/local/var/run/openvswitch")
_NETWORK_FILESYSTEMS = ("nfs", "nfs4", "ocfs2", "gfs2", "ceph", "fuse.glusterfs")


class LocalHost:
    """Implements ``ports.guest.HostFacts``.

    Args:
        root: where ``/sys`` and ``/proc`` are found.
    """

    def __init__(self, root: str = "/") -> None:
        self._root = Path(root)

    def bridges(self) -> frozenset[str]:
        """The names of the host's bridges; those of Open vSwitch count too."""
        folder = self._root / "sys/class/net"
        kernel = [entry.name for entry in folder.iterdir() if (entry / "bridge").is_dir()] if folder.is_dir() else []
        return frozenset(kernel) | self.openvswitch_bridges()

    def openvswitch_bridges(self) -> frozenset[str]:
        """The names of the bridges of Open vSwitch, by the sockets of their management; the kernel shows no bridge of them."""
        return frozenset(
            entry.name.removesuffix(".mgmt")
            for folder in _OPENVSWITCH
            if (self._root / folder).is_dir()
            for entry in (self._root / folder).iterdir()
            if entry.name.endswith(".mgmt")
        )

    def bonds(self) -> tuple[BondFact, ...]:
        """The host's bonds."""
        folder = self._root / "sys/class/net"
        found = []
        for bond in sorted(folder.glob("*/bonding")):
            members = _words(bond / "slaves")
            carriers = tuple(member for member in members if _words(folder / member / "carrier") == ("1",))
            found.append(BondFact(bond.parent.name, (*_words(bond / "mode"), "")[0], members, carriers))
        return tuple(found)

    def vlans(self) -> tuple[VlanFact, ...]:
        """The host's VLANs, by the kernel's table of them, which is there as soon as there is one."""
        try:
            table = (self._root / "proc/net/vlan/config").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ()
        rows = [[cell.strip() for cell in line.split("|")] for line in table.splitlines()]
        return tuple(
            sorted(
                (VlanFact(row[0], row[2], int(row[1])) for row in rows if len(row) == 3 and row[1].isdecimal()),
                key=lambda vlan: vlan.name,
            )
        )

    def spaces(self) -> tuple[Space, ...]:
        """The file systems on the host's own devices. Those of others are not asked: a dead server would hold up the answer."""
        found: dict[str, Space] = {}
        for entry in mount_table(self._root):
            if not entry.source.startswith("/dev/") or entry.part != "/" or entry.source in found:
                continue
            try:
                told = os.statvfs(self._root / entry.path.lstrip("/"))
            except OSError:
                continue
            total, free = Size(told.f_blocks * told.f_frsize), Size(told.f_bavail * told.f_frsize)
            found[entry.source] = Space("filesystem", entry.path, total, free)
        return tuple(sorted(found.values(), key=lambda space: space.name))

    def path_kind(self, path: str) -> str | None:
        """``file``, ``block``, ``directory`` or ``other``; None when nothing is there."""
        try:
            mode = Path(path).stat().st_mode
        except OSError:
            return None
        if stat.S_ISREG(mode):
            return "file"
        if stat.S_ISBLK(mode):
            return "block"
        return "directory" if stat.S_ISDIR(mode) else "other"

    def shared_mounts(self) -> tuple[Mount, ...]:
        """The network and cluster file systems that are mounted."""
        return tuple(
            Mount(path=entry.path, source=entry.source, fstype=entry.fstype)
            for entry in mount_table(self._root)
            if entry.fstype in _NETWORK_FILESYSTEMS
        )


class PromisedHost:
    """A host with what earlier tasks of the same play have promised to make, for check mode.

    Args:
        host: the host as it is.
        paths: files and block devices that will be there.
        bridges: bridges that will be there.
    """

    def __init__(self, host: HostFacts, paths: Iterable[str], bridges: Iterable[str]) -> None:
        self._host = host
        self._paths = frozenset(paths)
        self._bridges = frozenset(bridges)

    def bridges(self) -> frozenset[str]:
        """The bridges that are there and those that will be."""
        return self._host.bridges() | self._bridges

    def openvswitch_bridges(self) -> frozenset[str]:
        """Those of Open vSwitch that are there; none of them is promised."""
        return self._host.openvswitch_bridges()

    def path_kind(self, path: str) -> str | None:
        """What is at a path, or will be."""
        kind = self._host.path_kind(path)
        if kind is None and path in self._paths:
            return "block" if path.startswith("/dev/") else "file"
        return kind


def _words(path: Path) -> tuple[str, ...]:
    """The words in a small file; none where it cannot be read, as with the carrier of an interface that is down."""
    try:
        return tuple(path.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return ()
