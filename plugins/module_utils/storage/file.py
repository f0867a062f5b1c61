# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks that are raw, sparse files: local, or on a shared file system."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict, InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.image import FileTarget
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands

_SPARE = 16 * MIB


class FileDisks:
    """Makes disk files under a hidden name and gives them their own name when they are complete.

    Args:
        commands: programs of the host.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def size_of(self, target: FileTarget) -> Size | None:
        """The size of the disk that is there; None when nothing is.

        Raises:
            Conflict: what is there is no regular file.
        """
        path = Path(target.path)
        if path.is_dir() or (path.exists() and not (path.is_file() or path.is_block_device())):
            raise Conflict(
                f"{path} cannot be a disk",
                found="a directory" if path.is_dir() else "neither a file nor a block device",
                expected="a file, or nothing",
            )
        if path.is_symlink() and not path.exists():
            raise Conflict(
                f"{path} cannot be a disk", found="a symbolic link to nothing", expected="a file, or nothing"
            )
        if not path.exists():
            return None
        with path.open("rb") as file:
            return Size(max(os.lseek(file.fileno(), 0, os.SEEK_END), 1))

    def check(self, wanted: Sequence[tuple[FileTarget, int]]) -> None:
        """Look for obstacles before anything is touched.

        Args:
            wanted: the disks to be made and how many bytes of content each begins with.

        Raises:
            InvalidInput: a folder on the way is something else.
            Conflict: a file system has not enough room for all of them.
        """
        needs: dict[int, tuple[Path, int]] = {}
        for target, content in wanted:
            folder = _nearest_folder(Path(target.path).parent)
            device = folder.stat().st_dev
            needs[device] = (folder, needs.get(device, (folder, 0))[1] + content + MIB)
        for folder, need in needs.values():
            free = shutil.disk_usage(folder).free
            if free < need + _SPARE:
                raise Conflict(
                    f"the file system of {folder} has too little room for the disks",
                    found=f"{free // MIB} MiB free",
                    expected=f"{(need + _SPARE) // MIB} MiB",
                    remedy="Nothing was changed. Make room or choose another path.",
                )

    @contextmanager
    def making(self, target: FileTarget, size: Size) -> Iterator[str]:
        """Give the path of an empty file to fill; afterwards it gets the disk's name, or is removed on any error.

        The file stays locked meanwhile, so that two hosts on shared storage do not make the same disk at once.

        Raises:
            Conflict: another run makes this disk now, or it came to be meanwhile.
        """
        path = Path(target.path)
        _make_folder(path.parent)
        partial = path.with_name(f".{path.name}.partial")
        handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            self._lock(handle, partial, path)
            os.ftruncate(handle, 0)
            os.fchmod(handle, 0o600)
            try:
                yield str(partial)
                os.truncate(partial, size.bytes)
                os.fsync(handle)
                # A link, unlike a rename, never replaces what is there.
                os.link(partial, path)
            except FileExistsError as error:
                raise Conflict(
                    f"the disk {path} came to be while it was made", remedy="It was left as it is."
                ) from error
            finally:
                partial.unlink(missing_ok=True)
        finally:
            os.close(handle)

    def fill(self, source: str, partial: str) -> None:
        """Copy an image's file the fastest way that the file system has: shared blocks, a copy at the server, holes kept.

        Raises:
            CommandFailed: the copy failed.
        """
        self._commands.run(["cp", "--reflink=auto", "--sparse=auto", "--", source, partial])

    @staticmethod
    def _lock(handle: int, partial: Path, path: Path) -> None:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine, named = os.fstat(handle), partial.stat()
        except OSError as error:
            raise Conflict(f"the disk {path} is being made by another run", remedy="Wait for it to end.") from error
        if (mine.st_ino, mine.st_dev) != (named.st_ino, named.st_dev) or mine.st_nlink != 1:
            raise Conflict(f"the disk {path} is being made by another run", remedy="Wait for it to end.")


def _nearest_folder(path: Path) -> Path:
    """The deepest folder on the way that is there."""
    for folder in (path, *path.parents):
        if folder.is_dir():
            return folder
        if folder.exists() or folder.is_symlink():
            raise InvalidInput(f"{folder} is on the way to a disk", found="no folder", expected="a folder")
    return Path("/")


def _make_folder(path: Path) -> None:
    """Make the missing folders; others than root may pass through them but not list them."""
    for folder in reversed((path, *path.parents)):
        if not folder.is_dir():
            folder.mkdir(exist_ok=True)
            folder.chmod(0o711)
