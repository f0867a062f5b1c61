# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks that are LVM volumes."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict, NotFound
from ansible_collections.xenfleet.xen.plugins.module_utils.model.image import VolumeTarget
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands

_TAG = "xenfleet_partial"
_REPORT = ("--reportformat", "json", "--units", "b", "--nosuffix")


@dataclass(frozen=True)
class _Volume:
    size: int
    tags: frozenset[str]


class VolumeDisks:
    """Makes volumes under the name ``NAME.partial`` with a tag of its own, and renames them when they are complete.

    Args:
        commands: programs of the host.
        lock: the file that keeps two runs on one host apart.
    """

    def __init__(self, commands: Commands, lock: str = "/run/lock/xenfleet-volumes.lock") -> None:
        self._commands = commands
        self._lock = lock

    def size_of(self, target: VolumeTarget) -> Size | None:
        """The size of the volume that is there; None when there is none.

        Raises:
            NotFound: the volume group is missing, or LVM's programs are.
        """
        volume = self._volumes(target.group).get(target.name)
        return Size(volume.size) if volume else None

    def check(self, wanted: Sequence[tuple[VolumeTarget, Size]]) -> None:
        """Look for obstacles before anything is touched.

        Raises:
            NotFound: a volume group is missing.
            Conflict: one has too little room for all that shall be in it, or something strange has our working name.
        """
        for group in dict.fromkeys(target.group for target, _size in wanted):
            free, extent = self._free(group)
            volumes = self._volumes(group)
            need = 0
            for target, size in wanted:
                if target.group != group:
                    continue
                left = volumes.get(f"{target.name}.partial")
                if left is not None and _TAG not in left.tags:
                    raise Conflict(
                        f"the volume {group}/{target.name}.partial is in the way and was not made by this module",
                        remedy="Rename or remove it.",
                    )
                free += left.size if left else 0
                need += -(-size.bytes // extent) * extent
            if free < need:
                raise Conflict(
                    f"the volume group {group} has too little room for the disks",
                    found=f"{free // MIB} MiB free",
                    expected=f"{need // MIB} MiB",
                    remedy="Nothing was changed. Extend the group or choose another.",
                )

    @contextmanager
    def making(self, target: VolumeTarget, size: Size) -> Iterator[str]:
        """Give the device of an empty (zeroed) volume to fill; afterwards it gets its name, or is removed on any error.

        Raises:
            Conflict: the volume came to be meanwhile.
            CommandFailed: LVM refused.
        """
        working = VolumeTarget(target.group, f"{target.name}.partial")
        with Path(self._lock).open("w", encoding="utf-8") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            volumes = self._volumes(target.group)
            if target.name in volumes:
                raise Conflict(f"the volume {target} came to be meanwhile", remedy="It was left as it is.")
            if working.name in volumes:
                self._remove(working)
            self._commands.run(
                [
                    "lvcreate",
                    "--yes",
                    "--quiet",
                    "--wipesignatures",
                    "y",
                    "--zero",
                    "y",
                    "--addtag",
                    _TAG,
                    "--size",
                    f"{size.bytes}b",
                    "--name",
                    working.name,
                    target.group,
                ]
            )
            try:
                # What another guest once wrote there is no business of this one.
                self._commands.run(["blkdiscard", "--zeroout", working.device])
                yield working.device
                self._commands.run(["lvchange", "--quiet", "--deltag", _TAG, f"{working.group}/{working.name}"])
                self._commands.run(["lvrename", "--quiet", target.group, working.name, target.name])
            except BaseException:
                self._remove(working)
                raise

    def fill(self, source: str, partial: str) -> None:
        """Copy an image's file, leaving out what is zero there (the volume is zeroed).

        Raises:
            CommandFailed: the copy failed.
        """
        self._commands.run(["dd", f"if={source}", f"of={partial}", "bs=1M", "conv=sparse,notrunc,fsync", "status=none"])

    def _remove(self, volume: VolumeTarget) -> None:
        self._commands.run(["lvremove", "--yes", "--quiet", f"{volume.group}/{volume.name}"])

    def _free(self, group: str) -> tuple[int, int]:
        """Free bytes of a group, and the size of its extents."""
        done = self._commands.run(["vgs", *_REPORT, "-o", "vg_free,vg_extent_size", group])
        row = json.loads(done.stdout)["report"][0]["vg"][0]
        return int(row["vg_free"]), int(row["vg_extent_size"])

    def _volumes(self, group: str) -> dict[str, _Volume]:
        done = self._commands.run(["lvs", *_REPORT, "-o", "lv_name,lv_size,lv_tags", group], check=False)
        if done.status != 0:
            raise NotFound(
                f"the volume group {group} is missing",
                found=done.stderr.strip() or None,
                remedy="Create it, for example by the role 'storage'.",
            )
        rows = json.loads(done.stdout)["report"][0]["lv"]
        return {
            row["lv_name"]: _Volume(int(row["lv_size"]), frozenset(filter(None, row["lv_tags"].split(","))))
            for row in rows
        }
