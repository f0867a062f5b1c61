# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel's table of mounts. Reading it asks no file system, so it cannot hang."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MountEntry:
    """One mount.

    Attributes:
        path: where it is mounted.
        part: the folder of the file system that is mounted; ``/`` is all of it.
        source: what is mounted.
        fstype: its type.
    """

    path: str
    part: str
    source: str
    fstype: str


def mount_table(root: Path) -> tuple[MountEntry, ...]:
    """All mounts; of several at one path the last covers the others (format: proc_pid_mountinfo(5)).

    Args:
        root: where ``/proc`` is found.
    """
    text = (root / "proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    entries = []
    for line in text.split("\n"):
        before, dash, after = (part.split(" ") for part in line.partition(" - "))
        if dash and len(before) > 4 and len(after) > 1:
            entries.append(MountEntry(_unescaped(before[4]), _unescaped(before[3]), _unescaped(after[1]), after[0]))
    return tuple(entries)


def _unescaped(text: str) -> str:
    """The kernel writes blanks and backslashes in octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
