"""The command lines of the machines."""

from __future__ import annotations

import pytest

from xenlab import qemu, topology
from xenlab.state import State
from xenlab.topology import ALL_LINKS, machine


def after(argv: list[str], option: str) -> list[str]:
    return [argv[n + 1] for n, word in enumerate(argv[:-1]) if word == option]


def line(state: State, name: str) -> list[str]:
    return qemu.command("t1", machine(name), state)


def test_a_xen_host_boots_the_hypervisor_with_linux_as_its_module(state: State) -> None:
    argv = line(state, "xen1")
    assert after(argv, "-kernel") == ["../../../images/xen-13-0123456789ab/xen"]
    assert "dom0_mem=1024M,max:1024M" in after(argv, "-append")[0]
    kernel, initramfs = after(argv, "-initrd")[0].split(",")
    assert kernel.startswith("../../../images/xen-13-0123456789ab/vmlinuz root=/dev/vda ")
    assert "net.ifnames=0" in kernel
    assert initramfs.endswith("/initrd.img")


def test_a_plain_machine_boots_from_its_disk(state: State) -> None:
    argv = line(state, "plain1")
    assert "-kernel" not in argv
    assert "bootindex=0" in after(argv, "-device")[0]


@pytest.mark.parametrize("name", ["core", "xen1", "xen2"])
def test_only_the_loopback_is_used(state: State, name: str) -> None:
    for netdev in after(line(state, name), "-netdev"):
        assert "hostfwd=tcp:127.0.0.1:" in netdev or "local.host=127.0.0.1" in netdev


def test_both_ends_of_every_cable_fit(state: State) -> None:
    core = {
        netdev.split(",")[1]: netdev for netdev in after(line(state, "core"), "-netdev") if netdev.startswith("dgram")
    }
    assert len(core) == len(ALL_LINKS)
    host = {
        netdev.split(",")[1]: netdev for netdev in after(line(state, "xen2"), "-netdev") if netdev.startswith("dgram")
    }
    assert set(host) == {"id=xen2-a", "id=xen2-b"}
    for name, netdev in host.items():
        near, far = (part(netdev, "local.port"), part(netdev, "remote.port"))
        assert (far, near) == (part(core[name], "local.port"), part(core[name], "remote.port"))


def part(netdev: str, key: str) -> str:
    return dict(item.split("=", 1) for item in netdev.split(",") if "=" in item)[key]


def test_ports_are_used_once(state: State) -> None:
    used = [
        part(netdev, "local.port")
        for netdev in after(line(state, "core") + line(state, "xen1"), "-netdev")
        if "dgram" in netdev
    ]
    assert len(set(used)) == len(used)


def test_disks_in_the_order_that_names_them(state: State) -> None:
    disks = [drive.split(",")[0] for drive in after(line(state, "xen1"), "-drive")]
    assert disks == ["file=../disks/xen1.qcow2", "file=../disks/xen1.data.img", "file=../disks/xen1.seed.tar"]


def test_data_links_tell_their_speed(state: State) -> None:
    cards = [card for card in after(line(state, "xen1"), "-device") if card.startswith("virtio-net")]
    assert [("speed=1000" in card) for card in cards] == [False, True, True]


def test_only_a_xen_host_has_devices_to_spare(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    def spare(name: str) -> list[str]:
        return [
            device for device in after(line(state, name), "-device") if "xenlab-nvme" in device or "iommu" in device
        ]

    assert not spare("xen1")
    monkeypatch.setattr(topology, "SPARE", True)
    assert spare("xen1") == ["amd-iommu,intremap=on", "nvme,drive=nvme,serial=xenlab-nvme,addr=0x10"]
    assert not spare("core")
    assert not spare("plain1")
