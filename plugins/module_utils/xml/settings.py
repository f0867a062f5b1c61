# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The table of a domain's fields in libvirt's XML: one row for each (format: https://libvirt.org/formatdomain.html).

Here are the fields of one value. Devices that come in lists are in ``xml/devices.py`` (disks, interfaces) and
``xml/hardware.py`` (all others).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from ansible_collections.xenfleet.xen.plugins.module_utils.model.cpus import cpu_set, each_pinning, shared_pinning
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import DomainType
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import NumaNode
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.tree import child, ensured, prune, set_text, text_of

# libvirt's name for PV is 'linux', for historical reasons.
_OS_TYPES = {DomainType.PV: "linux", DomainType.PVH: "xenpvh", DomainType.HVM: "hvm"}
_TYPES = {**{name: kind for kind, name in _OS_TYPES.items()}, "xen": DomainType.PV}
_MEMORY_UNITS = {"b": 1, "bytes": 1, "KiB": 1024, "k": 1024, "MiB": 1024**2, "M": 1024**2, "GiB": 1024**3, "G": 1024**3}
# xl.cfg's names of the modes, and libvirt's of the timer 'tsc'. Without that timer Xen decides.
_TSC_TIMERS = {"native": "native", "always_emulate": "emulate", "native_paravirt": "paravirt"}
_TSC_MODES = {timer: mode for mode, timer in _TSC_TIMERS.items()}
_BOOT = {"disk": "hd", "cdrom": "cdrom", "network": "network"}
_BOOT_NAMES = {name: device for device, name in _BOOT.items()}
# Where Debian's package ovmf has it; Debian's Xen looks there, too.
UEFI_LOADER = "/usr/share/ovmf/OVMF.fd"
# Devices that libvirt adds to guests of each type, and refuses in those of others.
_OF_TYPE = ("input", "video")
_XENBUS = "devices/controller[@type='xenbus']"


@dataclass(frozen=True)
class Row:
    """One field.

    Attributes:
        field: its name in the model.
        read: what a definition says.
        write: put a value into a definition.
        removable: None means that there shall be none, and is written; elsewhere it means 'not managed', and is not.
    """

    field: str
    read: Callable[[ET.Element], Any]
    write: Callable[[ET.Element, Any], None]
    removable: bool = False


def memory_at(root: ET.Element, path: str) -> Size | None:
    """The amount at a path, in whatever unit it is written."""
    element = root.find(path)
    if element is None or not (element.text or "").strip():
        return None
    return Size(int((element.text or "").strip()) * _MEMORY_UNITS[element.get("unit", "KiB")])


def _text(field: str, path: str) -> Row:
    def write(root: ET.Element, value: str | None) -> None:
        parent, _slash, tag = path.rpartition("/")
        set_text(ensured(root, parent) if parent else root, tag, value)

    return Row(field, lambda root: text_of(root, path), write, removable=True)


def _action(field: str) -> Row:
    return Row(field, lambda root: text_of(root, field), lambda root, value: set_text(root, field, value))


def _presence(field: str, path: str) -> Row:
    """A feature that is there when its element is."""

    def write(root: ET.Element, value: bool) -> None:
        parent, _slash, tag = path.rpartition("/")
        set_text(ensured(root, parent), tag, "" if value else None)

    return Row(field, lambda root: root.find(path) is not None, write)


def _state(field: str, path: str) -> Row:
    """A feature that is on or off; without its element Xen decides."""

    def read(root: ET.Element) -> bool | None:
        element = root.find(path)
        return None if element is None else element.get("state", "on") == "on"

    return Row(field, read, lambda root, value: ensured(root, path).set("state", "on" if value else "off"))


def _memory(field: str, tag: str) -> Row:
    def write(root: ET.Element, value: Size) -> None:
        element = child(root, tag)
        element.set("unit", "KiB")
        element.text = str(value.kib)

    return Row(field, lambda root: memory_at(root, tag), write)


def _read_memory(root: ET.Element) -> Size | None:
    return memory_at(root, "currentMemory") or memory_at(root, "memory")


def _read_type(root: ET.Element) -> DomainType | None:
    return _TYPES.get(text_of(root, "os/type") or "")


def _write_type(root: ET.Element, value: DomainType) -> None:
    kind = ensured(root, "os/type")
    # The machine goes with the type: libvirt fills in the right one. So does the program that a type is loaded by.
    kind.attrib.clear()
    kind.text = _OS_TYPES[value]
    set_text(ensured(root, "os"), "loader", None)
    devices = child(root, "devices")
    for tag in _OF_TYPE:
        for element in devices.findall(tag):
            devices.remove(element)


def _vcpu(root: ET.Element) -> ET.Element:
    """The element of the VCPUs, which libvirt takes only with their number in it."""
    element = child(root, "vcpu")
    element.text = element.text or "1"
    return element


def _read_vcpus_max(root: ET.Element) -> int:
    return int(text_of(root, "vcpu") or "1")


def _read_vcpus(root: ET.Element) -> int:
    element = root.find("vcpu")
    maximum = _read_vcpus_max(root)
    return maximum if element is None else int(element.get("current", maximum))


def _read_cpus(root: ET.Element) -> tuple[str, ...]:
    vcpu = root.find("vcpu")
    shared = vcpu.get("cpuset", "") if vcpu is not None else ""
    pins = {pin.get("vcpu", ""): pin.get("cpuset", "") for pin in root.findall("cputune/vcpupin")}
    sets = [pins.get(str(index), shared) for index in range(_read_vcpus_max(root))]
    return shared_pinning([cpu_set(text) if text else "" for text in sets])


def _write_cpus(root: ET.Element, value: tuple[str, ...]) -> None:
    vcpu = _vcpu(root)
    vcpu.attrib.pop("cpuset", None)
    tune = ensured(root, "cputune")
    for pin in tune.findall("vcpupin"):
        tune.remove(pin)
    if len(value) == 1:
        vcpu.set("cpuset", value[0])
    else:
        for index, cpus in enumerate(each_pinning(value, _read_vcpus_max(root))):
            if cpus:
                ET.SubElement(tune, "vcpupin", vcpu=str(index), cpuset=cpus)
    prune(root, "cputune")


def _read_weight(root: ET.Element) -> int | None:
    text = text_of(root, "cputune/shares")
    return int(text) if text else None


def _read_cpu_features(root: ET.Element) -> dict[str, str]:
    return {feature.get("name", ""): feature.get("policy", "require") for feature in root.findall("cpu/feature")}


def _write_cpu_features(root: ET.Element, value: dict[str, str]) -> None:
    cpu = child(root, "cpu")
    for feature in cpu.findall("feature"):
        cpu.remove(feature)
    for name in sorted(value):
        ET.SubElement(cpu, "feature", policy=value[name], name=name)
    # Features are heeded only of a CPU that is handed through.
    if value:
        cpu.attrib.clear()
        cpu.set("mode", "host-passthrough")
    prune(root, "cpu")


def _read_numa(root: ET.Element) -> tuple[NumaNode, ...]:
    cells = sorted(root.findall("cpu/numa/cell"), key=lambda cell: int(cell.get("id", "0")))
    return tuple(
        NumaNode(
            vcpus=cpu_set(cell.get("cpus", "0")),
            memory=Size(int(cell.get("memory", "0")) * _MEMORY_UNITS[cell.get("unit", "KiB")]),
            distances=tuple(int(sibling.get("value", "0")) for sibling in cell.findall("distances/sibling")),
        )
        for cell in cells
    )


def _write_numa(root: ET.Element, value: tuple[NumaNode, ...]) -> None:
    cpu = child(root, "cpu")
    set_text(cpu, "numa", None)
    if value:
        numa = ET.SubElement(cpu, "numa")
        for index, node in enumerate(value):
            cell = ET.SubElement(numa, "cell", id=str(index), cpus=node.vcpus, memory=str(node.memory.kib), unit="KiB")
            if node.distances:
                distances = ET.SubElement(cell, "distances")
                for sibling, distance in enumerate(node.distances):
                    ET.SubElement(distances, "sibling", id=str(sibling), value=str(distance))
    prune(root, "cpu")


def _read_boot(root: ET.Element) -> tuple[str, ...]:
    names = [boot.get("dev", "") for boot in root.findall("os/boot")]
    return tuple(_BOOT_NAMES.get(name, name) for name in names)


def _write_boot(root: ET.Element, value: tuple[str, ...]) -> None:
    os = child(root, "os")
    for boot in os.findall("boot"):
        os.remove(boot)
    for device in value:
        ET.SubElement(os, "boot", dev=_BOOT[device])


def _read_firmware(root: ET.Element) -> str | None:
    if _read_type(root) is not DomainType.HVM:
        return None
    loader = root.find("os/loader")
    return "uefi" if loader is not None and loader.get("type") == "pflash" else "bios"


def _write_firmware(root: ET.Element, value: str) -> None:
    os = child(root, "os")
    set_text(os, "loader", None)
    if value == "uefi":
        loader = ET.SubElement(os, "loader", readonly="yes", type="pflash")
        loader.text = UEFI_LOADER


def _read_passthrough(root: ET.Element) -> str:
    element = root.find("features/xen/passthrough")
    if element is None or element.get("state") != "on":
        return "disabled"
    return element.get("mode", "sync_pt")


def _write_passthrough(root: ET.Element, value: str) -> None:
    element = ensured(root, "features/xen/passthrough")
    element.attrib.clear()
    element.set("state", "off" if value == "disabled" else "on")
    if value != "disabled":
        element.set("mode", value)


def _clock(root: ET.Element) -> ET.Element:
    clock = root.find("clock")
    return ET.SubElement(root, "clock", offset="utc") if clock is None else clock


def _timer(root: ET.Element, name: str) -> ET.Element | None:
    return root.find(f"clock/timer[@name='{name}']")


def _read_clock(root: ET.Element) -> str:
    clock = root.find("clock")
    return clock.get("offset", "utc") if clock is not None else "utc"


def _write_clock(root: ET.Element, value: str) -> None:
    clock = _clock(root)
    clock.attrib.clear()
    clock.set("offset", value)


def _read_tsc(root: ET.Element) -> str:
    timer = _timer(root, "tsc")
    return _TSC_MODES.get(timer.get("mode", ""), "default") if timer is not None else "default"


def _write_tsc(root: ET.Element, value: str) -> None:
    clock, timer = _clock(root), _timer(root, "tsc")
    if timer is not None:
        clock.remove(timer)
    if value in _TSC_TIMERS:
        ET.SubElement(clock, "timer", name="tsc", mode=_TSC_TIMERS[value])


def _read_hpet(root: ET.Element) -> bool | None:
    timer = _timer(root, "hpet")
    return None if timer is None else timer.get("present", "yes") == "yes"


def _write_hpet(root: ET.Element, value: bool) -> None:
    timer = _timer(root, "hpet")
    if timer is None:
        timer = ET.SubElement(_clock(root), "timer", name="hpet")
    timer.set("present", "yes" if value else "no")


def _xenbus(field: str, attribute: str) -> Row:
    """A limit of what a guest may use of Xen."""

    def read(root: ET.Element) -> int | None:
        controller = root.find(_XENBUS)
        text = controller.get(attribute) if controller is not None else None
        return int(text) if text else None

    def write(root: ET.Element, value: int) -> None:
        controller = root.find(_XENBUS)
        if controller is None:
            controller = ET.SubElement(child(root, "devices"), "controller", type="xenbus")
        controller.set(attribute, str(value))

    return Row(field, read, write)


# In this order they are written: an amount after its maximum, the firmware after the type.
ROWS = (
    Row("uuid", lambda root: text_of(root, "uuid"), lambda root, value: set_text(root, "uuid", value)),
    Row("type", _read_type, _write_type),
    _memory("memory_max", "memory"),
    Row("memory", _read_memory, _memory("memory", "currentMemory").write),
    Row("vcpus_max", _read_vcpus_max, lambda root, value: set_text(root, "vcpu", str(value))),
    Row("vcpus", _read_vcpus, lambda root, value: _vcpu(root).set("current", str(value))),
    Row("cpus", _read_cpus, _write_cpus),
    Row("cpu_weight", _read_weight, lambda root, value: set_text(child(root, "cputune"), "shares", str(value))),
    Row("cpu_features", _read_cpu_features, _write_cpu_features),
    Row("numa_nodes", _read_numa, _write_numa),
    _text("kernel", "os/kernel"),
    _text("ramdisk", "os/initrd"),
    _text("cmdline", "os/cmdline"),
    _text("bootloader", "bootloader"),
    _text("bootloader_args", "bootloader_args"),
    Row("boot", _read_boot, _write_boot),
    Row("firmware", _read_firmware, _write_firmware),
    _presence("acpi", "features/acpi"),
    _presence("apic", "features/apic"),
    _presence("pae", "features/pae"),
    _state("hap", "features/hap"),
    _presence("viridian", "features/viridian"),
    _state("e820_host", "features/xen/e820_host"),
    Row("passthrough", _read_passthrough, _write_passthrough),
    Row("clock", _read_clock, _write_clock),
    Row("tsc_mode", _read_tsc, _write_tsc),
    Row("hpet", _read_hpet, _write_hpet),
    _xenbus("event_channels_max", "maxEventChannels"),
    _xenbus("grant_frames_max", "maxGrantFrames"),
    _action("on_poweroff"),
    _action("on_reboot"),
    _action("on_crash"),
)
