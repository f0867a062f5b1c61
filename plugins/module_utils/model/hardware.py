# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts of a guest's machine that have a few values each, and how devices of the host are named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size

_PCI = re.compile(r"(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-7])", re.ASCII)
_USB = re.compile(r"([0-9a-f]{1,4}):([0-9a-f]{1,4})", re.ASCII)
_SERIAL = re.compile(r"pty|null|(?:file|pipe|unix):/[^,\s]+|/dev/[^,\s]+|tcp:[^:,\s]+:[0-9]{1,5}", re.ASCII)


@dataclass(frozen=True)
class NumaNode:
    """A NUMA node that a guest sees.

    Attributes:
        vcpus: the guest's VCPUs in it, as a set like ``0-3``.
        memory: the memory in it.
        distances: how far the nodes are from it, from the first to the last; 10 is itself. Empty for the usual ones.
    """

    vcpus: str
    memory: Size
    distances: tuple[int, ...] = ()

    def __str__(self) -> str:
        far = f", distances {' '.join(map(str, self.distances))}" if self.distances else ""
        return f"VCPUs {self.vcpus}, {self.memory}{far}"


@dataclass(frozen=True)
class UsbController:
    """A USB controller.

    Attributes:
        version: 1 or 2.
        ports: how many devices fit, 1 to 31.
    """

    version: int = 2
    ports: int = 8

    def __str__(self) -> str:
        return f"USB {self.version}, {self.ports} ports"


@dataclass(frozen=True)
class Channel:
    """A way for data between a guest and a program on the host.

    Attributes:
        name: what the guest knows it by.
        path: the unix socket on the host; None for a pseudo terminal.
    """

    name: str
    path: str | None = None

    def __str__(self) -> str:
        return f"{self.name} at {self.path or 'a pty'}"


@dataclass(frozen=True)
class HostDevice:
    """A device of the host that is handed to a guest.

    Attributes:
        bus: ``pci`` or ``usb``.
        address: as `pci_address` or `usb_id` writes it.
    """

    bus: str
    address: str

    def __str__(self) -> str:
        return self.address


Device = TypeVar("Device")


def unordered(devices: Iterable[Device]) -> tuple[Device, ...]:
    """Devices whose order means nothing, in the one order in which they are compared."""
    return tuple(sorted(devices, key=str))


def pci_address(value: str, *, field: str = "pci_devices") -> str:
    """A PCI device's address with all its digits, ``0000:03:00.0``.

    Raises:
        InvalidInput: it is none.
    """
    match = _PCI.fullmatch(value.strip().lower())
    if match is None or int(match[3], 16) > 31:
        raise InvalidInput(
            f"{field} has something that is no PCI address", found=repr(value), expected="such as 03:00.0"
        )
    return f"{int(match[1] or '0', 16):04x}:{int(match[2], 16):02x}:{int(match[3], 16):02x}.{match[4]}"


def usb_id(value: str, *, field: str = "usb_devices") -> str:
    """A USB device's ``vendor:product`` with four digits each.

    Raises:
        InvalidInput: it is none.
    """
    match = _USB.fullmatch(value.strip().lower())
    if match is None:
        raise InvalidInput(
            f"{field} has something that is no vendor:product", found=repr(value), expected="such as 046d:c52b"
        )
    return f"{int(match[1], 16):04x}:{int(match[2], 16):04x}"


def serial_port(value: str) -> str:
    """Where a serial port leads to, in the words of xl.cfg(5) that libvirt knows too.

    Raises:
        InvalidInput: it leads nowhere known.
    """
    if not _SERIAL.fullmatch(value):
        raise InvalidInput(
            "serials has something that a serial port cannot lead to",
            found=repr(value),
            expected="pty, null, /dev/ttyS0, file:/path, pipe:/path, unix:/path or tcp:host:port",
        )
    return value
