# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a guest goes, and which of its disks go with it: only those that were named. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import FoundDomain, PowerState
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.power import WAKE
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.step import Action, Step


def plan_removal(found: FoundDomain | None, remove_disks: Sequence[str]) -> tuple[Step, ...]:
    """The steps that end a guest.

    The definition goes last: it is all that tells which disks are the guest's, so a run that broke off in the middle
    can be taken up again.

    Args:
        found: the guest; None when there is none of this name, and nothing to do.
        remove_disks: the targets of the disks that go, such as ``xvda``.

    Raises:
        InvalidInput: the guest has no such disk.
    """
    if found is None:
        return ()
    steps: list[Step] = [WAKE] if found.state is PowerState.SUSPENDED else []
    if found.state.is_active:
        steps.append(Step(Action.SHUTDOWN, (Change("state", found.state.value, PowerState.STOPPED.value),)))
    disks = {disk.target: disk for disk in (found.stored or found.configuration).disks or ()}
    for target in dict.fromkeys(remove_disks):
        disk = disks.get(target)
        if disk is None:
            raise InvalidInput(
                f"remove_disks names {target}, which the guest does not have",
                guest=found.name,
                found=", ".join(disks) or "no disks",
            )
        steps.append(Step(Action.REMOVE_DISK, (Change(f"disks[{target}]", str(disk), None),), disk))
    if found.stored is not None:
        steps.append(Step(Action.UNDEFINE, (Change("domain", found.name, None),)))
    return tuple(steps)


def why_kept(disk: Disk) -> str | None:
    """Why a disk is never removed, by what the guest's definition says of it; None when nothing there speaks against it."""
    if disk.cdrom:
        return "is a medium of a CD-ROM drive"
    if disk.shareable:
        return "may be shared by other guests"
    if disk.is_network or disk.path is None:
        return "is not on this host"
    return None
