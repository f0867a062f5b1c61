# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The storage of a host: what it has mounted, folders, volume groups; as it is declared, and as it is found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import absolute_path, lvm_name

FOLDER = "a folder"  # the kind of what is found at a path
_NFS = ("nfs", "nfs4")
_UNIT_LENGTH = 255
_FSTYPE = re.compile(r"[a-z0-9][a-z0-9._-]*", re.ASCII)
_NFS_SOURCE = re.compile(r"(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|([A-Za-z0-9][\w.-]*)):/.*", re.ASCII)
_MODE = re.compile(r"[0-7]{4}", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9:_.]", re.ASCII)
_LARGEST_ID = 2**32 - 2


@dataclass(frozen=True)
class StorageMount:
    """A file system that shall be mounted.

    Attributes:
        path: where.
        source: what, such as ``10.20.0.1:/srv/guests`` or a device.
        fstype: its kind.
        options: the options of the mount.
    """

    path: str
    source: str
    fstype: str
    options: str

    @property
    def is_nfs(self) -> bool:
        """Whether it comes from an NFS server."""
        return self.fstype in _NFS

    @property
    def server(self) -> str | None:
        """The NFS server's name or address, without brackets; None where there is none."""
        match = _NFS_SOURCE.fullmatch(self.source) if self.is_nfs else None
        return (match[1] or match[2]) if match else None

    @property
    def unit(self) -> str:
        """The name of its systemd unit."""
        return mount_unit(self.path)

    @property
    def target(self) -> str:
        """The systemd target that brings it at each start."""
        return "remote-fs.target" if self.is_nfs else "local-fs.target"


@dataclass(frozen=True)
class Directory:
    """A folder that shall be there.

    Attributes:
        path: where.
        owner: the user, by name or number.
        group: the group, by name or number.
        mode: the permissions.
    """

    path: str
    owner: str
    group: str
    mode: int


@dataclass(frozen=True)
class VolumeGroup:
    """An LVM volume group that shall be there, and the devices that shall be in it."""

    name: str
    devices: tuple[str, ...]


@dataclass(frozen=True)
class HostStorage:
    """All that is declared of a host's storage.

    Attributes:
        mounts: sorted by path, so that a mount comes before those that lie in it.
        directories: in the order of the declaration.
        groups: the volume groups, likewise.
    """

    mounts: tuple[StorageMount, ...] = ()
    directories: tuple[Directory, ...] = ()
    groups: tuple[VolumeGroup, ...] = ()


@dataclass(frozen=True)
class FoundMount:
    """What was found of a declared mount.

    Attributes:
        source: what is mounted at the path now; None where nothing is.
        point: the kind of what is at the path; None where nothing is, or something is mounted.
        covers: mount points below the path that a mount would hide.
        unit: the text of its unit file; None where there is none.
        unit_link: where the unit file leads to, when it is a link.
        enabled: whether it is mounted at each start.
    """

    source: str | None = None
    point: str | None = None
    covers: tuple[str, ...] = ()
    unit: str | None = None
    unit_link: str | None = None
    enabled: bool = False


@dataclass(frozen=True)
class FoundDirectory:
    """What was found of a declared folder.

    Attributes:
        kind: the kind of what is at the path; None where nothing is.
        owner: a folder's user, by name where it has one.
        group: a folder's group, likewise.
        mode: a folder's permissions.
        wanted_owner: the declared user in the same way; None where the host has no such user.
        wanted_group: the declared group, likewise.
    """

    kind: str | None
    owner: str
    group: str
    mode: int
    wanted_owner: str | None
    wanted_group: str | None


@dataclass(frozen=True)
class FoundDevice:
    """A device that is to be taken into a volume group.

    Attributes:
        name: as it was declared.
        real: its path without links.
        trouble: why it cannot be read; None when it can.
        content: what is on it; '' for nothing.
    """

    name: str
    real: str
    trouble: str | None = None
    content: str = ""


@dataclass(frozen=True)
class FoundGroup:
    """What was found of a declared volume group.

    Attributes:
        devices: those in it; None where there is no such group.
        new: the declared ones that are not in it.
    """

    devices: tuple[str, ...] | None
    new: tuple[FoundDevice, ...] = ()


@dataclass(frozen=True)
class FoundStorage:
    """What was found of all that is declared, by path or name."""

    mounts: Mapping[str, FoundMount]
    directories: Mapping[str, FoundDirectory]
    groups: Mapping[str, FoundGroup]


def mount_unit(path: str) -> str:
    """The name that the unit of a mount has to have, as ``systemd-escape --path --suffix=mount`` gives it."""
    inner = "/".join(part for part in path.split("/") if part not in ("", "."))
    if not inner:
        return "-.mount"
    escaped = ""
    for index, char in enumerate(inner):
        if char == "/":
            escaped += "-"
        elif _PLAIN.fullmatch(char) and not (index == 0 and char == "."):
            escaped += char
        else:
            escaped += "".join(f"\\x{byte:02x}" for byte in char.encode())
    return f"{escaped}.mount"


def host_storage(
    mounts: Sequence[Mapping[str, Any]] = (),
    directories: Sequence[Mapping[str, Any]] = (),
    groups: Sequence[Mapping[str, Any]] = (),
) -> HostStorage:
    """The declared storage from options as they were typed.

    Raises:
        InvalidInput: a value makes no sense, or two of them contradict each other.
    """
    declared = HostStorage(
        tuple(sorted((_mount(one) for one in mounts), key=lambda mount: mount.path)),
        tuple(_directory(one) for one in directories),
        tuple(_group(one) for one in groups),
    )
    _once("the mount at", (mount.path for mount in declared.mounts))
    _once("the folder", (directory.path for directory in declared.directories))
    _once("the volume group", (group.name for group in declared.groups))
    _once("for volume groups, the device", (device for group in declared.groups for device in group.devices))
    return declared


def _mount(one: Mapping[str, Any]) -> StorageMount:
    path = _path(one["path"], "mounts[].path")
    where = f"mounts[{path}]"
    _unit_value(path, f"{where}.path")
    if len(mount_unit(path)) > _UNIT_LENGTH:
        raise InvalidInput(f"{where}.path is too long for the name of a systemd unit", found=mount_unit(path))
    fstype = one.get("fstype") or "nfs4"
    if not _FSTYPE.fullmatch(fstype):
        raise InvalidInput(f"{where}.fstype is no kind of file system", found=repr(fstype), expected="such as nfs4")
    source = _unit_value(one["source"], f"{where}.source")
    if not source or source.startswith("-"):
        raise InvalidInput(f"{where}.source is nothing that can be mounted", found=repr(source))
    nfs = fstype in _NFS
    if nfs and not _NFS_SOURCE.fullmatch(source):
        raise InvalidInput(
            f"{where}.source is nothing that an NFS server has",
            found=repr(source),
            expected="such as 10.20.0.1:/srv/guests or [fd00::1]:/srv/guests",
        )
    options = one.get("options") or ("vers=4.2,hard,noatime,_netdev" if nfs else "defaults")
    return StorageMount(path, source, fstype, _unit_value(options, f"{where}.options"))


def _directory(one: Mapping[str, Any]) -> Directory:
    path = _path(one["path"], "directories[].path")
    where = f"directories[{path}]"
    mode = one.get("mode") or "0711"
    if not _MODE.fullmatch(mode):
        # An unquoted 0711 in YAML is the number 457.
        raise InvalidInput(
            f"{where}.mode is no mode", found=repr(mode), expected="four octal digits in quotes, such as '0711'"
        )
    owner, group = (_account(one.get(key) or "root", f"{where}.{key}") for key in ("owner", "group"))
    return Directory(path, owner, group, int(mode, 8))


def _group(one: Mapping[str, Any]) -> VolumeGroup:
    name = lvm_name(one["name"], field="volume_groups[].name")
    devices = tuple(_path(device, f"volume_groups[{name}].devices") for device in one["devices"])
    if not devices:
        raise InvalidInput(f"volume_groups[{name}].devices names no device", expected="one or more")
    return VolumeGroup(name, devices)


def _path(value: str, field: str) -> str:
    """An absolute path in its plain form."""
    parts = [part for part in absolute_path(value, field=field).split("/") if part not in ("", ".")]
    if not parts:
        raise InvalidInput(f"{field} is the root of all files", found=repr(value), expected="a path below it")
    return "/" + "/".join(parts)


def _unit_value(value: str, field: str) -> str:
    """What can be a value in a unit file: lines end at control characters, and go on after a backslash at their end."""
    if not value.isprintable() or value != value.strip() or value.endswith("\\"):
        raise InvalidInput(
            f"{field} cannot be written into a systemd unit",
            found=repr(value),
            expected="printable characters in one line, with no blank at its ends and no backslash at its end",
        )
    return value


def _account(value: str, field: str) -> str:
    """A user or group; whether there is one of that name only the host knows."""
    if not value.isprintable() or (value.isdecimal() and int(value) > _LARGEST_ID):
        raise InvalidInput(f"{field} is no user or group", found=repr(value), expected="a name or a number")
    return value


def _once(what: str, keys: Iterable[str]) -> None:
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            raise InvalidInput(f"{what} {key} is declared more than once", expected="once")
        seen.add(key)
