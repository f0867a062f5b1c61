# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's ifupdown: a host's network as a file of its, and back; implements ``ports.network.NetworkBackend``.

One file, with a stanza for each bond and each bridge, lower ones first. Before each stands what is declared, as JSON; the stanza
itself is commands of ``ip`` that do nothing where all is as it should be. So the same stanzas make the network at a start of the
host and change the running one (``ifup --force``), and neither needs more than iproute2, nftables where guests are behind the host's
address (their rules are a file of their own), and dhcpcd where a DHCP server gives the host's address.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import FileChange, Replacement
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import (
    FORWARDING,
    Bond,
    Bridge,
    HostNetwork,
    make_bond,
    make_bridge,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Links
from ansible_collections.xenfleet.xen.plugins.module_utils.model.vlans import ranges
from ansible_collections.xenfleet.xen.plugins.module_utils.network import clients, interfaces, masquerade
from ansible_collections.xenfleet.xen.plugins.module_utils.network.config_files import text_of, write_all
from ansible_collections.xenfleet.xen.plugins.module_utils.network.kernel import bridge_options
from ansible_collections.xenfleet.xen.plugins.module_utils.network.others import ifupdown_replacement, network_manager
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands

PATH = "/etc/network/interfaces.d/xenfleet"
_HEAD = """\
# Written by Ansible (xenfleet.xen.xen_bridge), which undoes other changes when it runs again.
# ifup brings these to what is said here; ifdown leaves them running, for guests are plugged into them.
"""
_DECLARED = re.compile(r"# (bond|bridge) (\{.*\})")
_COMMAND_SECONDS = 60
_OR_NOT = " || true"


class Ifupdown:
    """The files of ours for ifupdown.

    Args:
        commands: how to run programs.
        root: the top of the host's file system.
    """

    def __init__(self, commands: Commands, root: Path = Path("/")) -> None:
        self._commands = commands
        self._root = root

    def stored(self) -> HostNetwork:
        """The bonds and bridges in the file of ours; what is damaged is left out, and so written anew when declared."""
        return parse(text_of(self._root, PATH) or "")

    def edited(self, declared: HostNetwork) -> tuple[str, ...]:
        """The files of ours, when they have what is declared and their text is not what we write for what they say."""
        stored = self.stored()
        if not stored.names() & declared.names():
            return ()
        return tuple(path for path, text in _files(stored).items() if text != text_of(self._root, path))

    def unsupported(self, declared: HostNetwork) -> tuple[str, ...]:
        """It asks for no addresses without dhcpcd, and translates none without nftables."""
        leased = [one.name for one in declared.bridges if one.dhcp] if not self._commands.has(clients.PROGRAM) else []
        hidden = [one.name for one in declared.bridges if one.nat] if not self._commands.has("nft") else []
        return (
            *(f"bridges[{name}].dhcp needs the package {clients.PACKAGE} on the host" for name in leased),
            *(f"bridges[{name}].nat needs the package nftables on the host" for name in hidden),
        )

    def claims(self, names: Collection[str], links: Links, without: Collection[str] = ()) -> dict[str, str]:
        """Interfaces that another file of ifupdown names, or that NetworkManager has."""
        known = interfaces.interfaces(self._root, {*without, PATH}, names)
        return {
            **{name: f"ifupdown ({known[name]})" for name in names if name in known},
            **network_manager(self._commands, names),
        }

    def replacements(self, paths: Iterable[str], names: Collection[str], links: Links) -> tuple[Replacement, ...]:
        """What becomes of other files of ifupdown that give way; what it does not read says nothing."""
        read = set(interfaces.files(self._root)) - {PATH}
        found = [
            ifupdown_replacement(path, text_of(self._root, path) or "", names)
            for path in dict.fromkeys(paths)
            if path in read
        ]
        return tuple(one for one in found if one is not None)

    def changes(
        self,
        before: HostNetwork,
        after: HostNetwork,
        named: Collection[str],
        create: Collection[str],
    ) -> dict[str, FileChange]:
        """What differs in the files of ours."""
        changes = {path: FileChange(text_of(self._root, path), text) for path, text in _files(after).items()}
        return {path: change for path, change in changes.items() if change.before != change.after}

    def write(self, changes: Mapping[str, FileChange]) -> None:
        """Change files, all of them or none."""
        write_all(self._root, changes)

    def reload(self, names: Collection[str]) -> None:
        """Bring interfaces to what the files say, also those that went out of a bond or bridge and that another file has."""
        network = self.stored()
        others = sorted(set(names) & interfaces.interfaces(self._root, {PATH}, names).keys() - network.names())
        asking = {*others, *(bridge.name for bridge in network.bridges if bridge.dhcp)}
        clients.end(self._commands, self._root, set(names) - asking)
        if text_of(self._root, masquerade.PATH) is not None:
            self._commands.run(masquerade.LOAD, timeout=_COMMAND_SECONDS)
        elif self._commands.has("nft"):
            self._commands.run(masquerade.UNLOAD, check=False, timeout=_COMMAND_SECONDS)
        for bond in network.bonds:
            if bond.name in names:
                self._bring(bond.name)
        for bridge in network.bridges:
            if bridge.name in names or bridge.uplink in names:
                self._bring(bridge.name)
        for name in others:
            self._bring(name)

    def reconfigure(self, names: Collection[str]) -> None:
        """Bring up again what lies on some interfaces."""
        network = self.stored()
        for bond in network.bonds:
            if {bond.name, *bond.members} & set(names):
                self._bring(bond.name, check=False)
        for bridge in network.bridges:
            if {bridge.name, bridge.over, bridge.uplink} & set(names):
                self._bring(bridge.name, check=False)

    def _bring(self, name: str, *, check: bool = True) -> None:
        """Do what the stanza of an interface says."""
        self._commands.run(["ifup", "--force", name], check=check, timeout=_COMMAND_SECONDS)


def _files(network: HostNetwork) -> dict[str, str | None]:
    """What each file of ours holds for a network, by path; None where it is not there."""
    return {PATH: render(network), masquerade.PATH: masquerade.render(network)}


def render(network: HostNetwork) -> str | None:
    """The stanzas for a network; None where there is nothing to say."""
    stanzas = [_stanza("bond", bond, _bond_lines(bond)) for bond in network.bonds]
    stanzas += [_stanza("bridge", bridge, _bridge_lines(bridge, network)) for bridge in network.bridges]
    return "\n".join([_HEAD, *stanzas]) if stanzas else None


def parse(text: str) -> HostNetwork:
    """The network that a file of ours says; a bond or bridge that it does not say whole is left out."""
    bonds: list[Bond] = []
    bridges: list[Bridge] = []
    for kind, words in _DECLARED.findall(text):
        try:
            said = json.loads(words)
            for name in ("members", "addresses", "trunk"):
                if name in said:
                    said[name] = tuple(said[name])
            if kind == "bond":
                bonds.append(make_bond(**said))
            else:
                bridges.append(make_bridge(**said))
        except (InvalidInput, TypeError, ValueError):
            continue
    return HostNetwork().with_(HostNetwork(tuple(bonds), tuple(bridges)))


def _stanza(kind: str, item: Bond | Bridge, lines: Iterable[str]) -> str:
    """One bond or bridge."""
    said = json.dumps({name: value for name, value in asdict(item).items() if value is not None})
    body = "".join(f"    {line}\n" for line in lines)
    return f"# {kind} {said}\nauto {item.name}\niface {item.name} inet manual\n{body}"


def _bond_lines(bond: Bond) -> list[str]:
    """What makes a bond; a member that is missing does not keep it from coming up."""
    options: dict[str, str | int | None] = {
        "mode": bond.mode.value,
        "miimon": bond.miimon_ms,
        "lacp_rate": bond.lacp_rate.value if bond.lacp_rate else None,
        "xmit_hash_policy": bond.hash_policy.value if bond.hash_policy else None,
    }
    words = "".join(f" {name} {value}" for name, value in options.items() if value is not None)
    lines = [f"pre-up {_unless(bond.name)}ip link add name {bond.name}{_mac(bond.mac)} type bond{words}"]
    lines += _silent(bond.name)
    for member in bond.members:
        unless_in = _unless(f"{member}/upper_{bond.name}")
        lines += [
            f"pre-up {unless_in}ip link set dev {member} {what}{_OR_NOT}" for what in ("down", f"master {bond.name}")
        ]
        lines.append(f"up ip link set dev {member} up{_OR_NOT}")
    if bond.primary:
        lines.append(f"up ip link set dev {bond.name} type bond primary {bond.primary}{_OR_NOT}")
    return [*lines, _up(bond.name, bond.mtu)]


def _bridge_lines(bridge: Bridge, network: HostNetwork) -> list[str]:
    """What makes a bridge and its way outside; that this is missing does not keep it from coming up."""
    name, uplink = bridge.name, bridge.uplink
    lines: list[str] = []
    if bridge.over is not None and network.bond(bridge.over) is None:
        lines.append(_up(bridge.over, network.lower_mtu(bridge.over)) + _OR_NOT)
    if bridge.vlan is not None:
        made = f"ip link add link {bridge.over} name {uplink} type vlan id {bridge.vlan}"
        lines += [f"pre-up {_unless(str(uplink))}{made}{_OR_NOT}", *_silent(str(uplink))]
    made = f"ip link add name {name}{_mac(bridge.mac)} type bridge {' '.join(bridge_options(bridge))}"
    ipv6 = bool(bridge.accept_ra) or any(":" in one for one in bridge.addresses or ())
    lines += [f"pre-up {_unless(name)}{made}", *_silent(name, ipv6=ipv6, accept_ra=bool(bridge.accept_ra))]
    if uplink is not None:
        lines.append(f"pre-up ip link set dev {uplink} master {name}{_OR_NOT}")
        lines += [f"pre-up bridge vlan add dev {uplink} vid {one}{_OR_NOT}" for one in ranges(bridge.trunk or ())]
    if bridge.vlan is not None:
        lines.append(_up(str(uplink), bridge.mtu) + _OR_NOT)
    lines.append(_up(name, bridge.mtu))
    if bridge.dhcp:
        lines.append(f"up {clients.asking(name)}{_OR_NOT}")
    lines += [f"up ip addr replace {one}{_broadcast(one)} dev {name}" for one in bridge.addresses or ()]
    if bridge.gateway:
        family = 6 if ":" in bridge.gateway else 4
        lines.append(f"up ip -{family} route replace default via {bridge.gateway} dev {name}")
    forwarding = {*bridge.forwarding, *((FORWARDING[4],) if bridge.nat else ())}
    lines += [f"up sysctl -q -w {one}=1" for one in sorted(forwarding)]
    if bridge.nat:
        lines.append(f"up {' '.join(masquerade.LOAD)}")
    return lines


def _unless(there: str) -> str:
    """Only what is not there is made."""
    return f"test -e /sys/class/net/{there} || "


def _silent(name: str, *, ipv6: bool = False, accept_ra: bool = False) -> list[str]:
    """No IPv6 address that nobody has asked for. Routers are heard even where the host is one (2)."""
    return [
        f"pre-up ip link set dev {name} addrgenmode {'eui64' if ipv6 else 'none'}{_OR_NOT}",
        f"pre-up echo {2 if accept_ra else 0} > /proc/sys/net/ipv6/conf/{name}/accept_ra{_OR_NOT}",
    ]


def _up(name: str, mtu: int | None) -> str:
    """Set an interface up, and its largest packet."""
    return f"up ip link set dev {name}{f' mtu {mtu}' if mtu is not None else ''} up"


def _mac(mac: str | None) -> str:
    """A chosen MAC address."""
    return f" address {mac}" if mac is not None else ""


def _broadcast(address: str) -> str:
    """IPv4 networks of more than two hosts have a broadcast address."""
    found = ipaddress.ip_interface(address)
    return " broadcast +" if found.version == 4 and found.network.prefixlen < 31 else ""
