"""What is told of a host: who has its memory and CPUs, how it was booted, its bonds and VLANs, where disks can lie."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.host.config_files import LocalConfig
from ansible_collections.xenfleet.xen.plugins.module_utils.host.local import LocalHost
from ansible_collections.xenfleet.xen.plugins.module_utils.host.machine import LocalMachine
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.connection import libvirt
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.host import read_pools
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host import BondFact, Host, Space, VlanFact
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import GIB, MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.xen_info import ListedDomain
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.host_info import boot_report, host_report, space_report
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult
from ansible_collections.xenfleet.xen.plugins.module_utils.storage.volume_group import lvm_spaces
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.info import parse_info, parse_list

from .dom0_machine import RECORDED, World


def host(**more: Any) -> Host:
    facts: dict[str, Any] = {
        "name": "xen1",
        "xen_version": "4.20.4",
        "libvirt_version": "11.3.0",
        "types": ("pv", "pvh"),
        "live_migration": ("pvh",),
        "memory_total": Size(2047 * MIB),
        "memory_free": Size(900 * MIB),
        "cpus": 2,
        "guests": {"ldap1": "u1"},
    }
    return Host(**{**facts, **more})


def test_what_xen_tells() -> None:
    xen = parse_info((RECORDED / "xl-info-4.20").read_text(), (RECORDED / "xl-list-4.20").read_text())
    assert (xen.version, xen.cpus) == ("4.20.5-pre", 2)
    assert xen.command_line is not None
    assert "dom0_mem=1G,max:1G" in xen.command_line.split()
    assert (xen.memory_total, xen.memory_free) == (Size(2047 * MIB), Size(1000 * MIB))
    assert (xen.hvm, xen.iommu, "hap" in xen.abilities) == (True, False, True)
    assert xen.dom0 is not None
    assert (xen.dom0.memory.mib, xen.dom0.vcpus) == (1024, 1)


def test_what_xen_does_not_tell() -> None:
    xen = parse_info("", "")
    assert (xen.version, xen.cpus, xen.hvm, xen.dom0, xen.guests) == (None, None, False, None, ())


def test_guests_by_their_lines() -> None:
    listed = (
        "Name                                        ID   Mem VCPUs\tState\tTime(s)\n"
        "Domain-0                                     0  1024     2     r-----     136.8\n"
        "an old one                                   3   128     1     -b----       6.1\n"
        "(null)                                       4     0     1     --psrd       6.1\n"
    )
    assert parse_list(listed) == (
        ListedDomain("Domain-0", 0, Size(GIB), 2),
        ListedDomain("an old one", 3, Size(128 * MIB), 1),
    )


def test_who_has_memory_and_cpus(tmp_path: Path) -> None:
    listed = (
        "Domain-0       0   512     2     r-----     136.8\n"
        "ldap1          1   256     4     -b----       6.1\n"
        "old            2   128     1     -b----       6.1\n"
    )
    xen = parse_info(
        "total_memory : 2047\nfree_memory : 900\nnr_cpus : 2\nvirt_caps : pv hvm hvm_directio hap\n", listed
    )
    config = LocalConfig(tmp_path)
    report = host_report(host(foreign_guests=("old",)), xen, config)
    assert (report["memory_guests_mib"], report["memory_foreign_guests_mib"]) == (256, 128)
    assert (report["vcpus_guests"], report["vcpus_foreign_guests"]) == (4, 1)
    assert report["memory_reserved_mib"] == 2047 - 900 - 512 - 256 - 128
    assert report["dom0"] == {"memory_mib": 512, "vcpus": 2}
    assert report["abilities"] == {"hvm": True, "hap": True, "iommu": True, "shadow": False, "nested_hvm": False}
    config.write("/etc/libvirt/libxl.conf", "nested_hvm = 1\n")
    assert host_report(host(), xen, config)["abilities"]["nested_hvm"] is True

    unknown = host_report(host(), parse_info(""), config)
    assert (unknown["dom0"], unknown["memory_reserved_mib"], unknown["abilities"]["iommu"]) == (None, None, None)


def test_how_a_host_was_booted(tmp_path: Path) -> None:
    world = World(tmp_path / "root")
    config = LocalConfig(world.root)
    world.install()
    world.ensure(memory="512 MiB")
    assert boot_report(LocalMachine(world, world.root).read(), config) == {
        "xen": None,
        "kernel": ["console=ttyS0", "quiet"],
        "next_xen": ["dom0_mem=512M,max:512M"],
        "next_kernel": ["console=ttyS0", "quiet"],
        "restart_due": [],
    }
    world.boot()
    world.ensure(memory="1 GiB")
    assert boot_report(LocalMachine(world, world.root).read(), config) == {
        "xen": ["dom0_mem=512M,max:512M"],
        "kernel": ["console=ttyS0", "quiet"],
        "next_xen": ["dom0_mem=1G,max:1G"],
        "next_kernel": ["console=ttyS0", "quiet"],
        "restart_due": ["Xen runs with dom0_mem=512M,max:512M instead of dom0_mem=1G,max:1G"],
    }


def test_bonds_and_vlans(tmp_path: Path) -> None:
    local = LocalHost(str(tmp_path))
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(
        "36 35 98:0 / / rw - ext4 /dev/vda1 rw\n37 35 98:0 /x /x rw - ext4 /dev/vda1 rw\n"
    )
    assert (local.bonds(), local.vlans()) == ((), ())
    net = tmp_path / "sys/class/net"
    for name, carrier in (("eth1", "1\n"), ("eth2", "0\n")):
        (net / name).mkdir(parents=True)
        (net / name / "carrier").write_text(carrier)
    (net / "bond0/bonding").mkdir(parents=True)
    (net / "bond0/bonding/mode").write_text("802.3ad 4\n")
    (net / "bond0/bonding/slaves").write_text("eth1 eth2\n")
    (tmp_path / "proc/net/vlan").mkdir(parents=True)
    (tmp_path / "proc/net/vlan/config").write_text(
        "VLAN Dev name    | VLAN ID\nName-Type: VLAN_NAME_TYPE_RAW_PLUS_VID_NO_PAD\nbond0.20       | 20  | bond0\nbond0.10       | 10  | bond0\n"
    )
    assert local.bonds() == (BondFact("bond0", "802.3ad", ("eth1", "eth2"), ("eth1",)),)
    assert local.vlans() == (VlanFact("bond0.10", "bond0", 10), VlanFact("bond0.20", "bond0", 20))
    (space,) = local.spaces()
    assert (space.kind, space.name) == ("filesystem", "/")
    assert space.total > space.free


class Lvm:
    """LVM with a volume group and a thin pool in it."""

    def __init__(self, *, installed: bool = True) -> None:
        self.installed = installed

    def has(self, program: str) -> bool:
        return self.installed

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float | None = None, check: bool = True
    ) -> CommandResult:
        if argv[0] == "vgs":
            row = {"vg_name": "vg0", "vg_size": str(8 * GIB), "vg_free": str(3 * GIB)}
            return CommandResult(0, json.dumps({"report": [{"vg": [row]}]}), "")
        row = {"vg_name": "vg0", "lv_name": "thin", "lv_size": str(4 * GIB), "data_percent": "25.00"}
        return CommandResult(0, json.dumps({"report": [{"lv": [row]}], "log": []}), "")


def test_room_for_disks() -> None:
    spaces = lvm_spaces(Lvm())
    assert spaces == (
        Space("volume_group", "vg0", Size(8 * GIB), Size(3 * GIB)),
        Space("thin_pool", "vg0/thin", Size(4 * GIB), Size(3 * GIB)),
    )
    assert space_report(spaces[0]) == {"kind": "volume_group", "name": "vg0", "total_mib": 8192, "free_mib": 3072}
    assert lvm_spaces(Lvm(installed=False)) == ()


def test_pools_of_libvirt() -> None:
    connection = libvirt.open("test:///default")
    (pool,) = read_pools(connection)
    assert (pool.kind, pool.name) == ("pool", "default-pool")
    assert pool.total.bytes == 100 * GIB

    class Without:
        def listAllStoragePools(self, _flags: int) -> list[object]:  # noqa: N802
            raise libvirt.libvirtError("no storage driver")

    assert read_pools(Without()) == ()
