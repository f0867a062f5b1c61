# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The table of keys that are options: one row for each, with how its value is read and written."""

from __future__ import annotations

import uuid
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    ON_CRASH,
    ON_POWEROFF,
    TSC_MODES,
    DomainType,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import absolute_path, guest_name
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.hardware_rows import HARDWARE_ROWS
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.row import (
    NoOption,
    Row,
    plain_text,
    read_mebibytes,
    read_number,
    write_mebibytes,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import Value

_XL_ACTIONS = (*ON_CRASH, "soft-reset")
# By libxl's numbers, which xm and older files of xl have.
_TSC_NUMBERS = {"0": "default", "1": "always_emulate", "2": "native", "3": "native_paravirt"}
_MAX_VCPUS = 512


def _read_name(value: Value) -> str:
    name = plain_text(value)
    try:
        return guest_name(name, field="it")
    except InvalidInput as error:
        raise NoOption(str(error)) from error


def _uuid(value: Any) -> str:
    try:
        return str(uuid.UUID(plain_text(value)))
    except ValueError as error:
        raise InvalidInput("it is no UUID", found=repr(value)) from error


def _type(value: Any) -> str:
    if value not in list(DomainType):
        raise InvalidInput("it is no type of a guest", found=repr(value), expected=", ".join(DomainType))
    return DomainType(value).value


def _read_count(value: Value) -> int:
    count = read_number(value)
    if count > _MAX_VCPUS:
        raise NoOption(f"it is more than {_MAX_VCPUS}")
    return _write_count(count)


def _write_count(value: Any) -> int:
    count = read_number(value)
    if not 1 <= count <= _MAX_VCPUS:
        raise InvalidInput("it is no number of VCPUs", found=repr(value), expected=f"1 to {_MAX_VCPUS}")
    return count


def _read_path(value: Value) -> str:
    path = plain_text(value)
    if path.rpartition("/")[2] == "hvmloader":
        raise NoOption("that is the firmware of HVM guests, which Xen loads by itself")
    try:
        return absolute_path(path, field="it") if path else path
    except InvalidInput as error:
        raise NoOption(str(error)) from error


def _write_path(value: Any) -> str:
    return absolute_path(plain_text(value), field="it")


def _read_line(value: Value) -> str:
    line = plain_text(value)
    if any(ord(char) < 32 for char in line):
        raise NoOption("it has control characters")
    return line.strip(" ")


def _read_tsc(value: Value) -> str:
    mode = plain_text(value)
    return _write_tsc(_TSC_NUMBERS.get(mode, mode))


def _write_tsc(value: Any) -> str:
    if value not in TSC_MODES:
        raise InvalidInput(
            "it is no way to read the time stamp counter", found=repr(value), expected=", ".join(TSC_MODES)
        )
    return str(value)


def _action_row(key: str, choices: tuple[str, ...]) -> Row:
    def read(value: Value) -> str:
        if value not in choices and value in _XL_ACTIONS:
            raise NoOption(f"{value!r} is none of {', '.join(choices)}")
        return write(value)

    def write(value: Any) -> str:
        if value not in choices:
            raise InvalidInput("it is no action", found=repr(value), expected=", ".join(choices))
        return str(value)

    return Row(key, key, read, write)


ROWS = (
    Row("name", "name", _read_name, lambda value: guest_name(plain_text(value), field="it")),
    Row("uuid", "uuid", _uuid, _uuid),
    Row("type", "type", _type, _type),
    Row("memory", "memory", read_mebibytes, write_mebibytes),
    Row("maxmem", "memory_max", read_mebibytes, write_mebibytes),
    Row("vcpus", "vcpus", _read_count, _write_count),
    Row("maxvcpus", "vcpus_max", _read_count, _write_count),
    Row("kernel", "kernel", _read_path, _write_path),
    Row("ramdisk", "ramdisk", _read_path, _write_path),
    Row("cmdline", "cmdline", _read_line, lambda value: plain_text(value).strip(" ")),
    Row("bootloader", "bootloader", _read_line, lambda value: plain_text(value).strip(" ")),
    Row("bootloader_args", "bootloader_args", _read_line, lambda value: plain_text(value).strip(" ")),
    *HARDWARE_ROWS,
    Row("tsc_mode", "tsc_mode", _read_tsc, _write_tsc),
    _action_row("on_poweroff", ON_POWEROFF),
    _action_row("on_reboot", ON_POWEROFF),
    _action_row("on_crash", ON_CRASH),
)
