# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An interface that goes under a bond or bridge together with the connection that it carries."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import Replacement
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import HostNetwork
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Links
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change


def lower_names(network: HostNetwork) -> frozenset[str]:
    """The interfaces that bonds and bridges lie on, bonds left out."""
    members = {member for bond in network.bonds for member in bond.members}
    over = {bridge.over for bridge in network.bridges if bridge.over is not None and network.bond(bridge.over) is None}
    return frozenset(members | over)


def taken_over(lower: Collection[str], touched: Collection[str], links: Links) -> tuple[str, ...]:
    """The interfaces that lose addresses and routes of their own, for they carry the connection and go under something."""
    found = (links.get(name) for name in sorted(set(lower) & set(touched) & set(links.management)))
    return tuple(link.name for link in found if link is not None and (link.addresses or link.gateway))


def takeover_changes(taken: Iterable[str], replaced: Iterable[Replacement], links: Links) -> list[Change]:
    """What an operator should see of it."""
    changes = []
    for name in taken:
        link = links.by_name[name]
        if link.addresses:
            changes.append(Change(f"interfaces[{name}].addresses", ", ".join(link.addresses), "none"))
        if link.gateway:
            changes.append(Change(f"interfaces[{name}].gateway", link.gateway, "none"))
    for one in replaced:
        names = ", ".join(sorted(one.names))
        if not one.problem:
            changes.append(Change(f"files[{one.path}]", f"manages {names}", f"does not manage {names}"))
    return changes


def lost_words(replaced: Iterable[Replacement]) -> tuple[str, ...]:
    """What the files that give way have said and nothing says any more."""
    return tuple(
        f"{one.path} gave way; nothing on this host says any more what it said: {', '.join(one.lost)}"
        for one in replaced
        if one.lost
    )
