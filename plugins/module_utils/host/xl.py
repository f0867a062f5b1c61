# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Xen's own list of domains, by its command ``xl``."""

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
