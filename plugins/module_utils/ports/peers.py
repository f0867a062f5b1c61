# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operations need to let hosts reach each other."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from ansible_collections.xenfleet.xen.plugins.module_utils.model.peers import FoundPeers, Place


class PeerFiles(Protocol):
    """The files by which SSH lets hosts reach each other. Every call may raise ``CommandFailed``."""

    def read(self, places: Collection[Place]) -> FoundPeers:
        """What is at these places, and the host's public keys."""

    def make_folder(self, place: Place) -> None:
        """Make a folder that is not there."""

    def set_permissions(self, place: Place) -> None:
        """Give a file or folder its permissions and its owner."""

    def make_key(self, comment: str) -> None:
        """Make the host's own key, never over another one."""

    def write(self, place: Place, text: str) -> None:
        """Give a file this content."""
