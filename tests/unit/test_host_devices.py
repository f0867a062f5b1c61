"""Devices of the host that are handed to guests: what libvirt is told of them, and what it needs for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from xml.etree import ElementTree as ET

import libvirt
import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.pciback import with_pciback
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import HostDevice
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.hardware import as_running, render_host_device

# As libvirt 9.0 shows a running guest with a stick and a card.
RUNNING = """
<domain type='xen'><devices>
  <hostdev mode='subsystem' type='usb' managed='no'>
    <source><vendor id='0x46f4'/><product id='0x0001'/><address bus='2' device='2'/></source></hostdev>
  <hostdev mode='subsystem' type='pci' managed='yes'><driver name='xen'/>
    <source><address domain='0x0000' bus='0x00' slot='0x10' function='0x0'/></source></hostdev>
</devices></domain>
"""
# What libvirt 11.3 and 9.0 said of Debian's kernels.
NO_DRIVER = (
    "internal error: Failed to load PCI driver module pciback: modprobe: FATAL: Module pciback not found",
    "internal error: Failed to load PCI stub module pciback",
)


class Host:
    """Fails so often with what libvirt said, and keeps what it was asked for."""

    def __init__(self, said: str, times: int) -> None:
        self.said = said
        self.times = times
        self.asked: list[str] = []

    def start(self) -> str:
        self.asked.append("start")
        if self.asked.count("start") <= self.times:
            raise libvirt.libvirtError(self.said)
        return "started"

    def run(self, argv: Sequence[str]) -> None:
        self.asked.append(" ".join(argv))


def saying(said: str) -> Callable[[libvirt.libvirtError], str]:
    """An error that was not made by the library itself tells nothing when it is asked."""
    return lambda _error: said


@pytest.mark.parametrize("said", NO_DRIVER)
def test_the_driver_that_hands_over_is_loaded_when_libvirt_misses_it(
    said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libvirt.libvirtError, "get_error_message", saying(said))
    host = Host(said, times=1)
    assert with_pciback(host.start, host.run) == "started"
    assert host.asked == ["start", "modprobe xen-pciback", "start"]


@pytest.mark.parametrize(
    ("said", "asked"), [("no memory", ["start"]), (NO_DRIVER[0], ["start", "modprobe xen-pciback", "start"])]
)
def test_another_error_or_the_same_again_is_one(said: str, asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libvirt.libvirtError, "get_error_message", saying(said))
    host = Host(said, times=2)
    with pytest.raises(libvirt.libvirtError):
        with_pciback(host.start, host.run)
    assert host.asked == asked


def test_libvirt_takes_a_pci_device_back_only_when_its_driver_is_named() -> None:
    element = ET.fromstring(render_host_device(HostDevice("pci", "0000:00:10.0")))
    driver = element.find("driver")
    assert element.get("managed") == "yes"
    assert driver is not None
    assert driver.get("name") == "xen"


def test_a_usb_device_is_unplugged_by_its_place() -> None:
    unplugged = ET.fromstring(as_running(render_host_device(HostDevice("usb", "46f4:0001")), RUNNING))
    place = unplugged.find("source/address")
    assert place is not None
    assert place.attrib == {"bus": "2", "device": "2"}


@pytest.mark.parametrize("device", [HostDevice("usb", "1234:0001"), HostDevice("pci", "0000:00:10.0")])
def test_what_has_no_such_place_is_left_as_it_is(device: HostDevice) -> None:
    assert as_running(render_host_device(device), RUNNING) == render_host_device(device)
