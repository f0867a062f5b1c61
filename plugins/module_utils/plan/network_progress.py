# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a host's network has come: what a plan still lacks, and what hears nobody."""

from __future__ import annotations

import ipaddress

from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import Bond, BondMode, Bridge
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Links
from ansible_collections.xenfleet.xen.plugins.module_utils.model.vlans import ranges
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.host_network import NetworkPlan


def unfinished(plan: NetworkPlan, links: Links) -> list[tuple[str, str]]:
    """What has not come yet of a plan: the interface to look at, and words."""
    concerned = plan.named | {bridge.name for bridge in plan.after.bridges if bridge.over in plan.delete}
    found = [(name, f"{name} is still there") for name in sorted(plan.named - plan.after.names()) if links.get(name)]
    found += [(name, f"{name} still has the address {address}") for name, address in remaining(plan, links)]
    found += [
        (name, f"{name} still has a default route") for name in plan.taken if getattr(links.get(name), "gateway", None)
    ]
    for bond in plan.after.bonds:
        if bond.name in concerned:
            found += _unfinished_bond(bond, links)
    for bridge in plan.after.bridges:
        if bridge.name in concerned:
            found += _unfinished_uplink(bridge, links) + _unfinished_bridge(bridge, links)
    return found + [(name, f"{name} is still in {links.by_name[name].master}") for name in lingering(plan, links)]


def remaining(plan: NetworkPlan, links: Links) -> tuple[tuple[str, str], ...]:
    """Addresses that are to go and are there, as interface and address; a DHCP server may give a bridge the one that it had."""
    leased = {
        (bridge.name, address)
        for bridge in plan.after.bridges
        if bridge.dhcp and (link := links.get(bridge.name)) is not None
        for address in link.leased
    }
    return tuple(
        (name, address)
        for name, address in plan.drop
        if (link := links.get(name)) is not None and address in link.addresses and (name, address) not in leased
    )


def lingering(plan: NetworkPlan, links: Links) -> tuple[str, ...]:
    """Interfaces that were taken out of a bond or bridge and are in it again.

    Until systemd-networkd has read its new files, it puts back at once what the former ones say.
    """
    wanted = {member: bond.name for bond in plan.after.bonds for member in bond.members}
    wanted.update({str(bridge.uplink): bridge.name for bridge in plan.after.bridges if bridge.uplink is not None})
    masters = {name: link.master for name in plan.release if (link := links.get(name)) is not None}
    return tuple(name for name, master in masters.items() if master not in (None, wanted.get(name)))


def _unfinished_bond(bond: Bond, links: Links) -> list[tuple[str, str]]:
    """What a bond still lacks."""
    link = links.get(bond.name)
    if link is None:
        return [(bond.name, f"{bond.name} is missing")]
    found = [] if link.up else [(bond.name, f"{bond.name} is down")]
    for member in bond.members:
        port = links.get(member)
        if port is None or port.master != bond.name:
            found.append((member, f"{member} is not in {bond.name}"))
        elif not port.up:
            found.append((member, f"{member} is down"))
    if bond.mtu is not None and link.mtu != bond.mtu:
        found.append((bond.name, f"{bond.name} has the MTU {link.mtu}, not {bond.mtu}"))
    return found


def _unfinished_uplink(bridge: Bridge, links: Links) -> list[tuple[str, str]]:
    """What the way outside of a bridge still lacks."""
    if bridge.uplink is None:
        return []
    uplink = links.get(bridge.uplink)
    if uplink is None:
        return [(str(bridge.over), f"{bridge.uplink} is missing")]
    if uplink.master != bridge.name:
        return [(uplink.name, f"{uplink.name} is not in {bridge.name}")]
    found = [] if uplink.up else [(uplink.name, f"{uplink.name} is down")]
    if bridge.trunk and uplink.vlans != bridge.trunk:
        found.append((uplink.name, f"{uplink.name} does not carry the VLANs {', '.join(ranges(bridge.trunk))}"))
    return found


def _unfinished_bridge(bridge: Bridge, links: Links) -> list[tuple[str, str]]:
    """What a bridge itself still lacks."""
    link = links.get(bridge.name)
    if link is None:
        return [(bridge.name, f"{bridge.name} is missing")]
    found = [] if link.up else [(bridge.name, f"{bridge.name} is down")]
    if lacking := sorted(set(bridge.addresses or ()) - set(link.addresses)):
        found.append((bridge.name, f"{bridge.name} lacks the address {', '.join(lacking)}"))
    given = set(link.addresses) - set(bridge.addresses or ())
    if bridge.dhcp and not any(ipaddress.ip_interface(one).version == 4 for one in given):
        found.append((bridge.name, f"{bridge.name} was given no address by DHCP"))
    if bridge.gateway and link.gateway != bridge.gateway:
        found.append((bridge.name, f"{bridge.name} lacks the default route through {bridge.gateway}"))
    if bridge.mtu is not None and link.mtu != bridge.mtu:
        found.append((bridge.name, f"{bridge.name} has the MTU {link.mtu}, not {bridge.mtu}"))
    return found


def silent(plan: NetworkPlan, links: Links) -> list[tuple[str, str]]:
    """What is wired as declared but hears nobody: the interface, and words."""
    found: list[tuple[str, str]] = []
    for bond in plan.after.bonds:
        link = links.get(bond.name)
        if bond.name not in plan.named or link is None:
            continue
        dead = [member for member in bond.members if not getattr(links.get(member), "carrier", False)]
        if not link.carrier or len(dead) == len(bond.members):
            found.append((bond.name, f"{bond.name} has no carrier on any member"))
        elif dead:
            found += [(member, f"{member} in {bond.name} has no carrier") for member in dead]
        partner = link.bond.partner if link.bond else None
        if bond.mode is BondMode.LACP and len(dead) < len(bond.members) and not partner:
            found.append((f"{bond.name} partner", f"no partner on the members of {bond.name} speaks 802.3ad (LACP)"))
    for bridge in plan.after.bridges:
        if bridge.name in plan.named and bridge.over is not None and plan.after.bond(bridge.over) is None:
            uplink = links.get(bridge.uplink)
            if uplink is not None and not uplink.carrier:
                found.append((uplink.name, f"{uplink.name} has no carrier"))
    return found
