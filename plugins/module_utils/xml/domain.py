# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A domain's configuration to libvirt's XML and back (format: https://libvirt.org/formatdomain.html)."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, DomainType
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.xml import metadata
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.devices import parse_disk, parse_nic, set_disks, set_nics
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.tree import child, parse, set_text, text_of

# libvirt's name for PV is 'linux', for historical reasons.
_OS_TYPES = {DomainType.PV: "linux", DomainType.PVH: "xenpvh", DomainType.HVM: "hvm"}
_TYPES = {**{name: kind for kind, name in _OS_TYPES.items()}, "xen": DomainType.PV}
_MEMORY_UNITS = {"b": 1, "bytes": 1, "KiB": 1024, "k": 1024, "MiB": 1024**2, "M": 1024**2, "GiB": 1024**3, "G": 1024**3}
# xl.cfg's names of the modes, and libvirt's of the timer 'tsc'. Without that timer Xen decides.
_TSC_TIMERS = {"native": "native", "always_emulate": "emulate", "native_paravirt": "paravirt"}
_TSC_MODES = {timer: mode for mode, timer in _TSC_TIMERS.items()}
_TSC = "clock/timer[@name='tsc']"
_ACTIONS = ("on_poweroff", "on_reboot", "on_crash")
_SKELETON = "<domain type='xen'><os/><devices/></domain>"


def parse_domain(text: str) -> Domain:
    """What a definition says.

    Raises:
        InvalidInput: it is no definition of a domain.
    """
    root = parse(text)
    name = text_of(root, "name")
    if root.tag != "domain" or name is None:
        raise InvalidInput("the XML defines no domain", found=root.tag)
    vcpu = root.find("vcpu")
    vcpus_max = int((vcpu.text or "1").strip()) if vcpu is not None else 1
    labels, addresses = metadata.read(root)
    memory_max = _memory(root, "memory")
    return Domain(
        name=name,
        uuid=text_of(root, "uuid"),
        type=_TYPES.get(text_of(root, "os/type") or ""),
        memory=_memory(root, "currentMemory") or memory_max,
        memory_max=memory_max,
        vcpus=int(vcpu.get("current", vcpus_max)) if vcpu is not None else vcpus_max,
        vcpus_max=vcpus_max,
        kernel=text_of(root, "os/kernel"),
        ramdisk=text_of(root, "os/initrd"),
        cmdline=text_of(root, "os/cmdline"),
        tsc_mode=_parse_tsc(root),
        disks=tuple(parse_disk(element) for element in root.findall("devices/disk")),
        networks=tuple(parse_nic(element, addresses) for element in root.findall("devices/interface")),
        on_poweroff=text_of(root, "on_poweroff"),
        on_reboot=text_of(root, "on_reboot"),
        on_crash=text_of(root, "on_crash"),
        labels=labels,
    )


def render_domain(domain: Domain, base: str | None = None) -> str:
    """The definition for a configuration.

    Args:
        domain: the configuration; what is None in it is left as the base has it.
        base: the definition to start from. All that the configuration says nothing about stays in it.
    """
    root = parse(base or _SKELETON)
    set_text(root, "name", domain.name)
    if domain.uuid is not None:
        set_text(root, "uuid", domain.uuid)
    if domain.memory_max is not None:
        _set_memory(root, "memory", domain.memory_max)
    if domain.memory is not None:
        _set_memory(root, "currentMemory", domain.memory)
    if domain.vcpus_max is not None:
        vcpu = child(root, "vcpu")
        vcpu.text = str(domain.vcpus_max)
        vcpu.set("current", str(domain.vcpus or domain.vcpus_max))
    _set_os(child(root, "os"), domain)
    if domain.tsc_mode is not None:
        _set_tsc(root, domain.tsc_mode)
    for action in _ACTIONS:
        value = getattr(domain, action)
        if value is not None:
            set_text(root, action, value)
    devices = child(root, "devices")
    if domain.disks is not None:
        set_disks(devices, domain.disks)
    if domain.networks is not None:
        set_nics(devices, domain.networks)
    if domain.labels is not None or domain.networks is not None:
        labels, addresses = metadata.read(root)
        nics = domain.networks
        if nics is None:
            nics = tuple(Nic(mac=mac, bridge=None, addresses=given) for mac, given in addresses.items())
        metadata.write(root, labels if domain.labels is None else domain.labels, nics)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def has_host_devices(text: str) -> bool:
    """Whether devices of the host are handed to the guest."""
    return parse(text).find("devices/hostdev") is not None


def _memory(root: ET.Element, tag: str) -> Size | None:
    element = root.find(tag)
    if element is None or not (element.text or "").strip():
        return None
    return Size(int((element.text or "").strip()) * _MEMORY_UNITS[element.get("unit", "KiB")])


def _set_memory(root: ET.Element, tag: str, size: Size) -> None:
    element = child(root, tag)
    element.set("unit", "KiB")
    element.text = str(size.kib)


def _set_os(os: ET.Element, domain: Domain) -> None:
    if domain.type is not None:
        kind = child(os, "type")
        if _TYPES.get((kind.text or "").strip()) is not domain.type:
            # The machine goes with the type: libvirt fills in the right one.
            kind.attrib.clear()
            kind.text = _OS_TYPES[domain.type]
    for tag, value in (("kernel", domain.kernel), ("initrd", domain.ramdisk), ("cmdline", domain.cmdline)):
        if value is not None:
            # An empty text is how an operator takes one away.
            set_text(os, tag, value or None)


def _parse_tsc(root: ET.Element) -> str:
    timer = root.find(_TSC)
    return _TSC_MODES.get(timer.get("mode", ""), "default") if timer is not None else "default"


def _set_tsc(root: ET.Element, mode: str) -> None:
    if _parse_tsc(root) == mode:
        return
    clock = root.find("clock")
    if clock is None:
        clock = ET.SubElement(root, "clock", offset="utc")
    timer = root.find(_TSC)
    if timer is not None:
        clock.remove(timer)
    if mode in _TSC_TIMERS:
        ET.SubElement(clock, "timer", name="tsc", mode=_TSC_TIMERS[mode])
