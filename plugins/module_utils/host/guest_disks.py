# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks of guests on this machine, files and LVM volumes, for their removal; implements ``ports.guest.GuestDisks``."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands


class LocalGuestDisks:
    """What is at a path, who has it open, and away with it.

    Args:
        commands: programs of the host.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def identity(self, path: str) -> str:
        """What a path leads to, whatever it is called by; the path itself where nothing is."""
        try:
            found = Path(path).stat()
        except OSError:
            return path
        return f"block {found.st_rdev}" if stat.S_ISBLK(found.st_mode) else f"file {found.st_dev} {found.st_ino}"

    def trouble(self, path: str) -> str | None:
        """Why what is at a path cannot be removed; None when it can, or is gone already."""
        place = Path(path)
        if place.is_block_device():
            return self._volume_trouble(path)
        if place.is_symlink():
            return "is a symbolic link"
        return None if place.is_file() or not place.exists() else "is no file and no LVM volume"

    def user(self, path: str) -> str | None:
        """The program that has a file open, or the loop device that it lies under. LVM knows of its volumes itself."""
        try:
            wanted = Path(path).stat()
        except OSError:
            return None
        if not stat.S_ISREG(wanted.st_mode):
            return None
        for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
            with contextlib.suppress(OSError):
                if os.path.samestat(Path(backing.read_text(encoding="utf-8").rstrip("\n")).stat(), wanted):
                    return f"/dev/{backing.parent.parent.name}"
        for handle in Path("/proc").glob("[0-9]*/fd/*"):
            with contextlib.suppress(OSError):
                if os.path.samestat(handle.stat(), wanted):
                    process = handle.parent.parent
                    name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                    return f"{name} (process {process.name})"
        return None

    def remove(self, path: str) -> None:
        """Remove a file or a volume; one that is gone is no error.

        Raises:
            CommandFailed: LVM refused, as it does for a volume that is open.
        """
        if Path(path).is_block_device():
            self._commands.run(["lvremove", "--yes", "--quiet", path])
        else:
            Path(path).unlink(missing_ok=True)

    def _volume_trouble(self, path: str) -> str | None:
        if not self._commands.has("lvs"):
            return "is a block device, and this host has no LVM"
        done = self._commands.run(["lvs", "--noheadings", "--options", "lv_attr", path], check=False)
        if done.status != 0:
            return "is a block device and no LVM volume"
        # LVM takes the snapshots of a volume away with it (lvs(8): the first attribute of an origin is 'o').
        return "has snapshots, which would go with it" if done.stdout.strip()[:1] in ("o", "O") else None
