"""xen_image run by the real Ansible on this machine, with a tiny image: real copies, real ext4, real debugfs."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.model.image import FILES, MANIFEST, FileRecord, Image
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.image_store import sha256

CHECKOUT = Path(__file__).resolve().parents[2]
MIB = 1024**2
SECRET = "q8Zr-very-secret"
PERSONALITY = {
    "hostname": "ldap1.example.org",
    "authorized_keys": ["ssh-ed25519 AAAAC3Nza admin"],
    "interfaces": [{"mac": "00:16:3e:00:00:01", "addresses": ["10.10.0.11/24"], "gateway": "10.10.0.1"}],
    "files": [{"path": "/etc/ldap/tls/key.pem", "content": f"{SECRET}\n", "mode": "0640"}],
}


class Failed(Exception):
    """The module failed; its result."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(result.get("msg"))
        self.result = result


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A store with one image of 16 MiB."""
    tree = tmp_path / "tree"
    for name in ("etc/systemd/network", "root", "dev"):
        (tree / name).mkdir(parents=True)
    (tree / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (tree / "etc/resolv.conf").symlink_to("../run/elsewhere")
    folder = tmp_path / "images/tiny"
    folder.mkdir(parents=True)
    subprocess.run(
        ["mke2fs", "-q", "-t", "ext4", "-b", "4096", "-d", str(tree), str(folder / "root.img"), "16M"],
        check=True,
        env={**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
    )
    (folder / "vmlinuz").write_bytes(b"kernel")
    (folder / "initrd.img").write_bytes(b"ramdisk")
    files = {file: FileRecord((folder / file).stat().st_size, sha256(folder / file)) for file in FILES}
    manifest = Image("tiny", "r", "trixie", "6.12", "2026-01-01T00:00:00+00:00", files)
    (folder / MANIFEST).write_text(manifest.render())
    return tmp_path / "images"


def xen_image(folder: Path, *flags: str, **options: Any) -> dict[str, Any]:
    """Run the module in a play of its own.

    Raises:
        Failed: it failed.
    """
    (result,) = in_one_play(folder, [options], *flags)
    if result.get("failed"):
        raise Failed(result)
    return result


def in_one_play(folder: Path, calls: list[dict[str, Any]], *flags: str) -> list[dict[str, Any]]:
    """Run the module several times, whether it fails or not, and return all results."""
    tasks = [{"xenfleet.xen.xen_image": {"images": str(folder), **options}, "ignore_errors": True} for options in calls]
    playbook = folder.parent / "play.json"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    program = Path(sys.executable).with_name("ansible-playbook")
    interpreter = f"ansible_python_interpreter={sys.executable}"
    settings = {
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_VERBOSITY": "1",
        "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(
        [str(program), *flags, "-i", "localhost,", "-c", "local", "-e", interpreter, str(playbook)],
        cwd=CHECKOUT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert SECRET not in done.stdout + done.stderr
    found = []
    for line, part in zip(*_parts(done.stdout), strict=True):
        result: dict[str, Any] = json.JSONDecoder().raw_decode(part)[0]
        found.append({**result, "failed": line.startswith("fatal")})
    return found


def _parts(text: str) -> tuple[list[str], list[str]]:
    """The lines that begin each task's result, and the text from each result on."""
    pattern = re.compile(r"^(?:ok|changed|fatal): \[localhost\].* => (?=\{)", re.MULTILINE)
    matches = list(pattern.finditer(text))
    return [match[0] for match in matches], [text[match.end() :] for match in matches]


def inside(disk: Path, path: str) -> str:
    """A file of a disk's file system."""
    return subprocess.run(
        ["/usr/sbin/debugfs", "-R", f"cat {path}", str(disk)], capture_output=True, text=True, check=True
    ).stdout


def check_file_system(disk: Path) -> None:
    done = subprocess.run(["/usr/sbin/e2fsck", "-f", "-n", str(disk)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_a_disk_is_made_once_and_is_its_guests_own(images: Path, tmp_path: Path) -> None:
    disk = tmp_path / "guests/ldap1/root.img"
    swap = tmp_path / "guests/ldap1/swap.img"
    data = tmp_path / "guests/ldap1/data.img"
    clones: list[dict[str, Any]] = [
        {"path": str(disk), "image": "tiny", "size": "64 MiB", "personality": PERSONALITY},
        {"path": str(swap), "size": "32 MiB", "filesystem": "swap"},
        {"path": str(data), "size": "32 MiB", "filesystem": "ext4"},
    ]
    said = xen_image(images, "--check", "--diff", state="cloned", clones=clones)
    assert said["changed"]
    assert not (tmp_path / "guests").exists()

    done = xen_image(images, "--diff", state="cloned", clones=clones)
    assert done["changes"] == said["changes"]
    assert [one["changed"] for one in done["clones"]] == [True, True, True]
    assert done["images"]["tiny"]["kernel"] == str(images / "tiny/vmlinuz")
    assert [entry.name for entry in sorted(disk.parent.iterdir())] == ["data.img", "root.img", "swap.img"]
    assert disk.stat().st_size == 64 * MIB
    assert disk.stat().st_blocks * 512 < 32 * MIB
    assert stat.S_IMODE(disk.stat().st_mode) == 0o600
    assert stat.S_IMODE(disk.parent.stat().st_mode) == 0o711
    check_file_system(disk)
    check_file_system(data)
    assert swap.read_bytes()[4086:4096] == b"SWAPSPACE2"
    assert inside(disk, "/etc/hostname") == "ldap1.example.org\n"
    assert "Address=10.10.0.11/24" in inside(disk, "/etc/systemd/network/20-00163e000001.network")
    assert inside(disk, "/root/.ssh/authorized_keys") == "ssh-ed25519 AAAAC3Nza admin\n"
    assert inside(disk, "/etc/ldap/tls/key.pem") == f"{SECRET}\n"
    assert SECRET.encode() not in (images / "tiny/root.img").read_bytes()
    mode = subprocess.run(
        ["/usr/sbin/debugfs", "-R", "stat /root/.ssh", str(disk)], capture_output=True, text=True, check=True
    ).stdout
    assert "Mode:  0700" in mode

    before = disk.stat()
    again = xen_image(images, state="cloned", clones=clones)
    assert not again["changed"]
    assert again["changes"] == []
    assert disk.stat().st_mtime_ns == before.st_mtime_ns

    larger = xen_image(images, state="cloned", clones=[{**clones[0], "size": "128 MiB"}])
    assert not larger["changed"]
    assert larger["clones"][0]["size_differs"]
    assert disk.stat().st_size == 64 * MIB


def test_a_link_in_the_image_is_replaced_and_a_clone_needs_no_size(images: Path, tmp_path: Path) -> None:
    disk = tmp_path / "a.img"
    traits = {"interfaces": [{"mac": "00:16:3e:00:00:01", "dns": ["10.10.0.1"]}]}
    xen_image(images, state="cloned", clones=[{"path": str(disk), "image": "tiny", "personality": traits}])
    assert inside(disk, "/etc/resolv.conf") == "nameserver 10.10.0.1\n"
    assert disk.stat().st_size == 16 * MIB
    check_file_system(disk)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"image": "tiny", "size": "8 MiB"}, "smaller than the image"),
    ({"image": "none"}, "image none is missing"),
    ({"path": "/a/../b", "size": "1 GiB"}, "no usable path"),
    ({"path": "/tmp", "size": "1 GiB"}, "a directory"),
    ({"path": "/tmp/a;b", "size": "1 GiB"}, "not usable for a disk"),
    ({"image": "a b"}, "not usable as the name of an image"),
    ({"volume": {"group": "a;b", "name": "x"}, "path": None, "size": "1 GiB"}, "not usable in LVM"),
    ({"volume": {"group": "a", "name": "x"}, "size": "1 GiB"}, "either path or volume"),
    ({"image": "tiny", "personality": {"hostname": "a;b"}}, "no host name"),
    ({"image": "tiny", "personality": {"hostnam": "a"}}, "hostnam"),
    ({"image": "tiny", "personality": {"files": [{"path": "/etc", "content": "x"}]}}, "/etc was not written"),
    (
        {"image": "tiny", "personality": {"files": [{"path": "/etc/hosts/x", "content": "x"}]}},
        "/etc/hosts in the image is no folder",
    ),
    (
        {"image": "tiny", "personality": {"files": [{"path": "/big", "content": "x" * 17 * MIB}]}},
        "/big was not written",
    ),
]


def test_what_cannot_be_is_refused_and_leaves_nothing(images: Path, tmp_path: Path) -> None:
    disks = tmp_path / "disks"
    disks.mkdir()
    tasks = [{"state": "cloned", "clones": [{"path": str(disks / "a.img"), **clone}]} for clone, _words in REFUSED]
    for (_clone, words), result in zip(REFUSED, in_one_play(images, tasks), strict=True):
        assert result["failed"]
        assert words in result["msg"]
    assert list(disks.iterdir()) == []


def test_a_missing_volume_group(images: Path) -> None:
    volume = {"group": "xenfleet-none", "name": "x"}
    with pytest.raises(Failed) as failure:
        xen_image(images, state="cloned", clones=[{"volume": volume, "size": "1 GiB"}])
    assert "the volume group xenfleet-none is missing" in failure.value.result["msg"]


def test_a_full_file_system(images: Path) -> None:
    with pytest.raises(Failed) as failure:
        xen_image(images, state="cloned", clones=[{"path": "/proc/none/a.img", "size": "1 GiB", "filesystem": "ext4"}])
    assert "too little room" in failure.value.result["msg"]
    assert failure.value.result["found"] == "0 MiB free"


def test_a_damaged_image_is_named_and_no_disk_is_made(images: Path, tmp_path: Path) -> None:
    with (images / "tiny/root.img").open("r+b") as file:
        file.seek(8 * MIB)
        file.write(b"damage")
    with pytest.raises(Failed) as failure:
        xen_image(images, state="cloned", clones=[{"path": str(tmp_path / "a.img"), "image": "tiny"}])
    assert "root.img has another checksum" in failure.value.result["msg"]
    assert {"found", "expected"} <= set(failure.value.result)
    assert not (tmp_path / "a.img").exists()


def test_an_image_is_installed_verified_and_removed(images: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert xen_image(other, "--check", name="tiny", src=str(tmp_path / "on-its-way.pack"))["changed"]
    assert not other.exists()
    with pytest.raises(Failed, match="source of the image tiny is missing"):
        xen_image(other, name="tiny", src=str(tmp_path / "on-its-way.pack"))
    assert not other.exists()
    done = xen_image(other, name="tiny", src=str(images / "tiny"))
    assert done["changed"]
    assert done["image"]["path"] == str(other / "tiny")
    assert not xen_image(other, name="tiny", src=str(images / "tiny"))["changed"]
    (other / "tiny/vmlinuz").write_bytes(b"KERNEL")
    with pytest.raises(Failed, match="vmlinuz has another checksum"):
        xen_image(other, name="tiny")
    assert xen_image(other, name="tiny", src=str(images / "tiny"))["changed"]
    with pytest.raises(Failed, match="another one"):
        xen_image(other, name="tiny", identity="0" * 64)
    assert xen_image(other, "--check", name="tiny", state="absent")["changed"]
    assert (other / "tiny").is_dir()
    assert xen_image(other, name="tiny", state="absent")["changed"]
    assert not xen_image(other, name="tiny", state="absent")["changed"]
    with pytest.raises(Failed, match="not usable as the name"):
        xen_image(other, name="../images", state="absent")
    (other / "mine").mkdir()
    with pytest.raises(Failed, match="is no image"):
        xen_image(other, name="mine", state="absent")


@pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="needs mmdebstrap")
def test_a_build_that_fails_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    images = tmp_path / "images"
    assert xen_image(images, "--check", state="built", name="x", mirror="file:///nowhere")["changed"]
    assert not images.exists()
    with pytest.raises(Failed) as failure:
        xen_image(images, state="built", name="x", mirror="file:///nowhere")
    assert "mmdebstrap failed" in failure.value.result["msg"]
    assert "nowhere" in failure.value.result["found"]
    assert "x.build.log" in failure.value.result["remedy"]
    assert sorted(entry.name for entry in images.iterdir()) == [".x.lock", "x.build.log"]


def test_check_mode_knows_what_earlier_tasks_would_bring(images: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "state": "cloned",
        "clones": [{"path": str(tmp_path / "a.img"), "image": "later"}],
        "pending_images": ["later"],
    }
    said = xen_image(images, "--check", **options)
    assert said["changes"][0]["after"] == "as large as its image, from later"
    with pytest.raises(Failed, match="image later is missing"):
        xen_image(images, **options)


def test_states_need_their_options(images: Path) -> None:
    for options in ({"state": "cloned", "name": "tiny", "clones": []}, {"state": "built"}, {"state": "cloned"}):
        with pytest.raises(Failed):
            xen_image(images, **options)
