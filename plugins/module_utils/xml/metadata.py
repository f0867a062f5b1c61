# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What the collection keeps of its own in a definition: labels, and the addresses given to each interface."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from xml.etree import ElementTree as ET

from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.tree import child

NAMESPACE = "urn:xenfleet:xen:1"
_GUEST = f"{{{NAMESPACE}}}guest"
_LABEL = f"{{{NAMESPACE}}}label"
_INTERFACE = f"{{{NAMESPACE}}}interface"

ET.register_namespace("xenfleet", NAMESPACE)


def read(domain: ET.Element) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """Labels, and the addresses by MAC address."""
    guest = domain.find(f"metadata/{_GUEST}")
    if guest is None:
        return {}, {}
    labels = {element.get("key", ""): element.text or "" for element in guest.findall(_LABEL)}
    addresses = {element.get("mac", ""): tuple((element.text or "").split()) for element in guest.findall(_INTERFACE)}
    return labels, addresses


def write(domain: ET.Element, labels: Mapping[str, str], nics: Iterable[Nic]) -> None:
    """Replace the collection's own metadata; that of others stays."""
    metadata = child(domain, "metadata")
    old = metadata.find(_GUEST)
    if old is not None:
        metadata.remove(old)
    guest = ET.Element(_GUEST)
    for key in sorted(labels):
        ET.SubElement(guest, _LABEL, key=key).text = labels[key]
    for nic in nics:
        if nic.mac and nic.addresses:
            ET.SubElement(guest, _INTERFACE, mac=nic.mac).text = " ".join(nic.addresses)
    if len(guest):
        metadata.append(guest)
    if not len(metadata):
        domain.remove(metadata)
