"""Entries of the options disks and networks: what they mean, and what is refused of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xenfleet.xen.plugins.module_utils.argspec import read_declarations
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.device_options import (
    disk_options,
    nic_options,
    read_disk,
    read_nic,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk, checked_disks, position_of
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic, checked_nics
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rate import UNLIMITED, Rate
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rbd import Monitor, RbdLogin

from .domains import whole_domains

SECRET = "6695eb01-f6a4-8304-79aa-97f2502e193f"
MAC = "00:16:3e:00:00:01"


def declared(**options: Any) -> Domain:
    (declaration,) = read_declarations([{"name": "web1", **options}])
    return declaration.domain


def disks(*entries: dict[str, Any]) -> tuple[Disk, ...]:
    return declared(disks=list(entries)).disks or ()


def nic(**entry: Any) -> Nic:
    (read,) = declared(networks=[entry]).networks or ()
    return read


def test_what_is_not_named_of_a_disk_is_not_managed() -> None:
    (disk,) = disks({"source": "/a"})
    assert disk == Disk("xvda", "/a", discard=None, monitors=None)


def test_all_of_a_disk_in_ceph() -> None:
    (disk,) = disks(
        {
            "source": "rbd:pool/web1",
            "monitors": ["mon1", "10.30.0.1:6789", "[fd00::1]:3300"],
            "auth_user": "xen",
            "auth_secret": SECRET.upper(),
            "discard": False,
        }
    )
    assert disk.monitors == (Monitor("mon1"), Monitor("10.30.0.1", 6789), Monitor("fd00::1", 3300))
    assert disk.login == RbdLogin("xen", SECRET)
    assert (disk.is_network, disk.path, disk.default_driver) == (True, None, "qemu")
    assert str(disk) == (
        "rbd:pool/web1 (raw, no discard, monitors mon1 10.30.0.1:6789 [fd00::1]:3300, user xen with secret "
        + SECRET
        + ")"
    )


def test_a_drive_is_never_written_and_may_be_empty() -> None:
    (drive,) = disks({"device": "cdrom", "target": "hdc"})
    assert (drive.readonly, drive.source, drive.bus, str(drive)) == (True, None, "ide", "empty (CD-ROM)")


@pytest.mark.parametrize(
    ("target", "bus", "position"),
    [("xvda", "xen", 0), ("xvdz", "xen", 25), ("xvdaa", "xen", 26), ("hdc", "ide", 2), ("sdb", "scsi", 1)],
)
def test_a_target_says_its_bus_and_its_place(target: str, bus: str, position: int) -> None:
    assert (Disk(target, "/a").bus, position_of(target)) == (bus, position)


def test_targets_are_given_out_in_order_and_leave_out_what_is_taken() -> None:
    named = [{"source": "/x", "target": "xvdb"}, {"device": "cdrom", "target": "hdc"}]
    given_out = disks(*named, *({"source": f"/{number}"} for number in range(26)))
    assert [disk.target for disk in given_out[2:5]] == ["xvda", "xvdd", "xvde"]
    assert [disk.target for disk in given_out[-3:]] == ["xvdz", "xvdaa", "xvdab"]


@pytest.mark.parametrize(
    ("source", "format", "cdrom", "driver"),
    [
        ("/dev/vg0/a", "raw", False, "phy"),
        ("/dev/vg0/a", "qcow2", False, "qemu"),
        ("/dev/sr0", "raw", True, "qemu"),
        ("/a.img", "raw", False, "qemu"),
        ("rbd:pool/a", "raw", False, "qemu"),
        (None, "raw", True, "qemu"),
    ],
)
def test_the_driver_is_chosen(source: str | None, format: str, cdrom: bool, driver: str) -> None:  # noqa: A002
    assert Disk("xvda", source, format, cdrom=cdrom).default_driver == driver


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"source": "/a", "target": "xvda1"}, "disks.target is no Xen disk; found: 'xvda1'"),
        ({"source": "/a", "target": "hde"}, "disks.target is no Xen disk"),
        ({"source": "/a", "target": "sdq"}, "disks.target is no Xen disk"),
        ({"source": "/a", "target": "vda"}, "disks.target is no Xen disk"),
        ({"target": "xvda"}, "disks.source is missing; found: the disk xvda. Only a CD-ROM drive"),
        ({"source": "a.img"}, "disks.source is no usable path"),
        ({"source": "rbd:web1"}, "disks.source is no image in a Ceph cluster"),
        ({"source": "rbd:pool/web1:id=x"}, "disks.source is no image in a Ceph cluster"),
        ({"source": "/a", "format": "vmdk"}, "value of format must be one of"),
        ({"source": "/a", "device": "floppy"}, "value of device must be one of"),
        ({"source": "/a", "driver": "tap"}, "value of driver must be one of"),
        (
            {"source": "/a", "driver": "phy"},
            "disks.driver cannot serve /a; found: phy for the format raw; expected: qemu",
        ),
        ({"source": "/dev/a", "format": "qcow2", "driver": "phy"}, "disks.driver cannot serve /dev/a"),
        ({"source": "/a", "format": "qcow2", "driver": "file"}, "found: file for the format qcow2"),
        ({"source": "rbd:pool/a", "driver": "file"}, "disks.driver cannot serve rbd:pool/a"),
        ({"device": "cdrom", "driver": "phy"}, "disks.driver cannot serve an empty drive"),
        ({"source": "/a", "monitors": ["mon1"]}, "disks.monitors makes no sense for /a"),
        ({"source": "/a", "auth_user": "x", "auth_secret": SECRET}, "disks.auth_user makes no sense for /a"),
        ({"source": "rbd:pool/a", "auth_user": "xen"}, "disks.auth_secret is no UUID"),
        ({"source": "rbd:pool/a", "auth_secret": SECRET}, "disks.auth_user is no user"),
        ({"source": "rbd:pool/a", "monitors": ["mon1:0"]}, "no monitor; found: 'mon1:0'"),
        ({"source": "rbd:pool/a", "monitors": ["mon1:70000"]}, "no monitor"),
        ({"source": "rbd:pool/a", "monitors": ["[mon1]:6789"]}, "no monitor"),
        ({"source": "rbd:pool/a", "monitors": ["fd00::1"]}, "no monitor"),
        ({"source": "rbd:pool/a", "monitors": [""]}, "no monitor"),
    ],
)
def test_a_disk_that_makes_no_sense_is_refused(entry: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        disks(entry)
    assert words in str(caught.value)


def test_a_target_and_a_source_are_named_once() -> None:
    for entries in (
        [{"source": "/a"}, {"source": "/b", "target": "xvda"}, {"source": "/c", "target": "xvda"}],
        [{"source": "rbd:pool/a"}, {"source": "rbd:pool/a"}],
    ):
        with pytest.raises(InvalidInput, match="named twice"):
            disks(*entries)


def test_more_disks_than_targets_are_refused() -> None:
    with pytest.raises(InvalidInput, match="more than a guest can have"):
        checked_disks(Disk("", f"/{number}") for number in range(703))


FOUND_DISK = Disk(
    "xvda",
    "rbd:pool/a",
    discard=False,
    monitors=(Monitor("mon1"),),
    login=RbdLogin("xen", SECRET),
    other_bus="usb",
)


@pytest.mark.parametrize(
    ("entry", "there", "result"),
    [
        ({"source": "/a"}, None, Disk("xvda", "/a")),
        ({"source": "/a"}, FOUND_DISK, Disk("xvda", "/a", discard=False, other_bus="usb")),
        ({"source": "rbd:pool/a"}, FOUND_DISK, FOUND_DISK),
        ({"source": "rbd:pool/b", "discard": True}, FOUND_DISK, replace(FOUND_DISK, source="rbd:pool/b", discard=True)),
        (
            {"source": "rbd:pool/a", "monitors": [], "auth_user": ""},
            FOUND_DISK,
            replace(FOUND_DISK, monitors=(), login=None),
        ),
        # A driver that is there stays as long as it can serve what is named.
        ({"source": "/b"}, Disk("xvda", "/a", driver="file"), Disk("xvda", "/b", driver="file")),
        ({"source": "/b"}, Disk("xvda", "/a", driver="tap"), Disk("xvda", "/b", driver="tap")),
        ({"source": "/b", "format": "qcow2"}, Disk("xvda", "/a", driver="file"), Disk("xvda", "/b", "qcow2")),
        ({"source": "/a", "driver": "qemu"}, Disk("xvda", "/a", driver="file"), Disk("xvda", "/a")),
        ({"source": "/dev/a", "driver": "qemu"}, None, Disk("xvda", "/dev/a", driver="qemu")),
        # Of a form that no option can say nothing is kept.
        ({"source": "/a"}, Disk("xvda", None, other="volume pool web1"), Disk("xvda", "/a")),
    ],
)
def test_a_declared_disk_over_one_that_is_there(entry: dict[str, Any], there: Disk | None, result: Disk) -> None:
    (disk,) = disks(entry)
    assert disk.over(there) == result


def test_all_of_an_interface() -> None:
    read = nic(
        bridge="ovsbr0",
        openvswitch=True,
        trunks=[30, 20, 30],
        mac=MAC.upper(),
        script="vif-custom",
        model="e1000",
        rate="10 MB/s",
        guest_ips=["fd00::0011", "10.10.0.11"],
    )
    assert read.over(None) == Nic(
        MAC,
        "ovsbr0",
        (),
        openvswitch=True,
        trunks=(20, 30),
        script="vif-custom",
        model="e1000",
        rate=Rate(9766),
        guest_ips=("fd00::11", "10.10.0.11"),
    )
    assert str(read) == (
        "bridge ovsbr0, Open vSwitch, VLANs 20 30, script vif-custom, model e1000, rate 9766 KiB/s,"
        " guest's IPs fd00::11 10.10.0.11"
    )


@pytest.mark.parametrize(
    ("entry", "kind", "words"),
    [
        ({"bridge": "xenbr10"}, "bridge", "bridge xenbr10"),
        ({"network": "default"}, "network", "network default"),
        ({"script": "vif-route"}, "ethernet", "no bridge, script vif-route"),
        ({"bridge": "ovsbr0", "openvswitch": True, "vlan": 10}, "bridge", "bridge ovsbr0, Open vSwitch, VLAN 10"),
    ],
)
def test_what_an_interface_hangs_on(entry: dict[str, Any], kind: str, words: str) -> None:
    assert (nic(**entry).kind, str(nic(**entry))) == (kind, words)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({}, "networks.bridge is missing; expected: bridge, network, or"),
        ({"script": ""}, "networks.bridge is missing"),
        ({"bridge": "a", "network": "b"}, "found: bridge a, network b; expected: one of the two"),
        ({"bridge": "a b"}, "networks.bridge is not usable"),
        ({"network": "a/b"}, "networks.network is no name"),
        ({"network": "a", "script": "vif-x"}, "networks.script makes no sense on a network of libvirt"),
        ({"bridge": "a", "script": "../x"}, "networks.script is no program"),
        ({"bridge": "a", "script": "/a/../x"}, "networks.script is no usable path"),
        ({"bridge": "a", "vlan": 10}, "Xen's driver in libvirt ignores VLANs of an interface on a plain bridge"),
        ({"bridge": "a", "trunks": [10], "openvswitch": False}, "networks.vlan and networks.trunks need openvswitch"),
        ({"network": "a", "openvswitch": True}, "networks.openvswitch needs a bridge"),
        ({"bridge": "a", "openvswitch": True, "vlan": 1, "trunks": [2]}, "exclude each other"),
        ({"bridge": "a", "openvswitch": True, "vlan": 0}, "a VLAN that is none; found: 0; expected: 1 to 4094"),
        ({"bridge": "a", "openvswitch": True, "trunks": [4095]}, "a VLAN that is none"),
        ({"bridge": "a", "model": "e1000,x"}, "networks.model is no device"),
        ({"bridge": "a", "rate": "fast"}, "networks.rate is no rate; found: 'fast'; expected: such as '10 MB/s'"),
        ({"bridge": "a", "rate": "0 MB/s"}, "networks.rate has to be above zero"),
        ({"bridge": "a", "guest_ips": ["10.0.0.1/24"]}, "expected: an address without prefix"),
        ({"bridge": "a", "addresses": ["10.0.0.300/24"]}, "expected: address/prefix"),
        ({"bridge": "a", "mac": "01:00:00:00:00:01"}, "no MAC address"),
    ],
)
def test_an_interface_that_makes_no_sense_is_refused(entry: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        nic(**entry)
    assert words in str(caught.value)


PLAIN = Nic(MAC, "br0", ("10.0.0.1/24",), script="vif-custom", model="e1000", rate=Rate(5), guest_ips=("10.0.0.1",))
PORT = Nic(MAC, "br0", script="ovs-custom", openvswitch=True, vlan=10)


@pytest.mark.parametrize(
    ("entry", "there", "result"),
    [
        ({"bridge": "br0"}, None, Nic(None, "br0")),
        ({"bridge": "br0"}, PLAIN, PLAIN),
        ({"bridge": "br1"}, PLAIN, replace(PLAIN, bridge="br1")),
        (
            {"bridge": "br0", "script": "", "model": "", "rate": "", "guest_ips": [], "addresses": []},
            PLAIN,
            Nic(MAC, "br0"),
        ),
        # The script of a bridge does not fit a network or a port of Open vSwitch.
        ({"network": "default"}, PLAIN, replace(PLAIN, bridge=None, network="default", script=None)),
        ({"bridge": "br0", "openvswitch": True}, PLAIN, replace(PLAIN, openvswitch=True, script=None)),
        # Bridge, Open vSwitch and VLANs are one place.
        ({"bridge": "br0"}, PORT, PORT),
        ({"bridge": "br0", "openvswitch": True}, PORT, replace(PORT, vlan=None)),
        ({"bridge": "br0", "openvswitch": True, "trunks": [1, 2]}, PORT, replace(PORT, vlan=None, trunks=(1, 2))),
        ({"bridge": "br0", "openvswitch": False}, PORT, Nic(MAC, "br0")),
        ({"bridge": "br1"}, PORT, Nic(MAC, "br1")),
        # Of a form that no option can say only the addresses are kept, which are no part of it.
        (
            {"bridge": "br0"},
            Nic(MAC, None, ("10.0.0.1/24",), model="e1000", other="hostdev"),
            Nic(MAC, "br0", ("10.0.0.1/24",)),
        ),
    ],
)
def test_a_declared_interface_over_one_that_is_there(entry: dict[str, Any], there: Nic | None, result: Nic) -> None:
    assert replace(nic(**entry), mac=result.mac).over(there) == result


def test_a_limit_that_is_taken_away() -> None:
    assert nic(bridge="a", rate="").rate == UNLIMITED
    assert nic(bridge="a").rate is None


@pytest.mark.parametrize(
    ("text", "kib", "shown"),
    [
        ("10 MB/s", 9766, "9766 KiB/s"),
        ("10Mb/s", 1221, "1221 KiB/s"),
        ("10 Mbit/s", 1221, "1221 KiB/s"),
        ("512 KB/s", 500, "500 KiB/s"),
        ("512 kB/s", 500, "500 KiB/s"),
        ("512 KiB/s", 512, "512 KiB/s"),
        ("1.5 MiB/s", 1536, "1536 KiB/s"),
        ("2 GiB/s", 2097152, "2048 MiB/s"),
        ("7B/s", 1, "1 KiB/s"),
        ("8b/s", 1, "1 KiB/s"),
    ],
)
def test_rates(text: str, kib: int, shown: str) -> None:
    assert Rate.parse(text).kib == kib
    assert str(Rate.parse(text)) == shown
    assert Rate.parse(text).bytes == kib * 1024


@pytest.mark.parametrize("text", ["", "10", "10 MB", "-1 MB/s", "10 TB/s", "10MB/s@20ms", "10 mB/s", 10])
def test_what_is_no_rate(text: object) -> None:
    with pytest.raises(InvalidInput, match="is no rate"):
        Rate.parse(text)


@given(st.integers(1, 10**9).map(Rate))
def test_a_rate_reads_back(rate: Rate) -> None:
    assert Rate.parse(str(rate)) == rate


@given(whole_domains())
def test_devices_read_back_from_the_options_that_they_are(domain: Domain) -> None:
    read = checked_disks(read_disk(disk_options(disk)) for disk in domain.disks or ())
    assert tuple(disk.over(None) for disk in read) == domain.disks
    nics = checked_nics(read_nic(nic_options(each)) for each in domain.networks or ())
    assert tuple(each.over(None) for each in nics) == domain.networks
