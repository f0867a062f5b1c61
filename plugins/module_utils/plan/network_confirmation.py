# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which changes of a host's network could cut the connection that manages it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import Caution, Report
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Links
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.host_network import NetworkPlan


def exposed(plan: NetworkPlan, links: Links) -> dict[str, str]:
    """The interfaces by which a plan could cut the connection, each with the reason."""
    found = {name: links.management[name] for name in sorted(plan.touched & set(links.management))}
    near = {
        ipaddress.ip_interface(address).network: name
        for name in set(links.management) - set(plan.taken)
        if (link := links.get(name)) is not None
        for address in link.addresses
    }
    for bridge in plan.after.bridges:
        link = links.get(bridge.name)
        if bridge.name in plan.named & plan.touched and bridge.over in links.management:
            found.setdefault(str(bridge.over), links.management[str(bridge.over)])
        new = set(bridge.addresses or ()) - set(link.addresses if link else ())
        for address in sorted(new) if bridge.name in plan.named else ():
            own = ipaddress.ip_interface(address).network
            other = next((name for network, name in near.items() if _overlap(own, network)), None)
            if other is not None and bridge.name not in found:
                found[bridge.name] = f"its address {address} is in the network of {other}"
    return found


def connection_obstacles(plan: NetworkPlan, links: Links, caution: Caution) -> list[str]:
    """What forbids a plan because of the connection."""
    reasons = exposed(plan, links)
    if reasons and (not caution.confirm or caution.token is None):
        remedy = (
            "nothing of the kind is changed with 'confirm' off: use other interfaces, or let the change be confirmed"
            if not caution.confirm
            else "it is changed only when the controller can confirm it, which the action xenfleet.xen.xen_bridge does"
        )
        return [
            f"{name} {'carries' if name in links.management else 'could cut'} the connection that manages this host"
            f" ({reason}); {remedy}"
            for name, reason in reasons.items()
        ]
    now = {address.partition("/")[0] for link in links.by_name.values() for address in link.addresses}
    if reasons and links.session in now - _addresses_after(plan, links) and not caution.address:
        return [
            f"the address {links.session}, which this SSH session came to, would be gone from the host; declare it, or say with"
            " 'confirm_address' under which address the host can be reached afterwards"
        ]
    return []


def waiting_obstacle(waiting: Report) -> list[str]:
    """What forbids any change while another one waits."""
    if not waiting.stage.is_open:
        return []
    return [
        f"a change of this network, begun at {waiting.begun}, waits to be confirmed until {waiting.until}; then the host puts its"
        " former network back (xenfleet-network-fallback.service). Run again after that"
    ]


def words_of(reasons: Mapping[str, str]) -> str:
    """Why a change is under the timer, for a person's eyes."""
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items())


def _addresses_after(plan: NetworkPlan, links: Links) -> set[str]:
    """The addresses that the host will have, without prefix length."""
    kept = {
        address
        for link in links.by_name.values()
        if link.name not in plan.delete
        for address in link.addresses
        if (link.name, address) not in plan.drop
    }
    declared = {address for bridge in plan.after.bridges for address in bridge.addresses or ()}
    return {address.partition("/")[0] for address in kept | declared | _leased_again(plan, links)}


def _leased_again(plan: NetworkPlan, links: Links) -> set[str]:
    """Addresses that a bridge with DHCP will be given again: it asks under the hardware address under which they were given."""
    found: set[str] = set()
    for bridge in plan.after.bridges:
        if not bridge.dhcp:
            continue
        bond = plan.after.bond(bridge.over)
        lower = bond.members[0] if bond is not None else bridge.over
        for name in (bridge.name, lower) if bridge.vlan is None else (bridge.name,):
            if (link := links.get(name)) is not None:
                found |= set(link.leased)
    return found


def _overlap(
    one: ipaddress.IPv4Network | ipaddress.IPv6Network, other: ipaddress.IPv4Network | ipaddress.IPv6Network
) -> bool:
    """Whether two networks have an address in common."""
    if isinstance(one, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and one.overlaps(other)
    return isinstance(other, ipaddress.IPv6Network) and one.overlaps(other)
