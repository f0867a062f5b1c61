# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rows of the keys that say what a guest's machine is: CPUs, firmware, features, timers, limits, sound, devices of the host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.cpus import cpu_set
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import CLOCKS, PASSTHROUGH, SOUNDS, USB_INPUTS
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import (
    pci_address,
    serial_port,
    unordered,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.row import NoOption, Row, plain_text, read_number
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import Value

_BOOT = {"c": "disk", "d": "cdrom", "n": "network"}
_BOOT_LETTERS = {device: letter for letter, device in _BOOT.items()}
_BIOSES = {"bios": "seabios", "uefi": "ovmf"}


def _listed(value: Value) -> list[Value]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _read_cpus(value: Value) -> list[str]:
    sets = []
    for entry in _listed(value):
        text = plain_text(entry)
        try:
            sets.append("" if text == "all" else cpu_set(text, field="it"))
        except InvalidInput as error:
            raise NoOption(str(error)) from error
    return [] if sets == [""] else sets


def _write_cpus(value: Any) -> Value:
    return [cpu_set(str(entry), field="it") if entry not in ("", "all") else "all" for entry in _listed(value)]


def _count(key: str, option: str, low: int, high: int) -> Row:
    def write(value: Any) -> int:
        number = read_number(value)
        if not low <= number <= high:
            raise InvalidInput("it is out of range", found=repr(value), expected=f"{low} to {high}")
        return number

    return Row(key, option, write, write)


def _read_switch(value: Value) -> bool:
    number = read_number(value)
    if number not in (0, 1):
        raise NoOption("it is neither 0 nor 1")
    return number == 1


def _write_switch(value: Any) -> int:
    if not isinstance(value, bool):
        raise InvalidInput("it is neither true nor false", found=repr(value))
    return int(value)


def _switch(key: str) -> Row:
    return Row(key, key, _read_switch, _write_switch)


def _read_viridian(value: Value) -> bool:
    if isinstance(value, (list, tuple)):
        raise NoOption("it names groups of Hyper-V's interfaces, of which libvirt has all or none")
    return _read_switch(value)


def _choice(key: str, option: str, written: Mapping[str, str]) -> Row:
    """One of a few words: the option's, and what each is in the file."""
    meant = {word: value for value, word in written.items()}

    def read(value: Value) -> str:
        text = plain_text(value)
        if text not in meant:
            raise NoOption(f"{text!r} is none of {', '.join(meant)}")
        return meant[text]

    def write(value: Any) -> str:
        if value not in written:
            raise InvalidInput("it is none of its values", found=repr(value), expected=", ".join(written))
        return written[value]

    return Row(key, option, read, write)


def _same(key: str, option: str, values: tuple[str, ...]) -> Row:
    return _choice(key, option, {value: value for value in values})


def _read_boot(value: Value) -> list[str]:
    letters = plain_text(value)
    if any(letter not in _BOOT for letter in letters) or len(set(letters)) != len(letters):
        raise NoOption(f"it is made of other letters than {', '.join(_BOOT)}, or of one twice")
    return [_BOOT[letter] for letter in letters]


def _write_boot(value: Any) -> str:
    devices = [str(entry) for entry in _listed(value)]
    if any(device not in _BOOT_LETTERS for device in devices):
        raise InvalidInput("it is no boot order", found=repr(value), expected=", ".join(_BOOT_LETTERS))
    return "".join(_BOOT_LETTERS[device] for device in devices)


def _read_localtime(value: Value) -> str:
    return CLOCKS[1] if _read_switch(value) else CLOCKS[0]


def _write_localtime(value: Any) -> int:
    if value not in CLOCKS:
        raise InvalidInput("it is no clock", found=repr(value), expected=", ".join(CLOCKS))
    return int(value == CLOCKS[1])


def _entries(key: str, option: str, check: Callable[[str], str]) -> Row:
    """A list of which each entry is one thing; an entry with more to it cannot be an option."""

    def read(value: Value) -> list[str]:
        try:
            return list(unordered(check(plain_text(entry)) for entry in _listed(value)))
        except InvalidInput as error:
            raise NoOption(str(error)) from error

    return Row(key, option, read, lambda value: [check(plain_text(entry)) for entry in _listed(value)])


def _usb_input(value: str) -> str:
    if value not in USB_INPUTS:
        raise InvalidInput("it is no input device", found=repr(value), expected=", ".join(USB_INPUTS))
    return value


def _serials() -> Row:
    def read(value: Value) -> list[str]:
        try:
            return [serial_port(plain_text(entry)) for entry in _listed(value)]
        except InvalidInput as error:
            raise NoOption(str(error)) from error

    return Row("serial", "serials", read, lambda value: [serial_port(plain_text(entry)) for entry in _listed(value)])


HARDWARE_ROWS = (
    Row("cpus", "cpus", _read_cpus, _write_cpus),
    _count("cpu_weight", "cpu_weight", 2, 65535),
    _count("cap", "cpu_cap", 0, 51200),
    Row("boot", "boot", _read_boot, _write_boot),
    _choice("bios", "firmware", _BIOSES),
    _switch("acpi"),
    _switch("apic"),
    _switch("pae"),
    _switch("hap"),
    Row("viridian", "viridian", _read_viridian, _write_switch),
    _switch("e820_host"),
    _same("passthrough", "passthrough", ("disabled", *PASSTHROUGH)),
    Row("localtime", "clock", _read_localtime, _write_localtime),
    _switch("hpet"),
    _count("max_event_channels", "event_channels_max", 1, 131071),
    _count("max_grant_frames", "grant_frames_max", 1, 65535),
    _same("soundhw", "sound", (*SOUNDS, "none")),
    _serials(),
    _entries("usbdevice", "usb_inputs", _usb_input),
    _entries("pci", "pci_devices", lambda value: pci_address(value, field="it")),
)
