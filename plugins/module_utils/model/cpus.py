# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sets of the host's CPUs, as people and libvirt write them: ``0-3,6``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput

MAX_CPU = 4095
_PART = re.compile(r"(\^?)([0-9]{1,4})(?:-([0-9]{1,4}))?", re.ASCII)


def cpu_set(text: str, *, field: str = "cpus") -> str:
    """A set of CPUs written the one way: ranges in rising order.

    Args:
        text: CPUs and ranges with commas between them; those after a ``^`` are left out, as in xl.cfg(5) and in libvirt.
        field: what it is, for the error.

    Raises:
        InvalidInput: it is no such set, or an empty one.
    """
    chosen: set[int] = set()
    for part in text.replace(" ", "").split(","):
        match = _PART.fullmatch(part)
        first = int(match[2]) if match else 0
        last = int(match[3] or match[2]) if match else 0
        if match is None or last < first or last > MAX_CPU:
            raise InvalidInput(f"{field} is no set of CPUs", found=repr(text), expected="such as 0-3,6 or 0-7,^3")
        members = range(first, last + 1)
        if match[1]:
            chosen.difference_update(members)
        else:
            chosen.update(members)
    if not chosen:
        raise InvalidInput(f"{field} has no CPU in it", found=repr(text), expected="such as 0-3,6")
    return _ranges(sorted(chosen))


def cpus_in(text: str) -> frozenset[int]:
    """The members of a set that `cpu_set` wrote."""
    members: set[int] = set()
    for part in text.split(","):
        first, _dash, last = part.partition("-")
        members.update(range(int(first), int(last or first) + 1))
    return frozenset(members)


def shared_pinning(sets: Sequence[str]) -> tuple[str, ...]:
    """The pinning of all VCPUs in its shortest form: one set when all share it, none when no VCPU has one.

    Args:
        sets: for each VCPU the CPUs it may run on, empty for all of them.
    """
    if len(set(sets)) == 1:
        return (sets[0],) if sets[0] else ()
    shortened = list(sets)
    # One alone would be that of all.
    while len(shortened) > 2 and not shortened[-1]:
        shortened.pop()
    return tuple(shortened)


def each_pinning(pinning: Sequence[str], vcpus: int) -> tuple[str, ...]:
    """The CPUs of each VCPU: a single set is that of all, and VCPUs past the end of several have none."""
    if len(pinning) == 1:
        return (pinning[0],) * vcpus
    return tuple(pinning[index] if index < len(pinning) else "" for index in range(vcpus))


def _ranges(numbers: Iterable[int]) -> str:
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
