# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The same for all guests of a host, over one connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput, XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Declaration, TargetState
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domain import Outcome, ensure_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.ready import Awaited, await_ready, awaited_of
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.outlook import foreseen
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import Doors, GuestHost


@dataclass(frozen=True)
class GuestResult:
    """How it went with one guest: an outcome or an error.

    Attributes:
        name: its name.
        outcome: what was done; None with an error.
        error: why it could not be done; None with an outcome.
        address: where it answered, when that was waited for.
    """

    name: str
    outcome: Outcome | None
    error: XenfleetError | None
    address: str | None = None


def check_together(declarations: Sequence[Declaration]) -> None:
    """Whether the declarations fit with each other.

    Raises:
        InvalidInput: two have the same name, or share a MAC address or a disk that is not shareable.
    """
    owners: dict[str, str] = {}

    def claim(what: str, name: str) -> None:
        if what in owners:
            raise InvalidInput(f"{what} is declared twice", found=f"in {owners[what]} and in {name}")
        owners[what] = name

    for declared in declarations:
        domain = declared.domain
        claim(f"the guest {domain.name}", domain.name)
        if declared.state is TargetState.ABSENT:
            continue
        for nic in domain.networks or ():
            if nic.mac:
                claim(f"the MAC address {nic.mac}", domain.name)
        for disk in domain.disks or ():
            if disk.source is not None and not disk.shareable and not disk.readonly:
                claim(f"the disk {disk.source}", domain.name)


def ensure_domains(
    host: GuestHost,
    doors: Doors,
    declarations: Sequence[Declaration],
    *,
    check: bool,
    starts_at_once: int | None = None,
) -> tuple[GuestResult, ...]:
    """Make each guest what is declared of it, in the given order; one that fails does not stop the others.

    Args:
        host: the guests' host.
        doors: how guests are seen to answer.
        declarations: what the guests should be.
        check: only plan and look.
        starts_at_once: how many guests may be getting ready at the same time; None: all, waited for at the end.

    Raises:
        InvalidInput: the declarations do not fit with each other; nothing was touched.
    """
    check_together(declarations)
    hypervisor = host.hypervisor
    known = hypervisor.domains()
    results: dict[str, GuestResult] = {}
    awaited: list[Awaited] = []

    def let_them_get_ready() -> None:
        ready = await_ready(hypervisor, doors, awaited)
        for name, address in ready.addresses.items():
            results[name] = replace(results[name], address=address)
        for name, error in ready.failed.items():
            results[name] = _not_ready(results[name], error)
        awaited.clear()

    for declared in declarations:
        name = declared.domain.name
        try:
            outcome = ensure_domain(host, declared, known, check=check)
        except XenfleetError as error:
            results[name] = GuestResult(name, None, error)
            known = known if check else hypervisor.domains()
            continue
        results[name] = GuestResult(name, outcome, None)
        if outcome.plan.steps:
            after = foreseen(outcome.plan, outcome.found) if check else outcome.found
            others = tuple(guest for guest in known if guest.name != name)
            known = others if after is None else (*others, after)
        if check:
            continue
        one = awaited_of(declared, outcome.plan.target)
        if one is not None:
            awaited.append(one)
        if starts_at_once is not None and len(awaited) >= starts_at_once:
            let_them_get_ready()
    let_them_get_ready()
    return tuple(results.values())


def _not_ready(result: GuestResult, error: XenfleetError) -> GuestResult:
    """The result of a guest that was made what is declared, and then did not answer."""
    if result.outcome is not None:
        error.applied = tuple(change.field for change in result.outcome.plan.changes)
    return GuestResult(result.name, None, error)
