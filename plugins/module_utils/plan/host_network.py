# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's declared network against what its files and its kernel say: what changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import Replacement
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import Bond, Bridge, HostNetwork
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Link, Links
from ansible_collections.xenfleet.xen.plugins.module_utils.model.vlans import ranges
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change, Effect
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.network_takeover import (
    lower_names,
    taken_over,
    takeover_changes,
)

DEFAULT_MIIMON_MS = 100
_IN_SUMMARY = ("mode", "members", "over", "vlan")
_RECREATES = ("mode", "lacp_rate")
_NONE = "none"
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
        found = _bond_changes(bond, stored.bond(bond.name), links)
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
        found = _bridge_changes(bridge, was, links)
        changes += found
        if not found:
            continue
        wrong = _wrong_uplinks(bridge, was, links)
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


def summary(item: Bond | Bridge | None) -> str:
    """One bond or bridge in a few words."""
    if isinstance(item, Bond):
        return f"{item.mode.value} over {', '.join(item.members)}"
    if isinstance(item, Bridge):
        return f"over {item.uplink}" if item.uplink else "isolated"
    return ""


def _bond_changes(bond: Bond, stored: Bond | None, links: Links) -> list[Change]:
    """The changes of one bond."""
    link = links.get(bond.name)
    where = f"bonds[{bond.name}]"
    wanted = _bond_fields(bond)
    files = _bond_fields(stored) if stored else {}
    kernel = _running_bond(link, links) if link else {}
    changes = _presence(where, summary(bond), stored is not None, link is not None)
    changes += _field_changes(where, wanted, files, kernel, stored is not None, link is not None)
    if link is not None and not link.up:
        changes.append(Change(f"{where}.state", "down", "up"))
    return changes


def _bridge_changes(bridge: Bridge, stored: Bridge | None, links: Links) -> list[Change]:
    """The changes of one bridge."""
    link = links.get(bridge.name)
    where = f"bridges[{bridge.name}]"
    wanted = _bridge_fields(bridge)
    files = _bridge_fields(stored) if stored else {}
    kernel = _running_bridge(bridge, link, links) if link else {}
    changes = _presence(where, summary(bridge), stored is not None, link is not None)
    changes += _field_changes(where, wanted, files, kernel, stored is not None, link is not None)
    if link is not None:
        uplink = links.get(bridge.uplink)
        if not link.up or (uplink is not None and uplink.master == bridge.name and not uplink.up):
            changes.append(Change(f"{where}.state", "down", "up"))
        if link.forward_delay != bridge.forward_delay:
            before, after = (f"{delay / 100:g} s" for delay in (link.forward_delay, bridge.forward_delay))
            changes.append(Change(f"{where}.forward_delay", before, after))
    return changes


def _presence(where: str, words: str, stored: bool, running: bool) -> list[Change]:
    """A change for what is new, or in one place only: in the files, or in the kernel."""
    if stored and not running:
        return [Change(where, "not running", "running")]
    if running and not stored:
        return [Change(where, "lost at the next restart", "kept")]
    return [] if stored else [Change(where, None, words)]


def _field_changes(
    where: str,
    wanted: Mapping[str, str | None],
    files: Mapping[str, str | None],
    kernel: Mapping[str, str | None],
    stored: bool,
    running: bool,
) -> list[Change]:
    """A change for each managed field that the files or the kernel have otherwise; None is 'not known' there."""
    changes = []
    for name, after in wanted.items():
        if after is None:
            continue
        in_files, in_kernel = files.get(name), kernel.get(name)
        kernel_differs = running and in_kernel is not None and in_kernel != after
        if stored and in_files != after:
            before = in_files
        elif kernel_differs:
            before = in_kernel
        elif not stored and not running and name not in _IN_SUMMARY:
            before = None
        else:
            continue
        if after == _NONE and before in (None, _NONE):
            continue
        recreate = name in _RECREATES and kernel_differs
        changes.append(Change(f"{where}.{name}", before, after, Effect.RECREATE if recreate else Effect.LIVE))
    return changes


def _bond_fields(bond: Bond) -> dict[str, str | None]:
    """A bond's managed fields as text."""
    return {
        "mode": bond.mode.value,
        "members": ", ".join(bond.members) or _NONE,
        "lacp_rate": bond.lacp_rate.value if bond.lacp_rate else None,
        "miimon_ms": _text(bond.miimon_ms),
        "primary": _text(bond.primary),
        "hash_policy": bond.hash_policy.value if bond.hash_policy else None,
        "mtu": _text(bond.mtu),
    }


def _running_bond(link: Link, links: Links) -> dict[str, str | None]:
    """The same fields of a running bond."""
    state = link.bond
    return {
        "mode": state.mode if state else None,
        "members": ", ".join(port.name for port in links.ports(link.name)) or _NONE,
        "lacp_rate": state.lacp_rate if state else None,
        "miimon_ms": _text(state.miimon_ms) if state else None,
        "primary": (state.primary or _NONE) if state else None,
        "hash_policy": state.hash_policy if state else None,
        "mtu": str(link.mtu),
    }


def _bridge_fields(bridge: Bridge) -> dict[str, str | None]:
    """A bridge's managed fields as text."""
    return {
        "over": bridge.over or _NONE,
        "vlan": _NONE if bridge.vlan is None else str(bridge.vlan),
        "addresses": None if bridge.addresses is None else ", ".join(bridge.addresses) or _NONE,
        "gateway": _text(bridge.gateway),
        "dhcp": _yes(bridge.dhcp),
        "accept_ra": _yes(bridge.accept_ra),
        "nat": _yes(bridge.nat),
        "routed": _yes(bridge.routed),
        "trunk": None if bridge.trunk is None else ", ".join(ranges(bridge.trunk)) or _NONE,
        "stp": _yes(bridge.stp),
        "ageing": _text(bridge.ageing),
        "mtu": _text(bridge.mtu),
        "network": _text(bridge.network),
    }


def _running_bridge(bridge: Bridge, link: Link, links: Links) -> dict[str, str | None]:
    """The same fields of a running bridge, but those that it does not show, such as its label. More addresses are no difference."""
    addresses: str | None = None
    if bridge.addresses is not None:
        lacking = set(bridge.addresses) - set(link.addresses)
        addresses = ", ".join(link.addresses if lacking else bridge.addresses) or _NONE
    over, vlan = _running_over(bridge, links)
    gateway = None if bridge.gateway is None else (link.gateway or _NONE) if bridge.gateway else None
    return {
        "over": over,
        "vlan": vlan,
        "addresses": addresses,
        "gateway": gateway,
        "trunk": _running_trunk(bridge, link, links),
        "stp": _yes(link.stp),
        "ageing": None if link.ageing is None else f"{link.ageing / 100:g}",
        "mtu": str(link.mtu),
    }


def _running_trunk(bridge: Bridge, link: Link, links: Links) -> str | None:
    """The VLANs that a running bridge carries, as its way outside has them."""
    uplink = links.get(bridge.uplink)
    carried = uplink.vlans if uplink is not None and uplink.master == bridge.name else ()
    return (", ".join(ranges(carried)) or "unknown") if link.filters else _NONE


def _running_over(bridge: Bridge, links: Links) -> tuple[str | None, str | None]:
    """What a running bridge lies over and its VLAN, as text; None is 'as it should be'."""
    other = links.get(next(iter(_wrong_uplinks(bridge, None, links)), None))
    if other is not None and other.kind == "vlan":
        return other.parent, str(other.vlan)
    if other is not None:
        return other.name, _NONE
    uplink = links.get(bridge.uplink)
    if bridge.uplink is None:
        return _NONE, _NONE
    if uplink is None:
        return f"{bridge.uplink} is missing", None
    if bridge.vlan is not None and not bridge.fits(uplink):
        return f"{uplink.name} is no VLAN {bridge.vlan} of {bridge.over}", None
    return (None if uplink.master == bridge.name else f"{uplink.name} is not in it"), None


def _wrong_uplinks(bridge: Bridge, stored: Bridge | None, links: Links) -> list[str]:
    """Ways outside that a bridge has and should not have: the stored one, or a VLAN or bond where another is wanted."""
    ports = {port.name: port for port in links.ports(bridge.name)}
    wrong = {name for name, port in ports.items() if port.kind in ("vlan", "bond") and name != bridge.uplink}
    if stored is not None and stored.uplink in ports and stored.uplink != bridge.uplink:
        wrong.add(str(stored.uplink))
    return sorted(wrong)


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


def _yes(value: bool | None) -> str | None:
    """For a change: what is switched on."""
    return None if value is None else "yes" if value else _NONE


def _text(value: str | int | None) -> str | None:
    """For a change: 'none' for what is empty."""
    return None if value is None else str(value) or _NONE


def _first(value: _T | None, other: _T | None) -> _T | None:
    """The first that is managed."""
    return value if value is not None else other
