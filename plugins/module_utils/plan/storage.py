# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what a host has of its storage to what is to be done for what is declared, pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.model.storage import (
    FOLDER,
    Directory,
    FoundDevice,
    FoundDirectory,
    FoundGroup,
    FoundMount,
    FoundStorage,
    HostStorage,
    StorageMount,
    VolumeGroup,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change, Effect

_HEAD = "# Written by Ansible (xenfleet.xen.xen_storage), which undoes other changes when it runs again."
_SHOWN = {"What": "source", "Type": "fstype", "Options": "options"}  # key in the unit to the option's name


@dataclass(frozen=True)
class MountStep:
    """What is to be done for one mount.

    Attributes:
        mount: what is declared.
        text: the unit's text, where it has to be written.
        enable: let it be mounted at each start.
        start: mount it.
        changes: how that is said.
    """

    mount: StorageMount
    text: str | None
    enable: bool
    start: bool
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class DirectoryStep:
    """A folder that is to be made or corrected."""

    directory: Directory
    change: Change


@dataclass(frozen=True)
class GroupStep:
    """A volume group that is to be made, or extended by devices."""

    name: str
    create: bool
    devices: tuple[str, ...]
    change: Change


@dataclass(frozen=True)
class StoragePlan:
    """What is to be done, in this order."""

    mounts: tuple[MountStep, ...] = ()
    directories: tuple[DirectoryStep, ...] = ()
    groups: tuple[GroupStep, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """All of it, as it is said."""
        return (
            *(change for mount in self.mounts for change in mount.changes),
            *(step.change for step in self.directories),
            *(step.change for step in self.groups),
        )


def plan_storage(declared: HostStorage, found: FoundStorage) -> StoragePlan:
    """Compare what is declared with what is there."""
    mounts = (_mount_step(mount, found.mounts[mount.path]) for mount in declared.mounts)
    groups = (_group_step(group, found.groups[group.name]) for group in declared.groups)
    return StoragePlan(
        tuple(step for step in mounts if step is not None),
        directory_steps(declared.directories, found.directories, to_come(declared, found)),
        tuple(step for step in groups if step is not None),
    )


def to_come(declared: HostStorage, found: FoundStorage) -> tuple[StorageMount, ...]:
    """The declared mounts where nothing is mounted yet."""
    return tuple(mount for mount in declared.mounts if found.mounts[mount.path].source is None)


def directory_steps(
    directories: Iterable[Directory], found: Mapping[str, FoundDirectory], hiding: Collection[StorageMount] = ()
) -> tuple[DirectoryStep, ...]:
    """The folders that are to be made or corrected.

    Args:
        directories: what is declared.
        found: what is there, by path.
        hiding: mounts to come. What is found below them now says nothing of what will be there.
    """
    steps = []
    for directory in directories:
        there = found[directory.path]
        wanted = _access(there.wanted_owner or directory.owner, there.wanted_group or directory.group, directory.mode)
        before = _access(there.owner, there.group, there.mode) if there.kind == FOLDER else None
        mount = _above(directory, hiding)
        if mount is not None:
            before, wanted = None, f"{wanted} (unless {mount.source} has it so)"
        if before != wanted:
            steps.append(DirectoryStep(directory, Change(f"directories[{directory.path}]", before, wanted)))
    return tuple(steps)


def obstacles(declared: HostStorage, found: FoundStorage) -> list[str]:
    """Everything on the host that forbids what is declared."""
    problems = [words for mount in declared.mounts for words in _mount_obstacles(mount, found.mounts[mount.path])]
    problems += directory_obstacles(declared.directories, found.directories, to_come(declared, found))
    taken: dict[str, str] = {}
    for group in declared.groups:
        for device in found.groups[group.name].new:
            problems += _device_obstacles(group, device)
            if device.real in taken:
                problems.append(
                    f"{device.name} and {taken[device.real]} are the same device; expected: each device once. "
                    "Take one of them out of the declaration"
                )
            taken[device.real] = device.name
    return problems


def directory_obstacles(
    directories: Iterable[Directory], found: Mapping[str, FoundDirectory], hiding: Collection[StorageMount] = ()
) -> list[str]:
    """What forbids folders; see ``directory_steps``."""
    problems = []
    for directory in directories:
        there = found[directory.path]
        if there.kind not in (None, FOLDER) and _above(directory, hiding) is None:
            problems.append(_no_folder(directory.path, there.kind))
        for what, name, known in (
            ("user", directory.owner, there.wanted_owner),
            ("group", directory.group, there.wanted_group),
        ):
            if known is None:
                problems.append(
                    f"{directory.path} cannot be given to the {what} '{name}', for the host has none of that name. "
                    "Make it first, or name another"
                )
    return problems


def unit_text(mount: StorageMount) -> str:
    """The systemd unit of a mount."""
    order = (
        "Wants=network-online.target\nAfter=network-online.target\nBefore=remote-fs.target\n" if mount.is_nfs else ""
    )
    return (
        f"{_HEAD}\n"
        "[Unit]\n"
        f"Description=Storage for guests at {_literal(mount.path)}\n"
        f"{order}"
        "\n"
        "[Mount]\n"
        f"What={_literal(mount.source)}\n"
        f"Where={_literal(mount.path)}\n"
        f"Type={mount.fstype}\n"
        f"Options={_literal(mount.options)}\n"
        "TimeoutSec=30\n"
        "\n"
        "[Install]\n"
        f"WantedBy={mount.target}\n"
    )


def _literal(value: str) -> str:
    """A value as systemd reads it back: what follows a percent sign would be replaced."""
    return value.replace("%", "%%")


def _mount_step(mount: StorageMount, found: FoundMount) -> MountStep | None:
    text = unit_text(mount)
    write, enable, start = found.unit != text, not found.enabled, found.source is None
    where = f"mounts[{mount.path}]"
    changes: list[Change] = []
    if start:
        changes.append(Change(where, None, f"{mount.source} ({mount.fstype}, {mount.options})"))
    else:
        if write:
            changes += _unit_changes(where, found.unit, text, mount.unit)
        if enable:
            changes.append(Change(f"{where}.at_each_start", "no", "yes", Effect.NEXT_BOOT))
    if not changes:
        return None
    return MountStep(mount, text if write else None, enable, start, tuple(changes))


def _unit_changes(where: str, before: str | None, after: str, name: str) -> list[Change]:
    """How a unit's text differs, for a file system that stays mounted as it is."""
    if before is None:
        return [Change(f"{where}.unit", None, name, Effect.NEXT_BOOT)]
    old, new = _values(before), _values(after)
    changes = [
        Change(f"{where}.{option}", old.get(key), new[key], Effect.NEXT_BOOT)
        for key, option in _SHOWN.items()
        if old.get(key) != new[key]
    ]
    return changes or [Change(f"{where}.unit", f"{name}, written otherwise", name, Effect.NEXT_BOOT)]


def _values(text: str) -> dict[str, str]:
    """The keys of a unit with their values, as they were before they were written."""
    pairs = (line.partition("=") for line in text.split("\n") if not line.startswith(("#", ";")))
    return {key.strip(): value.strip().replace("%%", "%") for key, equals, value in pairs if equals}


def _mount_obstacles(mount: StorageMount, found: FoundMount) -> list[str]:
    problems = []
    if found.source not in (None, mount.source):
        problems.append(
            f"at {mount.path} something else is mounted; found: {found.source}; expected: {mount.source}. "
            "Unmount it, or choose another path"
        )
    if found.source is None and found.point not in (None, FOLDER):
        problems.append(_no_folder(mount.path, found.point))
    if found.source is None and found.covers:
        problems.append(
            f"a mount at {mount.path} would cover what is mounted below it; found: {', '.join(found.covers)}; "
            "expected: nothing. Unmount that first, or choose another path"
        )
    if found.unit_link is not None:
        problems.append(
            f"the unit {mount.unit} of {mount.path} is a link, so it is masked or somebody else's; "
            f"found: {found.unit_link}; expected: a file or nothing. Run 'systemctl unmask {mount.unit}', or remove it"
        )
    return problems


def _device_obstacles(group: VolumeGroup, device: FoundDevice) -> list[str]:
    refused = f"{device.name} is not taken into the volume group {group.name}, for it"
    if device.trouble is not None:
        return [f"{refused} cannot be read; found: {device.trouble}; expected: an empty device. Look at its name"]
    if device.content:
        return [
            f"{refused} is not empty; found: {device.content}; expected: nothing. "
            f"If nothing on it is needed, empty it by 'wipefs --all {device.name}'"
        ]
    return []


def _group_step(group: VolumeGroup, found: FoundGroup) -> GroupStep | None:
    if not found.new:
        return None
    new = tuple(device.name for device in found.new)
    before = None if found.devices is None else ", ".join(found.devices)
    change = Change(f"volume_groups[{group.name}].devices", before, ", ".join((*(found.devices or ()), *new)))
    return GroupStep(group.name, found.devices is None, new, change)


def _above(directory: Directory, mounts: Collection[StorageMount]) -> StorageMount | None:
    """The innermost of some mounts that a folder lies in."""
    above = [mount for mount in mounts if f"{directory.path}/".startswith(f"{mount.path}/")]
    return max(above, key=lambda mount: len(mount.path), default=None)


def _no_folder(path: str, kind: str | None) -> str:
    return (
        f"{path} cannot be a folder; found: {kind}; expected: {FOLDER} or nothing. Move it away, or choose another path"
    )


def _access(owner: str, group: str, mode: int) -> str:
    return f"{owner}:{group} {mode:04o}"
