# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what is and what should be to what is to be done with images and disks, pure."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.image import Clone, Image
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change


@dataclass(frozen=True)
class Disk:
    """A declared disk and what was found in its place.

    Attributes:
        clone: what is declared.
        found: the size of what is there; None where nothing is.
        size: how large the disk has to be made (declared, or the image's own); None where the image is still to come.
    """

    clone: Clone
    found: Size | None
    size: Size | None

    @property
    def size_differs(self) -> bool:
        """Whether a disk that is there has another size than declared."""
        return self.found is not None and self.clone.size is not None and self.found != self.clone.size


def of_image(found: Image | None, *, wanted: str, reason: str | None) -> tuple[Change, ...]:
    """The change that building or installing an image would be.

    Args:
        found: the image that is there.
        wanted: how the image that shall be there is described.
        reason: why it has to be made; None when all fits.
    """
    if reason is None:
        return ()
    return (Change("image", f"{found.name} of {found.built_at}" if found else None, f"{wanted} ({reason})"),)


def of_disks(disks: tuple[Disk, ...]) -> tuple[Change, ...]:
    """The changes that making the missing disks would be."""
    return tuple(
        Change(f"clones[{disk.clone.target}]", None, f"{disk.size or 'as large as its image'}, {_origin(disk.clone)}")
        for disk in disks
        if disk.found is None
    )


def disk(clone: Clone, image: Image | None, found: Size | None) -> Disk:
    """Match a declared disk with its image and what is there.

    Raises:
        InvalidInput: it is declared smaller than its image.
    """
    if image is None:
        if clone.size is None:
            raise InvalidInput(f"the empty disk {clone.target} needs a size")
        return Disk(clone, found, clone.size)
    if clone.size is not None and clone.size < image.size:
        raise InvalidInput(
            f"the disk {clone.target} would be smaller than the image {image.name}",
            found=str(clone.size),
            expected=f"{image.size} or more",
        )
    return Disk(clone, found, clone.size or image.size)


def check_distinct(clones: tuple[Clone, ...]) -> None:
    """No disk may be declared twice.

    Raises:
        InvalidInput: one is.
    """
    seen: set[str] = set()
    for one in clones:
        if str(one.target) in seen:
            raise InvalidInput(f"the disk {one.target} is named twice among the clones")
        seen.add(str(one.target))


def _origin(clone: Clone) -> str:
    """What the disk begins as, in words."""
    if clone.image is not None:
        name = clone.personality.hostname if clone.personality else None
        return f"from {clone.image}" + (f" for {name}" if name else "")
    return f"empty, {clone.filesystem}" if clone.filesystem else "empty"
