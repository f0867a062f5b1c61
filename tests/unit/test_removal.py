"""Disks that go with their guest: only those that were named and that nobody else has. The files are real, LVM's words recorded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.argspec import domain_spec, read_declaration
from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict, InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.host.guest_disks import LocalGuestDisks
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Domain,
    DomainType,
    FoundDomain,
    PowerState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.ops import removal
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.removal import removal_obstacles, remove_disk
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.removal import plan_removal
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult

from .domains import found

DISKS = LocalGuestDisks(HostCommands())


def guest(*disks: Disk, name: str = "web1", runs: bool = False) -> FoundDomain:
    domain = Domain(name, type=DomainType.PVH, kernel="/k", disks=disks)
    there = found(domain, running=domain if runs else None)
    return replace(there, state=PowerState.RUNNING if runs else PowerState.STOPPED)


def obstacles(disk: Disk, *others: FoundDomain, disks: LocalGuestDisks = DISKS) -> list[str]:
    return removal_obstacles(disks, plan_removal(guest(disk), [disk.target]), others)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "root.img"
    path.write_bytes(b"disk")
    return path


def test_the_disks_go_between_the_guest_and_its_definition() -> None:
    both = guest(Disk("xvda", "/a"), Disk("xvdb", "/b"), runs=True)
    assert [step.action.value for step in plan_removal(both, ["xvdb"])] == ["shutdown", "remove_disk", "undefine"]
    assert [change.field for step in plan_removal(both, ["xvdb", "xvdb"]) for change in step.changes] == [
        "state",
        "disks[xvdb]",
        "domain",
    ]
    assert [step.action.value for step in plan_removal(both, [])] == ["shutdown", "undefine"]
    assert plan_removal(None, ["xvda"]) == ()
    with pytest.raises(InvalidInput, match="names xvdc, which the guest does not have; found: xvda, xvdb"):
        plan_removal(both, ["xvdc"])


def test_only_a_guest_that_goes_loses_disks() -> None:
    options = {name: spec.get("default") for name, spec in domain_spec().items()}
    with pytest.raises(InvalidInput, match="only for a guest that goes"):
        read_declaration({**options, "name": "web1", "remove_disks": ["xvda"]})
    assert read_declaration({**options, "name": "web1", "state": "absent", "remove_disks": ["xvda"]}).remove_disks == (
        "xvda",
    )


def test_a_file_is_removed_and_one_that_is_gone_is_no_trouble(file: Path) -> None:
    disk = Disk("xvda", str(file))
    assert obstacles(disk) == []
    remove_disk(DISKS, disk)
    assert not file.exists()
    assert obstacles(disk) == []
    remove_disk(DISKS, disk)


def test_what_a_definition_says_keeps_a_disk(file: Path) -> None:
    path = str(file)
    for disk, word in (
        (Disk("hdc", path, cdrom=True), "CD-ROM"),
        (Disk("hdd", None, cdrom=True), "CD-ROM"),
        (Disk("xvda", path, shareable=True), "shared"),
        (Disk("xvda", "rbd:pool/web1"), "not on this host"),
    ):
        assert len(obstacles(disk)) == 1
        assert word in obstacles(disk)[0]


def test_what_is_no_file_and_no_volume_is_kept(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.img"
    link.symlink_to(file)
    assert "is a symbolic link" in obstacles(Disk("xvda", str(link)))[0]
    assert "is no file and no LVM volume" in obstacles(Disk("xvda", str(tmp_path)))[0]


@pytest.mark.parametrize("runs", [True, False])
def test_a_disk_of_another_guest_is_kept_whatever_it_is_called_there(file: Path, tmp_path: Path, runs: bool) -> None:
    link, hard = tmp_path / "link.img", tmp_path / "hard.img"
    link.symlink_to(file)
    hard.hardlink_to(file)
    for path in (file, link, hard):
        other = guest(Disk("xvda", str(path)), name="web2", runs=runs)
        assert obstacles(Disk("xvda", str(file)), other) == [
            f"remove_disks: xvda ({file}) belongs to the guest web2, too"
        ]


def test_a_file_that_is_open_is_left(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "_RELEASE_SECONDS", 0.2)
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; handle = open(sys.argv[1]); print(flush=True); sys.stdin.read()",
            str(file),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(Conflict, match="still in use and was not removed") as caught:
            remove_disk(DISKS, Disk("xvda", str(file)))
        assert f"(process {holder.pid})" in str(caught.value)
        assert file.exists()
        holder.communicate()
    remove_disk(DISKS, Disk("xvda", str(file)))
    assert not file.exists()


class Lvm:
    """LVM's answers to one question, as LVM 2.03 gave them on Debian 13."""

    def __init__(self, *, status: int = 0, words: str = "", there: bool = True) -> None:
        self._there, self._result = there, CommandResult(status, words, "")

    def has(self, _program: str) -> bool:
        return self._there

    def run(self, _argv: Sequence[str], **_how: Any) -> CommandResult:
        return self._result


@pytest.mark.parametrize(
    ("lvm", "word"),
    [
        (Lvm(words="  -wi-a-----\n"), None),
        (Lvm(words="  owi-a-s---\n"), "has snapshots"),
        (Lvm(status=5), "is a block device and no LVM volume"),
        (Lvm(there=False), "this host has no LVM"),
    ],
)
def test_of_devices_only_volumes_without_snapshots_go(
    lvm: Lvm, word: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_block_device", lambda _path: True)
    said = obstacles(Disk("xvda", "/dev/vg0/web1"), disks=LocalGuestDisks(lvm))
    assert (said == []) == (word is None)
    assert word is None or word in said[0]
