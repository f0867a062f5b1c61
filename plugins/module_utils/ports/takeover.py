# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operations need to take guests over from xl."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.takeover import Start, XenGuest
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import Hypervisor, SuspendedGuests


class RestoringHypervisor(Hypervisor, Protocol):
    """Xen on a host that can take in a guest whose memory was saved."""

    def restore(self, path: str) -> None:
        """Let a saved guest go on; what is at the path is read once, from beginning to end."""


class XenGuests(SuspendedGuests, Protocol):
    """The guests that Xen has, whoever started them. Every call may raise ``CommandFailed``."""

    def guests(self) -> tuple[XenGuest, ...]:
        """All of them, Domain-0 left out; none where there is no ``xl``."""

    def save(self, domid: int, path: str) -> None:
        """Save a guest's memory to a file, and end it."""

    def restore(self, path: str) -> None:
        """Let a guest go on from such a file, under xl."""


class MemoryFiles(Protocol):
    """The files that guests' memory is saved to on its way from xl to libvirt. Every call may raise ``CommandFailed``."""

    def room(self) -> Size:
        """How much fits in their folder."""

    def prepare(self, guest: str) -> None:
        """Make a guest's file, which nobody else may read and which is empty yet, and its folder if that is missing."""

    def path(self, guest: str) -> str:
        """The file of a guest."""

    def exists(self, guest: str) -> bool:
        """Whether there is one with something in it."""

    def forget(self, guest: str) -> None:
        """Delete it, if it is there."""

    def as_image(self, guest: str, xml: str) -> AbstractContextManager[str]:
        """A path at which libvirt finds what xl saved as a saved guest of its own, with this definition; the file stays as it is."""


class Starts(Protocol):
    """What ``xendomains`` starts with the host. Every call may raise ``CommandFailed``."""

    def retire(self, start: Start) -> None:
        """Put an entry where it starts nothing."""
