# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's network as options, and as an operator sees it afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput, Refused
from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import FileChange
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import (
    Bond,
    Bridge,
    HostNetwork,
    make_bond,
    make_bridge,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Links


def network_of(bonds: Sequence[Mapping[str, Any]], bridges: Sequence[Mapping[str, Any]]) -> HostNetwork:
    """The declared network from options as they were typed.

    Raises:
        Refused: values that make no sense; all of them are named.
    """
    problems: list[str] = []
    made_bonds: list[Bond] = []
    made_bridges: list[Bridge] = []
    for one in bonds:
        lacking = [key for key in ("mode", "members") if one.get(key) is None]
        problems += [f"bonds[{one['name']}] lacks '{key}'" for key in lacking]
        if lacking:
            continue
        try:
            made_bonds.append(make_bond(**{**one, "members": tuple(one["members"])}))
        except InvalidInput as error:
            problems.append(str(error))
    for one in bridges:
        lists = {key: None if one.get(key) is None else tuple(one[key]) for key in ("addresses", "trunk")}
        try:
            made_bridges.append(make_bridge(**{**one, **lists}))
        except InvalidInput as error:
            problems.append(str(error))
    if problems:
        raise Refused("The declared network makes no sense", problems)
    return HostNetwork(
        tuple(sorted(made_bonds, key=lambda bond: bond.name)),
        tuple(sorted(made_bridges, key=lambda bridge: bridge.name)),
    )


def file_changes(files: Mapping[str, FileChange]) -> list[dict[str, str]]:
    """What becomes of each file."""
    words = {(True, False): "written", (False, False): "changed", (False, True): "removed"}
    return [
        {"path": path, "change": words[change.before is None, change.after is None]}
        for path, change in files.items()
        if change.before != change.after
    ]


def file_diffs(files: Mapping[str, FileChange]) -> list[dict[str, str]]:
    """Ansible's ``diff`` of each file."""
    return [
        {"before_header": path, "after_header": path, "before": change.before or "", "after": change.after or ""}
        for path, change in files.items()
        if change.before != change.after
    ]


def view(links: Links, network: HostNetwork, names: frozenset[str]) -> dict[str, list[dict[str, Any]]]:
    """The named bonds and bridges as they are found.

    Args:
        links: what the kernel has.
        network: what the files of ours say.
        names: which ones.
    """
    bonds: list[dict[str, Any]] = []
    bridges: list[dict[str, Any]] = []
    for name in sorted(names):
        link = links.get(name)
        if link is None:
            continue
        common = {"name": name, "carrier": link.carrier, "mtu": link.mtu, "mac": link.mac}
        if link.kind == "bond" and link.bond is not None:
            members = [{"name": port.name, "carrier": port.carrier} for port in links.ports(name)]
            more = {
                "mode": link.bond.mode,
                "members": members,
                "active": link.bond.active,
                "partner": link.bond.partner,
            }
            bonds.append({**common, **more})
        elif link.kind == "bridge":
            declared = network.bridge(name)
            guests = links.guest_ports(name)
            ways = [port.name for port in links.ports(name) if port.name not in guests]
            bridges.append(
                {
                    **common,
                    "network": declared.network or None if declared else None,
                    "uplink": next(iter(ways), None),
                    "addresses": list(link.addresses),
                    "guest_ports": list(guests),
                }
            )
    return {"bonds": bonds, "bridges": bridges}
