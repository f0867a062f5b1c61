# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a row of the table of keys is, how a value is read with its line, and the values that all of them know."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import Setting, Value

_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]{1,12})|(0[0-7]{1,14})|([1-9][0-9]{0,11}|0)", re.ASCII)


class NoOption(Exception):
    """xl can have this value, but the option cannot."""


@dataclass(frozen=True)
class Row:
    """One key of the file and the option that it is.

    Attributes:
        key: the file's key.
        option: the option's name.
        read: the file's value to the option's.
        write: the option's value to the file's.
    """

    key: str
    option: str
    read: Callable[[Value], Any]
    write: Callable[[Any], Value]


def read_at(setting: Setting, key: str, read: Callable[[Value], Any]) -> Any:
    """Read a value; what is wrong with it is said with its key and its line."""
    try:
        return named(key, read, setting.value)
    except InvalidInput as error:
        error.message = f"line {setting.line}: {error.message}"
        raise


def named(name: str, convert: Callable[[Any], Any], value: Any) -> Any:
    """Convert a value; what is wrong with it is said with its name."""
    try:
        return convert(value)
    except InvalidInput as error:
        if not error.message.startswith(name):
            error.message = f"{name}: {error.message}"
        raise


def plain_text(value: Value) -> str:
    """A value as a text, which to xl a number is too.

    Raises:
        InvalidInput: it is something else.
    """
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise InvalidInput("it is no text", found=repr(value)[:80], expected="a text in quotes, or a number")
    return str(value)


def read_number(value: object) -> int:
    """A number, which may be written in octal or hexadecimal.

    Raises:
        InvalidInput: it is none.
    """
    match = _NUMBER.fullmatch(str(value)) if isinstance(value, (int, str)) and not isinstance(value, bool) else None
    if match is None:
        raise InvalidInput("it is no number", found=repr(value)[:80], expected="a number")
    return int(match[0], 16 if match[1] else 8 if match[2] else 10)


def read_mebibytes(value: Value) -> str:
    """An amount of memory, with its unit.

    Raises:
        InvalidInput: it is none.
    """
    count = read_number(value)
    if count < 1:
        raise InvalidInput("it is no amount of memory", found=repr(value), expected="MiB, above zero")
    return str(Size(count * MIB))


def write_mebibytes(value: Any) -> int:
    """The same, as a file has it.

    Raises:
        InvalidInput: it is none.
    """
    return Size.parse(value, field="it").mib
