# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""How much a network interface may send, as people and xl.cfg(5) write it, and back."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput

_FACTORS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30}
_PATTERN = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([kKMG]i?)?(B|b|bit)/s\s*", re.ASCII)


@dataclass(frozen=True, order=True)
class Rate:
    """A limit.

    Attributes:
        kib: whole KiB in a second, libvirt's unit; 0 is no limit.
    """

    kib: int

    @classmethod
    def parse(cls, value: object, *, field: str = "rate") -> Rate:
        """Read a rate such as ``10 MB/s``, ``10Mb/s`` or ``512 KiB/s``, rounded up to whole KiB.

        ``K``, ``M``, ``G`` count in powers of 1000, ``Ki``, ``Mi``, ``Gi`` in powers of 1024; ``B`` is bytes, ``b`` bits.

        Raises:
            InvalidInput: it is no rate, or not above zero.
        """
        match = _PATTERN.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise InvalidInput(
                f"{field} is no rate", found=repr(value), expected="such as '10 MB/s' (bytes) or '10 Mb/s' (bits)"
            )
        amount = Fraction(match[1]) * _FACTORS[(match[2] or "").upper()] / (1 if match[3] == "B" else 8)
        if amount == 0:
            raise InvalidInput(
                f"{field} has to be above zero", found=repr(value), remedy="An empty text takes the limit away."
            )
        return cls(math.ceil(amount / 1024))

    @property
    def bytes(self) -> int:
        """Bytes in a second."""
        return self.kib * 1024

    def __str__(self) -> str:
        return f"{self.kib // 1024} MiB/s" if self.kib and self.kib % 1024 == 0 else f"{self.kib} KiB/s"


UNLIMITED = Rate(0)
