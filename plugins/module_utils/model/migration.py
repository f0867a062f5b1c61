# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A guest's move from one host to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ansible_collections.xenfleet.xen.plugins.module_utils.model.host import Mount
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size


class MoveMode(StrEnum):
    """How a guest moves: while it runs, suspended for the time of the copy, or as a definition only."""

    LIVE = "live"
    COLD = "cold"
    STOPPED = "stopped"


@dataclass(frozen=True)
class MigrationHost:
    """What a move has to know of each of its ends.

    Attributes:
        name: the host's name, for the words.
        types: the types of guests it runs.
        live_migration: those it can send while they run.
        memory_free: what Xen has left; None when it cannot be told.
        bridges: its bridges.
        mounts: its shared file systems.
        paths: what is at the paths that the guest needs; a path that was not asked about is missing here.
        guests: its guests and their UUIDs.
    """

    name: str
    types: frozenset[str]
    live_migration: frozenset[str]
    memory_free: Size | None
    bridges: frozenset[str]
    mounts: tuple[Mount, ...]
    paths: Mapping[str, str | None]
    guests: Mapping[str, str]


@dataclass(frozen=True)
class Move:
    """A move that has no obstacles.

    Attributes:
        guest: the guest's name.
        mode: how.
        reason: why this way, when it was not the operator's choice.
    """

    guest: str
    mode: MoveMode
    reason: str | None = None
