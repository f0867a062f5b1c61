# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd-networkd: a host's network as its files, and back; implements ``ports.network.NetworkBackend``.

One ``.netdev`` file for each bond, VLAN and bridge, one ``.network`` file for each of them and for each member, and one for
``sysctl`` where a bridge is routed. No file matches by a pattern, so that interfaces of guests (``vif*``) are never touched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import FileChange, Replacement
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import (
    Bond,
    Bridge,
    HostNetwork,
    make_bond,
    make_bridge,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Links
from ansible_collections.xenfleet.xen.plugins.module_utils.model.vlans import ranges
from ansible_collections.xenfleet.xen.plugins.module_utils.network import clients, fall_back, interfaces
from ansible_collections.xenfleet.xen.plugins.module_utils.network.config_files import text_of, write_all
from ansible_collections.xenfleet.xen.plugins.module_utils.network.others import OtherManagers
from ansible_collections.xenfleet.xen.plugins.module_utils.network.sections import Lines, lines_of, value_of, values_of
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands

PREFIX = "40-xenfleet-"
FOLDER = "etc/systemd/network"
# Sections whose names begin so are read by nobody but us.
NOTES = "X-Xenfleet"
# systemd-networkd of today lets single interfaces forward, and that of yesterday all: the kernel is told here.
SYSCTL = "/etc/sysctl.d/40-xenfleet-network.conf"
_HEAD = "# Written by Ansible (xenfleet.xen.xen_bridge), which undoes other changes when it runs again.\n"
_COMMAND_SECONDS = 60


class Networkd:
    """The files of systemd-networkd.

    Args:
        commands: how to run programs.
        root: the top of the host's file system.
    """

    def __init__(self, commands: Commands, root: Path = Path("/")) -> None:
        self._commands = commands
        self._root = root
        self._folder = root / FOLDER
        self._others = OtherManagers(commands, root, PREFIX)
        self._unhidden: set[tuple[str, str]] = set()

    def stored(self) -> HostNetwork:
        """The bonds and bridges in the files of ours; what is damaged is left out, and so written anew when declared."""
        return parse(self._files())

    def edited(self, declared: HostNetwork) -> tuple[str, ...]:
        """Files of ours, concerning what is declared, whose text is not what we write for what they say."""
        files = self._files()
        stored = parse(files)
        known = HostNetwork(
            tuple(bond for bond in stored.bonds if declared.bond(bond.name)),
            tuple(bridge for bridge in stored.bridges if declared.bridge(bridge.name)),
        )
        wanted = render(stored)
        return tuple(sorted(name for name in files_of(known) if files.get(name) != wanted[name]))

    def unsupported(self, declared: HostNetwork) -> tuple[str, ...]:
        """It can keep all that can be declared."""
        return ()

    def claims(self, names: Collection[str], links: Links, without: Collection[str] = ()) -> dict[str, str]:
        """Interfaces with an earlier ``.network`` file, a ``.netdev`` file of somebody else, or another manager."""
        return self._others.claims(names, links, without)

    def replacements(self, paths: Iterable[str], names: Collection[str], links: Links) -> tuple[Replacement, ...]:
        """What becomes of files of others that give way."""
        return self._others.replacements(paths, names, links)

    def changes(
        self, before: HostNetwork, after: HostNetwork, named: Collection[str], create: Collection[str]
    ) -> dict[str, FileChange]:
        """What differs between two networks, and in the files of what is named, by path.

        The files of interfaces to make are there even when they are the same: systemd-networkd makes an interface that
        somebody has removed only when its file is newer than what it has read.
        """
        old, new, found = render(before), render(after), self._files()
        chosen = HostNetwork(
            tuple(bond for bond in after.bonds if bond.name in named),
            tuple(bridge for bridge in after.bridges if bridge.name in named),
        )
        concerned = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)} | files_of(chosen)
        again = files_of_interfaces(create, after)
        changes = {
            f"/{FOLDER}/{name}": FileChange(found.get(name), new.get(name))
            for name in sorted(concerned | again)
            if name in again or found.get(name) != new.get(name)
        }
        forwarding = FileChange(text_of(self._root, SYSCTL), render_sysctl(after))
        return changes if forwarding.before == forwarding.after else {**changes, SYSCTL: forwarding}

    def write(self, changes: Mapping[str, FileChange]) -> None:
        """Change files, all of them or none."""
        write_all(self._root, changes)
        for change in changes.values():
            self._unhidden |= fall_back.hidden(change.before or "") - fall_back.hidden(change.after or "")

    def reload(self, names: Collection[str]) -> None:
        """Let systemd-networkd read its files again; it sees by itself what has changed. ifupdown's clients it does not know."""
        others = interfaces.interfaces(self._root) if self._commands.has("ifup") else {}
        clients.end(self._commands, self._root, set(names) - others.keys())
        for name, address in sorted(self._unhidden):
            self._commands.run(["ip", "addr", "del", address, "dev", name], check=False, timeout=_COMMAND_SECONDS)
        self._unhidden.clear()
        self._commands.run(["networkctl", "reload"], timeout=_COMMAND_SECONDS)
        if text_of(self._root, SYSCTL) is not None:
            self._commands.run(
                ["sysctl", "--quiet", "--load", str(self._root / SYSCTL.lstrip("/"))], timeout=_COMMAND_SECONDS
            )

    def reconfigure(self, names: Collection[str]) -> None:
        """Let systemd-networkd look at some interfaces again; those that are not there are passed over."""
        for name in sorted(names):
            self._commands.run(["networkctl", "reconfigure", name], check=False, timeout=_COMMAND_SECONDS)

    def _files(self) -> dict[str, str]:
        """The files of ours."""
        return {
            file.name: file.read_text(encoding="utf-8", errors="surrogateescape")
            for file in sorted(self._folder.glob(f"{PREFIX}*"))
            if file.suffix in (".netdev", ".network") and file.is_file()
        }


def render(network: HostNetwork) -> dict[str, str]:
    """The files for a network, by name."""
    files: dict[str, str] = {}
    lower: dict[str, list[tuple[str, str]]] = {}
    carried: dict[str, tuple[int, ...]] = {}
    for bond in network.bonds:
        files[f"{PREFIX}{bond.name}.netdev"] = _bond_netdev(bond)
        lower.setdefault(bond.name, [])
        for member in bond.members:
            lower[member] = [("Bond", bond.name), *([("PrimarySlave", "yes")] if bond.primary == member else [])]
    for bridge in network.bridges:
        files[f"{PREFIX}{bridge.name}.netdev"] = _bridge_netdev(bridge)
        files[f"{PREFIX}{bridge.name}.network"] = _bridge_network(bridge)
        if bridge.over is None:
            continue
        if bridge.vlan is None:
            lower.setdefault(bridge.over, []).append(("Bridge", bridge.name))
            carried[bridge.over] = bridge.trunk or ()
        else:
            uplink = str(bridge.uplink)
            files[f"{PREFIX}{uplink}.netdev"] = _text(
                {"NetDev": [("Name", uplink), ("Kind", "vlan")], "VLAN": [("Id", str(bridge.vlan))]}
            )
            files[f"{PREFIX}{uplink}.network"] = _port_network(uplink, bridge.mtu, [("Bridge", bridge.name)])
            lower.setdefault(bridge.over, []).append(("VLAN", uplink))
    for name, pairs in lower.items():
        files[f"{PREFIX}{name}.network"] = _port_network(name, network.lower_mtu(name), pairs, carried.get(name, ()))
    return dict(sorted(files.items()))


def render_sysctl(network: HostNetwork) -> str | None:
    """What lets the host forward, where one of its bridges is routed."""
    settings = sorted({one for bridge in network.bridges for one in bridge.forwarding})
    return _HEAD + "".join(f"{one} = 1\n" for one in settings) if settings else None


def files_of(network: HostNetwork) -> set[str]:
    """The names of the files that a network has."""
    return set(render(network))


def files_of_interfaces(names: Collection[str], network: HostNetwork) -> set[str]:
    """The files that make interfaces: their own, and those of what carries them as VLANs."""
    wanted = render(network)
    carriers = {str(bridge.over) for bridge in network.bridges if bridge.vlan is not None and bridge.uplink in names}
    own = {f"{PREFIX}{name}{suffix}" for name in names for suffix in (".netdev", ".network")}
    return (own | {f"{PREFIX}{name}.network" for name in carriers}) & wanted.keys()


def parse(files: Mapping[str, str]) -> HostNetwork:
    """The network that files of ours say; a bond or bridge that they do not say whole is left out."""
    netdevs: dict[str, Lines] = {}
    networks: dict[str, Lines] = {}
    for file, text in files.items():
        lines = lines_of(text)
        for name in (
            values_of(lines, "NetDev", "Name") if file.endswith(".netdev") else values_of(lines, "Match", "Name")
        ):
            (netdevs if file.endswith(".netdev") else networks)[name] = lines
    bonds: list[Bond] = []
    bridges: list[Bridge] = []
    for name, lines in sorted(netdevs.items()):
        kind = value_of(lines, "NetDev", "Kind")
        try:
            if kind == "bond":
                bonds.append(_parse_bond(name, lines, networks))
            elif kind == "bridge":
                bridges.append(_parse_bridge(name, lines, networks, netdevs))
        except (InvalidInput, ValueError):
            continue
    return HostNetwork(tuple(bonds), tuple(bridges))


def _parse_bond(name: str, lines: Lines, networks: Mapping[str, Lines]) -> Bond:
    """One bond."""
    members = [one for one, other in networks.items() if name in values_of(other, "Network", "Bond")]
    primary = next((one for one in members if value_of(networks[one], "Network", "PrimarySlave") == "yes"), None)
    miimon = value_of(lines, "Bond", "MIIMonitorSec")
    return make_bond(
        name,
        value_of(lines, "Bond", "Mode") or "",
        tuple(members),
        lacp_rate=value_of(lines, "Bond", "LACPTransmitRate"),
        miimon_ms=None if miimon is None else int(miimon.removesuffix("ms")),
        primary=primary or "",
        hash_policy=value_of(lines, "Bond", "TransmitHashPolicy"),
        mtu=_number(value_of(networks.get(name, []), "Link", "MTUBytes")),
        mac=value_of(lines, "NetDev", "MACAddress"),
    )


def _parse_bridge(name: str, lines: Lines, networks: Mapping[str, Lines], netdevs: Mapping[str, Lines]) -> Bridge:
    """One bridge, with the way outside that other files give it."""
    port = next((one for one, other in networks.items() if name in values_of(other, "Network", "Bridge")), None)
    vlan = _number(value_of(netdevs.get(port or "", []), "VLAN", "Id"))
    over = port
    if vlan is not None:
        over = next((one for one, other in networks.items() if port in values_of(other, "Network", "VLAN")), None)
        if over is None:
            raise InvalidInput(f"no interface carries the VLAN {port}")
    own = networks.get(name, [])
    return make_bridge(
        name,
        over=over,
        vlan=vlan,
        addresses=tuple(values_of(own, "Network", "Address")),
        gateway=value_of(own, "Network", "Gateway") or "",
        dhcp=value_of(own, "Network", "DHCP") == "ipv4",
        accept_ra=value_of(own, "Network", "IPv6AcceptRA") == "yes",
        nat=value_of(own, "Network", "IPMasquerade") == "ipv4",
        routed=value_of(own, NOTES, "Routed") == "yes",
        trunk=tuple(values_of(networks.get(port or "", []), "BridgeVLAN", "VLAN")),
        stp=value_of(lines, "Bridge", "STP") == "yes",
        ageing=_number(value_of(lines, "Bridge", "AgeingTimeSec")),
        mtu=_number(value_of(own, "Link", "MTUBytes")),
        network=value_of(lines, "NetDev", "Description") or "",
        mac=value_of(lines, "NetDev", "MACAddress"),
    )


def _bond_netdev(bond: Bond) -> str:
    """A bond's own file."""
    options = [("Mode", bond.mode.value)]
    if bond.miimon_ms is not None:
        options.append(("MIIMonitorSec", f"{bond.miimon_ms}ms"))
    if bond.lacp_rate is not None:
        options.append(("LACPTransmitRate", bond.lacp_rate.value))
    if bond.hash_policy is not None:
        options.append(("TransmitHashPolicy", bond.hash_policy.value))
    return _text({"NetDev": [("Name", bond.name), ("Kind", "bond"), *_mac(bond.mac)], "Bond": options})


def _bridge_netdev(bridge: Bridge) -> str:
    """A bridge's own file: no delay without a spanning tree, so that a guest that moves in is heard at once."""
    label = [("Description", bridge.network)] if bridge.network else []
    ageing = [("AgeingTimeSec", str(bridge.ageing))] if bridge.ageing is not None else []
    filtering = [("VLANFiltering", "yes"), ("DefaultPVID", "none")] if bridge.trunk else []
    return _text(
        {
            "NetDev": [("Name", bridge.name), ("Kind", "bridge"), *label, *_mac(bridge.mac)],
            "Bridge": [
                ("STP", "yes" if bridge.stp else "no"),
                ("ForwardDelaySec", str(bridge.forward_delay // 100)),
                *ageing,
                *filtering,
            ],
        }
    )


def _bridge_network(bridge: Bridge) -> str:
    """What a bridge has of its own: the host's addresses."""
    pairs = [("Address", address) for address in bridge.addresses or ()]
    link_local = "ipv6" if bridge.accept_ra or any(":" in address for _key, address in pairs) else "no"
    if bridge.gateway:
        pairs.append(("Gateway", bridge.gateway))
    if bridge.dhcp:
        pairs.append(("DHCP", "ipv4"))
    if bridge.nat:
        pairs.append(("IPMasquerade", "ipv4"))
    # By its hardware address, as a card under another program was known to the server before it came into the bridge.
    more = {"DHCPv4": [("ClientIdentifier", "mac")]} if bridge.dhcp else {}
    if bridge.routed:
        more[NOTES] = [("Routed", "yes")]
    waited_for = bool(bridge.gateway or bridge.dhcp)
    return _network_text(
        bridge.name, bridge.mtu, pairs, link_local, more, waited_for=waited_for, accept_ra=bool(bridge.accept_ra)
    )


def _port_network(name: str, mtu: int | None, pairs: Iterable[tuple[str, str]], vlans: Iterable[int] = ()) -> str:
    """An interface that has no addresses of its own: a member, a bond, a VLAN."""
    carried = _vlans(vlans)
    return _network_text(name, mtu, pairs, "no", {"BridgeVLAN": carried} if carried else {})


def _vlans(vlans: Iterable[int]) -> list[tuple[str, str]]:
    """VLANs, as few lines."""
    return [("VLAN", one) for one in ranges(vlans)]


def _network_text(
    name: str,
    mtu: int | None,
    pairs: Iterable[tuple[str, str]],
    link_local: str,
    more: Mapping[str, Iterable[tuple[str, str]]],
    *,
    waited_for: bool = False,
    accept_ra: bool = False,
) -> str:
    """A ``.network`` file; a link that is dead at a start does not keep the addresses away.

    Nor does it delay what waits for the network, but for the way out: where nothing is waited for, systemd waits in vain.
    """
    return _text(
        {
            "Match": [("Name", name)],
            "Link": [
                *([("MTUBytes", str(mtu))] if mtu is not None else []),
                ("RequiredForOnline", "yes" if waited_for else "no"),
            ],
            "Network": [
                ("LinkLocalAddressing", link_local),
                ("IPv6AcceptRA", "yes" if accept_ra else "no"),
                ("ConfigureWithoutCarrier", "yes"),
                *pairs,
            ],
            **more,
        }
    )


def _mac(mac: str | None) -> list[tuple[str, str]]:
    """The line for a chosen MAC address."""
    return [("MACAddress", mac)] if mac is not None else []


def _text(sections: Mapping[str, Iterable[tuple[str, str]]]) -> str:
    """A file of sections."""
    parts = [
        f"[{section}]\n" + "".join(f"{key}={value}\n" for key, value in pairs) for section, pairs in sections.items()
    ]
    return _HEAD + "\n".join(parts)


def _number(value: str | None) -> int | None:
    """A whole number, if any."""
    return None if value is None else int(value)
