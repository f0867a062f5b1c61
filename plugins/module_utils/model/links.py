# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network interfaces that a host's kernel has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_GUEST_PORT = re.compile(r"(?:vif|tap|vnet|veth)[\w.-]*", re.ASCII)


@dataclass(frozen=True)
class BondState:
    """What the kernel says of a running bond."""

    mode: str
    lacp_rate: str | None = None
    miimon_ms: int | None = None
    primary: str | None = None
    hash_policy: str | None = None
    partner: str | None = None
    ports: int | None = None
    active: str | None = None


@dataclass(frozen=True)
class Link:
    """One interface as the kernel has it.

    Attributes:
        name: its name.
        kind: ``bond``, ``bridge``, ``vlan`` and so on; '' for hardware.
        up: set up by the administrator.
        carrier: a partner is heard at the other end.
        mtu: largest packet.
        mac: its address now.
        permanent_mac: the address of the hardware, which a bond's member keeps for itself.
        master: the bond or bridge that it is a member of.
        parent: a VLAN's lower interface.
        vlan: a VLAN's number.
        addresses: the IP addresses with prefix length, without link-local IPv6 ones.
        leased: those IPv4 addresses among them that have a time to live: a DHCP server's.
        gateway: the next hop of a default route through it.
        bond: a bond's state.
        stp: whether a bridge takes part in the spanning tree.
        forward_delay: a bridge's delay, in hundredths of a second.
        ageing: how long a bridge remembers, in hundredths of a second; None where that cannot be told.
        filters: whether a bridge looks at VLANs.
        vlans: what a port of such a bridge carries with tags.
        loopback: whether it is the loopback interface.
    """

    name: str
    kind: str = ""
    up: bool = True
    carrier: bool = True
    mtu: int = 1500
    mac: str | None = None
    permanent_mac: str | None = None
    master: str | None = None
    parent: str | None = None
    vlan: int | None = None
    addresses: tuple[str, ...] = ()
    leased: tuple[str, ...] = ()
    gateway: str | None = None
    bond: BondState | None = None
    stp: bool = False
    forward_delay: int = 0
    ageing: int | None = None
    filters: bool = False
    vlans: tuple[int, ...] = ()
    loopback: bool = False

    @property
    def is_guests(self) -> bool:
        """Whether its name is one that interfaces of guests have."""
        return bool(_GUEST_PORT.fullmatch(self.name))


@dataclass(frozen=True)
class Links:
    """All interfaces of a host, and which of them carry the connection that manages it.

    Attributes:
        by_name: the interfaces.
        management: interface to the reason why touching it can cut the connection.
        session: the address of this host that the SSH session came to.
    """

    by_name: Mapping[str, Link] = field(default_factory=dict)
    management: Mapping[str, str] = field(default_factory=dict)
    session: str | None = None

    def get(self, name: str | None) -> Link | None:
        """The interface of that name."""
        return self.by_name.get(name) if name is not None else None

    def kind(self, name: str) -> str | None:
        """An interface's kind; None where there is none of the name."""
        link = self.get(name)
        return None if link is None else link.kind

    def ports(self, name: str) -> tuple[Link, ...]:
        """The members of a bond or the ports of a bridge, by name."""
        return tuple(
            sorted((link for link in self.by_name.values() if link.master == name), key=lambda link: link.name)
        )

    def guest_ports(self, bridge: str, uplinks: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """The ports of a bridge that are no way outside of ours: guests' interfaces above all."""
        return tuple(
            port.name
            for port in self.ports(bridge)
            if port.name not in uplinks and (port.is_guests or port.kind not in ("", "vlan", "bond"))
        )

    def above(self, name: str) -> frozenset[str]:
        """Everything that lies on an interface: its VLANs, its bond or bridge, and what lies on these."""
        found: set[str] = set()
        todo = [name]
        while todo:
            lower = todo.pop()
            link = self.get(lower)
            upper = [other.name for other in self.by_name.values() if other.parent == lower]
            if link is not None and link.master is not None:
                upper.append(link.master)
            for one in upper:
                if one not in found:
                    found.add(one)
                    todo.append(one)
        return frozenset(found)

    def below(self, name: str) -> frozenset[str]:
        """Everything that an interface lies on: a VLAN's lower one, members, ports that are no guest's."""
        found: set[str] = set()
        todo = [name]
        while todo:
            link = self.get(todo.pop())
            if link is None:
                continue
            lower = [port.name for port in self.ports(link.name) if not port.is_guests]
            if link.parent is not None:
                lower.append(link.parent)
            for one in lower:
                if one not in found:
                    found.add(one)
                    todo.append(one)
        return frozenset(found)
