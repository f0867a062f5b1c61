"""xen_peers run by the real Ansible: what it refuses, and check mode, so that root's files stay as they are.

And what the role tells it of the other hosts.
"""

from __future__ import annotations

import base64
import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from .playing import ROOT, play, run_ansible

BODY = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode()
KEY = f"ssh-ed25519 {BODY}"
PEER = {"name": "xen2", "address": "10.30.0.102", "key": f"{KEY} xenfleet-migration@xen2", "host_key": KEY}
ROOTS = (Path(pwd.getpwuid(0).pw_dir) / ".ssh/authorized_keys", Path("/etc/ssh/ssh_config.d/xenfleet-migration.conf"))

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"peer": []}, "Unsupported parameters"),
    ({"peers": [{**PEER, "hostkey": KEY}]}, "hostkey"),
    ({"peers": [{"name": "xen2"}]}, "address"),
    ({"name": "xen 1"}, "name is not usable"),
    ({"directory": "/tmp/a b"}, "directory is no usable path"),
    ({"peers": [{**PEER, "key": f"{KEY} a\n{KEY} b"}]}, "peers[xen2].key is no public key"),
    ({"peers": [{**PEER, "host_key": f'{KEY} "'}]}, "peers[xen2].host_key is no public key"),
    ({"peers": [{**PEER, "address": '10.30.0.102",command="sh'}]}, "peers[xen2].address is neither"),
    ({"peers": [PEER, {**PEER, "address": "10.30.0.103"}]}, "two peers have the same name"),
    ({"peers": [PEER, {**PEER, "name": "xen3"}]}, "two peers have the same address"),
]


def state() -> list[tuple[bytes, int] | None]:
    """What must stay as it is."""
    return [
        (path.read_bytes(), path.stat().st_mtime_ns) if os.access(path, os.R_OK) and path.exists() else None
        for path in ROOTS
    ]


def test_what_is_refused_touches_nothing(tmp_path: Path) -> None:
    before, directory = state(), tmp_path / "keys"
    tasks = [{"xenfleet.xen.xen_peers": {"directory": str(directory), **options}} for options, _words in REFUSED]
    for (_options, words), result in zip(REFUSED, play(tasks, tmp_path), strict=True):
        assert result["failed"]
        assert not result.get("changed")
        assert words in result["msg"]
    assert not directory.exists()
    assert state() == before


def test_the_own_key_is_made_once(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    task = {"xenfleet.xen.xen_peers": {"name": "xen1", "directory": str(directory)}}
    (said,) = play([task], tmp_path, "--check", "--diff")
    assert said["changed"]
    assert said["key"] == ""
    assert not directory.exists()
    done, again = play([task, task], tmp_path, "--diff")
    assert done["changes"] == said["changes"]
    assert done["key"].endswith(" xenfleet-migration@xen1")
    assert done["key"] == (directory / "id_ed25519.pub").read_text().strip()
    assert not again["changed"]
    assert (again["changes"], again["key"]) == ([], done["key"])


@pytest.mark.skipif(os.geteuid() != 0, reason="reads root's files")
def test_check_mode_touches_nothing(tmp_path: Path) -> None:
    before, directory = state(), tmp_path / "keys"
    options = {"name": "xen1", "directory": str(directory), "peers": [PEER]}
    (said,) = play([{"xenfleet.xen.xen_peers": options}], tmp_path, "--check", "--diff")
    assert not said["failed"]
    assert {"key", "peers[xen2].host_key", "ssh_config"} <= {change["field"] for change in said["changes"]}
    assert not directory.exists()
    assert state() == before


def test_the_role_tells_of_the_other_hosts(tmp_path: Path) -> None:
    inventory = {
        "dom0s": {
            "vars": {"ansible_connection": "local", "number": 1, "migration_address": "10.30.0.{{ number }}"},
            "hosts": {f"xen{number}": {"number": number} for number in (1, 2, 3, 4)},
        },
        "xens": {"children": {"dom0s": {}}, "hosts": {"without-an-address": {}}},
    }
    # As the role registers it: of a host that was worked on, of one that failed, and of one that was not in the play.
    results = {"xen2": {"key": f"{KEY} xen2", "host_key": KEY, "changes": []}, "xen3": {"failed": True, "msg": "no"}}
    expected = [
        {"name": "xen2", "address": "10.30.0.2", "key": f"{KEY} xen2", "host_key": KEY},
        {"name": "xen3", "address": "10.30.0.3", "key": "", "host_key": ""},
        {"name": "xen4", "address": "10.30.0.4", "key": "", "host_key": ""},
    ]
    facts = {
        "hosts": ",".join(results),
        "gather_facts": False,
        "tasks": [{"ansible.builtin.set_fact": {"migration_own": "{{ results[inventory_hostname] }}"}}],
        "vars": {"results": results},
    }
    look = {
        "hosts": "xen1",
        "gather_facts": False,
        "vars_files": [str(ROOT / "roles/migration/vars/main.yml")],
        "vars": {"migration_group": "xens", "expected": expected},
        "tasks": [{"ansible.builtin.assert": {"that": "migration_peers | sort(attribute='name') == expected"}}],
    }
    (tmp_path / "inventory.yml").write_text(json.dumps(inventory))
    (tmp_path / "play.yml").write_text(json.dumps([facts, look]))
    done = run_ansible("ansible-playbook", "-i", str(tmp_path / "inventory.yml"), str(tmp_path / "play.yml"), "-vv")
    assert done.returncode == 0, done.stdout + done.stderr
