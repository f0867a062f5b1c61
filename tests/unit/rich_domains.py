"""A guest of each type with everything that it can have, as a host of each version of libvirt shows it (recorded/)."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, DomainType
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import Channel, NumaNode, UsbController
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rate import Rate
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rbd import Monitor, RbdLogin

# A folder for each version of libvirt, written by tools/record.
RECORDED = Path(__file__).with_name("recorded")

_UUID = "6695eb01-f6a4-8304-79aa-97f2502e19{:02x}"
_COMMON = {
    "memory": Size(256 * MIB),
    "memory_max": Size(512 * MIB),
    "vcpus": 2,
    "vcpus_max": 4,
    "cpus": ("0", "0-1"),
    "cpu_weight": 512,
    "cpu_cap": 50,
    "clock": "localtime",
    "passthrough": "sync_pt",
    "tsc_mode": "native",
    "event_channels_max": 1023,
    "grant_frames_max": 64,
    "channels": (Channel("org.example.a", "/run/a.sock"), Channel("org.example.b")),
    "on_poweroff": "preserve",
    "on_reboot": "destroy",
    "on_crash": "coredump-restart",
    "labels": {"group": "web", "owner": "a & b <c>"},
}
_DISKS = (
    Disk("xvda", "/srv/guests/rich/root.img"),
    Disk("xvdb", "/srv/guests/rich/swap.img", driver="file"),
    Disk("xvdc", "/srv/guests/rich/data.qcow2", "qcow2", readonly=True),
    Disk("xvdd", "/srv/guests/rich/shared.vhd", "vhd", shareable=True, discard=False),
    Disk(
        "xvde",
        "rbd:pool/rich",
        monitors=(Monitor("mon1"), Monitor("10.30.0.1", 6789)),
        login=RbdLogin("xen", _UUID.format(0)),
    ),
)
_NETWORKS = (
    Nic("00:16:3e:00:00:01", "xenbr10", ("10.10.0.11/24",), rate=Rate(9766)),
    Nic("00:16:3e:00:00:02", "ovsbr0", openvswitch=True, vlan=10),
    Nic("00:16:3e:00:00:03", "ovsbr0", openvswitch=True, trunks=(20, 30)),
    Nic("00:16:3e:00:00:04", None, network="default"),
    Nic("00:16:3e:00:00:05", None, script="/etc/xen/scripts/vif-route", guest_ips=("10.0.0.1",)),
)

RICH = (
    Domain(
        "rich-pv",
        uuid=_UUID.format(1),
        type=DomainType.PV,
        bootloader="/usr/lib/xen-4.17/bin/pygrub",
        bootloader_args="--quiet",
        e820_host=True,
        pci_devices=("0000:00:1f.2",),
        graphics="none",
        disks=_DISKS,
        networks=_NETWORKS,
        **_COMMON,
    ),
    Domain(
        "rich-pvh",
        uuid=_UUID.format(2),
        type=DomainType.PVH,
        kernel="/srv/vmlinuz",
        ramdisk="/srv/initrd.img",
        cmdline="root=/dev/xvda ro 'a b' <c>",
        hap=True,
        cpu_features={"vmx": "disable", "avx2": "forbid"},
        graphics="none",
        disks=_DISKS,
        networks=_NETWORKS,
        **_COMMON,
    ),
    Domain(
        "rich-hvm",
        uuid=_UUID.format(3),
        type=DomainType.HVM,
        boot=("cdrom", "disk", "network"),
        firmware="bios",
        acpi=True,
        apic=True,
        pae=True,
        hap=False,
        viridian=True,
        hpet=True,
        cpu_features={"vmx": "disable"},
        numa_nodes=(NumaNode("0-1", Size(256 * MIB), (10, 20)), NumaNode("2-3", Size(256 * MIB), (20, 10))),
        graphics="vnc",
        graphics_listen="0.0.0.0",
        graphics_port=5907,
        graphics_password="secret",
        graphics_keymap="de",
        video="vga",
        video_memory=Size(16 * MIB),
        serials=("pty", "tcp:127.0.0.1:4555"),
        usb_inputs=("tablet",),
        usb_controllers=(UsbController(2, 8),),
        sound="ac97",
        pci_devices=("0000:00:1f.2",),
        usb_devices=("046d:c52b",),
        disks=(
            Disk("hda", "/srv/guests/rich/root.img"),
            Disk("hdc", "/srv/debian.iso", readonly=True, cdrom=True),
            *_DISKS[2:],
        ),
        networks=(Nic("00:16:3e:00:00:06", "xenbr10", model="e1000"), *_NETWORKS),
        **_COMMON,
    ),
)
