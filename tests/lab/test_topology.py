"""Machines, links and addresses."""

from __future__ import annotations

import pytest

from xenlab.errors import LabError
from xenlab.topology import ALL_LINKS, ALL_MACHINES, link, mac, machine, wanted


def test_core_comes_first_and_hosts_are_numbered() -> None:
    assert [one.name for one in wanted(2, 1)] == ["core", "xen1", "xen2", "plain1"]


@pytest.mark.parametrize(("hosts", "plain"), [(5, 0), (-1, 0), (0, 3)])
def test_more_than_core_has_sockets_for_is_refused(hosts: int, plain: int) -> None:
    with pytest.raises(LabError, match="0 to 4 Xen hosts and 0 to 2 plain"):
        wanted(hosts, plain)


@pytest.mark.parametrize(
    ("name", "vlan", "address"),
    [
        ("core", 10, "10.10.0.1"),
        ("xen1", 20, "10.20.0.101"),
        ("xen4", 30, "10.30.0.104"),
        ("plain2", 10, "10.10.0.112"),
    ],
)
def test_addresses(name: str, vlan: int, address: str) -> None:
    assert machine(name).address(vlan) == address


def test_every_address_belongs_to_one_machine() -> None:
    assert len({one.address(10) for one in ALL_MACHINES}) == len(ALL_MACHINES)


def test_links_have_their_own_socket_at_core() -> None:
    assert link("xen1-a").core_nic == "eth1"
    assert link("xen1-b").host_nic == "eth2"
    assert len({one.core_nic for one in ALL_LINKS}) == len(ALL_LINKS) == 12


def test_hardware_addresses_are_stable_and_distinct() -> None:
    every = {
        mac(lab, one.name, nic) for lab in ("demo", "other") for one in ALL_MACHINES for nic in ("eth0", "eth1", "eth2")
    }
    assert len(every) == 2 * len(ALL_MACHINES) * 3
    assert mac("demo", "xen1", "eth1") == mac("demo", "xen1", "eth1")


@pytest.mark.parametrize("name", ["xen9", "nonsense", ""])
def test_unknown_names_are_explained(name: str) -> None:
    with pytest.raises(LabError, match="There can be: core, xen1"):
        machine(name)
    with pytest.raises(LabError, match="xen1-a"):
        link(name)
