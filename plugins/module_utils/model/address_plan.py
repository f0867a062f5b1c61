# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nouns of the park's address plan: a network with what it has to give, and what a name was given in it."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import is_host_name, mac_address

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Interface: TypeAlias = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Subnet: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_KEYS = ("name", "subnets", "ranges", "reserved", "gateway", "dns", "domain", "dhcp")


@dataclass(frozen=True)
class Span:
    """Addresses that follow each other.

    Attributes:
        version: 4 or 6.
        first: the first address, as a number.
        last: the last one, which belongs to it.
    """

    version: int
    first: int
    last: int

    @property
    def size(self) -> int:
        """How many they are; too many for ``len`` in IPv6."""
        return self.last - self.first + 1

    def at(self, place: int) -> Address:
        """The address at a place, from 0."""
        return _address(self.version, self.first + place)

    def __contains__(self, address: Address) -> bool:
        return address.version == self.version and self.first <= int(address) <= self.last

    def __str__(self) -> str:
        first, last = (_address(self.version, number) for number in (self.first, self.last))
        return str(first) if first == last else f"{first}-{last}"

    def without(self, other: Span) -> tuple[Span, ...]:
        """What is left of it before and behind another."""
        if other.version != self.version or other.last < self.first or self.last < other.first:
            return (self,)
        parts = (
            Span(self.version, self.first, other.first - 1),
            Span(self.version, other.last + 1, self.last),
        )
        return tuple(part for part in parts if part.first <= part.last)


@dataclass(frozen=True)
class PlannedNetwork:
    """A network whose addresses are given out by the plan.

    Attributes:
        name: the label by which bridges and guests name it.
        subnets: at most one of IPv4 and one of IPv6.
        spans: what may be given out, without what is reserved.
        gateway: the next hop of the guests' default route.
        dns: the name servers that guests are told.
        domain: what follows a guest's name there.
        dhcp: guests ask for their address, nothing is written into their disks.
    """

    name: str
    subnets: tuple[Subnet, ...]
    spans: tuple[Span, ...]
    gateway: Address | None = None
    dns: tuple[Address, ...] = ()
    domain: str = ""
    dhcp: bool = False

    def subnet_of(self, address: Address) -> Subnet | None:
        """The subnet that an address is in."""
        return next((subnet for subnet in self.subnets if address in subnet), None)

    def spans_of(self, version: int) -> tuple[Span, ...]:
        """What may be given out of one kind of addresses."""
        return tuple(span for span in self.spans if span.version == version)

    def interface(self, text: str, *, field: str) -> Interface:
        """An address in this network; without a prefix length it has the subnet's.

        Raises:
            InvalidInput: it is none, is not in this network, or has another prefix length.
        """
        try:
            found = ipaddress.ip_interface(text)
        except ValueError as error:
            raise InvalidInput(f"{field} is no address", found=repr(text), expected="such as 10.10.0.11/24") from error
        subnet = self.subnet_of(found.ip)
        if subnet is None:
            raise InvalidInput(
                f"{field} is outside of the network {self.name}",
                found=text,
                expected="an address of " + " or ".join(map(str, self.subnets)),
            )
        if "/" in text and found.network != subnet:
            raise InvalidInput(
                f"{field} has another prefix length than the network {self.name}",
                found=text,
                expected=f"{found.ip}/{subnet.prefixlen}",
            )
        if found.ip in _ends(subnet):
            raise InvalidInput(f"{field} is the address of a whole network", found=text, expected="a host's address")
        return ipaddress.ip_interface(f"{found.ip}/{subnet.prefixlen}")


@dataclass(frozen=True)
class Allotment:
    """What a name has in a network.

    Attributes:
        addresses: with prefix length.
        mac: of its interface; None for a Xen host, whose bridges have their own.
    """

    addresses: tuple[Interface, ...]
    mac: str | None = None


# For each name its networks, the first of them first.
Allotted: TypeAlias = Mapping[str, Mapping[str, Allotment]]


def planned_networks(entries: Iterable[Mapping[str, Any]]) -> dict[str, PlannedNetwork]:
    """The networks of ``network_plan``, by name.

    Raises:
        InvalidInput: one makes no sense, two have one name, or two overlap.
    """
    networks: dict[str, PlannedNetwork] = {}
    for entry in entries:
        network = _network(entry)
        if network.name in networks:
            raise InvalidInput(f"network_plan has the network {network.name} twice")
        for other in networks.values():
            for one in network.subnets:
                for two in other.subnets:
                    if one.version == two.version and one.overlaps(two):
                        raise InvalidInput(
                            f"in network_plan the networks {other.name} and {network.name} overlap",
                            found=f"{two} and {one}",
                            remedy="An address has to be of one network only.",
                        )
        networks[network.name] = network
    return networks


def read_allotted(value: Any) -> dict[str, dict[str, Allotment]]:
    """What ``network_allotted`` says.

    Raises:
        InvalidInput: it has another form than the one it is written in.
    """
    try:
        return {
            str(name): {
                str(network): Allotment(
                    tuple(ipaddress.ip_interface(text) for text in entry["addresses"]),
                    mac_address(entry["mac"]) if entry.get("mac") else None,
                )
                for network, entry in networks.items()
            }
            for name, networks in (value or {}).items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidInput(
            "network_allotted is not what the playbook xenfleet.xen.addresses writes",
            found=f"{type(error).__name__}: {error}",
            expected="NAME: {NETWORK: {addresses: [ADDRESS/PREFIX], mac: MAC}}",
            remedy="Take the file back as it was, from the repository.",
        ) from error


def _network(entry: Mapping[str, Any]) -> PlannedNetwork:
    name = str(entry.get("name", ""))
    if not _LABEL.fullmatch(name):
        raise InvalidInput(
            "network_plan has a network whose name is not usable as a label",
            found=repr(name),
            expected="letters, digits and '._-', at most 63",
        )
    where = f"network_plan[{name}]"
    unknown = [str(key) for key in entry if key not in _KEYS]
    if unknown:
        raise InvalidInput(f"{where} has unknown keys", found=", ".join(unknown), expected=", ".join(_KEYS))
    subnets = tuple(_subnet(text, f"{where}.subnets") for text in _listed(entry.get("subnets")))
    if sorted(subnet.version for subnet in subnets) not in ([4], [6], [4, 6]):
        raise InvalidInput(
            f"{where}.subnets has to name one subnet of IPv4, one of IPv6, or one of each",
            found=", ".join(map(str, subnets)) or "none",
        )
    gateway = _inside(entry["gateway"], subnets, f"{where}.gateway") if entry.get("gateway") else None
    dns = tuple(_ip(text, f"{where}.dns") for text in _listed(entry.get("dns")))
    taken = [_span(text, subnets, f"{where}.reserved") for text in _listed(entry.get("reserved"))]
    own = (*(end for subnet in subnets for end in _ends(subnet)), *dns, *((gateway,) if gateway else ()))
    taken += [Span(one.version, int(one), int(one)) for one in own]
    domain = str(entry.get("domain") or name)
    if not is_host_name(domain):
        raise InvalidInput(
            f"{where}.domain is no domain", found=repr(domain), expected="such as services.example.org",
            remedy="Without it the network's name is taken, so name a domain where that is none.",
        )  # fmt: skip
    dhcp = entry.get("dhcp", False)
    if not isinstance(dhcp, bool):
        raise InvalidInput(f"{where}.dhcp is neither true nor false", found=repr(dhcp))
    if dhcp and [subnet.version for subnet in subnets] != [4]:
        raise InvalidInput(
            f"{where}.dhcp is for a network of IPv4 alone", found=", ".join(map(str, subnets)),
            remedy="Without it the addresses are written into the guests' disks.",
        )  # fmt: skip
    return PlannedNetwork(name, subnets, _spans(entry, subnets, taken, where), gateway, dns, domain, dhcp)


def _spans(entry: Mapping[str, Any], subnets: Iterable[Subnet], taken: Iterable[Span], where: str) -> tuple[Span, ...]:
    """What may be given out: the ranges, or else all of the subnets, without what is taken."""
    subnets = tuple(subnets)
    texts = _listed(entry.get("ranges")) or [str(subnet) for subnet in subnets]
    spans = [_span(text, subnets, f"{where}.ranges") for text in texts]
    for index, one in enumerate(spans):
        for two in spans[:index]:
            if one.without(two) != (one,):
                raise InvalidInput(f"two of {where}.ranges overlap", found=f"{two} and {one}")
    for gone in taken:
        spans = [part for span in spans for part in span.without(gone)]
    return tuple(sorted(spans, key=lambda span: (span.version, span.first)))


def _span(text: str, subnets: Iterable[Subnet], field: str) -> Span:
    """``FIRST-LAST``, one address, or a part of the subnet as ``ADDRESS/PREFIX``."""
    if "/" in text:
        part = _subnet(text, field)
        first, last = part[0], part[-1]
    else:
        begin, _dash, end = text.partition("-")
        first, last = _ip(begin.strip(), field), _ip((end or begin).strip(), field)
    inside = any(first in subnet and last in subnet for subnet in subnets)
    if not inside or first.version != last.version or int(first) > int(last):
        raise InvalidInput(
            f"{field} has what is no range of the network",
            found=text,
            expected="FIRST-LAST within " + " or ".join(map(str, subnets)),
        )
    return Span(first.version, int(first), int(last))


def _inside(text: Any, subnets: Iterable[Subnet], field: str) -> Address:
    found = _ip(text, field)
    if not any(found in subnet for subnet in subnets):
        raise InvalidInput(
            f"{field} is outside of the network", found=str(text), expected="of " + " or ".join(map(str, subnets))
        )
    return found


def _subnet(text: str, field: str) -> Subnet:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise InvalidInput(
            f"{field} has what is no network", found=repr(text), expected="such as 10.10.0.0/24"
        ) from error


def _ip(text: Any, field: str) -> Address:
    try:
        return ipaddress.ip_address(str(text))
    except ValueError as error:
        raise InvalidInput(f"{field} has what is no address", found=repr(text), expected="such as 10.10.0.1") from error


def _address(version: int, number: int) -> Address:
    return ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number)


def _ends(subnet: Subnet) -> tuple[Address, ...]:
    """The addresses that no machine can have: the network's own, and in IPv4 that of all its machines."""
    if subnet.prefixlen >= subnet.max_prefixlen - 1:
        return ()
    return (subnet[0], subnet[-1]) if subnet.version == 4 else (subnet[0],)


def _listed(value: Any) -> list[str]:
    if not value:
        return []
    return [str(entry) for entry in value] if isinstance(value, list | tuple) else [str(value)]
