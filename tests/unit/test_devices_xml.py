"""Disks and interfaces in libvirt's XML: what is written, what is understood, and what is left as it is."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rate import Rate
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rbd import Monitor, RbdLogin
from ansible_collections.xenfleet.xen.plugins.module_utils.xml import disk as disk_xml
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.devices import (
    parse_nic,
    render_disk,
    render_nic,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import parse_domain, render_domain

SECRET = "6695eb01-f6a4-8304-79aa-97f2502e193f"
MAC = "00:16:3e:00:00:01"

DISKS: list[tuple[Disk, str]] = [
    (
        Disk("xvda", "/a.img"),
        '<disk type="file" device="disk"><driver name="qemu" type="raw" /><source file="/a.img" />'
        '<target dev="xvda" bus="xen" /></disk>',
    ),
    (
        Disk("hda", "/dev/vg0/a", driver="qemu", discard=False, shareable=True),
        '<disk type="block" device="disk"><driver name="qemu" type="raw" discard="ignore" /><source dev="/dev/vg0/a" />'
        '<target dev="hda" bus="ide" /><shareable /></disk>',
    ),
    (
        Disk("sdb", "/a.vhd", "vhd"),
        '<disk type="file" device="disk"><driver name="qemu" type="vhd" /><source file="/a.vhd" />'
        '<target dev="sdb" bus="scsi" /></disk>',
    ),
    (
        Disk("hdc", None, readonly=True, cdrom=True),
        '<disk type="file" device="cdrom"><driver name="qemu" type="raw" /><target dev="hdc" bus="ide" />'
        "<readonly /></disk>",
    ),
    (
        Disk("xvdb", "rbd:pool/a", monitors=(Monitor("mon1"), Monitor("fd00::1", 6789)), login=RbdLogin("xen", SECRET)),
        '<disk type="network" device="disk"><driver name="qemu" type="raw" /><source protocol="rbd" name="pool/a">'
        f'<host name="mon1" /><host name="fd00::1" port="6789" /></source><auth username="xen"><secret type="ceph" '
        f'uuid="{SECRET}" /></auth><target dev="xvdb" bus="xen" /></disk>',
    ),
]


@pytest.mark.parametrize(("disk", "xml"), DISKS)
def test_a_disk_is_written_and_read(disk: Disk, xml: str) -> None:
    assert render_disk(disk) == xml
    assert disk_xml.read(ET.fromstring(xml)) == disk


NICS: list[tuple[Nic, str]] = [
    (Nic(MAC, "xenbr10"), f'<interface type="bridge"><mac address="{MAC}" /><source bridge="xenbr10" /></interface>'),
    (
        Nic(MAC, None, network="default", model="e1000"),
        f'<interface type="network"><mac address="{MAC}" /><source network="default" /><model type="e1000" />'
        "</interface>",
    ),
    (
        Nic(MAC, None, script="vif-route", guest_ips=("10.0.0.1", "fd00::1")),
        f'<interface type="ethernet"><mac address="{MAC}" /><script path="vif-route" />'
        '<ip address="10.0.0.1" family="ipv4" /><ip address="fd00::1" family="ipv6" /></interface>',
    ),
    (
        Nic(MAC, "ovsbr0", openvswitch=True, vlan=10, rate=Rate(9766)),
        f'<interface type="bridge"><mac address="{MAC}" /><source bridge="ovsbr0" /><virtualport type="openvswitch" />'
        '<vlan><tag id="10" /></vlan><bandwidth><outbound average="9766" /></bandwidth></interface>',
    ),
    (
        Nic(MAC, "ovsbr0", openvswitch=True, trunks=(20, 30)),
        f'<interface type="bridge"><mac address="{MAC}" /><source bridge="ovsbr0" /><virtualport type="openvswitch" />'
        '<vlan trunk="yes"><tag id="20" /><tag id="30" /></vlan></interface>',
    ),
]


@pytest.mark.parametrize(("nic", "xml"), NICS)
def test_an_interface_is_written_and_read(nic: Nic, xml: str) -> None:
    assert render_nic(nic) == xml
    assert parse_nic(ET.fromstring(xml), {}) == nic


TARGET = "<target dev='xvda' bus='xen'/>"


@pytest.mark.parametrize(
    ("xml", "disk"),
    [
        # Without a driver's name it is raw for the Xen driver, whatever the type says; libxl chooses what serves it.
        (f"<disk type='file'><driver type='qcow2'/><source file='/a'/>{TARGET}</disk>", Disk("xvda", "/a")),
        (f"<disk><source file='/a'/>{TARGET}</disk>", Disk("xvda", "/a")),
        (
            f"<disk><driver name='tap' type='raw'/><source file='/a'/>{TARGET}</disk>",
            Disk("xvda", "/a", driver="tap"),
        ),
        (
            "<disk device='cdrom'><driver name='qemu' type='raw'/><target dev='sdc' bus='sata'/></disk>",
            Disk("sdc", None, readonly=True, cdrom=True, other_bus="sata"),
        ),
        (
            "<disk type='network'><driver name='qemu' type='raw'/><source protocol='rbd' name='p/i'><host name='m'/>"
            f"<auth username='xen'><secret type='ceph' usage='key'/></auth></source>{TARGET}</disk>",
            Disk("xvda", "rbd:p/i", monitors=(Monitor("m"),), login=RbdLogin("xen", "key")),
        ),
        (
            f"<disk type='volume' device='disk'><source pool='p' volume='v'/>{TARGET}</disk>",
            Disk("xvda", None, other="volume p v"),
        ),
        (
            f"<disk type='network'><source protocol='nbd' name='n'><host name='h'/></source>{TARGET}</disk>",
            Disk("xvda", None, other="network nbd n"),
        ),
        (
            "<disk type='file' device='floppy'><source file='/f'/><target dev='fda' bus='fdc'/></disk>",
            Disk("fda", None, other_bus="fdc", other="floppy file /f"),
        ),
    ],
)
def test_what_a_disk_was_found_to_be(xml: str, disk: Disk) -> None:
    assert disk_xml.read(ET.fromstring(xml)) == disk


@pytest.mark.parametrize(
    ("xml", "nic"),
    [
        # A running guest's interface on a network that is a bridge of the host.
        (
            "<interface type='bridge'><source network='lan' portid='x' bridge='br0'/></interface>",
            Nic(None, None, network="lan"),
        ),
        (
            "<interface type='network'><source network='lan' bridge='virbr0'/></interface>",
            Nic(None, None, network="lan"),
        ),
        # A VLAN on a plain bridge is ignored by the Xen driver.
        ("<interface type='bridge'><source bridge='br0'/><vlan><tag id='5'/></vlan></interface>", Nic(None, "br0")),
        ("<interface type='hostdev'><model type='x'/></interface>", Nic(None, None, model="x", other="hostdev")),
        ("<interface type='internal'><source name='n'/></interface>", Nic(None, None, other="internal")),
        (
            "<interface type='bridge'><source bridge='br0'/><bandwidth><inbound average='5'/></bandwidth></interface>",
            Nic(None, "br0"),
        ),
        (
            "<interface type='bridge'><source bridge='br0'/><ip address='odd'/></interface>",
            Nic(None, "br0", guest_ips=("odd",)),
        ),
    ],
)
def test_what_an_interface_was_found_to_be(xml: str, nic: Nic) -> None:
    assert parse_nic(ET.fromstring(xml), {}) == nic


FOUND = f"""
<domain type='xen'><name>web1</name><memory>1024</memory><vcpu>1</vcpu><os><type>hvm</type></os><devices>
  <disk type='volume' device='disk'><driver name='qemu' type='raw'/><source pool='p' volume='v'/>{TARGET}</disk>
  <disk type='network' device='disk'><driver name='qemu' type='raw' cache='none'/><auth username='xen'>
    <secret type='ceph' usage='key'/></auth><source protocol='rbd' name='p/i'><host name='m'/><config file='/c'/></source>
    <target dev='xvdb' bus='xen'/></disk>
  <interface type='hostdev' managed='yes'><mac address='{MAC}'/><source><address type='pci' bus='0x01'/></source></interface>
  <interface type='bridge'><mac address='00:16:3e:00:00:02'/><source bridge='ovsbr0'/><script path='ovs'/>
    <virtualport type='openvswitch'><parameters interfaceid='{SECRET}'/></virtualport>
    <vlan trunk='yes'><tag id='20' nativeMode='untagged'/><tag id='30'/></vlan>
    <bandwidth><inbound average='7'/><outbound average='5' peak='9'/></bandwidth><target dev='web1-lan'/></interface>
</devices></domain>
"""


def test_what_no_option_can_say_is_left_as_it_is() -> None:
    there = parse_domain(FOUND)
    disks = tuple(replace(disk, shareable=not disk.other) for disk in there.disks or ())
    nics = tuple(replace(nic, rate=None if nic.other else Rate(6)) for nic in there.networks or ())
    xml = render_domain(Domain("web1", disks=disks, networks=nics), FOUND)
    changed = parse_domain(xml)
    assert (changed.disks, changed.networks) == (disks, nics)
    root = ET.fromstring(xml)
    for path in (
        "devices/disk[@type='volume']/source[@pool='p'][@volume='v']",
        "devices/disk/driver[@cache='none']",
        "devices/disk/auth/secret[@usage='key']",
        "devices/disk/source/config",
        "devices/interface[@managed='yes']/source/address",
        "devices/interface/virtualport/parameters",
        "devices/interface/vlan/tag[@nativeMode='untagged']",
        "devices/interface/bandwidth/inbound",
        "devices/interface/bandwidth/outbound[@peak='9'][@average='6']",
        "devices/interface/target[@dev='web1-lan']",
    ):
        assert root.find(path) is not None, path


def test_another_form_is_made_anew_where_it_is_declared() -> None:
    disks = (Disk("xvda", "/a"), Disk("xvdb", "/b"))
    nics = (Nic(MAC, "xenbr10"), Nic("00:16:3e:00:00:02", None, network="default"))
    xml = render_domain(Domain("web1", disks=disks, networks=nics), FOUND)
    changed = parse_domain(xml)
    assert (changed.disks, changed.networks) == (disks, nics)
    for gone in ("volume=", "hostdev", "managed", "auth", "rbd", "virtualport", "vlan", "script", "outbound"):
        assert gone not in xml


@pytest.mark.parametrize("wanted", [Nic("00:16:3e:00:00:02", "xenbr10"), Nic("00:16:3e:00:00:02", "ovsbr0")])
def test_vlans_do_not_stay_on_a_plain_bridge(wanted: Nic) -> None:
    xml = render_domain(Domain("web1", networks=(wanted,)), FOUND)
    assert parse_domain(xml).networks == (wanted,)
    assert "vlan" not in xml
