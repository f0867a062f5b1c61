# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes as people write them, and back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput

KIB = 1024
MIB = 1024**2
GIB = 1024**3
TIB = 1024**4

_UNITS = {
    "b": 1,
    "k": KIB,
    "kib": KIB,
    "kb": 10**3,
    "m": MIB,
    "mib": MIB,
    "mb": 10**6,
    "g": GIB,
    "gib": GIB,
    "gb": 10**9,
    "t": TIB,
    "tib": TIB,
    "tb": 10**12,
}
_PATTERN = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", re.ASCII)


@dataclass(frozen=True, order=True)
class Size:
    """An amount of memory or storage.

    Attributes:
        bytes: the amount in bytes.
    """

    bytes: int

    @classmethod
    def parse(cls, value: object, *, field: str = "size") -> Size:
        """Read a size such as ``2 GiB``, ``512M`` or ``256`` (a bare number is MiB, as in xl.cfg).

        ``K``, ``M``, ``G``, ``T`` and ``KiB`` ... ``TiB`` count in powers of 1024, ``kB`` ... ``TB`` in powers of 1000.

        Raises:
            InvalidInput: it is no size, or not above zero.
        """
        if isinstance(value, Size):
            return value
        match = _PATTERN.fullmatch(str(value)) if isinstance(value, (str, int, float)) else None
        unit = _UNITS.get(match[2].lower() or "mib") if match else None
        if match is None or unit is None or isinstance(value, bool):
            raise InvalidInput(
                f"{field} is no size", found=repr(value), expected="a number with a unit, such as '2 GiB' or '512M'"
            )
        amount = int(float(match[1]) * unit) if "." in match[1] else int(match[1]) * unit
        if amount <= 0:
            raise InvalidInput(f"{field} has to be above zero", found=repr(value))
        return cls(amount)

    @classmethod
    def from_kib(cls, kib: int) -> Size:
        """From libvirt's usual unit."""
        return cls(kib * KIB)

    @property
    def kib(self) -> int:
        """Whole KiB, rounded up."""
        return -(-self.bytes // KIB)

    @property
    def mib(self) -> int:
        """Whole MiB, rounded up."""
        return -(-self.bytes // MIB)

    def rounded_to_mib(self) -> Size:
        """Rounded up to whole MiB, as Xen does with a guest's memory."""
        return Size(self.mib * MIB)

    def rounded_to_power_of_two(self) -> Size:
        """Rounded up to a power of two, as libvirt does with the memory of a graphics card."""
        return Size(1 << (self.bytes - 1).bit_length())

    def __str__(self) -> str:
        for unit, name in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
            if self.bytes % unit == 0:
                return f"{self.bytes // unit} {name}"
        return f"{self.bytes} B"
