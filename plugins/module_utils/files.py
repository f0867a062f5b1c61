# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small files of the host, written so that a crash leaves the former one or the new one."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file so that it is there whole or not at all; it belongs to who runs this.

    Args:
        path: where; its folder is there.
        content: all of it.
        mode: its permissions.
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".xenfleet-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a file with the permissions that it has, or those of a configuration file; folders that are missing are made.

    Args:
        path: where.
        text: all of it; bytes that are no text are those of ``surrogateescape``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
    write_whole(path, text.encode(errors="surrogateescape"), mode)
