# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be a name: of a guest, a network interface, a machine, something in LVM, a MAC address, a path."""

from __future__ import annotations

import hashlib
import re

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput

_GUEST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", re.ASCII)
_INTERFACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}", re.ASCII)
_LVM = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9_+.-]{0,99}", re.ASCII)
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", re.ASCII)
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)


def guest_name(value: str, *, field: str = "name") -> str:
    """A guest's name: letters, digits and ``. _ + -``; no path, no shell character, no leading dash.

    Raises:
        InvalidInput: it has other characters or is longer than 64.
    """
    if not _GUEST.fullmatch(value):
        raise InvalidInput(
            f"{field} is not usable as the name of a guest",
            found=repr(value),
            expected="letters, digits and '._+-', beginning with a letter or digit, at most 64",
        )
    return value


def interface_name(value: str, *, field: str = "name") -> str:
    """The name of a network interface or bridge, as Linux takes it (at most 15 characters).

    Raises:
        InvalidInput: it has other characters or is too long.
    """
    if not _INTERFACE.fullmatch(value):
        raise InvalidInput(
            f"{field} is not usable as the name of a network interface",
            found=repr(value),
            expected="letters, digits and '._-', at most 15",
        )
    return value


def is_host_name(value: str) -> bool:
    """Whether it is the name of a machine, with or without its domain."""
    return len(value) <= 253 and _HOST.fullmatch(value) is not None


def lvm_name(value: str, *, field: str = "name") -> str:
    """The name of a volume group or a volume.

    Raises:
        InvalidInput: it has other characters or is too long.
    """
    if not _LVM.fullmatch(value):
        raise InvalidInput(
            f"{field} is not usable in LVM",
            found=repr(value),
            expected="letters, digits and '_+.-', beginning with a letter, digit or '_+', at most 100",
        )
    return value


def mac_address(value: str, *, field: str = "mac") -> str:
    """A unicast MAC address in lower case with colons.

    Raises:
        InvalidInput: it is none, or a multicast address.
    """
    mac = value.strip().lower().replace("-", ":")
    if not _MAC.fullmatch(mac) or int(mac[:2], 16) & 1:
        raise InvalidInput(
            f"{field} is no MAC address of an interface", found=repr(value), expected="such as 00:16:3e:12:34:56"
        )
    return mac


def derived_mac(guest: str, index: int) -> str:
    """The MAC address of a guest's interface when none is given: the same at every run, in Xen's range 00:16:3e.

    Args:
        guest: the guest's name.
        index: the interface's position, from 0.
    """
    digest = hashlib.sha256(f"{guest}/{index}".encode()).digest()
    return "00:16:3e:" + ":".join(f"{byte:02x}" for byte in digest[:3])


def absolute_path(value: str, *, field: str = "path") -> str:
    """An absolute path without ``..`` and control characters.

    Raises:
        InvalidInput: it is relative, climbs, or has control characters.
    """
    if (
        not value.startswith("/")
        or ".." in value.split("/")
        or any(ord(char) < 32 or ord(char) == 127 for char in value)
    ):
        raise InvalidInput(f"{field} is no usable path", found=repr(value), expected="an absolute path without '..'")
    return value
