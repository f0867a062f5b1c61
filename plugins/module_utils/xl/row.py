# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a row of the table of keys is, and the values that all of them know."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import Value

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
