# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of the host that keep its network, changed all together or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed
from ansible_collections.xenfleet.xen.plugins.module_utils.files import write_text
from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import FileChange


def write_all(root: Path, changes: Mapping[str, FileChange]) -> None:
    """Change files.

    Args:
        root: the top of the host's file system.
        changes: what they hold before and after, by path.

    Raises:
        CommandFailed: one of them cannot be written; all are as they were.
    """
    done: list[str] = []
    try:
        for path, change in changes.items():
            done.append(path)
            _put(root, path, change.after)
    except OSError as error:
        for path in done:
            if text_of(root, path) != changes[path].before:
                _put(root, path, changes[path].before)
        raise CommandFailed(
            "the files of the network cannot be written", found=str(error), remedy="Nothing was changed."
        ) from error


def text_of(root: Path, path: str) -> str | None:
    """What a file holds; None where it is not there."""
    file = root / path.lstrip("/")
    return file.read_text(encoding="utf-8", errors="surrogateescape") if file.is_file() else None


def _put(root: Path, path: str, text: str | None) -> None:
    """Give a file this content; None removes it."""
    file = root / path.lstrip("/")
    if text is None:
        file.unlink(missing_ok=True)
    else:
        write_text(file, text)
