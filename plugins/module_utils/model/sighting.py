# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A guest as somebody who only looks sees it."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import FoundDomain
from ansible_collections.xenfleet.xen.plugins.module_utils.model.usage import Usage


@dataclass(frozen=True)
class Sighting:
    """What was seen of a guest, or why nothing was.

    Attributes:
        name: its name.
        found: the guest. Its definition has no passwords, so none can be made from it; None when it could not be read.
        error: why it could not be read.
        reason: how it came to its state.
        id: Xen's number for it while it runs.
        usage: what it uses, when that was asked for and it runs.
    """

    name: str
    found: FoundDomain | None = None
    error: str | None = None
    reason: str | None = None
    id: int | None = None
    usage: Usage | None = None
