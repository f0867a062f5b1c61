# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of VLANs, and how they are written: ``10``, ``20-29``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput

FIRST, LAST = 1, 4094
_RANGE = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?", re.ASCII)


def read_vlans(words: Iterable[str | int], *, field: str) -> tuple[int, ...]:
    """The VLANs of some numbers and ranges, sorted.

    Raises:
        InvalidInput: one is neither, or out of range.
    """
    found: set[int] = set()
    for word in words:
        match = _RANGE.fullmatch(str(word).strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not FIRST <= first <= last <= LAST:
            raise InvalidInput(
                f"{field} is no VLAN",
                found=repr(word),
                expected=f"a number such as 10 or a range such as 20-29, of {FIRST} to {LAST}",
            )
        found |= set(range(first, last + 1))
    return tuple(sorted(found))


def ranges(vlans: Iterable[int]) -> tuple[str, ...]:
    """The same as few numbers and ranges."""
    found: list[list[int]] = []
    for vlan in sorted(set(vlans)):
        if found and vlan == found[-1][1] + 1:
            found[-1][1] = vlan
        else:
            found.append([vlan, vlan])
    return tuple(str(first) if first == last else f"{first}-{last}" for first, last in found)
