# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's own view of the network, read and changed with ``ip``; implements ``ports.network.HostLinks``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import Bond, Bridge
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import BondState, Link, Links
from ansible_collections.xenfleet.xen.plugins.module_utils.model.vlans import ranges
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands

_NO_PARTNER = "00:00:00:00:00:00"
_COMMAND_SECONDS = 30


class KernelLinks:
    """Interfaces through ``ip``.

    Args:
        commands: how to run programs.
        proc: where the process file system is.
        environ: the variables of this process.
    """

    def __init__(
        self, commands: Commands, *, proc: Path = Path("/proc"), environ: Mapping[str, str] | None = None
    ) -> None:
        self._commands = commands
        self._proc = proc
        self._environ = os.environ if environ is None else environ

    def read(self) -> Links:
        """All interfaces, and those that carry the management connection.

        Raises:
            NotFound: ``ip`` is not installed.
            CommandFailed: it failed, or said something that is no JSON.
        """
        by_name = {link.name: link for link in parse_links(self._json("ip", "-json", "-details", "addr", "show"))}
        if any(link.filters for link in by_name.values()):
            carried = parse_vlans(self._json("bridge", "-json", "vlan", "show"))
            by_name = {one: replace(link, vlans=carried.get(one, ())) for one, link in by_name.items()}
        routes = [
            *self._json("ip", "-json", "route", "show", "default"),
            *self._json("ip", "-json", "-6", "route", "show", "default"),
        ]
        reasons: dict[str, str] = {}
        for route in routes:
            name = route.get("dev")
            if name in by_name:
                reasons[name] = "the default route goes through it"
                by_name[name] = replace(by_name[name], gateway=route.get("gateway"))
        server = ssh_server_address(self._environ, self._proc)
        for link in by_name.values():
            if server is not None and server in {one.partition("/")[0] for one in link.addresses}:
                reasons[link.name] = f"this SSH session came to its address {server}"
        links = Links(by_name)
        for name, reason in list(reasons.items()):
            for lower in links.below(name):
                above = reason.replace(" its ", f" {name}'s ") if " its " in reason else reason.replace("it", name, 1)
                reasons.setdefault(lower, f"{name} lies on it, and {above}")
        return Links(by_name, reasons, server)

    def delete(self, name: str) -> None:
        """Remove a virtual interface; one that is gone already is no error."""
        done = self._ip("link", "del", "dev", name, check=False)
        if done and "Cannot find device" not in done:
            raise CommandFailed(f"the interface {name} cannot be removed", found=done)

    def release(self, name: str) -> None:
        """Take an interface out of its bond or bridge."""
        self._ip("link", "set", "dev", name, "nomaster", check=False)

    def add_bond(self, bond: Bond) -> None:
        """Make a bond, without members."""
        options = ["mode", bond.mode.value]
        if bond.miimon_ms is not None:
            options += ["miimon", str(bond.miimon_ms)]
        if bond.lacp_rate is not None:
            options += ["lacp_rate", bond.lacp_rate.value]
        if bond.hash_policy is not None:
            options += ["xmit_hash_policy", bond.hash_policy.value]
        self._add(bond.name, bond.mac, ["type", "bond", *options])

    def add_bridge(self, bridge: Bridge) -> None:
        """Make a bridge, without ports."""
        self._add(bridge.name, bridge.mac, ["type", "bridge", *bridge_options(bridge)])

    def add_vlan(self, bridge: Bridge) -> None:
        """Make the VLAN interface under a bridge."""
        self._ip(
            "link", "add", "link", str(bridge.over), "name", str(bridge.uplink), "type", "vlan", "id", str(bridge.vlan)
        )

    def adjust_bond(self, bond: Bond) -> None:
        """Set what a running bond takes without its members being taken out."""
        options: list[str] = []
        if bond.miimon_ms is not None:
            options += ["miimon", str(bond.miimon_ms)]
        if bond.hash_policy is not None:
            options += ["xmit_hash_policy", bond.hash_policy.value]
        if bond.primary:
            options += ["primary", bond.primary]
        if options:
            self._ip("link", "set", "dev", bond.name, "type", "bond", *options)
        if bond.primary == "":
            self._ip("link", "set", "dev", bond.name, "type", "bond", "primary", "", check=False)
        self._up(bond.name, bond.mtu)

    def adjust_bridge(self, bridge: Bridge, links: Links) -> None:
        """Set what a running bridge takes, its VLAN interface, and what its ports carry."""
        # With a spanning tree the kernel refuses the delay of a bridge without.
        self._ip("link", "set", "dev", bridge.name, "type", "bridge", "stp_state", str(int(bool(bridge.stp))))
        self._ip("link", "set", "dev", bridge.name, "type", "bridge", *bridge_options(bridge, running=True))
        for port in links.ports(bridge.name) if bridge.trunk else ():
            self._carry(port, bridge.trunk or ())
        if bridge.vlan is not None and bridge.uplink in links.by_name:
            self._up(str(bridge.uplink), bridge.mtu)
        self._up(bridge.name, bridge.mtu)

    def _carry(self, port: Link, vlans: tuple[int, ...]) -> None:
        """Let a port carry these VLANs with their tags, and no others."""
        for what, which in (("add", set(vlans) - set(port.vlans)), ("del", set(port.vlans) - set(vlans))):
            for one in ranges(which):
                argv = ["bridge", "vlan", what, "dev", port.name, "vid", one]
                self._commands.run(argv, check=False, timeout=_COMMAND_SECONDS)

    def drop_address(self, name: str, address: str) -> None:
        """Take an address away; one that is gone already is no error."""
        self._ip("addr", "del", address, "dev", name, check=False)

    def drop_routes(self, name: str) -> None:
        """Take all routes over an interface away."""
        self._ip("-4", "route", "flush", "dev", name, check=False)
        self._ip("-6", "route", "flush", "dev", name, check=False)

    def guest_of(self, port: str) -> str | None:
        """The guest that an interface such as vif3.0 belongs to, as far as Xen can say."""
        number = port.removeprefix("vif").partition(".")[0]
        if not port.startswith("vif") or not number.isdigit() or not self._commands.has("xl"):
            return None
        done = self._commands.run(["xl", "domname", number], check=False, timeout=_COMMAND_SECONDS)
        return done.stdout.strip() or None if done.status == 0 else None

    def _add(self, name: str, mac: str | None, kind: list[str]) -> None:
        """Make a virtual interface."""
        self._ip("link", "add", "name", name, *(["address", mac] if mac else []), *kind)

    def _up(self, name: str, mtu: int | None) -> None:
        """Set an interface up, and its largest packet."""
        self._ip("link", "set", "dev", name, *(["mtu", str(mtu)] if mtu is not None else []), "up")

    def _ip(self, *arguments: str, check: bool = True) -> str:
        """Run ``ip``; what it complained about."""
        return self._commands.run(["ip", *arguments], check=check, timeout=_COMMAND_SECONDS).stderr.strip()

    def _json(self, *argv: str) -> list[dict[str, Any]]:
        """Ask a program for data."""
        done = self._commands.run(argv, timeout=_COMMAND_SECONDS)
        try:
            found = json.loads(done.stdout or "[]")
        except ValueError as error:
            raise CommandFailed(f"'{' '.join(argv)}' answered with no JSON", found=done.stdout[:200]) from error
        return [one for one in found if one]


def parse_links(rows: list[dict[str, Any]]) -> list[Link]:
    """The interfaces from what ``ip -json -details addr show`` prints."""
    return [_link(row) for row in rows if row.get("ifname")]


def parse_vlans(rows: list[dict[str, Any]]) -> dict[str, tuple[int, ...]]:
    """What each port carries with tags, from what ``bridge -json vlan show`` prints."""
    found: dict[str, tuple[int, ...]] = {}
    for row in rows:
        tagged = [one for one in row.get("vlans") or [] if "Egress Untagged" not in (one.get("flags") or [])]
        vlans = {vlan for one in tagged for vlan in range(int(one["vlan"]), int(one.get("vlanEnd", one["vlan"])) + 1)}
        found[str(row.get("ifname"))] = tuple(sorted(vlans))
    return found


def bridge_options(bridge: Bridge, *, running: bool = False) -> list[str]:
    """A bridge's own options, as ``ip`` takes them. One that filters gives no port a VLAN for what comes without a tag.

    Args:
        bridge: what it should be.
        running: it is there, and may be otherwise than a new one.
    """
    unfiltered = ("vlan_filtering", "0", "vlan_default_pvid", "1") if running else ()
    return [
        *("stp_state", str(int(bool(bridge.stp))), "forward_delay", str(bridge.forward_delay)),
        *(("ageing_time", str(bridge.ageing * 100)) if bridge.ageing is not None else ()),
        *(("vlan_filtering", "1", "vlan_default_pvid", "0") if bridge.trunk else unfiltered),
    ]


def ssh_server_address(environ: Mapping[str, str], proc: Path) -> str | None:
    """The address of this host that the SSH session came to; looked up in the parents where ``sudo`` has cleared it."""
    found = _server_of(environ.get("SSH_CONNECTION"))
    pid = os.getpid()
    while found is None and pid > 1:
        try:
            status = (proc / str(pid) / "status").read_text(encoding="utf-8", errors="replace")
            variables = (proc / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            return None
        value = next((one for one in variables if one.startswith(b"SSH_CONNECTION=")), b"")
        found = _server_of(value.decode(errors="replace").partition("=")[2])
        parent = next((line.split()[1] for line in status.splitlines() if line.startswith("PPid:")), "0")
        pid = int(parent) if parent.isdigit() else 0
    return found


def _server_of(value: str | None) -> str | None:
    """The third word of SSH_CONNECTION, without an IPv6 zone."""
    words = (value or "").split()
    return words[2].partition("%")[0].removeprefix("::ffff:") if len(words) == 4 else None


def _link(row: dict[str, Any]) -> Link:
    """One interface."""
    info = row.get("linkinfo") or {}
    kind = info.get("info_kind") or ""
    data = info.get("info_data") or {}
    flags = row.get("flags") or []
    slave = info.get("info_slave_data") or {}
    return Link(
        name=row["ifname"],
        kind=kind,
        up="UP" in flags,
        carrier="LOWER_UP" in flags and "NO-CARRIER" not in flags,
        mtu=int(row.get("mtu") or 0),
        mac=row.get("address"),
        permanent_mac=slave.get("perm_hwaddr") or row.get("permaddr"),
        master=row.get("master"),
        parent=row.get("link") if kind == "vlan" else None,
        vlan=data.get("id") if kind == "vlan" else None,
        addresses=tuple(
            sorted(
                f"{one['local']}/{one['prefixlen']}"
                for one in row.get("addr_info") or []
                if "local" in one and not (one.get("family") == "inet6" and one.get("scope") == "link")
            )
        ),
        leased=tuple(
            f"{one['local']}/{one['prefixlen']}"
            for one in row.get("addr_info") or []
            if "local" in one and one.get("family") == "inet" and one.get("dynamic")
        ),
        bond=_bond_state(data) if kind == "bond" else None,
        stp=kind == "bridge" and bool(data.get("stp_state")),
        forward_delay=int(data.get("forward_delay") or 0) if kind == "bridge" else 0,
        # While the spanning tree changes, the kernel forgets sooner than it was told to, and says so.
        ageing=data.get("ageing_time") if kind == "bridge" and not data.get("topology_change") else None,
        filters=kind == "bridge" and bool(data.get("vlan_filtering")),
        loopback="LOOPBACK" in flags,
    )


def _bond_state(data: dict[str, Any]) -> BondState:
    """A bond's state; 802.3ad tells of its partner."""
    lacp = data.get("ad_info") or {}
    partner = lacp.get("partner_mac")
    return BondState(
        mode=str(data.get("mode")),
        lacp_rate=data.get("ad_lacp_rate"),
        miimon_ms=data.get("miimon"),
        primary=data.get("primary"),
        hash_policy=data.get("xmit_hash_policy"),
        partner=None if partner == _NO_PARTNER else partner,
        ports=lacp.get("num_ports"),
        active=data.get("active_slave"),
    )
