"""What check mode foresees of a guest for those that come after it is what the run leaves."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    FoundDomain,
    TargetState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import plan_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.outlook import foreseen

from .domains import applied, fit, found, whole_domains


def devices(guest: FoundDomain | None) -> Any:
    """What a guest has of its host, in no order."""
    sides = (guest.stored, guest.running) if guest else (None, None)
    return [side and (set(side.disks or ()), set(side.networks or ())) for side in sides], guest and guest.state


@given(whole_domains(), st.none() | whole_domains(), st.booleans(), st.sampled_from(TargetState), st.booleans())
def test_what_is_foreseen_is_what_is_left(
    declared: Domain, there: Domain | None, runs: bool, state: TargetState, keep: bool
) -> None:
    assume(state is not TargetState.SAVED or (there is not None and runs))
    assume(fit(declared, there))
    before = found(there, running=there if runs else None) if there else None
    declaration = Declaration(declared, state=state, keep_unlisted_disks=keep, keep_unlisted_networks=keep, force=True)
    plan = plan_domain(declaration, before)
    assert devices(foreseen(plan, before)) == devices(applied(plan, before))
