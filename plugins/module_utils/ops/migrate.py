# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Move a guest, and look at both ends afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import HypervisorError, XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import FoundDomain, PowerState
from ansible_collections.xenfleet.xen.plugins.module_utils.model.migration import Move, MoveMode
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.wait import wait_until
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import (
    Hypervisor,
    MovingHypervisor,
    SuspendedGuests,
)

# How long the two ends may take to agree on where the guest is, once the copy is over.
_MAY_BE_SUSPENDED = (PowerState.RUNNING, PowerState.SUSPENDED)
_SETTLING_SECONDS = 15.0


@dataclass(frozen=True)
class Ends:
    """Where a guest is, seen from both hosts; None where the host does not have it.

    Attributes:
        source: its state at the source.
        destination: its state at the destination.
        silent: whether one of them did not answer; then nothing may be concluded from a None.
    """

    source: PowerState | None
    destination: PowerState | None
    silent: bool = False

    def __str__(self) -> str:
        words = f"at the source it is {_word(self.source)}, at the destination {_word(self.destination)}"
        return f"{words} (a host did not answer)" if self.silent else words

    @property
    def only_at_source(self) -> bool:
        """Whether it is certain that the destination does not have it."""
        return self.source is not None and self.destination is None and not self.silent


def move(
    source: MovingHypervisor,
    destination: Hypervisor,
    suspended: SuspendedGuests,
    found: FoundDomain,
    plan: Move,
    transport: str,
) -> Ends:
    """Carry out a move that was found possible.

    Args:
        source: where the guest is.
        destination: where it shall go.
        suspended: what Xen at the source knows of suspended guests.
        found: the guest.
        plan: how.
        transport: URI on which the destination takes the guest's memory, ``tcp://ADDRESS``.

    Returns:
        How both ends look afterwards.

    Raises:
        HypervisorError: it failed; the message says where the guest is now, and in what state.
    """
    name = found.name
    try:
        if plan.mode is MoveMode.STOPPED:
            destination.define(found.stored_xml or "")
        else:
            source.migrate(name, destination, transport, live=plan.mode is MoveMode.LIVE)
    except XenfleetError as error:
        raise _failure(source, destination, suspended, name, error) from error
    if found.autostart:
        destination.set_autostart(name, True)  # libvirt does not take it along
    if plan.mode is MoveMode.STOPPED:
        source.undefine(name)
    return _verified(source, destination, found)


def _verified(source: Hypervisor, destination: Hypervisor, found: FoundDomain) -> Ends:
    """Both ends as they are; anything but 'gone there, as before here' is an error."""
    wanted = PowerState.RUNNING if found.state.is_active else PowerState.STOPPED

    def arrived() -> bool:
        return destination.state(found.name) is wanted and source.state(found.name) is None

    settled = wait_until(arrived, _SETTLING_SECONDS)
    ends = Ends(source.state(found.name), destination.state(found.name))
    if not settled:
        raise HypervisorError(
            "the move ended, but not as it should",
            guest=found.name,
            found=str(ends),
            expected=f"gone at the source, {wanted.value} at the destination",
            remedy="Look at both hosts before starting it anywhere.",
        )
    return ends


def _failure(
    source: Hypervisor, destination: Hypervisor, suspended: SuspendedGuests, name: str, error: XenfleetError
) -> HypervisorError:
    """What became of the guest, with what can be mended mended."""
    ends = _look(source, destination, name)
    # A destination that is silent may be running it: then nothing is woken here, for it would run twice.
    if ends.only_at_source and ends.source is PowerState.PAUSED:
        # The copy broke while it was suspended: it goes on where it was.
        source.resume(name)
        ends = _look(source, destination, name)
    if ends.only_at_source and ends.source in _MAY_BE_SUSPENDED and suspended.is_suspended(name):
        # Libvirt may call it running, but Xen has it suspended since the copy broke.
        suspended.wake(name)
    if ends.only_at_source and suspended.is_suspended(name):
        remedy = (
            f"Xen at the source has it suspended; wake it by 'xl resume {name}', and start it nowhere else before that."
        )
    elif ends.only_at_source and ends.source is PowerState.RUNNING:
        remedy = "It goes on running where it was; nothing was lost."
    else:
        remedy = "Look at both hosts before starting it anywhere."
    words = f"the move failed: {error.message}"
    return HypervisorError(words, guest=name, found=f"{error.found or 'no reason given'}; {ends}", remedy=remedy)


def _look(source: Hypervisor, destination: Hypervisor, name: str) -> Ends:
    """Both ends, whether they answer or not."""
    states: list[PowerState | None] = []
    silent = False
    for hypervisor in (source, destination):
        try:
            states.append(hypervisor.state(name))
        except XenfleetError:
            states.append(None)
            silent = True
    return Ends(states[0], states[1], silent)


def _word(state: PowerState | None) -> str:
    return state.value if state else "not there"
