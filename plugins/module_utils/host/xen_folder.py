# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The configuration files of xl and xm on a host, and what ``xendomains`` starts; implements ``ports.takeover.Starts``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed
from ansible_collections.xenfleet.xen.plugins.module_utils.model.takeover import FoundFile, Start

# What Xen itself and editors and packages put beside the files of guests.
_STOCK = ("xl.conf", "xl.conf.*", "xlexample*", "xmexample*", "xend-*", "oxenstored.conf", "cpupool*", "README*")
_LEFTOVERS = (".*", "*~", "*.swp", "*.bak", "*.old", "*.orig", "*.rej", "*.dpkg-*", "*.rpm*", "*.save")
_MAX_BYTES = 1024 * 1024


class XenFolder:
    """The files of this machine.

    Args:
        folders: where they are looked for; folders in them are not.
        auto: the folder whose files are started with the host.
        patterns: the names of files that may be a guest's. What is in ``auto`` is one in any case.
    """

    def __init__(self, folders: Sequence[str], auto: str, patterns: Sequence[str]) -> None:
        self._folders = [Path(folder) for folder in folders]
        self._auto = Path(auto)
        self._patterns = patterns

    def read(self) -> tuple[FoundFile, ...]:
        """All files that may be a guest's, each once, however many links lead to it.

        Raises:
            CommandFailed: a folder cannot be read.
        """
        starts: dict[Path, list[Start]] = {}
        entries: dict[Path, Path] = {}
        for entry in self._listed(self._auto):
            starts.setdefault(entry.resolve(), []).append(Start(str(entry), str(self._backup(entry))))
        for folder in self._folders:
            for entry in self._listed(folder):
                if self._may_be_guest(entry.name) and entry.is_file():
                    entries.setdefault(entry.resolve(), entry)
        for real, started in starts.items():
            entries.setdefault(real, Path(started[0].path))
        return tuple(_read(entry, tuple(starts.get(real, ()))) for real, entry in entries.items())

    def retire(self, start: Start) -> None:
        """Move an entry to where it is kept.

        Raises:
            CommandFailed: the file system does not let it.
        """
        source, target = Path(start.path), Path(start.backup)
        try:
            target.parent.mkdir(exist_ok=True)
            source.rename(target)
        except OSError as error:
            raise CommandFailed(
                f"{start.path} still starts the guest by xl",
                found=str(error),
                remedy="Move it away, or the guest is started twice with the host.",
            ) from error

    def missing(self) -> tuple[str, ...]:
        """The folders that are not there."""
        return tuple(str(folder) for folder in self._folders if not folder.exists())

    def _listed(self, folder: Path) -> list[Path]:
        try:
            return sorted(entry for entry in folder.iterdir() if not _fits(entry.name, _LEFTOVERS))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CommandFailed(f"the folder {folder} cannot be read", found=str(error)) from error

    def _may_be_guest(self, name: str) -> bool:
        return _fits(name, self._patterns) and not _fits(name, _STOCK)

    def _backup(self, entry: Path) -> Path:
        """A free name beside the folder: in it every file is started, whatever its name."""
        folder = self._auto.with_name(f"{self._auto.name}.taken")
        names = (entry.name, *(f"{entry.name}.{number}" for number in range(2, 1000)))
        taken = {there.name for there in folder.iterdir()} if folder.is_dir() else set()
        return next(folder / name for name in names if name not in taken)


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _read(path: Path, starts: tuple[Start, ...]) -> FoundFile:
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        return FoundFile(str(path), None, starts, f"it cannot be read: {error.strerror}")
    try:
        return FoundFile(str(path), content.decode(), starts)
    except UnicodeDecodeError:
        return FoundFile(str(path), content.decode("latin-1"), starts, "it is not UTF-8, so it was read as Latin-1")
