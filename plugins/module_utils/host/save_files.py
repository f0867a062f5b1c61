# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The files that ``xl save`` writes, and how libvirt reads them; implements ``ports.takeover.MemoryFiles``."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.save_file import (
    STREAM_HEAD_BYTES,
    XL_HEAD_BYTES,
    check_stream,
    libvirt_head,
    stream_offset,
)

_CHUNK = 1024 * 1024
_PAUSE_SECONDS = 0.05
_END_SECONDS = 10.0


class SaveFiles:
    """The saved guests in one folder, which only its owner may enter: memory holds secrets.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def room(self) -> Size:
        """How much fits on the file system that the folder is, or will be, on."""
        there = next(path for path in (self._folder, *self._folder.parents) if path.is_dir())
        status = os.statvfs(there)
        return Size(status.f_bavail * status.f_frsize)

    def prepare(self, guest: str) -> None:
        """Make a guest's file, which is empty yet, and the folder if it is missing. xl writes into what is there.

        Raises:
            CommandFailed: the file system does not take it, or the file has something in it.
        """
        path = self.path(guest)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                size = os.fstat(file.fileno()).st_size
        except OSError as error:
            raise CommandFailed(f"the file {path} could not be made", guest=guest, found=str(error)) from error
        if size:
            raise CommandFailed(f"the file {path} has a memory in it already", guest=guest, found=f"{size} bytes")

    def path(self, guest: str) -> str:
        """The file of a guest."""
        return str(self._folder / f"{guest}.save")

    def exists(self, guest: str) -> bool:
        """Whether there is one with something in it."""
        path = Path(self.path(guest))
        return path.exists() and path.stat().st_size > 0

    def forget(self, guest: str) -> None:
        """Delete it, if it is there.

        Raises:
            CommandFailed: the file system does not let it.
        """
        path = self.path(guest)
        try:
            Path(path).unlink(missing_ok=True)
        except OSError as error:
            raise CommandFailed(
                "its memory of before could not be deleted",
                guest=guest,
                found=str(error),
                remedy=f"The guest runs, so delete {path}: to restore it now would damage the guest's disks.",
            ) from error

    @contextmanager
    def as_image(self, guest: str, xml: str) -> Iterator[str]:
        """A named pipe through which a reader gets libvirt's header, the definition, and the stream of xl's file.

        A guest's memory is big: so it is neither copied on the disk nor changed there.

        Raises:
            CommandFailed, InvalidInput: what xl saved cannot be read.
        """
        pipe = self._folder / f"{guest}.pipe"
        try:
            with Path(self.path(guest)).open("rb") as saved:
                _go_to_stream(saved)
                pipe.unlink(missing_ok=True)
                os.mkfifo(pipe, 0o600)
                feeder = _Feeder(pipe, libvirt_head(xml), saved)
                feeder.start()
                try:
                    yield str(pipe)
                finally:
                    feeder.end()
                    pipe.unlink(missing_ok=True)
        except OSError as error:
            raise CommandFailed("the saved memory could not be read", guest=guest, found=str(error)) from error


def _go_to_stream(saved: BinaryIO) -> None:
    offset = stream_offset(saved.read(XL_HEAD_BYTES))
    saved.seek(offset)
    check_stream(saved.read(STREAM_HEAD_BYTES))
    saved.seek(offset)


class _Feeder(threading.Thread):
    """Writes into a named pipe as soon as somebody reads from it. A reader that stops reading says itself why."""

    def __init__(self, pipe: Path, head: bytes, saved: BinaryIO) -> None:
        super().__init__(daemon=True)
        self._pipe = pipe
        self._head = head
        self._saved = saved
        self._given_up = threading.Event()

    def run(self) -> None:
        descriptor = self._opened()
        if descriptor is None:
            return
        try:
            with os.fdopen(descriptor, "wb") as target:
                target.write(self._head)
                shutil.copyfileobj(self._saved, target, _CHUNK)
        except (OSError, ValueError):
            return  # the reader left, or sees the end too early and fails by itself

    def end(self) -> None:
        """Stop waiting for a reader."""
        self._given_up.set()
        self.join(_END_SECONDS)

    def _opened(self) -> int | None:
        """The pipe, once there is a reader."""
        while not self._given_up.is_set():
            try:
                descriptor = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    return None
                self._given_up.wait(_PAUSE_SECONDS)
            else:
                os.set_blocking(descriptor, True)
                return descriptor
        return None
