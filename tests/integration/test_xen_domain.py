"""xen_domain and xen_domains by the real Ansible, against a private libvirtd whose driver refuses what Xen's refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import libvirt
import pytest

from .playing import play

UUID = "11111111-f6a4-8304-79aa-97f2502e193f"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """A kernel and two disks."""
    for name in ("kernel", "root.img", "data.img"):
        (tmp_path / name).write_bytes(b"")
    return {name: str(tmp_path / name) for name in ("kernel", "root.img", "data.img")}


@pytest.fixture
def guest(files: dict[str, str]) -> dict[str, Any]:
    """The options of a guest that the test driver can run: PV, and without a bridge, which this machine lacks."""
    return {
        "name": "web1",
        "type": "pv",
        "memory": "256 MiB",
        "memory_max": "512 MiB",
        "kernel": files["kernel"],
        "disks": [{"source": files["root.img"]}],
    }


def domain(uri: str, **options: Any) -> dict[str, Any]:
    return {"xenfleet.xen.xen_domain": {"uri": uri, **options}}


def fields(result: dict[str, Any]) -> set[str]:
    return {change["field"] for change in result["changes"]}


def test_a_guest_is_made_changed_stopped_and_removed(
    fresh_libvirt_uri: str, guest: dict[str, Any], files: dict[str, str], tmp_path: Path
) -> None:
    uri = fresh_libvirt_uri
    more = {**guest, "memory": "384 MiB", "memory_max": "768 MiB"}
    made, again, changed, changed_again, stopped, absent, gone = play(
        [
            domain(uri, **guest),
            domain(uri, **guest),
            domain(uri, **more),
            domain(uri, **more),
            domain(uri, name="web1", state="stopped", timeout=5),
            domain(uri, name="web1", state="absent"),
            domain(uri, name="web1", state="absent"),
        ],
        tmp_path,
    )
    assert made["changed"], made
    assert made["domain"]["state"] == "running"
    assert made["domain"]["memory_max"] == "512 MiB"
    assert not again["changed"], again
    assert {change["field"]: change["effect"] for change in changed["changes"]} == {
        "memory": "live",
        "memory_max": "next_boot",
    }
    assert changed["domain"]["memory"] == "384 MiB"
    assert changed["restart_required"] == ["memory_max"]
    assert not changed_again["changed"]
    assert changed_again["restart_required"] == ["memory_max"]
    assert stopped["changed"]
    assert stopped["domain"]["state"] == "stopped"
    assert absent["changed"]
    assert absent["domain"] == {}
    assert not gone["changed"]
    assert Path(files["root.img"]).exists()


def test_check_mode_predicts_and_touches_nothing(fresh_libvirt_uri: str, guest: dict[str, Any], tmp_path: Path) -> None:
    predicted = play([domain(fresh_libvirt_uri, **guest)], tmp_path, "--check", "--diff")[0]
    connection = libvirt.open(fresh_libvirt_uri)
    assert [found.name() for found in connection.listAllDomains()] == ["test"]
    done = play([domain(fresh_libvirt_uri, **guest)], tmp_path, "--diff")[0]
    assert predicted["changed"]
    assert predicted["changes"] == done["changes"]
    assert {found.name() for found in connection.listAllDomains()} == {"test", "web1"}


def test_the_disks_that_are_named_go_with_the_guest(
    fresh_libvirt_uri: str, guest: dict[str, Any], files: dict[str, str], tmp_path: Path
) -> None:
    uri, disks = fresh_libvirt_uri, [{"source": files["root.img"]}, {"source": files["data.img"]}]
    gone = domain(uri, name="web1", state="absent", remove_disks=["xvdb"], force=True)
    play([domain(uri, **{**guest, "disks": disks})], tmp_path)
    predicted = play([gone], tmp_path, "--check", "--diff")[0]
    assert Path(files["data.img"]).exists()
    removed, again, unlike = play([gone, gone, domain(uri, **guest, remove_disks=["xvda"])], tmp_path, "--diff")
    assert removed["changes"] == predicted["changes"]
    assert [change["field"] for change in removed["changes"]] == ["state", "disks[xvdb]", "domain"]
    assert not again["changed"]
    assert "only for a guest that goes" in unlike["msg"]
    assert (Path(files["root.img"]).exists(), Path(files["data.img"]).exists()) == (True, False)


def test_a_guest_is_waited_for_until_it_runs(fresh_libvirt_uri: str, guest: dict[str, Any], tmp_path: Path) -> None:
    uri = fresh_libvirt_uri
    runs, ends = play(
        [domain(uri, **guest, wait_for="running"), domain(uri, name="web1", wait_for="stopped", wait_timeout=0)],
        tmp_path,
    )
    assert runs["changed"]
    assert "did not end within 0 s" in ends["msg"]


def test_a_guest_that_does_not_obey_is_destroyed_only_by_force(
    fresh_libvirt_uri: str, guest: dict[str, Any], tmp_path: Path
) -> None:
    uri = fresh_libvirt_uri
    play([domain(uri, **guest)], tmp_path)
    connection = libvirt.open(uri)
    connection.lookupByName("web1").suspend()
    refused, stopped = play(
        [
            domain(uri, name="web1", state="stopped", timeout=1),
            domain(uri, name="web1", state="stopped", timeout=1, force=True),
        ],
        tmp_path,
    )
    assert refused["failed"]
    assert "paused" in refused["msg"]
    assert refused["guest"] == "web1"
    assert stopped["changed"]
    assert not connection.lookupByName("web1").isActive()


def test_a_paused_guest_is_resumed(fresh_libvirt_uri: str, guest: dict[str, Any], tmp_path: Path) -> None:
    play([domain(fresh_libvirt_uri, **guest)], tmp_path)
    connection = libvirt.open(fresh_libvirt_uri)
    connection.lookupByName("web1").suspend()
    assert fields(play([domain(fresh_libvirt_uri, **guest)], tmp_path)[0]) == {"state"}
    assert connection.lookupByName("web1").state()[0] == libvirt.VIR_DOMAIN_RUNNING


def test_bad_input_is_refused_before_anything_is_touched(
    fresh_libvirt_uri: str, guest: dict[str, Any], files: dict[str, str], tmp_path: Path
) -> None:
    disk = files["root.img"]
    mac = "00:16:3e:00:00:01"
    bad: list[tuple[dict[str, Any], str]] = [
        ({"memroy": "1 GiB"}, "memroy"),
        ({"memory": "lots"}, "memory is no size"),
        ({"vcpus": 0}, "vcpus is out of range"),
        ({"memory": "1 GiB"}, "memory is above memory_max"),
        ({"type": "pvh"}, "this host runs hvm, pv, not pvh"),
        ({"name": "../web1"}, "name is not usable"),
        ({"name": "web1; reboot"}, "name is not usable"),
        ({"uuid": "x"}, "uuid is no UUID"),
        ({"kernel": "/nowhere/vmlinuz"}, "/nowhere/vmlinuz is missing"),
        ({"disks": [{"source": "/nowhere/root.img"}]}, "/nowhere/root.img is missing"),
        ({"disks": [{"source": str(tmp_path)}]}, "a directory"),
        ({"disks": [{"source": disk}, {"source": disk}]}, "named twice"),
        (
            {"disks": [{"source": disk, "target": "xvda"}, {"source": files["data.img"], "target": "xvda"}]},
            "named twice",
        ),
        ({"disks": [{"source": disk, "target": "sda1"}]}, "no Xen disk"),
        ({"disks": [{"source": disk, "target": "sda"}]}, "only an HVM guest can have the disk sda"),
        ({"disks": [{"device": "cdrom"}]}, "only an HVM guest can have an empty CD-ROM drive"),
        ({"disks": [{"target": "xvda"}]}, "disks.source is missing"),
        ({"disks": [{"source": disk, "driver": "phy"}]}, "disks.driver cannot serve"),
        ({"disks": [{"source": "rbd:web1"}]}, "no image in a Ceph cluster"),
        ({"networks": [{"mac": mac}]}, "networks.bridge is missing"),
        ({"networks": [{"network": "lan"}]}, "network lan is not active in this host's libvirt; active: default"),
        ({"networks": [{"script": "/nowhere/vif"}]}, "script /nowhere/vif is missing"),
        ({"networks": [{"bridge": "a", "vlan": 10}]}, "need openvswitch"),
        ({"networks": [{"bridge": "a", "model": "e1000"}]}, "only an HVM guest can have an emulated network interface"),
        ({"networks": [{"bridge": "a", "rate": "fast"}]}, "networks.rate is no rate"),
        ({"networks": [{"bridge": "xenbr99"}]}, "bridge xenbr99 is missing"),
        ({"networks": [{"bridge": "a", "mac": mac}, {"bridge": "b", "mac": mac}]}, "named twice"),
        ({"networks": [{"bridge": "a", "mac": "01:00:00:00:00:01"}]}, "no MAC address"),
        ({"networks": [{"bridge": "a", "addresses": ["10.0.0.300/24"]}]}, "no address"),
        ({"cmdline": "root=/dev/xvda\nquiet"}, "control characters"),
        ({"wait_for": "ssh"}, "wait_for ssh needs an address"),
        ({"wait_for": "ssh", "wait_port": 0}, "wait_port is no TCP port"),
    ]
    results = play([domain(fresh_libvirt_uri, **{**guest, **wrong}) for wrong, _word in bad], tmp_path)
    for (wrong, word), result in zip(bad, results, strict=True):
        assert result["failed"], wrong
        assert word in result["msg"], (wrong, result["msg"])
    assert [found.name() for found in libvirt.open(fresh_libvirt_uri).listAllDomains()] == ["test"]


def test_devices_of_each_form_are_made_changed_and_kept(
    fresh_libvirt_uri: str, guest: dict[str, Any], files: dict[str, str], tmp_path: Path
) -> None:
    ceph = {"source": "rbd:pool/web1", "monitors": ["10.30.0.1:6789"], "discard": False}
    drive = {"target": "xvdd", "device": "cdrom", "source": files["data.img"]}
    nic = {"mac": "00:16:3e:00:00:01", "network": "default", "rate": "10 MB/s", "guest_ips": ["10.0.0.1"]}
    first = {**guest, "state": "stopped", "disks": [*guest["disks"], ceph, drive], "networks": [nic]}
    shorter = {
        **first,
        "networks": [{"mac": nic["mac"], "network": "default"}],
        "disks": [{"source": ceph["source"], "target": "xvdb"}],
    }
    faster = {**first, "networks": [{**nic, "rate": ""}]}
    made, again, kept, changed = play(
        [domain(fresh_libvirt_uri, **options) for options in (first, first, shorter, faster)], tmp_path, "--diff"
    )
    assert made["changed"], made
    assert not again["changed"], again
    # What is not named of a device is left alone.
    assert not kept["changed"], kept
    assert changed["changes"] == [
        {
            "field": f"networks[{nic['mac']}]",
            "before": "network default, rate 9766 KiB/s, guest's IPs 10.0.0.1",
            "after": "network default, guest's IPs 10.0.0.1",
            "effect": "live",
        }
    ]
    assert changed["domain"]["disks"][1:] == [
        {
            "target": "xvdb",
            "source": "rbd:pool/web1",
            "format": "raw",
            "readonly": False,
            "shareable": False,
            "discard": False,
            "monitors": ["10.30.0.1:6789"],
        },
        {
            "target": "xvdd",
            "source": files["data.img"],
            "format": "raw",
            "readonly": True,
            "shareable": False,
            "device": "cdrom",
        },
    ]


def test_a_daemon_that_is_down_is_named(guest: dict[str, Any], tmp_path: Path) -> None:
    uri = f"test+unix:///default?socket={tmp_path}/nothing"
    result = play([domain(uri, **guest)], tmp_path)[0]
    assert result["failed"]
    assert "libvirt does not answer" in result["msg"]
    assert "systemctl status libvirtd" in result["msg"]


def test_a_disk_of_another_running_guest_is_not_given_away(
    fresh_libvirt_uri: str, guest: dict[str, Any], files: dict[str, str], tmp_path: Path
) -> None:
    other = {**guest, "name": "web2"}
    _first, refused, shared = play(
        [
            domain(fresh_libvirt_uri, **guest),
            domain(fresh_libvirt_uri, **other),
            domain(fresh_libvirt_uri, **{**other, "disks": [{"source": files["data.img"]}]}),
        ],
        tmp_path,
    )
    assert refused["failed"]
    assert "in use by the running guest web1" in refused["msg"]
    assert not shared["failed"], shared


def test_all_guests_of_a_host_in_one_run(fresh_libvirt_uri: str, guest: dict[str, Any], tmp_path: Path) -> None:
    def domains(*entries: dict[str, Any]) -> dict[str, Any]:
        return {"xenfleet.xen.xen_domains": {"uri": fresh_libvirt_uri, "domains": list(entries)}}

    plain = {key: value for key, value in guest.items() if key != "disks"}
    good = [{**plain, "name": f"web{number}"} for number in range(3)]
    broken = {**plain, "name": "web9", "kernel": "/nowhere"}
    made, again, partly, twice, misspelt = play(
        [
            domains(*good),
            domains(*good),
            domains(broken, {**good[0], "state": "absent"}),
            domains(good[1], good[1]),
            domains({**good[1], "memroy": 1}),
        ],
        tmp_path,
    )
    assert made["changed"]
    assert set(made["guests"]) == {"web0", "web1", "web2"}
    assert not again["changed"], again
    assert partly["failed"]
    assert partly["failed_guests"] == ["web9"]
    assert partly["guests"]["web0"]["changed"]
    assert "/nowhere is missing" in partly["msg"]
    assert "declared twice" in twice["msg"]
    assert "memroy" in misspelt["msg"]
    assert {found.name() for found in libvirt.open(fresh_libvirt_uri).listAllDomains()} == {"test", "web1", "web2"}


def test_what_no_option_names_survives_a_change(
    fresh_libvirt_uri: str, guest: dict[str, Any], files: dict[str, str], tmp_path: Path
) -> None:
    connection = libvirt.open(fresh_libvirt_uri)
    connection.defineXML(
        f"""<domain type='xen'><name>web1</name><uuid>{UUID}</uuid><memory unit='MiB'>256</memory>
        <vcpu cpuset='0'>1</vcpu><os><type>linux</type><kernel>{files["kernel"]}</kernel></os>
        <devices><input type='mouse' bus='xen'/><graphics type='vnc' passwd='secret'/></devices></domain>"""
    )
    changed, renamed = play(
        [
            domain(fresh_libvirt_uri, name="web1", state="present", memory="128 MiB"),
            domain(fresh_libvirt_uri, name="web1", state="present", uuid=UUID.replace("1", "2")),
        ],
        tmp_path,
    )
    assert fields(changed) == {"memory"}
    xml = connection.lookupByName("web1").XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE)
    assert "cpuset='0'" in xml
    assert "secret" in xml
    assert "another guest has this name" in renamed["msg"]
