# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A domain's configuration to libvirt's XML and back (format: https://libvirt.org/formatdomain.html)."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain
from ansible_collections.xenfleet.xen.plugins.module_utils.xml import disk, hardware, metadata, settings
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.devices import parse_nic, set_disks, set_nics
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.tree import child, parse, set_text, text_of

_SKELETON = "<domain type='xen'><os/><devices/></domain>"
ROWS = (*settings.ROWS, *hardware.ROWS)


def parse_domain(text: str) -> Domain:
    """What a definition says.

    Raises:
        InvalidInput: it is no definition of a domain.
    """
    root = parse(text)
    name = text_of(root, "name")
    if root.tag != "domain" or name is None:
        raise InvalidInput("the XML defines no domain", found=root.tag)
    kept = metadata.read(root)
    return Domain(
        name=name,
        disks=tuple(disk.read(element) for element in root.findall("devices/disk")),
        networks=tuple(parse_nic(element, kept.addresses) for element in root.findall("devices/interface")),
        cpu_cap=kept.cpu_cap,
        labels=kept.labels,
        **{row.field: row.read(root) for row in ROWS},
    )


def render_domain(domain: Domain, base: str | None = None) -> str:
    """The definition for a configuration.

    Args:
        domain: the configuration. A text that is None is taken away, anything else that is None is left as the base has it.
        base: the definition to start from. All that the model has no field for stays in it.
    """
    root = parse(base or _SKELETON)
    set_text(root, "name", domain.name)
    for row in ROWS:
        value = getattr(domain, row.field)
        if (value is not None or row.removable) and value != row.read(root):
            row.write(root, value)
    devices = child(root, "devices")
    if domain.disks is not None:
        set_disks(devices, domain.disks)
    if domain.networks is not None:
        set_nics(devices, domain.networks)
    kept = metadata.of(domain, metadata.read(root))
    metadata.write(root, kept)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def has_host_devices(text: str) -> bool:
    """Whether devices of the host are handed to the guest."""
    return parse(text).find("devices/hostdev") is not None
