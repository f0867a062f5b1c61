# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""End a guest."""

from __future__ import annotations

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict, HypervisorError, TimedOut
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Declaration, PowerState
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.wait import wait_until
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import Hypervisor

# Seconds for a guest to be gone that went down by itself just before its power was to be taken.
_LAST_MOMENTS = 10.0


def stop(hypervisor: Hypervisor, declared: Declaration) -> None:
    """Ask, wait, and only with ``force`` take the power away.

    Raises:
        Conflict: it cannot shut down, and there is no ``force``.
        TimedOut: it did not, or could not be asked to, and there is no ``force``.
        HypervisorError: its power could not be taken.
    """
    name = declared.domain.name
    refusal: HypervisorError | None = None
    asked = False

    def goes_off() -> bool:
        # A guest that has just been started does not listen yet, which is refused; it is asked again until it does.
        nonlocal asked, refusal
        if not asked and not _is_off(hypervisor, name):
            try:
                hypervisor.shutdown(name)
                asked = True
            except HypervisorError as error:
                refusal = error
        return _is_off(hypervisor, name)

    state = hypervisor.state(name)
    if state in (PowerState.PAUSED, PowerState.SUSPENDED):
        if not declared.force:
            raise Conflict(
                f"a {state.value} guest cannot shut down",
                guest=name,
                remedy="Resume it first, or use force to destroy it.",
            )
    elif state is not None and state.is_active and wait_until(goes_off, declared.timeout):
        return
    if _is_off(hypervisor, name):
        return
    if declared.force:
        _destroy(hypervisor, name)
    elif refusal is not None and not asked:
        raise TimedOut(
            f"could not be asked to shut down for {declared.timeout:g} s",
            guest=name,
            found=refusal.found,
            remedy="If it is only starting, give it more time with timeout; else use force to destroy it.",
        )
    else:
        raise TimedOut(
            f"did not shut down within {declared.timeout:g} s",
            guest=name,
            found=f"state {(hypervisor.state(name) or PowerState.STOPPED).value}",
            remedy="Give it more time with timeout, or use force to destroy it.",
        )


def _is_off(hypervisor: Hypervisor, name: str) -> bool:
    state = hypervisor.state(name)
    return state is None or not state.is_active


def _destroy(hypervisor: Hypervisor, name: str) -> None:
    try:
        hypervisor.destroy(name)
    except HypervisorError:
        if not wait_until(lambda: _is_off(hypervisor, name), _LAST_MOMENTS):
            raise
