"""Where the lab keeps its things: one cache for images and keys, one folder for each lab."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from xenlab.errors import LabError

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


def cache_root() -> Path:
    """The folder under which everything lies that the lab ever makes."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "xenfleet" / "lab"


@dataclass(frozen=True)
class Paths:
    """The files of one lab."""

    lab: str
    root: Path

    @classmethod
    def of(cls, lab: str) -> Paths:
        if not _NAME.fullmatch(lab):
            raise LabError(
                f"'{lab}' is no name for a lab: lower case letters, digits and '-', a letter first, at most 31."
            )
        return cls(lab, cache_root())

    @property
    def images(self) -> Path:
        return self.root / "images"

    @property
    def keys(self) -> Path:
        return self.root / "keys"

    @property
    def labs(self) -> Path:
        return self.root / "labs"

    @property
    def home(self) -> Path:
        """This lab's own folder."""
        return self.labs / self.lab

    @property
    def run(self) -> Path:
        """Sockets, pid files and logs: worthless once the machines are down."""
        return self.home / "run"

    @property
    def disks(self) -> Path:
        return self.home / "disks"

    @property
    def known_hosts(self) -> Path:
        return self.home / "known_hosts"

    @property
    def state(self) -> Path:
        return self.home / "state.json"

    @property
    def lock(self) -> Path:
        # Beside the folder, so that removing the folder does not remove a lock that is held.
        return self.labs / f"{self.lab}.lock"

    def pidfile(self, machine: str) -> Path:
        return self.run / f"{machine}.pid"

    def console_log(self, machine: str) -> Path:
        return self.run / f"{machine}.console.log"

    def qemu_log(self, machine: str) -> Path:
        return self.run / f"{machine}.qemu.log"

    def console_socket(self, machine: str) -> Path:
        return self.run / f"{machine}.console"

    def qmp_socket(self, machine: str) -> Path:
        return self.run / f"{machine}.qmp"
