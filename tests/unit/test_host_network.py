"""The network of a host: files of systemd-networkd, plans, what forbids them, and how they are carried out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import (
    CommandFailed,
    Conflict,
    InvalidInput,
    Refused,
    TimedOut,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import (
    BondMode,
    Bridge,
    HostNetwork,
    LacpRate,
    address,
    make_bond,
    make_bridge,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import BondState, Link, Links
from ansible_collections.xenfleet.xen.plugins.module_utils.network import interfaces
from ansible_collections.xenfleet.xen.plugins.module_utils.network.choose import choose
from ansible_collections.xenfleet.xen.plugins.module_utils.network.guard import HostGuard
from ansible_collections.xenfleet.xen.plugins.module_utils.network.ifupdown import Ifupdown
from ansible_collections.xenfleet.xen.plugins.module_utils.network.networkd import (
    FOLDER,
    SYSCTL,
    Networkd,
    parse,
    render,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.host_network import (
    Clock,
    HostNetworkOperations,
    Outcome,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.network_view import network_of, view
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Effect
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.host_network import complete, plan_present
from ansible_collections.xenfleet.xen.plugins.modules import xen_bridge

from .network_host import BOND0, BR10, BR20, CARDS, GIVEN, WIRED, Host, Time, card, files, fresh, masquerades, networks

ROLE = Path(__file__).resolve().parents[2] / "roles" / "network"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return fresh(tmp_path)


def operations(host: Host) -> HostNetworkOperations:
    time = Time()
    guard = HostGuard(host, host.root)
    return HostNetworkOperations(Networkd(host, host.root), host, guard, Clock(time.now, time.sleep))


def ensure(host: Host, declared: HostNetwork, *, check: bool = False) -> Outcome:
    return operations(host).ensure(declared, check=check, timeout=20)


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("10.20.0.101", "lacks the prefix length"),
        ("10.20.0.0/24", "whole network"),
        ("10.20.0.255/24", "whole network"),
        ("10.20.0.300/24", "no IP address"),
        ("$(reboot)/24", "no IP address"),
    ],
)
def test_addresses_that_are_none(value: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        address(value)


@pytest.mark.parametrize(
    ("value", "usual"),
    [("10.20.0.101/24", "10.20.0.101/24"), ("FD00::0001/64", "fd00::1/64"), ("10.0.0.0/31", "10.0.0.0/31")],
)
def test_addresses_in_their_usual_form(value: str, usual: str) -> None:
    assert address(value) == usual


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_bridge("x" * 16),
        lambda: make_bridge("br\n[Match]"),
        lambda: make_bridge("br0", over="bond0", vlan=0),
        lambda: make_bridge("br0", over="bond0", vlan=4095),
        lambda: make_bridge("br0", network="a\nb"),
        lambda: make_bridge("br0", gateway="x"),
        lambda: make_bridge("br0", mtu=1),
        lambda: make_bridge("br0", ageing=-1),
        lambda: make_bridge("br0", over="bond0", trunk=("0",)),
        lambda: make_bridge("br0", over="bond0", trunk=("20-10",)),
        lambda: make_bridge("br0", over="bond0", trunk=("1\nVLAN=2",)),
        lambda: make_bond("bond0", "803.2ad", ("eth1",)),
        lambda: make_bond("bond0", "802.3ad", ("../eth1",)),
    ],
)
def test_values_that_make_no_sense(make: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput):
        make()


# -- files -------------------------------------------------------------------------------------------------------------


def test_the_files_of_a_bond_with_a_vlan_bridge() -> None:
    found = render(HostNetwork((replace(BOND0, miimon_ms=100, mac="52:54:00:00:00:01"),), (BR10,)))
    assert set(found) == {
        f"40-xenfleet-{name}"
        for name in (
            "bond0.netdev",
            "bond0.network",
            "bond0.10.netdev",
            "bond0.10.network",
            "eth1.network",
            "eth2.network",
            "xenbr10.netdev",
            "xenbr10.network",
        )
    }
    head = "# Written by Ansible (xenfleet.xen.xen_bridge), which undoes other changes when it runs again.\n"
    assert found["40-xenfleet-bond0.netdev"] == head + (
        "[NetDev]\nName=bond0\nKind=bond\nMACAddress=52:54:00:00:00:01\n\n"
        "[Bond]\nMode=802.3ad\nMIIMonitorSec=100ms\nLACPTransmitRate=fast\n"
    )
    assert found["40-xenfleet-xenbr10.network"] == head + (
        "[Match]\nName=xenbr10\n\n[Link]\nRequiredForOnline=no\n\n"
        "[Network]\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nConfigureWithoutCarrier=yes\nAddress=10.10.0.101/24\n"
    )
    assert "VLAN=bond0.10\n" in found["40-xenfleet-bond0.network"]
    assert "Bridge=xenbr10\n" in found["40-xenfleet-bond0.10.network"]
    assert "STP=no\nForwardDelaySec=0\n" in found["40-xenfleet-xenbr10.netdev"]


def test_the_files_of_a_trunk() -> None:
    found = render(
        HostNetwork((), (make_bridge("b", over="eth1", trunk=("200", "100-102", 101), stp=True, ageing=60),))
    )
    assert "VLANFiltering=yes\nDefaultPVID=none\n" in found["40-xenfleet-b.netdev"]
    assert "STP=yes\nForwardDelaySec=15\nAgeingTimeSec=60\n" in found["40-xenfleet-b.netdev"]
    assert found["40-xenfleet-eth1.network"].endswith("Bridge=b\n\n[BridgeVLAN]\nVLAN=100-102\nVLAN=200\n")


TRUNK = HostNetwork((BOND0,), (make_bridge("xenbr0", over="bond0", trunk=("100-109",)), BR10))


def test_guests_on_a_trunk_follow_its_vlans(host: Host) -> None:
    ensure(host, TRUNK)
    host.plug("vif3.0", "xenbr0")
    host.set("vif3.0", vlans=tuple(range(100, 110)))
    wider = HostNetwork((), (replace(TRUNK.bridges[0], trunk=(100, 101, 200)),))
    assert changed(host, wider) == {"bridges[xenbr0].trunk": ("100-109", "100-101, 200", Effect.LIVE)}
    ensure(host, wider)
    assert host.links["vif3.0"].vlans == host.links["bond0"].vlans == (100, 101, 200)
    ensure(host, HostNetwork((), (replace(TRUNK.bridges[0], trunk=()),)))
    assert not host.links["xenbr0"].filters


def test_vlans_that_a_trunk_has_lost_come_back(host: Host) -> None:
    ensure(host, TRUNK)
    host.set("bond0", vlans=(100,))
    assert changed(host, TRUNK) == {"bridges[xenbr0].trunk": ("100", "100-109", Effect.LIVE)}
    ensure(host, TRUNK)
    assert ensure(host, TRUNK).plan.changes == ()


def test_the_kernel_forwards_for_a_routed_bridge_and_no_further(host: Host) -> None:
    routed = make_bridge("b", addresses=("10.0.0.1/24",), routed=True)
    ensure(host, HostNetwork((), (routed,)))
    file = host.root / SYSCTL.lstrip("/")
    assert file.read_text().splitlines()[1:] == ["net.ipv4.ip_forward = 1"]
    assert ["sysctl", "--quiet", "--load", str(file)] in host.ran
    ensure(host, HostNetwork((), (replace(routed, addresses=("10.0.0.1/24", "fd00::1/64")),)))
    assert file.read_text().splitlines()[1:] == ["net.ipv4.ip_forward = 1", "net.ipv6.conf.all.forwarding = 1"]
    ensure(host, HostNetwork((), (replace(routed, routed=False),)))
    assert not file.exists()


def test_a_network_that_is_hidden_no_more(host: Host) -> None:
    hidden = make_bridge("xenbr3", addresses=("10.0.0.254/24",), nat=True)
    ensure(host, HostNetwork((), (hidden,)))
    assert host.masked == {("xenbr3", "10.0.0.254/24")}
    ensure(host, HostNetwork((), (replace(hidden, nat=False),)))
    assert (host.masked, host.links["xenbr3"].addresses) == (set(), ("10.0.0.254/24",))


def test_an_address_that_does_not_come_is_no_network(host: Host) -> None:
    host.links["eth0"] = card("eth0")
    given = HostNetwork((), (make_bridge("b", over="eth1", dhcp=True),))
    host.dark = frozenset({"dhcp"})
    with pytest.raises(TimedOut, match="b was given no address by DHCP"):
        ensure(host, given)
    assert files(host) == {}
    host.dark = frozenset()
    ensure(host, given)
    assert host.links["b"].addresses == (GIVEN,)
    assert ensure(host, given).plan.changes == ()


@given(networks())
def test_files_say_what_they_were_written_for(declared: HostNetwork) -> None:
    links = fresh(Path("/nowhere")).read()
    whole = complete(declared, HostNetwork(), links)
    assert parse(render(whole)) == whole


@given(networks())
def test_completing_what_is_complete_changes_nothing(declared: HostNetwork) -> None:
    links = fresh(Path("/nowhere")).read()
    whole = complete(declared, HostNetwork(), links)
    assert complete(declared, whole, links) == whole
    assert complete(whole, whole, links) == whole


SLOW = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(declared=networks())
def test_a_run_after_a_run_changes_nothing(tmp_path_factory: pytest.TempPathFactory, declared: HostNetwork) -> None:
    host = fresh(tmp_path_factory.mktemp("host"))
    first = ensure(host, declared, check=True)
    assert files(host) == {}
    done = ensure(host, declared)
    assert done.plan.changes == first.plan.changes
    assert bool(done.plan.changes) == bool(declared.names())
    again = ensure(host, declared)
    assert again.plan.changes == ()
    kept = files(host)
    names = declared.names()
    operations(host).remove(names, check=True, timeout=5)
    assert files(host) == kept
    operations(host).remove(names, check=False, timeout=5)
    assert files(host) == {}
    assert set(host.links) == {*CARDS, "lo"}
    assert all(link.master is None for link in host.links.values())
    assert operations(host).remove(names, check=False, timeout=5).plan.changes == ()


@SLOW
@given(before=networks(), after=networks())
def test_any_network_becomes_any_other(
    tmp_path_factory: pytest.TempPathFactory, before: HostNetwork, after: HostNetwork
) -> None:
    host = fresh(tmp_path_factory.mktemp("host"))
    ensure(host, before)
    gone = before.names() - after.names()
    used = frozenset(bond.name for bond in before.bonds if bond.name not in gone)
    operations(host).remove(gone | before.names() - used, check=False, timeout=5)
    try:
        ensure(host, after)
    except Refused:  # such as a card that must leave its old bond first
        operations(host).remove(used, check=False, timeout=5)
        ensure(host, after)
    assert ensure(host, after).plan.changes == ()
    assert ensure(host, HostNetwork(after.bonds[:1])).plan.changes == ()
    assert host.masked == masquerades(host.network())


def test_a_file_that_somebody_edited_is_written_anew(host: Host) -> None:
    ensure(host, WIRED)
    edited = host.root / FOLDER / "40-xenfleet-bond0.10.network"
    whole = edited.read_text()
    edited.write_text(whole + "DHCP=yes\n")
    done = ensure(host, WIRED)
    assert [change.field for change in done.plan.changes] == ["files[40-xenfleet-bond0.10.network]"]
    assert edited.read_text() == whole
    edited.write_text(whole + "DHCP=yes\n")
    assert ensure(host, HostNetwork((), (BR20,))).plan.changes == ()
    assert "DHCP" in edited.read_text()


@pytest.mark.parametrize(
    "name", ["40-xenfleet-bond0.netdev", "40-xenfleet-eth1.network", "40-xenfleet-bond0.10.netdev"]
)
@pytest.mark.parametrize("damage", ["", "garbage\n", "[NetDev]\nName=bond0\nKind=bond\n[Bond]\nMode=none\n", None])
def test_a_file_that_is_damaged_or_gone_is_mended(host: Host, name: str, damage: str | None) -> None:
    ensure(host, WIRED)
    whole = files(host)
    file = host.root / FOLDER / name
    file.unlink() if damage is None else file.write_text(damage)
    assert ensure(host, WIRED).plan.changes
    assert files(host) == whole
    assert ensure(host, WIRED).plan.changes == ()


# -- plans -------------------------------------------------------------------------------------------------------------


def changed(host: Host, declared: HostNetwork) -> dict[str, tuple[str | None, str | None, Effect]]:
    done = ensure(host, declared, check=True)
    return {change.field: (change.before, change.after, change.effect) for change in done.plan.changes}


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (HostNetwork((replace(BOND0, miimon_ms=50),)), {"bonds[bond0].miimon_ms": ("100", "50", Effect.LIVE)}),
        (
            HostNetwork((replace(BOND0, members=("eth1", "eth2", "eth3")),)),
            {"bonds[bond0].members": ("eth1, eth2", "eth1, eth2, eth3", Effect.LIVE)},
        ),
        (
            HostNetwork((replace(BOND0, lacp_rate=LacpRate.SLOW),)),
            {"bonds[bond0].lacp_rate": ("fast", "slow", Effect.RECREATE)},
        ),
        (
            HostNetwork((), (replace(BR10, vlan=11),)),
            {"bridges[xenbr10].vlan": ("10", "11", Effect.LIVE)},
        ),
        (
            HostNetwork((), (replace(BR10, addresses=("10.10.0.9/24",), network="other"),)),
            {
                "bridges[xenbr10].addresses": ("10.10.0.101/24", "10.10.0.9/24", Effect.LIVE),
                "bridges[xenbr10].network": ("services", "other", Effect.LIVE),
            },
        ),
        (HostNetwork((), (replace(BR10, addresses=None, network=None),)), {}),
        (
            HostNetwork((), (replace(BR10, addresses=()),)),
            {"bridges[xenbr10].addresses": ("10.10.0.101/24", "none", Effect.LIVE)},
        ),
    ],
)
def test_changes_of_a_wired_host(
    host: Host, declared: HostNetwork, expected: dict[str, tuple[str | None, str | None, Effect]]
) -> None:
    ensure(host, WIRED)
    assert changed(host, declared) == expected
    done = ensure(host, declared)
    assert len(done.plan.changes) == len(expected)
    assert ensure(host, declared).plan.changes == ()
    for bridge in declared.bridges:
        if bridge.addresses is not None:
            assert host.links[bridge.name].addresses == bridge.addresses


@pytest.mark.parametrize(
    ("harm", "field"),
    [
        (lambda host: host.delete("xenbr10"), "bridges[xenbr10]"),
        (lambda host: host.delete("bond0.10"), "bridges[xenbr10].over"),
        (lambda host: host.delete("bond0"), "bonds[bond0]"),
        (lambda host: host.release("eth1"), "bonds[bond0].members"),
        (lambda host: host.release("bond0.10"), "bridges[xenbr10].over"),
        (lambda host: host.set("xenbr10", up=False), "bridges[xenbr10].state"),
        (lambda host: host.set("xenbr10", addresses=()), "bridges[xenbr10].addresses"),
        (lambda host: host.set("xenbr10", stp=True), "bridges[xenbr10].stp"),
        (lambda host: host.set("xenbr10", filters=True), "bridges[xenbr10].trunk"),
        (lambda host: host.set("xenbr10", ageing=6000), "bridges[xenbr10].ageing"),
        (lambda host: host.set("xenbr10", forward_delay=1500), "bridges[xenbr10].forward_delay"),
        (lambda host: host.set("bond0.10", vlan=99), "bridges[xenbr10].over"),
        (lambda host: host.set("bond0", bond=BondState("balance-rr")), "bonds[bond0].mode"),
    ],
)
def test_what_the_kernel_lost_is_repaired(host: Host, harm: Callable[[Host], None], field: str) -> None:
    ensure(host, WIRED)
    kept = files(host)
    harm(host)
    assert field in changed(host, WIRED)
    ensure(host, WIRED)
    assert files(host) == kept
    assert ensure(host, WIRED).plan.changes == ()


def test_an_added_bridge_leaves_guests_plugged_in(host: Host) -> None:
    ensure(host, HostNetwork((BOND0,), (BR10,)))
    host.plug("vif3.0", "xenbr10")
    before = {name: host.links[name] for name in ("vif3.0", "xenbr10", "bond0.10", "bond0")}
    done = ensure(host, WIRED)
    assert done.plan.delete == ()
    assert {name: host.links[name] for name in before} == before
    assert view(done.links, done.plan.after, WIRED.names())["bridges"][0]["guest_ports"] == ["vif3.0"]


def test_no_file_matches_an_interface_of_a_guest(host: Host) -> None:
    ensure(host, WIRED)
    assert not any("*" in text or "vif" in text for text in files(host).values())


# -- what forbids ------------------------------------------------------------------------------------------------------


def refusal(host: Host, declared: HostNetwork) -> str:
    before = dict(host.links), files(host)
    with pytest.raises(Refused) as caught:
        ensure(host, declared)
    assert (host.links, files(host)) == before
    with pytest.raises(Refused):
        ensure(host, declared, check=True)
    return str(caught.value)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (HostNetwork((make_bond("bond0", "802.3ad", ("eth0", "eth1")),)), "eth0 carries the connection"),
        (HostNetwork((), (make_bridge("br0", over="eth0"),)), "eth0 carries the connection"),
        (HostNetwork((), (make_bridge("br0", over="eth0", vlan=5),)), "eth0 carries the connection"),
        (HostNetwork((make_bond("bond0", "802.3ad", ("eth9",)),)), "eth9, a member of bond0, is no interface"),
        (HostNetwork((make_bond("bond0", "802.3ad", ("lo",)),)), "it is the loopback interface"),
        (HostNetwork((), (make_bridge("br0", over="bond7", vlan=1),)), "neither declared nor an interface"),
        (HostNetwork((make_bond("bond0", "802.3ad", ()),)), "has no members"),
        (HostNetwork((make_bond("bond0", "802.3ad", ("eth1", "eth1")),)), "more than once"),
        (HostNetwork((BOND0, replace(BOND0, name="bond1"))), "member of more than one bond: bond0, bond1"),
        (HostNetwork((BOND0,), (BR10, replace(BR10, name="br2", addresses=None))), "in one bridge only"),
        (HostNetwork((BOND0,), (BR10, replace(BR20, addresses=BR10.addresses))), "address 10.10.0.101 is declared on"),
        (HostNetwork((BOND0,), (BR10, BR10)), "xenbr10 is declared more than once"),
        (
            HostNetwork(
                (make_bond("bond-of-storage", "802.3ad", ("eth1",)),),
                (make_bridge("b", over="bond-of-storage", vlan=9),),
            ),
            "longer than 15",
        ),
        (HostNetwork((), (make_bridge("b", vlan=9),)), "needs 'over'"),
        (HostNetwork((), (make_bridge("b", over="eth1", addresses=("192.0.2.5/24",)),)), "eth0 has it"),
        (
            HostNetwork((), (make_bridge("b", addresses=("10.0.0.2/24",), gateway="10.0.0.1"),)),
            "a second one could cut",
        ),
        (HostNetwork((), (make_bridge("b", addresses=("10.0.0.2/24",), gateway="10.9.0.1"),)), "none of its addresses"),
        (HostNetwork((), (make_bridge("b", nat=True),)), "nat needs an IPv4 address"),
        (HostNetwork((), (make_bridge("b", routed=True),)), "routed needs an address"),
        (HostNetwork((), (make_bridge("b", over="eth1", dhcp=True),)), "b cannot have a gateway by DHCP"),
        (
            HostNetwork((), (make_bridge("b", addresses=("10.0.0.2/24",), gateway="10.0.0.1", dhcp=True),)),
            "gateway comes by DHCP",
        ),
        (HostNetwork((), (make_bridge("b", trunk=("7",)),)), "trunk needs 'over'"),
        (HostNetwork((), (make_bridge("b", over="eth1", vlan=9, trunk=("7",)),)), "both vlan and trunk"),
        (
            HostNetwork((), (make_bridge("b", over="eth1", addresses=("10.0.0.2/24",), trunk=("7",)),)),
            "addresses cannot be had with trunk",
        ),
        (
            HostNetwork((), (make_bridge("b", over="eth1", trunk=("7-9",)), make_bridge("c", over="eth1", vlan=8))),
            "trunk has VLAN 8 of eth1, which c has already",
        ),
        (HostNetwork((BOND0,), (make_bridge("b", over="eth1"),)), "eth1 is a member of bond0"),
        (HostNetwork((BOND0,), (make_bridge("b", over="bond0", mtu=9000),)), "larger than the 1500 of bond0"),
        (HostNetwork((make_bond("bond0", "active-backup", ("eth1",), lacp_rate="fast"),)), "for the mode 802.3ad"),
        (HostNetwork((make_bond("bond0", "802.3ad", ("eth1",), primary="eth1"),)), "primary is for the modes"),
        (HostNetwork((make_bond("bond0", "active-backup", ("eth1",), primary="eth2"),)), "not among its members"),
        (HostNetwork((), (make_bridge("eth1"),)), "eth1 is already the name of a network card"),
    ],
)
def test_refused_before_anything_is_touched(host: Host, declared: HostNetwork, words: str) -> None:
    assert words in refusal(host, declared)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            make_bridge("xenbr3", addresses=("10.0.0.254/24",), nat=True),
            make_bridge("xenbr3", addresses=()),
            "bridges[xenbr3].nat needs an IPv4 address",
        ),
        (
            make_bridge("xenbr3", addresses=("10.0.0.254/24",)),
            make_bridge("xenbr3", over="eth4", trunk=(7,)),
            "bridges[xenbr3].addresses cannot be had with trunk",
        ),
        (
            make_bridge("xenbr3", over="eth4", dhcp=True),
            make_bridge("xenbr3", over="eth4", addresses=("192.0.2.8/24",), gateway="192.0.2.1"),
            "bridges[xenbr3].gateway comes by DHCP",
        ),
    ],
)
def test_what_is_kept_and_does_not_go_with_what_is_declared(
    host: Host, before: Bridge, after: Bridge, words: str
) -> None:
    host.set("eth0", gateway=None)
    ensure(host, HostNetwork((), (before,)))
    problem = refusal(host, HostNetwork((), (after,)))
    assert words in problem
    assert "(what is not given stays as it was given before)" in problem


def test_all_obstacles_are_named_at_once(host: Host) -> None:
    words = refusal(
        host, HostNetwork((make_bond("bond0", "802.3ad", ("eth0", "eth9")),), (make_bridge("b", over="eth8"),))
    )
    assert all(
        one in words for one in ("eth0 carries", "eth9, a member", "eth8, which b lies over", "Nothing was changed.")
    )


def test_all_values_that_make_no_sense_are_named_at_once() -> None:
    with pytest.raises(Refused) as caught:
        network_of(
            [{"name": "bond0"}, {"name": "b" * 20, "mode": "802.3ad", "members": ["eth1"]}],
            [{"name": "br0", "over": "bond0", "vlan": 5000}, {"name": "br1", "addresses": ["x"]}],
        )
    assert len(caught.value.obstacles) == 5


def test_a_card_with_an_address_is_not_taken(host: Host) -> None:
    host.set("eth2", addresses=("198.51.100.7/24",))
    assert "198.51.100.7/24, which it would lose" in refusal(host, WIRED)


def test_a_card_in_another_bridge_is_not_taken(host: Host) -> None:
    host.links["br-old"] = Link("br-old", "bridge")
    host.set("eth2", master="br-old")
    assert "already a member of br-old" in refusal(host, WIRED)


@pytest.mark.parametrize(
    "declared",
    [
        HostNetwork((replace(BOND0, mode=BondMode.ACTIVE_BACKUP, lacp_rate=None),)),
        HostNetwork((), (replace(BR10, vlan=11),)),
        HostNetwork((), (replace(BR10, over=None, vlan=None),)),
    ],
)
def test_guests_do_not_lose_their_network(host: Host, declared: HostNetwork) -> None:
    ensure(host, WIRED)
    host.plug("vif3.0", "xenbr10")
    host.plug("tap4.0", "xenbr10")
    assert "(tap4.0, vif3.0 of ldap1)" in refusal(host, declared)


@pytest.mark.parametrize("names", [{"xenbr10"}, {"xenbr10", "xenbr20", "bond0"}])
def test_a_bridge_with_guests_does_not_go(host: Host, names: set[str]) -> None:
    ensure(host, WIRED)
    host.plug("vif3.0", "xenbr10")
    with pytest.raises(Refused, match=r"vif3\.0 of ldap1"):
        operations(host).remove(frozenset(names), check=False, timeout=5)
    operations(host).remove(frozenset({"xenbr20"}), check=False, timeout=5)
    assert "xenbr20" not in host.links
    assert host.links["vif3.0"].master == "xenbr10"


def test_what_is_not_kept_goes(host: Host) -> None:
    ensure(host, WIRED)
    ensure(host, HostNetwork((), (make_bridge("xenbr3", addresses=("10.0.0.254/24",)),)))
    host.links["br9"] = Link("br9", "bridge")
    ways = {"check": False, "timeout": 5}
    kept = operations(host).remove(frozenset(), **ways, keep=frozenset({"bond0", "xenbr10", "xenbr20"}))
    assert [change.field for change in kept.plan.changes] == ["bridges[xenbr3]"]
    assert (
        operations(host).remove(frozenset(), **ways, keep=frozenset({"bond0", "xenbr10", "xenbr20"})).plan.changes == ()
    )
    operations(host).remove(frozenset(), **ways, keep=frozenset())
    assert set(host.links) == {*fresh(host.root).links, "br9"}


def test_a_bond_under_a_bridge_does_not_go_alone(host: Host) -> None:
    ensure(host, WIRED)
    with pytest.raises(Refused, match="the bridge xenbr10 lies over it"):
        operations(host).remove(frozenset({"bond0"}), check=False, timeout=5)


def test_the_stack_under_the_connection_is_not_changed_when_nobody_can_confirm_it(host: Host) -> None:
    ensure(host, WIRED)
    for name in ("xenbr10", "bond0.10", "bond0", "eth1", "eth2"):
        host.management[name] = "this SSH session came to its address 10.10.0.101"
    assert ensure(host, WIRED).plan.changes == ()
    words = refusal(host, HostNetwork((replace(BOND0, members=("eth1",)),), (replace(BR10, vlan=11),)))
    assert all(f"{name} carries the connection" in words for name in ("bond0", "eth1", "eth2", "xenbr10", "bond0.10"))
    with pytest.raises(Refused, match="carries the connection"):
        operations(host).remove(frozenset({"xenbr10"}), check=False, timeout=5)
    vlan = HostNetwork((), (make_bridge("xenbr30", over="bond0", vlan=30),))
    assert "bond0 carries the connection" in refusal(host, vlan)


# -- other managers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        (
            "etc/systemd/network/10-wan.network",
            "[Match]\nName=eth*\n",
            "eth1 is managed by the file /etc/systemd/network/10-wan",
        ),
        ("usr/lib/systemd/network/20-all.network", "[Match]\nType=ether\n", "eth1 is managed by the file"),
        ("etc/systemd/network/90-bond.netdev", "[NetDev]\nName=bond0\nKind=bond\n", "bond0 is managed by the file"),
        ("etc/systemd/network/90-wan.network", "[Match]\nName=eth*\n", None),
        ("etc/systemd/network/10-wan.network", "[Match]\nName=eth0\n[Network]\nAddress=192.0.2.5/24\n", None),
        ("etc/systemd/network/10-wan.network", "[Match]\nName=!eth1 eth2 bond* xen*\n", None),
        ("etc/network/interfaces", "auto eth1\niface eth1 inet dhcp\n", "eth1 is managed by ifupdown"),
        ("etc/network/interfaces", "iface br0 inet manual\n  bridge_ports eth2 eth3\n", "eth2 is managed by ifupdown"),
        ("etc/network/interfaces", "auto eth0\niface eth0 inet dhcp\n", None),
    ],
)
def test_what_others_manage_is_left_to_them(host: Host, file: str, text: str, words: str | None) -> None:
    host.programs |= {"ifup"}
    (host.root / file).parent.mkdir(parents=True, exist_ok=True)
    (host.root / file).write_text(text)
    if words is None:
        ensure(host, WIRED)
    else:
        assert words in refusal(host, WIRED)
    assert (host.root / file).read_text() == text


def test_ifupdown_files_are_followed(tmp_path: Path) -> None:
    folder = tmp_path / "etc/network/interfaces.d"
    folder.mkdir(parents=True)
    (tmp_path / "etc/network/interfaces").write_text("source /etc/network/interfaces.d/*\niface lo inet loopback\n")
    (folder / "lan").write_text("iface bond7 inet manual\n  bond-slaves eth1 \\\n   eth2\n# iface eth9 inet dhcp\n")
    assert interfaces.interfaces(tmp_path) == dict.fromkeys(("bond7", "eth1", "eth2"), "/etc/network/interfaces.d/lan")


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("source /etc/network/interfaces.d/*", True),
        ("source interfaces.d/*", True),
        ("source-directory /etc/network/interfaces.d", True),
        ("source-directory interfaces.d/", True),
        ("source /etc/network/interfaces.d/*.cfg", False),
        ("# source /etc/network/interfaces.d/*", False),
        ("iface eth0 inet dhcp", False),
    ],
)
def test_whether_ifupdown_would_read_a_file(tmp_path: Path, line: str, read: bool) -> None:
    (tmp_path / "etc/network").mkdir(parents=True)
    (tmp_path / "etc/network/interfaces").write_text(f"{line}\n")
    assert interfaces.reads(tmp_path, "/etc/network/interfaces.d/xenfleet") is read


def test_who_manages_the_network(host: Host) -> None:
    host.active = frozenset({"NetworkManager.service"})
    with pytest.raises(
        Conflict, match=r"neither systemd-networkd nor ifupdown.*NetworkManager, which is not supported"
    ):
        choose(host, host.root)
    host.active, host.programs = frozenset({"networking.service"}), host.programs | {"ifup"}
    (host.root / "etc/network").mkdir(parents=True)
    (host.root / "etc/network/interfaces").write_text("iface eth0 inet dhcp\n")
    with pytest.raises(Conflict, match=r"Add to /etc/network/interfaces: source /etc/network/interfaces\.d/\*"):
        choose(host, host.root)
    (host.root / "etc/network/interfaces").write_text("source /etc/network/interfaces.d/*\n")
    assert isinstance(choose(host, host.root), Ifupdown)
    host.active |= {"systemd-networkd.service"}
    assert isinstance(choose(host, host.root), Networkd)


# -- when it does not come up ------------------------------------------------------------------------------------------


def test_a_network_that_does_not_come_up_is_taken_back(host: Host) -> None:
    ensure(host, HostNetwork((BOND0,), (BR10,)))
    before, kept = dict(host.links), files(host)
    host.stubborn = frozenset({"eth3"})
    bond1 = make_bond("bond1", "active-backup", ("eth3", "eth4"))
    with pytest.raises(TimedOut, match="eth3 is not in bond1"):
        ensure(host, HostNetwork((bond1,), (make_bridge("b", over="bond1", vlan=3),)))
    assert files(host) == kept
    assert {name: replace(link, up=True) for name, link in host.links.items()} == before
    assert ["networkctl", "reconfigure", "eth3"] in host.ran


def test_files_that_cannot_be_written_change_nothing(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure(host, HostNetwork((BOND0,), (BR10,)))
    before, kept = dict(host.links), files(host)
    replace_file = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == "40-xenfleet-xenbr20.network":
            raise OSError(28, "No space left on device")
        return replace_file(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CommandFailed, match="No space left"):
        ensure(host, WIRED)
    assert (host.links, files(host)) == (before, kept)


def test_a_bond_that_lost_its_partner_is_taken_back(host: Host) -> None:
    ensure(host, WIRED)
    kept = files(host)
    host.dark = frozenset({"partner"})
    with pytest.raises(TimedOut, match="no partner"):
        ensure(host, HostNetwork((replace(BOND0, lacp_rate=LacpRate.SLOW),)))
    assert files(host) == kept
    assert host.links["bond0.10"].master == "xenbr10"


def test_a_new_bond_that_hears_nobody_is_a_warning(host: Host) -> None:
    host.dark = frozenset({"partner"})
    host.set("eth2", carrier=False)
    done = ensure(host, WIRED)
    assert done.warnings == (
        "eth2 in bond0 has no carrier",
        "no partner on the members of bond0 speaks 802.3ad (LACP)",
    )
    again = ensure(host, WIRED)
    assert again.plan.changes == ()
    assert again.warnings == done.warnings


# -- the module and the role -------------------------------------------------------------------------------------------


def shape(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What an argument specification demands, without its words."""
    return {
        name: {key: shape(value) if key == "options" else value for key, value in one.items() if key != "description"}
        for name, one in spec.items()
    }


def role_options() -> dict[str, Any]:
    spec = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())
    options: dict[str, Any] = spec["argument_specs"]["main"]["options"]
    return options


@pytest.mark.parametrize(
    ("variable", "spec"),
    [
        ("network_bonds", xen_bridge.BOND_SPEC),
        ("network_bonds_absent", xen_bridge.BOND_SPEC),
        ("network_bridges", xen_bridge.BRIDGE_SPEC),
        ("network_bridges_absent", xen_bridge.BRIDGE_SPEC),
    ],
)
def test_the_role_takes_what_the_module_takes(variable: str, spec: Mapping[str, Any]) -> None:
    assert shape(role_options()[variable]["options"]) == shape(spec)


def test_the_role_has_the_defaults_that_it_documents() -> None:
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    assert {name: option.get("default") for name, option in role_options().items()} == defaults


def test_the_module_documents_what_it_takes() -> None:
    documented = yaml.safe_load(xen_bridge.DOCUMENTATION)["options"]
    assert list(documented["bonds"]["suboptions"]) == list(xen_bridge.BOND_SPEC)
    assert list(documented["bridges"]["suboptions"]) == list(xen_bridge.BRIDGE_SPEC)
    assert [mode.value for mode in BondMode] == xen_bridge.BOND_SPEC["mode"]["choices"]


def test_plan_of_nothing_is_nothing() -> None:
    links: Collection[str] = plan_present(HostNetwork(), HostNetwork(), Links()).touched
    assert links == frozenset()


def test_a_card_leaves_its_bridge_though_networkd_puts_it_back(tmp_path: Path) -> None:
    host = fresh(tmp_path)
    host.eager = True
    ensure(host, HostNetwork((), (make_bridge("xenbr0", over="eth1", addresses=("10.0.0.1/24",)),)))
    assert [port.name for port in host.read().ports("xenbr0")] == ["eth1"]
    alone = HostNetwork((), (make_bridge("xenbr0", addresses=("10.0.0.1/24",), nat=True),))
    ensure(host, alone)
    assert not host.read().ports("xenbr0")
    assert ensure(host, alone).plan.changes == ()
