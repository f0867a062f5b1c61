"""Check mode says what the run does, for every option and state: the core and libvirt's test driver, in this process.

The driver is made to do with running guests what Xen's does (xen_in_process.py). What is around Xen, such as the host's paths and
bridges and the guests' SSH servers, is no part of what is tested; it is as it has to be (surroundings.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import libvirt
import pytest
from hypothesis import HealthCheck, event, given, settings

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict, InvalidInput, XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.hypervisor import LibvirtHypervisor
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    DomainType,
    FoundDomain,
    PowerState,
    TargetState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domain import Outcome
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domains import ensure_domains
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Effect
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import (
    DomainPlan,
    waiting_changes,
    waiting_fields,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.fields import base_name
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.step import OF_THE_RUNNING_GUEST, Action

from .situations import ABOUT, OPTIONS, TAKEN, Power, Situation, pairs, situations, situations_with
from .surroundings import Open, Surroundings
from .xen_in_process import xen_host

PARK = f"""
<node>
  <cpu><nodes>1</nodes><sockets>1</sockets><cores>8</cores><threads>1</threads><active>8</active></cpu>
  <network><name>default</name><ip address='192.168.122.1' netmask='255.255.255.0'/></network>
  <network><name>lab net</name><ip address='192.168.123.1' netmask='255.255.255.0'/></network>
  <domain type='xen'>
    <name>neighbour</name><memory unit='MiB'>64</memory><os><type>linux</type><kernel>/srv/vmlinuz</kernel></os>
    <devices>
      <disk type='file'><driver name='qemu' type='raw'/><source file='{TAKEN}'/><target dev='xvda' bus='xen'/></disk>
    </devices>
  </domain>
</node>
"""
_STARTS = (Action.START, Action.START_PAUSED)
# What libvirt gives a guest that gets one of these.
_GIVEN = {"graphics": ("video", "video_memory"), "video": ("video_memory",)}
_UNHEEDED = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture)


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a host with one guest, which runs."""
    file = tmp_path_factory.mktemp("park") / "node.xml"
    file.write_text(PARK)
    return file


@dataclass(frozen=True)
class Scene:
    """A host with all that is there before."""

    hypervisor: LibvirtHypervisor
    around: Surroundings

    def ensure(self, declared: Sequence[Declaration], *, check: bool) -> list[Outcome | XenfleetError]:
        results: list[Outcome | XenfleetError] = []
        for result in ensure_domains(self.around.of(self.hypervisor), Open(), declared, check=check):
            one = result.outcome or result.error
            assert one is not None
            results.append(one)
        return results

    def look(self) -> dict[str, Any]:
        """All that libvirt and Xen's scheduler tell of all guests, and what has become of what is around them."""
        guests = {domain.name(): _all_of(domain) for domain in self.hypervisor.connection.listAllDomains()}
        return {**guests, "around": self.around.told()}


def _all_of(domain: Any) -> tuple[object, ...]:
    secure, inactive = libvirt.VIR_DOMAIN_XML_SECURE, libvirt.VIR_DOMAIN_XML_INACTIVE
    return (
        domain.XMLDesc(secure | inactive) if domain.isPersistent() else None,
        (domain.XMLDesc(secure), domain.schedulerParameters()) if domain.isActive() else None,
        domain.state(),
        domain.autostart(),
        domain.hasManagedSaveImage(),
    )


@contextmanager
def scene(park: Path, *situations: Situation) -> Iterator[Scene]:
    around = Surroundings()
    with xen_host(park) as hypervisor:
        for situation in situations:
            if situation.guest is not None:
                situation.guest.put(hypervisor)
            if situation.stray is not None:
                around.strays.there[situation.declared.domain.name] = situation.stray
        yield Scene(hypervisor, around)


def hold(situation: Situation, park: Path) -> Outcome | None:
    """See that what was predicted is done, nothing else, and once only.

    Returns:
        What the run did; None when it was refused.
    """
    declared = situation.declared
    with scene(park, situation) as there:
        before = there.look()
        [predicted] = there.ensure([declared], check=True)
        assert there.look() == before, "check mode touched something"
        [done] = there.ensure([declared], check=False)
        after = there.look()
        if isinstance(predicted, XenfleetError):
            assert isinstance(done, XenfleetError)
            assert (type(done), str(done), done.applied) == (type(predicted), str(predicted), ())
            assert after == before, "a run that was refused touched something"
            event(f"refused: {predicted.message}")
            return None
        assert isinstance(done, Outcome), done
        assert done.plan == predicted.plan
        guests = {"neighbour"} if declared.state is TargetState.ABSENT else {"neighbour", declared.domain.name}
        assert after.keys() - {"around"} == guests, "another guest came or went"
        assert after["neighbour"] == before["neighbour"], "another guest was changed"
        check_result(situation, done)
        check_repeats(situation, done.plan, there)
        for action in {step.action for step in done.plan.steps}:
            event(action.value)
        return done


def hold_for_both(pair: tuple[Situation, Situation], park: Path) -> None:
    """The same of two guests in one run, as far as the one may be in the other's way."""
    declared = [situation.declared for situation in pair]
    with scene(park, *pair) as there:
        before = there.look()
        try:
            predicted = there.ensure(declared, check=True)
        except InvalidInput as refused:
            with pytest.raises(InvalidInput, match=re.escape(str(refused))):
                there.ensure(declared, check=False)
            assert there.look() == before
            return
        assert there.look() == before
        done = there.ensure(declared, check=False)
        for one, other in zip(predicted, done, strict=True):
            if isinstance(one, Outcome):
                assert isinstance(other, Outcome), other
                assert one.plan == other.plan
            else:
                assert (type(one), str(one)) == (type(other), str(other))


def check_result(situation: Situation, done: Outcome) -> None:
    """What is there after the run is what the plan says of it."""
    plan, found = done.plan, done.found
    if plan.target is None:
        assert found is None
        return
    assert found is not None
    assert found.autostart == plan.autostart
    assert not (found.managed_save and found.state.is_active) or found.state is PowerState.SUSPENDED
    assert found.stored is not None
    assert shows_state(found, situation)
    waits = set(plan.restart_required) - {"xml"}  # which the two sides are not compared by
    if found.running is None:
        # What runs no more waits for nothing, but for what had to wait when it was saved.
        assert not waits or situation.declared.state is TargetState.SAVED
    elif not comes_back(situation, plan):
        assert bool(waiting_fields(found)) == bool(waits), (waiting_fields(found), waits)
        at_once = {change.field for change in plan.changes if change.effect is Effect.LIVE}
        assert not at_once & {change.field for change in waiting_changes(found)}


def shows_state(found: FoundDomain, situation: Situation) -> bool:
    """Whether the guest does what was declared."""
    match situation.declared.state:
        case TargetState.PRESENT:
            return situation.guest is None or found.shown_state == _STATES[situation.guest.power]
        case TargetState.RUNNING | TargetState.RESTARTED:
            return found.state is PowerState.RUNNING
        case TargetState.STOPPED:
            return not found.state.is_active
        case state:
            return found.shown_state == state.value


_STATES = {**{power: power.value for power in Power}, Power.UNSTORED: "running", Power.TORN: "running"}


def comes_back(situation: Situation, plan: DomainPlan) -> bool:
    """Whether the run let a saved guest go on. What it was saved with cannot be seen before."""
    saved = situation.guest is not None and situation.guest.power is Power.SAVED
    return saved and any(step.action in _STARTS for step in plan.steps)


def check_repeats(situation: Situation, first: DomainPlan, there: Scene) -> None:
    """A run after the run changes nothing, and check mode says so. These are the exceptions:

    - ``restarted`` is done each time it is asked for: down and up, and nothing else, unless it runs now with what brings it back
      whenever it shuts down;
    - a saved guest comes back with what it was saved with, which is seen only then. The second run brings it what it can be
      given at once, and restarts it where that was allowed; the third does nothing;
    - what a guest waits for cannot be told of a saved one, and libvirt adds to what waits what it gives a screen or a card of its own
      accord.
    """
    declared, after = situation.declared, there.look()
    [again] = there.ensure([declared], check=True)
    assert there.look() == after
    if isinstance(again, Conflict):
        assert declared.state is TargetState.RESTARTED
        assert not declared.force
        assert "on_poweroff restart" in str(again)
        return
    assert isinstance(again, Outcome), again
    actions = tuple(step.action for step in again.plan.steps)
    if declared.state is TargetState.RESTARTED:
        restart = (Action.SHUTDOWN, Action.START)
        assert actions == restart
        return
    if comes_back(situation, first):
        restarts = (Action.SHUTDOWN, Action.START) if declared.restart_if_needed else ()
        assert set(actions) <= {*OF_THE_RUNNING_GUEST, *restarts}
        [second] = there.ensure([declared], check=False)
        assert isinstance(second, Outcome), second
        assert second.plan == again.plan
        first, after = second.plan, there.look()
        [again] = there.ensure([declared], check=True)
        assert isinstance(again, Outcome), again
    assert again.plan.steps == (), again.plan.steps
    if declared.state is not TargetState.SAVED:
        given = {name for option in first.restart_required for name in _GIVEN.get(option, ())}
        waits = [[name for name in plan.restart_required if name not in given] for plan in (first, again.plan)]
        assert waits[0] == waits[1]
    [last] = there.ensure([declared], check=False)
    assert isinstance(last, Outcome), last
    assert last.plan == again.plan
    assert there.look() == after, "a second run touched something"


@pytest.mark.parametrize("kind", DomainType)
@pytest.mark.parametrize("about", ABOUT)
def test_check_mode_predicts_the_run(park: Path, about: str, kind: DomainType) -> None:
    @settings(max_examples=15, suppress_health_check=_UNHEEDED)
    @given(situations(about, kind))
    def predicted(situation: Situation) -> None:
        hold(situation, park)

    predicted()


@pytest.mark.parametrize("kind", DomainType)
def test_check_mode_reckons_with_what_the_run_does_to_other_guests(park: Path, kind: DomainType) -> None:
    @settings(max_examples=15, suppress_health_check=_UNHEEDED)
    @given(pairs(kind))
    def predicted(pair: tuple[Situation, Situation]) -> None:
        hold_for_both(pair, park)

    predicted()


def test_every_action_and_option_is_seen(park: Path) -> None:
    """The same, over examples that do not change, with a look at what they did to guests that were there before."""
    actions: Counter[Action] = Counter()
    options: Counter[str] = Counter()
    results: Counter[str] = Counter()

    def count(situation: Situation) -> None:
        done = hold(situation, park)
        results["refused" if done is None else "changed" if done.plan.steps else "idle"] += 1
        if done is not None:
            actions.update({step.action for step in done.plan.steps})
            if situation.guest is not None and situation.guest.power is not Power.UNSTORED:
                options.update({base_name(change.field) for change in done.plan.changes})

    steady = settings(derandomize=True, database=None, suppress_health_check=_UNHEEDED)
    for about, kind in product(ABOUT, DomainType):
        # Most options are an HVM guest's.
        examples = 25 if about != "options" else 240 if kind is DomainType.HVM else 120
        settings(steady, max_examples=examples)(given(situations(about, kind))(count))()
    print(f"\n{dict(results)}\n{dict(actions)}\n{dict(options)}")
    assert results["changed"] > 3 * results["refused"]
    assert set(actions) == set(Action), set(Action) - set(actions)
    # Of what the examples have missed by chance, some more.
    named = {*OPTIONS, "addresses", "autostart", "xml", "state", "domain"} - {"uuid"}  # which never changes
    for option in sorted(named - set(options)):
        settings(steady, max_examples=60)(given(situations_with(option))(count))()
    assert named <= set(options), named - set(options)
