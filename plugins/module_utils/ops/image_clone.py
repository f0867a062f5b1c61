# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Disks made from images, or empty ones: complete and under their names, or not there at all."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput, NotFound
from ansible_collections.xenfleet.xen.plugins.module_utils.model.image import (
    ROOT,
    Clone,
    FileTarget,
    VolumeTarget,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.image_store import ImageStore, Stored
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.image import Disk, check_distinct, disk
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.personality import Write, writes


class Files(Protocol):
    """Disks that are files; see ``storage.file``."""

    def size_of(self, target: FileTarget) -> Size | None: ...
    def check(self, wanted: Sequence[tuple[FileTarget, int]]) -> None: ...
    def making(self, target: FileTarget, size: Size) -> AbstractContextManager[str]: ...
    def fill(self, source: str, partial: str) -> None: ...


class Volumes(Protocol):
    """Disks that are volumes; see ``storage.lvm``."""

    def size_of(self, target: VolumeTarget) -> Size | None: ...
    def check(self, wanted: Sequence[tuple[VolumeTarget, Size]]) -> None: ...
    def making(self, target: VolumeTarget, size: Size) -> AbstractContextManager[str]: ...
    def fill(self, source: str, partial: str) -> None: ...


class FileSystem(Protocol):
    """A file system that is not mounted; see ``storage.ext4``."""

    def grow(self, path: str) -> None: ...
    def make(self, path: str, filesystem: str) -> None: ...
    def write(self, path: str, writes: Sequence[Write]) -> None: ...


@dataclass(frozen=True)
class Pending:
    """What earlier tasks of a play would have made, were it not check mode.

    Attributes:
        images: names of images.
        groups: names of volume groups.
    """

    images: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Stores:
    """What disks are made with."""

    images: ImageStore
    files: Files
    volumes: Volumes
    file_system: FileSystem


@dataclass(frozen=True)
class Work:
    """The declared disks as found, and the images of those to be made."""

    disks: tuple[Disk, ...]
    images: Mapping[str, Stored]


def look(
    clones: Sequence[Clone], stores: Stores, *, full: bool, remember: bool, pending: Pending | None = None
) -> Work:
    """Compare what is declared with what is there, and look for obstacles; nothing is touched.

    Only images that a missing disk needs are looked at.

    Args:
        clones: the declared disks.
        stores: what they are made with.
        full: check the images' content whatever was found before.
        remember: note that the images were checked.
        pending: what may be missing.

    Raises:
        InvalidInput: a disk is declared twice or too small, an image is damaged.
        NotFound: an image or a volume group is missing.
        Conflict: something else is in the place of a disk, or there is too little room.
    """
    pending = pending or Pending()
    check_distinct(tuple(clones))
    found = [_size_of(clone, stores, pending) for clone in clones]
    for clone in clones:
        if clone.personality is not None:
            writes(clone.personality)
    missing = [clone for clone, size in zip(clones, found, strict=True) if size is None]
    images: dict[str, Stored] = {}
    for name in dict.fromkeys(clone.image for clone in missing if clone.image is not None):
        if name not in pending.images or stores.images.find(name) is not None:
            images[name] = stores.images.verified(name, full=full, remember=remember)
    disks = []
    for clone, size in zip(clones, found, strict=True):
        if size is not None:
            disks.append(Disk(clone, size, size))
        elif clone.image is not None and clone.image not in images:
            disks.append(Disk(clone, None, clone.size))
        else:
            disks.append(disk(clone, images[clone.image].image if clone.image else None, None))
    files: list[tuple[FileTarget, int]] = []
    volumes: list[tuple[VolumeTarget, Size]] = []
    for one in disks:
        target = one.clone.target
        if one.found is not None or one.size is None:
            continue
        if isinstance(target, FileTarget):
            files.append((target, _content(one, images)))
        elif target.group not in pending.groups:
            volumes.append((target, one.size))
    stores.files.check(files)
    stores.volumes.check(volumes)
    return Work(tuple(disks), images)


def make(one: Disk, work: Work, stores: Stores) -> None:
    """Make a missing disk."""
    target, clone = one.clone.target, one.clone
    if one.size is None:
        raise InvalidInput(f"the size of the disk {target} is not known")
    if isinstance(target, FileTarget):
        with stores.files.making(target, one.size) as partial:
            if clone.image is not None:
                stores.files.fill(_root(clone.image, work), partial)
            os.truncate(partial, one.size.bytes)
            _finish(partial, clone, one, work, stores)
    else:
        with stores.volumes.making(target, one.size) as device:
            if clone.image is not None:
                stores.volumes.fill(_root(clone.image, work), device)
            _finish(device, clone, one, work, stores)


def as_result(one: Disk, *, made: bool) -> dict[str, Any]:
    """A disk in a module's result."""
    target = one.clone.target
    size = one.found or one.size
    return {
        "path": target.path if isinstance(target, FileTarget) else target.device,
        "image": one.clone.image,
        "size": str(size) if size else None,
        "size_bytes": size.bytes if size else None,
        "changed": made,
        "size_differs": one.size_differs,
    }


def _finish(path: str, clone: Clone, one: Disk, work: Work, stores: Stores) -> None:
    if clone.image is None:
        if clone.filesystem is not None:
            stores.file_system.make(path, clone.filesystem)
        return
    if one.size is not None and one.size > work.images[clone.image].image.size:
        stores.file_system.grow(path)
    if clone.personality is not None:
        stores.file_system.write(path, writes(clone.personality))


def _root(name: str, work: Work) -> str:
    return str(work.images[name].folder / ROOT)


def _content(one: Disk, images: Mapping[str, Stored]) -> int:
    """Bytes that the new disk begins with."""
    if one.clone.image is None or one.clone.image not in images:
        return 0
    return (images[one.clone.image].folder / ROOT).stat().st_blocks * 512


def _size_of(clone: Clone, stores: Stores, pending: Pending) -> Size | None:
    if isinstance(clone.target, FileTarget):
        return stores.files.size_of(clone.target)
    try:
        return stores.volumes.size_of(clone.target)
    except NotFound:
        if clone.target.group in pending.groups:
            return None
        raise
