"""A machine made a Xen host: refused values, plans and how they are carried out, when it has to be restarted, why it does not answer."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import (
    CommandFailed,
    HypervisorError,
    InvalidInput,
    Refused,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.dom0 import make_dom0
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.dom0 import PACKAGES, Dom0Outcome
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change, Effect
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.dom0_boot import next_boot
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.key_file import value_of
from ansible_collections.xenfleet.xen.plugins.modules import xen_dom0

from .dom0_machine import DRIVER, RECORDED, SILENT, World

ROLE = Path(__file__).resolve().parents[2] / "roles" / "dom0"
GRUB = "etc/default/grub.d/zz-xenfleet.cfg"
SMALL = {"memory": "512 MiB", "vcpus": "2"}
NEXT = Effect.NEXT_BOOT


@pytest.fixture
def plain(tmp_path: Path) -> World:
    """A machine without Xen."""
    return World(tmp_path / "root")


@pytest.fixture
def host(plain: World) -> World:
    """A machine with all packages that runs Xen with all of the memory, and has been looked after once."""
    plain.install()
    plain.ensure(address="10.30.0.101")
    plain.boot(memory=1900)
    return plain


def fields(outcome: Dom0Outcome) -> list[str]:
    return [change.field for change in outcome.changes]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"memory": "much"}, "memory is no size; found: 'much'"),
        ({"memory": "-4 GiB"}, "memory is no size"),
        ({"memory": "4"}, "memory is less than dom0 can start with; found: 4 MiB; expected: 256 MiB or more"),
        ({"vcpus": "0"}, "vcpus is no number of VCPUs; found: '0'"),
        ({"vcpus": "four"}, "vcpus is no number of VCPUs"),
        ({"vcpus": "4-1"}, "vcpus is no number of VCPUs"),
        ({"xen_arguments": ["loglvl=all guest_loglvl=all"]}, "xen_arguments has something that is no single argument"),
        ({"xen_arguments": ['x="$(reboot)"']}, "no single argument"),
        ({"xen_arguments": [""]}, "no single argument"),
        ({"kernel_arguments": ["a;reboot"]}, "kernel_arguments has something that is no single argument"),
        (
            {"xen_arguments": ["dom0_mem=4G"]},
            "xen_arguments has dom0_mem; found: dom0_mem=4G; expected: that in the option memory",
        ),
        ({"xen_arguments": ["dom0_max_vcpus=4"]}, "expected: that in the option vcpus"),
        ({"memory": "4 GiB", "autoballoon": True}, "autoballoon takes memory away from dom0, and memory fixes it"),
        ({"keepalive_interval": -2}, "keepalive_interval is out of range; found: -2; expected: -1 to 86400"),
        ({"shutdown_timeout": -1}, "shutdown_timeout is out of range"),
        ({"hostname": "xen_1"}, "hostname is no name of a machine"),
        ({"hostname": "10.30.0.1"}, "hostname is no name of a machine"),
        ({"hostname": "localhost"}, "every machine's name for itself"),
        ({"address": "127.0.1.1"}, "address is no address that other hosts reach; found: '127.0.1.1'"),
        ({"address": "xen1"}, "address is no address that other hosts reach"),
        ({"hosts": [{"address": "10.30.0.2", "names": []}]}, "an entry without names; found: 10.30.0.2"),
        ({"hosts": [{"address": "::1", "names": ["xen2"]}]}, "hosts[].address is no address"),
        (
            {"hosts": [{"address": "10.30.0.2", "names": ["xen2"]}, {"address": "10.30.0.3", "names": ["xen2"]}]},
            "hosts has two addresses for xen2; found: 10.30.0.2, 10.30.0.3",
        ),
        (
            {"migration_network": "10.30.0.1/24"},
            "migration_network is no network; found: '10.30.0.1/24' (10.30.0.1/24 has host bits",
        ),
    ],
)
def test_what_makes_no_sense(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(words)):
        make_dom0(options)


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ({"memory": "4 GiB"}, ("dom0_mem=4G,max:4G",)),
        ({"memory": "4G", "vcpus": "1-4"}, ("dom0_mem=4G,max:4G", "dom0_max_vcpus=1-4")),
        ({"memory": "1536"}, ("dom0_mem=1536M,max:1536M",)),
        ({"memory": "600000 KiB", "xen_arguments": ["com1=115200,8n1"]}, ("dom0_mem=586M,max:586M", "com1=115200,8n1")),
        ({"memory": "all", "vcpus": "all"}, ()),
        ({}, ()),
    ],
)
def test_arguments_of_xen(options: dict[str, Any], arguments: tuple[str, ...]) -> None:
    assert make_dom0(options).boot.xen == arguments


def test_what_a_machine_cannot_have_is_refused_at_once(plain: World) -> None:
    plain.put("proc/cpuinfo", "processor : 0\nflags : fpu\n\nprocessor : 1\nflags : fpu\n")
    plain.put("sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c", "\x06\0\0\0\1")
    with pytest.raises(Refused) as refused:
        plain.ensure(memory="4 GiB", vcpus="3", guest_types=["pv", "hvm", "pvh"])
    assert refused.value.obstacles == (
        "the firmware boots signed programs only, and Debian's Xen is not signed; found: Secure Boot is on; expected: off. "
        "Switch it off in the firmware",
        "memory is more than the machine has; found: 1968 MiB; expected: 4 GiB or more",
        "vcpus is more than the machine has CPUs; found: 2; expected: 3 or more",
        "hvm and pvh guests are declared, and the CPUs cannot run them; found: neither VT-x nor SVM; expected: one of them. "
        "Switch it on in the firmware, or make the guests pv",
    )
    assert plain.ran == []


def test_what_is_no_machine_for_it(plain: World) -> None:
    plain.put("etc/os-release", "ID=ubuntu\nVERSION_ID=24.04\n")
    (plain.root / "boot/grub/grub.cfg").unlink()
    plain.put("sys/hypervisor/type", "xen\n")
    plain.put("sys/hypervisor/uuid", "6695eb01-f6a4-8304-79aa-97f2502e193f\n")
    with pytest.raises(Refused, match="this is no machine for the role") as refused:
        plain.ensure()
    assert [obstacle.partition(";")[0] for obstacle in refused.value.obstacles] == [
        "this is no machine for the role",
        "this machine is a guest of a Xen host",
        "this machine does not boot by GRUB",
    ]


def test_under_xen_the_whole_machine_counts(host: World) -> None:
    with pytest.raises(Refused, match=r"memory is more than the machine has; found: \d+ MiB; expected: 1 TiB"):
        host.ensure(memory="1 TiB")
    assert host.ensure(check=True, vcpus="2").changes
    with pytest.raises(Refused, match="vcpus is more than the machine has CPUs"):
        host.ensure(vcpus="300")
    assert host.ensure(check=True, vcpus="1-300").changes
    assert host.ensure(check=True, guest_types=["hvm"]) == Dom0Outcome(runs_xen=True)


def test_from_a_plain_machine_to_a_xen_host(plain: World) -> None:
    options = {
        **SMALL,
        "at_shutdown": "save",
        "at_start": "ran",
        "address": "10.30.0.111",
        "kernel_arguments": ["console=hvc0"],
    }
    said = plain.ensure(check=True, **options)
    assert (said.missing_packages, said.reboot_reasons, plain.ran) == (PACKAGES, ("the machine runs without Xen",), [])

    # Nothing is done for want of the packages.
    first = plain.ensure(**options)
    assert first == Dom0Outcome(missing_packages=PACKAGES)
    assert plain.ran == []

    plain.install()
    done = plain.ensure(**options)
    assert (done.changes, done.reboot_reasons) == (said.changes, said.reboot_reasons)
    assert done.changes == (
        Change("hosts[xen1.example.org]", "127.0.1.1 xen1.example.org xen1", "10.30.0.111 xen1.example.org xen1"),
        Change("xl.autoballoon", None, "off"),
        Change("autoballoon", None, "0"),
        Change("libvirt_guests.uris", None, "xen:///system"),
        Change("at_start", None, "start"),
        Change("at_shutdown", None, "suspend"),
        Change("services[libvirtd].order", None, "after xen, before libvirt-guests", NEXT),
        Change("services[xendomains]", "enabled, inactive", "disabled, inactive"),
        Change("grub", None, "Xen first", NEXT),
        Change("memory", None, "512M", NEXT),
        Change("vcpus", None, "2", NEXT),
        Change("kernel_arguments", None, "console=hvc0", NEXT),
    )
    assert "update-grub" in plain.ran

    plain.boot()
    again = plain.ensure(**options)
    assert again == Dom0Outcome(runs_xen=True)
    assert plain.ran == []
    plain.operations().verify(timeout=0)
    assert plain.command_line == "placeholder   dom0_mem=512M,max:512M dom0_max_vcpus=2"
    assert plain.text("proc/cmdline").split() == [
        "placeholder",
        "root=/dev/vda1",
        "ro",
        "console=ttyS0",
        "quiet",
        "console=hvc0",
    ]


def test_the_file_for_grub(plain: World) -> None:
    plain.install()
    plain.ensure(**SMALL, xen_arguments=["ucode=scan"], kernel_arguments=["a=b"])
    assert plain.text(GRUB) == (
        "# Written by Ansible (xenfleet.xen.xen_dom0), which undoes other changes when it runs again.\n"
        "if type grub_get_device_id > /dev/null 2>&1; then\n"
        '    GRUB_DEFAULT="xen-gnulinux-simple-$(grub_get_device_id "$GRUB_DEVICE")"\n'
        "fi\n"
        'GRUB_CMDLINE_XEN_DEFAULT="$GRUB_CMDLINE_XEN_DEFAULT dom0_mem=512M,max:512M dom0_max_vcpus=2 ucode=scan"\n'
        'GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT="${GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT:-$GRUB_CMDLINE_LINUX_DEFAULT} a=b"\n'
    )
    assert stat.S_IMODE((plain.root / GRUB).stat().st_mode) == 0o644
    done = plain.ensure(replace_kernel_arguments=True)
    assert done.changes == (Change("replace_kernel_arguments", "no", "yes", NEXT),)
    assert plain.text(GRUB).endswith('GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT=" a=b"\n')
    assert "quiet a=b" not in plain.text("boot/grub/grub.cfg")


def test_what_is_not_declared_stays(host: World) -> None:
    host.ensure(**SMALL, xen_arguments=["ucode=scan"], at_shutdown="save", shutdown_timeout=60)
    before = {str(path): path.read_text() for path in host.root.rglob("*") if path.is_file()}
    assert host.ensure().changes == ()
    assert {str(path): path.read_text() for path in host.root.rglob("*") if path.is_file()} == before
    assert host.ensure(xen_arguments=[]).changes == (Change("xen_arguments", "ucode=scan", None, NEXT),)
    assert host.ensure(memory="all", vcpus="all").changes == (
        Change("xl.autoballoon", "off", "on"),
        Change("autoballoon", "0", "1"),
        Change("memory", "512M", None, NEXT),
        Change("vcpus", "2", None, NEXT),
    )


def test_a_restart_is_due_while_what_runs_is_not_what_would_be_booted(host: World) -> None:
    said = host.ensure(check=True, memory="1 GiB", xen_arguments=["loglvl=all"], kernel_arguments=["console=hvc0"])
    assert said.reboot_reasons == (
        "Xen runs without dom0_mem=1G,max:1G",
        "Xen runs without loglvl=all",
        "dom0's kernel runs without console=hvc0",
    )
    done = host.ensure(memory="1 GiB", xen_arguments=["loglvl=all"], kernel_arguments=["console=hvc0"])
    assert done == said
    # It is due in a later run, too, which has nothing else to do.
    later = host.ensure(memory="1 GiB")
    assert (later.changes, later.reboot_reasons) == ((), said.reboot_reasons)
    host.boot(memory=1024)
    assert host.ensure(memory="1 GiB") == Dom0Outcome(runs_xen=True)

    said = host.ensure(check=True, memory="512M", xen_arguments=[], kernel_arguments=[])
    assert said.reboot_reasons == (
        "Xen runs with dom0_mem=1G,max:1G instead of dom0_mem=512M,max:512M",
        "Xen runs with loglvl=all, which is not in GRUB's menu any more",
        "dom0's kernel runs with console=hvc0, which is not in GRUB's menu any more",
    )
    assert host.ensure(memory="512M", xen_arguments=[], kernel_arguments=[]) == said


def test_the_same_memory_in_other_words_is_no_reason(host: World) -> None:
    host.put("etc/default/grub.d/xen.cfg", 'GRUB_CMDLINE_XEN_DEFAULT="dom0_mem=524288,max:512M com1=115200"\n')
    host.update_grub()
    host.boot(memory=512)
    done = host.ensure(memory="512 MiB")
    assert (fields(done), done.reboot_reasons) == (["xl.autoballoon", "autoballoon", "memory"], ())


def test_what_others_say_of_xens_arguments_stays(host: World) -> None:
    host.put("etc/default/grub.d/xen.cfg", 'GRUB_CMDLINE_XEN_DEFAULT="dom0_mem=4G,max:4G com1=115200"\n')
    done = host.ensure(memory="1 GiB")
    assert done.reboot_reasons == ("Xen runs without dom0_mem=1G,max:1G", "Xen runs without com1=115200")
    host.boot(memory=1024)
    assert host.command_line.split() == ["placeholder", "dom0_mem=4G,max:4G", "com1=115200", "dom0_mem=1G,max:1G"]
    assert host.ensure(memory="1 GiB") == Dom0Outcome(runs_xen=True)


def test_the_menu_as_grub_writes_it() -> None:
    """Of a machine that the role has made a Xen host, with Debian 13's GRUB."""
    menu = (RECORDED / "grub.cfg-13").read_text()
    entry = next_boot(menu)
    assert entry is not None
    assert entry.title == "Debian GNU/Linux, with Xen hypervisor"
    assert entry.xen == (
        "dom0_mem=1G,max:1G",
        "dom0_max_vcpus=1",
        "console=com1",
        "com1=115200,8n1",
        "loglvl=info",
        "spec-ctrl=no",
        "xpti=no",
    )
    assert entry.kernel[:3] == ("console=ttyS0,115200", "net.ifnames=0", "console=hvc0")
    default = "xen-gnulinux-simple-96077887-1352-4663-9907-301c64f92478"
    for other, title, xen in (
        ("0", "Debian GNU/Linux", None),
        ("2", "Debian GNU/Linux, with Xen hypervisor", entry.xen),
        ("Debian GNU/Linux, with Xen hypervisor", "Debian GNU/Linux, with Xen hypervisor", entry.xen),
        (
            "Advanced options for Debian GNU/Linux (with Xen hypervisor)>Debian GNU/Linux, with Xen 4.20-amd64 and "
            "Linux 6.12.118+deb13-amd64 (recovery mode)",
            "Debian GNU/Linux, with Xen 4.20-amd64 and Linux 6.12.118+deb13-amd64 (recovery mode)",
            (),
        ),
    ):
        chosen = next_boot(menu.replace(f'set default="{default}"', f'set default="{other}"'))
        assert chosen is not None
        assert (chosen.title, chosen.xen) == (title, xen)
    for other in ("1", "9", "Debian GNU/Linux, with another system"):
        assert next_boot(menu.replace(f'set default="{default}"', f'set default="{other}"')) is None


def test_guests_that_nobody_would_save_are_named(host: World) -> None:
    host.guests, host.known = ("ldap1", "old one"), ("ldap1",)
    (said,) = host.ensure(memory="1 GiB").restart_obstacles
    assert said.startswith(
        "libvirt does not know old one, and nobody would save or shut down these guests; take them over"
    )
    host.libvirt = "Connection refused"
    assert "does not know ldap1, old one," in host.ensure(memory="1 GiB").restart_obstacles[0]
    host.boot(memory=1024)
    assert host.ensure(memory="1 GiB").restart_obstacles == ()


def test_guests_whose_memory_has_no_room_are_not_cut_off(host: World, monkeypatch: pytest.MonkeyPatch) -> None:
    host.guests = host.known = ("ldap1", "ldap2")  # of 128 MiB each
    asked: list[Path] = []

    def little(path: Path) -> SimpleNamespace:
        asked.append(path)
        return SimpleNamespace(f_bavail=200, f_frsize=MIB)

    monkeypatch.setattr(os, "statvfs", little)
    assert host.ensure(check=True, memory="1 GiB", at_shutdown="shutdown").restart_obstacles == ()
    for check in (True, False):
        (said,) = host.ensure(check=check, memory="1 GiB", at_shutdown="save").restart_obstacles
        assert said.startswith(
            "the memory of the running guests does not fit where it is to be saved; found: 200 MiB of room in "
            "/var/lib/libvirt/libxl/save; expected: 256 MiB."
        )
    assert {path.relative_to(host.root) for path in asked} == {Path()}  # the folder itself comes with the first save
    assert host.ensure(memory="1 GiB", at_shutdown="shutdown").restart_obstacles == ()


def test_grubs_settings_come_back_when_its_menu_cannot_be_made(host: World) -> None:
    before = host.text(GRUB)
    host.broken = frozenset({"update-grub"})
    with pytest.raises(CommandFailed, match="update-grub") as failed:
        host.ensure(memory="1 GiB")
    assert host.text(GRUB) == before
    assert failed.value.applied == ("xl.autoballoon", "autoballoon")
    (host.root / GRUB).unlink()
    with pytest.raises(CommandFailed):
        host.ensure(memory="1 GiB")
    assert not (host.root / GRUB).exists()


def test_a_menu_that_is_not_as_declared_is_an_error(host: World) -> None:
    host.put("etc/default/grub.d/zzz.cfg", 'GRUB_CMDLINE_XEN_DEFAULT="loglvl=all"\n')
    with pytest.raises(CommandFailed, match="GRUB's menu does not have what is declared; found: loglvl=all") as failed:
        host.ensure(memory="1 GiB")
    assert failed.value.expected == "dom0_mem=1G,max:1G"
    host.put("etc/default/grub.d/zzz.cfg", "GRUB_DEFAULT=0\n")
    for _run in ("the first", "the next"):
        with pytest.raises(CommandFailed, match="does not boot Xen first; found: Debian GNU/Linux; expected"):
            host.ensure(memory="768 MiB")
    (host.root / "etc/default/grub.d/zzz.cfg").unlink()
    done = host.ensure(memory="768 MiB")
    assert (done.changes, host.ran) == ((Change("grub", "a menu without that", "Xen first", NEXT),), ["update-grub"])
    assert done.reboot_reasons == ("Xen runs without dom0_mem=768M,max:768M",)
    assert host.ensure(memory="768 MiB").changes == ()


def test_memory_that_running_guests_have_is_not_for_dom0(host: World) -> None:
    host.guests = ("ldap1", "ldap2")  # of 128 MiB each
    with pytest.raises(
        Refused, match="memory leaves too little for the guests that run; found: 2047 MiB, of which they have 256 MiB"
    ):
        host.ensure(memory="1800 MiB")
    assert host.ran == []
    assert host.ensure(check=True, memory="1536 MiB").changes


def test_libvirtd_reads_its_configuration_when_that_changed(host: World) -> None:
    options = {"lock_manager": "lockd", "keepalive_interval": -1, "keepalive_count": 3, "nested_hvm": True}
    done = host.ensure(**options)
    assert done.missing_packages == ("libvirt-daemon-plugin-lockd",)
    host.installed.add("libvirt-daemon-plugin-lockd")
    done = host.ensure(**options)
    assert done.changes == (
        Change("keepalive_interval", None, "-1"),
        Change("keepalive_count", None, "3"),
        Change("nested_hvm", None, "1"),
        Change("lock_manager", None, "lockd"),
    )
    assert host.ran == ["systemctl restart libvirtd.service"]
    text = host.text("etc/libvirt/libxl.conf")
    assert '#lock_manager = "lockd"\nlock_manager = "lockd"\n' in text
    assert "#nested_hvm = 0\nnested_hvm = 1\n" in text
    assert host.ensure(**options) == Dom0Outcome(runs_xen=True)
    assert host.ensure(lock_manager="none").changes == (Change("lock_manager", "lockd", None),)
    assert value_of(host.text("etc/libvirt/libxl.conf"), "lock_manager") is None
    assert host.ensure(lock_manager="none", nested_hvm=False).changes == (Change("nested_hvm", "1", "0"),)


def test_what_becomes_of_guests(host: World) -> None:
    options = {
        "at_shutdown": "shutdown",
        "at_start": "autostart",
        "shutdown_timeout": 120,
        "parallel_shutdown": 4,
        "start_delay": 5,
    }
    host.ensure(**options)
    text = host.text("etc/default/libvirt-guests")
    for key, value in (
        ("URIS", "xen:///system"),
        ("ON_BOOT", "ignore"),
        ("ON_SHUTDOWN", "shutdown"),
        ("SHUTDOWN_TIMEOUT", "120"),
        ("PARALLEL_SHUTDOWN", "4"),
        ("START_DELAY", "5"),
    ):
        assert value_of(text, key) == value
    host.put("etc/default/libvirt-guests", text.replace("URIS=xen:///system", "URIS='default xen:///system'"))
    assert host.ensure(**options).changes == ()


def test_services_change_without_a_word_to_guests(host: World) -> None:
    host.units |= {"xendomains": [True, True], "libvirt-guests": [False, False]}
    done = host.ensure()
    assert done.changes == (
        Change("services[xendomains]", "enabled, active", "disabled, inactive"),
        Change("services[libvirt-guests]", "disabled, inactive", "enabled, active"),
    )
    assert host.quiet == [
        "stop xendomains: [Service]\nExecStop=\nExecStopPost=\n",
        "start libvirt-guests: [Service]\nExecStartPre=\nExecStart=\nExecStart=/bin/true\nExecStartPost=\n",
    ]
    assert not list(host.root.glob("run/systemd/system/*/zz-xenfleet.conf"))
    assert host.ensure().changes == ()


def test_a_file_that_is_a_link_stays_one(host: World) -> None:
    file = host.root / "etc/libvirt/libxl.conf"
    file.rename(host.root / "libxl.conf")
    file.symlink_to(host.root / "libxl.conf")
    host.ensure(nested_hvm=True)
    assert file.is_symlink()
    assert value_of((host.root / "libxl.conf").read_text(), "nested_hvm") == "1"


def test_services_that_are_scripts(host: World) -> None:
    host.scripts = frozenset({"xendomains"})
    assert host.ensure().changes == ()
    host.units["xendomains"] = [True, False]
    assert host.ensure().changes == (Change("services[xendomains]", "enabled, inactive", "disabled, inactive"),)
    assert (host.quiet, host.units["xendomains"]) == ([], [False, False])


def test_xendomains_saves_nobody_while_libvirt_is_installed(plain: World) -> None:
    plain.install()
    plain.installed -= {"libvirt-daemon-system"}
    plain.units = {"xendomains": [True, True]}
    plain.put("etc/xen/auto/ldap1", "")
    done = plain.ensure(**SMALL)
    assert done.missing_packages == ("libvirt-daemon-system",)
    assert done.changes == (Change("services[xendomains]", "enabled, active", "disabled, inactive"),)
    assert done.warnings[-1].startswith("xendomains starts nothing any more; found in its folders: /etc/xen/auto/ldap1")
    assert not (plain.root / GRUB).exists()


def test_names(host: World) -> None:
    host.put("etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\txen1.example.org xen1\n::1 localhost ip6-localhost\n")
    assert host.ensure().warnings == (
        "xen1 leads to this machine's own loopback in /etc/hosts, so guests that are moved here without an address do not arrive. "
        "Say its address (address, dom0_address)",
    )
    options = {
        "hostname": "xen1.example.org",
        "address": "10.30.0.101",
        "hosts": [{"address": "10.30.0.102", "names": ["xen2.example.org", "xen2"]}],
    }
    done = host.ensure(**options)
    assert fields(done) == ["hostname", "hosts[xen1.example.org]", "hosts[xen2.example.org]"]
    assert done.warnings == ()
    assert host.text("etc/hostname") == "xen1.example.org\n"
    assert host.text("proc/sys/kernel/hostname") == "xen1.example.org\n"
    assert host.text("etc/hosts") == (
        "127.0.0.1\tlocalhost\n"
        "::1 localhost ip6-localhost\n"
        "10.30.0.101\txen1.example.org xen1\n"
        "10.30.0.102\txen2.example.org xen2\n"
    )
    assert host.ensure(**options) == Dom0Outcome(runs_xen=True)
    done = host.ensure(**{**options, "address": "10.30.0.201"})
    assert done.changes == (
        Change("hosts[xen1.example.org]", "10.30.0.101 xen1.example.org xen1", "10.30.0.201 xen1.example.org xen1"),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("10.30.0.101 xen1\n", "10.30.0.101 xen1\n"),
        ("10.30.0.101 xen1 www # the first\n", "10.30.0.101 xen1 www # the first\n"),
        ("10.30.0.101 www # the first", "10.30.0.101\txen1 www # the first\n"),
        ("127.0.0.1 localhost xen1 # all\n", "127.0.0.1\tlocalhost # all\n10.30.0.101\txen1\n"),
        ("::1 xen1\nfd00::1 xen1\n# 127.0.1.1 xen1\n", "fd00::1 xen1\n# 127.0.1.1 xen1\n10.30.0.101\txen1\n"),
        ("192.0.2.1 xen1 mail\nno-address xen1\n", "192.0.2.1\tmail\nno-address xen1\n10.30.0.101\txen1\n"),
        ("", "10.30.0.101\txen1\n"),
    ],
)
def test_the_hosts_file(host: World, before: str, after: str) -> None:
    host.put("etc/hosts", before)
    host.ensure(address="10.30.0.101")
    assert host.text("etc/hosts") == after
    assert host.ensure(address="10.30.0.101").changes == ()


NFTABLES = """#!/usr/sbin/nft -f
flush ruleset
table inet filter {
\tchain input { # chain other { hook input
\t\ttype filter hook input priority filter; policy drop;
\t\ttcp dport { 22 } accept
\t}
\tchain forward { type filter hook forward priority filter; }
}
table ip6 six { chain in6 { type filter hook input priority 0; } }
"""


def test_nftables_where_it_is_at_work(host: World) -> None:
    host.put("etc/nftables.conf", NFTABLES)
    (host.root / "etc/nftables.conf").chmod(0o755)
    assert host.ensure(migration_network="10.30.0.0/24").changes == ()
    host.units["nftables"] = [True, True]
    said = host.ensure(check=True, migration_network="10.30.0.0/24")
    done = host.ensure(migration_network="10.30.0.0/24")
    assert done == said
    assert done.changes == (Change("firewall[nftables]", None, "TCP 49152 to 49216 from 10.30.0.0/24"),)
    assert host.ran == ["nft -f /etc/nftables.d/xenfleet-migration.nft"]
    assert host.text("etc/nftables.d/xenfleet-migration.nft").splitlines()[1:] == [
        "insert rule inet filter input ip saddr 10.30.0.0/24 tcp dport 49152-49216 accept"
    ]
    assert host.text("etc/nftables.conf") == f'{NFTABLES}include "/etc/nftables.d/xenfleet-migration.nft"\n'
    assert stat.S_IMODE((host.root / "etc/nftables.conf").stat().st_mode) == 0o755
    assert host.ensure(migration_network="10.30.0.0/24").changes == ()
    assert host.ensure(migration_network="fd30::/64").changes == (
        Change("firewall[nftables]", "TCP 49152 to 49216 from 10.30.0.0/24", "TCP 49152 to 49216 from fd30::/64"),
    )
    assert host.text("etc/nftables.d/xenfleet-migration.nft").splitlines()[1:] == [
        "insert rule inet filter input ip6 saddr fd30::/64 tcp dport 49152-49216 accept",
        "insert rule ip6 six in6 ip6 saddr fd30::/64 tcp dport 49152-49216 accept",
    ]


def test_nftables_with_its_rules_elsewhere(host: World) -> None:
    host.put("etc/nftables.conf", 'include "/etc/nftables.d/site.nft"\n')
    host.units["nftables"] = [True, True]
    done = host.ensure(migration_network="10.30.0.0/24")
    assert done.changes == ()
    assert done.warnings[0].startswith(
        "nftables is at work, but /etc/nftables.conf itself has no chain for what comes in over IPv4"
    )


def test_other_firewalls(host: World) -> None:
    host.units["firewalld"] = [True, True]
    host.ufw = "Added user rules (see 'ufw status' for running firewall):\nufw allow 22/tcp\n"
    done = host.ensure(migration_network="10.30.0.0/24")
    assert fields(done) == ["firewall[firewalld]", "firewall[ufw]"]
    rule = 'rule family="ipv4" source address="10.30.0.0/24" port port="49152-49216" protocol="tcp" accept'
    assert host.ran == [
        f"firewall-cmd --permanent --add-rich-rule={rule}",
        f"firewall-cmd --add-rich-rule={rule}",
        "ufw allow proto tcp from 10.30.0.0/24 to any port 49152:49216",
    ]
    assert host.ensure(migration_network="10.30.0.0/24").changes == ()


def test_a_single_address_in_a_firewall(host: World) -> None:
    host.ufw = ""
    assert fields(host.ensure(migration_network="10.30.0.108/32")) == ["firewall[ufw]"]
    assert host.ensure(migration_network="10.30.0.108/32").changes == ()


SKIPPED = "no connection driver available for xen:///system"


@pytest.mark.parametrize(
    ("libvirt", "journal", "active", "words"),
    [
        (SKIPPED, "", True, "libvirtd was there before Xen's daemons, and left its Xen driver off"),
        ("Failed to connect socket", "", False, "libvirtd does not run"),
        (
            "Failed to connect socket",
            "internal error: Cannot find suitable CPU model for given data\n",
            False,
            "libvirt knows no model of this CPU",
        ),
        ("authentication failed", "", True, "libvirt does not answer for Xen; found: error: failed to connect"),
    ],
)
def test_why_libvirt_does_not_answer(host: World, libvirt: str, journal: str, active: bool, words: str) -> None:
    host.libvirt, host.journal, host.units["libvirtd"][1] = libvirt, journal, active
    with pytest.raises(HypervisorError, match=re.escape(words)):
        host.operations().verify(timeout=0)


def test_a_libvirt_that_is_there_and_never_answers(host: World) -> None:
    host.libvirt, host.journal = SILENT, "internal error: Cannot find suitable CPU model for given data\n"
    with pytest.raises(HypervisorError, match="libvirt knows no model of this CPU"):
        host.operations().verify(timeout=0)
    assert host.ensure(**SMALL).changes


def test_why_a_machine_is_no_xen_host(host: World) -> None:
    host.libvirt = SKIPPED
    (host.root / DRIVER).unlink()
    with pytest.raises(HypervisorError, match="libvirt's Xen driver is not installed"):
        host.operations().verify(timeout=3600)
    host.put("sys/hypervisor/type", "")
    with pytest.raises(HypervisorError, match="the machine is not booted into Xen; found: placeholder root=/dev/vda1"):
        host.operations().verify(timeout=3600)


def test_a_host_that_runs_with_something_else(host: World) -> None:
    host.ensure(**SMALL)
    host.boot(memory=1024, vcpus=4)
    with pytest.raises(HypervisorError, match="Xen does not run with what was asked") as failed:
        host.operations().verify(timeout=0)
    assert failed.value.found == "dom0 has 1 GiB of memory; expected: 512 MiB; dom0 has 4 VCPUs; expected: 2 at most"
    host.boot(memory=511, vcpus=2)
    host.operations().verify(timeout=0)
    host.command_line = "placeholder"
    with pytest.raises(
        HypervisorError, match="Xen runs without dom0_mem=512M,max:512M; Xen runs without dom0_max_vcpus=2"
    ):
        host.operations().verify(timeout=0)


def test_the_role_takes_what_the_module_takes() -> None:
    role = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    plain = {
        name.removeprefix("dom0_"): {key: one[key] for key in ("type", "elements", "choices") if key in one}
        for name, one in role.items()
    }
    spec = {
        name: {key: one[key] for key in ("type", "elements", "choices") if key in one}
        for name, one in xen_dom0.SPEC.items()
    }
    own = {"reboot", "reboot_timeout", "restart_later"}
    assert {name: one for name, one in plain.items() if name not in own} == {
        name: one for name, one in spec.items() if name != "verify"
    }
    hosts = role["dom0_hosts"]["options"]
    assert {
        name: {key: value for key, value in one.items() if key != "description"} for name, one in hosts.items()
    } == xen_dom0.HOST_SPEC
    documented = yaml.safe_load(xen_dom0.DOCUMENTATION)["options"]
    assert list(documented) == list(xen_dom0.SPEC)
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    assert {name: one["default"] for name, one in role.items() if "default" in one} == defaults


def test_the_role_hands_on_every_option() -> None:
    block = yaml.safe_load((ROLE / "tasks/main.yml").read_text())[0]
    assert set(block["module_defaults"]["xenfleet.xen.xen_dom0"]) == set(xen_dom0.SPEC)
