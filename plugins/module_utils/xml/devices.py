# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The devices of a definition: which of them are disks and interfaces, and those that come, change and go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar
from xml.etree import ElementTree as ET

from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.xml import disk as disks_xml
from ansible_collections.xenfleet.xen.plugins.module_utils.xml import nic as nics_xml
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.tree import parse

Key = TypeVar("Key")
Device = TypeVar("Device", Disk, Nic)


def render_disk(disk: Disk) -> str:
    """A disk on its own, as it is plugged into a running guest or out of it, or as its medium is changed."""
    element = ET.Element("disk")
    disks_xml.fill(element, disk)
    return ET.tostring(element, encoding="unicode")


def render_nic(nic: Nic) -> str:
    """A network interface on its own, likewise."""
    element = ET.Element("interface")
    nics_xml.fill(element, nic)
    return ET.tostring(element, encoding="unicode")


def host_interfaces(text: str) -> dict[str, str]:
    """Of a running guest's definition: the host's own name for each interface, by MAC address."""
    names = {}
    for element in parse(text).findall("devices/interface"):
        mac, target = element.find("mac"), element.find("target")
        if mac is not None and target is not None and target.get("dev"):
            names[mac.get("address", "").lower()] = target.get("dev", "")
    return names


def parse_nic(element: ET.Element, addresses: Mapping[str, tuple[str, ...]]) -> Nic:
    """An interface of a definition.

    Args:
        element: the interface.
        addresses: what is kept for each MAC address.
    """
    nic = nics_xml.read(element)
    return replace(nic, addresses=addresses.get(nic.mac or "", ()))


def set_disks(devices: ET.Element, disks: tuple[Disk, ...]) -> None:
    """Make the disks of a definition these; what no field names stays in those that are there."""
    found = {disks_xml.read(element).target: element for element in devices.findall("disk")}
    for disk, element in _arranged(devices, "disk", found, {disk.target: disk for disk in disks}):
        if disks_xml.read(element) != disk:
            disks_xml.fill(element, disk)


def set_nics(devices: ET.Element, nics: tuple[Nic, ...]) -> None:
    """The same for its interfaces. When some come or go, all are put in order: by their positions they are told apart."""
    found = {nics_xml.read(element).mac: element for element in devices.findall("interface")}
    wanted = {nic.mac: nic for nic in nics}
    arranged = _arranged(devices, "interface", found, wanted)
    if found.keys() != wanted.keys():
        for _nic, element in arranged:
            devices.remove(element)
            devices.append(element)
    for nic, element in arranged:
        if nics_xml.read(element) != replace(nic, addresses=()):
            nics_xml.fill(element, nic)


def _arranged(
    devices: ET.Element, tag: str, found: Mapping[Key, ET.Element], wanted: Mapping[Key, Device]
) -> list[tuple[Device, ET.Element]]:
    """Each device that is wanted with its element, a new one where there is none; the others are taken out."""
    for key, element in found.items():
        if key not in wanted:
            devices.remove(element)
    return [(device, found[key] if key in found else ET.SubElement(devices, tag)) for key, device in wanted.items()]
