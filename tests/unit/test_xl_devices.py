"""One disk, and one network interface, as xl and xm write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.disk import XlDisk, parse_disk, render_disk
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.options import from_options, to_options
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import parse, render
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.vif import XlRate, XlVif, parse_vif, render_vif

from .xl_devices import xl_disks, xl_vifs

DISKS: list[tuple[str, XlDisk]] = [
    ("/dev/vg/guest-volume,,hda", XlDisk("hda", "/dev/vg/guest-volume")),
    ("/dev/vg/guest-volume,raw,hda,rw", XlDisk("hda", "/dev/vg/guest-volume")),
    ("format=raw, vdev=hda, access=rw, target=/dev/vg/guest-volume", XlDisk("hda", "/dev/vg/guest-volume")),
    ("raw:/dev/vg/guest-volume,hda,w", XlDisk("hda", "/dev/vg/guest-volume")),
    ("phy:/dev/vg/x,xvda,w", XlDisk("xvda", "/dev/vg/x")),
    ("phy:vg/x,xvda,r", XlDisk("xvda", "/dev/vg/x", readonly=True)),
    ("vg/x,raw,xvda,w", XlDisk("xvda", "/dev/vg/x")),
    ("file:/srv/a.img,xvda,w!", XlDisk("xvda", "/srv/a.img", shareable=True)),
    ("file:a.img,xvda,w", XlDisk("xvda", "a.img")),
    ("tap:aio:/srv/a.img,xvda,w", XlDisk("xvda", "/srv/a.img")),
    ("tap:qcow2:/srv/a.qcow2,xvda,w", XlDisk("xvda", "/srv/a.qcow2", "qcow2")),
    ("tap2:tapdisk:vhd:/srv/a.vhd,xvda,w", XlDisk("xvda", "/srv/a.vhd", "vhd")),
    ("tap:vmdk:/srv/a.vmdk,xvda,w", XlDisk("xvda", "/srv/a.vmdk", "vmdk")),
    (
        "iscsi:iqn.2001-05.org.example,xvda,w",
        XlDisk("xvda", "iqn.2001-05.org.example", extra=(("script", "block-iscsi"),)),
    ),
    ("nbd:10.0.0.1:9000,xvda,w", XlDisk("xvda", "10.0.0.1:9000", extra=(("script", "block-nbd"),))),
    ("rbd:pool/image,raw,xvda,w", XlDisk("xvda", "rbd:pool/image")),
    ("phy:/dev/vg/x,ioemu:hda,w", XlDisk("hda", "/dev/vg/x")),
    ("phy:/dev/vg/x,/dev/sda1,w", XlDisk("sda1", "/dev/vg/x")),
    ("/root/i.iso,,hdc,cdrom", XlDisk("hdc", "/root/i.iso", readonly=True, cdrom=True)),
    ("/root/i.iso,,hdc,,cdrom", XlDisk("hdc", "/root/i.iso", readonly=True, cdrom=True)),
    ("/root/i.iso,raw,hdc,devtype=cdrom", XlDisk("hdc", "/root/i.iso", readonly=True, cdrom=True)),
    ("file:/root/i.iso,hdc:cdrom,r", XlDisk("hdc", "/root/i.iso", readonly=True, cdrom=True)),
    (",hdc:cdrom,r", XlDisk("hdc", None, readonly=True, cdrom=True)),
    (",empty,hdc,r,cdrom", XlDisk("hdc", None, readonly=True, cdrom=True)),
    ("vdev=hdc,cdrom", XlDisk("hdc", None, readonly=True, cdrom=True)),
    ("vdev=xvda,target=/srv/a,b=c,d.img", XlDisk("xvda", "/srv/a,b=c,d.img")),
    (",,xvda,target=/srv/a", XlDisk("xvda", "/srv/a")),
    (
        "/dev/x,raw,xvda,rw,backendtype=qdisk,direct-io-safe,no-discard,backend=storage,untrusted",
        XlDisk(
            "xvda",
            "/dev/x",
            extra=(
                ("backendtype", "qdisk"),
                ("direct-io-safe", True),
                ("discard", False),
                ("backend", "storage"),
                ("trusted", False),
            ),
        ),
    ),
    (
        "/dev/x,,xvda,,colo,colo-host=10.0.0.2,colo-port=9000",
        XlDisk("xvda", "/dev/x", extra=(("colo", True), ("colo-host", "10.0.0.2"), ("colo-port", "9000"))),
    ),
]


@pytest.mark.parametrize(("spec", "disk"), DISKS)
def test_a_disk_is_read(spec: str, disk: XlDisk) -> None:
    assert parse_disk(spec) == disk


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "no device in the guest"),
        ("/dev/x", "no device in the guest"),
        ("/dev/x,xvda,w", "'xvda' is no format"),
        (",,xvda,w", "no source, and is no CD-ROM drive"),
        ("/dev/x,raw,xvda,w,more", "'more' is one part too many"),
        ("/dev/x,raw,xvda,rx", "'rx' is no access"),
        ("/dev/x,raw,xvda:tape,r", "'tape' is no type"),
        ("/dev/x,raw,xvda,format=qcow2", "the format is given twice"),
        ("/dev/x,raw,xvda,vdev=xvdb", "the device in the guest is given twice"),
        ("/dev/x,raw,xvda,target=/dev/y", "the source is given twice"),
        ("/dev/x,raw,xvda,script=a,script=b", "script is given twice"),
        ("/dev/x,raw,xv da,w", "'xv da' is no device"),
        ("/dev/disk/by-path/ip=1,raw,xvda,w", "as target=..., at the end"),
        ("floppy:/dev/x,xvda,w", "floppy: is no known prefix"),
        ("/dev/x,raw,xvda,devtype=floppy", "'floppy' is no type"),
        ("/dev/x\n,raw,xvda,w", "control characters"),
    ],
)
def test_what_is_no_disk_is_refused(spec: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_disk(spec)
    assert words in str(caught.value)
    assert repr(spec) in str(caught.value)


@given(xl_disks())
def test_a_written_disk_reads_back(disk: XlDisk) -> None:
    assert parse_disk(render_disk(disk)) == disk


@pytest.mark.parametrize(
    "disk",
    [
        XlDisk("xvda", "a.img"),
        XlDisk("xv,da", "/a"),
        XlDisk("xvda", "/a\nb"),
        XlDisk("xvda", None),
        XlDisk("xvda", "/a", extra=(("script", "a,b"),)),
        XlDisk("xvda", "/a", extra=(("script", True),)),
        XlDisk("xvda", "/a", extra=(("vdev", "xvdb"),)),
    ],
)
def test_a_disk_that_would_read_otherwise_is_not_written(disk: XlDisk) -> None:
    with pytest.raises(InvalidInput):
        render_disk(disk)


VIFS: list[tuple[str, XlVif]] = [
    ("", XlVif()),
    ("bridge=xenbr0", XlVif("xenbr0")),
    (
        "mac=00:16:3E:74:3d:76,model=rtl8139,bridge=xenbr0",
        XlVif("xenbr0", "00:16:3e:74:3d:76", extra=(("model", "rtl8139"),)),
    ),
    ("mac=0:16:3e:1:2:3, bridge=xenbr0, type=ioemu", XlVif("xenbr0", "00:16:3e:01:02:03", extra=(("type", "ioemu"),))),
    (
        "ip=10.0.0.1 10.0.0.2 fd00::1,script=vif-route",
        XlVif(ip=("10.0.0.1", "10.0.0.2", "fd00::1"), extra=(("script", "vif-route"),)),
    ),
    ("rate=250KB/s@20ms,vifname=web1", XlVif(rate=XlRate(250, "KB", "20ms"), extra=(("vifname", "web1"),))),
    ("netdev=eth0,mtu=9000,devid=2", XlVif(extra=(("gatewaydev", "eth0"), ("mtu", "9000"), ("devid", "2")))),
    (
        "bridge=a,vlan=10p/100+10x4,trusted=0,backend=net",
        XlVif("a", extra=(("vlan", "10p/100+10x4"), ("trusted", False), ("backend", "net"))),
    ),
    ("untrusted,,bridge=a,", XlVif("a", extra=(("trusted", False),))),
    ("bridge=a,bridge=b", XlVif("b")),
]


@pytest.mark.parametrize(("spec", "vif"), VIFS)
def test_an_interface_is_read(spec: str, vif: XlVif) -> None:
    assert parse_vif(spec) == vif


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("xenbr0", "'xenbr0' is no parameter"),
        ("mac=00:16:3e", "mac is no MAC address"),
        ("mac=00:16:3e:00:00:zz", "mac is no MAC address"),
        ("rate=fast", "rate is no rate"),
        ("rate=0Mb/s", "rate is no rate"),
        ("mtu=big", "mtu makes no sense"),
        ("vlan=1,000", "'000' is no parameter"),
        ("vlan=x", "vlan makes no sense"),
        ("trusted=maybe", "'trusted=maybe' is no parameter"),
        ("bridge=a\nb", "control characters"),
    ],
)
def test_what_is_no_interface_is_refused(spec: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_vif(spec)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("10Mb/s", 1250000), ("250KB/s", 250000), ("1GB/s@50ms", 10**9), ("800b/s", 100), ("7B/s@9", 7)],
)
def test_rates(text: str, amount: int) -> None:
    assert XlRate.parse(text).bytes_per_second == amount
    assert str(XlRate.parse(text)) == text


@given(xl_vifs())
def test_a_written_interface_reads_back(vif: XlVif) -> None:
    assert parse_vif(render_vif(vif)) == vif


def test_an_interface_that_would_read_otherwise_is_not_written() -> None:
    for vif in (XlVif("a,mtu=1"), XlVif(mac="x"), XlVif(extra=(("script", "a,b=c"),))):
        with pytest.raises(InvalidInput):
            render_vif(vif)


@given(st.lists(xl_disks(), max_size=4), st.lists(xl_vifs(), max_size=4), st.sampled_from(["pv", "hvm"]))
def test_no_device_is_lost(disks: list[XlDisk], vifs: list[XlVif], kind: str) -> None:
    lists = {"disk": [render_disk(one) for one in disks], "vif": [render_vif(one) for one in vifs]}
    text = render({"name": "web1", "type": kind, **lists})
    taken = to_options(text)
    written: dict[str, Any] = {
        key: setting.value for key, setting in parse(from_options(taken.options, taken.unknown)).settings.items()
    }
    assert sorted(map(meaning, disks)) == sorted(meaning(parse_disk(spec)) for spec in written["disk"])
    assert [meaning(vif) for vif in vifs] == [meaning(parse_vif(spec)) for spec in written["vif"]]


def meaning(device: XlDisk | XlVif) -> list[str]:
    """A device without the order of its parts."""
    return sorted(f"{key}={value!r}" for key, value in {**vars(device), **dict(device.extra), "extra": None}.items())
