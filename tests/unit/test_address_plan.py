"""The address plan: what it gives, what stays, and what it refuses."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput, Refused
from ansible_collections.xenfleet.xen.plugins.module_utils.model.address_plan import (
    Allotment,
    Allotted,
    planned_networks,
    read_allotted,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import derived_mac
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.addresses import (
    Demand,
    allot,
    check_recorded,
    unclaimed,
    without,
)

SERVICES = {"name": "services", "subnets": ["10.10.0.0/24"], "ranges": ["10.10.0.100-10.10.0.109"]}
STORAGE = {"name": "storage", "subnets": ["10.20.0.0/24", "fd00:20::/64"], "reserved": ["10.20.0.0/25"]}
NETWORKS = planned_networks([SERVICES, STORAGE])
LABELS = sorted(NETWORKS)

names = st.sets(st.sampled_from([f"guest{number}" for number in range(30)]), max_size=10)


@st.composite
def demands(draw: st.DrawFn, among: st.SearchStrategy[set[str]] = names) -> list[Demand]:
    found = []
    for name in sorted(draw(among)):
        networks = draw(st.permutations(LABELS).flatmap(lambda labels: st.integers(0, 2).map(lambda n: labels[:n])))
        found += [Demand(name, network, position=position) for position, network in enumerate(networks)]
    return found


def addresses_of(allotted: Allotted) -> list[str]:
    return [str(one.ip) for networks in allotted.values() for entry in networks.values() for one in entry.addresses]


@given(demands())
def test_nothing_is_given_twice_and_all_of_it_is_in_the_range(asked: list[Demand]) -> None:
    allotted = allot(NETWORKS, asked, {})
    assert {(name, network) for name, given in allotted.items() for network in given} == {
        (demand.name, demand.network) for demand in asked
    }
    macs = [entry.mac for networks in allotted.values() for entry in networks.values()]
    assert len(set(addresses_of(allotted))) == len(addresses_of(allotted))
    assert len(set(macs)) == len(macs)
    for networks in allotted.values():
        for network, entry in networks.items():
            assert [one.network for one in entry.addresses] == list(NETWORKS[network].subnets)
            assert all(any(one.ip in span for span in NETWORKS[network].spans) for one in entry.addresses)


@given(demands())
def test_the_same_is_given_whatever_the_order(asked: list[Demand]) -> None:
    by_name = {demand.name: [one for one in asked if one.name == demand.name] for demand in asked}
    backwards = [demand for name in reversed(by_name) for demand in by_name[name]]
    assert allot(NETWORKS, backwards, {}) == allot(NETWORKS, asked, {})


@given(demands(), st.data())
def test_what_was_given_stays_whoever_comes_or_goes(asked: list[Demand], data: st.DataObject) -> None:
    first = allot(NETWORKS, asked, {})
    room = 10 - len({demand.name for demand in asked})
    others = st.sets(st.sampled_from([f"new{number}" for number in range(30)]), max_size=room)
    leave = data.draw(st.sets(st.sampled_from(sorted(first)))) if first else set()
    stay = [demand for demand in asked if demand.name not in leave]
    then = [*data.draw(demands(others)), *stay]
    second = allot(NETWORKS, then, first)
    # Also what nobody asks for any more, so that it is not another's by surprise.
    for name, networks in first.items():
        for network, entry in networks.items():
            assert second[name][network] == entry
    assert sorted({name for name, _network in unclaimed(then, second)}) == sorted(leave)
    released = allot(NETWORKS, then, without(first, unclaimed(then, first)))
    assert all(released[demand.name][demand.network] == first[demand.name][demand.network] for demand in stay)
    assert not leave & released.keys()


@given(demands())
def test_a_plan_that_is_recorded_is_complete(asked: list[Demand]) -> None:
    recorded = allot(NETWORKS, asked, {})
    assert allot(NETWORKS, asked, recorded) == recorded
    check_recorded(NETWORKS, asked, recorded)


def test_a_name_alone_in_its_network_always_gets_the_same() -> None:
    (alone,) = addresses_of(allot(NETWORKS, [Demand("ldap1", "services", position=0)], {}))
    # By a digest, not by Python's own hash, which differs from run to run.
    assert alone == "10.10.0.101"
    others = [Demand(f"aaa{number}", "services", position=0) for number in range(9)]
    recorded = allot(NETWORKS, [Demand("ldap1", "services", position=0)], {})
    assert (
        str(
            allot(NETWORKS, [*others, Demand("ldap1", "services", position=0)], recorded)["ldap1"]["services"]
            .addresses[0]
            .ip
        )
        == alone
    )


def test_what_is_fixed_goes_first_and_need_not_be_in_the_range() -> None:
    fixed = NETWORKS["services"].interface("10.10.0.7", field="it")
    asked = [Demand("a", "services", position=0), Demand("z", "services", (fixed,), 1, "00:16:3e:00:00:07")]
    allotted = allot(NETWORKS, asked, {})
    assert allotted["z"]["services"] == Allotment((ipaddress.ip_interface("10.10.0.7/24"),), "00:16:3e:00:00:07")
    # In a network of both kinds the other kind is given.
    both = NETWORKS["storage"].interface("10.20.0.7/24", field="it")
    given = allot(NETWORKS, [Demand("z", "storage", (both,), 0)], {})["z"]["storage"]
    assert [one.version for one in given.addresses] == [4, 6]
    assert str(given.addresses[0]) == "10.20.0.7/24"


def test_the_mac_address_is_the_one_that_the_guest_would_have_without_a_plan() -> None:
    asked = [Demand("web1", "services", position=1)]
    assert allot(NETWORKS, asked, {})["web1"]["services"].mac == derived_mac("web1", 1)
    # It stays when the interface becomes the first, and is another when that one is taken.
    recorded = allot(NETWORKS, asked, {})
    assert allot(NETWORKS, [Demand("web1", "services", position=0)], recorded) == recorded
    other = allot(NETWORKS, asked, {}, [("old1 (interface 0)", derived_mac("web1", 1))])["web1"]["services"].mac
    assert other not in (None, derived_mac("web1", 1))


def test_a_host_gets_addresses_and_no_mac() -> None:
    entry = allot(NETWORKS, [Demand("xen1.example.org", "storage")], {})["xen1.example.org"]["storage"]
    assert (len(entry.addresses), entry.mac) == (2, None)


def recorded(**given: str) -> Allotted:
    return read_allotted({name: {"services": {"addresses": [text], "mac": None}} for name, text in given.items()})


TEN = [f"g{number}" for number in range(10)]


@pytest.mark.parametrize(
    ("asked", "record", "macs", "says"),
    [
        ([(name, None) for name in [*TEN, "late"]], {}, [], "late gets no address: all of 10.10.0.100-10.10.0.109"),
        (
            [("late", None)],
            {name: f"10.10.0.{100 + number}/24" for number, name in enumerate(TEN)},
            [],
            "g0, g1, g2, g3, g4, g5, g6, g7, g8, g9 may be there no more: -e addresses_release=true",
        ),
        ([("a", "10.10.0.7"), ("b", "10.10.0.7")], {}, [], "10.10.0.7 is of a and of b"),
        ([("a", "10.10.0.7")], {"b": "10.10.0.7/24"}, [], "10.10.0.7 is of a and of b"),
        ([], {"a": "10.10.0.7/24", "b": "10.10.0.7/24"}, [], "10.10.0.7 is of a and of b"),
        ([("a", None)], {"a": "10.11.0.7/24"}, [], "a has 10.11.0.7/24 in the network services, which is 10.10.0.0/24"),
        ([("a_b", None)], {}, [], "a_b is no name of a machine"),
        ([("a.x.org", None), ("a.y.org", None)], {}, [], "a.x.org and a.y.org would have one name"),
        (
            [],
            {},
            [("a (interface 0)", "00:16:3e:00:00:01"), ("b (interface 0)", "00:16:3E:00:00:01")],
            "the MAC address 00:16:3e:00:00:01 is of a (interface 0) and of b (interface 0)",
        ),
    ],
)
def test_what_cannot_be_is_named(
    asked: list[tuple[str, str | None]], record: dict[str, str], macs: list[tuple[str, str]], says: str
) -> None:
    services = NETWORKS["services"]
    wanted = [
        Demand(name, "services", (services.interface(text, field="it"),) if text else (), 0) for name, text in asked
    ]
    with pytest.raises(Refused) as refused:
        allot(NETWORKS, wanted, recorded(**record), macs)
    assert says in str(refused.value)


def test_two_fixed_mac_addresses_that_are_equal_are_named() -> None:
    asked = [Demand(name, "services", (), 0, "00:16:3e:00:00:01") for name in ("a", "b")]
    with pytest.raises(Refused, match="is of a in the network services and of b in the network services"):
        allot(NETWORKS, asked, {})


def test_all_obstacles_are_named_at_once() -> None:
    services = NETWORKS["services"].interface("10.10.0.7", field="it")
    asked = [Demand(name, "services", (services,), 0) for name in ("a", "b", "x_y")]
    with pytest.raises(Refused) as refused:
        allot(NETWORKS, asked, {})
    assert len(refused.value.obstacles) == 3


def test_a_record_that_lacks_something_is_not_up_to_date() -> None:
    services = NETWORKS["services"].interface("10.10.0.7", field="it")
    asked = [Demand("new", "services", position=0), Demand("other", "services", (services,), 0)]
    before = allot(NETWORKS, [Demand("other", "services", position=0)], {})
    with pytest.raises(Refused) as refused:
        check_recorded(NETWORKS, asked, before)
    text = str(refused.value)
    assert "new: not in the network services" in text
    assert "declared is 10.10.0.7/24" in text
    assert "Run the playbook xenfleet.xen.addresses" in text


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"name": "a b"}, "not usable as a label"),
        ({"name": "a"}, "subnets has to name"),
        ({"name": "a", "subnets": ["10.0.0.0/24", "10.0.1.0/24"]}, "subnets has to name"),
        ({"name": "a", "subnets": "10.0.0.1/24"}, "what is no network"),
        ({"name": "a", "subnets": "10.0.0.0/24", "ranges": "10.0.1.1-10.0.1.9"}, "no range of the network"),
        ({"name": "a", "subnets": "10.0.0.0/24", "ranges": "10.0.0.9-10.0.0.1"}, "no range of the network"),
        ({"name": "a", "subnets": "10.0.0.0/24", "ranges": ["10.0.0.1-10.0.0.9", "10.0.0.9"]}, "overlap"),
        ({"name": "a", "subnets": "10.0.0.0/24", "ranges": "first"}, "what is no address"),
        ({"name": "a", "subnets": "10.0.0.0/24", "gateway": "10.0.1.1"}, "gateway is outside of the network"),
        ({"name": "a", "subnets": "10.0.0.0/24", "dns": "ns"}, "what is no address"),
        ({"name": "a", "subnets": "10.0.0.0/24", "domain": "x_y"}, "domain is no domain"),
        ({"name": "a", "subnets": "10.0.0.0/24", "dhcp": "maybe"}, "neither true nor false"),
        ({"name": "a", "subnets": "fd00::/64", "dhcp": True}, "IPv4 alone"),
        ({"name": "a", "subnets": "10.0.0.0/24", "range": "10.0.0.1"}, "unknown keys; found: range"),
        ({"name": "services", "subnets": "10.0.0.0/24"}, "the network services twice"),
        ({"name": "a", "subnets": "10.10.0.128/25"}, "the networks services and a overlap"),
    ],
)
def test_a_network_that_cannot_be_is_refused(entry: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        planned_networks([SERVICES, entry])
    assert says in str(refused.value)


@pytest.mark.parametrize("text", ["10.11.0.7", "10.10.0.7/16", "10.10.0.0", "10.10.0.255/24", "fd00::1", "x"])
def test_an_address_that_is_none_of_its_network_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="guest_addresses"):
        NETWORKS["services"].interface(text, field="guest_addresses")


def test_gateway_servers_and_ends_are_not_given_out() -> None:
    networks = planned_networks(
        [{"name": "a", "subnets": "10.0.0.0/29", "gateway": "10.0.0.6", "dns": ["10.0.0.5"], "reserved": ["10.0.0.1"]}]
    )
    assert [str(span) for span in networks["a"].spans] == ["10.0.0.2-10.0.0.4"]


@pytest.mark.parametrize(
    "wrong",
    [
        ["a"],
        {"a": None},
        {"a": {"services": {}}},
        {"a": {"services": {"addresses": ["x"]}}},
        {"a": {"services": {"addresses": [], "mac": "x"}}},
    ],
)
def test_a_record_in_another_form_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidInput):
        read_allotted(wrong)


def test_without_a_record_nothing_is_given() -> None:
    assert read_allotted(None) == {}
