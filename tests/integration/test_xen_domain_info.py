"""xen_domain_info and the playbook drift by the real Ansible, against a private libvirtd."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import libvirt
import pytest

from .playing import play, run_ansible

MAC = "00:16:3e:00:00:01"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """A kernel and a disk."""
    for name in ("kernel", "root.img"):
        (tmp_path / name).write_bytes(b"")
    return {name: str(tmp_path / name) for name in ("kernel", "root.img")}


@pytest.fixture
def guest(files: dict[str, str]) -> dict[str, Any]:
    """The options of a guest that the test driver can run."""
    return {
        "name": "web1",
        "type": "pv",
        "memory": "256 MiB",
        "memory_max": "512 MiB",
        "kernel": files["kernel"],
        "disks": [{"source": files["root.img"]}],
        "labels": {"group": "web"},
    }


def domain(uri: str, **options: Any) -> dict[str, Any]:
    return {"xenfleet.xen.xen_domain": {"uri": uri, **options}}


def info(uri: str, **options: Any) -> dict[str, Any]:
    return {"xenfleet.xen.xen_domain_info": {"uri": uri, **options}}


def defined(uri: str, kernel: str, name: str = "net1") -> None:
    """A running guest with what this machine lacks, a bridge and a block device, and with a password."""
    libvirt.open(uri).defineXML(
        f"""<domain type='xen'><name>{name}</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>
        <metadata><x:guest xmlns:x='urn:xenfleet:xen:1'><x:interface mac='{MAC}'>10.10.0.31/24</x:interface></x:guest>
        </metadata><os><type>linux</type><kernel>{kernel}</kernel></os><devices>
        <disk type='block'><driver name='phy' type='raw'/><source dev='/dev/null'/><target dev='xvda' bus='xen'/></disk>
        <disk type='file'><driver name='qemu' type='raw'/><source file='/d'/><target dev='xvdb' bus='xen'/></disk>
        <interface type='bridge'><mac address='{MAC}'/><source bridge='xenbr10'/></interface>
        <graphics type='vnc' passwd='secret'/></devices></domain>"""
    ).create()


def everything(uri: str) -> list[tuple[Any, ...]]:
    """All that could change on a host."""
    inactive = libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    return sorted(
        (
            guest.name(),
            guest.state(),
            guest.ID(),
            guest.autostart(),
            guest.hasManagedSaveImage(),
            guest.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE),
            guest.XMLDesc(inactive),
        )
        for guest in libvirt.open(uri).listAllDomains()
    )


def test_one_that_waits_for_a_restart_and_all_of_the_host(
    fresh_libvirt_uri: str, guest: dict[str, Any], files: dict[str, str], tmp_path: Path
) -> None:
    uri = fresh_libvirt_uri
    defined(uri, files["kernel"])
    more = {**guest, "memory": "384 MiB", "vcpus_max": 2, "autostart": True}
    play([domain(uri, **guest), domain(uri, **more)], tmp_path)
    before = everything(uri)
    one, everyone, plain = play(
        [info(uri, name="web1"), info(uri, usage=True, xml=True), info(uri)], tmp_path, "--check", "--diff"
    )
    assert everything(uri) == before
    assert not any(result["failed"] or result["changed"] for result in (one, everyone, plain)), everyone
    assert list(one["guests"]) == ["web1"]
    web1 = one["guests"]["web1"]
    assert (web1["state"], web1["reason"]) == ("running", "booted")
    assert (web1["autostart"], web1["persistent"], web1["managed_save"]) == (True, True, False)
    assert web1["id"] == libvirt.open(uri).lookupByName("web1").ID()
    assert web1["stored"]["memory"] == web1["running"]["memory"] == "384 MiB"
    assert (web1["stored"]["vcpus_max"], web1["running"]["vcpus_max"]) == (2, 1)
    assert web1["drift"] == [{"field": "vcpus_max", "kind": "restart_due", "stored": "2", "running": "1"}]
    assert web1["restart_required"] == ["vcpus_max"]
    assert web1["labels"] == {"group": "web"}
    assert not {"usage", "xml", "error"} & web1.keys()
    assert not {"missing", "undeclared"} & one.keys()

    assert set(everyone["guests"]) == set(plain["guests"]) == {"test", "web1", "net1"}
    net1 = everyone["guests"]["net1"]
    assert net1["addresses"] == ["10.10.0.31"]
    assert net1["usage"]["memory_mib"] == {"current": 128, "maximum": 128}
    assert net1["usage"]["vcpus"] == 1
    assert net1["usage"]["cpu_seconds"] > 0
    # The Xen driver counts for the first of these disks only.
    assert all(isinstance(count, int) for count in net1["usage"]["disks"]["xvda"].values())
    assert set(net1["usage"]["disks"]["xvdb"].values()) == {None}
    assert all(isinstance(count, int) for count in net1["usage"]["networks"][MAC].values())
    assert "<name>net1</name>" in net1["xml"]["stored"]
    assert "type='vnc'" in net1["xml"]["running"]
    assert "secret" not in json.dumps(everyone)


def test_each_state_and_how_it_came(
    fresh_libvirt_uri: str, guest: dict[str, Any], files: dict[str, str], tmp_path: Path
) -> None:
    uri = fresh_libvirt_uri
    names = ("paused", "saved", "stopped")
    play([domain(uri, **{**guest, "name": name, "disks": []}) for name in names], tmp_path)
    connection = libvirt.open(uri)
    connection.lookupByName("paused").suspend()
    connection.lookupByName("saved").managedSave()
    connection.lookupByName("stopped").destroy()
    connection.createXML(
        f"""<domain type='xen'><name>transient</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
        <os><type>linux</type><kernel>{files["kernel"]}</kernel></os></domain>"""
    )
    found = play([info(uri, usage=True)], tmp_path)[0]["guests"]
    assert {name: (found[name]["state"], found[name]["reason"]) for name in (*names, "transient")} == {
        "paused": ("paused", "user"),
        "saved": ("saved", "saved"),
        "stopped": ("stopped", "destroyed"),
        "transient": ("running", "booted"),
    }
    for name in ("saved", "stopped"):
        assert (found[name]["id"], found[name]["running"], found[name]["usage"]) == (None, None, None)
    assert found["saved"]["managed_save"]
    assert found["paused"]["usage"]["memory_mib"]["current"] == 256
    assert (found["transient"]["persistent"], found["transient"]["stored"]) == (False, None)


def test_what_is_not_as_declared(fresh_libvirt_uri: str, guest: dict[str, Any], tmp_path: Path) -> None:
    uri = fresh_libvirt_uri
    web2 = {**guest, "name": "web2", "disks": []}
    declared = [
        {**guest, "memory": "384 MiB", "vcpus_max": 2, "autostart": True},
        {**web2, "state": "stopped"},
        {"name": "web8", "memory": "1 GiB"},
        {"name": "web9", "state": "absent"},
    ]
    play([domain(uri, **guest), domain(uri, **web2)], tmp_path)
    before = everything(uri)
    [found] = play([info(uri, domains=declared)], tmp_path)
    assert everything(uri) == before
    assert (found["missing"], found["undeclared"]) == (["web8"], ["test"])
    assert found["guests"]["web1"]["drift"] == [
        {"field": "vcpus_max", "kind": "not_declared", "stored": "1", "running": "1", "declared": "2"},
        {"field": "memory", "kind": "not_declared", "stored": "256 MiB", "running": "256 MiB", "declared": "384 MiB"},
        {"field": "autostart", "kind": "not_declared", "stored": "no", "running": None, "declared": "yes"},
    ]
    # That it runs is not part of the configuration.
    assert found["guests"]["web2"]["drift"] == []
    assert found["guests"]["test"]["drift"] == []

    made, again, one, broken = play(
        [
            {"xenfleet.xen.xen_domains": {"uri": uri, "domains": [*declared[:2], declared[3]]}},
            info(uri, domains=declared),
            info(uri, name="web8", domains=declared),
            info(uri, domains=[{**guest, "memory": "1 GiB", "memory_max": "512 MiB"}, web2]),
        ],
        tmp_path,
    )
    assert made["changed"]
    assert again["guests"]["web1"]["drift"] == [
        {"field": "vcpus_max", "kind": "restart_due", "stored": "2", "running": "1", "declared": "2"}
    ]
    assert (one["guests"], one["missing"], one["undeclared"]) == ({}, ["web8"], [])
    assert not broken["failed"], broken
    assert "memory is above memory_max" in broken["guests"]["web1"]["error"]
    assert "error" not in broken["guests"]["web2"]


def test_what_makes_no_sense_is_refused(fresh_libvirt_uri: str, guest: dict[str, Any], tmp_path: Path) -> None:
    uri = fresh_libvirt_uri
    nowhere = f"test+unix:///default?socket={tmp_path}/nothing"
    wrong: list[tuple[dict[str, Any], str]] = [
        (info(uri, name="web7"), "web7: there is no such guest on this host; found: test"),
        (info(uri, nmae="web1"), "nmae"),
        (info(uri, domains=[{**guest, "memroy": 1}]), "memroy"),
        (info(uri, domains=[{**guest, "memory": "lots"}]), "memory is no size"),
        (info(uri, domains=[guest, guest]), "declared twice"),
        (info(nowhere), "libvirt does not answer"),
    ]
    results = play([task for task, _words in wrong], tmp_path)
    for (task, words), result in zip(wrong, results, strict=True):
        assert result["failed"], task
        assert words in result["msg"], (task, result["msg"])


def test_the_playbook_compares_the_whole_park(fresh_libvirt_uri: str, files: dict[str, str], tmp_path: Path) -> None:
    uri = fresh_libvirt_uri
    play([domain(uri, name="web1", type="pv", memory="256 MiB", kernel=files["kernel"], disks=[])], tmp_path)
    before = everything(uri)
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    hosts = {
        "xen1": {**here, "xen_uri": uri},
        "xen2": {"ansible_host": "127.0.0.1", "ansible_port": 1},
        "xen3": {**here, "xen_uri": f"test+unix:///default?socket={tmp_path}/nothing"},
        "xen4": {**here, "xen_uri": uri, "xen_reachable": False, "xen_error": "no answer within 2 s"},
    }
    guests = {
        "web1": {"guest_host": "xen1", "guest_type": "pv", "guest_kernel": files["kernel"], "guest_memory": "384 MiB"},
        "web8": {"guest_host": "xen1", "guest_memory": "1 GiB"},
    }
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"dom0s": {"hosts": hosts}, "guests": {"hosts": guests}}))

    def drift(*arguments: str) -> list[str]:
        done = run_ansible(
            "ansible-playbook",
            "-i",
            str(inventory),
            "xenfleet.xen.drift",
            *arguments,
            ANSIBLE_CALLBACK_RESULT_FORMAT="json",
        )
        assert done.returncode == 0, done.stdout + done.stderr
        (message,) = [line for line in done.stdout.splitlines() if line.strip().startswith('"msg": "HOST')]
        lines: list[str] = json.loads("{" + message + "}")["msg"].splitlines()
        return lines

    lines = drift()
    assert lines[:-3] == [
        "HOST  GUEST  FIELD       DECLARED  STORED   RUNNING",
        "xen1  web1   memory      384 MiB   256 MiB  256 MiB",
        "xen1  web1   memory_max  384 MiB   256 MiB  256 MiB",
        "xen1  web8  is declared, and not there",
        "xen1  test  is there, and not declared",
    ]
    assert [line.split(":")[0] for line in lines[-3:]] == [
        "xen2  (did not answer",
        "xen3  (could not be looked at",
        "xen4  (did not answer",
    ]
    assert drift("--limit", "xen1") == lines[:-3]
    assert everything(uri) == before
