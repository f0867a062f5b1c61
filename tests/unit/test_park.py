"""What hosts report, the guests a host should have, and the table."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput, Unreachable
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import derived_mac
from ansible_collections.xenfleet.xen.plugins.plugin_utils.ask import ask_all, probe_command
from ansible_collections.xenfleet.xen.plugins.plugin_utils.guests import Site, guests_on, unplaced
from ansible_collections.xenfleet.xen.plugins.plugin_utils.park import (
    HostAnswer,
    guest_variables,
    host_variables,
    read_probe,
)
from ansible_collections.xenfleet.xen.plugins.plugin_utils.table import locate_table

RUNNING, STOPPED = 1, 5


def xml(name: str, memory: int = 256, vcpus: int = 1) -> str:
    return f"""<domain type='xen'><name>{name}</name><uuid>u-{name}</uuid>
    <metadata><x:guest xmlns:x="urn:xenfleet:xen:1"><x:interface mac="00:16:3e:00:00:01">10.10.0.11/24</x:interface>
    </x:guest></metadata><memory unit='MiB'>{memory}</memory><vcpu>{vcpus}</vcpu><os><type>xenpvh</type><kernel>/k</kernel>
    </os><devices><disk type='file'><source file='/d'/><target dev='xvda'/></disk><interface type='bridge'>
    <mac address='00:16:3e:00:00:01'/><source bridge='xenbr10'/></interface></devices></domain>"""


def guest(name: str, state: int = RUNNING, **marks: Any) -> dict[str, Any]:
    running = xml(name) if state == RUNNING else None
    known = {"name": name, "state": state, "running_xml": running, "stored_xml": xml(name), "autostart": True}
    return {**known, "managed_save": False, **marks}


def answer(host: str, *guests: dict[str, Any]) -> HostAnswer:
    report = {"host": {"memory_free": 2**31, "memory_total_mib": 4096, "cpus": 2}, "guests": list(guests)}
    return HostAnswer(host, report, seen_at=0.0)


def test_where_a_guest_is_and_what_it_has() -> None:
    guests, warnings = guest_variables([answer("xen1", guest("web1")), answer("xen2", guest("web2", STOPPED))])
    assert warnings == []
    web1 = guests["web1"]
    assert (web1["xen_host"], web1["xen_state"], web1["xen_type"]) == ("xen1", "running", "pvh")
    assert (web1["xen_memory"], web1["xen_vcpus"], web1["xen_addresses"]) == ("256 MiB", 1, ["10.10.0.11"])
    assert web1["xen_files"] == ["/k", "/d"]
    assert guests["web2"]["xen_state"] == "stopped"


def test_only_paths_are_files_of_a_guest() -> None:
    rbd = "<source protocol='rbd' name='pool/web1'/>"
    inside = xml("web1").replace("type='file'", "type='network'").replace("<source file='/d'/>", rbd)
    guests, _warnings = guest_variables([answer("xen1", guest("web1", running_xml=inside, stored_xml=inside))])
    assert guests["web1"]["xen_files"] == ["/k"]


def test_where_it_runs_goes_before_where_it_is_only_defined() -> None:
    guests, _warnings = guest_variables([answer("xen1", guest("web1", STOPPED)), answer("xen2", guest("web1"))])
    assert guests["web1"]["xen_host"] == "xen2"
    assert "xen_conflict" not in guests["web1"]


def test_one_that_runs_twice_is_marked() -> None:
    guests, warnings = guest_variables([answer("xen1", guest("web1")), answer("xen2", guest("web1"))])
    assert guests["web1"]["xen_conflict"] == ["xen1", "xen2"]
    assert warnings == ["web1 runs on xen1 and xen2 at the same time"]


def test_what_waits_for_a_restart_is_named() -> None:
    changed = guest("web1", stored_xml=xml("web1", memory=512, vcpus=2))
    guests, _warnings = guest_variables([answer("xen1", changed)])
    assert guests["web1"]["xen_restart_required"] == ["memory", "memory_max", "vcpus", "vcpus_max"]


@pytest.mark.parametrize("broken", [{"name": "../x"}, {"running_xml": "<", "stored_xml": None}, {"state": "no"}])
def test_a_guest_that_cannot_be_read_costs_only_itself(broken: dict[str, Any]) -> None:
    guests, warnings = guest_variables([answer("xen1", {**guest("bad"), **broken}, guest("web1"))])
    assert list(guests) == ["web1"]
    assert len(warnings) == 1
    assert warnings[0].startswith("xen1: a guest is left out")


def test_a_guest_of_whom_libvirt_tells_nothing_is_named() -> None:
    guests, warnings = guest_variables([answer("xen1", {"name": "bad", "error": "no answer"}, guest("web1"))])
    assert list(guests) == ["web1"]
    assert warnings == ["xen1: a guest is left out: libvirt tells nothing of bad: no answer"]


@pytest.mark.parametrize("text", ["", "Welcome!", "[]", "{}", '{"host": {}}'])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        read_probe(text)


def test_a_daemon_that_is_down_counts_as_no_answer() -> None:
    with pytest.raises(Unreachable, match="no socket"):
        read_probe(json.dumps({"error": "no socket"}))


def test_a_silent_host_says_why() -> None:
    assert host_variables(HostAnswer("xen1", None, "no answer within 2 s")) == {
        "xen_reachable": False,
        "xen_error": "no answer within 2 s",
    }


def test_a_slow_host_holds_up_nobody() -> None:
    answers = ask_all({"slow": ["sleep", "30"], "bad": ["false"], "none": ["/nowhere/ssh"]}, timeout=0.5)
    errors = {answer.host: answer.error or "" for answer in answers}
    assert errors["slow"] == "no answer within 0.5 s"
    assert errors["bad"].startswith("status 1")
    assert "cannot run" in errors["none"]


def test_the_probe_goes_the_way_that_ansible_would_go() -> None:
    variables = {
        "ansible_host": "127.0.0.1",
        "ansible_port": 2211,
        "ansible_user": "admin",
        "ansible_become": True,
        "ansible_ssh_private_key_file": "/k",
        "ansible_ssh_common_args": "-o ProxyJump='a b'",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    command = probe_command("xen1", variables, "xen:///system", 5)
    assert command[0] == "ssh"
    assert command[-2:] == ["127.0.0.1", "sudo -n /usr/bin/python3 - xen:///system"]
    pairs = list(itertools.pairwise(command))
    for pair in (("-o", "ProxyJump=a b"), ("-i", "/k"), ("-p", "2211"), ("-l", "admin"), ("-o", "ConnectTimeout=5")):
        assert pair in [(word, str(value)) for word, value in pairs]


SITE = Site(
    host="xen1",
    networks={"services": "xenbr10", "storage": "xenbr20"},
    sizes={"small": {"memory": "1 GiB", "vcpus": 1}},
    store="/srv/guests",
    image_store="/srv/guests/images",
)
LDAP = {
    "guest_host": "xen1",
    "guest_type": "pvh",
    "guest_size": "small",
    "guest_vcpus": 2,
    "guest_networks": [{"network": "services", "gateway": "10.10.0.1"}, {"network": "storage"}],
    "guest_addresses": {"services": "10.10.0.11/24", "storage": ["10.20.0.11/24"]},
    "guest_disks": [
        {"name": "root", "size": "12 GiB", "image": "debian-13"},
        {"name": "swap", "size": 1, "filesystem": "swap"},
    ],
    "guest_authorized_keys": ["ssh-ed25519 AAAA"],
    "group_names": ["guests", "ldap", "on_xen1"],
}


def test_variables_become_a_domain_and_its_disks() -> None:
    work = guests_on(SITE, {"ldap1": LDAP})
    (domain,) = work["domains"]
    assert (domain["memory"], domain["vcpus"], domain["type"]) == ("1 GiB", 2, "pvh")
    assert domain["kernel"] == "/srv/guests/images/debian-13/vmlinuz"
    assert [disk["source"] for disk in domain["disks"]] == ["/srv/guests/ldap1/root.img", "/srv/guests/ldap1/swap.img"]
    assert domain["networks"][0] == {
        "bridge": "xenbr10",
        "mac": derived_mac("ldap1", 0),
        "addresses": ["10.10.0.11/24"],
    }
    assert domain["labels"] == {"groups": "ldap"}
    root, swap = work["clones"]
    assert (root["image"], root["size"], root["path"]) == ("debian-13", "12 GiB", "/srv/guests/ldap1/root.img")
    assert root["personality"]["hostname"] == "ldap1"
    assert root["personality"]["interfaces"][0]["gateway"] == "10.10.0.1"
    assert swap == {"size": 1, "path": "/srv/guests/ldap1/swap.img", "filesystem": "swap"}
    assert work["pending_paths"] == ["/srv/guests/ldap1/root.img", "/srv/guests/ldap1/swap.img"]
    assert work["problems"] == []


def test_disks_that_are_there_and_drives_are_not_made() -> None:
    ceph = {"source": "rbd:pool/ldap1", "monitors": ["mon1"], "auth_user": "xen", "auth_secret": "u", "discard": False}
    volume = {"source": "/dev/vg0/data", "driver": "qemu", "shareable": True}
    drives = [{"device": "cdrom", "target": "hdc"}, {"device": "cdrom", "target": "hdd", "source": "/srv/a.iso"}]
    made = {"name": "root", "size": 1, "target": "xvda", "readonly": False}
    work = guests_on(SITE, {"ldap1": {**LDAP, "guest_disks": [made, ceph, volume, *drives]}})
    root = {"source": "/srv/guests/ldap1/root.img", "target": "xvda", "readonly": False}
    assert work["domains"][0]["disks"] == [root, ceph, volume, *drives]
    assert [clone["path"] for clone in work["clones"]] == work["pending_paths"] == ["/srv/guests/ldap1/root.img"]


def test_what_an_interface_hangs_on() -> None:
    entries = [
        {"network": "services", "rate": "10 MB/s", "model": "e1000"},
        {"bridge": "ovs0", "openvswitch": True, "vlan": 10, "addresses": "10.20.0.1/24"},
        {"libvirt_network": "default"},
        {"script": "vif-route", "guest_ips": ["10.0.0.1"]},
    ]
    given = {"default": "10.30.0.1/24"}
    work = guests_on(SITE, {"ldap1": {**LDAP, "guest_networks": entries, "guest_addresses": given}})
    nics = work["domains"][0]["networks"]
    assert [nic["addresses"] for nic in nics] == [[], ["10.20.0.1/24"], ["10.30.0.1/24"], []]
    assert [{key: value for key, value in nic.items() if key not in ("mac", "addresses")} for nic in nics] == [
        {"bridge": "xenbr10", "rate": "10 MB/s", "model": "e1000"},
        {"bridge": "ovs0", "openvswitch": True, "vlan": 10},
        {"network": "default"},
        {"script": "vif-route", "guest_ips": ["10.0.0.1"]},
    ]


HERE = {**LDAP, "xen_host": "xen1", "xen_state": "running", "xen_addresses": ["10.10.0.99", "10.20.0.11"]}


def test_a_running_guest_is_told_other_addresses() -> None:
    (told,) = guests_on(SITE, {"ldap1": HERE})["readdressed"]
    assert (told["name"], told["address"]) == ("ldap1", "10.10.0.99")
    services, storage = told["files"]
    assert services["path"] == f"/etc/systemd/network/20-{derived_mac('ldap1', 0).replace(':', '')}.network"
    assert "Address=10.10.0.11/24\nGateway=10.10.0.1\n" in services["content"]
    assert "Address=10.20.0.11/24\n" in storage["content"]


@pytest.mark.parametrize(
    "otherwise",
    [
        {"xen_addresses": ["10.20.0.11", "10.10.0.11"]},
        {"xen_addresses": []},
        {"xen_addresses": ["-oProxyCommand=x"]},
        {"xen_state": "stopped"},
        {"guest_state": "absent"},
        {"guest_disks": [{"source": "/dev/vg0/ldap1"}]},
        {"guest_readdress": False},
    ],
)
def test_a_guest_that_has_its_addresses_or_cannot_be_told_is_not(otherwise: dict[str, Any]) -> None:
    assert guests_on(SITE, {"ldap1": {**HERE, **otherwise}})["readdressed"] == []


def test_where_it_is_goes_before_where_it_was_declared() -> None:
    assert guests_on(SITE, {"ldap1": {**LDAP, "xen_host": "xen2"}})["domains"] == []
    moved = {**LDAP, "guest_host": "xen2", "xen_host": "xen1"}
    assert [domain["name"] for domain in guests_on(SITE, {"ldap1": moved})["domains"]] == ["ldap1"]


def test_nothing_is_started_that_may_run_on_a_silent_host() -> None:
    site = Site(**{**vars(SITE), "unreachable": ("xen9",)})
    work = guests_on(site, {"ldap1": LDAP, "ldap2": {**LDAP, "xen_host": "xen1"}})
    assert [domain["name"] for domain in work["domains"]] == ["ldap2"]
    assert work["clones"] == guests_on(SITE, {"ldap2": LDAP})["clones"]
    assert len(work["problems"]) == 1
    assert "ldap1 was found on no host, but xen9 did not answer" in work["problems"][0]


def test_a_guest_without_a_place_is_named() -> None:
    assert unplaced({"a": {}, "b": {"guest_host": "xen1"}, "c": {"xen_host": "xen2"}}) == ["a"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"guest_size": "huge"}, "no size 'huge'"),
        ({"guest_networks": [{"network": "nowhere"}], "guest_addresses": {}}, "no bridge for the network nowhere"),
        ({"guest_addresses": {"backup": "10.0.0.1/24"}}, "guest_addresses names backup"),
        ({"guest_addresses": {"services": "10.0.0"}}, "an address is none"),
        ({"guest_networks": [{"mac": "x"}], "guest_addresses": {}}, "hangs nowhere"),
        ({"guest_disks": [{"source": "/a", "image": "x", "size": 1}]}, "has image, size of a disk that is not made"),
        ({"guest_disks": [{"device": "cdrom", "volume_group": "x"}]}, "has volume_group of a disk that is not made"),
        ({"guest_disks": [{"size": 1}]}, "a disk that cannot be made"),
        ({"guest_disks": [{"name": "a", "format": "qcow2"}]}, "expected: name, and no format but raw"),
    ],
)
def test_variables_that_make_no_sense_are_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as error:
        guests_on(SITE, {"ldap1": {**LDAP, **wrong}})
    assert error.value.guest == "ldap1"


def test_the_table() -> None:
    guests, _warnings = guest_variables([answer("xen1", guest("web1")), answer("xen2", guest("web2", STOPPED))])
    hostvars: dict[str, dict[str, Any]] = {
        **guests,
        "web3": {},
        "xen9": {"xen_reachable": False, "xen_error": "no answer within 10 s", "xen_seen_at": 0.0},
    }
    hostvars["web1"]["guest_host"] = "xen2"
    assert locate_table(["web3", "web2", "web1"], hostvars, ["xen9"]) == [
        "HOST  GUEST  TYPE  STATE      MEMORY   VCPUS  ADDRESSES   NOTE",
        "xen1  web1   pvh   running    256 MiB  1      10.10.0.11  declared on xen2",
        "xen2  web2   pvh   stopped    256 MiB  1      10.10.0.11",
        "-     web3   -     not found  -        -      -           declared, but on no host that answered",
        "xen9  (did not answer; last seen 1970-01-01 00:00 UTC: no answer within 10 s)",
    ]
