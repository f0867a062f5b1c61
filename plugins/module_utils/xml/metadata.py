# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What the collection keeps of its own in a definition: labels, addresses given to each interface, the CPU cap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.tree import child

NAMESPACE = "urn:xenfleet:xen:1"
_GUEST = f"{{{NAMESPACE}}}guest"
_LABEL = f"{{{NAMESPACE}}}label"
_INTERFACE = f"{{{NAMESPACE}}}interface"
_CPU_CAP = "cpu_cap"

ET.register_namespace("xenfleet", NAMESPACE)


@dataclass(frozen=True)
class Kept:
    """The collection's own metadata.

    Attributes:
        labels: free keys and values.
        addresses: the addresses given to each interface, by MAC address.
        cpu_cap: what the guest gets of the CPUs at the most, in percent of one; None where nothing was said.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cpu_cap: int | None = None


def read(root: ET.Element) -> Kept:
    """What a definition has of it."""
    guest = root.find(f"metadata/{_GUEST}")
    if guest is None:
        return Kept()
    cap = guest.get(_CPU_CAP, "")
    return Kept(
        labels={element.get("key", ""): element.text or "" for element in guest.findall(_LABEL)},
        addresses={
            element.get("mac", ""): tuple((element.text or "").split()) for element in guest.findall(_INTERFACE)
        },
        cpu_cap=int(cap) if cap.isdecimal() else None,
    )


def of(domain: Domain, there: Kept) -> Kept:
    """What a configuration makes of what is there."""
    addresses = there.addresses
    if domain.networks is not None:
        addresses = {nic.mac: nic.addresses for nic in domain.networks if nic.mac and nic.addresses}
    return Kept(
        labels=there.labels if domain.labels is None else domain.labels,
        addresses=addresses,
        cpu_cap=there.cpu_cap if domain.cpu_cap is None else domain.cpu_cap,
    )


def write(root: ET.Element, kept: Kept) -> None:
    """Replace the collection's own metadata; that of others stays."""
    if kept == read(root):
        return
    metadata = child(root, "metadata")
    old = metadata.find(_GUEST)
    if old is not None:
        metadata.remove(old)
    guest = ET.Element(_GUEST)
    if kept.cpu_cap is not None:
        guest.set(_CPU_CAP, str(kept.cpu_cap))
    for key in sorted(kept.labels):
        ET.SubElement(guest, _LABEL, key=key).text = kept.labels[key]
    for mac, addresses in kept.addresses.items():
        ET.SubElement(guest, _INTERFACE, mac=mac).text = " ".join(addresses)
    if len(guest) or guest.attrib:
        metadata.append(guest)
    if not len(metadata):
        root.remove(metadata)
