# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Guests that a host has in configuration files of xl and xm, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Declaration, Domain
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size


class Verdict(StrEnum):
    """What becomes of a guest."""

    TAKEN = "taken"
    MOVED = "moved"
    SAME = "same"
    LEFT = "left"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Start:
    """An entry of the folder whose files ``xendomains`` starts with the host.

    Attributes:
        path: the entry, a link or a file.
        backup: where it is kept once libvirt starts the guest instead.
    """

    path: str
    backup: str


@dataclass(frozen=True)
class FoundFile:
    """A configuration file on a host.

    Attributes:
        path: the file.
        text: what is in it; None where it could not be read.
        starts: what starts its guest with the host.
        trouble: why it could not be read, or what is to be known of its text.
    """

    path: str
    text: str | None
    starts: tuple[Start, ...] = ()
    trouble: str | None = None


@dataclass(frozen=True)
class GuestFile:
    """What a configuration file says.

    Attributes:
        guest: the guest's name; the file's own where it names none.
        path: the file.
        declared: the guest; None where it cannot be taken over.
        refusal: why not.
        starts: what starts the guest with the host.
        left_behind: keys that there is no option for, and that the guest does not feel.
        understood: sentences on how the file was understood.
    """

    guest: str
    path: str
    declared: Declaration | None = None
    refusal: str | None = None
    starts: tuple[Start, ...] = ()
    left_behind: tuple[str, ...] = ()
    understood: tuple[str, ...] = ()


@dataclass(frozen=True)
class XenGuest:
    """A guest that Xen has, whoever started it.

    Attributes:
        name: its name.
        domid: Xen's number for it.
        state: ``running``, or what else it does.
        memory: what it has now.
        running: what it runs with; None where Xen's tools cannot tell.
        obstacles: what libvirt's driver could not give it back if its memory was restored there.
    """

    name: str
    domid: int
    state: str
    memory: Size
    running: Domain | None = None
    obstacles: tuple[str, ...] = ()

    @property
    def is_running(self) -> bool:
        """Whether it goes on: neither paused nor on its way out."""
        return self.state == "running"
