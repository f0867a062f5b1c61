# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's declared network against what its files and its kernel say: what changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import Replacement
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import Bridge, HostNetwork
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Link, Links
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change, Effect
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.network_changes import (
    bond_changes,
    bridge_changes,
    summary,
    wrong_uplinks,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.network_takeover import (
    lower_names,
    taken_over,
    takeover_changes,
)

DEFAULT_MIIMON_MS = 100
_T = TypeVar("_T")


@dataclass(frozen=True)
class NetworkPlan:
    """What is to be done to a host's network.

    Attributes:
        changes: the differences, for the operator's eyes.
        before: the network of ours that the host's files hold now.
        after: the network of ours that they hold afterwards, with what was not named.
        named: the bonds and bridges that were asked for.
        delete: interfaces that go, or go and come again, upper ones first.
        release: interfaces that leave their bond or bridge.
        create: interfaces to make, lower ones first.
        drop: addresses that go, as interface and address.
        touched: every interface that is changed or loses its connection for a moment.
        taken: interfaces that carry the connection and go under a bond or bridge, without addresses and routes from then on.
        replaced: files of somebody else that give way.
    """

    changes: tuple[Change, ...]
    before: HostNetwork
    after: HostNetwork
    named: frozenset[str]
    delete: tuple[str, ...] = ()
    release: tuple[str, ...] = ()
    create: tuple[str, ...] = ()
    drop: tuple[tuple[str, str], ...] = ()
    touched: frozenset[str] = frozenset()
    taken: tuple[str, ...] = ()
    replaced: tuple[Replacement, ...] = ()

    @property
    def remade(self) -> tuple[str, ...]:
        """What went and has to come again when the plan is undone, lower ones first."""
        lower = [bond.name for bond in self.before.bonds] + [bridge.name for bridge in self.before.bridges]
        vlans = [str(bridge.uplink) for bridge in self.before.bridges if bridge.vlan is not None]
        return tuple(name for name in (*lower, *vlans) if name in self.delete)


def complete(declared: HostNetwork, stored: HostNetwork, links: Links) -> HostNetwork:
    """What is declared, with what it does not manage taken from what is stored, and with MAC addresses chosen.

    A bond gets the hardware address of its first member and a bridge that of what it lies over: they stay the same over
    restarts, and hosts cloned from one image do not share them, as addresses derived from the machine's id would.
    """
    bonds = []
    for bond in declared.bonds:
        old = stored.bond(bond.name)
        miimon = bond.miimon_ms if bond.miimon_ms is not None else old.miimon_ms if old else DEFAULT_MIIMON_MS
        mac = next((_hardware_mac(links.get(member)) for member in bond.members if links.get(member)), None)
        same_kind = old is not None and old.mode is bond.mode
        bonds.append(
            replace(
                bond,
                miimon_ms=miimon,
                lacp_rate=bond.lacp_rate or (old.lacp_rate if old and same_kind else None),
                primary=_first(bond.primary, old.primary if old and same_kind and old.primary in bond.members else None)
                or "",
                hash_policy=bond.hash_policy or (old.hash_policy if old and same_kind else None),
                mtu=_first(bond.mtu, old.mtu if old else None),
                mac=bond.mac or (old.mac if old else None) or mac,
            )
        )
    kept = stored.with_(HostNetwork(tuple(bonds)))
    bridges = []
    for bridge in declared.bridges:
        was = stored.bridge(bridge.name)
        lower = kept.bond(bridge.over)
        mac = lower.mac if lower is not None else _hardware_mac(links.get(bridge.over))
        bridges.append(
            replace(
                bridge,
                addresses=_first(bridge.addresses, was.addresses if was else None) or (),
                gateway=(_first(bridge.gateway, was.gateway if was and not bridge.dhcp else None)) or "",
                dhcp=_first(bridge.dhcp, was.dhcp if was else None) or False,
                accept_ra=_first(bridge.accept_ra, was.accept_ra if was else None) or False,
                nat=_first(bridge.nat, was.nat if was else None) or False,
                routed=_first(bridge.routed, was.routed if was else None) or False,
                trunk=_first(bridge.trunk, was.trunk if was else None) or (),
                stp=_first(bridge.stp, was.stp if was else None) or False,
                ageing=_first(bridge.ageing, was.ageing if was else None),
                mtu=_first(bridge.mtu, was.mtu if was else None),
                network=_first(bridge.network, was.network if was else None) or "",
                mac=bridge.mac or (was.mac if was and was.over == bridge.over else None) or mac,
            )
        )
    return HostNetwork(tuple(bonds), tuple(bridges))


def plan_present(
    declared: HostNetwork,
    stored: HostNetwork,
    links: Links,
    edited: Iterable[str] = (),
    replaced: tuple[Replacement, ...] = (),
) -> NetworkPlan:
    """What makes a host's network the declared one; bonds and bridges that are not named stay as they are.

    Args:
        declared: what should be.
        stored: what the host's files of ours say.
        links: what the kernel has.
        edited: files of ours, concerning what is named, that somebody else has written to.
        replaced: files of somebody else that give way.
    """
    wanted = complete(declared, stored, links)
    after = stored.with_(wanted)
    changes: list[Change] = []
    delete: set[str] = set()
    release: set[str] = set()
    drop: list[tuple[str, str]] = []
    touched: set[str] = set()
    for bond in wanted.bonds:
        found = bond_changes(bond, stored.bond(bond.name), links)
        changes += found
        link = links.get(bond.name)
        if not found:
            continue
        had = {port.name for port in links.ports(bond.name)} if link else set()
        release |= had - set(bond.members)
        touched |= {bond.name, *bond.members, *had}
        if link is not None and any(change.effect is Effect.RECREATE for change in found):
            above = links.above(bond.name)
            delete |= {bond.name} | {name for name in above if links.kind(name) == "vlan"}
            touched |= above
    for bridge in wanted.bridges:
        was = stored.bridge(bridge.name)
        found = bridge_changes(bridge, was, links)
        changes += found
        if not found:
            continue
        wrong = wrong_uplinks(bridge, was, links)
        touched |= {bridge.name, *wrong, *_own_lower(bridge, after, links)}
        for name in wrong:
            (delete if links.kind(name) == "vlan" else release).add(name)
        uplink = links.get(bridge.uplink)
        if uplink is not None and bridge.vlan is not None and not bridge.fits(uplink):
            delete.add(uplink.name)
        drop += [(bridge.name, one) for one in _gone_addresses(bridge, was, links)]
    changes += [Change(f"files[{name}]", "edited by hand", "as declared") for name in sorted(edited)]
    lower = lower_names(wanted)
    touched |= lower & {name for one in replaced for name in one.names}
    taken = taken_over(lower, touched, links)
    drop += [(name, one) for name in taken for one in links.by_name[name].addresses]
    changes += takeover_changes(taken, replaced, links)
    create = _missing(after, wanted.names(), links, delete)
    return NetworkPlan(
        tuple(changes),
        stored,
        after,
        wanted.names(),
        tuple(sorted(delete, key=lambda name: (_depth(links, name), name))),
        tuple(sorted(release - delete)),
        create,
        tuple(drop),
        frozenset(touched),
        taken,
        replaced,
    )


def plan_absent(names: frozenset[str], stored: HostNetwork, links: Links) -> NetworkPlan:
    """What takes bonds and bridges of these names away, with the VLAN interfaces that only they used."""
    after = stored.without(names)
    changes: list[Change] = []
    delete: set[str] = set()
    release: set[str] = set()
    for name in sorted(names):
        bond, bridge, link = stored.bond(name), stored.bridge(name), links.get(name)
        noun = "bonds" if bond is not None or (link is not None and link.kind == "bond") else "bridges"
        if bond is None and bridge is None and (link is None or link.kind not in ("bond", "bridge")):
            continue
        words = (
            summary(bond or bridge) if bond or bridge else f"a {link.kind if link else 'link'} without files of ours"
        )
        changes.append(Change(f"{noun}[{name}]", words, None))
        if link is not None:
            delete.add(name)
            release |= {port.name for port in links.ports(name) if not port.is_guests and port.kind != "vlan"}
        if bridge is not None and bridge.vlan is not None and bridge.uplink in links.by_name:
            delete.add(str(bridge.uplink))
    release -= delete
    return NetworkPlan(
        tuple(changes),
        stored,
        after,
        names,
        tuple(sorted(delete, key=lambda name: (_depth(links, name), name))),
        tuple(sorted(release)),
        touched=frozenset(delete | release),
    )


def _gone_addresses(bridge: Bridge, stored: Bridge | None, links: Links) -> list[str]:
    """Addresses that were declared before and are no more."""
    link = links.get(bridge.name)
    if link is None or stored is None or stored.addresses is None or bridge.addresses is None:
        return []
    return sorted((set(stored.addresses) - set(bridge.addresses)) & set(link.addresses))


def _missing(after: HostNetwork, named: frozenset[str], links: Links, delete: set[str]) -> tuple[str, ...]:
    """Interfaces to make, lower ones first: bonds, bridges, VLANs."""
    gone = {bond.name for bond in after.bonds if bond.name in delete}
    bonds = [bond.name for bond in after.bonds if bond.name in named]
    bridges = [bridge.name for bridge in after.bridges if bridge.name in named]
    vlans = [
        str(bridge.uplink)
        for bridge in after.bridges
        if bridge.vlan is not None and (bridge.name in named or bridge.over in gone)
    ]
    return tuple(name for name in (*bonds, *bridges, *vlans) if name not in links.by_name or name in delete)


def _own_lower(bridge: Bridge, after: HostNetwork, links: Links) -> set[str]:
    """What a change of a bridge touches below it: its VLAN, or the interface; a bond of ours only when it comes into the bridge."""
    if bridge.over is None or bridge.uplink is None:
        return set()
    bond = after.bond(bridge.over) is not None
    port = links.get(bridge.uplink)
    joins = bridge.vlan is not None or port is None or port.master != bridge.name
    return {*({bridge.uplink} if joins or not bond else ()), *(() if bond else (bridge.over,))}


def _depth(links: Links, name: str) -> int:
    """The order in which interfaces go: bridges, VLANs, bonds."""
    return {"bridge": 0, "vlan": 1, "bond": 2}.get(links.kind(name) or "", 3)


def _hardware_mac(link: Link | None) -> str | None:
    """The address that an interface has of its own."""
    return None if link is None else link.permanent_mac or link.mac


def _first(value: _T | None, other: _T | None) -> _T | None:
    """The first that is managed."""
    return value if value is not None else other
