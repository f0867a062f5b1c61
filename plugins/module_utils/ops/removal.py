# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Remove disks of a guest that goes: only what was named, and what nobody else has."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, FoundDomain
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.wait import wait_until
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.removal import why_kept
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.step import Action, Step
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import GuestDisks

# A guest's QEMU may hold its disks for a moment longer than the guest is there.
_RELEASE_SECONDS = 15.0


def removal_obstacles(disks: GuestDisks, steps: Sequence[Step], others: Sequence[FoundDomain]) -> list[str]:
    """What speaks against removing the disks that the steps remove, in words.

    Args:
        disks: the disks of the host.
        steps: what is planned.
        others: the other guests of the host, those that do not run included.
    """
    going = [step.device for step in steps if step.action is Action.REMOVE_DISK and isinstance(step.device, Disk)]
    if not going:
        return []
    users: dict[str, str] = {}
    for other in others:
        for configuration in (other.stored, other.running):
            users.update({disks.identity(path): other.name for path in _paths(configuration)})
    problems = []
    for disk in going:
        path = disk.path or ""
        reason = why_kept(disk) or disks.trouble(path)
        user = users.get(disks.identity(path)) if path else None
        if reason is None and user is not None:
            reason = f"belongs to the guest {user}, too"
        if reason is not None:
            problems.append(f"remove_disks: {disk.target} ({disk.source or 'empty'}) {reason}")
    return problems


def remove_disk(disks: GuestDisks, disk: Disk) -> None:
    """Remove a disk of a guest that has ended.

    Raises:
        Conflict: something still has it open.
        CommandFailed: LVM refused.
    """
    path = disk.path or ""
    if not wait_until(lambda: disks.user(path) is None, _RELEASE_SECONDS):
        raise Conflict(
            f"the disk {path} is still in use and was not removed",
            found=disks.user(path),
            remedy="See who has it open. A guest that libvirt does not know is listed by 'xl list'.",
        )
    disks.remove(path)


def _paths(domain: Domain | None) -> list[str]:
    return [disk.path for disk in domain.disks or () if disk.path] if domain else []
