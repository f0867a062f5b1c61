"""xen_takeover and the playbook import by the real Ansible: a private libvirtd, and a stand-in for xl where guests run under it."""

from __future__ import annotations

import json
import sys
import uuid
from pathlib import Path
from typing import Any

import libvirt
import pytest

from .playing import XEN_DRIVER, play, run_ansible

XL = Path(__file__).parent / "xl_host/xl.py"


def uuid_of(name: str) -> str:
    """The UUID of a guest that the stand-in runs."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


class Host:
    """A host with files of xl, and a folder of guests that the stand-in runs."""

    def __init__(self, folder: Path, uri: str) -> None:
        self.folder = folder
        self.uri = uri
        self.etc = folder / "xen"
        self.guests = folder / "guests"
        for path in (self.etc / "auto", self.guests, folder / "bin"):
            path.mkdir(parents=True)
        program = folder / "bin/xl"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {XL} "$@"\n')
        program.chmod(0o755)
        self.kernel, self.disk = folder / "vmlinuz", folder / "root.img"
        for path in (self.kernel, self.disk):
            path.touch()

    def file(self, name: str, more: str = "", *, auto: bool = False) -> None:
        (self.etc / f"{name}.cfg").write_text(
            f"name = '{name}'\ntype = 'pv'\nmemory = 16\nkernel = '{self.kernel}'\n{more}\n"
        )
        if auto:
            (self.etc / f"auto/{name}.cfg").symlink_to(f"../{name}.cfg")

    def under_xl(self, name: str, **more: Any) -> None:
        sizes = {"max_vcpus": 1, "avail_vcpus": [0], "max_memkb": 16384, "target_memkb": 16384}
        config = {
            "c_info": {"type": "pv", "name": name, "uuid": uuid_of(name)},
            "b_info": {**sizes, "kernel": str(self.kernel)},
            "disks": [{"pdev_path": str(self.disk), "vdev": "xvda", "format": "raw", "readwrite": 1}],
            "on_poweroff": "destroy",
            "on_reboot": "restart",
            "on_crash": "destroy",
        }
        (self.guests / f"{name}.json").write_text(json.dumps({**config, **more}))

    def task(self, *, with_xl: bool = True, memory: str = "memory", **options: Any) -> dict[str, Any]:
        paths = {"folders": [str(self.etc)], "auto_folder": str(self.etc / "auto")}
        arguments = {"uri": self.uri, **paths, "save_folder": str(self.folder / "saved"), **options}
        environment = {"XL_HOST": str(self.guests), "XL_LIBVIRT": self.uri, "XL_MEMORY": memory}
        if with_xl:
            environment["PATH"] = f"{self.folder}/bin:/usr/bin:/bin"
        return {"xenfleet.xen.xen_takeover": arguments, "environment": environment}

    def run(self, *calls: dict[str, Any], check: bool = False) -> list[dict[str, Any]]:
        return play(list(calls), self.folder, "--diff", *(["--check"] if check else []))

    def by_xl(self) -> list[str]:
        return sorted(path.stem for path in self.guests.iterdir())

    def in_libvirt(self, name: str) -> libvirt.virDomain | None:
        listed = libvirt.open(self.uri).listAllDomains()
        return next((guest for guest in listed if guest.name() == name), None)


@pytest.fixture
def host(tmp_path: Path, fresh_libvirt_uri: str) -> Host:
    return Host(tmp_path, fresh_libvirt_uri)


def results(result: dict[str, Any]) -> dict[str, str]:
    return {guest["guest"]: guest["result"] for guest in result["guests"]}


def test_guests_that_do_not_run_are_defined_as_check_mode_said_and_once(host: Host) -> None:
    host.file("ldap1", f"disk = ['{host.disk},raw,xvda,rw']\non_watchdog = 'destroy'", auto=True)
    host.file("mail2", "irqs = [4]", auto=True)
    host.file("prog", "import os")
    host.file("win1", "builder = 'hvm'")
    (host.etc / "xl.conf").write_text("autoballoon = 0\n")
    before = sorted(host.etc.rglob("*"))
    (said,) = host.run(host.task(with_xl=False), check=True)
    assert host.in_libvirt("ldap1") is None
    assert sorted(host.etc.rglob("*")) == before

    done, again = host.run(host.task(with_xl=False), host.task(with_xl=False))
    assert (said["changed"], done["changed"], again["changed"]) == (True, True, False)
    assert said["guests"] == done["guests"]
    assert results(done) == {"ldap1": "taken", "mail2": "refused", "prog": "refused", "win1": "refused"}
    ldap1, mail2, prog, _win1 = done["guests"]
    assert ldap1["notes"] == ["left behind: on_watchdog"]
    assert mail2["notes"][0].startswith("without irqs it would be another machine")
    assert "line 5 cannot be read" in prog["notes"][0]
    assert {"field": "autostart", "before": "no", "after": "yes", "effect": "live"} in ldap1["changes"]
    assert results(again)["ldap1"] == "same"
    there = host.in_libvirt("ldap1")
    assert there is not None
    assert (there.isActive(), there.isPersistent(), there.autostart()) == (0, 1, 1)
    assert "on_crash>destroy<" in there.XMLDesc()
    assert not list((host.etc / "auto").glob("ldap1*"))
    assert (host.etc / "auto.taken/ldap1.cfg").read_text() == (host.etc / "ldap1.cfg").read_text()
    assert (host.etc / "auto/mail2.cfg").exists()


def test_a_screen_is_taken_over_and_its_password_shown_nowhere(host: Host) -> None:
    host.file("ldap1", "vfb = ['vnclisten=10.0.0.1,vncdisplay=7,vncpasswd=s3cret']\nacpi = 1\nbios = 'ovmf'\nhap = 0")
    host.file("mail2", "vncpasswd = s3cret")
    host.file("web1", "vfb = ['vncpasswd=s3cret', 'vnc=1']\nvncpasswd = 's3cret'")
    # What is said a second time holds.
    host.file("win1", "type = 'hvm'\nkernel = ''\nvncpasswd = 's3cret'\nstdvga = 1")
    spice = "spice = 1\nspiceport = 6001\nspicepasswd = 's3cret'"
    host.file("win2", f"type = 'hvm'\nkernel = ''\n{spice}\nvncpasswd = 's3cret'\nvga = 'qxl'")
    (said,) = host.run(host.task(with_xl=False), check=True)
    done, again = host.run(host.task(with_xl=False), host.task(with_xl=False))
    there = host.in_libvirt("ldap1")
    assert there is not None
    assert "passwd='s3cret'" in there.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE)
    assert "port='5907'" in there.XMLDesc()
    for name, words in (
        ("win1", ("type='vnc'", "type='vga'")),
        ("win2", ("type='spice'", "port='6001'", "type='qxl'")),
    ):
        screen = host.in_libvirt(name)
        assert screen is not None
        shown = screen.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE)
        assert [word for word in (*words, "passwd='s3cret'") if word not in shown] == []
    taken = dict.fromkeys(("ldap1", "win1", "win2"), "taken")
    assert results(done) == {**taken, "mail2": "refused", "web1": "refused"}
    assert results(again) == {**dict.fromkeys(taken, "same"), "mail2": "refused", "web1": "refused"}
    assert [guest["notes"] for guest in again["guests"] if guest["guest"] in taken] == [[], [], []]
    assert said["guests"] == done["guests"]
    ldap1, mail2, web1, _win1, win2 = done["guests"]
    assert win2["notes"] == ["left behind: vncpasswd, vnc"]
    assert ldap1["notes"] == ["left behind: bios, acpi, hap"]
    assert {"field": "graphics_password", "before": None, "after": "(hidden)"}.items() <= next(
        change for change in ldap1["changes"] if change["field"] == "graphics_password"
    ).items()
    assert "line 5 cannot be read; found: '(hidden)'" in mail2["notes"][0]
    assert web1["notes"][0].startswith("without vfb it would be another machine")
    assert "s3cret" not in json.dumps([said, done, again])


def test_a_guest_that_xl_runs_goes_on_under_libvirt(host: Host) -> None:
    host.file("ldap1", f"disk = ['{host.disk},raw,xvda,rw']", auto=True)
    host.file("rescue", f"disk = ['{host.disk},raw,xvda,rw']")
    host.under_xl("ldap1")
    host.under_xl("old1", disks=[])
    (said,) = host.run(host.task(), check=True)
    assert (host.by_xl(), host.in_libvirt("ldap1")) == (["ldap1", "old1"], None)
    left, done, again = host.run(host.task(running="leave", guests=["ldap1"]), host.task(), host.task())
    assert (left["changed"], results(left)) == (False, {"ldap1": "left"})
    assert said["guests"] == done["guests"]
    assert results(done) == {"ldap1": "moved", "rescue": "refused", "old1": "left"}, done["guests"]
    assert {"field": "run_by", "before": "xl", "after": "libvirt", "effect": "freeze"} in done["guests"][0]["changes"]
    assert "in use by the running guest ldap1" in done["guests"][1]["notes"][0]
    assert done["running"] == {"test": "libvirt", "ldap1": "xl", "old1": "xl"}
    assert (again["changed"], again["running"]["ldap1"]) == (False, "libvirt")
    assert results(again)["ldap1"] == "same"
    assert host.by_xl() == ["old1"]
    there = host.in_libvirt("ldap1")
    assert there is not None
    assert (there.isActive(), there.isPersistent(), there.autostart()) == (1, 1, 1)
    for flags in (0, libvirt.VIR_DOMAIN_XML_INACTIVE):
        assert uuid_of("ldap1") in there.XMLDesc(flags)
        assert str(host.disk) in there.XMLDesc(flags)
    assert list((host.folder / "saved").iterdir()) == []


def test_a_guest_that_libvirt_does_not_restore_goes_on_under_xl(host: Host) -> None:
    host.file("ldap1", f"disk = ['{host.disk},raw,xvda,rw']", auto=True)
    host.file("web1")
    host.under_xl("ldap1")
    (failed,) = host.run(host.task(memory="cannot be restored"))
    assert failed["failed"]
    assert failed["failed_guests"] == ["ldap1"]
    assert results(failed) == {"ldap1": "failed", "web1": "taken"}
    assert "could not restore the saved guest; found: it goes on running under xl. Nothing was lost." in failed["msg"]
    assert (host.by_xl(), host.in_libvirt("ldap1")) == (["ldap1"], None)
    assert list((host.folder / "saved").iterdir()) == []
    assert (host.etc / "auto/ldap1.cfg").exists()
    (then,) = host.run(host.task())
    assert results(then) == {"ldap1": "moved", "web1": "same"}


def test_what_makes_no_sense_is_refused(host: Host) -> None:
    missing, wrong = host.run(host.task(folders=[str(host.folder / "none")]), host.task(running="perhaps"))
    assert (missing["failed"], missing["guests"]) == (False, [])
    assert wrong["failed"]


def test_the_playbook_sees_the_whole_park(host: Host, libvirt_daemons: Any, tmp_path: Path) -> None:
    other = Host(tmp_path / "other", libvirt_daemons("takeover"))
    host.file("ldap1", auto=True)
    host.file("web1")
    host.file("smtp1")
    other.file("web1")
    libvirt.open(other.uri).defineXML(
        f"<domain type='xen'><name>smtp1</name><memory>16384</memory><vcpu>1</vcpu><os><type>linux</type>"
        f"<kernel>{other.kernel}</kernel></os></domain>"
    )
    inventory = tmp_path / "hosts.json"
    variables = {
        name: {
            "xen_uri": there.uri,
            "import_folders": [str(there.etc)],
            "import_auto_folder": str(there.etc / "auto"),
            "import_save_folder": str(there.folder / "saved"),
        }
        for name, there in (("xen1", host), ("xen2", other))
    }
    variables["xen3"] = {"xen_uri": "test+unix:///default?socket=/nowhere"}
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory.write_text(json.dumps({"dom0s": {"hosts": variables, "vars": local}}))

    def playbook(*arguments: str) -> tuple[int, str]:
        done = run_ansible(
            "ansible-playbook", "-i", str(inventory), "xenfleet.xen.import", *arguments, PYTHONPATH=str(XEN_DRIVER)
        )
        return done.returncode, " ".join((done.stdout + done.stderr).replace("\\n", " ").split())

    status, said = playbook("--check")
    assert status != 0
    assert "xen3 (could not be looked at: libvirt does not answer" in said, said
    assert (
        "xen1 ldap1 " + str(host.etc / "ldap1.cfg") + " refused it does not run here, and xen3 did not answer" in said
    )

    del variables["xen3"]
    inventory.write_text(json.dumps({"dom0s": {"hosts": variables, "vars": local}}))
    status, said = playbook("--check", "--diff")
    assert status == 0, said
    assert host.in_libvirt("ldap1") is None
    status, done = playbook()
    assert status == 0, done
    for words in (
        f"xen1 ldap1 {host.etc}/ldap1.cfg taken",
        f"xen1 smtp1 {host.etc}/smtp1.cfg refused it does not run here, and libvirt on xen2 has it",
        f"xen1 web1 {host.etc}/web1.cfg refused it does not run here, and {other.etc}/web1.cfg on xen2 describes it, too",
        f"xen2 web1 {other.etc}/web1.cfg refused",
    ):
        assert words in said
        assert words in done
    status, one = playbook("-e", "host=xen2", "-e", "guest=web1")
    assert f"xen2 web1 {other.etc}/web1.cfg taken" in one
    assert "xen1 ldap1" not in one
    status, again = playbook("-e", "host=xen9")
    assert status != 0
    assert "'xen9' is no host of the group dom0s; it has: xen1, xen2" in again
