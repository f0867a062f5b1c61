"""Whole configuration files of xl and xm as a guest's options, and back."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given

from ansible_collections.xenfleet.xen.plugins.module_utils.argspec import domain_spec, read_declaration
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import GRAPHICS_LISTEN, Domain
from ansible_collections.xenfleet.xen.plugins.module_utils.model.report import configuration_report
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.options import TakenOver, from_options, to_options
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.rows import ROWS
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.screen import SCREEN_KEYS

from .domains import whole_domains

FILES = Path(__file__).parent / "xl_files"


def again(taken: TakenOver) -> TakenOver:
    """The same, written to a file and read from it."""
    return to_options(from_options(taken.options, taken.unknown))


def disk(target: str, source: str, **more: object) -> dict[str, object]:
    """A disk with all its options."""
    return {"target": target, "source": source, "format": "raw", "readonly": False, "shareable": False, **more}


def nic(bridge: str | None, **more: object) -> dict[str, object]:
    """An interface with the options that all have."""
    return {"mac": None, "bridge": bridge, "addresses": [], **more}


# What xl means by an HVM guest's file that says nothing of its screen.
HVM = {"type": "hvm", "graphics": "vnc", "video": "cirrus"}


def test_a_pv_guest_of_xl() -> None:
    taken = to_options((FILES / "ldap1-xl-pv.cfg").read_text())
    assert taken.options == {
        "name": "ldap1",
        "uuid": "6695eb01-f6a4-8304-79aa-97f2502e193f",
        "type": "pv",
        "memory": "2 GiB",
        "memory_max": "4 GiB",
        "vcpus": 2,
        "vcpus_max": 4,
        "cpus": ["2-4,6-7"],
        "kernel": "/boot/vmlinuz-6.1.0-amd64",
        "ramdisk": "/boot/initrd.img-6.1.0-amd64",
        "cmdline": "root=/dev/xvda1 ro console=hvc0",
        "disks": [
            disk("xvda", "/dev/vg0/ldap1-root"),
            disk("xvdb", "/srv/guests/ldap1/data,old.qcow2", format="qcow2", readonly=True, driver="qemu"),
            disk("xvdc", "/dev/vg0/shared"),
        ],
        "networks": [
            nic("xenbr10", mac="00:16:3e:0a:00:0b", addresses=["10.10.0.11/24", "fd00::11/64"]),
            nic("xenbr20", mac="00:16:3e:0a:00:0c"),
        ],
        "on_poweroff": "destroy",
        "on_reboot": "restart",
        "on_crash": "coredump-restart",
        "graphics": "vnc",
        "graphics_listen": "127.0.0.1",
    }
    assert taken.unknown == {
        "networks[1].rate": "100Mb/s@20ms",
        "networks[1].vifname": "ldap1-storage",
        "on_soft_reset": "soft-reset",
    }
    assert "There is no option for on_soft_reset; what they say is kept under 'unknown'." in taken.notes


def test_a_pv_guest_of_xm() -> None:
    taken = to_options((FILES / "mail2-xm-pv.cfg").read_text())
    assert taken.options == {
        "name": "mail2",
        "type": "pv",
        "memory": "1 GiB",
        "vcpus": 2,
        "kernel": "/boot/vmlinuz-2.6.32-5-xen-amd64",
        "ramdisk": "/boot/initrd.img-2.6.32-5-xen-amd64",
        "cmdline": "root=/dev/xvda2 ro xencons=tty console=hvc0",
        "disks": [
            disk("xvda", "/dev/vg0/mail2-disk"),
            disk("xvdb", "/srv/xen/mail2/spool.img", shareable=True),
            disk("xvdd", "/srv/xen/mail2/archive.img", readonly=True),
        ],
        "networks": [nic("eth1", mac="00:16:3e:12:34:56", guest_ips=["192.0.2.12"])],
        "on_poweroff": "destroy",
        "on_reboot": "restart",
        "on_crash": "restart",
    }
    assert taken.unknown == {
        "disk[3]": "phy:/dev/vg0/mail2-swap,xvde1,w",
        "vif[1]": "",
    }
    for words in (
        "type: the file names none",
        "cmdline: made of root and extra",
        "disks[xvda].source: ",
        "disk[3]: ",
        "vif[1]: ",
    ):
        assert any(words in note for note in taken.notes), words


@pytest.mark.parametrize("file", ["ldap1-xl-pv.cfg", "mail2-xm-pv.cfg"])
def test_what_is_taken_over_is_what_xen_domain_takes(file: str) -> None:
    options = to_options((FILES / file).read_text()).options
    checked = ArgumentSpecValidator(domain_spec()).validate(options)
    assert checked.error_messages == []
    domain = read_declaration(checked.validated_parameters).domain
    assert (domain.name, len(domain.disks or ())) == (options["name"], 3)


def test_an_hvm_guest_of_xl() -> None:
    taken = to_options((FILES / "win1-xl-hvm.cfg").read_text())
    assert taken.options["type"] == "hvm"
    assert taken.options["disks"] == [
        disk("hda", "/dev/vg1/win1"),
        disk("hdc", "/srv/iso/install.iso", device="cdrom", readonly=True),
        disk("hdd", None, device="cdrom", readonly=True),
        disk("xvdb", "/srv/guests/win1/data.vhd", format="vhd", discard=True),
    ]
    assert taken.options["networks"] == [nic("xenbr10", mac="00:16:3e:01:02:03", model="e1000")]
    assert [key for key in taken.unknown if key.startswith("disk")] == []
    assert taken.unknown["networks[0].type"] == "ioemu"
    assert taken.unknown["networks[0].trusted"] is True
    assert taken.unknown["vnuma"][1][0] == "pnode=1"
    machine = {"boot": ["cdrom", "disk"], "clock": "localtime", "usb_inputs": ["tablet"]}
    machine |= {"graphics": "vnc", "graphics_listen": "0.0.0.0", "video": "cirrus"}
    assert {key: taken.options.get(key) for key in machine} == machine
    assert taken.unknown["pci"] == ["0000:03:00.0,permissive=1", "0000:03:00.1"]


def test_a_program_of_xm_is_refused() -> None:
    with pytest.raises(
        InvalidInput, match=re.escape("line 3 cannot be read; found: 'import os, re'; expected: key = value")
    ):
        to_options((FILES / "program-xm-hvm.cfg").read_text())


LINES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("type = 'pvh'\nkernel = '/k'", {"type": "pvh", "kernel": "/k"}, {}),
    ("builder = 'linux'", {"type": "pv"}, {}),
    ("builder = 'hvm'\ntype = 'hvm'", HVM, {}),
    ("memory = '0x200'", {"memory": "512 MiB"}, {}),
    ("memory = 0100", {"memory": "64 MiB"}, {}),
    ("vcpus = 1000", {}, {"vcpus": 1000}),
    ("name = 'two words'", {}, {"name": "two words"}),
    ("kernel = 'vmlinuz'", {}, {"kernel": "vmlinuz"}),
    ("kernel = '/usr/lib/xen/boot/hvmloader'", {}, {"kernel": "/usr/lib/xen/boot/hvmloader"}),
    ("kernel = ''\nramdisk = ''\nextra = ''", {}, {}),
    ("root = '/dev/xvda1 ro'", {"cmdline": "root=/dev/xvda1 ro"}, {}),
    ("extra = 'quiet'", {"cmdline": "quiet"}, {}),
    ("cmdline = 'a'\nroot = 'b'\nextra = 'c'", {"cmdline": "a"}, {}),
    (r"cmdline = 'a\nb'", {}, {"cmdline": "a\nb"}),
    ("tsc_mode = 1", {"tsc_mode": "always_emulate"}, {}),
    ("tsc_mode = '2'", {"tsc_mode": "native"}, {}),
    ("tsc_mode = 'native_paravirt'", {"tsc_mode": "native_paravirt"}, {}),
    ("cpus = 'all'", {}, {}),
    ("cpus = ['0', 1, 'all']", {"cpus": ["0", "1", ""]}, {}),
    ("cpus = 'nodes:0'", {}, {"cpus": "nodes:0"}),
    ("cpu_weight = 512\ncap = 50", {"cpu_weight": 512, "cpu_cap": 50}, {}),
    ("bootloader = 'pygrub'\nbootloader_args = '-q'", {"bootloader": "pygrub", "bootloader_args": "-q"}, {}),
    ("boot = 'nc'", {}, {"boot": "nc"}),
    ("type = 'hvm'\nboot = 'nc'", {**HVM, "boot": ["network", "disk"]}, {}),
    ("boot = 'a'", {}, {"boot": "a"}),
    (
        "type = 'hvm'\nbios = 'ovmf'\nacpi = 1\nhap = 0",
        {**HVM, "firmware": "uefi", "acpi": True, "hap": False},
        {},
    ),
    ("bios = 'rombios'", {}, {"bios": "rombios"}),
    ("viridian = ['base']", {}, {"viridian": ["base"]}),
    ("passthrough = 'enabled'", {}, {"passthrough": "enabled"}),
    ("type = 'hvm'\nlocaltime = 0\nhpet = 1", {**HVM, "clock": "utc", "hpet": True}, {}),
    ("max_grant_frames = 128", {"grant_frames_max": 128}, {}),
    ("type = 'hvm'\nsoundhw = 'ac97'", {**HVM, "sound": "ac97"}, {}),
    ("soundhw = 'hda'", {}, {"soundhw": "hda"}),
    ("type = 'hvm'\nserial = 'pty'", {**HVM, "serials": ["pty"]}, {}),
    ("serial = ['pty', 'vc']", {}, {"serial": ["pty", "vc"]}),
    ("pci = ['03:00.0']", {"pci_devices": ["0000:03:00.0"]}, {}),
    ("on_reboot = 'soft-reset'", {}, {"on_reboot": "soft-reset"}),
    ("on_poweroff = 'coredump-destroy'", {}, {"on_poweroff": "coredump-destroy"}),
    ("on_crash = 'rename-restart'", {"on_crash": "rename-restart"}, {}),
    ("disk = ['/a,,xvda', '/a,,xvdb']", {"disks": [disk("xvda", "/a")]}, {"disk[1]": "/a,,xvdb"}),
    (
        "disk = ['/a.iso,,xvda,cdrom']",
        {"disks": [disk("xvda", "/a.iso", device="cdrom", readonly=True)]},
        {},
    ),
    (
        "disk = ['vdev=xvda,script=block-x,target=/a']",
        {"disks": [disk("xvda", "/a")]},
        {"disks[xvda].script": "block-x"},
    ),
    ("disk = ['iscsi:iqn.x,xvda,w']", {"disks": []}, {"disk[0]": "iscsi:iqn.x,xvda,w"}),
    (
        "vif = ['bridge=a,ip=10.0.0.1/24 10.0.0.2']",
        {"networks": [nic("a")]},
        {"networks[0].ip": "10.0.0.1/24 10.0.0.2"},
    ),
    ("vif = ['mac=01:00:5e:00:00:01,bridge=a']", {"networks": []}, {"vif[0]": "mac=01:00:5e:00:00:01,bridge=a"}),
    (
        "vif = ['', 'bridge=a', 'mtu=9000', 'bridge=b,mtu=9000']",
        {"networks": [nic(name) for name in "ab"]},
        {"vif[0]": "", "vif[2]": "mtu=9000", "networks[1].mtu": "9000"},
    ),
    # What only HVM guests can have in libvirt.
    ("disk = ['/a,,hda']", {"disks": []}, {"disk[0]": "/a,,hda"}),
    ("type='hvm'\ndisk = ['/a,,hda']", {**HVM, "disks": [disk("hda", "/a")]}, {}),
    ("disk = ['vdev=xvdc,cdrom']", {"disks": []}, {"disk[0]": "vdev=xvdc,cdrom"}),
    (
        "type='hvm'\ndisk = ['vdev=hdc,cdrom']",
        {**HVM, "disks": [disk("hdc", None, device="cdrom", readonly=True)]},
        {},
    ),
    ("vif = ['bridge=a,model=e1000']", {"networks": [nic("a")]}, {"networks[0].model": "e1000"}),
    ("type='hvm'\nvif = ['bridge=a,model=e1000']", {**HVM, "networks": [nic("a", model="e1000")]}, {}),
    # Parts of disks.
    ("type='hvm'\ndisk = ['/a,,sda1']", {**HVM, "disks": []}, {"disk[0]": "/a,,sda1"}),
    (
        "disk = ['/a,qed,xvda', '/b,vhd,xvdb']",
        {"disks": [disk("xvda", "/a", format="qed"), disk("xvdb", "/b", format="vhd")]},
        {},
    ),
    ("disk = ['/a,vmdk,xvda']", {"disks": []}, {"disk[0]": "/a,vmdk,xvda"}),
    (
        "disk = ['vdev=xvda,target=rbd:pool/a:id=xen:key=s3cret:mon_host=m1']",
        {"disks": []},
        {"disk[0]": "vdev=xvda,target=rbd:pool/a:id=xen:key=s3cret:mon_host=m1"},
    ),
    ("disk = ['/dev/a,,xvda,,backendtype=phy']", {"disks": [disk("xvda", "/dev/a", driver="phy")]}, {}),
    ("disk = ['/a,,xvda,,backendtype=phy']", {"disks": [disk("xvda", "/a")]}, {"disks[xvda].backendtype": "phy"}),
    ("disk = ['/a,,xvda,,backendtype=tap']", {"disks": [disk("xvda", "/a")]}, {"disks[xvda].backendtype": "tap"}),
    ("disk = ['/a,,xvda,,no-discard']", {"disks": [disk("xvda", "/a", discard=False)]}, {}),
    ("disk = ['vdev=xvda,target=rbd:pool/a']", {"disks": []}, {"disk[0]": "vdev=xvda,target=rbd:pool/a"}),
    (
        "disk = ['vdev=xvda,target=rbd:pool/a:auth_supported=none']",
        {"disks": [disk("xvda", "rbd:pool/a")]},
        {},
    ),
    (
        r"disk = ['vdev=xvda,target=rbd:pool/a:auth_supported=none:mon_host=m1\\:6789\\;m2']",
        {"disks": [disk("xvda", "rbd:pool/a", monitors=["m1:6789", "m2"])]},
        {},
    ),
    # What an interface hangs on.
    ("vif = ['bridge=ovs0.10']", {"networks": [nic("ovs0.10")]}, {}),
    (
        "vif = ['bridge=ovs0.10,script=vif-openvswitch']",
        {"networks": [nic("ovs0", openvswitch=True, vlan=10)]},
        {},
    ),
    (
        "vif = ['bridge=ovs0:20:30,script=vif-openvswitch']",
        {"networks": [nic("ovs0", openvswitch=True, trunks=[20, 30])]},
        {},
    ),
    (
        "vif = ['bridge=ovs0.10:20,script=vif-openvswitch']",
        {"networks": []},
        {"vif[0]": "bridge=ovs0.10:20,script=vif-openvswitch"},
    ),
    ("vif = ['bridge=a,script=vif-custom']", {"networks": [nic("a", script="vif-custom")]}, {}),
    (
        "vif = ['ip=10.0.0.1,script=vif-route']",
        {"networks": [nic(None, script="vif-route", guest_ips=["10.0.0.1"])]},
        {},
    ),
    ("vif = ['script=vif-bridge']", {"networks": []}, {"vif[0]": "script=vif-bridge"}),
    # Parts of interfaces.
    ("vif = ['bridge=a,type=vif']", {"networks": [nic("a", model="netfront")]}, {}),
    ("vif = ['bridge=a,rate=10Mb/s']", {"networks": [nic("a", rate="10Mb/s")]}, {}),
    ("vif = ['bridge=a,rate=2048B/s']", {"networks": [nic("a", rate="2 KiB/s")]}, {}),
    ("vif = ['bridge=a,rate=10Mb/s@20ms']", {"networks": [nic("a")]}, {"networks[0].rate": "10Mb/s@20ms"}),
    (
        "vif = ['bridge=a,vlan=10p,mtu=9000']",
        {"networks": [nic("a")]},
        {"networks[0].vlan": "10p", "networks[0].mtu": "9000"},
    ),
    ("vnc = 1; vncpasswd = '{{ secret }}'", {"graphics": "vnc", "graphics_password": "{{ secret }}"}, {}),
    # A key that a type has no use for is not looked at.
    ("acpi = 'perhaps'\nserial = 5\nboot = 7", {}, {"acpi": "perhaps", "serial": 5, "boot": 7}),
]


@pytest.mark.parametrize(("text", "options", "unknown"), LINES)
def test_lines_become_options_or_are_kept(text: str, options: dict[str, Any], unknown: dict[str, Any]) -> None:
    taken = to_options(text)
    assert taken.options == {"type": "pv", **options}
    assert taken.unknown == unknown
    for key in unknown:
        assert any(key in note for note in taken.notes), f"nothing is said of {key}"
    assert "s3cret" not in " ".join(taken.notes)


@pytest.mark.parametrize(
    "text",
    [
        *(text for text, _options, _unknown in LINES),
        *(path.read_text() for path in FILES.glob("*-xl-*")),
        *((FILES / name).read_text() for name in ("mail2-xm-pv.cfg", "sql1-xm-hvm.cfg")),
    ],
)
def test_a_file_that_is_written_again_says_the_same(text: str) -> None:
    taken = to_options(text)
    assert (again(taken).options, again(taken).unknown) == (taken.options, taken.unknown)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = 'a'\nmemory = 'lots'", "line 2: memory: it is no number; found: 'lots'"),
        ("memory = 0", "line 1: memory: it is no amount of memory"),
        ("memory = [ 1 ]", "line 1: memory: it is no number"),
        ("vcpus = 0", "line 1: vcpus: it is no number of VCPUs"),
        ("name = ['a']", "line 1: name: it is no text"),
        ("\nuuid = 'x'", "line 2: uuid: it is no UUID"),
        ("type = 'vm'", "line 1: type: it is no type of a guest; found: 'vm'; expected: pv, pvh, hvm"),
        ("builder = 'x'", "line 1: builder makes no sense"),
        ("type = 'pvh'\nbuilder = 'generic'", "line 2: builder makes no sense"),
        ("tsc_mode = 4", "line 1: tsc_mode: it is no way to read"),
        ("on_crash = 'explode'", "line 1: on_crash: it is no action"),
        ("disk = '/a,,xvda'", "line 1: disk is no list"),
        ("disk = [['/a,,xvda']]", "line 1: disk[0] is no text"),
        ("\ndisk = ['/a,,xvda', '/b,xvdb,w']", "line 2: disk[1]: 'xvdb' is no format of a disk"),
        ("vif = ['bridge=a', 'b']", "line 1: vif[1]: 'b' is no parameter"),
        ("root = ['a']", "line 1: root: it is no text"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        to_options(text)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("options", "unknown", "words"),
    [
        ({"memory": "lots"}, {}, "memory: it is no size"),
        ({"vcpus": 0}, {}, "vcpus: it is no number of VCPUs"),
        ({"name": "a b"}, {}, "name: it is not usable"),
        ({"cmdline": {"a": 1}}, {}, "cmdline: it is no text"),
        ({"type": "x"}, {}, "type: it is no type of a guest"),
        ({"memory": "1 GiB"}, {"memory": 5}, "memory: given by an option, and also in 'unknown'"),
        ({"disks": [disk("xvda", "/a")]}, {"disk": []}, "disk: given by an option"),
        ({"disks": [disk("xvda", "/a")]}, {"disks[xvdb].script": "x"}, "there is no disks[xvdb]"),
        ({"networks": []}, {"networks[0].mtu": "1"}, "there is no networks[0]"),
        (
            {"networks": [{"bridge": "a", "addresses": ["10.0.0.1/8"]}]},
            {"networks[0].ip": "10.0.0.1"},
            "addresses twice",
        ),
        ({"networks": [{"bridge": "a", "rate": "1 MB/s"}]}, {"networks[0].rate": "1MB/s@5ms"}, "a rate twice"),
        (
            {"networks": [{"bridge": "a", "script": "x"}]},
            {"networks[0].script": "y"},
            "networks[0].script: given by an option",
        ),
        ({"networks": [{"network": "default"}]}, {}, "xl knows no networks of libvirt; found: network default"),
        ({"networks": [{"bridge": "a", "vlan": 5}]}, {}, "networks.vlan and networks.trunks need openvswitch"),
        ({"networks": [{"bridge": "a", "openvswitch": True, "vlan": "x"}]}, {}, "a VLAN that is none; found: 'x'"),
        ({"networks": [{"bridge": "a", "openvswitch": "yes"}]}, {}, "networks.openvswitch makes no sense"),
        ({"networks": [{"bridge": "a", "rate": "fast"}]}, {}, "networks.rate is no rate"),
        (
            {"disks": [disk("xvda", "/a", discard=True)]},
            {"disks[xvda].discard": False},
            "disks[xvda].discard: given by",
        ),
        ({"disks": [disk("xvda", "/a", device="tape")]}, {}, "disks.device is no kind of disk; found: 'tape'"),
        ({"disks": [disk("xvda", "/a", format="vmdk")]}, {}, "disks.format is none that Xen takes"),
        ({"disks": [disk("xvda", "/a", driver="tap")]}, {}, "disks.driver is none of Xen's"),
        (
            {
                "disks": [
                    disk("xvda", "rbd:pool/a", auth_user="xen", auth_secret="6695eb01-f6a4-8304-79aa-97f2502e193f")
                ]
            },
            {},
            "its key is in libvirt",
        ),
        ({"networks": [{"bridge": None}]}, {}, "networks.bridge is missing"),
        ({"disks": [{"target": "xvda"}]}, {}, "disks.source is missing"),
        ({"disks": [disk("xvda", "/a", readonly="no")]}, {}, "disks.readonly makes no sense"),
        ({"disks": [disk("xvda", "/a,\n")]}, {}, "disks.source is no usable path"),
        ({"disks": "xvda"}, {}, "disks is no list of mappings"),
        ({"disks": ["xvda"]}, {}, "disks is no list of mappings"),
        ({}, {"disk[0]": 5}, "unknown['disk[0]'] cannot be written"),
        ({}, {"a b": 5}, "a key cannot be written"),
        ({}, {"x": {"a": 1}}, "x cannot be written"),
    ],
)
def test_options_that_cannot_be_written_are_refused(
    options: dict[str, Any], unknown: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        from_options(options, unknown)
    assert words in str(caught.value)


def test_a_written_file() -> None:
    options: dict[str, Any] = {
        "name": "web1",
        "memory": "512M",
        "state": "running",
        "labels": {},
        "kernel": None,
        "ramdisk": "",
    }
    options |= {"disks": [{"source": "/dev/vg0/web1", "shareable": True}], "networks": [{"bridge": "xenbr10"}]}
    assert from_options(options, {"vnc": True, "cpus": ["1", "2"], "vif[0]": "", "disks[xvda].discard": False}) == (
        "# There is no type, which to xl means pv.\n"
        "# 'w!' and 'r!', for disks that guests share, are understood by xm and libvirt; xl refuses them.\n"
        "# Options that have no key here: state.\n"
        'name = "web1"\n'
        "memory = 512\n"
        'disk = [\n    "format=raw,vdev=xvda,access=w!,no-discard,target=/dev/vg0/web1",\n]\n'
        'vif = [\n    "",\n    "bridge=xenbr10",\n]\n'
        "vnc = 1\n"
        'cpus = [\n    "1",\n    "2",\n]\n'
    )


def test_the_parts_of_devices_in_a_file() -> None:
    drive = {"target": "hdc", "device": "cdrom"}
    blocks = {"source": "/dev/a", "driver": "qemu", "discard": False}
    ceph = {"source": "rbd:pool/a", "monitors": ["fd00.example:6789"]}
    port = {"bridge": "ovs0", "openvswitch": True, "vlan": 10, "rate": "10 MB/s", "model": "netfront"}
    routed = {"script": "vif-route", "guest_ips": ["10.0.0.1"], "addresses": ["10.0.0.1/24"], "rate": "1Mb/s"}
    options: dict[str, Any] = {
        "name": "web1",
        "type": "hvm",
        "disks": [drive, blocks, ceph],
        "networks": [port, routed],
    }
    assert from_options(options) == (
        "# Of interfaces that have guest_ips, what their addresses say is left out: there is one key for both.\n"
        'name = "web1"\n'
        'type = "hvm"\n'
        "disk = [\n"
        '    "format=raw,vdev=hdc,access=ro,devtype=cdrom",\n'
        '    "format=raw,vdev=xvda,access=rw,backendtype=qdisk,no-discard,target=/dev/a",\n'
        '    "format=raw,vdev=xvdb,access=rw,target=rbd:pool/a:auth_supported=none:mon_host=fd00.example\\\\:6789",\n'
        "]\n"
        "vif = [\n"
        '    "bridge=ovs0.10,rate=10000384B/s,script=vif-openvswitch,type=vif",\n'
        '    "rate=1Mb/s,ip=10.0.0.1,script=vif-route",\n'
        "]\n"
    )


def as_a_file_can_say_it(domain: Domain) -> Domain:
    """The same without what libvirt can have and a file of xl cannot."""
    by_spice = domain.graphics == "spice"
    return replace(
        domain,
        graphics_listen=domain.graphics_listen or (GRAPHICS_LISTEN if by_spice else None),
        video="vga" if domain.video == "xen" else domain.video,
        disks=tuple(
            replace(each, login=None, driver=None if each.driver == "file" else each.driver)
            for each in domain.disks or ()
        ),
        networks=tuple(
            replace(
                each,
                script=None if each.openvswitch else each.script,
                guest_ips=() if each.addresses else each.guest_ips,
            )
            for each in domain.networks or ()
            if each.network is None
        ),
    )


@given(whole_domains().map(as_a_file_can_say_it))
def test_options_read_back_from_the_file_that_they_make(domain: Domain) -> None:
    keys = {"disks", "networks", *(row.option for row in ROWS), *SCREEN_KEYS.values()}
    options = {
        key: value
        for key, value in configuration_report(domain).items()
        if key in keys and value is not None and (value != [] or key in ("disks", "networks"))
    }
    taken = to_options(from_options(options))
    assert taken.options == options
    assert taken.unknown == {}
