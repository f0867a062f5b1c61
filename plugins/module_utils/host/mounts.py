# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is mounted, and the systemd units that mount it; implements ``ports.storage.HostMounts``."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed
from ansible_collections.xenfleet.xen.plugins.module_utils.files import write_whole
from ansible_collections.xenfleet.xen.plugins.module_utils.host.folders import kind_of
from ansible_collections.xenfleet.xen.plugins.module_utils.host.mountinfo import MountEntry, mount_table
from ansible_collections.xenfleet.xen.plugins.module_utils.model.storage import FoundMount, StorageMount
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands

UNITS = "etc/systemd/system"
_COMMAND_SECONDS = 300  # a mount itself ends after the unit's TimeoutSec


class SystemdMounts:
    """Mounts of this machine.

    Args:
        commands: programs of the host.
        root: the top of the host's file system.
    """

    def __init__(self, commands: Commands, root: Path = Path("/")) -> None:
        self._commands = commands
        self._root = root

    def found(self, mount: StorageMount) -> FoundMount:
        """What there is of a declared mount, by the kernel's table; the path itself is looked at only when nothing is mounted."""
        table = mount_table(self._root)
        at_path = next((entry for entry in reversed(table) if entry.path == mount.path), None)
        unit = self._root / UNITS / mount.unit
        link = os.readlink(unit) if unit.is_symlink() else None
        return FoundMount(
            source=None if at_path is None else _source(at_path, mount),
            point=kind_of(self._at(mount.path)) if at_path is None else None,
            covers=tuple(sorted({entry.path for entry in table if entry.path.startswith(f"{mount.path}/")})),
            unit=unit.read_text(encoding="utf-8", errors="replace") if link is None and unit.is_file() else None,
            unit_link=link,
            enabled=(self._root / UNITS / f"{mount.target}.wants" / mount.unit).is_symlink(),
        )

    def make_point(self, path: str) -> None:
        """Make the folder to mount on, and those above it, if they are missing.

        Raises:
            CommandFailed: the file system does not take it.
        """
        point = self._at(path)
        try:
            for folder in reversed((point, *point.parents)):
                if not folder.is_dir():
                    folder.mkdir()
                    folder.chmod(0o755)
        except OSError as error:
            raise CommandFailed(f"the folder {path} to mount on could not be made", found=str(error)) from error

    def write_unit(self, unit: str, text: str) -> None:
        """Write a unit, whole or not at all.

        Raises:
            CommandFailed: the file system does not take it.
        """
        try:
            write_whole(self._root / UNITS / unit, text.encode(), 0o644)
        except OSError as error:
            raise CommandFailed(f"the unit /{UNITS}/{unit} could not be written", found=str(error)) from error

    def activate(self, unit: str, *, written: bool, enable: bool, start: bool) -> str:
        """Let systemd read what was written, mount it at each start, and now, in as few runs of systemctl as there can be.

        Returns:
            What systemctl said when it failed to start the unit.

        Raises:
            CommandFailed: something else failed.
        """
        if written and not enable:
            # Enabling has systemd read its files again by itself.
            self._systemctl("daemon-reload")
        if start:
            return self._systemctl(*(("enable", "--now") if enable else ("start",)), unit, check=False)
        if enable:
            self._systemctl("enable", unit)
        return ""

    def _systemctl(self, *arguments: str, check: bool = True) -> str:
        done = self._commands.run(["systemctl", *arguments], check=check, timeout=_COMMAND_SECONDS)
        return " ".join(done.stderr.split()) if done.status != 0 else ""

    def _at(self, path: str) -> Path:
        return self._root / path.lstrip("/")


def _source(entry: MountEntry, mount: StorageMount) -> str:
    """What is mounted, by the name that it was declared with where that is another name of the same."""
    if entry.part != "/":
        return f"{entry.source}[{entry.part}]"
    if mount.is_nfs and entry.source.rstrip("/") == mount.source.rstrip("/"):
        return mount.source
    if entry.source.startswith("/dev/") and mount.source.startswith("/dev/"):
        same = os.path.realpath(entry.source) == os.path.realpath(mount.source)
        return mount.source if same else entry.source
    return entry.source
