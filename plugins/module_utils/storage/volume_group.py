# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LVM volume groups, and what is on the devices for them; implements ``ports.storage.HostVolumeGroups``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence

from ansible_collections.xenfleet.xen.plugins.module_utils.model.host import Space
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.storage import FoundDevice, FoundGroup, VolumeGroup
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands


class VolumeGroups:
    """Volume groups of this machine.

    Args:
        commands: programs of the host.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def found(self, group: VolumeGroup) -> FoundGroup:
        """The devices in the group, and what is on the declared ones that are not; without LVM there are no groups."""
        devices = self._devices(group.name) if self._commands.has("vgs") else None
        known = {os.path.realpath(device) for device in devices or ()}
        new = [device for device in group.devices if os.path.realpath(device) not in known]
        return FoundGroup(devices, tuple(self._look(device) for device in new))

    def create(self, name: str, devices: Sequence[str]) -> None:
        """Make a group.

        Raises:
            CommandFailed: LVM refused.
        """
        self._commands.run(["vgcreate", "--yes", name, *devices])

    def extend(self, name: str, devices: Sequence[str]) -> None:
        """Add devices to a group.

        Raises:
            CommandFailed: LVM refused.
        """
        self._commands.run(["vgextend", "--yes", name, *devices])

    def _devices(self, name: str) -> tuple[str, ...] | None:
        done = self._commands.run(["vgs", "--noheadings", "--options", "pv_name", name], check=False)
        return tuple(done.stdout.split()) if done.status == 0 else None

    def _look(self, device: str) -> FoundDevice:
        """What is on a device: signatures, partitions, a mount, something that uses it."""
        real = os.path.realpath(device)
        signatures = self._commands.run(["wipefs", "--no-act", "--noheadings", device], check=False)
        columns = "NAME,FSTYPE,PTTYPE,MOUNTPOINTS"
        blocks = self._commands.run(["lsblk", "--noheadings", "--output", columns, device], check=False)
        for done in (signatures, blocks):
            if done.status != 0:
                return FoundDevice(device, real, trouble=" ".join(done.stderr.split()) or f"status {done.status}")
        # An empty device is one line with its name and nothing else.
        empty = not signatures.stdout.strip() and len(blocks.stdout.split()) == 1
        words = f"{blocks.stdout} {signatures.stdout}".split()
        return FoundDevice(device, real, content="" if empty else " ".join(words) or "nothing that lsblk knows")


def lvm_spaces(commands: Commands) -> tuple[Space, ...]:
    """All volume groups of the machine and the thin pools in them, with what is left; none where LVM is not installed."""
    if not commands.has("vgs"):
        return ()
    groups = [
        Space("volume_group", row["vg_name"], Size(int(row["vg_size"])), Size(int(row["vg_free"])))
        for row in _report(commands, "vgs", "vg", "vg_name,vg_size,vg_free")
    ]
    pools = []
    for row in _report(commands, "lvs", "lv", "vg_name,lv_name,lv_size,data_percent", "segtype=thin-pool"):
        total = int(row["lv_size"])
        free = total - int(total * float(row["data_percent"] or 0) / 100)
        pools.append(Space("thin_pool", f"{row['vg_name']}/{row['lv_name']}", Size(total), Size(free)))
    return (*groups, *pools)


def _report(commands: Commands, program: str, what: str, columns: str, select: str = "") -> Iterator[dict[str, str]]:
    """What LVM reports, row by row; nothing where it fails."""
    argv = [program, "--reportformat", "json", "--units", "b", "--nosuffix", "--options", columns]
    done = commands.run([*argv, *(["--select", select] if select else [])], check=False, timeout=60)
    if done.status == 0:
        for report in json.loads(done.stdout)["report"]:
            yield from report[what]
