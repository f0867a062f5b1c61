# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The table of a domain's devices other than disks and interfaces, as ``xml/settings.py`` is that of its other fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import GRAPHICS_LISTEN
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import (
    Channel,
    HostDevice,
    UsbController,
    pci_address,
    unordered,
    usb_id,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.settings import Row
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.tree import child, parse

_GRAPHICS = "devices/graphics"
_VIDEO = "devices/video/model"
# Where a serial port leads to: the type, the attribute of its source that says it, and how it is written in front of that.
_SERIAL_SOURCES = (
    ("file", "path", "file:"),
    ("pipe", "path", "pipe:"),
    ("unix", "path", "unix:"),
    ("dev", "path", ""),
)


def _only_one(field: str, tag: str, attribute: str, **more: str) -> Row:
    """A device of which there is one or none, by the attribute that says which."""

    def read(root: ET.Element) -> str:
        element = root.find(f"devices/{tag}")
        return "none" if element is None else element.get(attribute, "none")

    def write(root: ET.Element, value: str) -> None:
        devices = child(root, "devices")
        for element in devices.findall(tag):
            devices.remove(element)
        if value != "none":
            ET.SubElement(devices, tag, {attribute: value, **more})

    return Row(field, read, write)


def _graphics(field: str, attribute: str, default: str | None = None) -> Row:
    def read(root: ET.Element) -> str | None:
        element = root.find(_GRAPHICS)
        return (element.get(attribute) or default) if element is not None else None

    def write(root: ET.Element, value: str | None) -> None:
        element = root.find(_GRAPHICS)
        if element is None:
            return
        element.attrib.pop(attribute, None)
        if value:
            element.set(attribute, value)
        if attribute == "listen":
            # The older attribute and the newer element have to agree; libvirt makes the one of the other.
            for listen in element.findall("listen"):
                element.remove(listen)

    return Row(field, read, write, removable=True)


def _read_port(root: ET.Element) -> int | None:
    element = root.find(_GRAPHICS)
    if element is None:
        return None
    return 0 if element.get("autoport") == "yes" else int(element.get("port", "0"))


def _write_port(root: ET.Element, value: int) -> None:
    element = root.find(_GRAPHICS)
    if element is not None:
        element.set("autoport", "no" if value else "yes")
        element.set("port", str(value or -1))


def _read_video(root: ET.Element) -> str | None:
    model = root.find(_VIDEO)
    return model.get("type") if model is not None else None


def _write_video(root: ET.Element, value: str) -> None:
    model = root.find(_VIDEO)
    if model is None:
        model = ET.SubElement(ET.SubElement(child(root, "devices"), "video"), "model")
    # What belongs to a card (its memory, its heads) does not fit another.
    model.attrib.clear()
    model.set("type", value)


def _read_video_memory(root: ET.Element) -> Size | None:
    model = root.find(_VIDEO)
    amount = model.get("vram") if model is not None else None
    return Size.from_kib(int(amount)) if amount else None


def _write_video_memory(root: ET.Element, value: Size) -> None:
    model = root.find(_VIDEO)
    if model is not None:
        model.set("vram", str(value.kib))


def _parse_serial(element: ET.Element) -> str:
    kind, source = element.get("type", ""), element.find("source")
    if source is not None and kind == "tcp":
        return f"tcp:{source.get('host')}:{source.get('service')}"
    for name, attribute, prefix in _SERIAL_SOURCES:
        if source is not None and name == kind:
            return f"{prefix}{source.get(attribute)}"
    return kind


def _make_serial(value: str) -> ET.Element:
    element = ET.Element("serial")
    if value in ("pty", "null"):
        element.set("type", value)
        return element
    if value.startswith("tcp:"):
        _tcp, host, service = value.split(":")
        element.set("type", "tcp")
        ET.SubElement(element, "source", mode="bind", host=host, service=service)
        ET.SubElement(element, "protocol", type="raw")
        return element
    kind, attribute, prefix = next(row for row in _SERIAL_SOURCES if value.startswith(row[2] or "/"))
    element.set("type", kind)
    source = ET.SubElement(element, "source")
    if kind == "unix":
        source.set("mode", "bind")
    source.set(attribute, value.removeprefix(prefix))
    return element


def _write_serials(root: ET.Element, value: tuple[str, ...]) -> None:
    devices = child(root, "devices")
    # The first port shows up as a console, too, and the ports' numbers are their order: libvirt makes both anew.
    for element in devices.findall("serial"):
        devices.remove(element)
    for console in devices.findall("console"):
        target = console.find("target")
        if target is not None and target.get("type") == "serial":
            devices.remove(console)
    devices.extend(_make_serial(entry) for entry in value)


def _parse_channel(element: ET.Element) -> Channel | None:
    target, source = element.find("target"), element.find("source")
    if target is None or target.get("type") != "xen":
        return None
    path = source.get("path") if source is not None and element.get("type") == "unix" else None
    return Channel(target.get("name", ""), path)


def _make_channel(value: Channel) -> ET.Element:
    element = ET.Element("channel", type="unix" if value.path else "pty")
    if value.path:
        ET.SubElement(element, "source", mode="bind", path=value.path)
    ET.SubElement(element, "target", type="xen", name=value.name)
    return element


def _parse_usb_input(element: ET.Element) -> str | None:
    return element.get("type") if element.get("bus") == "usb" else None


def _make_usb_input(value: str) -> ET.Element:
    return ET.Element("input", type=value, bus="usb")


def _parse_usb_controller(element: ET.Element) -> UsbController | None:
    if element.get("type") != "usb":
        return None
    return UsbController(1 if element.get("model") == "qusb1" else 2, int(element.get("ports", "8")))


def _make_usb_controller(value: UsbController) -> ET.Element:
    return ET.Element("controller", type="usb", model=f"qusb{value.version}", ports=str(value.ports))


def _hexadecimal(element: ET.Element | None, attribute: str) -> str:
    return (element.get(attribute, "0") if element is not None else "0").removeprefix("0x")


def _parse_pci(element: ET.Element) -> str | None:
    if element.get("type") != "pci":
        return None
    address = element.find("source/address")
    domain, bus, slot, function = (_hexadecimal(address, name) for name in ("domain", "bus", "slot", "function"))
    return pci_address(f"{domain}:{bus}:{slot}.{function}")


def _make_pci(value: str) -> ET.Element:
    """A PCI device of the host, handed over by libvirt and taken back, which it does only for a driver that is named (libvirt 11.3)."""
    domain, bus, rest = value.split(":")
    slot, function = rest.split(".")
    element = ET.Element("hostdev", mode="subsystem", type="pci", managed="yes")
    ET.SubElement(element, "driver", name="xen")
    source = ET.SubElement(element, "source")
    ET.SubElement(source, "address", domain=f"0x{domain}", bus=f"0x{bus}", slot=f"0x{slot}", function=f"0x{function}")
    return element


def _parse_usb(element: ET.Element) -> str | None:
    vendor, product = element.find("source/vendor"), element.find("source/product")
    if element.get("type") != "usb" or vendor is None or product is None:
        return None
    return usb_id(f"{_hexadecimal(vendor, 'id')}:{_hexadecimal(product, 'id')}")


def _make_usb(value: str) -> ET.Element:
    """A USB device of the host."""
    vendor, product = value.split(":")
    element = ET.Element("hostdev", mode="subsystem", type="usb")
    source = ET.SubElement(element, "source")
    ET.SubElement(source, "vendor", id=f"0x{vendor}")
    ET.SubElement(source, "product", id=f"0x{product}")
    return element


def render_host_device(device: HostDevice) -> str:
    """A device of the host on its own, as it is plugged into a running guest or out of it."""
    element = _make_pci(device.address) if device.bus == "pci" else _make_usb(device.address)
    return ET.tostring(element, encoding="unicode")


def as_running(device: str, running: str) -> str:
    """A device that is to be unplugged, as the running guest has it, for the Xen driver finds a USB device only by its place on the host.

    Args:
        device: its XML, in which a USB device has no place.
        running: the guest's.
    """
    usb = _parse_usb(parse(device))
    there = parse(running).findall("devices/hostdev")
    return next((ET.tostring(one, encoding="unicode") for one in there if usb and _parse_usb(one) == usb), device)


def _devices(field: str, tag: str, parse: Callable[[ET.Element], Any], make: Callable[[Any], ET.Element]) -> Row:
    """Devices of one kind, in no order. Those of the same tag that are of another kind are left alone."""

    def of_this_kind(root: ET.Element) -> list[tuple[Any, ET.Element]]:
        found = [(parse(element), element) for element in root.findall(f"devices/{tag}")]
        return [(value, element) for value, element in found if value is not None]

    def write(root: ET.Element, wanted: tuple[Any, ...]) -> None:
        devices, left = child(root, "devices"), list(wanted)
        for value, element in of_this_kind(root):
            if value in left:
                left.remove(value)
            else:
                devices.remove(element)
        devices.extend(make(value) for value in left)

    return Row(field, lambda root: unordered(value for value, _element in of_this_kind(root)), write)


ROWS = (
    _only_one("graphics", "graphics", "type", autoport="yes"),
    _graphics("graphics_listen", "listen", GRAPHICS_LISTEN),
    Row("graphics_port", _read_port, _write_port),
    _graphics("graphics_password", "passwd"),
    _graphics("graphics_keymap", "keymap"),
    Row("video", _read_video, _write_video),
    Row("video_memory", _read_video_memory, _write_video_memory),
    Row("serials", lambda root: tuple(_parse_serial(e) for e in root.findall("devices/serial")), _write_serials),
    _devices("channels", "channel", _parse_channel, _make_channel),
    _devices("usb_inputs", "input", _parse_usb_input, _make_usb_input),
    _devices("usb_controllers", "controller", _parse_usb_controller, _make_usb_controller),
    _only_one("sound", "sound", "model"),
    _devices("pci_devices", "hostdev", _parse_pci, _make_pci),
    _devices("usb_devices", "hostdev", _parse_usb, _make_usb),
)
