"""What the kernel tells of its interfaces, and what it is told, by ip and bridge."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import (
    make_bridge,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import BondState, Links
from ansible_collections.xenfleet.xen.plugins.module_utils.network.kernel import (
    KernelLinks,
    parse_links,
    parse_vlans,
    ssh_server_address,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult

IP_ROWS: list[dict[str, Any]] = [
    {"ifname": "lo", "flags": ["LOOPBACK", "UP", "LOWER_UP"], "mtu": 65536, "address": "00:00:00:00:00:00"},
    {
        "ifname": "eth1",
        "flags": ["BROADCAST", "MULTICAST", "SLAVE", "UP", "LOWER_UP"],
        "mtu": 1500,
        "master": "bond0",
        "address": "52:54:00:00:00:01",
        "permaddr": "52:54:00:00:00:02",
        "linkinfo": {"info_slave_kind": "bond", "info_slave_data": {"perm_hwaddr": "52:54:00:00:00:02"}},
        "addr_info": [],
    },
    {
        "ifname": "bond0",
        "flags": ["NO-CARRIER", "BROADCAST", "MULTICAST", "MASTER", "UP"],
        "mtu": 1500,
        "address": "52:54:00:00:00:01",
        "linkinfo": {
            "info_kind": "bond",
            "info_data": {
                "mode": "802.3ad",
                "miimon": 100,
                "xmit_hash_policy": "layer2",
                "ad_lacp_rate": "fast",
                "ad_info": {"aggregator": 1, "num_ports": 2, "partner_mac": "00:00:00:00:00:00"},
            },
        },
    },
    {
        "ifname": "bond0.10",
        "link": "bond0",
        "flags": ["UP", "LOWER_UP"],
        "mtu": 1500,
        "master": "xenbr10",
        "linkinfo": {"info_kind": "vlan", "info_data": {"protocol": "802.1Q", "id": 10}},
    },
    {
        "ifname": "xenbr10",
        "flags": ["UP", "LOWER_UP"],
        "mtu": 1500,
        "linkinfo": {
            "info_kind": "bridge",
            "info_data": {"forward_delay": 1500, "stp_state": 1, "ageing_time": 3000, "topology_change": 1},
        },
        "addr_info": [
            {"family": "inet", "local": "10.10.0.101", "prefixlen": 24, "scope": "global"},
            {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"},
        ],
    },
    {"ifname": "vif3.0", "flags": ["UP"], "mtu": 1500, "master": "xenbr10"},
]


@dataclass
class Ip:
    """The answers of ``ip``."""

    routes: list[dict[str, Any]] = field(default_factory=list)
    ran: list[list[str]] = field(default_factory=list)

    def has(self, program: str) -> bool:
        return program == "ip"

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float | None = None, check: bool = True
    ) -> CommandResult:
        self.ran.append(list(argv))
        if "addr" in argv:
            return CommandResult(0, json.dumps([*IP_ROWS, {}]), "")
        return CommandResult(0, json.dumps(self.routes) if "-6" not in argv else "", "")


def test_the_spanning_tree_goes_before_its_delay() -> None:
    ip = Ip()
    KernelLinks(ip).adjust_bridge(make_bridge("b", stp=False), Links())
    first, second = (" ".join(argv) for argv in ip.ran[:2])
    assert first == "ip link set dev b type bridge stp_state 0"
    assert "forward_delay 0" in second


def test_what_bridge_prints() -> None:
    untagged = {"vlan": 1, "flags": ["PVID", "Egress Untagged"]}
    rows = [{"ifname": "eth1", "vlans": [untagged, {"vlan": 10}, {"vlan": 20, "vlanEnd": 22}]}, {"ifname": "eth2"}]
    assert parse_vlans(rows) == {"eth1": (10, 20, 21, 22), "eth2": ()}


def test_what_ip_prints() -> None:
    links = {link.name: link for link in parse_links(IP_ROWS)}
    assert links["bond0"].bond == BondState("802.3ad", "fast", 100, None, "layer2", None, 2)
    assert not links["bond0"].carrier
    assert links["eth1"].permanent_mac == "52:54:00:00:00:02"
    assert (links["bond0.10"].parent, links["bond0.10"].vlan) == ("bond0", 10)
    assert (links["xenbr10"].stp, links["xenbr10"].forward_delay, links["xenbr10"].ageing) == (True, 1500, None)
    assert links["xenbr10"].addresses == ("10.10.0.101/24",)
    assert links["lo"].loopback


@pytest.mark.parametrize(
    ("environ", "routes"),
    [
        ({"SSH_CONNECTION": "10.10.0.1 50000 10.10.0.101 22"}, []),
        ({}, [{"dst": "default", "gateway": "10.10.0.1", "dev": "xenbr10"}]),
    ],
)
def test_what_the_connection_lies_on(environ: Mapping[str, str], routes: list[dict[str, Any]], tmp_path: Path) -> None:
    links = KernelLinks(Ip(routes), proc=tmp_path, environ=environ).read()
    assert set(links.management) == {"xenbr10", "bond0.10", "bond0", "eth1"}
    assert "xenbr10" in links.management["eth1"]


def test_the_connection_is_found_where_sudo_has_cleared_the_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.getpid", lambda: 30)
    for pid, parent, variables in ((30, 20, b"A=1\0"), (20, 10, b"SSH_CONNECTION=::1 5 2001:db8::5 22\0B=2\0")):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "status").write_text(f"Name:\tx\nPPid:\t{parent}\n")
        (tmp_path / str(pid) / "environ").write_bytes(variables)
    assert ssh_server_address({}, tmp_path) == "2001:db8::5"
