# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder of images on a machine: what is in it, verified; an image put into it whole or not at all, or taken away."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict, InvalidInput, NotFound
from ansible_collections.xenfleet.xen.plugins.module_utils.model.image import FILES, MANIFEST, PACK, Image, image_name
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands

_VERIFIED = ".verified.json"
_CHUNK = 4 * MIB
_SPARE = 64 * MIB


@dataclass(frozen=True)
class Stored:
    """An image in its folder.

    Attributes:
        folder: where.
        image: what its manifest says.
    """

    folder: Path
    image: Image


class ImageStore:
    """The images of one machine, or of all that share the folder.

    Args:
        folder: where they are, each in a folder of its own name.
        commands: programs of the machine.
    """

    def __init__(self, folder: str, commands: Commands) -> None:
        self.folder = Path(folder)
        self._commands = commands

    def path(self, name: str) -> Path:
        """The folder of an image.

        Raises:
            InvalidInput: the name is not usable.
        """
        return self.folder / image_name(name)

    def find(self, name: str) -> Stored | None:
        """The image as its manifest tells, unverified; None when there is no such folder.

        Raises:
            InvalidInput: the folder has no usable manifest.
        """
        folder = self.path(name)
        if not folder.is_dir():
            return None
        manifest = folder / MANIFEST
        try:
            text = manifest.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInput(
                f"the image {name} is incomplete",
                found=f"no readable {manifest}",
                remedy=f"Build or install it anew; if {folder} is nothing of yours, remove it first.",
            ) from error
        image = Image.parse(text, path=str(manifest))
        if image.name != name:
            raise InvalidInput(f"the image in {folder} has another name", found=image.name, expected=name)
        return Stored(folder, image)

    def verified(self, name: str, *, full: bool = False, remember: bool = True) -> Stored:
        """The image, with its files held against the manifest.

        A file is read through only when its size and time of change are not those of the last full check.

        Args:
            name: the image.
            full: read all files whatever was found before.
            remember: note the outcome beside the image for the next time.

        Raises:
            NotFound: there is no such image.
            InvalidInput: it is incomplete or damaged; the message names the file.
        """
        stored = self.find(name)
        if stored is None:
            raise NotFound(
                f"the image {name} is missing in {self.folder}",
                remedy="Bring it there, for example by the role 'image'.",
            )
        seen = {} if full else _seen(stored.folder)
        now: dict[str, list[int]] = {}
        for file, record in stored.image.files.items():
            path = stored.folder / file
            if not path.is_file():
                raise InvalidInput(f"the image {name} is incomplete", found=f"no file {path}")
            stat = path.stat()
            if stat.st_size != record.size:
                raise InvalidInput(
                    f"the image {name} is damaged: {path} has another size",
                    found=f"{stat.st_size} bytes",
                    expected=f"{record.size} bytes",
                    remedy="Install it anew.",
                )
            now[file] = [stat.st_size, stat.st_mtime_ns]
            if seen.get(file) == now[file]:
                continue
            digest = sha256(path)
            if digest != record.sha256:
                raise InvalidInput(
                    f"the image {name} is damaged: {path} has another checksum",
                    found=digest,
                    expected=record.sha256,
                    remedy="Install it anew.",
                )
        if remember and seen != now:
            _note(stored.folder, now)
        return stored

    @contextmanager
    def replacing(self, name: str) -> Iterator[Path]:
        """Give an empty folder to fill; afterwards it becomes the image's, or is removed on any error.

        Raises:
            Conflict: another run works on this image, or the folder in the way is no image.
        """
        final = self.path(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        working = self.folder / f".{name}.partial"
        old = self.folder / f".{name}.old"
        with (self.folder / f".{name}.lock").open("w", encoding="utf-8") as lock:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise Conflict(f"another run works on the image {name} in {self.folder}") from error
            if final.is_symlink() or (final.exists() and not self._is_replaceable(final)):
                raise Conflict(f"{final} is in the way and is no image", remedy="Move it away.")
            for left in (working, old):
                shutil.rmtree(left, ignore_errors=True)
            working.mkdir(mode=0o755)
            try:
                yield working
                if final.exists():
                    final.rename(old)
                working.rename(final)
            finally:
                for left in (working, old):
                    shutil.rmtree(left, ignore_errors=True)

    def install(self, name: str, source: Path, identity: str | None) -> Stored:
        """Put an image here from a folder, or from a pack of one, that this machine can read.

        Args:
            name: the image.
            source: its folder, or the pack.
            identity: what the image has to be; None: whatever the source's manifest says.

        Raises:
            NotFound: the source is missing.
            InvalidInput: it is damaged or another image.
            Conflict: there is too little room.
        """
        if not source.exists():
            raise NotFound(f"the source of the image {name} is missing", found=f"no {source}")
        need = 3 * source.stat().st_size if source.is_file() else _content(source)
        self.check_room(need)
        with self.replacing(name) as working:
            if source.is_dir():
                for file in (*FILES, MANIFEST):
                    if not (source / file).is_file():
                        raise InvalidInput(f"the source of the image {name} is incomplete", found=f"no {source / file}")
                    self._commands.run(
                        ["cp", "--reflink=auto", "--sparse=auto", "--", str(source / file), str(working / file)]
                    )
            else:
                self._commands.run(
                    [
                        "tar",
                        "--extract",
                        "--gzip",
                        "--sparse",
                        "--no-same-owner",
                        "--no-same-permissions",
                        "--file",
                        str(source),
                        "--directory",
                        str(working),
                        *FILES,
                        MANIFEST,
                    ]
                )
            image = Image.parse((working / MANIFEST).read_text(encoding="utf-8"), path=str(working / MANIFEST))
            if image.name != name or (identity is not None and image.identity != identity):
                raise InvalidInput(
                    f"{source} is another image than {name}",
                    found=f"{image.name}, {image.identity}",
                    expected=f"{name}, {identity}" if identity else name,
                )
            checked = self.checked(working, image)
            _note(working, checked)
        return Stored(self.path(name), image)

    def checked(self, folder: Path, image: Image) -> dict[str, list[int]]:
        """Read all files of an image through.

        Raises:
            InvalidInput: one is not as the manifest says.
        """
        now = {}
        for file, record in image.files.items():
            path = folder / file
            digest = sha256(path)
            if digest != record.sha256:
                raise InvalidInput(
                    f"the image {image.name} is damaged: {file} has another checksum",
                    found=digest,
                    expected=record.sha256,
                    remedy="Bring it again.",
                )
            path.chmod(0o644)
            now[file] = [path.stat().st_size, path.stat().st_mtime_ns]
        return now

    def check_removable(self, name: str) -> None:
        """Look whether the folder is an image's.

        Raises:
            Conflict: the folder has no manifest of this image, or is a link.
        """
        folder = self.path(name)
        if folder.is_symlink() or not self._is_ours(folder):
            raise Conflict(
                f"{folder} is not removed, for it is no image",
                found="a symbolic link" if folder.is_symlink() else f"no {MANIFEST} of {name} in it",
                remedy="Look at it and remove it by hand.",
            )

    def remove(self, name: str) -> None:
        """Remove an image's folder, if that is what it is.

        Raises:
            Conflict: it is not.
        """
        self.check_removable(name)
        folder = self.path(name)
        # The manifest goes first: what is left of an interrupted removal is no image any more.
        (folder / MANIFEST).unlink()
        shutil.rmtree(folder)
        (self.folder / f".{name}.lock").unlink(missing_ok=True)

    def check_room(self, need: int) -> None:
        """Look whether there is room.

        Raises:
            Conflict: there is not.
        """
        folder = next(folder for folder in (self.folder, *self.folder.parents) if folder.is_dir())
        free = shutil.disk_usage(folder).free
        if free < need + _SPARE:
            raise Conflict(
                f"the file system of {folder} has too little room for the image",
                found=f"{free // MIB} MiB free",
                expected=f"{(need + _SPARE) // MIB} MiB",
                remedy="Nothing was changed. Make room or choose another folder by 'images'.",
            )

    def _is_replaceable(self, folder: Path) -> bool:
        """Whether a folder is an image, or what is left of one."""
        known = {*FILES, MANIFEST, PACK, _VERIFIED}
        return folder.is_dir() and all(
            entry.name in known or entry.name.startswith((f".{PACK}", f"{_VERIFIED}.")) for entry in folder.iterdir()
        )

    def _is_ours(self, folder: Path) -> bool:
        try:
            data = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return isinstance(data, dict) and data.get("name") == folder.name


def pack(folder: Path, commands: Commands) -> Path:
    """Make the one file by which an image travels, holes left out; an older one is kept while it fits the manifest.

    Args:
        folder: the image's folder.
        commands: programs of this machine.
    """
    made = folder / PACK
    manifest = folder / MANIFEST
    if made.is_file() and made.stat().st_mtime_ns >= manifest.stat().st_mtime_ns:
        return made
    compressor = "pigz" if commands.has("pigz") else "gzip"
    working = folder / f".{PACK}.partial"
    commands.run(
        [
            "tar",
            "--create",
            "--sparse",
            f"--use-compress-program={compressor}",
            "--owner=0",
            "--group=0",
            "--numeric-owner",
            "--format=gnu",
            "--file",
            str(working),
            "--directory",
            str(folder),
            MANIFEST,
            *FILES,
        ]
    )
    working.rename(made)
    return made


def sha256(path: Path) -> str:
    """The checksum of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _content(folder: Path) -> int:
    """Bytes that the files of a folder really take."""
    return sum(file.stat().st_blocks * 512 for file in folder.iterdir() if file.name in FILES)


def _seen(folder: Path) -> dict[str, list[int]]:
    try:
        data = json.loads((folder / _VERIFIED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _note(folder: Path, state: dict[str, list[int]]) -> None:
    """Keep the outcome of a full check; where that is not allowed, the next check is a full one again."""
    working = folder / f"{_VERIFIED}.{os.getpid()}"
    try:
        working.write_text(json.dumps(state), encoding="utf-8")
        working.rename(folder / _VERIFIED)
    except OSError:
        return
