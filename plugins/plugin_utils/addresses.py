# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The address plan and inventory variables: who asks for what, and what they are given. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.address_plan import (
    Allotted,
    PlannedNetwork,
    planned_networks,
    read_allotted,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import derived_mac, mac_address
from ansible_collections.xenfleet.xen.plugins.module_utils.plan import addresses as planning
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.address_names import Served
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.addresses import Demand

Variables = Mapping[str, Any]

# What stands in a bridge's addresses for those of the plan.
PLANNED = "planned"
_HEAD = """\
# Who has which address. The playbook xenfleet.xen.addresses adds to it, and changes nothing in it unasked. Commit it.
---
"""


@dataclass(frozen=True)
class AddressPlan:
    """What the park says of its addresses.

    Attributes:
        networks: those that are declared, by name.
        allotted: what each name was given, as recorded.
    """

    networks: Mapping[str, PlannedNetwork] = field(default_factory=dict)
    allotted: Allotted = field(default_factory=dict)

    @classmethod
    def read(cls, networks: Iterable[Mapping[str, Any]] | None, allotted: Any) -> AddressPlan:
        """From ``network_plan`` and ``network_allotted``.

        Raises:
            InvalidInput: they make no sense.
        """
        return cls(planned_networks(networks or ()), read_allotted(allotted))

    def interface(self, name: str, network: Any) -> dict[str, Any]:
        """What a guest's interface is given by the plan; nothing in a network that the plan does not have."""
        known = self.networks.get(str(network))
        if known is None:
            return {}
        entry = self.allotted[name][known.name]
        return {
            "addresses": [str(one) for one in entry.addresses],
            "mac": entry.mac,
            "dhcp": known.dhcp,
            **({"gateway": str(known.gateway)} if known.gateway else {}),
            **({"dns": [str(server) for server in known.dns]} if known.dns else {}),
        }

    def check_guests(self, guests: Mapping[str, Variables]) -> None:
        """See that the record has what the guests of the park ask for.

        Raises:
            InvalidInput: a declaration makes no sense.
            Refused: the record is not up to date, or something is there twice.
        """
        planning.check_recorded(self.networks, guest_demands(self.networks, guests), self.allotted, macs(self, guests))

    def bridges(self, host: str, bridges: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """A host's bridges with their addresses by the plan.

        Raises:
            InvalidInput: a declaration makes no sense.
            Refused: the record is not up to date, or something is there twice.
        """
        bridges = list(bridges)
        planning.check_recorded(
            self.networks, host_demands(self.networks, {host: {"network_bridges": bridges}}), self.allotted
        )
        whole = []
        for bridge in bridges:
            network = str(bridge.get("network"))
            if not _is_planned(bridge):
                whole.append(dict(bridge))
            elif network in self.networks:
                addresses = [str(one) for one in self.allotted[host][network].addresses]
                whole.append({**bridge, "addresses": addresses})
            else:
                raise InvalidInput(
                    f"network_bridges[{bridge.get('name')}] is to have its address by the plan, which does not have its network",
                    host=host,
                    found=str(bridge.get("network") or "no network"),
                    expected=", ".join(self.networks) or "a network of network_plan",
                )
        return whole

    def served(self, networks: Iterable[str], bridges: Iterable[Mapping[str, Any]]) -> list[Served]:
        """The networks that a host serves, with its bridges of them.

        Raises:
            InvalidInput: it has no such bridge, or no address there.
        """
        by_network = {str(bridge.get("network")): bridge for bridge in bridges}
        found = []
        for name in networks:
            network, bridge = self.networks.get(name), by_network.get(name)
            if network is None or bridge is None:
                raise InvalidInput(
                    f"network_dhcp has the network {name}, which is not in "
                    + ("network_plan" if network is None else "network_bridges of this host"),
                    expected=", ".join(self.networks if network is None else by_network) or "none is there",
                )
            addresses = tuple(ipaddress.ip_interface(text) for text in bridge.get("addresses") or ())
            found.append(Served(network, str(bridge["name"]), addresses))
        return found


def guest_demands(networks: Mapping[str, PlannedNetwork], guests: Mapping[str, Variables]) -> list[Demand]:
    """What guests ask of the plan.

    Raises:
        InvalidInput: an address makes no sense, or a guest is in one network twice.
    """
    demands: list[Demand] = []
    for name, variables in guests.items():
        if variables.get("guest_state", "running") == "absent":
            continue
        given: Variables = variables.get("guest_addresses") or {}
        for position, entry in enumerate(variables.get("guest_networks") or ()):
            network = networks.get(str(entry.get("network")))
            if network is None:
                continue
            texts = _listed(entry.get("addresses")) or _listed(given.get(network.name))
            mac = mac_address(str(entry["mac"]), field=f"mac of {name}") if entry.get("mac") else None
            demands.append(_demand(network, name, texts, position, mac, "guest_addresses"))
    _refuse_twice(demands, "guest_networks", "Name the second one by its bridge, outside of the plan.")
    return demands


def host_demands(networks: Mapping[str, PlannedNetwork], hosts: Mapping[str, Variables]) -> list[Demand]:
    """What Xen hosts have, or ask for, in networks of the plan.

    A bridge that lies over nothing is its host's own, and the address there may be the same on each host: it is for
    ``gateway`` or ``reserved`` to keep it from the guests.

    Raises:
        InvalidInput: an address makes no sense, is given out to guests, or a host is in one network twice.
    """
    demands: list[Demand] = []
    for name, variables in hosts.items():
        for bridge in variables.get("network_bridges") or ():
            network = networks.get(str(bridge.get("network")))
            texts = _listed(bridge.get("addresses"))
            if network is None or not texts:
                continue
            if _is_planned(bridge):
                demands.append(Demand(name, network.name))
            elif bridge.get("over"):
                demands.append(
                    _demand(network, name, texts, None, None, f"network_bridges[{bridge.get('name')}].addresses")
                )
            else:
                _refuse_given_out(network, name, texts)
    _refuse_twice(demands, "network_bridges", "Leave the network's name out of one of its bridges.")
    return demands


def macs(plan: AddressPlan, guests: Mapping[str, Variables]) -> list[tuple[str, str]]:
    """The interfaces of guests outside of the plan, with their MAC addresses."""
    return [
        (f"{name} (interface {position})", str(entry.get("mac") or derived_mac(name, position)))
        for name, variables in guests.items()
        if variables.get("guest_state", "running") != "absent"
        for position, entry in enumerate(variables.get("guest_networks") or ())
        if str(entry.get("network")) not in plan.networks
    ]


def made_plan(
    plan: AddressPlan, guests: Mapping[str, Variables], hosts: Mapping[str, Variables], *, release: bool
) -> dict[str, Any]:
    """The plan of the whole park.

    Args:
        plan: what there is.
        guests: the variables of all guests.
        hosts: the variables of all Xen hosts.
        release: take back what is recorded and not asked for any more.

    Returns:
        ``text``, the file for the inventory, and ``unclaimed``: what is recorded and not asked for, as ``NAME in NETWORK``.

    Raises:
        InvalidInput: a declaration makes no sense.
        Refused: something would be given twice, or nothing is left to give.
    """
    demands = [*guest_demands(plan.networks, guests), *host_demands(plan.networks, hosts)]
    former = planning.unclaimed(demands, plan.allotted)
    recorded = planning.without(plan.allotted, former) if release else plan.allotted
    allotted = planning.allot(plan.networks, demands, recorded, macs(plan, guests))
    left = [] if release else former
    return {"text": plan_text(allotted), "unclaimed": [f"{name} in {network}" for name, network in left]}


def plan_text(allotted: Allotted) -> str:
    """The file that keeps the plan in the inventory."""
    content = {
        name: {
            network: {
                "addresses": [str(one) for one in entry.addresses],
                **({"mac": entry.mac} if entry.mac else {}),
            }
            for network, entry in networks.items()
        }
        for name, networks in allotted.items()
    }
    return _HEAD + yaml.safe_dump({"network_allotted": content}, default_flow_style=None, sort_keys=False, width=1000)


def _demand(
    network: PlannedNetwork, name: str, texts: list[str], position: int | None, mac: str | None, where: str
) -> Demand:
    fixed = tuple(network.interface(text, field=f"an address of {name} in {where}") for text in texts)
    return Demand(name, network.name, fixed, position, mac)


def _refuse_twice(demands: Iterable[Demand], where: str, remedy: str) -> None:
    seen: set[tuple[str, str]] = set()
    for demand in demands:
        key = (demand.name, demand.network)
        if key in seen:
            raise InvalidInput(
                f"{demand.name} is in the network {demand.network} twice ({where}); the plan gives it one place there",
                remedy=remedy,
            )
        seen.add(key)


def _refuse_given_out(network: PlannedNetwork, host: str, texts: list[str]) -> None:
    for text in texts:
        address = network.interface(text, field=f"an address of {host} in network_bridges").ip
        if any(address in span for span in network.spans):
            raise InvalidInput(
                f"{host} has {address} in the network {network.name} on a bridge of its own, and the plan would give it to a guest",
                remedy=f"Name it in network_plan[{network.name}], as gateway or in reserved.",
            )


def _is_planned(bridge: Mapping[str, Any]) -> bool:
    return _listed(bridge.get("addresses")) == [PLANNED]


def _listed(value: Any) -> list[str]:
    if not value:
        return []
    return [value] if isinstance(value, str) else [str(entry) for entry in value]
