# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one family of errors: raised where the trouble is found, turned into ``fail_json`` once, at the edge."""

from __future__ import annotations

from collections.abc import Sequence


class XenfleetError(Exception):
    """Something that cannot be done, said so that the operator can act on it.

    Args:
        message: what went wrong, one sentence, naming the thing it went wrong with.
        guest: the domain concerned.
        host: the Xen host concerned.
        found: what was there.
        expected: what should have been there.
        remedy: what the operator can do about it.

    Attributes:
        applied: the steps that were done before it happened; set by the one who did them.
    """

    def __init__(
        self,
        message: str,
        *,
        guest: str | None = None,
        host: str | None = None,
        found: str | None = None,
        expected: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.guest = guest
        self.host = host
        self.found = found
        self.expected = expected
        self.remedy = remedy
        self.applied: tuple[str, ...] = ()

    def details(self) -> dict[str, object]:
        """The parts that are known, for a module's result."""
        parts: dict[str, object] = {
            "guest": self.guest,
            "host": self.host,
            "found": self.found,
            "expected": self.expected,
            "remedy": self.remedy,
        }
        known = {key: value for key, value in parts.items() if value is not None}
        return {**known, "changed": bool(self.applied), "applied": list(self.applied)}

    def __str__(self) -> str:
        text = f"{self.guest}: {self.message}" if self.guest else self.message
        if self.found is not None:
            text += f"; found: {self.found}"
        if self.expected is not None:
            text += f"; expected: {self.expected}"
        if self.remedy is not None:
            text += f". {self.remedy}"
        return text


class InvalidInput(XenfleetError):
    """What was asked for makes no sense; nothing has been touched."""


class NotFound(XenfleetError):
    """Something that has to be there is not."""


class Conflict(XenfleetError):
    """What was asked for would harm something that is there."""


class TimedOut(XenfleetError):
    """What was waited for did not come in time."""


class Unreachable(XenfleetError):
    """A host, or the libvirt daemon on it, does not answer."""


class CommandFailed(XenfleetError):
    """A program on the host ended with an error."""


class HypervisorError(XenfleetError):
    """Xen or libvirt refused an operation."""


class Refused(XenfleetError):
    """An operation has obstacles; all of them are named and nothing was changed."""

    def __init__(self, message: str, obstacles: Sequence[str], *, guest: str | None = None) -> None:
        super().__init__(message, guest=guest, remedy="Nothing was changed.")
        self.obstacles = tuple(obstacles)

    def __str__(self) -> str:
        return "\n".join(
            [f"{self.message}:", *(f"  - {obstacle}" for obstacle in self.obstacles), "Nothing was changed."]
        )
