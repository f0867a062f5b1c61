# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""systemd-networkd: a host's network as its files, and back; implements ``ports.network.NetworkBackend``.

One ``.netdev`` file for each bond, VLAN and bridge, one ``.network`` file for each of them and for each member. No file
matches by a pattern, so that interfaces of guests (``vif*``) are never touched.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed, InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.files import write_whole
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import (
    Bond,
    Bridge,
    HostNetwork,
    make_bond,
    make_bridge,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.network import ifupdown
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands

PREFIX = "40-xenfleet-"
FOLDER = "etc/systemd/network"
_FOLDERS = (FOLDER, "run/systemd/network", "usr/local/lib/systemd/network", "usr/lib/systemd/network")
_HEAD = "# Written by Ansible (xenfleet.xen.xen_bridge), which undoes other changes when it runs again.\n"
_COMMAND_SECONDS = 60

Lines = list[tuple[str, str, str]]


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

    def claims(self, names: Collection[str]) -> dict[str, str]:
        """Interfaces with an earlier ``.network`` file, a ``.netdev`` file of somebody else, or another manager."""
        found: dict[str, str] = {}
        if self._commands.has("ifup"):
            known = ifupdown.interfaces(self._root)
            found.update({name: f"ifupdown ({known[name]})" for name in names if name in known})
        found.update(self._network_manager(names))
        for file in self._foreign_files():
            lines = _lines(file.read_text(encoding="utf-8", errors="replace"))
            shown = f"/{file.relative_to(self._root)}"
            for name in names:
                earlier = file.suffix == ".network" and file.name < f"{PREFIX}{name}.network" and _matches(lines, name)
                if earlier or (file.suffix == ".netdev" and name in _values(lines, "NetDev", "Name")):
                    found.setdefault(name, f"the file {shown}")
        return found

    def write(
        self, before: HostNetwork, after: HostNetwork, named: Collection[str], create: Collection[str]
    ) -> Mapping[str, str | None]:
        """Write what differs between two networks, and the files of what is named; returns the former contents.

        The files of interfaces to make are written even when they are the same: systemd-networkd makes an interface that
        somebody has removed only when its file is newer than what it has read.
        """
        old, new, found = render(before), render(after), self._files()
        chosen = HostNetwork(
            tuple(bond for bond in after.bonds if bond.name in named),
            tuple(bridge for bridge in after.bridges if bridge.name in named),
        )
        concerned = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)} | files_of(chosen)
        again = files_of_interfaces(create, after)
        target = {
            name: new.get(name)
            for name in sorted(concerned | again)
            if name in again or found.get(name) != new.get(name)
        }
        former = {name: found.get(name) for name in target}
        try:
            self.restore(target)
        except OSError as error:
            self.restore({name: text for name, text in former.items() if self._files().get(name) != text})
            raise CommandFailed(
                f"the files in /{FOLDER} cannot be written", found=str(error), remedy="Nothing was changed."
            ) from error
        return former

    def restore(self, former: Mapping[str, str | None]) -> None:
        """Give files these contents; None removes a file."""
        if former:
            self._folder.mkdir(parents=True, exist_ok=True)
        for name, text in former.items():
            if text is None:
                (self._folder / name).unlink(missing_ok=True)
            else:
                write_whole(self._folder / name, text.encode(), 0o644)

    def reload(self) -> None:
        """Let systemd-networkd read its files again."""
        self._commands.run(["networkctl", "reload"], timeout=_COMMAND_SECONDS)

    def reconfigure(self, names: Collection[str]) -> None:
        """Let systemd-networkd look at some interfaces again; those that are not there are passed over."""
        for name in sorted(names):
            self._commands.run(["networkctl", "reconfigure", name], check=False, timeout=_COMMAND_SECONDS)

    def _files(self) -> dict[str, str]:
        """The files of ours."""
        return {
            file.name: file.read_text(encoding="utf-8", errors="replace")
            for file in sorted(self._folder.glob(f"{PREFIX}*"))
            if file.suffix in (".netdev", ".network") and file.is_file()
        }

    def _foreign_files(self) -> list[Path]:
        """The files of others, where the same name in an earlier folder hides a later one."""
        found: dict[str, Path] = {}
        for folder in _FOLDERS:
            for file in sorted((self._root / folder).glob("*.net*")):
                if not file.name.startswith(PREFIX) and file.suffix in (".netdev", ".network"):
                    found.setdefault(file.name, file)
        return [file for _name, file in sorted(found.items()) if file.is_file()]

    def _network_manager(self, names: Collection[str]) -> dict[str, str]:
        """Interfaces that NetworkManager manages."""
        if not self._commands.has("nmcli"):
            return {}
        done = self._commands.run(
            ["nmcli", "--terse", "--fields", "DEVICE,STATE", "device"], check=False, timeout=_COMMAND_SECONDS
        )
        states = dict(line.rpartition(":")[::2] for line in done.stdout.splitlines() if ":" in line)
        return {name: "NetworkManager" for name in names if states.get(name, "unmanaged") != "unmanaged"}


def render(network: HostNetwork) -> dict[str, str]:
    """The files for a network, by name."""
    files: dict[str, str] = {}
    lower: dict[str, list[tuple[str, str]]] = {}
    mtus: dict[str, int] = {}
    for bond in network.bonds:
        files[f"{PREFIX}{bond.name}.netdev"] = _bond_netdev(bond)
        lower.setdefault(bond.name, [])
        if bond.mtu is not None:
            mtus[bond.name] = bond.mtu
        for member in bond.members:
            lower[member] = [("Bond", bond.name), *([("PrimarySlave", "yes")] if bond.primary == member else [])]
    for bridge in network.bridges:
        files[f"{PREFIX}{bridge.name}.netdev"] = _bridge_netdev(bridge)
        files[f"{PREFIX}{bridge.name}.network"] = _bridge_network(bridge)
        if bridge.over is None:
            continue
        if bridge.vlan is None:
            lower.setdefault(bridge.over, []).append(("Bridge", bridge.name))
        else:
            uplink = str(bridge.uplink)
            files[f"{PREFIX}{uplink}.netdev"] = _text(
                {"NetDev": [("Name", uplink), ("Kind", "vlan")], "VLAN": [("Id", str(bridge.vlan))]}
            )
            files[f"{PREFIX}{uplink}.network"] = _port_network(uplink, bridge.mtu, [("Bridge", bridge.name)])
            lower.setdefault(bridge.over, []).append(("VLAN", uplink))
        if network.bond(bridge.over) is None and bridge.mtu is not None:
            mtus[bridge.over] = max(bridge.mtu, mtus.get(bridge.over, 0))
    for name, pairs in lower.items():
        files[f"{PREFIX}{name}.network"] = _port_network(name, mtus.get(name), pairs)
    return dict(sorted(files.items()))


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
        lines = _lines(text)
        for name in _values(lines, "NetDev", "Name") if file.endswith(".netdev") else _values(lines, "Match", "Name"):
            (netdevs if file.endswith(".netdev") else networks)[name] = lines
    bonds: list[Bond] = []
    bridges: list[Bridge] = []
    for name, lines in sorted(netdevs.items()):
        kind = _value(lines, "NetDev", "Kind")
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
    members = [one for one, other in networks.items() if name in _values(other, "Network", "Bond")]
    primary = next((one for one in members if _value(networks[one], "Network", "PrimarySlave") == "yes"), None)
    miimon = _value(lines, "Bond", "MIIMonitorSec")
    return make_bond(
        name,
        _value(lines, "Bond", "Mode") or "",
        tuple(members),
        lacp_rate=_value(lines, "Bond", "LACPTransmitRate"),
        miimon_ms=None if miimon is None else int(miimon.removesuffix("ms")),
        primary=primary or "",
        hash_policy=_value(lines, "Bond", "TransmitHashPolicy"),
        mtu=_number(_value(networks.get(name, []), "Link", "MTUBytes")),
        mac=_value(lines, "NetDev", "MACAddress"),
    )


def _parse_bridge(name: str, lines: Lines, networks: Mapping[str, Lines], netdevs: Mapping[str, Lines]) -> Bridge:
    """One bridge, with the way outside that other files give it."""
    port = next((one for one, other in networks.items() if name in _values(other, "Network", "Bridge")), None)
    vlan = _number(_value(netdevs.get(port or "", []), "VLAN", "Id"))
    over = port
    if vlan is not None:
        over = next((one for one, other in networks.items() if port in _values(other, "Network", "VLAN")), None)
        if over is None:
            raise InvalidInput(f"no interface carries the VLAN {port}")
    own = networks.get(name, [])
    return make_bridge(
        name,
        over=over,
        vlan=vlan,
        addresses=tuple(_values(own, "Network", "Address")),
        gateway=_value(own, "Network", "Gateway") or "",
        nat=_value(own, "Network", "IPMasquerade") == "ipv4",
        mtu=_number(_value(own, "Link", "MTUBytes")),
        network=_value(lines, "NetDev", "Description") or "",
        mac=_value(lines, "NetDev", "MACAddress"),
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
    """A bridge's own file: no spanning tree and no delay, so that a guest that moves in is heard at once."""
    label = [("Description", bridge.network)] if bridge.network else []
    return _text(
        {
            "NetDev": [("Name", bridge.name), ("Kind", "bridge"), *label, *_mac(bridge.mac)],
            "Bridge": [("STP", "no"), ("ForwardDelaySec", "0")],
        }
    )


def _bridge_network(bridge: Bridge) -> str:
    """What a bridge has of its own: the host's addresses."""
    addresses = [("Address", address) for address in bridge.addresses or ()]
    link_local = "ipv6" if any(":" in address for _key, address in addresses) else "no"
    gateway = [("Gateway", bridge.gateway)] if bridge.gateway else []
    nat = [("IPMasquerade", "ipv4")] if bridge.nat else []
    return _network_text(bridge.name, bridge.mtu, [*addresses, *gateway, *nat], link_local)


def _port_network(name: str, mtu: int | None, pairs: Iterable[tuple[str, str]]) -> str:
    """An interface that has no addresses of its own: a member, a bond, a VLAN."""
    return _network_text(name, mtu, pairs, "no")


def _network_text(name: str, mtu: int | None, pairs: Iterable[tuple[str, str]], link_local: str) -> str:
    """A ``.network`` file; a link that is dead at a start neither delays it nor keeps the addresses away."""
    return _text(
        {
            "Match": [("Name", name)],
            "Link": [*([("MTUBytes", str(mtu))] if mtu is not None else []), ("RequiredForOnline", "no")],
            "Network": [
                ("LinkLocalAddressing", link_local),
                ("IPv6AcceptRA", "no"),
                ("ConfigureWithoutCarrier", "yes"),
                *pairs,
            ],
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


def _lines(text: str) -> Lines:
    """Section, key and value of each line; keys may come more than once."""
    found: Lines = []
    section = ""
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif "=" in line:
            key, _equals, value = line.partition("=")
            found.append((section, key.strip(), value.strip()))
    return found


def _values(lines: Lines, section: str, key: str) -> list[str]:
    """All values of a key."""
    return [value for one, name, value in lines if (one, name) == (section, key)]


def _value(lines: Lines, section: str, key: str) -> str | None:
    """The last value of a key."""
    return next(iter(reversed(_values(lines, section, key))), None)


def _number(value: str | None) -> int | None:
    """A whole number, if any."""
    return None if value is None else int(value)


def _matches(lines: Lines, name: str) -> bool:
    """Whether a ``.network`` file is for an interface, by its name or for being Ethernet."""
    patterns = " ".join(_values(lines, "Match", "Name")).split()
    if not patterns:
        others = {key for section, key, _value in lines if section == "Match"}
        return others == {"Type"} and "ether" in " ".join(_values(lines, "Match", "Type")).split()
    if patterns[0].startswith("!"):
        patterns[0] = patterns[0][1:]
        return not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
