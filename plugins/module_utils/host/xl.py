# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What Xen itself tells, by its command ``xl``."""

from __future__ import annotations

import json

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed
from ansible_collections.xenfleet.xen.plugins.module_utils.ports import Commands


def active_domain_ids(commands: Commands) -> dict[int, str]:
    """The guests that Xen runs, id to name, Domain-0 left out; empty where there is no ``xl``."""
    if not commands.has("xl"):
        return {}
    try:
        listed = json.loads(commands.run(["xl", "list", "--long"], timeout=30).stdout)
    except (CommandFailed, ValueError):
        return {}
    names = {}
    for entry in listed:
        config = entry.get("config", {}).get("c_info", {})
        if entry.get("domid"):
            names[int(entry["domid"])] = str(config.get("name", "(unnamed)"))
    return names


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
    """Implements ``ports.SuspendedGuests``.

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
