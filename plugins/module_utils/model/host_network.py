# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network of a host: bonds, VLANs on them, bridges for the guests."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import Enum

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Link
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import interface_name
from ansible_collections.xenfleet.xen.plugins.module_utils.model.vlans import read_vlans

INTERFACE_LENGTH = 15
MOST_AGEING = 1_000_000
# IPv6 is not forwarded where nobody has asked for it: a host that does hears no routers.
FORWARDING = {4: "net.ipv4.ip_forward", 6: "net.ipv6.conf.all.forwarding"}
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


class BondMode(str, Enum):
    """The kernel's bonding modes."""

    BALANCE_RR = "balance-rr"
    ACTIVE_BACKUP = "active-backup"
    BALANCE_XOR = "balance-xor"
    BROADCAST = "broadcast"
    LACP = "802.3ad"
    BALANCE_TLB = "balance-tlb"
    BALANCE_ALB = "balance-alb"

    @property
    def has_primary(self) -> bool:
        """Whether one member can be preferred."""
        return self in (BondMode.ACTIVE_BACKUP, BondMode.BALANCE_TLB, BondMode.BALANCE_ALB)

    @property
    def hashes(self) -> bool:
        """Whether the mode spreads packets by a hash of their headers."""
        return self in (BondMode.BALANCE_XOR, BondMode.LACP, BondMode.BALANCE_TLB)


class LacpRate(str, Enum):
    """How often the partner is asked to send: every 30 s or every second."""

    SLOW = "slow"
    FAST = "fast"


class HashPolicy(str, Enum):
    """What chooses the member for a packet."""

    LAYER2 = "layer2"
    LAYER23 = "layer2+3"
    LAYER34 = "layer3+4"
    ENCAP23 = "encap2+3"
    ENCAP34 = "encap3+4"


@dataclass(frozen=True)
class Bond:
    """Several links as one.

    Attributes:
        name: the bond's interface.
        mode: how the members share the work.
        members: the interfaces, sorted.
        lacp_rate: only with 802.3ad; None is 'not managed', as for all below.
        miimon_ms: milliseconds between looks at the members' carrier.
        primary: the preferred member, in the modes that have one; '' is none.
        hash_policy: what chooses the member for a packet.
        mtu: largest packet.
        mac: the bond's own address; chosen once, from the first member, and then kept.
    """

    name: str
    mode: BondMode
    members: tuple[str, ...]
    lacp_rate: LacpRate | None = None
    miimon_ms: int | None = None
    primary: str | None = None
    hash_policy: HashPolicy | None = None
    mtu: int | None = None
    mac: str | None = None


@dataclass(frozen=True)
class Bridge:
    """A bridge that guests are plugged into.

    Attributes:
        name: the bridge's interface.
        over: the interface or bond that leads outside; None makes it an isolated bridge.
        vlan: the VLAN on ``over``; None is untagged.
        addresses: the host's own addresses on it, with prefix length, sorted; None is 'not managed', as for all below.
        gateway: the default route, '' is none.
        dhcp: the host has an IPv4 address on it that it is given.
        accept_ra: the host takes IPv6 addresses and routes that routers announce on it.
        nat: what comes in by it leaves the host under the host's own address.
        routed: the host forwards what comes in by it, as it is.
        trunk: the VLANs that it carries with their tags, and nothing else; () is a bridge that knows no VLANs.
        stp: it takes part in the spanning tree.
        ageing: seconds that it remembers who is behind which port.
        mtu: largest packet.
        network: the label by which guests ask for it, '' is none.
        mac: the bridge's own address; that of what it lies over.
    """

    name: str
    over: str | None = None
    vlan: int | None = None
    addresses: tuple[str, ...] | None = None
    gateway: str | None = None
    dhcp: bool | None = None
    accept_ra: bool | None = None
    nat: bool | None = None
    routed: bool | None = None
    trunk: tuple[int, ...] | None = None
    stp: bool | None = None
    ageing: int | None = None
    mtu: int | None = None
    network: str | None = None
    mac: str | None = None

    @property
    def forwarding(self) -> tuple[str, ...]:
        """The settings of the kernel that let the host forward for it: those of its addresses' protocols."""
        versions = {ipaddress.ip_interface(one).version for one in self.addresses or ()} if self.routed else set()
        return tuple(FORWARDING[version] for version in sorted(versions))

    @property
    def forward_delay(self) -> int:
        """Hundredths of a second until a new port is used: the kernel's usual time where loops are looked for, and none elsewhere."""
        return 1500 if self.stp else 0

    @property
    def uplink(self) -> str | None:
        """The port that leads outside: the VLAN's interface, or ``over`` itself."""
        return self.over if self.over is None or self.vlan is None else f"{self.over}.{self.vlan}"

    def fits(self, link: Link) -> bool:
        """Whether an interface is the VLAN that the bridge asks for."""
        return link.kind == "vlan" and link.parent == self.over and link.vlan == self.vlan


@dataclass(frozen=True)
class HostNetwork:
    """Bonds and bridges of one host, each sorted by name."""

    bonds: tuple[Bond, ...] = ()
    bridges: tuple[Bridge, ...] = ()

    def bond(self, name: str | None) -> Bond | None:
        """The bond of that name."""
        return next((bond for bond in self.bonds if bond.name == name), None)

    def bridge(self, name: str) -> Bridge | None:
        """The bridge of that name."""
        return next((bridge for bridge in self.bridges if bridge.name == name), None)

    def lower_mtu(self, name: str) -> int | None:
        """The largest packet of what bridges lie over: what a bond says itself; a card has to carry the largest of its bridges."""
        bond = self.bond(name)
        if bond is not None:
            return bond.mtu
        return max(
            (bridge.mtu for bridge in self.bridges if bridge.over == name and bridge.mtu is not None), default=None
        )

    def names(self) -> frozenset[str]:
        """The names of all bonds and bridges."""
        return frozenset(bond.name for bond in self.bonds) | frozenset(bridge.name for bridge in self.bridges)

    def without(self, names: frozenset[str]) -> HostNetwork:
        """The same network without the bonds and bridges of these names."""
        return HostNetwork(
            tuple(bond for bond in self.bonds if bond.name not in names),
            tuple(bridge for bridge in self.bridges if bridge.name not in names),
        )

    def with_(self, other: HostNetwork) -> HostNetwork:
        """Both together; what ``other`` names wins."""
        rest = self.without(other.names())
        return HostNetwork(
            tuple(sorted((*rest.bonds, *other.bonds), key=lambda bond: bond.name)),
            tuple(sorted((*rest.bridges, *other.bridges), key=lambda bridge: bridge.name)),
        )


def make_bond(
    name: str,
    mode: str,
    members: tuple[str, ...],
    *,
    lacp_rate: str | None = None,
    miimon_ms: int | None = None,
    primary: str | None = None,
    hash_policy: str | None = None,
    mtu: int | None = None,
    mac: str | None = None,
) -> Bond:
    """A bond from plain values, each looked at by itself.

    Raises:
        InvalidInput: a value is none that a bond can have.
    """
    interface_name(name, field="bonds[].name")
    where = f"bonds[{name}]"
    for member in members:
        interface_name(member, field=f"{where}.members")
    if primary:
        interface_name(primary, field=f"{where}.primary")
    _check_range(mtu, 68, 65535, f"{where}.mtu")
    _check_range(miimon_ms, 0, 60000, f"{where}.miimon_ms")
    try:
        return Bond(
            name,
            BondMode(mode),
            tuple(sorted(members)),
            None if lacp_rate is None else LacpRate(lacp_rate),
            miimon_ms,
            primary,
            None if hash_policy is None else HashPolicy(hash_policy),
            mtu,
            mac,
        )
    except ValueError as error:
        raise InvalidInput(f"{where} is not usable", found=str(error)) from error


def make_bridge(
    name: str,
    *,
    over: str | None = None,
    vlan: int | None = None,
    addresses: tuple[str, ...] | None = None,
    gateway: str | None = None,
    dhcp: bool | None = None,
    accept_ra: bool | None = None,
    nat: bool | None = None,
    routed: bool | None = None,
    trunk: tuple[str | int, ...] | None = None,
    stp: bool | None = None,
    ageing: int | None = None,
    mtu: int | None = None,
    network: str | None = None,
    mac: str | None = None,
) -> Bridge:
    """A bridge from plain values, each looked at by itself.

    Raises:
        InvalidInput: a value is none that a bridge can have.
    """
    interface_name(name, field="bridges[].name")
    where = f"bridges[{name}]"
    if over is not None:
        interface_name(over, field=f"{where}.over")
    _check_range(vlan, 1, 4094, f"{where}.vlan")
    _check_range(mtu, 68, 65535, f"{where}.mtu")
    if network and not _LABEL.fullmatch(network):
        raise InvalidInput(
            f"{where}.network is not usable as a label",
            found=repr(network),
            expected="letters, digits and '._-', at most 63",
        )
    kept = None if addresses is None else tuple(sorted({address(one, field=f"{where}.addresses") for one in addresses}))
    if gateway:
        try:
            gateway = str(ipaddress.ip_address(gateway))
        except ValueError as error:
            raise InvalidInput(f"{where}.gateway is no IP address", found=repr(gateway)) from error
    _check_range(ageing, 0, MOST_AGEING, f"{where}.ageing")
    carried = None if trunk is None else read_vlans(trunk, field=f"{where}.trunk")
    return Bridge(
        name, over, vlan, kept, gateway, dhcp, accept_ra, nat, routed, carried, stp, ageing, mtu, network, mac
    )


def address(value: str, *, field: str = "address") -> str:
    """A host's address with prefix length, in its usual form.

    Raises:
        InvalidInput: it is none, has no prefix length, or is the network's own or its broadcast address.
    """
    try:
        found = ipaddress.ip_interface(value)
    except ValueError as error:
        raise InvalidInput(f"{field} is no IP address", found=repr(value), expected="such as 10.20.0.101/24") from error
    if "/" not in value:
        raise InvalidInput(f"{field} lacks the prefix length", found=repr(value), expected=f"such as {value}/24")
    widest = found.network.prefixlen >= found.network.max_prefixlen - 1
    if not widest and (found.ip == found.network.network_address or _is_broadcast(found)):
        raise InvalidInput(f"{field} is the address of a whole network", found=repr(value), expected="a host's address")
    return found.with_prefixlen


def _is_broadcast(found: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> bool:
    """Whether it is the broadcast address of its network (there is none in IPv6)."""
    return found.version == 4 and found.ip == found.network.broadcast_address


def _check_range(value: int | None, low: int, high: int, name: str) -> None:
    """Refuse a number outside of its range."""
    if value is not None and not low <= value <= high:
        raise InvalidInput(f"{name} is out of range", found=str(value), expected=f"{low} to {high}")
