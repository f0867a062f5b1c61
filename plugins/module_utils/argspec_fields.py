# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a guest that hold one value or a list of plain ones: their specification and their reading, a row for each."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.cpus import cpu_set
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    BOOT_DEVICES,
    CLOCKS,
    FEATURE_POLICIES,
    FIRMWARES,
    GRAPHICS,
    ON_CRASH,
    ON_POWEROFF,
    PASSTHROUGH,
    SOUNDS,
    TSC_MODES,
    USB_INPUTS,
    VIDEOS,
    DomainType,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import (
    Channel,
    NumaNode,
    UsbController,
    pci_address,
    serial_port,
    unordered,
    usb_id,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import absolute_path
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size

Spec = dict[str, Any]
Reader = Callable[[Any, str], Any]

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        spec: what Ansible checks it against.
        read: its value for the model; called with the value and the option's name.
    """

    spec: Spec
    read: Reader


def _as_it_is(value: Any, _field: str) -> Any:
    return value


def _uuid(value: str, field: str) -> str:
    try:
        return str(uuid.UUID(value))
    except ValueError as error:
        raise InvalidInput(f"{field} is no UUID", found=repr(value)) from error


def _memory(value: str, field: str) -> Size:
    return Size.parse(value, field=field).rounded_to_mib()


def _card_memory(value: str, field: str) -> Size:
    return _memory(value, field).rounded_to_power_of_two()


def _number(low: int, high: int, value: int, field: str) -> int:
    if not low <= value <= high:
        raise InvalidInput(f"{field} is out of range", found=str(value), expected=f"{low} to {high}")
    return value


def _path(value: str, field: str) -> str:
    return absolute_path(value, field=field) if value else value


def _line(value: str, field: str) -> str:
    if any(ord(char) < 32 for char in value):
        raise InvalidInput(f"{field} has control characters", found=repr(value))
    return value.strip(" ")


def _secret(value: str, field: str) -> str:
    if any(ord(char) < 32 for char in value):
        raise InvalidInput(f"{field} has control characters")
    return value


def _word(value: str, field: str) -> str:
    if value and not _WORD.fullmatch(value):
        raise InvalidInput(f"{field} is no usable name", found=repr(value), expected="letters, digits and '._-'")
    return value


def _address(value: str, field: str) -> str:
    try:
        return str(ipaddress.ip_address(value)) if value else value
    except ValueError as error:
        raise InvalidInput(f"{field} is no address", found=repr(value), expected="such as 127.0.0.1") from error


def _cpus(value: Any, field: str) -> tuple[str, ...]:
    entries = value if isinstance(value, list) else [value]
    sets = [cpu_set(str(entry), field=field) if entry not in ("", None, "all") else "" for entry in entries]
    return () if sets == [""] else tuple(sets)


def _features(value: Mapping[str, Any], field: str) -> dict[str, str]:
    for name, policy in value.items():
        _word(str(name), field)
        if policy not in FEATURE_POLICIES:
            raise InvalidInput(f"{field}.{name} is no policy", found=repr(policy), expected=", ".join(FEATURE_POLICIES))
    return {str(name): str(policy) for name, policy in value.items()}


def _labels(value: Mapping[str, Any], field: str) -> dict[str, str]:
    for key, text in value.items():
        if any(ord(char) < 32 for char in f"{key}{text}"):
            raise InvalidInput(f"{field} have control characters", found=repr({key: text}))
    return {str(key): str(text) for key, text in value.items()}


def _each(read: Reader, value: list[Any], field: str) -> tuple[Any, ...]:
    entries = tuple(read(entry, field) for entry in value)
    if len(set(entries)) != len(entries):
        raise InvalidInput(f"{field} names something twice", found=", ".join(map(str, entries)))
    return entries


def _each_unordered(read: Reader, value: list[Any], field: str) -> tuple[Any, ...]:
    return unordered(_each(read, value, field))


def _numa_node(value: Mapping[str, Any], field: str) -> NumaNode:
    return NumaNode(
        vcpus=cpu_set(value["vcpus"], field=f"{field}.vcpus"),
        memory=_memory(value["memory"], f"{field}.memory"),
        distances=tuple(_number(10, 254, distance, f"{field}.distances") for distance in value["distances"] or ()),
    )


def _usb_controller(value: Mapping[str, Any], field: str) -> UsbController:
    return UsbController(value["version"], _number(1, 31, value["ports"], f"{field}.ports"))


def _channel(value: Mapping[str, Any], field: str) -> Channel:
    path = value["path"]
    return Channel(_word(value["name"], f"{field}.name"), absolute_path(path, field=f"{field}.path") if path else None)


def _choice(*choices: str) -> Option:
    return Option({"type": "str", "choices": list(choices)}, _as_it_is)


def _count(low: int, high: int) -> Option:
    return Option({"type": "int"}, partial(_number, low, high))


def _text(read: Reader) -> Option:
    return Option({"type": "str"}, read)


def _list(read: Reader, **spec: Any) -> Option:
    return Option({"type": "list", "elements": "str", **spec}, partial(_each, read))


def _devices(read: Reader, **spec: Any) -> Option:
    return Option({"type": "list", "elements": "str", **spec}, partial(_each_unordered, read))


_SIZE = _text(_memory)
_FILE = Option({"type": "path"}, _path)
_LINE = _text(_line)
_SWITCH = Option({"type": "bool"}, _as_it_is)

# By the field of the model that each is.
FIELDS: dict[str, Option] = {
    "uuid": _text(_uuid),
    "type": Option({"type": "str", "choices": list(DomainType)}, lambda value, _field: DomainType(value)),
    "memory": _SIZE,
    "memory_max": _SIZE,
    "vcpus": _count(1, 512),
    "vcpus_max": _count(1, 512),
    "cpus": Option({"type": "raw"}, _cpus),
    "cpu_weight": _count(2, 65535),
    "cpu_cap": _count(0, 51200),
    "cpu_features": Option({"type": "dict"}, _features),
    "numa_nodes": _list(
        _numa_node,
        elements="dict",
        options={
            "vcpus": {"type": "str", "required": True},
            "memory": {"type": "str", "required": True},
            "distances": {"type": "list", "elements": "int"},
        },
    ),
    "kernel": _FILE,
    "ramdisk": _FILE,
    "cmdline": _LINE,
    "bootloader": _LINE,
    "bootloader_args": _LINE,
    "boot": _list(_as_it_is, choices=list(BOOT_DEVICES)),
    "firmware": _choice(*FIRMWARES),
    "acpi": _SWITCH,
    "apic": _SWITCH,
    "pae": _SWITCH,
    "hap": _SWITCH,
    "viridian": _SWITCH,
    "e820_host": _SWITCH,
    "passthrough": _choice("disabled", *PASSTHROUGH),
    "clock": _choice(*CLOCKS),
    "tsc_mode": _choice(*TSC_MODES),
    "hpet": _SWITCH,
    "event_channels_max": _count(1, 131071),
    "grant_frames_max": _count(1, 65535),
    "graphics": _choice(*GRAPHICS),
    "graphics_listen": _text(_address),
    "graphics_port": _count(0, 65535),
    "graphics_password": Option({"type": "str", "no_log": True}, _secret),
    # Ansible takes every name with "key" in it for a secret, unless it is told.
    "graphics_keymap": Option({"type": "str", "no_log": False}, _word),
    "video": _choice(*VIDEOS),
    "video_memory": _text(_card_memory),
    "serials": _list(lambda value, _field: serial_port(value)),
    "channels": _devices(
        _channel,
        elements="dict",
        options={"name": {"type": "str", "required": True}, "path": {"type": "path"}},
    ),
    "usb_inputs": _devices(_as_it_is, choices=list(USB_INPUTS)),
    "usb_controllers": Option(
        {
            "type": "list",
            "elements": "dict",
            "options": {
                "version": {"type": "int", "choices": [1, 2], "default": 2},
                "ports": {"type": "int", "default": 8},
            },
        },
        lambda value, field: unordered(_usb_controller(entry, field) for entry in value),
    ),
    "sound": _choice(*SOUNDS, "none"),
    "pci_devices": _devices(lambda value, field: pci_address(value, field=field)),
    "usb_devices": _devices(lambda value, field: usb_id(value, field=field)),
    "on_poweroff": _choice(*ON_POWEROFF),
    "on_reboot": _choice(*ON_POWEROFF),
    "on_crash": _choice(*ON_CRASH),
    "labels": Option({"type": "dict"}, _labels),
}


def read_fields(options: Mapping[str, Any]) -> dict[str, Any]:
    """The model's fields that these options are; None stays None.

    Raises:
        InvalidInput: a value makes no sense.
    """
    return {
        name: None if options[name] is None else option.read(options[name], name) for name, option in FIELDS.items()
    }
