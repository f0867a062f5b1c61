"""The storage of a host: names and texts of units, plans, what forbids them, and how they are carried out."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import socket
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import (
    CommandFailed,
    Conflict,
    InvalidInput,
    Refused,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.host.folders import LocalFolders
from ansible_collections.xenfleet.xen.plugins.module_utils.host.local import LocalHost
from ansible_collections.xenfleet.xen.plugins.module_utils.host.mountinfo import mount_table
from ansible_collections.xenfleet.xen.plugins.module_utils.host.mounts import UNITS, SystemdMounts
from ansible_collections.xenfleet.xen.plugins.module_utils.host.nfs import answers
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host import Mount
from ansible_collections.xenfleet.xen.plugins.module_utils.model.storage import host_storage, mount_unit
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.storage import Outcome, StorageOperations
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change, Effect
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.storage import unit_text
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult
from ansible_collections.xenfleet.xen.plugins.module_utils.storage.volume_group import VolumeGroups
from ansible_collections.xenfleet.xen.plugins.modules import xen_storage

ROLE = Path(__file__).resolve().parents[2] / "roles" / "storage"
SOURCE = "10.20.0.1:/srv/guests"
GUESTS = {"path": "/srv/guests", "source": SOURCE}
OPTIONS = "vers=4.2,hard,noatime,_netdev"
ME = pwd.getpwuid(os.getuid()).pw_name
MINE = grp.getgrgid(os.getgid()).gr_name
NAMES = [
    ("/srv/guests", "srv-guests.mount"),
    ("/srv/guests/", "srv-guests.mount"),
    ("//srv/./guests//", "srv-guests.mount"),
    ("/srv/my-guests", r"srv-my\x2dguests.mount"),
    ("/srv/a b", r"srv-a\x20b.mount"),
    ("/.hidden/.inner", r"\x2ehidden-.inner.mount"),
    ("/srv/ü", r"srv-\xc3\xbc.mount"),
    ("/srv/a\\b", r"srv-a\x5cb.mount"),
    ("/srv/100%", r"srv-100\x25.mount"),
    ("/a:b_c.d", "a:b_c.d.mount"),
    ("/", "-.mount"),
]


@dataclass
class Host:
    """A host: its mounts, systemd, LVM and NFS servers, as far as programs and files show them. The world, not the code."""

    root: Path
    programs: frozenset[str] = frozenset({"mount.nfs", "vgcreate", "vgs", "systemctl"})
    servers: frozenset[str] = frozenset({"10.20.0.1", "fd00::1"})
    brings: tuple[str, ...] = ()  # folders, or files, on the file system that is mounted
    broken: bool = False  # what is started does not come
    groups: dict[str, list[str]] = field(default_factory=dict)
    content: dict[str, str] = field(default_factory=lambda: {"/dev/sdb": "", "/dev/sdc": ""})
    ran: list[list[str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.root / "proc/self").mkdir(parents=True)
        (self.root / UNITS).mkdir(parents=True)
        (self.root / "proc/self/mountinfo").touch()
        self.mounted("/", "/dev/vda1", "ext4")

    def mounted(self, path: str, source: str, fstype: str = "nfs4", part: str = "/") -> None:
        escaped = path.replace(" ", r"\040")
        with (self.root / "proc/self/mountinfo").open("a") as table:
            table.write(f"36 35 98:0 {part} {escaped} rw,noatime master:1 - {fstype} {source} rw,errors=continue\n")

    def unit(self, name: str) -> Path:
        return self.root / UNITS / name

    # Commands
    def has(self, program: str) -> bool:
        return program in self.programs

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float | None = None, check: bool = True
    ) -> CommandResult:
        program, *rest = argv
        if program in ("vgs", "lsblk", "wipefs"):
            return self.look(program, rest[-1])
        self.ran.append(list(argv))
        if program == "systemctl" and rest[0] == "enable":
            self.enable(rest[-1])
        if program == "systemctl" and (rest[0] == "start" or "--now" in rest):
            return self.start(rest[-1])
        if program in ("vgcreate", "vgextend"):
            self.groups.setdefault(rest[1], []).extend(rest[2:])
        return CommandResult(0, "", "")

    def look(self, program: str, name: str) -> CommandResult:
        if program == "vgs":
            devices = self.groups.get(name)
            text = "".join(f"  {device}\n" for device in devices or ())
            return CommandResult(5 if devices is None else 0, text, "")
        if name not in self.content:
            return CommandResult(1, "", f"{program}: {name}: No such file or directory\n")
        found = self.content[name]
        if program == "wipefs":
            return CommandResult(0, f"0x218 LVM2_member 1234 {found}\n" if found else "", "")
        return CommandResult(0, f"{name.removeprefix('/dev/')} {found}\n", "")

    def enable(self, unit: str) -> None:
        wanted = re.findall(r"^WantedBy=(.*)$", self.unit(unit).read_text(), re.MULTILINE)
        folder = self.root / UNITS / f"{wanted[0]}.wants"
        folder.mkdir(exist_ok=True)
        if not (folder / unit).is_symlink():
            (folder / unit).symlink_to(self.unit(unit))

    def start(self, unit: str) -> CommandResult:
        if self.broken:
            return CommandResult(1, "", f"Job for {unit} failed.\nSee 'journalctl -xe'.\n")
        values = dict(line.split("=", 1) for line in self.unit(unit).read_text().splitlines() if "=" in line)
        where = self.root / values["Where"].lstrip("/")
        assert where.is_dir(), "systemd could make it, but not every mount is systemd's"
        for path in self.brings:
            if path.endswith("/"):
                (where / path).mkdir()
            else:
                (where / path).touch()
        self.mounted(values["Where"].replace("%%", "%"), values["What"].replace("%%", "%"), values["Type"])
        return CommandResult(0, "", "")

    def answers(self, server: str, timeout: float) -> bool:
        self.asked.append(server)
        return server in self.servers

    def ensure(
        self,
        *,
        check: bool = False,
        mounts: Sequence[dict[str, Any]] = (),
        directories: Sequence[dict[str, Any]] = (),
        groups: Sequence[dict[str, Any]] = (),
    ) -> Outcome:
        """One run of the module."""
        self.ran.clear()
        operations = StorageOperations(
            self, SystemdMounts(self, self.root), LocalFolders(self.root), VolumeGroups(self), self.answers
        )
        return operations.ensure(host_storage(mounts, directories, groups), check=check, timeout=10)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path / "root")


def tree(folder: Path) -> dict[str, str]:
    """All that is in a folder."""
    return {str(path): path.read_text() if path.is_file() else "" for path in folder.rglob("*")}


@pytest.mark.parametrize(("path", "unit"), NAMES)
def test_names_of_units(path: str, unit: str) -> None:
    assert mount_unit(path) == unit


@pytest.mark.skipif(shutil.which("systemd-escape") is None, reason="needs systemd")
def test_names_of_units_are_those_of_systemd() -> None:
    paths = [path for path, _unit in NAMES] + [f"/srv/{chr(code)}x" for code in range(33, 127) if chr(code) != "/"]
    argv = ["systemd-escape", "--path", "--suffix=mount", *paths]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [mount_unit(path) for path in paths]


def test_the_unit_of_an_nfs_mount() -> None:
    (mount,) = host_storage([GUESTS]).mounts
    assert unit_text(mount) == (
        "# Written by Ansible (xenfleet.xen.xen_storage), which undoes other changes when it runs again.\n"
        "[Unit]\n"
        "Description=Storage for guests at /srv/guests\n"
        "Wants=network-online.target\n"
        "After=network-online.target\n"
        "Before=remote-fs.target\n"
        "\n"
        "[Mount]\n"
        "What=10.20.0.1:/srv/guests\n"
        "Where=/srv/guests\n"
        "Type=nfs4\n"
        "Options=vers=4.2,hard,noatime,_netdev\n"
        "TimeoutSec=30\n"
        "\n"
        "[Install]\n"
        "WantedBy=remote-fs.target\n"
    )


def test_the_unit_of_a_local_file_system() -> None:
    (mount,) = host_storage([{"path": "/srv/50%/", "source": "/dev/vg0/a%b", "fstype": "ext4", "options": ""}]).mounts
    text = unit_text(mount)
    assert "network" not in text
    assert "What=/dev/vg0/a%%b\nWhere=/srv/50%%\nType=ext4\nOptions=defaults\n" in text
    assert text.endswith("WantedBy=local-fs.target\n")


@pytest.mark.parametrize(
    ("source", "server"),
    [
        (SOURCE, "10.20.0.1"),
        ("nfs.example.org:/", "nfs.example.org"),
        ("[fd00::1]:/srv", "fd00::1"),
        ("[fe80::1%eth0]:/srv", "fe80::1%eth0"),
    ],
)
def test_the_server_of_a_source(source: str, server: str) -> None:
    assert host_storage([{"path": "/srv", "source": source}]).mounts[0].server == server


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"mounts": [{**GUESTS, "path": "srv"}]}, "path is no usable path; found: 'srv'"),
        ({"mounts": [{**GUESTS, "path": "/srv/../x"}]}, "without '..'"),
        ({"mounts": [{**GUESTS, "path": "//"}]}, "the root of all files"),
        ({"mounts": [{**GUESTS, "path": "/srv\nx"}]}, "no usable path"),
        ({"mounts": [{**GUESTS, "path": "/srv\u2028x"}]}, "cannot be written into a systemd unit"),
        ({"mounts": [{**GUESTS, "path": "/srv\\"}]}, "cannot be written into a systemd unit"),
        ({"mounts": [{**GUESTS, "path": "/" + "ü" * 40}]}, "too long for the name of a systemd unit"),
        (
            {"mounts": [{**GUESTS, "source": f"{SOURCE}\nOptions=suid"}]},
            r"mounts[/srv/guests].source cannot be written",
        ),
        ({"mounts": [{**GUESTS, "source": f"{SOURCE}\\"}]}, "no backslash at its end"),
        ({"mounts": [{**GUESTS, "options": "hard\r[Install]"}]}, "mounts[/srv/guests].options cannot be written"),
        ({"mounts": [{**GUESTS, "source": "/dev/sdb"}]}, "nothing that an NFS server has"),
        ({"mounts": [{**GUESTS, "source": "fd00::1:/srv"}]}, "[fd00::1]:/srv/guests"),
        ({"mounts": [{**GUESTS, "source": "-obind", "fstype": "ext4"}]}, "nothing that can be mounted"),
        ({"mounts": [{**GUESTS, "source": "", "fstype": "ext4"}]}, "nothing that can be mounted"),
        ({"mounts": [{**GUESTS, "fstype": "ext4\nx"}]}, "no kind of file system"),
        ({"mounts": [GUESTS, {**GUESTS, "path": "/srv//guests/"}]}, "the mount at /srv/guests is declared more"),
        ({"directories": [{"path": "a"}]}, "directories[].path is no usable path"),
        ({"directories": [{"path": "/a"}, {"path": "/a/"}]}, "the folder /a is declared more than once"),
        ({"directories": [{"path": "/a", "mode": "457"}]}, "four octal digits in quotes"),
        ({"directories": [{"path": "/a", "mode": "u=rwx"}]}, "four octal digits in quotes"),
        ({"directories": [{"path": "/a", "owner": "a\nb"}]}, "directories[/a].owner is no user or group"),
        ({"directories": [{"path": "/a", "group": "4294967295"}]}, "directories[/a].group is no user or group"),
        ({"groups": [{"name": "a b", "devices": ["/dev/sdb"]}]}, "not usable in LVM"),
        ({"groups": [{"name": "-a", "devices": ["/dev/sdb"]}]}, "not usable in LVM"),
        ({"groups": [{"name": "vg0", "devices": ["sdb"]}]}, "volume_groups[vg0].devices is no usable path"),
        ({"groups": [{"name": "vg0", "devices": []}]}, "names no device"),
        (
            {"groups": [{"name": "vg0", "devices": ["/dev/sdb"]}, {"name": "vg0", "devices": ["/dev/sdc"]}]},
            "the volume group vg0 is declared more than once",
        ),
        (
            {"groups": [{"name": "vg0", "devices": ["/dev/sdb"]}, {"name": "vg1", "devices": ["/dev//sdb"]}]},
            "the device /dev/sdb is declared more than once",
        ),
    ],
)
def test_what_makes_no_sense(declared: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(words)):
        host_storage(**declared)


def test_a_mount_is_made_once(host: Host) -> None:
    before = tree(host.root)
    said = host.ensure(check=True, mounts=[GUESTS])
    assert said.changes == (Change("mounts[/srv/guests]", None, f"{SOURCE} (nfs4, {OPTIONS})"),)
    assert (tree(host.root), host.ran) == (before, [])

    done = host.ensure(mounts=[GUESTS])
    assert done == said
    assert host.ran == [["systemctl", "enable", "--now", "srv-guests.mount"]]
    assert stat.S_IMODE((host.root / "srv/guests").stat().st_mode) == 0o755
    assert stat.S_IMODE(host.unit("srv-guests.mount").stat().st_mode) == 0o644
    assert host.unit("srv-guests.mount").read_text() == unit_text(host_storage([GUESTS]).mounts[0])

    host.asked.clear()
    assert host.ensure(mounts=[{**GUESTS, "path": "/srv/guests/"}]) == Outcome()
    assert (host.ran, host.asked) == ([], [])


def test_only_what_is_missing_is_done(host: Host) -> None:
    host.ensure(mounts=[GUESTS])
    (host.root / UNITS / "remote-fs.target.wants/srv-guests.mount").unlink()
    done = host.ensure(mounts=[GUESTS])
    assert done.changes == (Change("mounts[/srv/guests].at_each_start", "no", "yes", Effect.NEXT_BOOT),)
    assert host.ran == [["systemctl", "enable", "srv-guests.mount"]]

    (host.root / "proc/self/mountinfo").write_text("")
    host.ensure(mounts=[GUESTS])
    assert host.ran == [["systemctl", "start", "srv-guests.mount"]]

    (host.root / "proc/self/mountinfo").write_text("")
    host.ensure(mounts=[{**GUESTS, "options": "soft"}])
    assert host.ran == [["systemctl", "daemon-reload"], ["systemctl", "start", "srv-guests.mount"]]


def test_options_of_a_mounted_file_system_wait_for_the_next_start(host: Host) -> None:
    host.ensure(mounts=[GUESTS])
    declared = [{**GUESTS, "options": "vers=4.2,hard,rsize=65536"}]
    said = host.ensure(check=True, mounts=declared)
    assert said.changes == (
        Change("mounts[/srv/guests].options", OPTIONS, "vers=4.2,hard,rsize=65536", Effect.NEXT_BOOT),
    )
    assert host.ensure(mounts=declared) == said
    assert host.ran == [["systemctl", "daemon-reload"]]
    assert "Options=vers=4.2,hard,rsize=65536\n" in host.unit("srv-guests.mount").read_text()
    assert host.ensure(mounts=declared) == Outcome()


def test_a_unit_that_somebody_changed_is_written_again(host: Host) -> None:
    host.mounted("/srv/guests", SOURCE)
    assert [change.field for change in host.ensure(mounts=[GUESTS]).changes] == [
        "mounts[/srv/guests].unit",
        "mounts[/srv/guests].at_each_start",
    ]
    unit = host.unit("srv-guests.mount")
    unit.write_text(unit.read_text().replace("TimeoutSec=30", "TimeoutSec=9"))
    (change,) = host.ensure(mounts=[GUESTS]).changes
    assert (change.field, change.effect) == ("mounts[/srv/guests].unit", Effect.NEXT_BOOT)
    assert "TimeoutSec=30" in unit.read_text()


def test_a_mount_comes_before_those_in_it(host: Host) -> None:
    inner = {"path": "/srv/guests/a", "source": "[fd00::1]:/a"}
    done = host.ensure(mounts=[inner, GUESTS])
    assert [change.field for change in done.changes] == ["mounts[/srv/guests]", "mounts[/srv/guests/a]"]
    assert host.asked == ["10.20.0.1", "fd00::1"]


@pytest.mark.parametrize(("source", "mounted"), [(SOURCE, f"{SOURCE}/"), (f"{SOURCE}/", SOURCE)])
def test_a_slash_at_the_end_makes_no_other_source(host: Host, source: str, mounted: str) -> None:
    host.mounted("/srv/guests", "something", "tmpfs")
    host.mounted("/srv/guests", mounted)
    changes = host.ensure(mounts=[{**GUESTS, "source": source}]).changes
    assert {change.effect for change in changes} == {Effect.NEXT_BOOT}


def test_a_device_has_several_names(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    links = {"/dev/vg0/data": "/dev/dm-0", "/dev/mapper/vg0-data": "/dev/dm-0"}
    monkeypatch.setattr(os.path, "realpath", lambda path: links.get(path, path))
    host.mounted("/srv/data", "/dev/mapper/vg0-data", "ext4")
    host.ensure(mounts=[{"path": "/srv/data", "source": "/dev/vg0/data", "fstype": "ext4"}])
    with pytest.raises(Refused, match="found: /dev/mapper/vg0-data; expected: /dev/vg0/other"):
        host.ensure(mounts=[{"path": "/srv/data", "source": "/dev/vg0/other", "fstype": "ext4"}])


@pytest.mark.parametrize("check", [True, False])
def test_all_obstacles_are_named_at_once_and_nothing_is_touched(host: Host, check: bool) -> None:
    host.mounted("/srv/guests", "/dev/sdz", "ext4")
    host.mounted("/srv/part", "/dev/sdz", "ext4", part="/sub")
    host.mounted("/srv/above/inner", "/dev/sdy", "ext4")
    (host.root / "srv").mkdir()
    (host.root / "srv/file").touch()
    host.unit("srv-masked.mount").symlink_to("/dev/null")
    host.content["/dev/sdb"] = "ext4"
    before = tree(host.root)
    with pytest.raises(Refused) as failure:
        host.ensure(
            check=check,
            mounts=[
                GUESTS,
                {"path": "/srv/part", "source": "/dev/sdz", "fstype": "ext4"},
                {"path": "/srv/above", "source": SOURCE},
                {"path": "/srv/masked", "source": SOURCE},
                {"path": "/srv/file", "source": SOURCE},
                {"path": "/srv/new", "source": SOURCE},
            ],
            directories=[
                {"path": "/srv/file/inner"},
                {"path": "/srv/other", "owner": "nobody-of-here", "group": "none-of-here"},
                {"path": "/proc/self/mountinfo"},
            ],
            groups=[{"name": "vg0", "devices": ["/dev/sdb", "/dev/sdc", "/dev/none"]}],
        )
    assert failure.value.obstacles == (
        "a mount at /srv/above would cover what is mounted below it; found: /srv/above/inner; expected: nothing. "
        "Unmount that first, or choose another path",
        "/srv/file cannot be a folder; found: a file; expected: a folder or nothing. "
        "Move it away, or choose another path",
        f"at /srv/guests something else is mounted; found: /dev/sdz; expected: {SOURCE}. "
        "Unmount it, or choose another path",
        "the unit srv-masked.mount of /srv/masked is a link, so it is masked or somebody else's; found: /dev/null; "
        "expected: a file or nothing. Run 'systemctl unmask srv-masked.mount', or remove it",
        "at /srv/part something else is mounted; found: /dev/sdz[/sub]; expected: /dev/sdz. "
        "Unmount it, or choose another path",
        "/srv/other cannot be given to the user 'nobody-of-here', for the host has none of that name. "
        "Make it first, or name another",
        "/srv/other cannot be given to the group 'none-of-here', for the host has none of that name. "
        "Make it first, or name another",
        "/proc/self/mountinfo cannot be a folder; found: a file; expected: a folder or nothing. "
        "Move it away, or choose another path",
        "/dev/sdb is not taken into the volume group vg0, for it is not empty; found: sdb ext4 0x218 LVM2_member 1234 "
        "ext4; expected: nothing. If nothing on it is needed, empty it by 'wipefs --all /dev/sdb'",
        "/dev/none is not taken into the volume group vg0, for it cannot be read; found: wipefs: /dev/none: No such "
        "file or directory; expected: an empty device. Look at its name",
    )
    assert (tree(host.root), host.ran, host.groups) == (before, [], {})


def test_a_silent_server(host: Host) -> None:
    host.servers = frozenset()
    before = tree(host.root)
    declared = [GUESTS, {"path": "/srv/images", "source": "10.20.0.1:/srv/images"}]
    with pytest.raises(Refused, match="does not answer on port 2049 within 10 s") as failure:
        host.ensure(mounts=declared)
    assert len(failure.value.obstacles) == 2
    assert host.asked == ["10.20.0.1"]
    assert (tree(host.root), host.ran) == (before, [])
    said = host.ensure(check=True, mounts=declared)
    assert len(said.changes) == len(said.warnings) == 2


def test_missing_programs(host: Host) -> None:
    host.programs = frozenset({"systemctl"})
    declared: dict[str, Any] = {
        "mounts": [GUESTS],
        "directories": [{"path": "/srv/a", "owner": ME, "group": MINE}],
        "groups": [{"name": "vg0", "devices": ["/dev/sdb"]}],
    }
    before = tree(host.root)
    assert host.ensure(**declared) == Outcome(missing_packages=("nfs-common", "lvm2"))
    said = host.ensure(check=True, **declared)
    assert said.missing_packages == ("nfs-common", "lvm2")
    assert (tree(host.root), host.ran) == (before, [])
    host.programs |= {"mount.nfs", "vgs", "vgcreate"}
    assert host.ensure(**declared).changes == said.changes
    host.programs -= {"mount.nfs"}
    assert host.ensure(**declared) == Outcome()


def test_a_mount_that_does_not_come(host: Host) -> None:
    host.broken = True
    with pytest.raises(CommandFailed) as failure:
        host.ensure(mounts=[GUESTS], directories=[{"path": "/srv/guests/a"}])
    assert str(failure.value) == (
        f"{SOURCE} could not be mounted at /srv/guests; found: nothing mounted: Job for srv-guests.mount failed. "
        f"See 'journalctl -xe'.; expected: {SOURCE}. Look at 'journalctl -u srv-guests.mount' on the host. "
        "Its unit stays, and the next run tries again."
    )
    assert not (host.root / "srv/guests/a").exists()
    host.broken = False
    assert host.ensure(mounts=[GUESTS]).changes
    assert host.ran == [["systemctl", "start", "srv-guests.mount"]]


def test_folders_are_made_and_corrected(host: Host) -> None:
    mine = {"owner": ME, "group": str(os.getgid())}
    declared = [{"path": "/a/b/c", **mine}, {"path": "/a/", "mode": "2750", **mine}]
    said = host.ensure(check=True, directories=declared)
    assert said.changes == (
        Change("directories[/a/b/c]", None, f"{ME}:{MINE} 0711"),
        Change("directories[/a]", None, f"{ME}:{MINE} 2750"),
    )
    assert not (host.root / "a").exists()
    assert host.ensure(directories=declared) == said
    modes = {path: stat.S_IMODE((host.root / path).stat().st_mode) for path in ("a", "a/b", "a/b/c")}
    assert modes == {"a": 0o2750, "a/b": 0o711, "a/b/c": 0o711}
    assert host.ensure(directories=declared) == Outcome()
    (host.root / "a/b/c").chmod(0o777)
    (change,) = host.ensure(directories=declared).changes
    assert change == Change("directories[/a/b/c]", f"{ME}:{MINE} 0777", f"{ME}:{MINE} 0711")
    assert host.ensure(directories=declared) == Outcome()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_a_folder_changes_hands(host: Host) -> None:
    (host.root / "a").mkdir(mode=0o711)
    (change,) = host.ensure(directories=[{"path": "/a", "owner": "4711", "group": "4712"}]).changes
    assert (change.before, change.after) == ("root:root 0711", "4711:4712 0711")
    assert host.ensure(directories=[{"path": "/a", "owner": "4711", "group": "4712"}]) == Outcome()
    status = (host.root / "a").stat()
    assert (status.st_uid, status.st_gid) == (4711, 4712)


def test_a_folder_on_a_mount_is_seen_when_that_is_there(host: Host) -> None:
    host.brings = ("old/", "file")
    mine = {"owner": ME, "group": MINE, "mode": "0755"}
    (host.root / "srv/guests/new").mkdir(parents=True)  # will be covered
    declared: dict[str, Any] = {
        "mounts": [GUESTS],
        "directories": [{"path": "/srv/guests/old", **mine}, {"path": "/srv/guests/more", **mine}],
    }
    said = host.ensure(check=True, **declared)
    assert [change.after for change in said.changes[1:]] == [f"{ME}:{MINE} 0755 (unless {SOURCE} has it so)"] * 2
    done = host.ensure(**declared)
    assert [change.field for change in done.changes] == ["mounts[/srv/guests]", "directories[/srv/guests/more]"]
    assert host.ensure(**declared) == Outcome()


def test_a_mount_has_something_else_in_a_folders_place(host: Host) -> None:
    host.brings = ("file",)
    with pytest.raises(Conflict, match="/srv/guests/file cannot be a folder; found: a file") as failure:
        host.ensure(mounts=[GUESTS], directories=[{"path": "/srv/guests/file"}])
    assert failure.value.applied == ("mounts[/srv/guests]",)


def test_a_volume_group_is_made_and_extended(host: Host) -> None:
    declared = [{"name": "vg0", "devices": ["/dev/sdb"]}]
    said = host.ensure(check=True, groups=declared)
    assert said.changes == (Change("volume_groups[vg0].devices", None, "/dev/sdb"),)
    assert host.ran == []
    assert host.ensure(groups=declared) == said
    assert host.ran == [["vgcreate", "--yes", "vg0", "/dev/sdb"]]
    assert host.ensure(groups=declared) == Outcome()
    (change,) = host.ensure(groups=[{"name": "vg0", "devices": ["/dev/sdc", "/dev/sdb"]}]).changes
    assert (change.before, change.after) == ("/dev/sdb", "/dev/sdb, /dev/sdc")
    assert host.ran == [["vgextend", "--yes", "vg0", "/dev/sdc"]]
    assert host.ensure(groups=declared) == Outcome()


def test_devices_by_other_names(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    links = {"/dev/disk/by-id/b": "/dev/sdb"}
    monkeypatch.setattr(os.path, "realpath", lambda path: links.get(path, path))
    host.content["/dev/disk/by-id/b"] = ""
    with pytest.raises(Refused, match="/dev/disk/by-id/b and /dev/sdb are the same device"):
        host.ensure(
            groups=[
                {"name": "vg0", "devices": ["/dev/sdb"]},
                {"name": "vg1", "devices": ["/dev/sdc", "/dev/disk/by-id/b"]},
            ]
        )
    host.groups["vg0"] = ["/dev/sdb"]
    assert host.ensure(groups=[{"name": "vg0", "devices": ["/dev/disk/by-id/b"]}]) == Outcome()


def test_a_server_that_answers_and_one_that_does_not() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        assert not answers("127.0.0.1", 0, port)
        server.listen()
        assert answers("127.0.0.1", 0, port)
    assert not answers("a..b", 0, port)


def test_the_table_of_mounts(host: Host) -> None:
    host.mounted("/srv/a b", SOURCE)
    host.mounted("/none", "", "tmpfs")
    entries = mount_table(host.root)
    assert [(entry.path, entry.source, entry.fstype) for entry in entries] == [
        ("/", "/dev/vda1", "ext4"),
        ("/srv/a b", SOURCE, "nfs4"),
        ("/none", "", "tmpfs"),
    ]
    assert LocalHost(str(host.root)).shared_mounts() == (Mount("/srv/a b", SOURCE, "nfs4"),)
    assert host.ensure(check=True, mounts=[{**GUESTS, "path": "/srv/a b"}]).warnings == ()


@pytest.mark.parametrize(
    ("variable", "option", "spec"),
    [
        ("storage_mounts", "mounts", xen_storage.MOUNT_SPEC),
        ("storage_directories", "directories", xen_storage.DIRECTORY_SPEC),
        ("storage_volume_groups", "volume_groups", xen_storage.GROUP_SPEC),
    ],
)
def test_the_role_takes_what_the_module_takes(variable: str, option: str, spec: dict[str, dict[str, Any]]) -> None:
    role = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    plain = {
        name: {key: value for key, value in one.items() if key != "description"}
        for name, one in role[variable]["options"].items()
    }
    assert plain == spec
    documented = yaml.safe_load(xen_storage.DOCUMENTATION)["options"][option]["suboptions"]
    assert list(documented) == list(spec)
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    assert {name: one.get("default") for name, one in role.items()} == defaults
