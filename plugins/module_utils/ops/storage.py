# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a host's mounts, folders and volume groups what they should be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import (
    CommandFailed,
    Conflict,
    Refused,
    XenfleetError,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.storage import FoundStorage, HostStorage, StorageMount
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.storage import (
    DirectoryStep,
    MountStep,
    StoragePlan,
    directory_obstacles,
    directory_steps,
    obstacles,
    plan_storage,
    to_come,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.storage import (
    HostFolders,
    HostMounts,
    HostVolumeGroups,
)

_LOOK_SECONDS = 5.0  # how long check mode waits for a server


@dataclass(frozen=True)
class Outcome:
    """What was or would be done.

    Attributes:
        changes: that.
        missing_packages: what has to be installed first. Outside of check mode nothing was done, then.
        warnings: what check mode cannot know to go well.
    """

    changes: tuple[Change, ...] = ()
    missing_packages: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class StorageOperations:
    """The storage of one host.

    Attributes:
        commands: programs of the host.
        mounts: what is mounted.
        folders: its folders.
        groups: its volume groups.
        answers: whether an NFS server answers within some seconds.
    """

    commands: Commands
    mounts: HostMounts
    folders: HostFolders
    groups: HostVolumeGroups
    answers: Callable[[str, float], bool]

    def ensure(self, declared: HostStorage, *, check: bool, timeout: float) -> Outcome:
        """Make the storage what is declared; what is not named is left alone.

        Args:
            declared: what is asked for.
            check: only look.
            timeout: seconds that an NFS server has to answer.

        Raises:
            Refused: something forbids it; all of it is named and nothing was touched.
            CommandFailed: it failed on the way; ``applied`` has what was done.
            Conflict: what a mount brought is in the way of a folder; likewise.
        """
        found = self._look(declared)
        coming = to_come(declared, found)
        silent = self._silent(coming, min(timeout, _LOOK_SECONDS) if check else timeout)
        problems = obstacles(declared, found)
        if not check:
            problems += silent
        if problems:
            raise Refused("The storage of this host cannot be made so", problems)
        plan = plan_storage(declared, found)
        missing = self._missing(declared, coming)
        if check:
            # A silent server is no error here: its network may be what an earlier task would bring.
            return Outcome(plan.changes, missing, tuple(silent))
        if missing:
            return Outcome(missing_packages=missing)
        return Outcome(self._apply(declared, plan))

    def _look(self, declared: HostStorage) -> FoundStorage:
        return FoundStorage(
            {mount.path: self.mounts.found(mount) for mount in declared.mounts},
            {directory.path: self.folders.found(directory) for directory in declared.directories},
            {group.name: self.groups.found(group) for group in declared.groups},
        )

    def _silent(self, mounts: tuple[StorageMount, ...], timeout: float) -> list[str]:
        """The mounts whose server does not answer, each server asked once."""
        servers = dict.fromkeys(mount.server for mount in mounts if mount.server is not None)
        dead = {server for server in servers if not self.answers(server, timeout)}
        return [
            f"the NFS server of {mount.source} does not answer on port 2049 within {timeout:g} s; expected: an answer, for "
            f"{mount.path}. Check the server, and the network between it and this host"
            for mount in mounts
            if mount.server in dead
        ]

    def _missing(self, declared: HostStorage, coming: tuple[StorageMount, ...]) -> tuple[str, ...]:
        """The packages without which it cannot be done."""
        needed = [("mount.nfs", "nfs-common")] if any(mount.is_nfs for mount in coming) else []
        needed += [("vgcreate", "lvm2")] if declared.groups else []
        return tuple(package for program, package in needed if not self.commands.has(program))

    def _apply(self, declared: HostStorage, plan: StoragePlan) -> tuple[Change, ...]:
        done: list[Change] = []
        try:
            for mount in plan.mounts:
                self._mount(mount)
                done += mount.changes
            directories = plan.directories
            if any(mount.start for mount in plan.mounts):
                directories = self._directories_now(declared)
            for directory in directories:
                self.folders.make(directory.directory)
                done.append(directory.change)
            for group in plan.groups:
                (self.groups.create if group.create else self.groups.extend)(group.name, group.devices)
                done.append(group.change)
        except XenfleetError as error:
            error.applied = tuple(change.field for change in done)
            raise
        return tuple(done)

    def _mount(self, step: MountStep) -> None:
        """Bring one mount to what is declared, and see that it is."""
        mount = step.mount
        if step.start:
            self.mounts.make_point(mount.path)
        if step.text is not None:
            self.mounts.write_unit(mount.unit, step.text)
        said = self.mounts.activate(mount.unit, written=step.text is not None, enable=step.enable, start=step.start)
        now = self.mounts.found(mount)
        if now.source != mount.source:
            raise CommandFailed(
                f"{mount.source} could not be mounted at {mount.path}",
                found=": ".join(filter(None, (now.source or "nothing mounted", said))),
                expected=mount.source,
                remedy=f"Look at 'journalctl -u {mount.unit}' on the host. Its unit stays, and the next run tries again.",
            )
        if not now.enabled:
            raise CommandFailed(
                f"{mount.source} is mounted at {mount.path}, but would not be at the next start of the host",
                found=said or f"no link to {mount.unit} at {mount.target}",
                expected="an enabled unit",
                remedy=f"Look at 'systemctl status {mount.unit}' on the host.",
            )

    def _directories_now(self, declared: HostStorage) -> tuple[DirectoryStep, ...]:
        """What is to be done for the folders, seen again after something was mounted below or above them.

        Raises:
            Conflict: what was mounted has something else in a folder's place.
        """
        found = {directory.path: self.folders.found(directory) for directory in declared.directories}
        problems = directory_obstacles(declared.directories, found)
        if problems:
            raise Conflict("what was mounted is in the way of the folders", found="; ".join(problems))
        return directory_steps(declared.directories, found)
