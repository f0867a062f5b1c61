# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who gets which address: what is fixed and what was given before, and for the rest a place in the range by the name. Pure.

A place by the name alone cannot stay: two names may have the same one, and then it depends on who else is there. So what was given
once is recorded and never taken back; the name decides the place only on the day it is new.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_interface

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Refused
from ansible_collections.xenfleet.xen.plugins.module_utils.model.address_plan import (
    Address,
    Allotment,
    Allotted,
    Interface,
    PlannedNetwork,
    Span,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import derived_mac, is_host_name

# More than a guest can have interfaces: the positions behind it are for second choices of a MAC address.
_POSITIONS = 1024
OUTDATED = "Run the playbook xenfleet.xen.addresses, look at what it writes, and commit it."


@dataclass(frozen=True)
class Demand:
    """A name that is in a network.

    Attributes:
        name: of a guest or a Xen host.
        network: of the plan.
        fixed: the addresses that were declared for it.
        position: of the guest's interface, from 0, which a new MAC address is made of; None for a Xen host.
        mac: the MAC address that was declared.
    """

    name: str
    network: str
    fixed: tuple[Interface, ...] = ()
    position: int | None = None
    mac: str | None = None


@dataclass
class _Taken:
    """Who has what already; each that is found twice is an obstacle."""

    obstacles: list[str] = field(default_factory=list)
    addresses: dict[Address, str] = field(default_factory=dict)
    macs: dict[str, str] = field(default_factory=dict)

    def address(self, address: Address, owner: str) -> None:
        """Take an address for a name."""
        other = self.addresses.setdefault(address, owner)
        if other != owner:
            self.obstacles.append(
                f"{address} is of {other} and of {owner}: give one of them another by guest_addresses, or take its line out"
                " of network_allotted to have it given a new one"
            )

    def mac(self, mac: str, owner: str) -> None:
        """Take a MAC address for an interface."""
        other = self.macs.setdefault(mac, owner)
        if other != owner:
            self.obstacles.append(
                f"the MAC address {mac} is of {other} and of {owner}: give one of them another by mac in guest_networks"
            )


def allot(
    networks: Mapping[str, PlannedNetwork],
    demands: Iterable[Demand],
    recorded: Allotted,
    macs: Iterable[tuple[str, str]] = (),
) -> Allotted:
    """The whole plan.

    What is fixed comes first, then what was recorded, and who has neither gets the first free place at or behind the one that
    is made of its name and its network's; the names that are new together are served in their order. What was recorded for names
    and networks that nobody asks for any more stays, so that it is not given to another unasked.

    Args:
        networks: the networks of the plan.
        demands: who is in which of them; of one name in the order of its interfaces.
        recorded: what was given before.
        macs: interfaces outside of the plan, each with its MAC address.

    Raises:
        Refused: something would be given twice, lies outside of its network, or is not left. All of it is named.
    """
    wanted = {(demand.name, demand.network): demand for demand in demands}
    taken = _Taken(_unusable_names(wanted))
    for owner, mac in macs:
        taken.mac(mac.strip().lower().replace("-", ":"), owner)
    kept = {key: _kept(demand, recorded.get(key[0], {}).get(key[1])) for key, demand in wanted.items()}
    unclaimed = {
        (name, network): entry
        for name, entries in recorded.items()
        for network, entry in entries.items()
        if (name, network) not in wanted
    }
    for (name, network), entry in (kept | unclaimed).items():
        _take(networks.get(network), name, network, entry, taken)
    _refuse(taken)
    given: dict[tuple[str, str], Allotment] = {}
    for key in sorted(wanted):
        given[key] = _complete(networks[key[1]], wanted[key], kept[key], taken, frozenset(unclaimed))
    _refuse(taken)
    plan: dict[str, dict[str, Allotment]] = {name: {} for name in sorted({name for name, _network in kept | unclaimed})}
    for name, network in wanted:
        plan[name][network] = given[name, network]
    for (name, network), entry in unclaimed.items():
        plan[name][network] = entry
    return plan


def unclaimed(demands: Iterable[Demand], allotted: Allotted) -> list[tuple[str, str]]:
    """What is recorded for names and networks that nobody asks for any more."""
    asked = {(demand.name, demand.network) for demand in demands}
    return [
        (name, network) for name, networks in allotted.items() for network in networks if (name, network) not in asked
    ]


def without(allotted: Allotted, gone: Iterable[tuple[str, str]]) -> Allotted:
    """The same without some of its entries."""
    dropped = set(gone)
    kept = {
        name: {network: entry for network, entry in networks.items() if (name, network) not in dropped}
        for name, networks in allotted.items()
    }
    return {name: networks for name, networks in kept.items() if networks}


def check_recorded(
    networks: Mapping[str, PlannedNetwork],
    demands: Iterable[Demand],
    recorded: Allotted,
    macs: Iterable[tuple[str, str]] = (),
) -> None:
    """See that the record has everything that these demands ask for, as they ask for it, and nothing twice.

    Raises:
        Refused: it has not.
    """
    demands = list(demands)
    whole = allot(networks, demands, recorded, macs)
    missing = []
    for demand in demands:
        due, had = (plan.get(demand.name, {}).get(demand.network) for plan in (whole, recorded))
        if had is None:
            missing.append(f"{demand.name}: not in the network {demand.network}")
        elif due is not None and due != had:
            missing.append(f"{demand.name}: {_shown(had)} in the network {demand.network}, declared is {_shown(due)}")
    if missing:
        raise Refused("The address plan (network_allotted) is not up to date", [*missing, OUTDATED])


def _unusable_names(wanted: Mapping[tuple[str, str], Demand]) -> list[str]:
    """Names that cannot be a machine's, or that are the same up to their domain."""
    obstacles = [
        f"{name} is no name of a machine (letters, digits and '-'), so it can have no address by the plan: rename it"
        for name in sorted({name for name, _network in wanted})
        if not is_host_name(name)
    ]
    first: dict[tuple[str, str], str] = {}
    for name, network in wanted:
        other = first.setdefault((name.split(".")[0].lower(), network), name)
        if other != name:
            obstacles.append(f"{other} and {name} would have one name in the network {network}: rename one of them")
    return obstacles


def _kept(demand: Demand, had: Allotment | None) -> Allotment:
    """What is known of a demand: what is fixed, and of the other kind of addresses what it had."""
    versions = {one.version for one in demand.fixed}
    before = had.addresses if had else ()
    mac = None if demand.position is None else demand.mac or (had.mac if had else None)
    return Allotment((*demand.fixed, *(one for one in before if one.version not in versions)), mac)


def _take(network: PlannedNetwork | None, name: str, label: str, entry: Allotment, taken: _Taken) -> None:
    if entry.mac is not None:
        taken.mac(entry.mac, f"{name} in the network {label}")
    if network is None:
        return  # no network of the plan any more
    for address in entry.addresses:
        subnet = network.subnet_of(address.ip)
        if subnet is None or subnet.prefixlen != address.network.prefixlen:
            taken.obstacles.append(
                f"{name} has {address} in the network {label}, which is {' and '.join(map(str, network.subnets))} now: take"
                " its line out of network_allotted to have it given a new one"
            )
        taken.address(address.ip, name)


def _complete(
    network: PlannedNetwork, demand: Demand, kept: Allotment, taken: _Taken, unclaimed: frozenset[tuple[str, str]]
) -> Allotment:
    """What a name has with what it lacks."""
    addresses = list(kept.addresses)
    for subnet in sorted(network.subnets, key=lambda subnet: subnet.version):
        if any(one.version == subnet.version for one in addresses):
            continue
        spans = network.spans_of(subnet.version)
        if not spans and addresses:
            continue  # nothing is given out of this kind, and it has one of the other
        address = _place(spans, f"{network.name}/{demand.name}", taken.addresses)
        if address is None:
            taken.obstacles.append(_exhausted(network, spans, demand.name, unclaimed))
            continue
        taken.address(address, demand.name)
        addresses.append(ip_interface(f"{address}/{subnet.prefixlen}"))
    mac = kept.mac
    if mac is None and demand.position is not None:
        choices = (derived_mac(demand.name, demand.position + _POSITIONS * again) for again in itertools.count())
        mac = next(choice for choice in choices if choice not in taken.macs)
        taken.mac(mac, f"{demand.name} in the network {network.name}")
    return Allotment(tuple(sorted(addresses, key=lambda one: one.version)), mac)


def _place(spans: tuple[Span, ...], seed: str, taken: Mapping[Address, str]) -> Address | None:
    """The first free address at or behind the one that a text stands for, and around the end; None if there is none."""
    size = sum(span.size for span in spans)
    if size == 0:
        return None
    start = int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big") % size
    for step in range(min(size, len(taken) + 1)):
        address = _at(spans, (start + step) % size)
        if address not in taken:
            return address
    return None


def _at(spans: tuple[Span, ...], place: int) -> Address:
    for span in spans:
        if place < span.size:
            return span.at(place)
        place -= span.size
    raise AssertionError("the place is behind the last span")


def _exhausted(
    network: PlannedNetwork, spans: tuple[Span, ...], name: str, unclaimed: frozenset[tuple[str, str]]
) -> str:
    if not spans:
        return f"{name} is in the network {network.name}, which has no range to give it an address from"
    text = f"{name} gets no address: all of {', '.join(map(str, spans))} in the network {network.name} are given out"
    former = sorted(name for name, label in unclaimed if label == network.name)
    if former:
        text += f"; {', '.join(former)} may be there no more: -e addresses_release=true takes back what is not declared"
    return text


def _shown(entry: Allotment) -> str:
    addresses = ", ".join(map(str, entry.addresses)) or "no address"
    return f"{addresses} ({entry.mac})" if entry.mac else addresses


def _refuse(taken: _Taken) -> None:
    if taken.obstacles:
        raise Refused("The address plan cannot be made", taken.obstacles)
