# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between one bond or bridge as declared, as the host's files have it, and as its kernel has it."""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import Bond, Bridge
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Link, Links
from ansible_collections.xenfleet.xen.plugins.module_utils.model.vlans import ranges
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change, Effect

_IN_SUMMARY = ("mode", "members", "over", "vlan")
_RECREATES = ("mode", "lacp_rate")
_NONE = "none"


def summary(item: Bond | Bridge | None) -> str:
    """One bond or bridge in a few words."""
    if isinstance(item, Bond):
        return f"{item.mode.value} over {', '.join(item.members)}"
    if isinstance(item, Bridge):
        return f"over {item.uplink}" if item.uplink else "isolated"
    return ""


def bond_changes(bond: Bond, stored: Bond | None, links: Links) -> list[Change]:
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


def bridge_changes(bridge: Bridge, stored: Bridge | None, links: Links) -> list[Change]:
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
    other = links.get(next(iter(wrong_uplinks(bridge, None, links)), None))
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


def wrong_uplinks(bridge: Bridge, stored: Bridge | None, links: Links) -> list[str]:
    """Ways outside that a bridge has and should not have: the stored one, or a VLAN or bond where another is wanted."""
    ports = {port.name: port for port in links.ports(bridge.name)}
    wrong = {name for name, port in ports.items() if port.kind in ("vlan", "bond") and name != bridge.uplink}
    if stored is not None and stored.uplink in ports and stored.uplink != bridge.uplink:
        wrong.add(str(stored.uplink))
    return sorted(wrong)


def _yes(value: bool | None) -> str | None:
    """For a change: what is switched on."""
    return None if value is None else "yes" if value else _NONE


def _text(value: str | int | None) -> str | None:
    """For a change: 'none' for what is empty."""
    return None if value is None else str(value) or _NONE
