# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Where a guest is not what it should be: the comparisons of the plan, for those who only look."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    FoundDomain,
    TargetState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import (
    NOTHING_LACKING,
    Lacking,
    plan_domain,
    waiting_changes,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.fields import fields_of
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.step import (
    OF_THE_RUNNING_GUEST,
    Action,
)


class DriftKind(StrEnum):
    """Which two sides differ."""

    NOT_DECLARED = "not_declared"
    RESTART_DUE = "restart_due"


@dataclass(frozen=True)
class Drift:
    """One field of a guest that differs.

    Attributes:
        kind: what from what.
        field: the option's own name, such as ``memory`` or ``disks[xvdb]``.
        stored: what its definition says; None for nothing.
        running: what it runs with; None for nothing.
        declared: what is meant: what is declared, and what is stored where nothing is; None for nothing.
    """

    kind: DriftKind
    field: str
    stored: str | None
    running: str | None
    declared: str | None = None

    def as_result(self, *, compared: bool) -> dict[str, str | None]:
        """For a module's return value; ``declared`` is there only for a guest that was compared with a declaration."""
        result = {"field": self.field, "kind": self.kind.value, "stored": self.stored, "running": self.running}
        return {**result, "declared": self.declared} if compared else result


def drift_of(found: FoundDomain, declared: Declaration | None, lacking: Lacking = NOTHING_LACKING) -> tuple[Drift, ...]:
    """All that differs: from what is declared of it, if anything is, and between its two sides.

    The first kind is what the plan for this declaration changes of the configuration, so there is none of it exactly
    when a run would change nothing. A password is not looked at: libvirt shows it only to those who may change it.

    Raises:
        InvalidInput: what is declared would make no sense.
        Conflict: the guest is not the one that is meant (another UUID).
    """
    stored, running = _texts(found.stored), _texts(found.running)
    meant: dict[str, str] = {}
    drift: list[Drift] = []
    if declared is not None:
        plan = plan_domain(_configuration(declared), found, lacking)
        meant = _texts(plan.target)
        for step in plan.steps:
            if step.action is Action.SHUTDOWN:
                continue
            for change in step.changes:
                before = stored.get(change.field) if step.action in OF_THE_RUNNING_GUEST else change.before
                drift.append(
                    Drift(DriftKind.NOT_DECLARED, change.field, before, running.get(change.field), change.after)
                )
    drift += [
        Drift(DriftKind.RESTART_DUE, change.field, change.after, change.before, meant.get(change.field))
        for change in waiting_changes(found)
    ]
    return tuple(drift)


def _texts(domain: Domain | None) -> dict[str, str]:
    return {name: field.text for name, field in fields_of(domain).items()}


def _configuration(declared: Declaration) -> Declaration:
    """The same, with nothing said of whether the guest runs: that is a matter of its state, not of its configuration."""
    if declared.state is TargetState.ABSENT:
        return replace(declared, force=True)
    domain = replace(declared.domain, graphics_password=None)
    return replace(declared, domain=domain, state=TargetState.PRESENT, restart_if_needed=False)
