"""The lab's own figures: what it noted while it worked, and what can be measured now."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from pathlib import Path

from xenlab import images, process, ssh
from xenlab.fleet import Fleet
from xenlab.recipe import KINDS, SUITES, recipe
from xenlab.status import columns
from xenlab.topology import ALL_MACHINES


def table(fleet: Fleet) -> str:
    """One line a figure."""
    rows: list[tuple[str, ...]] = [("FIGURE", "VALUE", "HOW")]
    rows += _images(fleet)
    rows += _boots(fleet)
    rows += _live(fleet)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{columns(rows)}\n\n{os.cpu_count()} processors, load {load}"


def _images(fleet: Fleet) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for kind in KINDS:
        for debian in SUITES:
            found = images.cached(fleet.paths, recipe(kind, debian)) if kind == "xen" or debian == "13" else None
            if found is None:
                continue
            used = found.disk.stat().st_blocks * 512 // (1024 * 1024)
            parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in found.figures.items())
            rows.append(
                (
                    f"image {kind}-{debian}: build",
                    f"{sum(found.figures.values()):.0f} s",
                    f"noted when it was built: {parts}",
                )
            )
            rows.append((f"image {kind}-{debian}: on disk", f"{used} MiB", "now"))
    return rows


def _boots(fleet: Fleet) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for one in ALL_MACHINES:
        own = fleet.state.machines.get(one.name)
        if own and own.boots:
            rows.append(
                (
                    f"{one.name} (Debian {own.debian}): QEMU to SSH",
                    f"{own.boots[-1]:.0f} s",
                    f"noted at the last boot; median of {len(own.boots)}: {statistics.median(own.boots):.0f} s",
                )
            )
    return rows


def _live(fleet: Fleet) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for one in ALL_MACHINES:
        pid = process.running(fleet.paths, one.name)
        if pid is None:
            continue
        begin = time.monotonic()
        done = subprocess.run(
            ssh.command(fleet.paths, fleet.state, one.name, ["true"]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        seconds = time.monotonic() - begin
        rows.append(
            (f"{one.name}: ssh true", f"{seconds:.1f} s" if done.returncode == 0 else "fails", "now, a new connection")
        )
        rows.append((f"{one.name}: memory in use", f"{_resident_mib(pid)} MiB", "now, QEMU's resident set"))
        disk = fleet.paths.disks / f"{one.name}.qcow2"
        rows.append(
            (f"{one.name}: disk", f"{disk.stat().st_blocks * 512 // (1024 * 1024)} MiB", "now, beside the shared image")
        )
    return rows


def _resident_mib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) // 1024
    return 0
