# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between what is and what should be: the data that check mode prints and a run applies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """When a change reaches what is running."""

    LIVE = "live"
    NEXT_BOOT = "next_boot"
    RECREATE = "recreate"
    FREEZE = "freeze"

    @property
    def words(self) -> str:
        """For a person's eyes."""
        return {
            "live": "now",
            "next_boot": "at the next boot",
            "recreate": "by making it anew",
            "freeze": "now; it stands still while its memory goes to the disk and back",
        }[self.value]


@dataclass(frozen=True)
class Change:
    """One field's difference.

    Attributes:
        field: the option's own name, such as ``memory`` or ``networks[xenbr10].mac``.
        before: what is, as text; None where there is nothing.
        after: what should be, as text; None where it goes.
        effect: when it reaches what is running.
    """

    field: str
    before: str | None
    after: str | None
    effect: Effect = Effect.LIVE

    def as_result(self) -> dict[str, str | None]:
        """For a module's return value."""
        return {"field": self.field, "before": self.before, "after": self.after, "effect": self.effect.value}


def diff_of(name: str, changes: Iterable[Change]) -> dict[str, str]:
    """Ansible's ``diff`` for some changes: one line a field, in the option's own names, with its effect."""
    before: list[str] = []
    after: list[str] = []
    for change in changes:
        if change.before is not None:
            before.append(f"{change.field}: {change.before}\n")
        if change.after is not None:
            after.append(f"{change.field}: {change.after}    # {change.effect.words}\n")
    return {
        "before": "".join(before),
        "after": "".join(after),
        "before_header": f"{name} (found)",
        "after_header": f"{name} (declared)",
    }
