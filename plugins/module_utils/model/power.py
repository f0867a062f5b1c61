# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Libvirt's numbers for a guest's state (virDomainState, https://libvirt.org/html/libvirt-libvirt-domain.html)."""

from __future__ import annotations

from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import PowerState

_STATES = {
    1: PowerState.RUNNING,
    2: PowerState.RUNNING,  # blocked: it waits for something, as an idle guest does
    3: PowerState.PAUSED,
    4: PowerState.SHUTTING_DOWN,
    5: PowerState.STOPPED,
    6: PowerState.CRASHED,
    7: PowerState.PAUSED,  # suspended by its own power management
}


def power_state(number: int) -> PowerState:
    """The state for libvirt's number; 0 and numbers to come count as stopped."""
    return _STATES.get(number, PowerState.STOPPED)
