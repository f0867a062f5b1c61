# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operations need to work on a host's storage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ansible_collections.xenfleet.xen.plugins.module_utils.model.storage import (
    Directory,
    FoundDirectory,
    FoundGroup,
    FoundMount,
    StorageMount,
    VolumeGroup,
)


class HostMounts(Protocol):
    """What is mounted on the host, and the units that mount it at each start."""

    def found(self, mount: StorageMount) -> FoundMount:
        """What there is of a declared mount; a file system that is mounted is not asked itself."""

    def make_point(self, path: str) -> None:
        """Make the folder to mount on, if it is missing."""

    def write_unit(self, unit: str, text: str) -> None:
        """Write a unit, whole or not at all."""

    def activate(self, unit: str, *, written: bool, enable: bool, start: bool) -> str:
        """Let systemd read what was written, mount it at each start, and now; returns what was said of a start that failed."""


class HostFolders(Protocol):
    """Folders of the host."""

    def found(self, directory: Directory) -> FoundDirectory:
        """What there is of a declared folder."""

    def make(self, directory: Directory) -> None:
        """Make it with those above it, and set its owner, group and permissions."""


class HostVolumeGroups(Protocol):
    """LVM volume groups of the host."""

    def found(self, group: VolumeGroup) -> FoundGroup:
        """What there is of a declared group, and what is on the devices that are not in it."""

    def create(self, name: str, devices: Sequence[str]) -> None:
        """Make a group."""

    def extend(self, name: str, devices: Sequence[str]) -> None:
        """Add devices to a group."""
