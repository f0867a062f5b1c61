# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What Xen itself tells, by its command ``xl``."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed, InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.stray import Stray
from ansible_collections.xenfleet.xen.plugins.module_utils.model.takeover import XenGuest
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.running import read_running

# The letters of a guest's state from the third on, in the order in which they say more than those after them.
_STATES = ((5, "d", "dying"), (4, "s", "suspended"), (4, "c", "crashed"), (3, "s", "shut down"), (2, "p", "paused"))


def has_shadow_paging(commands: Commands) -> bool:
    """Whether the hypervisor was built with shadow paging, which tracks a PV guest's writes while it moves.

    Xen names its abilities in ``virt_caps`` of ``xl info``. Builds since Xen security advisory 495 lack this one.
    """
    if not commands.has("xl"):
        return False
    told = commands.run(["xl", "info"], timeout=30, check=False).stdout
    abilities = next((line.partition(":")[2] for line in told.splitlines() if line.startswith("virt_caps")), "")
    return "shadow" in abilities.split()


class XlGuests:
    """Implements ``ports.guest.SuspendedGuests``, ``ports.guest.StrayGuests`` and ``ports.takeover.XenGuests``.

    Args:
        commands: the host's programs.
    """

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def is_suspended(self, name: str) -> bool:
        """Whether Xen has the guest shut down for the reason 'suspend' (fourth and fifth letter of xl's state)."""
        if not self._commands.has("xl"):
            return False
        lines = self._commands.run(["xl", "list", name], timeout=30, check=False).stdout.splitlines()
        words = lines[-1].split() if len(lines) > 1 else []
        return len(words) > 4 and words[4][3:5] == "ss"

    def wake(self, name: str) -> None:
        """Let it go on. ``xl resume`` exists since Xen 4.20."""
        self._commands.run(["xl", "resume", name], timeout=60, check=False)

    def stray(self, name: str) -> Stray | None:
        """The guest of this name, as ``xl list --verbose`` shows it: name, id, memory, VCPUs, state, time, UUID, and more."""
        if not self._commands.has("xl"):
            return None
        lines = self._commands.run(["xl", "list", "--verbose", name], timeout=60, check=False).stdout.splitlines()
        for line in lines:
            words = line.split()
            if words[:1] == [name] and len(words) > 6 and words[1].isdecimal():
                return Stray(int(words[1]), words[6].lower(), _state(words[4]), float(words[5]))
        return None

    def discard(self, domid: int) -> None:
        """End a guest."""
        self._commands.run(["xl", "destroy", str(domid)], timeout=120)

    def guests(self) -> tuple[XenGuest, ...]:
        """All guests that Xen has, but for those that are just being torn down.

        ``xl list --long`` alone would not do: it leaves out guests whose configuration Xen's tools do not know.

        Raises:
            CommandFailed: xl does not tell.
        """
        if not self._commands.has("xl"):
            return ()
        lines = self._commands.run(["xl", "list"], timeout=60).stdout.splitlines()[1:]
        configs = self._configs()
        guests = [_guest(line, configs) for line in lines if line.strip()]
        return tuple(guest for guest in guests if guest.domid != 0 and guest.state != "dying")

    def _configs(self) -> dict[int, Any]:
        told = self._commands.run(["xl", "list", "--long"], timeout=60).stdout
        try:
            return {int(entry["domid"]): entry["config"] for entry in json.loads(told)}
        except (ValueError, KeyError, TypeError) as error:
            raise CommandFailed(
                "'xl list --long' does not tell what the guests run with",
                found=f"{type(error).__name__}: {error}",
                expected="JSON, as with output_format=json in /etc/xen/xl.conf",
            ) from error

    def save(self, domid: int, path: str) -> None:
        """Save a guest's memory, and end it. There is no time limit: to kill xl on the way would leave the guest suspended."""
        self._commands.run(["xl", "save", str(domid), path])

    def restore(self, path: str) -> None:
        """Let a guest go on from such a file, with the configuration that is in it."""
        self._commands.run(["xl", "restore", path])


def _state(letters: str) -> str:
    return next((word for place, letter, word in _STATES if letters[place : place + 1] == letter), "running")


def _guest(line: str, configs: dict[int, Any]) -> XenGuest:
    """A line of ``xl list``; a name may have blanks."""
    words = line.rsplit(None, 5)
    try:
        name, domid, memory, _vcpus, letters, _seconds = words
        number, size = int(domid), Size(int(memory) * MIB)
    except ValueError as error:
        raise CommandFailed("'xl list' printed a line that is not understood", found=repr(line)) from error
    state = _state(letters)
    guest = XenGuest(name, number, state, size)
    if number not in configs:
        return guest
    try:
        running, obstacles = read_running(configs[number])
    except InvalidInput as error:
        return XenGuest(name, number, state, size, None, (str(error),))
    return XenGuest(name, number, state, size, running, obstacles)
