# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Whether a guest can move, and how: pure. Every obstacle is named, not only the first."""

from __future__ import annotations

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Refused
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Domain,
    DomainType,
    FoundDomain,
    PowerState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host import mount_above
from ansible_collections.xenfleet.xen.plugins.module_utils.model.migration import MigrationHost, Move, MoveMode
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size

# What Xen needs for a guest besides its memory, and a reserve so that the destination's own work goes on.
_OVERHEAD = Size(16 * MIB)
_NO_SHADOW = "Xen's build there has no shadow paging, which tracks the writes of a PV guest"


def plan_move(
    found: FoundDomain, source: MigrationHost, destination: MigrationHost, wanted: str, *, has_host_devices: bool
) -> Move:
    """How the guest moves.

    Args:
        found: the guest as the source has it.
        source: where it is.
        destination: where it shall go.
        wanted: ``auto``, ``live`` or ``cold``.
        has_host_devices: whether devices of the host are handed to it.

    Raises:
        Refused: something stands in the way; all of it is named.
    """
    obstacles: list[str] = []
    mode, reason = _mode(found, source, wanted, obstacles)
    domain = found.configuration
    obstacles += _state(found)
    if has_host_devices:
        obstacles.append("devices of the host are handed to it, and they cannot travel")
    obstacles += _identity(domain, destination)
    if domain.type is not None and domain.type.value not in destination.types:
        obstacles.append(
            f"type: {destination.name} runs {', '.join(sorted(destination.types)) or 'nothing'}, not {domain.type.value}"
        )
    if mode is not MoveMode.STOPPED:
        obstacles += _memory(domain, destination)
    for bridge in sorted({nic.bridge for nic in domain.networks or () if nic.bridge} - destination.bridges):
        obstacles.append(f"bridge {bridge} is missing on {destination.name}")
    obstacles += _files(domain, source, destination)
    if obstacles:
        title = f"Cannot move {found.name} from {source.name} to {destination.name}"
        raise Refused(title, obstacles, guest=found.name)
    return Move(found.name, mode, reason)


def _mode(found: FoundDomain, source: MigrationHost, wanted: str, obstacles: list[str]) -> tuple[MoveMode, str | None]:
    kind = found.configuration.type or DomainType.PV
    if not found.state.is_active:
        return MoveMode.STOPPED, "it does not run"
    if wanted == "cold":
        return MoveMode.COLD, None
    if kind.value in source.live_migration:
        return MoveMode.LIVE, None
    if wanted == "live":
        obstacles.append(f"live: {source.name} cannot send a {kind.value} guest live ({_NO_SHADOW}); use mode cold")
        return MoveMode.LIVE, None
    return MoveMode.COLD, f"{source.name} cannot send a {kind.value} guest live: {_NO_SHADOW}"


def _state(found: FoundDomain) -> list[str]:
    problems = []
    if found.stored is None:
        problems.append("it has no stored configuration (transient)")
    if found.state in (PowerState.SHUTTING_DOWN, PowerState.CRASHED, PowerState.PAUSED, PowerState.SUSPENDED):
        problems.append(f"its state is {found.state.value}; only running and stopped guests move")
    if found.managed_save and not found.state.is_active:
        problems.append("its memory is saved on this host; start it first")
    return problems


def _identity(domain: Domain, destination: MigrationHost) -> list[str]:
    # A stored definition there would vanish from libvirt when the move fails, so it is an obstacle, not overwritten.
    problems = []
    for name, uuid in destination.guests.items():
        if name == domain.name:
            problems.append(f"{destination.name} has a guest of that name (UUID {uuid})")
        elif uuid == domain.uuid:
            problems.append(f"{destination.name} has a guest with its UUID: {name}")
    return problems


def _memory(domain: Domain, destination: MigrationHost) -> list[str]:
    if domain.memory is None or destination.memory_free is None:
        return []
    needed = Size(domain.memory.bytes + _OVERHEAD.bytes)
    if needed <= destination.memory_free:
        return []
    return [f"memory: needs {needed}, {destination.name} has {Size(destination.memory_free.mib * MIB)} free"]


def _files(domain: Domain, source: MigrationHost, destination: MigrationHost) -> list[str]:
    problems = []
    for field, path in (("kernel", domain.kernel), ("ramdisk", domain.ramdisk)):
        if path is not None and destination.paths.get(path) != "file":
            problems.append(f"{field} {path} is missing on {destination.name}")
    for disk in domain.disks or ():
        path = disk.path
        if path is None:
            continue  # an empty drive, or a disk in a Ceph cluster, which all hosts reach alike
        here, there = mount_above(path, source.mounts), mount_above(path, destination.mounts)
        if here is None and not disk.is_block:
            problems.append(f"disk {path} is on a local file system of {source.name} (use shared storage)")
        elif here != there:
            problems.append(
                f"disk {path}: {source.name} has it from {here and here.source}, {destination.name} from {there and there.source}"
            )
        elif disk.is_block:
            problems.append(f"disk {path} is a block device, of which it is not known whether both hosts share it")
        elif destination.paths.get(path) is None:
            problems.append(f"disk {path} is missing on {destination.name}")
    return problems
