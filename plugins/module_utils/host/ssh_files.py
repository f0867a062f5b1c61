# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files by which SSH lets hosts reach each other; implements ``ports.peers.PeerFiles``."""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed, InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.files import write_whole
from ansible_collections.xenfleet.xen.plugins.module_utils.model.peers import (
    FOLDERS,
    MODES,
    Entry,
    FoundPeers,
    Place,
    PublicKey,
    public_key,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands

_HOST_KEY = "etc/ssh/ssh_host_ed25519_key.pub"
_CONFIG = "etc/ssh/ssh_config.d/xenfleet-migration.conf"
_KEYGEN_SECONDS = 120


class SshFiles:
    """The files of one host. What is written belongs to the one who runs this, which is root.

    Args:
        commands: how to run programs.
        directory: the folder of the key.
        root: the top of the host's file system.
    """

    def __init__(self, commands: Commands, directory: str, root: Path = Path("/")) -> None:
        self._commands = commands
        own = root / directory.lstrip("/")
        home = root / pwd.getpwuid(0).pw_dir.lstrip("/")
        self._paths = {
            Place.DIRECTORY: own,
            Place.PRIVATE_KEY: own / "id_ed25519",
            Place.KNOWN_HOSTS: own / "known_hosts",
            Place.ROOT_SSH: home / ".ssh",
            Place.AUTHORIZED_KEYS: home / ".ssh/authorized_keys",
            Place.SSH_CONFIG: root / _CONFIG,
        }
        self._public = own / "id_ed25519.pub"
        self._host_key = root / _HOST_KEY

    def read(self, places: Collection[Place]) -> FoundPeers:
        """What is at these places, and the host's public keys."""
        entries = {place: entry for place in Place if place in places and (entry := self._entry(place)) is not None}
        host_key = _first_line(self._host_key)
        if host_key is not None:
            host_key = str(_checked(host_key, self._host_key, "Make the file anew (ssh-keygen -y)."))
        key = self._own_key() if Place.PRIVATE_KEY in entries else ""
        return FoundPeers(entries, key, host_key or "")

    def make_folder(self, place: Place) -> None:
        """Make a folder that is not there."""
        path = self._paths[place]
        with _said(path, "made"):
            path.mkdir(parents=True, exist_ok=True)
        self.set_permissions(place)

    def set_permissions(self, place: Place) -> None:
        """Give a file or folder its permissions and its owner."""
        path = self._paths[place]
        with _said(path, "changed"):
            os.chown(path, os.geteuid(), os.getegid())
            path.chmod(MODES[place])

    def make_key(self, comment: str) -> None:
        """Make the host's own key, whole or not at all, and never over another one."""
        private = self._paths[Place.PRIVATE_KEY]
        with _said(private, "made"), tempfile.TemporaryDirectory(dir=private.parent, prefix=".xenfleet-") as work:
            made = Path(work) / private.name
            self._commands.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(made)],
                timeout=_KEYGEN_SECONDS,
            )
            with made.open("rb") as stream:
                os.fsync(stream.fileno())
            # A public key without a private one is left of an older key.
            self._public.unlink(missing_ok=True)
            with suppress(FileExistsError):
                private.hardlink_to(made)
                made.with_suffix(".pub").replace(self._public)

    def write(self, place: Place, text: str) -> None:
        """Give a file this content; where it is a link, to what it leads to."""
        path = self._paths[place]
        with _said(path, "written"):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(Path(os.path.realpath(path)), text.encode(errors="surrogateescape"), MODES[place])

    def _entry(self, place: Place) -> Entry | None:
        """What is at a place; the private key's content is left where it is."""
        path = self._paths[place]
        with _said(path, "read"):
            try:
                status = path.stat()
            except FileNotFoundError:
                return None
            if stat.S_ISDIR(status.st_mode) != (place in FOLDERS):
                kind = "folder" if place in FOLDERS else "file"
                raise InvalidInput(f"{path} is no {kind}", remedy="Move away what is there.")
            readable = place not in FOLDERS and place is not Place.PRIVATE_KEY
            # Bytes that are no text come back as they were.
            text = path.read_bytes().decode(errors="surrogateescape") if readable else ""
        owned = (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid())
        return Entry(stat.S_IMODE(status.st_mode), owned, text)

    def _own_key(self) -> str:
        """The line of the public key; where its file is lost, from the private one."""
        line = _first_line(self._public)
        if line is None:
            private = str(self._paths[Place.PRIVATE_KEY])
            argv = ["ssh-keygen", "-y", "-P", "", "-f", private]
            line = self._commands.run(argv, timeout=_KEYGEN_SECONDS).stdout.strip()
        _checked(line, self._public, f"Remove {self._public}; it is made up for from the private key.")
        return line


def _first_line(path: Path) -> str | None:
    """A file's text without the blanks around it; None where there is no file."""
    with _said(path, "read"):
        try:
            return path.read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            return None


def _checked(line: str, path: Path, remedy: str) -> PublicKey:
    """A public key of this host, so that a damaged one is named here and not by the hosts that get it.

    What is in the file instead is not shown: it could be the private key.
    """
    try:
        return public_key(line, what=f"the content of {path}")
    except InvalidInput as error:
        raise InvalidInput(f"{path} has no public key in it", expected="TYPE BASE64 COMMENT", remedy=remedy) from error


@contextmanager
def _said(path: Path, what: str) -> Iterator[None]:
    """Name the file when the system refuses something."""
    try:
        yield
    except OSError as error:
        remedy = "The files are root's: run the task as root." if isinstance(error, PermissionError) else None
        raise CommandFailed(f"{path} cannot be {what}", found=str(error), remedy=remedy) from error
