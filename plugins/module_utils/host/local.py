# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The machine that a module runs on: its bridges, mounts and paths, from the kernel itself."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.model.host import Mount
from ansible_collections.xenfleet.xen.plugins.module_utils.ports import HostFacts

_NETWORK_FILESYSTEMS = ("nfs", "nfs4", "ocfs2", "gfs2", "ceph", "fuse.glusterfs")


class LocalHost:
    """Implements ``ports.HostFacts``.

    Args:
        root: where ``/sys`` and ``/proc`` are found.
    """

    def __init__(self, root: str = "/") -> None:
        self._root = Path(root)

    def bridges(self) -> frozenset[str]:
        """The names of the host's bridges; those of Open vSwitch count too."""
        folder = self._root / "sys/class/net"
        if not folder.is_dir():
            return frozenset()
        return frozenset(
            entry.name
            for entry in folder.iterdir()
            if (entry / "bridge").is_dir() or (entry / "upper_ovs-system").exists()
        )

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
        """The network and cluster file systems that are mounted (format: proc_pid_mountinfo(5))."""
        mounts = []
        for line in (self._root / "proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
            before, after = (part.split() for part in line.split(" - ", 1))
            if len(before) > 4 and len(after) > 1 and after[0] in _NETWORK_FILESYSTEMS:
                mounts.append(Mount(path=_unescaped(before[4]), source=_unescaped(after[1]), fstype=after[0]))
        return tuple(mounts)


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

    def path_kind(self, path: str) -> str | None:
        """What is at a path, or will be."""
        kind = self._host.path_kind(path)
        if kind is None and path in self._paths:
            return "block" if path.startswith("/dev/") else "file"
        return kind


def _unescaped(text: str) -> str:
    """The kernel writes blanks and backslashes of a path in octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
