"""What guests, bridges, /etc/hosts and dnsmasq are told of the address plan."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput, Refused, XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import derived_mac
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.address_names import dnsmasq, hosts_lines
from ansible_collections.xenfleet.xen.plugins.plugin_utils.addresses import AddressPlan, made_plan
from ansible_collections.xenfleet.xen.plugins.plugin_utils.guests import Site, guests_on

PLAN = [
    {
        "name": "services",
        "subnets": "10.10.0.0/24",
        "gateway": "10.10.0.1",
        "dns": "10.10.0.2",
        "domain": "example.org",
    },
    {"name": "cluster", "subnets": "10.0.0.0/24", "gateway": "10.0.0.254", "dhcp": True},
    {"name": "storage", "subnets": ["10.20.0.0/24", "fd00:20::/64"], "reserved": ["10.20.0.0/25", "10.20.0.254"]},
]
GUESTS: dict[str, dict[str, Any]] = {
    "ldap1": {
        "guest_host": "xen1",
        "guest_networks": [{"network": "services"}, {"network": "storage"}],
        "guest_addresses": {"services": "10.10.0.11"},
        "guest_disks": [{"name": "root", "size": "1 GiB", "image": "debian"}],
    },
    "node1": {
        "guest_host": "xen1",
        "guest_networks": [{"network": "cluster"}],
        "guest_addresses": {"cluster": "10.0.0.1/24"},
        "guest_disks": [{"name": "root", "size": "1 GiB", "image": "debian"}],
    },
}
BRIDGES = [
    {"name": "xenbr0", "network": "cluster", "addresses": ["10.0.0.254/24"], "nat": True},
    {"name": "xenbr10", "network": "services", "over": "bond0", "vlan": 10},
    {"name": "xenbr20", "network": "storage", "over": "bond0", "vlan": 20, "addresses": ["planned"]},
]
HOSTS = {"xen1.example.org": {"network_bridges": BRIDGES}, "xen2.example.org": {"network_bridges": BRIDGES[:1]}}


def plan_of(guests: Any = None, hosts: Any = None, plan: Any = None) -> AddressPlan:
    made = made_plan(AddressPlan.read(plan or PLAN, None), guests or GUESTS, hosts or HOSTS, release=False)
    return AddressPlan.read(plan or PLAN, yaml.safe_load(made["text"])["network_allotted"])


def site(plan: AddressPlan) -> Site:
    bridges = {str(bridge["network"]): str(bridge["name"]) for bridge in BRIDGES}
    return Site("xen1", bridges, {}, "/srv/guests", "/srv/images", plan=plan)


def test_guests_are_given_what_the_plan_has_for_them() -> None:
    plan = plan_of()
    work = guests_on(site(plan), GUESTS)
    ldap1, node1 = work["domains"]
    first, second = ldap1["networks"]
    assert (first["addresses"], first["mac"]) == (["10.10.0.11/24"], derived_mac("ldap1", 0))
    assert second["addresses"] == [str(one) for one in plan.allotted["ldap1"]["storage"].addresses]
    written, asking = (clone["personality"]["interfaces"] for clone in work["clones"])
    assert written[0]["gateway"] == "10.10.0.1"
    assert written[0]["dns"] == ["10.10.0.2"]
    assert "gateway" not in written[1]
    # By DHCP: nothing but which interface; the inventory knows the address all the same.
    assert asking == [{"mac": derived_mac("node1", 0)}]
    assert node1["networks"][0]["addresses"] == ["10.0.0.1/24"]


def test_one_default_route_is_enough() -> None:
    networks = [{"network": "cluster"}, {"network": "services"}]
    guests = {"web1": {**GUESTS["node1"], "guest_networks": networks, "guest_addresses": {}}}
    (clone,) = guests_on(site(plan_of(guests)), guests)["clones"]
    assert "gateway" not in clone["personality"]["interfaces"][1]
    networks[1]["gateway"] = "10.10.0.9"
    (clone,) = guests_on(site(plan_of(guests)), guests)["clones"]
    assert clone["personality"]["interfaces"][1]["gateway"] == "10.10.0.9"


def test_a_guest_that_the_plan_does_not_know_stops_the_run() -> None:
    new = {**GUESTS, "ldap2": {**GUESTS["ldap1"], "guest_addresses": {}}}
    with pytest.raises(Refused, match="ldap2: not in the network services"):
        guests_on(site(plan_of()), new)
    gone = {**new, "ldap2": {**new["ldap2"], "guest_state": "absent"}}
    assert [domain["name"] for domain in guests_on(site(plan_of()), gone)["domains"]] == ["ldap1", "node1", "ldap2"]


def test_equal_mac_addresses_are_refused_without_a_plan_too() -> None:
    interface = {"bridge": "br0", "mac": "00:16:3e:00:00:01"}
    guests = {name: {"guest_host": "xen1", "guest_networks": [interface]} for name in ("a", "b")}
    with pytest.raises(Refused, match=r"of a \(interface 0\) and of b \(interface 0\)"):
        guests_on(site(AddressPlan()), guests)


def test_bridges_are_given_what_the_plan_has_for_their_host() -> None:
    plan = plan_of()
    whole = plan.bridges("xen1.example.org", BRIDGES)
    entry = plan.allotted["xen1.example.org"]["storage"]
    assert [one["addresses"] for one in whole if "addresses" in one] == [
        ["10.0.0.254/24"],
        [*map(str, entry.addresses)],
    ]
    assert {**whole[2], "addresses": ["planned"]} == BRIDGES[2]


@pytest.mark.parametrize(
    ("bridge", "says"),
    [
        ({"name": "br9", "addresses": ["planned"]}, "which does not have its network; found: no network"),
        ({"name": "br9", "network": "storage", "addresses": ["10.20.0.200/24"]}, "the plan would give it to a guest"),
        (
            {"name": "br9", "network": "storage", "over": "eth0", "addresses": ["10.20.0.3/24"]},
            "not in the network storage",
        ),
        (
            {"name": "br9", "network": "storage", "over": "eth0", "addresses": ["10.21.0.3/24"]},
            "is outside of the network",
        ),
    ],
)
def test_bridges_outside_of_the_plan_are_refused(bridge: dict[str, Any], says: str) -> None:
    with pytest.raises(XenfleetError) as refused:
        plan_of().bridges("xen9", [bridge])
    assert says in str(refused.value)


def test_who_is_in_a_network_twice_is_refused() -> None:
    twice = {"ldap1": {"guest_networks": [{"network": "services"}] * 2}}
    with pytest.raises(InvalidInput, match="ldap1 is in the network services twice"):
        plan_of(twice)


def test_what_is_not_declared_any_more_is_kept_until_it_is_released() -> None:
    before = plan_of()
    left = {"node1": GUESTS["node1"]}
    kept = made_plan(before, left, HOSTS, release=False)
    assert kept["unclaimed"] == ["ldap1 in services", "ldap1 in storage"]
    assert "ldap1" in kept["text"]
    released = made_plan(before, left, HOSTS, release=True)
    assert released["unclaimed"] == []
    assert "ldap1" not in released["text"]


def test_the_file_reads_back_and_says_who_wrote_it() -> None:
    made = made_plan(AddressPlan.read(PLAN, None), GUESTS, HOSTS, release=False)
    assert made["text"].splitlines()[0].startswith("# Who has which address. The playbook xenfleet.xen.addresses")
    again = made_plan(
        AddressPlan.read(PLAN, yaml.safe_load(made["text"])["network_allotted"]), GUESTS, HOSTS, release=False
    )
    assert again["text"] == made["text"]


def test_names_in_etc_hosts() -> None:
    plan = plan_of()
    lines = hosts_lines(plan.networks, plan.allotted)
    four, six = (one.ip for one in plan.allotted["ldap1"]["storage"].addresses)
    host4, host6 = (one.ip for one in plan.allotted["xen1.example.org"]["storage"].addresses)
    assert lines == [
        "10.10.0.11 ldap1.example.org ldap1",
        f"{four} ldap1.storage",
        f"{six} ldap1.storage",
        "10.0.0.1 node1.cluster node1",
        # A host's own name is not the plan's business.
        f"{host4} xen1.storage",
        f"{host6} xen1.storage",
    ]


def test_a_name_with_a_domain_is_known_by_all_of_it() -> None:
    guests = {"ldap1.uni.example": {"guest_networks": [{"network": "services"}]}}
    plan = plan_of(guests)
    (line,) = hosts_lines(plan.networks, {"ldap1.uni.example": plan.allotted["ldap1.uni.example"]})
    assert line.split()[1:] == ["ldap1.example.org", "ldap1.uni.example", "ldap1"]


def test_dnsmasq_serves_the_plan_and_nobody_else() -> None:
    plan = plan_of()
    text = dnsmasq(plan.networks, plan.allotted, plan.served(["cluster"], BRIDGES))
    assert [
        line for line in text.splitlines() if line.startswith(("interface", "dhcp-r", "dhcp-h", "dhcp-option"))
    ] == [
        "interface=xenbr0",
        "dhcp-range=set:cluster,10.0.0.0,static,255.255.255.0,12h",
        "dhcp-option=tag:cluster,option:router,10.0.0.254",
        "dhcp-option=tag:cluster,option:domain-name,cluster",
        f"dhcp-host={derived_mac('node1', 0)},10.0.0.1",
    ]
    assert "host-record=ldap1.example.org,ldap1,10.10.0.11\n" in text


def test_without_a_gateway_no_router_is_named() -> None:
    plan = plan_of(plan=[{**PLAN[1], "gateway": None, "reserved": "10.0.0.254"}, PLAN[0], PLAN[2]])
    text = dnsmasq(plan.networks, plan.allotted, plan.served(["cluster"], BRIDGES))
    assert "dhcp-option=tag:cluster,option:router\n" in text


@pytest.mark.parametrize(
    ("serve", "says"),
    [
        ("nowhere", "network_dhcp has the network nowhere, which is not in network_plan"),
        ("storage", "which is not in network_bridges of this host"),
        ("services", "the bridge xenbr10 has no IPv4 address of the network services"),
    ],
)
def test_a_network_that_the_host_cannot_serve_is_refused(serve: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        plan_of().served([serve], BRIDGES[:2])
    assert says in str(refused.value)
