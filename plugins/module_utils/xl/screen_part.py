# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What is taken of the keys of a screen, and the values that VNC, SPICE and the framebuffer have in common."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import GRAPHICS_LISTEN
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.row import NoOption, plain_text, read_at, read_number
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import Setting, Value

# Keys of a file that are still to be looked at.
Left: TypeAlias = "dict[str, Setting]"

HIGHEST_PORT = 65535
# What xl means by an empty address.
_EVERYWHERE = str(ipaddress.IPv4Address(0))
_KEYMAP = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


@dataclass
class Screen:
    """What was taken of a screen.

    Attributes:
        options: the options that say it.
        unknown: keys that they have no place for.
        notes: sentences on both. No value is in them: it may be a password.
    """

    options: dict[str, Any] = field(default_factory=dict)
    unknown: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def keep(self, key: str, value: Value, why: str) -> None:
        """Keep a key as it was."""
        self.unknown[key] = value
        self.notes.append(f"{key}: it is kept under 'unknown', for {why}")

    def take(self, left: Left, key: str, option: str, read: Callable[[Value], Any]) -> None:
        """Make an option of a key, if it is there; an empty text says nothing."""
        setting = left.pop(key, None)
        if setting is None:
            return
        try:
            value = read_at(setting, key, read)
        except NoOption as why:
            self.keep(key, setting.value, str(why))
            return
        if value != "":
            self.options[option] = value


def is_on(left: Mapping[str, Setting], key: str) -> bool:
    """Whether a switch is there and on.

    Raises:
        InvalidInput: it is no number.
    """
    return key in left and bool(read_at(left[key], key, read_switch))


def read_switch(value: Value) -> bool:
    """A switch, which is on by any number but 0.

    Raises:
        InvalidInput: it is no number.
    """
    return read_number(value) != 0


def port(value: Any) -> int:
    """A TCP port, or 0.

    Raises:
        InvalidInput: it is none.
    """
    number = read_number(value)
    if number > HIGHEST_PORT:
        raise InvalidInput("it is no port", found=repr(value), expected=f"0 to {HIGHEST_PORT}")
    return number


def read_address(value: Value) -> str:
    """The host's address on which a screen is shown.

    Raises:
        NoOption: it is the name of one.
    """
    try:
        return address(plain_text(value) or _EVERYWHERE)
    except InvalidInput as error:
        raise NoOption("an option has an address and no name of one") from error


def address(value: Any) -> str:
    """The same, as an option has it.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return str(ipaddress.ip_address(str(value)))
    except ValueError as error:
        raise InvalidInput("it is no address", found=repr(value), expected=f"such as {GRAPHICS_LISTEN}") from error


def password(value: Any) -> str:
    """A password. What is wrong with one is said without showing it.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise InvalidInput("it is no text", expected="a text in quotes")
    if any(ord(char) < 32 for char in str(value)):
        raise InvalidInput("it has control characters")
    return str(value)


def read_keymap(value: Value) -> str:
    """The layout of the keyboard.

    Raises:
        NoOption: the option cannot have it.
    """
    try:
        return keymap(plain_text(value))
    except InvalidInput as error:
        raise NoOption("it is no usable name") from error


def keymap(value: Any) -> str:
    """The same, as an option has it.

    Raises:
        InvalidInput: it is no name of one.
    """
    if value != "" and not _KEYMAP.fullmatch(str(value)):
        raise InvalidInput("it is no usable name", found=repr(value), expected="letters, digits and '._-'")
    return str(value)
