"""One command at a time for each thing that commands change."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xenlab.errors import LabError
from xenlab.progress import say


@contextmanager
def locked(path: Path, what: str, patience: float = 15.0) -> Iterator[None]:
    """Hold the lock file; the kernel gives it back however this process ends.

    A short wait lets quick commands queue up; after that the holder is named.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(handle, what, patience)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, what: str, patience: float) -> None:
    deadline = time.monotonic() + patience
    told = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
        if time.monotonic() >= deadline:
            raise LabError(
                f"{what} is in use by another command (process {holder}). Wait for it to end, then try again."
            )
        if not told:
            say(f"{what}: waiting for another command (process {holder}) ...")
            told = True
        time.sleep(0.2)
