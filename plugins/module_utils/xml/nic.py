# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""One network interface to libvirt's XML and back (format: https://libvirt.org/formatdomain.html#network-interfaces)."""

from __future__ import annotations

import ipaddress
from xml.etree import ElementTree as ET

from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rate import Rate
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.tree import child, drop

_KINDS = (None, "bridge", "network", "ethernet")
_OPENVSWITCH = "openvswitch"


def read(element: ET.Element) -> Nic:
    """An interface of a definition, without the addresses that are kept elsewhere in it."""
    kind = element.get("type")
    mac = (_attribute(element, "mac", "address") or "").lower() or None
    # A running guest's interface on a network may be shown as on the bridge that the network is, with both names.
    network = _attribute(element, "source", "network")
    bridge = _attribute(element, "source", "bridge") if kind == "bridge" and network is None else None
    openvswitch = bridge is not None and _attribute(element, "virtualport", "type") == _OPENVSWITCH
    tags = _tags(element) if openvswitch else ()
    trunk = _attribute(element, "vlan", "trunk") == "yes"
    return Nic(
        mac=mac,
        bridge=bridge,
        network=network,
        script=_attribute(element, "script", "path"),
        openvswitch=openvswitch,
        vlan=tags[0] if tags and not trunk else None,
        trunks=tags if trunk else (),
        model=_attribute(element, "model", "type"),
        rate=_rate(element),
        guest_ips=tuple(_ip(ip.get("address", "")) for ip in element.findall("ip")),
        other=None if kind in _KINDS else kind,
    )


def fill(element: ET.Element, nic: Nic) -> None:
    """Make an element this interface. What no field names stays, if it was an interface that options can say."""
    if read(element).other is not None:
        element.clear()
    before = read(element)
    if element.get("type") != nic.kind:
        drop(element, "source", "virtualport", "vlan", "script")
    element.set("type", nic.kind)
    if nic.mac is not None:
        child(element, "mac").set("address", nic.mac)
    place = nic.bridge or nic.network
    if place is not None and _attribute(element, "source", nic.kind) != place:
        drop(element, "source")
        ET.SubElement(element, "source").set(nic.kind, place)
    _set_attribute(element, "script", "path", nic.script)
    _fill_switch(element, nic)
    _set_attribute(element, "model", "type", nic.model)
    _set_rate(element, nic.rate)
    if before.guest_ips != nic.guest_ips:
        drop(element, "ip")
        for address in nic.guest_ips or ():
            ET.SubElement(element, "ip", address=address, family="ipv6" if ":" in address else "ipv4")


def _fill_switch(element: ET.Element, nic: Nic) -> None:
    """Make it a port of Open vSwitch with these VLANs, or none."""
    before = read(element)
    if before.openvswitch != nic.openvswitch:
        drop(element, "virtualport", "vlan")
        if nic.openvswitch:
            ET.SubElement(element, "virtualport", type=_OPENVSWITCH)
    elif (before.vlan, before.trunks) != (nic.vlan, nic.trunks):
        drop(element, "vlan")
    tags = nic.trunks or (() if nic.vlan is None else (nic.vlan,))
    if tags and element.find("vlan") is None:
        vlan = ET.SubElement(element, "vlan", {"trunk": "yes"} if nic.trunks else {})
        for tag in tags:
            ET.SubElement(vlan, "tag", id=str(tag))


def _set_rate(element: ET.Element, rate: Rate | None) -> None:
    """Set what the guest may send; libvirt's Xen driver heeds the average of what goes out, and nothing else."""
    if rate is not None:
        child(child(element, "bandwidth"), "outbound").set("average", str(rate.kib))
        return
    bandwidth = element.find("bandwidth")
    if bandwidth is not None:
        drop(bandwidth, "outbound")
        if not len(bandwidth):
            element.remove(bandwidth)


def _rate(element: ET.Element) -> Rate | None:
    average = _attribute(element, "bandwidth/outbound", "average") or ""
    return Rate(int(average)) if average.isdecimal() and int(average) else None


def _tags(element: ET.Element) -> tuple[int, ...]:
    ids = [tag.get("id", "") for tag in element.findall("vlan/tag")]
    return tuple(int(tag) for tag in ids if tag.isdecimal())


def _ip(text: str) -> str:
    """An address written the one way, as far as it is one."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


def _attribute(element: ET.Element, path: str, name: str) -> str | None:
    found = element.find(path)
    return found.get(name) if found is not None else None


def _set_attribute(element: ET.Element, tag: str, name: str, value: str | None) -> None:
    """Give the child of that name an attribute; None removes the child."""
    if value is None:
        drop(element, tag)
    else:
        child(element, tag).set(name, value)
