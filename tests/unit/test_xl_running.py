"""A running guest as xl tells it: the keys of libxl_types.idl, with what has its default left out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed, InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.host.xl import XlGuests
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, DomainType
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.running import read_running

CONFIG: dict[str, Any] = {
    "c_info": {
        "type": "pv",
        "name": "ldap1",
        "uuid": "6695eb01-f6a4-8304-79aa-97f2502e193f",
        "run_hotplug_scripts": "True",
    },
    "b_info": {
        "max_vcpus": 4,
        "avail_vcpus": [0, 1],
        "numa_placement": "True",
        "max_memkb": 524288,
        "target_memkb": 262144,
        "shadow_memkb": 3072,
        "device_model_version": "qemu_xen",
        "sched_params": {"sched": "credit2", "weight": 256, "cap": 0},
        "kernel": "/boot/vmlinuz",
        "ramdisk": "/boot/initrd.img",
        "cmdline": "root=/dev/xvda ro",
        "tsc_mode": "native",
        "type.pv": {},
        "arch_arm": {},
    },
    "disks": [
        {"pdev_path": "/dev/vg0/ldap1", "vdev": "xvda", "backend": "phy", "format": "raw", "readwrite": 1},
        {"pdev_path": "/srv/data.qcow2", "vdev": "xvdb", "backend": "qdisk", "format": "qcow2", "specification": "xen"},
    ],
    "nics": [
        {
            "devid": 0,
            "mac": "00:16:3E:00:00:01",
            "bridge": "xenbr10",
            "nictype": "vif",
            "script": "/etc/xen/scripts/vif-bridge",
        }
    ],
    "vfbs": [],
    "on_poweroff": "destroy",
    "on_reboot": "restart",
    "on_watchdog": "destroy",
    "on_crash": "coredump_restart",
}
DOMAIN = Domain(
    name="ldap1",
    uuid="6695eb01-f6a4-8304-79aa-97f2502e193f",
    type=DomainType.PV,
    memory=Size(256 * MIB),
    memory_max=Size(512 * MIB),
    vcpus=2,
    vcpus_max=4,
    kernel="/boot/vmlinuz",
    ramdisk="/boot/initrd.img",
    cmdline="root=/dev/xvda ro",
    tsc_mode="native",
    disks=(Disk("xvda", "/dev/vg0/ldap1"), Disk("xvdb", "/srv/data.qcow2", "qcow2", readonly=True)),
    networks=(Nic("00:16:3e:00:00:01", "xenbr10"),),
    on_poweroff="destroy",
    on_reboot="restart",
    on_crash="coredump-restart",
)
LIST = (
    "Name                                        ID   Mem VCPUs\tState\tTime(s)\n"
    "Domain-0                                     0  1024     1     r-----     142.1\n"
    "ldap1                                        4   256     2     -b----      12.5\n"
    "a name with blanks                           5   128     1     --p---       2.0\n"
    "(null)                                       6     1     1     --ps-d       9.9\n"
    "ldap2                                       17   512     1     ---ss-     136.8\n"
)


def changed(where: Sequence[str | int], value: Any) -> dict[str, Any]:
    """The configuration with one value of its own."""
    config = deepcopy(CONFIG)
    part: Any = config
    for step in where[:-1]:
        part = part.setdefault(step, {}) if isinstance(part, dict) else part[step]
    part[where[-1]] = value
    return config


def test_a_guest_as_it_runs() -> None:
    assert read_running(CONFIG) == (DOMAIN, ())


def test_what_xen_420_printed() -> None:
    [entry] = json.loads((Path(__file__).parent / "xl_files/take1-list-long-4.20.json").read_text())
    domain, obstacles = read_running(entry["config"])
    assert obstacles == ()
    assert (domain.name, domain.type, domain.memory, domain.vcpus) == ("take1", DomainType.PV, Size(320 * MIB), 1)
    assert domain.disks == (Disk("xvda", "/srv/take1.img"),)
    assert (domain.on_poweroff, domain.on_reboot, domain.on_crash) == ("destroy", "restart", "destroy")


@pytest.mark.parametrize(
    ("where", "value", "words"),
    [
        (["c_info", "type"], "hvm", "hvm guest"),
        (["c_info", "driver_domain"], "True", "driver_domain"),
        (["vfbs"], [{"devid": 0}], "it has vfbs"),
        (["pcidevs"], [{"dev": 1}], "it has pcidevs"),
        (["b_info", "nested_hvm"], "True", "nested_hvm"),
        (["b_info", "nested_hvm"], "False", None),
        (["b_info", "type.pv", "e820_host"], "True", "e820_host"),
        (["b_info", "type.pvh"], {"pvshim": "True"}, "pvshim"),
        (["b_info", "type.pvh"], {"pvshim": "False"}, None),
        (["b_info", "cpuid"], [{"leaf": 1}], "cpuid"),
        (["b_info", "iomem"], [], None),
        (["b_info", "bootloader"], "/usr/lib/xen-4.17/bin/pygrub", "boot loader"),  # and a kernel
        (["b_info", "avail_vcpus"], [0, 2], "the VCPUs it has are 0, 2"),
        (["disks", 0, "is_cdrom"], 1, "xvda is a CD-ROM drive"),
        (["disks", 0, "format"], "empty", "xvda has the format empty"),
        (["disks", 0, "script"], "block-iscsi", "the script block-iscsi"),
        (["disks", 0, "backend_domid"], 3, "served by another guest"),
        (["disks", 0, "specification"], "virtio", "of the kind virtio"),
        (["disks", 0, "vdev"], "nvme0", "'nvme0'"),
        (["disks", 0, "vdev"], "xvdb", "xvdb is named twice"),
        (["nics", 0, "bridge"], None, "hangs on no bridge"),
        (["nics", 0, "script"], "vif-openvswitch", "the script vif-openvswitch"),
        (["nics", 0, "backend_domname"], "net1", "served by another guest"),
        (["nics", 0, "devid"], 1, "number 1; expected: 0"),
        (["sched_params"], {"cap": 50}, None),
    ],
)
def test_what_a_definition_could_not_give_back(where: list[str | int], value: Any, words: str | None) -> None:
    _domain, obstacles = read_running(changed(where, value))
    assert bool(obstacles) == (words is not None)
    assert words is None or words in "; ".join(obstacles)


def test_pygrub_without_a_kernel_is_what_libvirt_takes_by_itself() -> None:
    config = changed(["b_info", "bootloader"], "pygrub")
    del config["b_info"]["kernel"], config["b_info"]["ramdisk"]
    assert read_running(config)[1] == ()


def test_older_disks_without_a_folder_are_block_devices() -> None:
    domain, _obstacles = read_running(changed(["disks", 0, "pdev_path"], "vg0/ldap1"))
    assert (domain.disks or ())[0].source == "/dev/vg0/ldap1"


@pytest.mark.parametrize("config", [{}, {**CONFIG, "b_info": {}}, {**CONFIG, "c_info": []}, {**CONFIG, "disks": [{}]}])
def test_what_is_not_xls_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_running(config)


class Xl:
    """A host's xl that answers with what was recorded."""

    def __init__(self, long: str, *, installed: bool = True) -> None:
        self.long = long
        self.installed = installed
        self.calls: list[Sequence[str]] = []

    def has(self, program: str) -> bool:
        return self.installed

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float | None = None, check: bool = True
    ) -> CommandResult:
        self.calls.append(argv)
        return CommandResult(0, self.long if "--long" in argv else LIST, "")


def test_all_guests_are_seen_also_those_of_which_xl_tells_nothing_more() -> None:
    long = json.dumps([{"domid": 4, "config": CONFIG}, {"domid": 5, "config": {}}])
    ldap1, blanks, ldap2 = XlGuests(Xl(long)).guests()
    assert (ldap1.name, ldap1.domid, ldap1.state, ldap1.memory) == ("ldap1", 4, "running", Size(256 * MIB))
    assert (ldap1.running, ldap1.obstacles) == (DOMAIN, ())
    assert (blanks.name, blanks.state, blanks.running) == ("a name with blanks", "paused", None)
    assert "cannot be read" in blanks.obstacles[0]
    assert (ldap2.name, ldap2.state, ldap2.running, ldap2.obstacles) == ("ldap2", "suspended", None, ())


def test_what_xl_does_not_tell_is_no_empty_host() -> None:
    assert XlGuests(Xl("", installed=False)).guests() == ()
    for long in ("(domain (domid 4))", "[{}]"):
        with pytest.raises(CommandFailed, match="does not tell"):
            XlGuests(Xl(long)).guests()


def test_a_guest_is_saved_by_its_number_for_a_name_may_be_one() -> None:
    xl = Xl("")
    guests = XlGuests(xl)
    guests.save(17, "/var/lib/xen/takeover/4.save")
    guests.restore("/var/lib/xen/takeover/4.save")
    assert xl.calls == [
        ["xl", "save", "17", "/var/lib/xen/takeover/4.save"],
        ["xl", "restore", "/var/lib/xen/takeover/4.save"],
    ]
