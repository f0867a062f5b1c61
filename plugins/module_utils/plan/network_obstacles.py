# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What forbids a host's declared network: in itself, and on the host where it is to be."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import (
    INTERFACE_LENGTH,
    Bond,
    BondMode,
    Bridge,
    HostNetwork,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Link, Links
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.host_network import NetworkPlan, complete


def declared_problems(declared: HostNetwork, stored: HostNetwork) -> list[str]:
    """What makes no sense in a declared network, together with what is kept of the stored one: all of it."""
    problems: list[str] = []
    names = [*(bond.name for bond in declared.bonds), *(bridge.name for bridge in declared.bridges)]
    problems += [f"{name} is declared more than once" for name in _repeated(names)]
    kept = complete(declared, stored, Links())
    whole = stored.with_(declared)
    for bond, complete_bond in zip(declared.bonds, kept.bonds, strict=True):
        problems += _together(_bond_problems(bond), _bond_problems(complete_bond))
    for member in _repeated([member for bond in whole.bonds for member in bond.members]):
        owners = [bond.name for bond in whole.bonds if member in bond.members]
        if len(owners) > 1:
            problems.append(f"{member} is a member of more than one bond: {', '.join(owners)}")
    for bridge, complete_bridge in zip(declared.bridges, kept.bridges, strict=True):
        problems += _together(_bridge_problems(bridge, whole), _bridge_problems(complete_bridge, stored.with_(kept)))
    uplinks = [bridge.uplink for bridge in whole.bridges if bridge.uplink is not None]
    for uplink in _repeated(uplinks):
        owners = [bridge.name for bridge in whole.bridges if bridge.uplink == uplink]
        if declared.names() & set(owners):
            problems.append(f"{uplink} can be in one bridge only, and is asked for by {', '.join(owners)}")
    hosts = [_ip(one) for bridge in whole.bridges for one in bridge.addresses or ()]
    for one in _repeated(hosts):
        owners = [bridge.name for bridge in whole.bridges if one in map(_ip, bridge.addresses or ())]
        problems.append(f"the address {one} is declared on more than one bridge: {', '.join(owners)}")
    return problems


def _together(alone: list[str], completed: list[str]) -> list[str]:
    """The problems of what is declared, and those that come by what is not and so stays as it was."""
    more = [words for words in completed if words not in alone]
    return alone + [f"{words} (what is not given stays as it was given before)" for words in more]


def obstacles(
    plan: NetworkPlan,
    links: Links,
    claims: Mapping[str, str],
    guest_of: Callable[[str], str | None] = lambda _port: None,
) -> list[str]:
    """Everything that forbids a plan on this host.

    Args:
        plan: what is to be done.
        links: what the kernel has.
        claims: interfaces that another program or another file manages, with its name.
        guest_of: the guest that an interface belongs to, as far as that is known.
    """
    found: list[str] = []
    removed = plan.before.names() - plan.after.names()
    for bond in plan.after.bonds:
        if bond.name in plan.named:
            found += _member_obstacles(bond, plan, links)
            found += _kind_obstacle(bond.name, "bond", links)
    for bridge in plan.after.bridges:
        if bridge.name in plan.named:
            found += _bridge_obstacles(bridge, plan, links)
        elif bridge.over in plan.named and bridge.over in removed:
            found.append(f"{bridge.over} cannot go: the bridge {bridge.name} lies over it; name that too")
    for name in sorted(_hurt_bridges(plan, links)):
        ports = links.guest_ports(name)
        if ports:
            words = [f"{port} of {guest}" if (guest := guest_of(port)) else port for port in ports]
            found.append(
                f"the bridge {name} has interfaces of guests ({', '.join(words)}) that would lose their network;"
                " shut these guests down or move them first"
            )
    for name in sorted(plan.named | {one for one in _all_lower(plan) if one is not None}):
        if name in claims:
            found.append(
                f"{name} is managed by {claims[name]}; name that file in 'replaces' for it to give way, or take {name} out there"
                if "/" in claims[name]
                else f"{name} is managed by {claims[name]}; take it out there first"
            )
    return found


def _all_lower(plan: NetworkPlan) -> set[str | None]:
    """Interfaces that files of ours concern: members, and what bridges lie over."""
    members = {member for bond in plan.after.bonds if bond.name in plan.named for member in bond.members}
    over = {bridge.over for bridge in plan.after.bridges if bridge.name in plan.named}
    vlans = {bridge.uplink for bridge in plan.after.bridges if bridge.name in plan.named}
    return {*members, *over, *vlans}


def _hurt_bridges(plan: NetworkPlan, links: Links) -> set[str]:
    """Running bridges that go, lose their way outside, or change it."""
    hurt = {name for name in plan.delete if links.kind(name) == "bridge"}
    for name in (*plan.delete, *plan.release):
        link = links.get(name)
        if link is not None and link.master is not None and links.kind(link.master) == "bridge":
            hurt.add(link.master)
        if links.kind(name) == "bond" and name in plan.delete:
            hurt |= {one for one in links.above(name) if links.kind(one) == "bridge"}
    for bridge in plan.after.bridges:
        was = plan.before.bridge(bridge.name)
        if bridge.name in plan.named and was is not None and was.uplink != bridge.uplink:
            hurt.add(bridge.name)
    return hurt


def _member_obstacles(bond: Bond, plan: NetworkPlan, links: Links) -> list[str]:
    """What forbids the members of a bond."""
    found = []
    for member in bond.members:
        link = links.get(member)
        if link is None:
            found.append(f"{member}, a member of {bond.name}, is no interface of this host; it has {_hardware(links)}")
        elif link.loopback or link.is_guests or link.kind in ("bond", "bridge", "vlan"):
            found.append(f"{member} cannot be a member of {bond.name}: it is {_what(link)}")
        elif link.master not in (None, bond.name) and member not in plan.release:
            found.append(f"{member}, a member of {bond.name}, is already a member of {link.master}")
        elif link.addresses and link.master is None and member not in links.management:
            found.append(
                f"{member}, a member of {bond.name}, has the address {', '.join(link.addresses)},"
                " which it would lose; take it away first"
            )
    return found


def _bridge_obstacles(bridge: Bridge, plan: NetworkPlan, links: Links) -> list[str]:
    """What forbids a bridge."""
    found = _kind_obstacle(bridge.name, "bridge", links)
    lower = links.get(bridge.over)
    if bridge.over is not None and plan.after.bond(bridge.over) is None:
        if lower is None:
            found.append(
                f"{bridge.over}, which {bridge.name} lies over, is neither declared nor an interface of this host;"
                f" it has {_hardware(links)}"
            )
        elif lower.loopback or lower.is_guests or lower.kind in ("bridge", "vlan"):
            found.append(f"{bridge.name} cannot lie over {bridge.over}: it is {_what(lower)}")
        elif lower.master not in (None, bridge.name) and bridge.over not in plan.release:
            found.append(f"{bridge.over}, which {bridge.name} lies over, is already a member of {lower.master}")
        elif lower.addresses and bridge.name in plan.touched and bridge.over not in links.management:
            found.append(
                f"{bridge.over}, which {bridge.name} lies over, has the address {', '.join(lower.addresses)},"
                " which it would lose; take it away first"
            )
    uplink = links.get(bridge.uplink)
    if uplink is not None and uplink.master not in (None, bridge.name):
        was = plan.after.bridge(str(uplink.master))
        if was is None or was.uplink == uplink.name:
            found.append(f"{bridge.uplink}, which {bridge.name} asks for, is in {uplink.master}")
    moving = plan.named | {*plan.taken, *plan.delete}
    for link in links.by_name.values():
        taken = sorted(set(map(_ip, bridge.addresses or ())) & set(map(_ip, link.addresses)))
        if taken and link.name != bridge.name and link.name not in moving:
            found.append(f"{bridge.name} cannot have the address {', '.join(taken)}: {link.name} has it")
        way_out = 4 if bridge.dhcp else _version(bridge.gateway) if bridge.gateway else None
        if (
            link.gateway
            and link.name not in (bridge.name, *plan.taken, *plan.delete)
            and _version(link.gateway) == way_out
        ):
            found.append(
                f"{bridge.name} cannot have a gateway{' by DHCP' if bridge.dhcp else ''}: the default route of this host goes through {link.name}"
                f" to {link.gateway}, and a second one could cut the host off"
            )
    return found


def _kind_obstacle(name: str, kind: str, links: Links) -> list[str]:
    """An interface of another kind that has the name already."""
    link = links.get(name)
    return [] if link is None or link.kind == kind else [f"{name} is already the name of {_what(link)}"]


def _bond_problems(bond: Bond) -> list[str]:
    """What makes no sense in one bond."""
    where = f"bonds[{bond.name}]"
    found = []
    if not bond.members:
        found.append(f"{where} has no members")
    found += [f"{where} names {member} more than once" for member in _repeated(bond.members)]
    if bond.name in bond.members:
        found.append(f"{where} is its own member")
    if bond.lacp_rate is not None and bond.mode is not BondMode.LACP:
        found.append(f"{where}.lacp_rate is for the mode 802.3ad, not for {bond.mode.value}")
    if bond.primary and not bond.mode.has_primary:
        found.append(
            f"{where}.primary is for the modes active-backup, balance-tlb and balance-alb, not {bond.mode.value}"
        )
    if bond.primary and bond.primary not in bond.members:
        found.append(f"{where}.primary {bond.primary} is not among its members")
    if bond.hash_policy is not None and not bond.mode.hashes:
        found.append(
            f"{where}.hash_policy is for the modes 802.3ad, balance-xor and balance-tlb, not {bond.mode.value}"
        )
    if bond.miimon_ms == 0 and bond.mode in (BondMode.LACP, BondMode.BALANCE_TLB, BondMode.BALANCE_ALB):
        found.append(f"{where}.miimon_ms cannot be 0 in the mode {bond.mode.value}")
    return found


# What needs packets without a tag.
_OF_THE_HOST = ("addresses", "gateway", "dhcp", "accept_ra", "nat", "routed")


def _bridge_problems(bridge: Bridge, whole: HostNetwork) -> list[str]:
    """What makes no sense in one bridge."""
    where = f"bridges[{bridge.name}]"
    found = []
    if bridge.vlan is not None and bridge.over is None:
        found.append(f"{where}.vlan needs 'over', the interface or bond that the VLAN is on")
    if bridge.uplink is not None and len(bridge.uplink) > INTERFACE_LENGTH:
        found.append(
            f"{where} needs an interface named {bridge.uplink}, which is longer than {INTERFACE_LENGTH} characters;"
            " give the bond a shorter name"
        )
    if bridge.over == bridge.name or (bridge.over is not None and whole.bridge(bridge.over) is not None):
        found.append(f"{where}.over is a bridge; it takes an interface or a bond")
    owner = next((bond.name for bond in whole.bonds if bridge.over in bond.members), None)
    if owner is not None:
        found.append(f"{where}.over {bridge.over} is a member of {owner}; lay the bridge over {owner}")
    lower = whole.bond(bridge.over)
    most = None if lower is None else lower.mtu or 1500
    if bridge.mtu is not None and most is not None and bridge.mtu > most:
        found.append(f"{where}.mtu {bridge.mtu} is larger than the {most} of {bridge.over}; set mtu there too")
    return found + _host_problems(bridge, where) + _trunk_problems(bridge, where, whole)


def _host_problems(bridge: Bridge, where: str) -> list[str]:
    """What makes no sense in the host's own part in a bridge."""
    found = []
    if bridge.gateway:
        networks = [ipaddress.ip_interface(one).network for one in bridge.addresses or ()]
        if not any(ipaddress.ip_address(bridge.gateway) in network for network in networks):
            found.append(f"{where}.gateway {bridge.gateway} is in the network of none of its addresses")
    if bridge.dhcp and bridge.gateway:
        found.append(f"{where}.gateway comes by DHCP; leave it out, or dhcp")
    if bridge.nat and not any(ipaddress.ip_interface(one).version == 4 for one in bridge.addresses or ()):
        found.append(f"{where}.nat needs an IPv4 address of the host on the bridge, the gateway of its guests")
    if bridge.routed and not bridge.addresses:
        found.append(f"{where}.routed needs an address of the host on the bridge, the gateway of its guests")
    return found


def _trunk_problems(bridge: Bridge, where: str, whole: HostNetwork) -> list[str]:
    """What does not go together with a trunk."""
    if not bridge.trunk:
        return []
    found = [
        f"{where}.{option} cannot be had with trunk, which lets nothing in that has no tag; give the host a bridge on a VLAN of its own"
        for option in _OF_THE_HOST
        if getattr(bridge, option)
    ]
    if bridge.vlan is not None:
        found.append(f"{where} cannot have both vlan and trunk")
    if bridge.over is None:
        found.append(f"{where}.trunk needs 'over', the interface or bond that the VLANs are on")
    found += [
        f"{where}.trunk has VLAN {other.vlan} of {bridge.over}, which {other.name} has already"
        for other in whole.bridges
        if other.over is not None and other.over == bridge.over and other.vlan in bridge.trunk
    ]
    return found


def _hardware(links: Links) -> str:
    """The interfaces that could be meant."""
    names = sorted(
        link.name for link in links.by_name.values() if link.kind == "" and not link.is_guests and not link.loopback
    )
    return ", ".join(names) or "none"


def _what(link: Link) -> str:
    """An interface in words."""
    if link.loopback:
        return "the loopback interface"
    if link.is_guests:
        return "an interface of a guest"
    return f"a {link.kind}" if link.kind else "a network card"


def _repeated(names: Iterable[str]) -> list[str]:
    """What is there more than once."""
    listed = list(names)
    return sorted({name for name in listed if listed.count(name) > 1})


def _ip(value: str) -> str:
    """An address without its prefix length."""
    return value.partition("/")[0]


def _version(value: str) -> int:
    """4 or 6."""
    return ipaddress.ip_address(value).version
