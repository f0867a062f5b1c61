# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An ext4 file system that is not mounted: grown and written into by e2fsprogs, never by the host's kernel."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed, Conflict
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.personality import Write
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands

_PRIVATE = Path("/run")
_INODE = re.compile(r"Type:\s+(?P<type>\w+)\s+Mode:\s+(?P<mode>[0-7]+)")
_OWNER = re.compile(r"User:\s+(?P<user>\d+)\s+Group:\s+(?P<group>\d+)")


class Ext4:
    """File systems in files and on devices.

    Args:
        commands: programs of the host.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def grow(self, path: str) -> None:
        """Let the file system fill its file or device; it is checked first when resize2fs wants that.

        Raises:
            CommandFailed: it is no ext4, or damaged.
        """
        done = self._commands.run(["resize2fs", path], check=False)
        if done.status != 0 and "e2fsck -f" in done.stdout + done.stderr:
            checked = self._commands.run(["e2fsck", "-f", "-p", path], check=False)
            # 1: errors were corrected.
            if checked.status > 1:
                raise CommandFailed(
                    f"the file system of {path} is damaged", found=(checked.stdout + checked.stderr).strip() or None
                )
            done = self._commands.run(["resize2fs", path], check=False)
        if done.status != 0:
            raise CommandFailed(
                f"the file system of {path} could not be grown", found=(done.stderr or done.stdout).strip() or None
            )

    def make(self, path: str, filesystem: str) -> None:
        """Format an empty disk.

        Args:
            path: the disk.
            filesystem: ``ext4`` or ``swap``.
        """
        if filesystem == "swap":
            self._commands.run(["mkswap", path])
        else:
            self._commands.run(["mke2fs", "-q", "-F", "-t", filesystem, path])

    def write(self, path: str, writes: Sequence[Write]) -> None:
        """Write files into the file system, make the folders they need, and read all of it back.

        Raises:
            Conflict: something else than a folder is where one has to be.
            CommandFailed: what was read back is not what was written (debugfs itself ends with 0 whatever happens).
        """
        if not writes:
            return
        # In memory where possible: secrets never reach the host's own disk.
        base = str(_PRIVATE) if os.access(_PRIVATE, os.W_OK) else None
        with tempfile.TemporaryDirectory(prefix="xenfleet-", dir=base) as name:
            private = Path(name)
            commands: list[str] = []
            for folder, mode in self._missing_folders(path, writes):
                commands += [
                    *_go(folder.rpartition("/")[0]),
                    f"mkdir {_leaf(folder)}",
                    *_attributes(folder, 0o040000 | mode),
                ]
            for index, write in enumerate(writes):
                source = private / f"in{index}"
                source.touch(mode=0o600)
                source.write_bytes(write.content.encode())
                commands += [*_go(write.path.rpartition("/")[0]), f"rm {_leaf(write.path)}"]
                commands += [f"write {source} {_leaf(write.path)}", *_attributes(write.path, 0o100000 | write.mode)]
            self._debugfs(path, private, commands, write=True)
            self._compare(path, private, writes)

    def stat(self, path: str, inside: Sequence[str]) -> list[tuple[str, int, int, int] | None]:
        """Type, permissions, user and group of some paths in the file system; None where there is nothing.

        Args:
            path: the file or device with the file system.
            inside: the paths in it.
        """
        with tempfile.TemporaryDirectory(prefix="xenfleet-") as name:
            output = self._debugfs(path, Path(name), [f"stat {entry}" for entry in inside], write=False)
        parts = re.split(r"^debugfs: stat .*$", output, flags=re.MULTILINE)[1:]
        if len(parts) != len(inside):
            raise CommandFailed(f"the file system of {path} could not be read", found=output.strip()[-400:] or None)
        found: list[tuple[str, int, int, int] | None] = []
        for part in parts:
            inode, owner = _INODE.search(part), _OWNER.search(part)
            if inode is None or owner is None:
                found.append(None)
            else:
                found.append((inode["type"], int(inode["mode"], 8), int(owner["user"]), int(owner["group"])))
        return found

    def _missing_folders(self, path: str, writes: Sequence[Write]) -> list[tuple[str, int]]:
        """Folders to be made, parents first, with their permissions."""
        wanted: dict[str, int] = {}
        for write in writes:
            parts = write.path.split("/")[1:-1]
            for depth in range(1, len(parts) + 1):
                folder = "/" + "/".join(parts[:depth])
                wanted[folder] = write.folder_mode if depth == len(parts) else wanted.get(folder, 0o755)
        if not wanted:
            return []
        missing = []
        for (folder, mode), found in zip(wanted.items(), self.stat(path, list(wanted)), strict=True):
            if found is None:
                missing.append((folder, mode))
            elif found[0] not in ("directory", "symlink"):
                raise Conflict(f"{folder} in the image is no folder", found=found[0])
        return missing

    def _compare(self, path: str, private: Path, writes: Sequence[Write]) -> None:
        dumps = [f"dump {write.path} {private / f'out{index}'}" for index, write in enumerate(writes)]
        for index in range(len(writes)):
            (private / f"out{index}").touch(mode=0o600)
        self._debugfs(path, private, dumps, write=False)
        found = self.stat(path, [write.path for write in writes])
        for index, write in enumerate(writes):
            same = (private / f"out{index}").read_bytes() == write.content.encode()
            if not same or found[index] != ("regular", write.mode, 0, 0):
                raise CommandFailed(
                    f"{write.path} was not written as it should be into the file system of {path}",
                    found="other content" if not same else str(found[index]),
                    remedy="Perhaps the disk is full, or the image's file system is damaged.",
                )

    def _debugfs(self, path: str, private: Path, commands: Sequence[str], *, write: bool) -> str:
        script = private / "commands"
        script.write_text("\n".join([*commands, ""]), encoding="utf-8")
        done = self._commands.run(["debugfs", *(["-w"] if write else []), "-f", str(script), path])
        if "Bad magic" in done.stderr or "not open" in done.stdout + done.stderr:
            raise CommandFailed(f"{path} has no usable ext4 file system", found=done.stderr.strip() or None)
        return done.stdout


def _go(folder: str) -> list[str]:
    """Names with a slash are taken literally by 'write', so the folder is entered first."""
    return [f"cd {folder or '/'}"]


def _leaf(path: str) -> str:
    return path.rpartition("/")[2]


def _attributes(path: str, mode: int) -> list[str]:
    name = _leaf(path)
    return [f"sif {name} mode 0{mode:o}", f"sif {name} uid 0", f"sif {name} gid 0"]
