"""A machine's disks: a copy-on-write layer over the shared image, and an empty disk beside it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from xenlab import seed
from xenlab.command import require, run
from xenlab.errors import LabError
from xenlab.paths import Paths
from xenlab.state import State
from xenlab.topology import Machine

EXTRA_GIB = 8
SPARE_MIB = 16


def root_disk(paths: Paths, machine: Machine) -> Path:
    return paths.disks / f"{machine.name}.qcow2"


def extra_disk(paths: Paths, machine: Machine) -> Path:
    return paths.disks / f"{machine.name}.data.img"


def spare_disk(paths: Paths, machine: Machine, name: str) -> Path:
    return paths.disks / f"{machine.name}.{name}.img"


def seed_disk(paths: Paths, machine: Machine) -> Path:
    return paths.disks / f"{machine.name}.seed.tar"


def ensure(paths: Paths, machine: Machine, state: State) -> None:
    """Make what is missing; what is there is kept with all that is on it."""
    image = paths.images / state.machines[machine.name].image
    if not (image / "disk.img").exists():
        raise LabError(
            f"{machine.name}: the image its disk is based on, {image.name}, is gone from {paths.images}."
            f" 'down --discard' removes the machines' disks; the next 'up' makes new ones."
        )
    paths.disks.mkdir(parents=True, exist_ok=True)
    extra = extra_disk(paths, machine)
    if not extra.exists():
        with extra.open("wb") as file:
            file.truncate(EXTRA_GIB * 1024**3)
    for name in machine.spare:
        _make_spare(spare_disk(paths, machine, name), f"the spare {name} of {machine.name}\n")
    if not seed_disk(paths, machine).exists():
        seed.write(paths, machine, state, seed_disk(paths, machine))
    target = root_disk(paths, machine)
    if not target.exists():
        require("qemu-img")
        part = target.with_suffix(".part")
        # Relative, so that a cache that moves keeps working.
        backing = os.path.relpath(image / "disk.img", paths.disks)
        run(
            ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", backing, str(part)],
            what=f"{machine.name}: making its disk",
        )
        os.replace(part, target)


def _make_spare(path: Path, words: str) -> None:
    """A disk that begins with words by which it is known wherever it is handed."""
    if not path.exists():
        with path.open("wb") as file:
            file.write(words.encode())
            file.truncate(SPARE_MIB * 1024**2)


def discard(paths: Paths) -> None:
    shutil.rmtree(paths.disks, ignore_errors=True)
