# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Libvirt's numbers for a guest's state and its reason (https://libvirt.org/html/libvirt-libvirt-domain.html)."""

from __future__ import annotations

from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import PowerState

_STATES = {
    1: PowerState.RUNNING,
    2: PowerState.RUNNING,  # blocked: it waits for something, as an idle guest does
    3: PowerState.PAUSED,
    4: PowerState.SHUTTING_DOWN,
    5: PowerState.STOPPED,
    6: PowerState.CRASHED,
    7: PowerState.SUSPENDED,  # by itself, or by a save or a move that broke off
}

# The reasons of each state, by libvirt's number; 0 is 'unknown' in all of them.
_REASONS = {
    1: {
        1: "booted",
        2: "migrated",
        3: "restored",
        4: "from_snapshot",
        5: "unpaused",
        6: "migration_canceled",
        7: "save_canceled",
        8: "wakeup",
        9: "crashed",
        10: "postcopy",
        11: "postcopy_failed",
    },
    3: {
        1: "user",
        2: "migration",
        3: "save",
        4: "dump",
        5: "ioerror",
        6: "watchdog",
        7: "from_snapshot",
        8: "shutting_down",
        9: "snapshot",
        10: "crashed",
        11: "starting_up",
        12: "postcopy",
        13: "postcopy_failed",
        14: "api_error",
    },
    4: {1: "user"},
    5: {
        1: "shutdown",
        2: "destroyed",
        3: "crashed",
        4: "migrated",
        5: "saved",
        6: "failed",
        7: "from_snapshot",
        8: "daemon",
    },
    6: {1: "panicked"},
}


def power_state(number: int) -> PowerState:
    """The state for libvirt's number; 0 and numbers to come count as stopped."""
    return _STATES.get(number, PowerState.STOPPED)


def state_reason(state: int, reason: int) -> str:
    """How it came to its state, in a word, for libvirt's two numbers; ``unknown`` for those to come."""
    return _REASONS.get(state, {}).get(reason, "unknown")
