# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change that is taken back by the host itself when nobody confirms it, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """How far such a change has come."""

    APPLYING = "applying"
    APPLIED = "applied"
    CONFIRMED = "confirmed"
    RESTORING = "restoring"
    RESTORED = "restored"
    UNKNOWN = "unknown"

    @property
    def is_open(self) -> bool:
        """Whether it may still become one or the other."""
        return self in (Stage.APPLYING, Stage.APPLIED, Stage.RESTORING)


@dataclass(frozen=True)
class Caution:
    """How a change is made that could cut the connection.

    Attributes:
        confirm: under a timer; False refuses such a change.
        timeout: seconds within which it has to be confirmed.
        address: where the controller comes back to, when that is not where it came to.
        token: the controller's name for the change; None where there is nobody who could confirm it.
    """

    confirm: bool = True
    timeout: int = 60
    address: str | None = None
    token: str | None = None


@dataclass(frozen=True)
class FileChange:
    """What a file holds before and after; None is 'not there'."""

    before: str | None
    after: str | None

    def back(self) -> FileChange:
        """The same change undone."""
        return FileChange(self.after, self.before)


@dataclass(frozen=True)
class Replacement:
    """A file of somebody else that gives way to what is declared.

    Attributes:
        path: the file.
        names: the interfaces of this host that it manages.
        files: what is done to it, by path.
        lost: what it says that nothing says any more afterwards.
        problem: why it cannot give way.
    """

    path: str
    names: frozenset[str] = frozenset()
    files: tuple[tuple[str, FileChange], ...] = ()
    lost: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class Report:
    """What the host says of a change under a timer.

    Attributes:
        stage: how far it has come.
        token: whose change it is.
        begun: when it began, the host's clock in UTC.
        until: when it is taken back unless it is confirmed.
        ended: when it was confirmed, or the former network was back.
        words: why it was taken back, when that is known.
        at_start: whether it was taken back at the host's start.
        incomplete: what could not be restored.
        warnings: what was noticed when it was applied.
    """

    stage: Stage
    token: str | None = None
    begun: str | None = None
    until: str | None = None
    ended: str | None = None
    words: str | None = None
    at_start: bool = False
    incomplete: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def as_result(self) -> dict[str, object]:
        """For a module's return value; what is not known is left out."""
        found: dict[str, object] = {
            "stage": self.stage.value,
            "begun": self.begun,
            "until": self.until,
            "ended": self.ended,
            "words": self.words,
            "at_start": self.at_start or None,
            "incomplete": list(self.incomplete) or None,
            "warnings": list(self.warnings) or None,
        }
        return {name: value for name, value in found.items() if value is not None}
