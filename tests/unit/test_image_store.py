"""The folder of images: whole images or none, damage found and named, nothing strange removed."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed, Conflict, InvalidInput, NotFound
from ansible_collections.xenfleet.xen.plugins.module_utils.model.image import (
    FILES,
    MANIFEST,
    FileRecord,
    FileTarget,
    Image,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.image_store import ImageStore, pack, sha256
from ansible_collections.xenfleet.xen.plugins.module_utils.storage.file import FileDisks

if TYPE_CHECKING:
    from pathlib import Path


def make_image(images: Path, name: str = "tiny") -> Image:
    folder = images / name
    folder.mkdir(parents=True)
    for number, file in enumerate(FILES):
        with (folder / file).open("wb") as handle:
            handle.write(bytes([number + 1]) * 5000)
            handle.truncate(MIB)
    files = {file: FileRecord((folder / file).stat().st_size, sha256(folder / file)) for file in FILES}
    image = Image(name, "r", "trixie", "6.12", "2026-01-01T00:00:00+00:00", files)
    (folder / MANIFEST).write_text(image.render())
    return image


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    make_image(tmp_path / "images")
    return ImageStore(str(tmp_path / "images"), HostCommands())


def test_a_good_image_is_read_through_once(store: ImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.verified("tiny")
    calls: list[Path] = []

    def noted(path: Path) -> str:
        calls.append(path)
        return ""

    monkeypatch.setattr(
        "ansible_collections.xenfleet.xen.plugins.module_utils.ops.image_store.sha256",
        noted,
    )
    store.verified("tiny")
    assert calls == []
    with pytest.raises(InvalidInput):
        store.verified("tiny", full=True)
    assert len(calls) == 1


def test_damage_is_named(store: ImageStore) -> None:
    root = store.folder / "tiny" / "root.img"
    with root.open("r+b") as file:
        file.write(b"x")
    with pytest.raises(InvalidInput, match=r"damaged: .*root\.img has another checksum; found: .*; expected: "):
        store.verified("tiny")
    with root.open("r+b") as file:
        file.truncate(10)
    with pytest.raises(InvalidInput, match="found: 10 bytes; expected: 1048576 bytes"):
        store.verified("tiny")
    root.unlink()
    with pytest.raises(InvalidInput, match=r"incomplete; found: no file .*root\.img"):
        store.verified("tiny")
    (store.folder / "tiny" / MANIFEST).unlink()
    with pytest.raises(InvalidInput, match="incomplete"):
        store.verified("tiny")


def test_an_image_travels_as_a_pack(store: ImageStore, tmp_path: Path) -> None:
    made = pack(store.folder / "tiny", HostCommands())
    assert pack(store.folder / "tiny", HostCommands()) == made
    other = ImageStore(str(tmp_path / "other"), HostCommands())
    identity = store.verified("tiny").image.identity
    other.install("tiny", made, identity)
    assert other.verified("tiny", full=True).image.identity == identity
    root = other.folder / "tiny" / "root.img"
    assert root.stat().st_blocks * 512 < root.stat().st_size
    assert sorted(entry.name for entry in other.folder.iterdir()) == [".tiny.lock", "tiny"]


def test_a_broken_pack_leaves_the_old_image(store: ImageStore, tmp_path: Path) -> None:
    made = pack(store.folder / "tiny", HostCommands())
    broken = tmp_path / "broken"
    broken.write_bytes(made.read_bytes()[:-200])
    with pytest.raises(CommandFailed):
        store.install("tiny", broken, None)
    with pytest.raises(InvalidInput, match="another image"):
        store.install("tiny", made, "0" * 64)
    store.verified("tiny", full=True)
    assert sorted(entry.name for entry in store.folder.iterdir()) == [".tiny.lock", "tiny"]


def test_two_runs_do_not_work_on_one_image(store: ImageStore) -> None:
    if (child := os.fork()) == 0:
        with (store.folder / ".tiny.lock").open("w") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            (store.folder / "ready").touch()
            while not (store.folder / "done").exists():
                pass
        os._exit(0)
    try:
        while not (store.folder / "ready").exists():
            pass
        with pytest.raises(Conflict, match="another run"), store.replacing("tiny"):
            pass
    finally:
        (store.folder / "done").touch()
        os.waitpid(child, 0)


def test_only_images_are_removed(store: ImageStore) -> None:
    strange = store.folder / "strange"
    strange.mkdir()
    (strange / "thesis.tex").touch()
    for act in (store.remove, store.check_removable):
        with pytest.raises(Conflict, match="no image"):
            act("strange")
    with pytest.raises(Conflict, match="in the way"), store.replacing("strange"):
        pass
    assert (strange / "thesis.tex").exists()
    with pytest.raises(InvalidInput):
        store.remove("../tiny")
    store.remove("tiny")
    assert not (store.folder / "tiny").exists()


def test_a_missing_image(store: ImageStore) -> None:
    with pytest.raises(NotFound, match="the image none is missing"):
        store.verified("none")


def test_a_disk_file_gets_its_name_when_it_is_complete(tmp_path: Path) -> None:
    disks, target = FileDisks(HostCommands()), FileTarget(str(tmp_path / "a/b/root.img"))
    with pytest.raises(ZeroDivisionError), disks.making(target, Size(MIB)) as partial:
        raise ZeroDivisionError(partial)
    assert list((tmp_path / "a/b").iterdir()) == []
    with disks.making(target, Size(MIB)):
        assert disks.size_of(target) is None
        with pytest.raises(Conflict, match="another run"), other_process(target):
            pass
    assert disks.size_of(target) == Size(MIB)
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o711
    assert (tmp_path / "a/b/root.img").stat().st_mode & 0o777 == 0o600


def other_process(target: FileTarget) -> ForkedMaking:
    return ForkedMaking(target)


class ForkedMaking:
    """Tries to make the disk in another process, for locks are a process's own."""

    def __init__(self, target: FileTarget) -> None:
        self.target = target

    def __enter__(self) -> None:
        if (child := os.fork()) == 0:
            try:
                with FileDisks(HostCommands()).making(self.target, Size(MIB)):
                    os._exit(0)
            except Conflict:
                os._exit(7)
            except OSError:
                os._exit(1)
        _pid, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == 7:
            raise Conflict("another run")

    def __exit__(self, *_args: object) -> None:
        return


def test_what_an_interrupted_run_left_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / ".root.img.partial").write_bytes(b"left over")
    target = FileTarget(str(tmp_path / "root.img"))
    with FileDisks(HostCommands()).making(target, Size(MIB)):
        pass
    assert (tmp_path / "root.img").read_bytes() == bytes(MIB)
    assert [entry.name for entry in tmp_path.iterdir()] == ["root.img"]


def test_a_disk_that_came_to_be_meanwhile_is_left(tmp_path: Path) -> None:
    target = FileTarget(str(tmp_path / "root.img"))
    with pytest.raises(Conflict, match="came to be while"), FileDisks(HostCommands()).making(target, Size(MIB)):
        (tmp_path / "root.img").write_text("mine")
    assert (tmp_path / "root.img").read_text() == "mine"


def test_a_folder_or_a_dead_link_is_no_disk(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("folder", "link"):
        with pytest.raises(Conflict, match="cannot be a disk"):
            FileDisks(HostCommands()).size_of(FileTarget(str(tmp_path / name)))


def test_too_little_room_and_a_file_as_folder(tmp_path: Path) -> None:
    disks = FileDisks(HostCommands())
    with pytest.raises(Conflict, match="too little room"):
        disks.check([(FileTarget(str(tmp_path / "x/root.img")), 1 << 60)])
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="no folder"):
        disks.check([(FileTarget(str(tmp_path / "file/root.img")), 1)])
