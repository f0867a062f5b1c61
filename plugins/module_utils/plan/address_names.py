# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of the address plan: lines for /etc/hosts, a configuration of dnsmasq. Pure text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.address_plan import (
    Address,
    Allotted,
    Interface,
    PlannedNetwork,
)

_LEASE_TIME = "12h"


@dataclass(frozen=True)
class Served:
    """A network to which this host gives addresses.

    Attributes:
        network: the network.
        bridge: the host's bridge of it.
        addresses: the host's own addresses there.
    """

    network: PlannedNetwork
    bridge: str
    addresses: tuple[Interface, ...]

    def __post_init__(self) -> None:
        if not any(one.version == 4 and self.network.subnet_of(one.ip) for one in self.addresses):
            raise InvalidInput(
                f"the bridge {self.bridge} has no IPv4 address of the network {self.network.name}, so this host cannot serve it",
                found=", ".join(map(str, self.addresses)) or "none",
                expected="one of " + " or ".join(map(str, self.network.subnets)),
                remedy="Give the bridge one in network_bridges, or take the network out of network_dhcp.",
            )


def names(networks: Mapping[str, PlannedNetwork], allotted: Allotted) -> list[tuple[Address, tuple[str, ...]]]:
    """Each address with its names, the first of them first.

    In each network a name is followed by the network's domain. A guest's name alone is its address in the first of its
    networks; that of a Xen host is left to whoever names the hosts.
    """
    found = []
    for name, entries in allotted.items():
        label = name.split(".")[0]
        alone = {"." in name and name: None, label: None}
        for network, entry in entries.items():
            if network not in networks:
                continue
            full = f"{label}.{networks[network].domain}"
            short = [one for one in alone if one] if entry.mac is not None else []
            alone = {}
            for address in entry.addresses:
                found.append((address.ip, tuple(dict.fromkeys((full, *short)))))
    return found


def hosts_lines(networks: Mapping[str, PlannedNetwork], allotted: Allotted) -> list[str]:
    """The lines for /etc/hosts."""
    return [f"{address} {' '.join(texts)}" for address, texts in names(networks, allotted)]


def dnsmasq(networks: Mapping[str, PlannedNetwork], allotted: Allotted, served: Iterable[Served]) -> str:
    """The configuration of a dnsmasq that serves some networks, and knows the names of all.

    It gives addresses to those only that the plan knows.
    """
    served = list(served)
    lines = [
        "# DHCP and names for the guests, from the park's address plan. Written by the role xenfleet.xen.network.",
        "bind-dynamic",
        *(f"interface={one.bridge}" for one in served),
        # Else it listens on the loopback interface too, where the host may have another name server.
        "except-interface=lo",
        # There the host's own name is 127.0.1.1.
        "no-hosts",
        "domain-needed",
        "dhcp-authoritative",
        "dhcp-ignore-names",
    ]
    for one in served:
        lines += ["", f"# {one.network.name}", *_dhcp(one, allotted)]
    known = names(networks, allotted)
    lines += ["", "# names", *(f"host-record={','.join((*texts, str(address)))}" for address, texts in known)]
    # What else is asked of these names, such as an IPv6 address that they have not, is nobody else's to answer.
    ours = dict.fromkeys(text for _address, texts in known for text in texts if "." in text)
    return "\n".join([*lines, *(f"local=/{text}/" for text in ours), ""])


def _dhcp(served: Served, allotted: Allotted) -> list[str]:
    network = served.network
    (subnet,) = (subnet for subnet in network.subnets if subnet.version == 4)
    tag = f"tag:{network.name}"
    # An option without a value is not sent; by default the host would call itself the router.
    gateway = f",{network.gateway}" if network.gateway is not None and network.gateway.version == 4 else ""
    servers = "".join(f",{server}" for server in network.dns if server.version == 4)
    entries = [networks[network.name] for networks in allotted.values() if network.name in networks]
    return [
        # 'static': to nobody but those below.
        f"dhcp-range=set:{network.name},{subnet.network_address},static,{subnet.netmask},{_LEASE_TIME}",
        f"dhcp-option={tag},option:router{gateway}",
        *([f"dhcp-option={tag},option:dns-server{servers}"] if servers else []),
        f"dhcp-option={tag},option:domain-name,{network.domain}",
        *(
            f"dhcp-host={entry.mac},{one.ip}"
            for entry in entries
            if entry.mac is not None
            for one in entry.addresses[:1]
            if one.version == 4
        ),
    ]
