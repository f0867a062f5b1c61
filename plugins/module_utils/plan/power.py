# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the state that a guest is in to the one that is asked for, pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    FoundDomain,
    PowerState,
    TargetState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.step import Action, Step

# What of `on_poweroff` brings a guest back that has just shut down.
_COMES_BACK = ("restart", "rename-restart")
_OFF = (PowerState.STOPPED, PowerState.CRASHED)
_START = (Action.START, PowerState.RUNNING)
WAKE = Step(Action.WAKE, (Change("state", PowerState.SUSPENDED.value, PowerState.RUNNING.value),))
# What leads from a state to another. A pair that is not here needs nothing.
_WAYS: dict[TargetState, dict[PowerState, tuple[Action, PowerState]]] = {
    TargetState.RUNNING: {
        PowerState.PAUSED: (Action.RESUME, PowerState.RUNNING),
        PowerState.SHUTTING_DOWN: _START,
        **dict.fromkeys(_OFF, _START),
    },
    TargetState.PAUSED: {
        PowerState.RUNNING: (Action.PAUSE, PowerState.PAUSED),
        **dict.fromkeys(_OFF, (Action.START_PAUSED, PowerState.PAUSED)),
    },
    TargetState.STOPPED: dict.fromkeys(
        (PowerState.RUNNING, PowerState.PAUSED, PowerState.SHUTTING_DOWN), (Action.SHUTDOWN, PowerState.STOPPED)
    ),
}


def plan_power(wanted: TargetState, found: FoundDomain | None) -> tuple[Step, ...]:
    """The steps to a state of power.

    Raises:
        Conflict: there is no way from here to there.
    """
    state = found.state if found else PowerState.STOPPED
    if found is not None and state is PowerState.SUSPENDED and wanted is not TargetState.PRESENT:
        # What is wanted of it has to be heard.
        return (WAKE, *plan_power(wanted, replace(found, state=PowerState.RUNNING)))
    if wanted is TargetState.RESTARTED:
        return restart(state) if state.is_active else plan_power(TargetState.RUNNING, found)
    if wanted is TargetState.SAVED:
        return _save(found, state)
    way = _WAYS.get(wanted, {}).get(state)
    return () if way is None else (Step(way[0], (Change("state", _word(found, state), way[1].value),)),)


def restart(state: PowerState) -> tuple[Step, ...]:
    """Down, and up again with what is stored. A guest that stands still does not hear that it shall shut down."""
    resumed = {PowerState.PAUSED: (Step(Action.RESUME, ()),), PowerState.SUSPENDED: (Step(Action.WAKE, ()),)}
    down = Step(Action.SHUTDOWN, (Change("state", state.value, "restarted"),))
    return (*resumed.get(state, ()), down, Step(Action.START, ()))


def check_stop(found: FoundDomain | None, steps: Sequence[Step], *, force: bool) -> None:
    """Whether a guest that shall shut down will do so when it is asked to, as far as that can be told beforehand.

    Args:
        found: the guest.
        steps: what is to be done with it.
        force: its power may be taken away.

    Raises:
        Conflict: it will not; nothing but force can end it.
    """
    actions = [step.action for step in steps]
    if found is None or force or Action.SHUTDOWN not in actions:
        return
    if found.state is PowerState.PAUSED and Action.RESUME not in actions:
        raise Conflict(
            "a paused guest cannot shut down",
            guest=found.name,
            remedy="Resume it first, or use force to destroy it.",
        )
    after = found.running.on_poweroff if found.running else None
    if after in _COMES_BACK:
        raise Conflict(
            "it starts again whenever it powers off",
            guest=found.name,
            found=f"it runs with on_poweroff {after}",
            remedy="Use force to destroy it; another on_poweroff holds from its next start on.",
        )


def _save(found: FoundDomain | None, state: PowerState) -> tuple[Step, ...]:
    if state is PowerState.RUNNING:
        return (Step(Action.SAVE, (Change("state", state.value, "saved"),)),)
    if found is not None and found.managed_save and not state.is_active:
        return ()
    raise Conflict(
        "only a running guest has a memory that can be saved",
        guest=found.name if found else None,
        found=f"state {state.value}",
        remedy="Resume or start it first.",
    )


def _word(found: FoundDomain | None, state: PowerState) -> str:
    return "saved" if found is not None and found.managed_save and not state.is_active else state.value
