# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""One disk to libvirt's XML and back (format: https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms)."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import DEVICES, Disk, bus_of
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rbd import PREFIX, Monitor, RbdLogin
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.tree import child, drop, set_text

# What says where a disk that no option can name is, in the order in which it is shown.
_PLACES = ("protocol", "pool", "volume", "name", "file", "dev", "dir")


def read(element: ET.Element) -> Disk:
    """A disk of a definition. One that no option can say is known by its target and by what it was found to be."""
    target = element.find("target")
    name = target.get("dev", "") if target is not None else ""
    bus = target.get("bus") if target is not None else None
    other_bus = bus if bus not in (None, bus_of(name)) else None
    other = _other(element)
    if other is not None:
        return Disk(name, None, other_bus=other_bus, other=other)
    driver = element.find("driver")
    served_by = driver.get("name") if driver is not None else None
    cdrom = element.get("device") == "cdrom"
    disk = Disk(
        target=name,
        source=_source(element),
        # Without the name of a driver the Xen driver of libvirt serves a disk as raw, whatever its type says.
        format=driver.get("type", "raw") if driver is not None and served_by else "raw",
        readonly=cdrom or element.find("readonly") is not None,
        shareable=element.find("shareable") is not None,
        cdrom=cdrom,
        driver=served_by,
        discard=driver is None or driver.get("discard") != "ignore",
        monitors=_monitors(element),
        login=_login(element),
        other_bus=other_bus,
    )
    return replace(disk, driver=None) if served_by == disk.default_driver else disk


def fill(element: ET.Element, disk: Disk) -> None:
    """Make an element this disk. What no field names stays, if it was a disk that options can say."""
    if read(element).other is not None:
        element.clear()
    kind = "network" if disk.is_network else "block" if disk.is_block else "file"
    if kind != element.get("type") and "network" in (kind, element.get("type")):
        drop(element, "source", "auth")
    element.set("type", kind)
    element.set("device", "cdrom" if disk.cdrom else "disk")
    _fill_driver(child(element, "driver"), disk)
    source = child(element, "source")
    source.attrib.pop("file", None)
    source.attrib.pop("dev", None)
    if disk.source is None:
        element.remove(source)
    elif disk.is_network:
        _fill_network(element, source, disk)
    else:
        source.set("dev" if disk.is_block else "file", disk.source)
    target = child(element, "target")
    target.set("dev", disk.target)
    target.set("bus", disk.bus)
    for tag, wanted in (("readonly", disk.readonly), ("shareable", disk.shareable)):
        if wanted:
            child(element, tag)
        else:
            set_text(element, tag, None)


def _fill_driver(driver: ET.Element, disk: Disk) -> None:
    driver.set("name", disk.driver or disk.default_driver)
    driver.set("type", disk.format)
    if disk.discard is False:
        driver.set("discard", "ignore")
    elif driver.get("discard") == "ignore":
        del driver.attrib["discard"]


def _fill_network(element: ET.Element, source: ET.Element, disk: Disk) -> None:
    source.set("protocol", "rbd")
    source.set("name", (disk.source or "").removeprefix(PREFIX))
    if _monitors(element) != disk.monitors:
        drop(source, "host")
        for monitor in disk.monitors or ():
            host = ET.SubElement(source, "host", name=monitor.host)
            if monitor.port is not None:
                host.set("port", str(monitor.port))
    if _login(element) != disk.login:
        drop(element, "auth")
        drop(source, "auth")
        if disk.login is not None:
            auth = ET.SubElement(element, "auth", username=disk.login.user)
            ET.SubElement(auth, "secret", type="ceph", uuid=disk.login.secret)


def _other(element: ET.Element) -> str | None:
    """What a disk is that no option can say; None for one that options can."""
    kind, device = element.get("type", "file"), element.get("device", "disk")
    source = element.find("source")
    place = source.attrib if source is not None else {}
    if device in DEVICES and (kind in ("file", "block") or (kind == "network" and place.get("protocol") == "rbd")):
        return None
    words = [device] if device not in DEVICES else []
    return " ".join([*words, kind, *(place[name] for name in _PLACES if name in place)])


def _source(element: ET.Element) -> str | None:
    source = element.find("source")
    if source is None:
        return None
    if element.get("type") == "network":
        return f"{PREFIX}{source.get('name', '')}"
    return source.get("file") or source.get("dev")


def _monitors(element: ET.Element) -> tuple[Monitor, ...]:
    ports = [(host.get("name"), host.get("port", "")) for host in element.findall("source/host")]
    return tuple(Monitor(name, int(port) if port.isdecimal() else None) for name, port in ports if name)


def _login(element: ET.Element) -> RbdLogin | None:
    """As whom a cluster is used; libvirt writes it in the disk, or in its source."""
    for path in ("auth", "source/auth"):
        auth = element.find(path)
        if auth is not None:
            secret = auth.find("secret")
            words = secret.attrib if secret is not None else {}
            return RbdLogin(auth.get("username", ""), words.get("uuid") or words.get("usage", ""))
    return None
