"""A host whose network is changed while it is in use: its kernel answers and obeys ``ip``, others have files for systemd-networkd."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import make_bond, make_bridge
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Link
from ansible_collections.xenfleet.xen.plugins.module_utils.model.vlans import read_vlans
from ansible_collections.xenfleet.xen.plugins.module_utils.network.fall_back import BOOT_ID
from ansible_collections.xenfleet.xen.plugins.module_utils.network.guard import HostGuard
from ansible_collections.xenfleet.xen.plugins.module_utils.network.networkd import FOLDER
from ansible_collections.xenfleet.xen.plugins.module_utils.network.sections import lines_of, value_of, values_of
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult

from .network_host import GATEWAY, GIVEN, Host, fresh

FOREIGN = "10-management.network"
FOREIGN_TEXT = "[Match]\nName=eth0\n\n[Network]\nAddress=192.0.2.5/24\nGateway=192.0.2.1\n"


@dataclass
class LiveHost(Host):
    """A host with a file of somebody else's for eth0."""

    foreign_read: dict[str, str] = field(default_factory=dict)

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float | None = None, check: bool = True
    ) -> CommandResult:
        if argv[0] == "bridge":
            self.ran.append(list(argv))
            if argv[1] == "-json":
                return CommandResult(0, json.dumps(self.carried()), "")
            try:
                self.obey_bridge(argv[2:])
            except KeyError as error:
                return CommandResult(255, "", str(error))
            return CommandResult(0, "", "")
        if argv[0] != "ip":
            return super().run(argv, stdin=stdin, timeout=timeout, check=check)
        self.ran.append(list(argv))
        words = [word for word in argv[1:] if word not in ("-json", "-details")]
        if words == ["addr", "show"]:
            return CommandResult(0, json.dumps([row(link) for link in self.links.values()]), "")
        if words[1:] == ["route", "show"]:
            return CommandResult(0, json.dumps(self.routes() if words[0] == "-4" else []), "")
        try:
            self.obey_ip(words)
        except (KeyError, AssertionError) as error:
            return CommandResult(2, "", str(error))
        return CommandResult(0, "", "")

    def carried(self) -> list[dict[str, Any]]:
        return [
            {"ifname": link.name, "vlans": [{"vlan": vlan} for vlan in link.vlans]}
            for link in self.links.values()
            if link.vlans
        ]

    def obey_bridge(self, words: Sequence[str]) -> None:
        """Let a port carry VLANs, or not any more."""
        deed, _dev, name, _vid, which = words
        named, there = set(read_vlans([which], field="vid")), set(self.links[name].vlans)
        self.set(name, vlans=tuple(sorted(there | named if deed == "add" else there - named)))

    def say(self, argv: Sequence[str]) -> str:
        """What a program prints, whatever becomes of it."""
        return self.run(argv, check=False).stdout

    def routes(self) -> list[dict[str, Any]]:
        return [
            {"dst": "default", "gateway": link.gateway, "dev": link.name, "protocol": "static", "flags": []}
            for link in self.links.values()
            if link.gateway
        ]

    def obey_ip(self, words: list[str]) -> None:
        """Change the kernel."""
        deed, rest = words[:2], words[2:]
        if deed == ["link", "del"]:
            self.delete(rest[1])
        elif deed == ["link", "add"]:
            self._add(dict(zip(rest[::2], rest[1::2], strict=True)))
        elif deed == ["link", "set"]:
            self._set(rest[1], rest[2:])
        elif deed[0] == "addr":
            name = rest[rest.index("dev") + 1]
            self.drop_address(name, rest[0])
            link = self.links[name]
            if deed[1] != "del":
                leased = (*link.leased, rest[0]) if "valid_lft" in rest else link.leased
                self.set(name, addresses=tuple(sorted((*link.addresses, rest[0]))), leased=leased)
        elif words[1] == "route":
            options = dict(zip(words[4::2], words[5::2], strict=True))
            self.set(options["dev"], gateway=options["via"] if words[2] == "replace" else None)
        else:
            raise AssertionError(words)

    def _add(self, options: dict[str, str]) -> None:
        kind = options["type"]
        if kind == "vlan":
            self.add_vlan(make_bridge("xenbr", over=options["link"], vlan=int(options["id"])))
        elif kind == "bridge":
            self.add_bridge(make_bridge(options["name"], mac=options.get("address")))
            self.set(options["name"], **bridge_words(options))
        else:
            miimon = options.get("miimon")
            self.add_bond(
                make_bond(
                    options["name"],
                    options["mode"],
                    (),
                    miimon_ms=None if miimon is None else int(miimon),
                    lacp_rate=options.get("lacp_rate"),
                    hash_policy=options.get("xmit_hash_policy"),
                    mac=options.get("address"),
                )
            )

    def _set(self, name: str, words: list[str]) -> None:
        if words[0] in ("up", "down"):
            self.set(name, up=words[0] == "up")
        elif words[0] == "nomaster":
            self.release(name)
        elif words[0] == "master":
            above = self.links[words[1]]
            assert above.kind != "bond" or not self.links[name].up
            self.set(name, master=words[1], **({"up": True} if above.kind == "bond" else {}))
            if above.kind == "bond":
                self.set(above.name, carrier=above.carrier or self.links[name].carrier)
        elif words[0] == "mtu":
            self.set(name, mtu=int(words[1]))
            if words[2:]:
                self._set(name, words[2:])
        elif words[:2] == ["type", "bridge"]:
            # As the kernel has it, which looks at the delay before it looks at the spanning tree.
            assert not (self.links[name].stp and "forward_delay 0" in " ".join(words))
            self.set(name, **bridge_words(dict(zip(words[2::2], words[3::2], strict=True))))
        elif words[:2] == ["type", "bond"]:
            options = dict(zip(words[2::2], words[3::2], strict=True))
            self.adjust_bond(
                make_bond(
                    name,
                    str(self.links[name].bond.mode),  # type: ignore[union-attr]
                    (),
                    miimon_ms=int(options.get("miimon", self.links[name].bond.miimon_ms or 0)),  # type: ignore[union-attr]
                    hash_policy=options.get("xmit_hash_policy"),
                    primary=options.get("primary"),
                )
            )

    def obey(self) -> None:
        """A reload also sees what has become of files of others."""
        now = {
            file.name: file.read_text()
            for file in (self.root / FOLDER).glob("*.network")
            if "xenfleet" not in file.name
        }
        changed = {
            name: text
            for name, text in {**self.foreign_read, **now}.items()
            if self.foreign_read.get(name) != now.get(name)
        }
        self.foreign_read = now
        super().obey()
        for text in changed.values():
            for name in values_of(lines_of(text), "Match", "Name"):
                self.look_at(name)

    def look_at(self, name: str) -> None:
        """A file of somebody else's that comes first wins."""
        for text in self.foreign_read.values():
            lines = lines_of(text)
            if name in values_of(lines, "Match", "Name") and name in self.links:
                leased = (GIVEN,) if value_of(lines, "Network", "DHCP") else ()
                addresses = (*values_of(lines, "Network", "Address"), *leased)
                gateway = GATEWAY if leased else value_of(lines, "Network", "Gateway")
                self.set(name, master=None, addresses=addresses, leased=leased, gateway=gateway)
                return
        before = self.links.get(name)
        super().look_at(name)
        if before is not None and name in self.links and self.links[name].master and not before.master:
            self.set(name, addresses=(), leased=(), gateway=None)


class Guard(HostGuard):
    """A guard that does the work at once instead of in a process of its own."""

    def detach(self, work: Callable[[], Sequence[str]]) -> None:
        self.work(work)


def bridge_words(options: Mapping[str, str]) -> dict[str, Any]:
    """What a bridge is set to by the words of ``ip``."""
    read: dict[str, tuple[str, Callable[[str], Any]]] = {
        "stp_state": ("stp", lambda word: word == "1"),
        "forward_delay": ("forward_delay", int),
        "ageing_time": ("ageing", int),
        "vlan_filtering": ("filters", lambda word: word == "1"),
    }
    return {field: make(options[name]) for name, (field, make) in read.items() if name in options}


def live_host(root: Path) -> LiveHost:
    """A host that is managed by eth0, for which somebody else has a file."""
    host = fresh(root)
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    (root / FOLDER / FOREIGN).write_text(FOREIGN_TEXT)
    start(root, "1")
    return LiveHost(root, host.links, host.management, foreign_read={FOREIGN: FOREIGN_TEXT})


def start(root: Path, boot: str) -> None:
    """The host was started anew."""
    file = root / BOOT_ID
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{boot}\n")


_LEASE = {"dynamic": True, "valid_life_time": 3600, "preferred_life_time": 1800}


def row(link: Link) -> dict[str, Any]:
    """What ``ip -json -details addr show`` says of an interface."""
    data: dict[str, Any] = {}
    if link.bond is not None:
        data = {
            "mode": link.bond.mode,
            "miimon": link.bond.miimon_ms,
            "ad_lacp_rate": link.bond.lacp_rate,
            "xmit_hash_policy": link.bond.hash_policy,
            "primary": link.bond.primary,
        }
    elif link.kind == "bridge":
        data = {
            "stp_state": int(link.stp),
            "forward_delay": link.forward_delay,
            "ageing_time": link.ageing,
            "vlan_filtering": int(link.filters),
            "vlan_default_pvid": int(not link.filters),
        }
    elif link.kind == "vlan":
        data = {"id": link.vlan}
    found: dict[str, Any] = {
        "ifname": link.name,
        "flags": ["UP"] if link.up else [],
        "mtu": link.mtu,
        "address": link.mac,
        "master": link.master,
        "link": link.parent,
        "linkinfo": {"info_kind": link.kind, "info_data": data} if link.kind else None,
        "addr_info": [
            {
                "family": "inet6" if ":" in one else "inet",
                "local": one.partition("/")[0],
                "prefixlen": int(one.partition("/")[2]),
                "scope": "global",
                **(_LEASE if one in link.leased else {}),
            }
            for one in link.addresses
        ],
    }
    return {key: value for key, value in found.items() if value is not None}
