# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A guest's disk."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import absolute_path

FORMATS = ("raw", "qcow2")
_TARGET = re.compile(r"xvd[a-z]{1,2}", re.ASCII)


@dataclass(frozen=True)
class Disk:
    """A disk as the guest sees it and where the host keeps it.

    Attributes:
        target: the device in the guest, such as ``xvda``.
        source: the file or block device on the host; None for an empty drive.
        format: ``raw``, ``qcow2``, or what else was found.
        readonly: the guest may not write it.
        shareable: other guests may have it at the same time.
    """

    target: str
    source: str | None
    format: str = "raw"
    readonly: bool = False
    shareable: bool = False

    @property
    def is_block(self) -> bool:
        """Whether the source is a block device of the host."""
        return self.source is not None and self.source.startswith("/dev/")

    def __str__(self) -> str:
        marks = [self.format]
        if self.readonly:
            marks.append("read-only")
        if self.shareable:
            marks.append("shareable")
        return f"{self.source or 'empty'} ({', '.join(marks)})"


def checked_disks(disks: Iterable[Disk]) -> tuple[Disk, ...]:
    """Disks with targets given out (``xvda``, ``xvdb``, ... to those with an empty one) and checked.

    Raises:
        InvalidInput: a target or a source is named twice, or is none.
    """
    listed = tuple(disks)
    taken = {disk.target for disk in listed if disk.target}
    free = (f"xvd{chr(letter)}" for letter in range(ord("a"), ord("z") + 1) if f"xvd{chr(letter)}" not in taken)
    result: list[Disk] = []
    for disk in listed:
        if disk.source is not None:
            absolute_path(disk.source, field="disks.source")
        result.append(disk if disk.target else replace(disk, target=next(free)))
    for index, disk in enumerate(result):
        if not _TARGET.fullmatch(disk.target):
            raise InvalidInput("disks.target is no Xen disk", found=repr(disk.target), expected="xvda, xvdb, ...")
        for other in result[:index]:
            if other.target == disk.target:
                raise InvalidInput(
                    f"the disk {disk.target} is named twice", remedy="Give each disk a target of its own."
                )
            if other.source is not None and other.source == disk.source:
                raise InvalidInput(f"the disk {disk.source} is named twice", found=f"{other.target} and {disk.target}")
    return tuple(result)
