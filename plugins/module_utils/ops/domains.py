# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The same for all guests of a host, over one connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput, XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Declaration, TargetState
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domain import Outcome, ensure_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.ports import HostFacts, Hypervisor


@dataclass(frozen=True)
class GuestResult:
    """How it went with one guest: an outcome or an error."""

    name: str
    outcome: Outcome | None
    error: XenfleetError | None


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
    hypervisor: Hypervisor, host: HostFacts, declarations: Sequence[Declaration], *, check: bool
) -> tuple[GuestResult, ...]:
    """Make each guest what is declared of it, in the given order; one that fails does not stop the others.

    Raises:
        InvalidInput: the declarations do not fit with each other; nothing was touched.
    """
    check_together(declarations)
    known = hypervisor.domains()
    results = []
    for declared in declarations:
        name = declared.domain.name
        try:
            outcome = ensure_domain(hypervisor, host, declared, known, check=check)
        except XenfleetError as error:
            results.append(GuestResult(name, None, error))
            known = hypervisor.domains()
            continue
        results.append(GuestResult(name, outcome, None))
        if outcome.plan.steps and not check:
            others = tuple(guest for guest in known if guest.name != name)
            known = others if outcome.found is None else (*others, outcome.found)
    return tuple(results)
