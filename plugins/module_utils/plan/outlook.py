# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan leaves behind, foreseen: in check mode the guests that come after it have to reckon with it. Pure."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, FoundDomain, PowerState
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import DomainPlan
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.step import Action, Step

# The state after an action.
_STATES = {
    Action.START: PowerState.RUNNING,
    Action.START_PAUSED: PowerState.PAUSED,
    Action.PAUSE: PowerState.PAUSED,
    Action.RESUME: PowerState.RUNNING,
    Action.WAKE: PowerState.RUNNING,
    Action.SAVE: PowerState.STOPPED,
    Action.SHUTDOWN: PowerState.STOPPED,
}
_COMES = (Action.START, Action.START_PAUSED)
_UNPLUGS = (Action.DETACH_DISK, Action.DETACH_NIC)


def foreseen(plan: DomainPlan, found: FoundDomain | None) -> FoundDomain | None:
    """A guest as its plan leaves it: whether it runs, with which disks and interfaces; None when it is gone.

    Args:
        plan: what is to be done with it.
        found: the guest before; None when there was none.
    """
    target = plan.target
    if not plan.steps:
        return found
    if target is None:
        return None
    before = found or FoundDomain(target.name, None, None, None, PowerState.STOPPED)
    running, state = before.running, before.state
    for step in plan.steps:
        state = _STATES.get(step.action, state)
        if not state.is_active:
            running = None
        elif step.action in _COMES:
            running = target
        elif running is not None:
            running = _plugged(running, step)
    return replace(before, stored=target, running=running, state=state)


def _plugged(running: Domain, step: Step) -> Domain:
    device, comes = step.device, step.action not in _UNPLUGS
    if isinstance(device, Disk):
        disks = tuple(disk for disk in running.disks or () if disk.target != device.target)
        return replace(running, disks=(*disks, device) if comes else disks)
    if isinstance(device, Nic):
        nics = tuple(nic for nic in running.networks or () if nic.mac != device.mac)
        return replace(running, networks=(*nics, device) if comes else nics)
    return running
