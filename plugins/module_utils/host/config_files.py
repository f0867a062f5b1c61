# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration files; implements ``ports.dom0.HostConfig``."""

from __future__ import annotations

import os
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed
from ansible_collections.xenfleet.xen.plugins.module_utils.files import write_text


class LocalConfig:
    """Files of this machine. They belong to root, who is to run this.

    Args:
        root: the top of the host's file system.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def read(self, path: str) -> str | None:
        """A file's content; None where there is none.

        Raises:
            CommandFailed: it cannot be read.
        """
        try:
            # Bytes that are no text come back as they were.
            return self._at(path).read_bytes().decode(errors="surrogateescape")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed(path, "read", error) from error

    def write(self, path: str, text: str) -> None:
        """Give a file this content, whole or not at all; where it is a link, what it leads to.

        Raises:
            CommandFailed: the file system does not take it.
        """
        try:
            write_text(Path(os.path.realpath(self._at(path))), text)
        except OSError as error:
            raise _failed(path, "written", error) from error

    def remove(self, path: str) -> None:
        """Remove a file; one that is gone is no error.

        Raises:
            CommandFailed: the file system does not let it.
        """
        try:
            self._at(path).unlink(missing_ok=True)
        except OSError as error:
            raise _failed(path, "removed", error) from error

    def _at(self, path: str) -> Path:
        return self._root / str(path).lstrip("/")


def _failed(path: str, what: str, error: OSError) -> CommandFailed:
    remedy = "The file is root's: run the task as root." if isinstance(error, PermissionError) else None
    return CommandFailed(f"{path} cannot be {what}", found=str(error), remedy=remedy)
