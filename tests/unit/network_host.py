"""A host that never was: its kernel and a systemd-networkd that does what files say, and networks for it. The world, not the code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import (
    Bond,
    BondMode,
    Bridge,
    HashPolicy,
    HostNetwork,
    make_bond,
    make_bridge,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import BondState, Link, Links
from ansible_collections.xenfleet.xen.plugins.module_utils.network.networkd import (
    FOLDER,
    parse,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult

CARDS = ("eth0", "eth1", "eth2", "eth3", "eth4")


def card(name: str, **more: Any) -> Link:
    return Link(name, mac=f"52:54:00:00:00:0{name[-1]}", **more)


@dataclass
class Host:
    """A host: its kernel, and a systemd-networkd that does what the files in a folder say. The world, not the code."""

    root: Path
    links: dict[str, Link] = field(default_factory=dict)
    management: dict[str, str] = field(default_factory=dict)
    session: str | None = None
    programs: frozenset[str] = frozenset({"networkctl", "systemctl", "ip"})
    active: frozenset[str] = frozenset({"systemd-networkd.service"})
    dark: frozenset[str] = frozenset()
    stubborn: frozenset[str] = frozenset()
    eager: bool = False
    known: HostNetwork = field(default_factory=HostNetwork)
    masked: set[tuple[str, str]] = field(default_factory=set)
    ran: list[list[str]] = field(default_factory=list)
    read_at: dict[Path, tuple[int, int]] = field(default_factory=dict)

    # Commands
    def has(self, program: str) -> bool:
        return program in self.programs

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float | None = None, check: bool = True
    ) -> CommandResult:
        self.ran.append(list(argv))
        if list(argv[:3]) == ["ip", "addr", "del"] and argv[5] in self.links:
            self.drop_address(argv[5], argv[3])
        if argv[:2] == ["networkctl", "reload"]:
            self.obey()
        if argv[:2] == ["networkctl", "reconfigure"]:
            self.look_at(argv[2])
        if argv[:2] == ["systemctl", "is-active"]:
            return CommandResult(0 if argv[-1] in self.active else 3, "", "")
        return CommandResult(0, "", "")

    def obey(self) -> None:
        """A reload: interfaces with a new or changed file are made, or looked at again."""
        found = {file: (file.stat().st_mtime_ns, file.stat().st_ino) for file in (self.root / FOLDER).glob("40-*")}
        fresh = {file.name for file, stamp in found.items() if self.read_at.get(file) != stamp}
        self.read_at = found
        network = self.known = self.network()
        for bond in network.bonds:
            if f"40-xenfleet-{bond.name}.netdev" in fresh and bond.name not in self.links:
                self.add_bond(bond)
        for bridge in network.bridges:
            if f"40-xenfleet-{bridge.name}.netdev" in fresh and bridge.name not in self.links:
                self.add_bridge(bridge)
        names = [name.removeprefix("40-xenfleet-").removesuffix(".network") for name in fresh if name.endswith("work")]
        for name in sorted(names, key=lambda name: ("." in name, name)):
            self.look_at(name)
        for name in sorted(self.links):
            if self.links[name].kind and name not in names and not self.links[name].up:
                self.look_at(name)

    def network(self) -> HostNetwork:
        return parse({file.name: file.read_text() for file in (self.root / FOLDER).glob("40-xenfleet-*")})

    def look_at(self, name: str) -> None:
        """Configure one interface by its files, if it is there: its VLANs, its master, its addresses."""
        network = self.network()
        if name not in self.links or name in self.stubborn:
            return
        for bond in network.bonds:
            if name in bond.members and bond.name in self.links:
                self.set(name, master=bond.name, up=True)
                self.set(bond.name, carrier=self.links[bond.name].carrier or self.links[name].carrier)
            if bond.name == name:
                state = replace(self.links[name].bond or BondState(bond.mode.value), primary=bond.primary or None)
                self.set(name, up=True, mtu=bond.mtu or 1500, bond=state)
                for member in bond.members:
                    self.look_at(member)
        for bridge in network.bridges:
            if bridge.over == name and bridge.vlan is not None and bridge.uplink not in self.links:
                self.add_vlan(bridge)
                self.look_at(str(bridge.uplink))
            if bridge.uplink == name and bridge.name in self.links:
                self.set(name, master=bridge.name, up=True, vlans=bridge.trunk or ())
            if bridge.name == name:
                given = [GIVEN] if bridge.dhcp and "dhcp" not in self.dark else []
                kept = set(self.links[name].addresses) - set(self.links[name].leased)
                own = tuple(sorted({*kept, *(bridge.addresses or ()), *given}))
                gateway, mtu = (GATEWAY if given else bridge.gateway) or None, bridge.mtu or 1500
                self.set(name, up=True, addresses=own, leased=tuple(given), gateway=gateway, mtu=mtu)
                self.masked |= masquerades(HostNetwork((), (bridge,)))

    # HostLinks
    def read(self) -> Links:
        return Links(dict(self.links), dict(self.management), self.session)

    def set(self, name: str, **more: Any) -> None:
        self.links[name] = replace(self.links[name], **more)

    def delete(self, name: str) -> None:
        if self.links.pop(name, None) is None:
            return
        self.masked = {one for one in self.masked if one[0] != name}
        for other, link in list(self.links.items()):
            if link.parent == name:
                self.delete(other)
            elif link.master == name:
                self.set(other, master=None, vlans=())

    def release(self, name: str) -> None:
        self.set(name, master=None, vlans=())
        for bridge in self.known.bridges if self.eager else ():
            if bridge.uplink == name and bridge.name in self.links:
                self.set(name, master=bridge.name)

    def add_bond(self, bond: Bond) -> None:
        assert bond.name not in self.links
        state = BondState(
            bond.mode.value,
            bond.lacp_rate.value if bond.lacp_rate else "slow" if bond.mode is BondMode.LACP else None,
            bond.miimon_ms,
            None,
            bond.hash_policy.value if bond.hash_policy else "layer2",
            "02:00:00:00:00:01" if bond.mode is BondMode.LACP and "partner" not in self.dark else None,
        )
        self.links[bond.name] = Link(bond.name, "bond", up=False, carrier=False, mac=bond.mac, bond=state)

    def add_bridge(self, bridge: Bridge) -> None:
        assert bridge.name not in self.links
        self.links[bridge.name] = Link(bridge.name, "bridge", up=False, mac=bridge.mac, **bridge_state(bridge))

    def add_vlan(self, bridge: Bridge) -> None:
        assert bridge.uplink not in self.links
        assert bridge.over in self.links
        self.links[str(bridge.uplink)] = Link(str(bridge.uplink), "vlan", False, parent=bridge.over, vlan=bridge.vlan)

    def adjust_bond(self, bond: Bond) -> None:
        state = self.links[bond.name].bond
        assert state is not None
        hashing = bond.hash_policy.value if bond.hash_policy else state.hash_policy
        new = replace(state, miimon_ms=bond.miimon_ms, hash_policy=hashing, primary=bond.primary or None)
        self.set(bond.name, bond=new, up=True, mtu=bond.mtu or self.links[bond.name].mtu)

    def adjust_bridge(self, bridge: Bridge, links: Links) -> None:
        self.set(bridge.name, up=True, **bridge_state(bridge))
        for port in links.ports(bridge.name) if bridge.trunk else ():
            self.set(port.name, vlans=bridge.trunk)
        if bridge.vlan is not None and bridge.uplink in links.by_name:
            self.set(str(bridge.uplink), up=True)

    def drop_address(self, name: str, address: str) -> None:
        if (name, address) in masquerades(self.known):  # later it does not look
            self.masked.discard((name, address))
        link = self.links[name]
        self.set(
            name,
            addresses=tuple(one for one in link.addresses if one != address),
            leased=tuple(one for one in link.leased if one != address),
        )

    def drop_routes(self, name: str) -> None:
        self.set(name, gateway=None)

    def guest_of(self, port: str) -> str | None:
        return {"vif3.0": "ldap1"}.get(port)

    def plug(self, port: str, bridge: str) -> None:
        self.links[port] = Link(port, master=bridge)


# What the network's DHCP server gives.
GIVEN = "192.0.2.77/24"
GATEWAY = "192.0.2.1"


def masquerades(network: HostNetwork) -> set[tuple[str, str]]:
    """The networks behind the host's addresses."""
    return {
        (bridge.name, one)
        for bridge in network.bridges
        if bridge.nat
        for one in bridge.addresses or ()
        if ":" not in one
    }


def bridge_state(bridge: Bridge) -> dict[str, Any]:
    """What the kernel shows of a bridge that is set so."""
    return {
        "stp": bool(bridge.stp),
        "forward_delay": bridge.forward_delay,
        "ageing": 30000 if bridge.ageing is None else bridge.ageing * 100,
        "filters": bool(bridge.trunk),
    }


class Time:
    """A clock that goes on by being asked."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def fresh(root: Path) -> Host:
    links = {name: card(name) for name in CARDS}
    links["eth0"] = card("eth0", addresses=("192.0.2.5/24",), gateway="192.0.2.1")
    links["lo"] = Link("lo", loopback=True, addresses=("127.0.0.1/8",))
    return Host(root, links, {"eth0": "the default route goes through it"})


def files(host: Host) -> dict[str, str]:
    return {file.name: file.read_text() for file in sorted((host.root / FOLDER).glob("*"))}


BOND0 = make_bond("bond0", "802.3ad", ("eth2", "eth1"), lacp_rate="fast")
BR10 = make_bridge("xenbr10", over="bond0", vlan=10, network="services", addresses=("10.10.0.101/24",), ageing=300)
BR20 = make_bridge("xenbr20", over="bond0", vlan=20, network="storage", addresses=("10.20.0.101/24",))
WIRED = HostNetwork((BOND0,), (BR10, BR20))


_BOOLEANS = st.sampled_from([None, False, True])


@st.composite
def networks(draw: st.DrawFn) -> HostNetwork:
    """Networks that make sense on a host with free cards eth1 to eth4."""
    free = draw(st.permutations(CARDS[1:]))
    counts = draw(st.sampled_from([(), (1,), (2,), (1, 2), (2, 2), (3,)]))
    bonds: list[Bond] = []
    for index, count in enumerate(counts):
        members, free = tuple(free[:count]), free[count:]
        mode = draw(st.sampled_from(BondMode))
        bonds.append(
            make_bond(
                f"bond{index}",
                mode.value,
                members,
                lacp_rate=draw(st.sampled_from(["fast", "slow", None])) if mode is BondMode.LACP else None,
                miimon_ms=draw(st.sampled_from([50, 100, None])),
                primary=draw(st.sampled_from([*members, None])) if mode.has_primary else None,
                hash_policy=draw(st.sampled_from([*(one.value for one in HashPolicy), None])) if mode.hashes else None,
                mtu=draw(st.sampled_from([None, 9000])),
            )
        )
    lower = [bond.name for bond in bonds] + list(free)
    uplinks = [(None, None), *((over, vlan) for over in lower for vlan in (None, 10, 20, 4094))]
    chosen = draw(st.lists(st.sampled_from(uplinks), max_size=5, unique_by=lambda one: one if one[0] else object()))
    bridges: list[Bridge] = []
    for index, (over, vlan) in enumerate(chosen):
        addresses: tuple[str, ...] | None = draw(
            st.sampled_from([(), (f"10.{index}.0.7/24",), (f"fd00:{index}::7/64",), None])
        )
        has_ipv4 = any("." in one for one in addresses or ())
        bridges.append(
            make_bridge(
                f"xenbr{index}",
                over=over,
                vlan=vlan,
                addresses=addresses,
                accept_ra=draw(_BOOLEANS),
                nat=draw(_BOOLEANS) if has_ipv4 else None,
                routed=draw(_BOOLEANS) if addresses else None,
                stp=draw(_BOOLEANS),
                ageing=draw(st.sampled_from([None, 0, 60])),
                mtu=draw(st.sampled_from([None, 1400])),
                network=draw(st.sampled_from([None, "services", ""])),
            )
        )
        if over is not None and vlan is None and draw(st.booleans()):
            bridges[-1] = make_bridge(
                f"xenbr{index}", over=over, trunk=draw(st.sampled_from([(), (7,), ("100-109", 200)]))
            )
    return HostNetwork(tuple(bonds), tuple(bridges))
