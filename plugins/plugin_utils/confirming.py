# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's part of a change that its host takes back unless it is confirmed: ask until that is settled, and say what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Unreachable
from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import Stage

# How long the host is asked what has become of a change after its time was over.
AFTERWARDS_SECONDS = 60.0
_PAUSE_SECONDS = 1.0
# A connection that is made before the change takes effect may become deaf by it, and cost time.
_FIRST_PAUSE_SECONDS = 3.0


@dataclass(frozen=True)
class Settled:
    """How it ended.

    Attributes:
        answer: the host's last answer; empty when there was none.
        seconds: how long it took.
        words: why there was no answer.
    """

    answer: Mapping[str, Any]
    seconds: float
    words: str = ""

    @property
    def confirmation(self) -> Mapping[str, Any]:
        """What the host says of the change."""
        found: Mapping[str, Any] = self.answer.get("confirmation") or {}
        return found

    @property
    def stage(self) -> Stage:
        """How far the change has come, as far as that is known."""
        return Stage(self.confirmation.get("stage", Stage.UNKNOWN.value))


@dataclass(frozen=True)
class Question:
    """What the host is asked.

    Attributes:
        confirm: let the change be; otherwise only what has become of it.
        over: the time is over, so that the host will be where it was before.
    """

    confirm: bool
    over: bool


def settle(
    ask: Callable[[Question], Mapping[str, Any]],
    timeout: float,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Settled:
    """Ask the host until the change is confirmed or taken back.

    It is confirmed by a connection that is made after the host has said that the change is applied. One that was there before may
    have become deaf by it: what it says reaches the host's module, but nothing comes back.

    Args:
        ask: connects from scratch and returns the host's answer. Raises ``Unreachable``.
        timeout: seconds until the host takes the change back.
        now: a clock.
        sleep: waits.
    """
    begun = now()
    answer: Mapping[str, Any] = {}
    words = ""
    applied = False
    sleep(_FIRST_PAUSE_SECONDS)
    while True:
        passed = now() - begun
        try:
            answer = ask(Question(confirm=applied, over=passed > timeout))
            words = ""
        except Unreachable as error:
            words = str(error)
        settled = Settled(answer, round(now() - begun, 1), words)
        if not words and not settled.stage.is_open:
            return settled
        if passed > timeout + AFTERWARDS_SECONDS:
            return settled
        if not applied and settled.stage is Stage.APPLIED:
            applied = True
        else:
            sleep(_PAUSE_SECONDS)


def result_of(begun: Mapping[str, Any], settled: Settled) -> dict[str, Any]:
    """The task's result, from what the module said when the change began, and how it ended."""
    confirmation = {**begun["confirmation"], **settled.confirmation, "seconds": settled.seconds}
    for name in ("warnings", "words"):
        confirmation.pop(name, None)
    if settled.stage is Stage.CONFIRMED:
        found = {name: settled.answer[name] for name in ("bonds", "bridges") if name in settled.answer}
        return {**begun, **found, "confirmation": confirmation}
    if settled.stage is not Stage.RESTORED:
        confirmation["stage"] = Stage.UNKNOWN.value
    return {
        "failed": True,
        "changed": settled.stage is not Stage.RESTORED,
        "msg": _failure(confirmation, settled),
        "confirmation": confirmation,
    }


def _failure(confirmation: Mapping[str, Any], settled: Settled) -> str:
    """What happened, with the host's clock."""
    first = f"The network of this host was changed at {confirmation.get('begun')} and the change was not confirmed"
    told = settled.confirmation
    if settled.stage is not Stage.RESTORED:
        why = settled.words or "it does not know of the change any more"
        return (
            f"{first}; the host cannot say what became of it: {why}. It puts its former network back by itself at"
            f" {confirmation.get('until')}, or at its next start"
        )
    if told.get("words"):
        why = str(told["words"])
    elif told.get("at_start"):
        why = "the host was started anew in between"
    else:
        why = f"the controller did not reach the host again within {confirmation.get('timeout')} s"
    last = f"The former network is back since {told.get('ended')}"
    if told.get("incomplete"):
        last = f"{last}, but for what these commands would do: {'; '.join(told['incomplete'])}"
    return f"{first}: {why}. {last}"
