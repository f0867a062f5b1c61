# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders of the machine, with their owners; implements ``ports.storage.HostFolders``."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed
from ansible_collections.xenfleet.xen.plugins.module_utils.model.storage import FOLDER, Directory, FoundDirectory


class LocalFolders:
    """Folders of this machine.

    Args:
        root: the top of the host's file system.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def found(self, directory: Directory) -> FoundDirectory:
        """What is at the path; users and groups by name where they have one."""
        path = self._at(directory)
        kind, owner, group, mode = kind_of(path), "", "", 0
        if kind == FOLDER:
            status = path.stat()
            owner, group, mode = _user(status.st_uid), _group(status.st_gid), stat.S_IMODE(status.st_mode)
        uid, gid = _uid(directory.owner), _gid(directory.group)
        return FoundDirectory(
            kind, owner, group, mode, None if uid is None else _user(uid), None if gid is None else _group(gid)
        )

    def make(self, directory: Directory) -> None:
        """Make a folder and those above it that are missing, all with its owner, group and permissions.

        Raises:
            CommandFailed: the file system does not take it.
        """
        path = self._at(directory)
        try:
            for folder in reversed(path.parents):
                if not folder.is_dir():
                    folder.mkdir(mode=0o700)
                    _give(folder, directory)
            if not path.is_dir():
                path.mkdir(mode=0o700)
            _give(path, directory)
        except OSError as error:
            raise CommandFailed(
                f"the folder {directory.path} could not be made as declared",
                found=str(error),
                expected=f"{directory.owner}:{directory.group} {directory.mode:04o}",
                remedy="Look at its file system. An NFS server may forbid this to root (root_squash).",
            ) from error

    def _at(self, directory: Directory) -> Path:
        return self._root / directory.path.lstrip("/")


def kind_of(path: Path) -> str | None:
    """What is at a path, in words; links are followed. None where nothing is."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "a symbolic link to nothing" if path.is_symlink() else None
    except NotADirectoryError:
        return "a file on the way to it"
    except OSError as error:
        return f"something that cannot be read ({error.strerror})"
    if stat.S_ISDIR(mode):
        return FOLDER
    return "a file" if stat.S_ISREG(mode) else "neither a file nor a folder"


def _give(path: Path, directory: Directory) -> None:
    """Set owner, group and permissions where they differ; a change of owner may take bits of the permissions away."""
    status = path.stat()
    uid, gid = _uid(directory.owner), _gid(directory.group)
    if (uid, gid) != (status.st_uid, status.st_gid):
        os.chown(path, -1 if uid is None else uid, -1 if gid is None else gid)
    if stat.S_IMODE(path.stat().st_mode) != directory.mode:
        path.chmod(directory.mode)


def _uid(name: str) -> int | None:
    """The number of a user, which may have been named by it; None where there is no such user."""
    try:
        return int(name) if name.isdecimal() else pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def _gid(name: str) -> int | None:
    try:
        return int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def _user(uid: int) -> str:
    """The name of a user, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
