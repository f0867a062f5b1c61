"""What the operator sees while the lab works: one line a phase, with the seconds it took."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()


def say(text: str) -> None:
    """One line on the error stream: the output stream belongs to inventories and machines' answers."""
    with _lock:
        print(text, file=sys.stderr, flush=True)


class Phase:
    """A stretch of work with a name; ends in a line with its duration."""

    def __init__(self, subject: str, doing: str) -> None:
        self.subject = subject
        self.doing = doing
        self._begin = time.monotonic()
        self._end: float | None = None

    @property
    def seconds(self) -> float:
        return (self._end or time.monotonic()) - self._begin

    def done(self, result: str = "done") -> None:
        self._end = time.monotonic()
        say(f"{self.subject}: {self.doing} ... {result} after {self.seconds:.0f} s")


@contextmanager
def phase(subject: str, doing: str, result: str = "done") -> Iterator[Phase]:
    """Announce the work, do it, say how long it took. A failure says nothing here: its error does."""
    current = Phase(subject, doing)
    say(f"{subject}: {doing} ...")
    yield current
    current.done(result)
