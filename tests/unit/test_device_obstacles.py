"""What stands in the way of a guest's devices on its host, and the calls that are made for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput, Refused
from ansible_collections.xenfleet.xen.plugins.module_utils.host.local import LocalHost, PromisedHost
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    DomainType,
    FoundDomain,
    TargetState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domain import ensure_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domains import check_together
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import GuestHost

from .domains import found

SIZE = Size(128 * MIB)
MAC = "00:16:3e:00:00:01"


class Host:
    """A host with one bridge of each kind, and with these paths."""

    def __init__(self, **paths: str) -> None:
        self.paths = {f"/{name}": kind for name, kind in paths.items()} | {"/etc/xen/scripts/vif-route": "file"}

    def bridges(self) -> frozenset[str]:
        return frozenset({"br0", "ovs0"})

    def openvswitch_bridges(self) -> frozenset[str]:
        return frozenset({"ovs0"})

    def path_kind(self, path: str) -> str | None:
        return self.paths.get(path)


class Xen:
    """A hypervisor that keeps the calls."""

    def __init__(self, *guests: FoundDomain, networks: frozenset[str] | None = None) -> None:
        self.guests = guests
        self.known = networks
        self.calls: list[tuple[str, str]] = []

    def domain(self, name: str) -> FoundDomain | None:
        return next((guest for guest in self.domains() if guest.name == name), None)

    def domains(self) -> Sequence[FoundDomain]:
        return self.guests

    def domain_types(self) -> frozenset[str]:
        return frozenset({"pv", "hvm"})

    def networks(self) -> frozenset[str] | None:
        return self.known

    def define(self, xml: str) -> None:
        self.calls.append(("define", xml))

    def update(self, _name: str, device: str) -> None:
        self.calls.append(("update", device))


class NoStrays:
    """A Xen that has nothing behind libvirt's back."""

    def stray(self, _name: str) -> None:
        return None

    def discard(self, _domid: int) -> None:
        raise AssertionError


def guest(name: str, kind: DomainType = DomainType.PV, **devices: Any) -> Domain:
    sizes = {"memory": SIZE, "memory_max": SIZE, "vcpus": 1, "vcpus_max": 1}
    return Domain(name, type=kind, **{**sizes, "disks": (), "networks": (), **devices})


def ensure(xen: Xen, domain: Domain, host: Any = None, *, check: bool = True) -> None:
    declared = Declaration(domain, state=TargetState.PRESENT)
    nothing: Any = None  # no disk is removed
    ensure_domain(GuestHost(xen, host or Host(), nothing, NoStrays()), declared, xen.domains(), check=check)


def drive(source: str | None) -> Disk:
    return Disk("hdc", source, readonly=True, cdrom=True)


@pytest.mark.parametrize(
    "devices",
    [
        {"disks": (Disk("xvda", "rbd:pool/a"),)},
        {"networks": (Nic(MAC, "br0"),)},
        {"networks": (Nic(MAC, "ovs0", openvswitch=True, vlan=5),)},
        {"networks": (Nic(MAC, "ovs0", script="/bin/mine"),)},
        {"networks": (Nic(MAC, None, script="vif-route"),)},
        {"networks": (Nic(MAC, None, network="default"),)},
    ],
)
def test_what_is_there_is_no_obstacle(devices: dict[str, Any]) -> None:
    host = Host()
    host.paths["/bin/mine"] = "file"
    ensure(Xen(networks=frozenset({"default"})), guest("web1", **devices), host)


def test_a_guest_that_boots_by_uefi_already_keeps_its_firmware() -> None:
    there = guest("web1", DomainType.HVM, firmware="uefi", acpi=True, apic=True)
    ensure(Xen(found(there)), replace(there, memory=Size(64 * MIB)))


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        ({"networks": (Nic(MAC, "br9"),)}, "bridge br9 is missing on this host; it has: br0, ovs0"),
        ({"networks": (Nic(MAC, "br0", openvswitch=True),)}, "bridge br0 is none of Open vSwitch on this host"),
        ({"networks": (Nic(MAC, "ovs0"),)}, "bridge ovs0 is one of Open vSwitch on this host; say openvswitch: true"),
        (
            {"networks": (Nic(MAC, None, network="lan"),)},
            "network lan is not active in this host's libvirt; active: default",
        ),
        ({"networks": (Nic(MAC, None, script="vif-x"),)}, "script /etc/xen/scripts/vif-x is missing on this host"),
        ({"networks": (Nic(MAC, "br0", script="/opt/x"),)}, "script /opt/x is missing on this host"),
        ({"disks": (Disk("xvda", "/a"),)}, "disk xvda: /a is missing"),
        ({"kind": DomainType.HVM, "firmware": "uefi"}, "firmware uefi: /usr/share/ovmf/OVMF.fd is missing"),
        ({"pci_devices": ("0000:03:00.0",)}, "pci_devices: this host has no 0000:03:00.0"),
    ],
)
def test_what_is_missing_is_named(devices: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused) as refusal:
        ensure(Xen(networks=frozenset({"default"})), guest("web1", **devices))
    assert [obstacle for obstacle in refusal.value.obstacles if obstacle.startswith(words)], refusal.value.obstacles


def test_networks_that_libvirt_cannot_tell_are_not_looked_for() -> None:
    ensure(Xen(), guest("web1", networks=(Nic(MAC, None, network="lan"),)))


SHARED = Disk("xvdb", "/a", shareable=True)


@pytest.mark.parametrize(
    ("ours", "theirs", "taken"),
    [
        (Disk("xvda", "rbd:pool/a"), Disk("xvdb", "rbd:pool/a"), True),
        (Disk("xvda", "rbd:pool/a"), Disk("xvdb", "rbd:pool/b"), False),
        (drive("/a"), drive("/a"), False),
        (drive("/a"), Disk("xvda", "/a"), True),
        (drive(None), drive(None), False),
        (SHARED, SHARED, False),
    ],
)
def test_a_disk_of_another_running_guest(ours: Disk, theirs: Disk, taken: bool) -> None:
    there = guest("web2", DomainType.HVM, disks=(theirs,))
    xen, wanted = Xen(found(there, running=there)), guest("web1", DomainType.HVM, disks=(ours,))
    if taken:
        with pytest.raises(Refused, match="is in use by the running guest web2"):
            ensure(xen, wanted, Host(a="file"))
    else:
        ensure(xen, wanted, Host(a="file"))


@pytest.mark.parametrize(("disk", "fits"), [(drive("/a"), True), (Disk("xvda", "rbd:pool/a"), False)])
def test_declarations_fit_with_each_other(disk: Disk, fits: bool) -> None:
    both = [Declaration(guest(name, disks=(disk,))) for name in ("web1", "web2")]
    if fits:
        check_together(both)
    else:
        with pytest.raises(InvalidInput, match="the disk rbd:pool/a is declared twice"):
            check_together(both)


def test_a_medium_is_changed_by_an_update() -> None:
    there = guest("web1", DomainType.HVM, disks=(drive(None),))
    xen = Xen(found(there, running=there))
    ensure(xen, replace(there, disks=(drive("/b.iso"),)), Host(**{"b.iso": "file"}), check=False)
    assert [name for name, _xml in xen.calls] == ["define", "update"]
    assert xen.calls[1][1] == (
        '<disk type="file" device="cdrom"><driver name="qemu" type="raw" /><source file="/b.iso" />'
        '<target dev="hdc" bus="ide" /><readonly /></disk>'
    )


def test_the_medium_has_to_be_there() -> None:
    there = guest("web1", DomainType.HVM, disks=(drive(None),))
    # Stored already, so that nothing but the medium is to be changed.
    xen = Xen(found(replace(there, disks=(drive("/b.iso"),)), running=there))
    with pytest.raises(Refused, match=r"disk hdc: /b\.iso is missing"):
        ensure(xen, replace(there, disks=(drive("/b.iso"),)))


def test_bridges_are_found_where_the_kernel_and_open_vswitch_have_them(tmp_path: Path) -> None:
    for folder in ("sys/class/net/br0/bridge", "sys/class/net/ovs0", "sys/class/net/eth0/upper_ovs-system"):
        (tmp_path / folder).mkdir(parents=True)
    assert LocalHost(str(tmp_path)).bridges() == {"br0"}
    (tmp_path / "run/openvswitch").mkdir(parents=True)
    for name in ("ovs0.mgmt", "ovs0.snoop", "db.sock"):
        (tmp_path / "run/openvswitch" / name).touch()
    host = PromisedHost(LocalHost(str(tmp_path)), [], ["br1"])
    assert host.bridges() == {"br0", "br1", "ovs0"}
    assert host.openvswitch_bridges() == {"ovs0"}
