"""xen_storage and the role storage run by the real Ansible on this machine: folders, and what is refused."""

from __future__ import annotations

import grp
import json
import os
import pwd
import stat
import sys
from pathlib import Path
from typing import Any

from .playing import play, run_ansible

GUESTS = {"path": "/srv/guests", "source": "10.20.0.1:/srv/guests"}
# 127.0.0.2 has no NFS server, but is no host that anybody would miss.
SILENT = {"path": "/srv/xenfleet-none", "source": "127.0.0.2:/none"}
PROC = {"path": "/proc", "source": "/dev/xenfleet-none", "fstype": "ext4"}

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"mounts": [{**GUESTS, "path": "srv/guests"}]}, "mounts[].path is no usable path"),
    ({"mounts": [{**GUESTS, "optoins": "hard"}]}, "optoins"),
    ({"mounts": [GUESTS, {**GUESTS, "path": "/srv/guests/"}]}, "the mount at /srv/guests is declared more than once"),
    ({"mounts": [{**GUESTS, "options": "hard\nExecStart=x"}]}, "mounts[/srv/guests].options cannot be written"),
    ({"mounts": [PROC]}, "at /proc something else is mounted; found: "),
    ({"directories": [{"path": "srv"}]}, "directories[].path is no usable path"),
    ({"directories": [{"path": "/srv", "mode": 457}]}, "four octal digits in quotes"),
    ({"directories": [{"path": "/srv"}, {"path": "/srv/"}]}, "the folder /srv is declared more than once"),
    ({"directories": [{"path": "/proc/version"}]}, "/proc/version cannot be a folder; found: a file"),
    ({"directories": [{"path": "/srv/x", "owner": "xenfleet-none"}]}, "the user 'xenfleet-none'"),
    ({"volume_groups": [{"name": "vg0", "devices": ["sdb"]}]}, "volume_groups[vg0].devices is no usable path"),
    ({"volume_groups": [{"name": "vg0", "devices": ["/dev/xenfleet-none"]}]}, "it cannot be read; found: wipefs"),
    (
        {"volume_groups": [{"name": name, "devices": ["/dev/sdb"]} for name in ("vg0", "vg1")]},
        "the device /dev/sdb is declared more than once",
    ),
]


def xen_storage(folder: Path, calls: list[dict[str, Any]], *flags: str) -> list[dict[str, Any]]:
    """Run the module several times in one play."""
    return play([{"xenfleet.xen.xen_storage": options} for options in calls], folder, *flags)


def test_what_makes_no_sense_or_is_in_the_way_is_refused(tmp_path: Path) -> None:
    results = xen_storage(tmp_path, [options for options, _words in REFUSED], "--check")
    for (_options, words), result in zip(REFUSED, results, strict=True):
        assert result["failed"]
        assert words in result["msg"]
        assert not result.get("changed")
    both = xen_storage(tmp_path, [{"mounts": [PROC, SILENT], "timeout": 1}])[0]
    assert both["failed"]
    assert len(both["obstacles"]) == 2
    assert "does not answer on port 2049 within 1 s" in both["obstacles"][1]
    assert not Path(SILENT["path"]).exists()


def run_plays(folder: Path, plays: list[dict[str, Any]], *flags: str) -> str:
    """Run plays on this machine and return what is printed, in one line."""
    common = {"hosts": "localhost", "gather_facts": False}
    interpreter = {"ansible_python_interpreter": sys.executable}
    content = [{**one, **common, "vars": {**one.get("vars", {}), **interpreter}} for one in plays]
    playbook = folder / "play.yml"
    playbook.write_text(json.dumps(content))
    done = run_ansible("ansible-playbook", "-i", "localhost,", "-c", "local", str(playbook), *flags)
    printed = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 0, printed
    return printed


def test_check_mode_warns_of_a_silent_server_and_goes_on(tmp_path: Path) -> None:
    options = {"mounts": [SILENT], "timeout": 1}
    printed = run_plays(tmp_path, [{"tasks": [{"xenfleet.xen.xen_storage": options}]}], "--check", "--diff")
    assert "the NFS server of 127.0.0.2:/none does not answer on port 2049 within 1 s" in printed
    assert "+mounts[/srv/xenfleet-none]: 127.0.0.2:/none (nfs4, vers=4.2,hard,noatime,_netdev) # now" in printed
    (said,) = xen_storage(tmp_path, [options], "--check")
    assert said["changed"]
    assert said["missing_packages"] == ([] if Path("/usr/sbin/mount.nfs").exists() else ["nfs-common"])
    assert not Path(SILENT["path"]).exists()


def test_folders_are_made_as_check_mode_said_and_once(tmp_path: Path) -> None:
    owner, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    path = tmp_path / "guests/images"
    options = {"directories": [{"path": str(path), "owner": owner, "group": group}]}
    (said,) = xen_storage(tmp_path, [options], "--check", "--diff")
    assert said["changed"]
    assert said["changes"] == [
        {"field": f"directories[{path}]", "before": None, "after": f"{owner}:{group} 0711", "effect": "live"}
    ]
    assert not path.exists()

    wider = {"directories": [{**options["directories"][0], "mode": "0755"}]}
    done, again, changed, last = xen_storage(tmp_path, [options, options, wider, wider], "--diff")
    assert (done["changed"], done["changes"]) == (True, said["changes"])
    assert (again["changed"], again["changes"], again["missing_packages"]) == (False, [], [])
    assert changed["changes"][0]["before"] == f"{owner}:{group} 0711"
    assert not last["changed"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o711


def test_the_role_hands_on_its_variables(tmp_path: Path) -> None:
    owner, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    folder = tmp_path / "guests"
    declared = {"storage_directories": [{"path": str(folder), "owner": owner, "group": group}]}
    plays = [{"vars": variables, "roles": ["xenfleet.xen.storage"]} for variables in ({}, declared, declared)]
    printed = run_plays(tmp_path, plays)
    assert printed.count("skipping: [localhost]") == 4 + 3 + 3  # nothing declared; no packages missing, twice
    assert printed.count("changed: [localhost]") == 1
    assert stat.S_IMODE(folder.stat().st_mode) == 0o711
