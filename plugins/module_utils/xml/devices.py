# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Disks and network interfaces to libvirt's XML and back (format: https://libvirt.org/formatdomain.html#devices)."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as ET

from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.tree import child, parse, set_text


def render_disk(disk: Disk) -> str:
    """A disk on its own, as it is plugged into a running guest or out of it."""
    element = ET.Element("disk", device="disk")
    _fill_disk(element, disk)
    return ET.tostring(element, encoding="unicode")


def render_nic(nic: Nic) -> str:
    """A network interface on its own, likewise."""
    element = ET.Element("interface")
    _fill_nic(element, nic)
    return ET.tostring(element, encoding="unicode")


def host_interfaces(text: str) -> dict[str, str]:
    """Of a running guest's definition: the host's own name for each interface, by MAC address."""
    names = {}
    for element in parse(text).findall("devices/interface"):
        mac, target = element.find("mac"), element.find("target")
        if mac is not None and target is not None and target.get("dev"):
            names[mac.get("address", "").lower()] = target.get("dev", "")
    return names


def parse_disk(element: ET.Element) -> Disk:
    """A disk of a definition."""
    source = element.find("source")
    driver = element.find("driver")
    target = element.find("target")
    return Disk(
        target=target.get("dev", "") if target is not None else "",
        source=(source.get("file") or source.get("dev")) if source is not None else None,
        format=driver.get("type", "raw") if driver is not None else "raw",
        readonly=element.find("readonly") is not None,
        shareable=element.find("shareable") is not None,
    )


def set_disks(devices: ET.Element, disks: tuple[Disk, ...]) -> None:
    """Make the disks of a definition these; what no field names stays in those that are there."""
    found = {parse_disk(element).target: element for element in devices.findall("disk")}
    wanted = {disk.target: disk for disk in disks}
    for target, element in found.items():
        if target not in wanted:
            devices.remove(element)
    for target, disk in wanted.items():
        there = found.get(target)
        if there is None:
            _fill_disk(ET.SubElement(devices, "disk", device="disk"), disk)
        elif parse_disk(there) != disk:
            _fill_disk(there, disk)


def _fill_disk(element: ET.Element, disk: Disk) -> None:
    element.set("type", "block" if disk.is_block else "file")
    # Xen's 'phy' backend takes a block device as it is; all else is served by qemu in dom0.
    driver = child(element, "driver")
    driver.set("name", "phy" if disk.is_block and disk.format == "raw" else "qemu")
    driver.set("type", disk.format)
    source = child(element, "source")
    source.attrib.pop("file", None)
    source.attrib.pop("dev", None)
    if disk.source is None:
        element.remove(source)
    else:
        source.set("dev" if disk.is_block else "file", disk.source)
    target = child(element, "target")
    target.set("dev", disk.target)
    target.set("bus", target.get("bus", "xen"))
    for tag, wanted in (("readonly", disk.readonly), ("shareable", disk.shareable)):
        if wanted:
            child(element, tag)
        else:
            set_text(element, tag, None)


def parse_nic(element: ET.Element, addresses: Mapping[str, tuple[str, ...]]) -> Nic:
    """An interface of a definition.

    Args:
        element: the interface.
        addresses: what is kept for each MAC address.
    """
    mac = element.find("mac")
    source = element.find("source")
    address = mac.get("address", "").lower() if mac is not None else ""
    return Nic(
        mac=address or None,
        bridge=source.get("bridge") if source is not None and element.get("type") == "bridge" else None,
        addresses=addresses.get(address, ()),
    )


def set_nics(devices: ET.Element, nics: tuple[Nic, ...]) -> None:
    """The same for its interfaces."""
    found = {parse_nic(element, {}).mac: element for element in devices.findall("interface")}
    wanted = {nic.mac: nic for nic in nics}
    for mac, element in found.items():
        if mac not in wanted:
            devices.remove(element)
    for mac, nic in wanted.items():
        there = found.get(mac)
        if there is None:
            _fill_nic(ET.SubElement(devices, "interface"), nic)
        elif nic.bridge is not None and parse_nic(there, {}).bridge != nic.bridge:
            _fill_nic(there, nic)


def _fill_nic(element: ET.Element, nic: Nic) -> None:
    element.set("type", "bridge")
    if nic.mac is not None:
        child(element, "mac").set("address", nic.mac)
    source = child(element, "source")
    source.attrib.clear()
    source.set("bridge", nic.bridge or "")
