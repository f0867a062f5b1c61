# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guest that Xen has and libvirt does not know of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stray:
    """One of them.

    Attributes:
        domid: Xen's number for it.
        uuid: its UUID in lower case.
        state: what it does, in a word: ``running``, ``paused`` and so on.
        cpu_seconds: the time on a CPU that it has had.
    """

    domid: int
    uuid: str
    state: str
    cpu_seconds: float

    def is_unfinished(self, uuid: str | None) -> bool:
        """Whether it is what is left of a start of the guest with that UUID: it was made, and never ran.

        libxl makes a guest paused and lets it go at the end (``libxlDomainStartPerform`` of libvirt's Xen driver); a libvirtd that
        dies between the two forgets the guest, and could not start it again, for the name is taken.
        """
        return self.uuid == uuid and self.state == "paused" and self.cpu_seconds == 0
