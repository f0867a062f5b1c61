# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nouns of guest images: the recipe, the finished image, a disk to be made from it, what makes it one guest's own."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import (
    absolute_path,
    is_host_name,
    lvm_name,
    mac_address,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size

ROOT = "root.img"
KERNEL = "vmlinuz"
RAMDISK = "initrd.img"
FILES = (ROOT, KERNEL, RAMDISK)
MANIFEST = "image.json"
PACK = "pack.tar.gz"
FORMAT = 1
INITS = ("systemd", "busybox")

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", re.ASCII)
_SUITE = re.compile(r"[a-z][a-z0-9.-]{0,31}", re.ASCII)
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{1,127}", re.ASCII)
_TARGET = re.compile(r"/[A-Za-z0-9._+:@/-]*", re.ASCII)
_GUEST_PATH = re.compile(r"(?:/[A-Za-z0-9._+:@,=~%-]+)+", re.ASCII)
_MODE = re.compile(r"0?[0-7]{3}", re.ASCII)


def image_name(value: str, *, what: str = "name") -> str:
    """The name of an image, which is also the name of its folder.

    Raises:
        InvalidInput: it has other characters than letters, digits and ``._+-``, begins otherwise, or is too long.
    """
    if not _IMAGE.fullmatch(value):
        raise InvalidInput(
            f"{what} is not usable as the name of an image",
            found=repr(value),
            expected="letters, digits and '._+-', beginning with a letter or digit, at most 64",
        )
    return value


@dataclass(frozen=True)
class ImageRecipe:
    """What an image is built from.

    Attributes:
        suite: the Debian release, such as ``trixie``.
        packages: packages beyond those that each image has.
        size: size of the file system; None makes it as small as its content allows.
        mirror: where the packages come from; None leaves that to mmdebstrap.
        init: the guests' first program, one of `INITS`.
    """

    suite: str
    packages: tuple[str, ...] = ()
    size: Size | None = None
    mirror: str | None = None
    init: str = INITS[0]

    def __post_init__(self) -> None:
        if not _SUITE.fullmatch(self.suite):
            raise InvalidInput("suite is no name of a release", found=repr(self.suite), expected="such as 'trixie'")
        for package in self.packages:
            if not _PACKAGE.fullmatch(package):
                raise InvalidInput("packages has what is no name of a package", found=repr(package))
        if self.mirror is not None and not re.fullmatch(r"[a-z+]+:[^\s'\"]+", self.mirror):
            raise InvalidInput("mirror is no address of a mirror", found=repr(self.mirror))
        if self.init not in INITS:
            raise InvalidInput("init is not known", found=repr(self.init), expected=" or ".join(INITS))

    def hash(self, content: str) -> str:
        """What says whether an image was made from this recipe.

        Args:
            content: the digest of what the collection itself puts into each image.
        """
        parts = {
            "suite": self.suite,
            "packages": sorted(set(self.packages)),
            "size": self.size.bytes if self.size else None,
            "mirror": self.mirror,
            "init": self.init,
            "content": content,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class FileRecord:
    """One file of an image, as it was when the image was finished."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Image:
    """A finished image, as its manifest tells.

    Attributes:
        name: its name, also that of its folder.
        recipe: hash of the recipe it was built from.
        suite: the release.
        kernel_release: the version of its kernel.
        built_at: when, UTC, ISO 8601.
        files: size and SHA-256 of each file.
        packages: version of each package in it.
    """

    name: str
    recipe: str
    suite: str
    kernel_release: str
    built_at: str
    files: Mapping[str, FileRecord]
    packages: Mapping[str, str] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """One checksum for the content of all its files."""
        text = "".join(f"{name} {self.files[name].sha256}\n" for name in sorted(self.files))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def size(self) -> Size:
        """Size of its file system."""
        return Size(self.files[ROOT].size)

    def render(self) -> str:
        """The manifest's text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=1, sort_keys=True) + "\n"

    @classmethod
    def parse(cls, text: str, *, path: str) -> Image:
        """Read a manifest.

        Args:
            text: what the file has.
            path: the file, for the message.

        Raises:
            InvalidInput: it is no manifest of an image.
        """
        try:
            data = json.loads(text)
            if data.pop("format") != FORMAT:
                raise InvalidInput(f"the manifest {path} is of another format", expected=str(FORMAT))
            files = {
                name: FileRecord(int(part["size"]), str(part["sha256"])) for name, part in data.pop("files").items()
            }
            image = cls(files=files, **data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidInput(
                f"{path} is no manifest of an image", found=str(error), remedy="Build or install the image anew."
            ) from error
        if set(files) != set(FILES):
            raise InvalidInput(
                f"the manifest {path} names other files than an image has",
                found=", ".join(sorted(files)),
                expected=", ".join(FILES),
            )
        image_name(image.name, what=f"the name in {path}")
        return image


@dataclass(frozen=True)
class FileTarget:
    """A disk that is a raw file.

    Attributes:
        path: where it will be.
    """

    path: str

    def __post_init__(self) -> None:
        absolute_path(self.path)
        if not _TARGET.fullmatch(self.path) or self.path.endswith("/") or self.path.rsplit("/", 1)[1].startswith("."):
            raise InvalidInput(
                "path is not usable for a disk",
                found=repr(self.path),
                expected="an absolute path of a file, of letters, digits and '._+:@-'",
            )

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True)
class VolumeTarget:
    """A disk that is an LVM volume.

    Attributes:
        group: the volume group.
        name: the volume.
    """

    group: str
    name: str

    def __post_init__(self) -> None:
        lvm_name(self.group, field="volume.group")
        lvm_name(self.name, field="volume.name")

    @property
    def device(self) -> str:
        """The device node."""
        return f"/dev/{self.group}/{self.name}"

    def __str__(self) -> str:
        return self.device


Target: TypeAlias = "FileTarget | VolumeTarget"


@dataclass(frozen=True)
class Interface:
    """How a guest sets up one of its network interfaces.

    Attributes:
        mac: which interface.
        addresses: with prefix length; empty means that the network's DHCP server says.
        gateway: the router.
        dns: the name servers.
        mtu: largest packet.
    """

    mac: str
    addresses: tuple[str, ...] = ()
    gateway: str | None = None
    dns: tuple[str, ...] = ()
    mtu: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "mac", mac_address(self.mac, field="personality.interfaces.mac"))
        for address in self.addresses:
            try:
                ipaddress.ip_interface(address)
            except ValueError as error:
                raise InvalidInput("an address of an interface is none", found=repr(address)) from error
            if "/" not in address:
                raise InvalidInput(
                    "an address of an interface lacks its prefix length", found=repr(address), expected=f"{address}/24"
                )
        for address in (*self.dns, *((self.gateway,) if self.gateway else ())):
            try:
                ipaddress.ip_address(address)
            except ValueError as error:
                raise InvalidInput("a gateway or name server is no address", found=repr(address)) from error
        if self.mtu is not None and not 68 <= self.mtu <= 65535:
            raise InvalidInput("the MTU of an interface cannot be", found=str(self.mtu), expected="68 to 65535")


@dataclass(frozen=True)
class GuestFile:
    """A file for one guest alone.

    Attributes:
        path: where in the guest.
        content: its text; perhaps a secret.
        mode: its permissions.
    """

    path: str
    content: str = field(repr=False)
    mode: int = 0o600

    def __post_init__(self) -> None:
        if not _GUEST_PATH.fullmatch(self.path) or {".", ".."} & set(self.path.split("/")):
            raise InvalidInput(
                "the path of a file for the guest is not usable",
                found=repr(self.path),
                expected="an absolute path of letters, digits and '._+:@,=~%-'",
            )


@dataclass(frozen=True)
class Mount:
    """A further file system of the guest, or its swap space.

    Attributes:
        device: such as ``/dev/xvdb``.
        path: where; ``none`` for swap.
        filesystem: ``swap``, ``ext4``, ``nfs4`` ...
        options: as in fstab.
    """

    device: str
    path: str
    filesystem: str
    options: str = "defaults"

    def __post_init__(self) -> None:
        for value in (self.device, self.path, self.filesystem, self.options):
            if not value or not value.isprintable() or any(char.isspace() for char in value):
                raise InvalidInput("a part of a mount has blanks or is empty", found=repr(value))

    def __str__(self) -> str:
        return f"{self.device} {self.path} {self.filesystem} {self.options} 0 {0 if self.filesystem == 'swap' else 2}"


@dataclass(frozen=True)
class Personality:
    """What makes a clone one guest's own.

    Attributes:
        hostname: its name, perhaps with the domain.
        authorized_keys: who may come in as root.
        interfaces: its network.
        mounts: its further file systems.
        files: its own files.
    """

    hostname: str | None = None
    authorized_keys: tuple[str, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    mounts: tuple[Mount, ...] = ()
    files: tuple[GuestFile, ...] = ()

    def __post_init__(self) -> None:
        if self.hostname is not None and not is_host_name(self.hostname):
            raise InvalidInput("personality.hostname is no host name", found=repr(self.hostname))
        for key in self.authorized_keys:
            if "\n" in key.strip() or len(key.split()) < 2:
                raise InvalidInput("personality.authorized_keys has what is no public key", found=repr(key[:40]))


@dataclass(frozen=True)
class Clone:
    """A disk that shall exist.

    Attributes:
        target: where.
        size: how large; None: as large as the image.
        image: the image it begins as; None: an empty disk.
        filesystem: what an empty disk is formatted with (``ext4``, ``swap``); None: not at all.
        personality: what makes it one guest's own; only with an image.
    """

    target: Target
    size: Size | None = None
    image: str | None = None
    filesystem: str | None = None
    personality: Personality | None = None

    def __post_init__(self) -> None:
        if self.image is not None:
            image_name(self.image, what="image")
        if self.image is None and self.size is None:
            raise InvalidInput(f"the empty disk {self.target} needs a size")
        if self.image is not None and self.filesystem is not None:
            raise InvalidInput(f"the disk {self.target} has an image, so it cannot be given another file system")
        if self.image is None and self.personality is not None:
            raise InvalidInput(f"the disk {self.target} has no image, so there is nothing to personalise")
        if self.size is not None and self.size.bytes % MIB:
            raise InvalidInput(f"the size of {self.target} is no whole number of MiB", found=str(self.size))


def file_mode(value: str | None, *, default: int) -> int:
    """Permissions as people write them (``'0640'``).

    Raises:
        InvalidInput: they are none.
    """
    if value is None:
        return default
    if not _MODE.fullmatch(value):
        raise InvalidInput("mode is no octal number in quotes", found=repr(value), expected="such as '0640'")
    return int(value, 8)


def image_recipe(data: Mapping[str, Any]) -> ImageRecipe:
    """A recipe from a module's options.

    Raises:
        InvalidInput: one of them is not usable.
    """
    size = data.get("size")
    return ImageRecipe(
        suite=data["suite"],
        packages=tuple(sorted(set(data.get("packages") or ()))),
        size=Size.parse(size) if size is not None else None,
        mirror=data.get("mirror"),
        init=data.get("init") or INITS[0],
    )


def clone(data: Mapping[str, Any]) -> Clone:
    """One entry of the option ``clones``.

    Raises:
        InvalidInput: a part of it is not usable.
    """
    path, volume = data.get("path"), data.get("volume")
    if (path is None) == (volume is None):
        raise InvalidInput("each of the clones needs either path or volume")
    target: Target = FileTarget(path) if path is not None else VolumeTarget(**(volume or {}))
    size, traits = data.get("size"), data.get("personality")
    return Clone(
        target=target,
        size=Size.parse(size) if size is not None else None,
        image=data.get("image") or None,
        filesystem=data.get("filesystem"),
        personality=personality(traits) if traits is not None else None,
    )


def personality(data: Mapping[str, Any]) -> Personality:
    """The option ``personality``.

    Raises:
        InvalidInput: a part of it is not usable.
    """
    return Personality(
        hostname=data.get("hostname"),
        authorized_keys=tuple(key.strip() for key in data.get("authorized_keys") or ()),
        interfaces=tuple(
            Interface(
                mac=part["mac"],
                addresses=tuple(part.get("addresses") or ()),
                gateway=part.get("gateway"),
                dns=tuple(part.get("dns") or ()),
                mtu=part.get("mtu"),
            )
            for part in data.get("interfaces") or ()
        ),
        mounts=tuple(
            Mount(part["device"], part["path"], part["filesystem"], part.get("options") or "defaults")
            for part in data.get("mounts") or ()
        ),
        files=tuple(
            GuestFile(part["path"], part["content"], file_mode(part.get("mode"), default=0o600))
            for part in data.get("files") or ()
        ),
    )
