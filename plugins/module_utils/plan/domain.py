# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What has to be done so that a guest becomes what is declared of it: pure, from declaration and what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ansible_collections.xenfleet.xen.plugins.module_utils.model.cpus import each_pinning
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    FoundDomain,
    PowerState,
    TargetState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import UsbController
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change, Effect
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.devices import plan_devices
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.fields import base_name, differences
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.power import check_stop, plan_power, restart
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.removal import plan_removal
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.step import Action, Step
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.target import resolve

Amount = TypeVar("Amount", Size, int)


@dataclass(frozen=True)
class DomainPlan:
    """The way from what is to what should be.

    Attributes:
        target: the whole configuration that results; None for a guest that goes.
        autostart: what its autostart mark becomes.
        steps: what is done, in this order.
        restart_required: the fields that the running guest will have only after its next boot.
    """

    target: Domain | None
    autostart: bool
    steps: tuple[Step, ...]
    restart_required: tuple[str, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """All fields that change."""
        return tuple(change for step in self.steps for change in step.changes)

    def has(self, action: Action) -> bool:
        """Whether the action is one of its steps."""
        return any(step.action is action for step in self.steps)


@dataclass(frozen=True)
class Lacking:
    """The parts of the declared XML that are not there yet, each by its path and in its own words.

    Attributes:
        stored: those that the stored definition lacks.
        running: those that the running guest lacks.
    """

    stored: tuple[tuple[str, str], ...] = ()
    running: tuple[tuple[str, str], ...] = ()


NOTHING_LACKING = Lacking()
_STARTS = (Action.START, Action.START_PAUSED)
# Kept by the daemon for its own decisions or only for people: no restart brings them nearer to the guest.
_NOT_OF_THE_GUEST = ("labels", "addresses")
# These can be had at once, where something is said of them; the running guest's definition does not follow when they are.
_SCHEDULED = ("cpu_weight", "cpu_cap")
_XML = "xml"
_XENS_USB_CONTROLLER = UsbController(version=2, ports=8)
_FORGET = Step(Action.FORGET_SAVED, (Change("leftover", "saved memory of a guest that has gone on", None),))


def plan_domain(declared: Declaration, found: FoundDomain | None, lacking: Lacking = NOTHING_LACKING) -> DomainPlan:
    """Compare, and say what is to do.

    Args:
        declared: what the guest should be.
        found: the guest; None when there is none of this name.
        lacking: what of the declared XML is not there yet.

    Raises:
        InvalidInput: the result would make no sense, such as more memory than its maximum; or a disk shall go that is not there.
        Conflict: the guest is not the one that is meant (another UUID), or cannot be brought to the state that is.
    """
    if declared.state is TargetState.ABSENT:
        gone = plan_removal(found, declared.remove_disks)
        check_stop(found, gone, force=declared.force)
        return DomainPlan(None, False, gone, ())
    target = resolve(declared, found)
    steps: list[Step] = []
    if found is not None and found.managed_save and found.state.is_active:
        # Of a save that broke off. At its next start the guest would be what it was then, over disks that have gone on.
        if found.state is not PowerState.SUSPENDED:  # what wakes it forgets it, too
            steps.append(_FORGET)
        found = replace(found, managed_save=False)
    stored_changes = (*differences(target, found.stored if found else None), *_additions(lacking.stored))
    power = plan_power(declared.state, found)
    # A guest that is started or stopped now waits for nothing: its next boot has the stored configuration.
    live_steps, waiting = _plan_running(target, found, lacking) if _keeps_running(power) else ([], ())
    if waiting and declared.restart_if_needed and declared.state is TargetState.RUNNING and found is not None:
        live_steps, waiting, power = [], (), restart(found.state)
    check_stop(found, power, force=declared.force)
    if found is not None and found.managed_save and any(step.action in _STARTS for step in power):
        # Its memory comes back as it was saved, and with it the configuration that it had then.
        waiting = _field_names(_of_the_guest(stored_changes))
    if stored_changes:
        effects = dict.fromkeys(waiting, Effect.NEXT_BOOT)
        live = {change.field for step in live_steps for change in step.changes}
        stored_only = [
            replace(change, effect=effects.get(base_name(change.field), Effect.LIVE))
            for change in stored_changes
            if change.field not in live
        ]
        steps.append(Step(Action.DEFINE, tuple(stored_only)))
    steps += live_steps
    autostart_found = found.autostart if found else False
    autostart = autostart_found if declared.autostart is None else declared.autostart
    if autostart != autostart_found:
        steps.append(Step(Action.SET_AUTOSTART, (Change("autostart", _yes(autostart_found), _yes(autostart)),)))
    steps += power
    return DomainPlan(target, autostart, tuple(steps), waiting)


def waiting_changes(found: FoundDomain) -> tuple[Change, ...]:
    """How a running guest differs from its stored configuration: its next boot brings that."""
    if found.stored is None or found.running is None:
        return ()
    changes = differences(found.stored, _seen_as(found.stored, found.running))
    return tuple(
        change for change in _of_the_guest(changes) if base_name(change.field) not in _SCHEDULED or change.after is None
    )


def waiting_fields(found: FoundDomain) -> tuple[str, ...]:
    """The fields of `waiting_changes`, each once."""
    return _field_names(waiting_changes(found))


def _plan_running(target: Domain, found: FoundDomain | None, lacking: Lacking) -> tuple[list[Step], tuple[str, ...]]:
    """What can be changed in the running guest, and the fields that have to wait for its next boot."""
    if found is None or found.running is None:
        return [], ()
    running = _seen_as(target, found.running)
    plugged = plan_devices(target, running)
    steps: list[Step] = []
    changed: dict[Action, list[Change]] = {}
    waiting: list[str] = []
    live: dict[str, tuple[Action, Callable[[], bool]]] = {
        "memory": (Action.SET_MEMORY, lambda: _within(target.memory, running.memory_max)),
        "vcpus": (Action.SET_VCPUS, lambda: _within(target.vcpus, running.vcpus_max)),
        "cpus": (Action.PIN_VCPUS, lambda: all(each_pinning(target.cpus or ("",), target.vcpus or 1))),
        "cpu_weight": (Action.SET_SCHEDULER, lambda: target.cpu_weight is not None),
        "cpu_cap": (Action.SET_SCHEDULER, lambda: target.cpu_cap is not None),
    }
    for change in differences(target, running):
        name = base_name(change.field)
        if name in _NOT_OF_THE_GUEST:
            continue
        if change.field in plugged:
            steps.append(plugged[change.field])
        elif name in live and live[name][1]():
            changed.setdefault(live[name][0], []).append(change)
        elif name not in waiting:
            waiting.append(name)
    if lacking.running:
        waiting.append(_XML)
    return [*(Step(action, tuple(changes)) for action, changes in changed.items()), *steps], tuple(waiting)


def _seen_as(target: Domain, running: Domain) -> Domain:
    """The running guest with the target's way to write the same pinning, of which only the VCPUs count that are there then.

    And without what is there for a device's sake: Xen gives a guest that is handed a USB device a controller, and leaves it there.
    """
    if not target.usb_controllers and running.usb_controllers == (_XENS_USB_CONTROLLER,):
        running = replace(running, usb_controllers=target.usb_controllers)
    vcpus = (target.vcpus if _within(target.vcpus, running.vcpus_max) else running.vcpus) or 1
    if each_pinning(target.cpus or ("",), vcpus) == each_pinning(running.cpus or ("",), vcpus):
        return replace(running, cpus=target.cpus)
    return running


def _additions(parts: Sequence[tuple[str, str]]) -> tuple[Change, ...]:
    return tuple(Change(f"{_XML}[{path}]", None, text) for path, text in parts)


def _keeps_running(power: Sequence[Step]) -> bool:
    """Whether the guest goes on with what it runs with, through these steps."""
    return all(step.action in (Action.RESUME, Action.WAKE, Action.PAUSE, Action.SAVE) for step in power)


def _of_the_guest(changes: Sequence[Change]) -> tuple[Change, ...]:
    return tuple(change for change in changes if base_name(change.field) not in _NOT_OF_THE_GUEST)


def _field_names(changes: Sequence[Change]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(base_name(change.field) for change in changes))


def _within(amount: Amount | None, maximum: Amount | None) -> bool:
    return amount is not None and maximum is not None and amount <= maximum


def _yes(value: bool) -> str:
    return "yes" if value else "no"
