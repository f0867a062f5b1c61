# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Waiting for guests that have been started: until they answer, or until they have done their work and ended."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import (
    HypervisorError,
    InvalidInput,
    TimedOut,
    XenfleetError,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    PowerState,
    TargetState,
    WaitFor,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import Door, Doors, Hypervisor

_READY_STATES = (TargetState.RUNNING, TargetState.RESTARTED)
_ANSWERS = (WaitFor.ADDRESS, WaitFor.SSH)
# One look asks all guests at once. Between two looks a booting guest shall not be disturbed.
_LOOK_SECONDS = 1.0
_PAUSE_SECONDS = 2.0
# One that reboots itself is off for a moment: the Xen driver ends the domain and makes it anew.
_REBOOT_SECONDS = 10.0
_MISSED = {
    WaitFor.RUNNING: "it did not run",
    WaitFor.ADDRESS: "it did not answer",
    WaitFor.SSH: "its SSH server did not answer",
    WaitFor.STOPPED: "it did not end",
}


@dataclass(frozen=True)
class Awaited:
    """A guest that is waited for.

    Attributes:
        declared: what was declared of it.
        wait_for: what is waited for.
        addresses: its IP addresses as far as they are declared; without any, those are asked for that libvirt's networks lease.
    """

    declared: Declaration
    wait_for: WaitFor
    addresses: tuple[str, ...] = ()


@dataclass
class Readiness:
    """How the waiting ended.

    Attributes:
        failed: what went wrong, by the names of the guests that did not get ready.
        addresses: where a guest answered, by the names of those that did.
    """

    failed: dict[str, XenfleetError] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)


def awaited_of(declared: Declaration, target: Domain | None) -> Awaited | None:
    """Whether, and where, a guest is waited for.

    Args:
        declared: what was declared of it.
        target: the whole configuration that it has or gets.

    Raises:
        InvalidInput: it shall answer, but no address of it is known or can be asked for.
    """
    if declared.wait_for is None or declared.state not in _READY_STATES or target is None:
        return None
    nics = target.networks or ()
    addresses = tuple(address.split("/", 1)[0] for nic in nics for address in nic.addresses or ())
    if declared.wait_for in _ANSWERS and not addresses and not any(nic.network for nic in nics):
        raise InvalidInput(
            f"wait_for {declared.wait_for.value} needs an address of the guest, and none is known",
            guest=target.name,
            remedy="Give one of its networks 'addresses'.",
        )
    return Awaited(declared, declared.wait_for, addresses)


def await_ready(hypervisor: Hypervisor, doors: Doors, awaited: Sequence[Awaited]) -> Readiness:
    """Wait until each guest is ready; all are waited for at the same time."""
    result = Readiness()
    waiting = [_Waiting(hypervisor, one) for one in awaited]
    while waiting:
        every = [door for one in waiting for door in one.look_up()]
        answers = doors.knock(every, _LOOK_SECONDS) if every else {}
        for one in list(waiting):
            try:
                if not one.is_ready(answers):
                    continue
            except XenfleetError as error:
                result.failed[one.name] = error
            if one.address is not None:
                result.addresses[one.name] = one.address
            waiting.remove(one)
        if waiting:
            time.sleep(_PAUSE_SECONDS)
    return result


class _Waiting:
    """One guest that is waited for, from now on."""

    def __init__(self, hypervisor: Hypervisor, awaited: Awaited) -> None:
        self.name = awaited.declared.domain.name
        self.address: str | None = None
        self._hypervisor = hypervisor
        self._awaited = awaited
        self._doors: tuple[Door, ...] = ()
        self._begin = time.monotonic()
        self._off_since: float | None = None

    def look_up(self) -> tuple[Door, ...]:
        """Where it may answer now."""
        if self._awaited.wait_for in _ANSWERS:
            addresses = self._awaited.addresses or self._hypervisor.addresses(self.name)
            self._doors = tuple(Door(address, self._awaited.declared.wait_port) for address in addresses)
        return self._doors

    def is_ready(self, answers: Mapping[Door, bool]) -> bool:
        """Whether it is; answers are those of all doors that were knocked at.

        Raises:
            HypervisorError, TimedOut: it is useless to wait on.
        """
        wait_for = self._awaited.wait_for
        for door in self._doors:
            if door in answers and (answers[door] or wait_for is WaitFor.ADDRESS):
                self.address = door.address
                return True
        state = self._hypervisor.state(self.name)
        if wait_for is WaitFor.RUNNING and state is PowerState.RUNNING:
            return True
        if wait_for is WaitFor.STOPPED:
            if self._is_off_for_good(state) and state is not PowerState.CRASHED:
                return True
        elif self._is_off_for_good(state):
            raise HypervisorError(
                "it was started, but went off before it was ready",
                guest=self.name,
                found=state.value if state else "no such guest",
                remedy=f"Look at its console: virsh console {self.name}, or /var/log/xen/console on the host.",
            )
        if time.monotonic() - self._begin >= self._awaited.declared.wait_timeout:
            raise self._missed(state)
        return False

    def _is_off_for_good(self, state: PowerState | None) -> bool:
        if state is not None and state.is_active:
            self._off_since = None
            return False
        now = time.monotonic()
        self._off_since = self._off_since or now
        return state is None or now - self._off_since >= _REBOOT_SECONDS

    def _missed(self, state: PowerState | None) -> TimedOut:
        wait_for, port = self._awaited.wait_for, self._awaited.declared.wait_port
        found = f"state {state.value if state else 'unknown'}"
        if wait_for in _ANSWERS:
            addresses = ", ".join(door.address for door in self._doors)
            found += f", no connection to {addresses} port {port}" if addresses else ", no address leased to it"
        return TimedOut(
            f"{_MISSED[wait_for]} within {self._awaited.declared.wait_timeout:g} s",
            guest=self.name,
            found=found,
            remedy="It was left as it is. Give it more time with wait_timeout, or look at its console.",
        )
