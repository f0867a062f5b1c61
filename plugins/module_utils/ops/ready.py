# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Waiting for guests that have been started: until their SSH servers take connections."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import (
    HypervisorError,
    InvalidInput,
    TimedOut,
    XenfleetError,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Declaration, Domain, TargetState
from ansible_collections.xenfleet.xen.plugins.module_utils.ports import Door, Doors, Hypervisor

_READY_STATES = (TargetState.RUNNING, TargetState.RESTARTED)
# One look asks all guests at once. Between two looks a booting guest shall not be disturbed.
_LOOK_SECONDS = 1.0
_PAUSE_SECONDS = 2.0


def doors_of(declared: Declaration, target: Domain | None) -> tuple[Door, ...]:
    """Where a guest is expected to answer; none when nothing is waited for.

    Args:
        declared: what was declared of it.
        target: the whole configuration that it has or gets.

    Raises:
        InvalidInput: it shall be waited for, but no address of it is known.
    """
    if declared.wait_for is None or declared.state not in _READY_STATES or target is None:
        return ()
    addresses = [address for nic in target.networks or () for address in nic.addresses or ()]
    if not addresses:
        raise InvalidInput(
            "wait_for needs an address of the guest, and none is known",
            guest=target.name,
            remedy="Give one of its networks 'addresses'.",
        )
    return tuple(Door(address.split("/", 1)[0], declared.wait_port) for address in addresses)


def await_ready(
    hypervisor: Hypervisor, doors: Doors, awaited: Sequence[tuple[Declaration, tuple[Door, ...]]]
) -> dict[str, XenfleetError]:
    """Wait until each guest answers at one of its doors; all are waited for at the same time.

    Returns:
        What went wrong, by the names of the guests that did not get ready.
    """
    begin = time.monotonic()
    failed: dict[str, XenfleetError] = {}
    pending = {declared.domain.name: (declared, there) for declared, there in awaited if there}
    while pending:
        opened = doors.open([door for _declared, there in pending.values() for door in there], _LOOK_SECONDS)
        for name, (declared, there) in list(pending.items()):
            if not opened.isdisjoint(there):
                del pending[name]
                continue
            problem = _problem(hypervisor, declared, there, time.monotonic() - begin)
            if problem is not None:
                failed[name] = problem
                del pending[name]
        if pending:
            time.sleep(_PAUSE_SECONDS)
    return failed


def _problem(
    hypervisor: Hypervisor, declared: Declaration, there: tuple[Door, ...], waited: float
) -> XenfleetError | None:
    """Why it is useless to wait on; None while it is not."""
    name = declared.domain.name
    try:
        state = hypervisor.state(name)
    except XenfleetError as error:
        return error
    if state is None or not state.is_active:
        return HypervisorError(
            "it was started, but went off before its SSH server answered",
            guest=name,
            found=state.value if state else "no such guest",
            remedy=f"Look at its console: virsh console {name}, or /var/log/xen/console on the host.",
        )
    if waited < declared.wait_timeout:
        return None
    return TimedOut(
        f"its SSH server did not answer within {declared.wait_timeout:g} s",
        guest=name,
        found=f"state {state.value}, no connection to {', '.join(door.address for door in there)} port {declared.wait_port}",
        remedy="It goes on running. Give it more time with wait_timeout, or look at its console.",
    )
