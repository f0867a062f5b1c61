"""Images and disks as values: what is refused, and what parses back to itself."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.image import (
    Clone,
    FileRecord,
    FileTarget,
    Image,
    ImageRecipe,
    Interface,
    VolumeTarget,
    clone,
    file_mode,
    image_name,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import GIB, MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.image import check_distinct, disk, of_disks

RECORD = FileRecord(512 * MIB, "ab" * 32)
IMAGE = Image(
    name="debian-13",
    recipe="r",
    suite="trixie",
    kernel_release="6.12",
    built_at="2026-01-01T00:00:00+00:00",
    files={"root.img": RECORD, "vmlinuz": RECORD, "initrd.img": RECORD},
    packages={"bash": "5.2"},
)


def test_a_manifest_parses_back_to_the_same_image() -> None:
    assert Image.parse(IMAGE.render(), path="x") == IMAGE


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 9}', '"x"', IMAGE.render()[:-9]])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="manifest"):
        Image.parse(text, path="/images/x/image.json")


def test_a_manifest_with_other_files_is_refused() -> None:
    with pytest.raises(InvalidInput, match="names other files"):
        Image.parse(IMAGE.render().replace("root.img", "../root.img"), path="x")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-x", ".x", "a b", "a;b", "$(x)", "a\nb", "ä", "x" * 65])
def test_names_that_no_image_has(name: str) -> None:
    with pytest.raises(InvalidInput):
        image_name(name)


@pytest.mark.parametrize("path", ["x", "/a/../b", "/a/", "/", "/a b", "/a;b", "/a\nb", "/a/.hidden", "/a/$x"])
def test_paths_that_no_disk_has(path: str) -> None:
    with pytest.raises(InvalidInput):
        FileTarget(path)


@pytest.mark.parametrize(("group", "name"), [("vg/0", "a"), ("vg0", "-a"), ("vg0", "a b"), ("", "a"), ("vg0", ".a")])
def test_names_that_no_volume_has(group: str, name: str) -> None:
    with pytest.raises(InvalidInput):
        VolumeTarget(group, name)


@pytest.mark.parametrize(
    "options",
    [
        {"path": "/a"},
        {"path": "/a", "volume": {"group": "g", "name": "n"}, "size": "1G"},
        {"size": "1G"},
        {"path": "/a", "size": "1G", "personality": {}},
        {"path": "/a", "size": "1G", "image": "x", "filesystem": "ext4"},
        {"path": "/a", "size": "1000kB"},
        {"path": "/a", "size": "0"},
        {"path": "/a", "image": "x", "personality": {"hostname": "a b"}},
        {"path": "/a", "image": "x", "personality": {"hostname": "-a"}},
        {"path": "/a", "image": "x", "personality": {"authorized_keys": ["nokey"]}},
        {"path": "/a", "image": "x", "personality": {"interfaces": [{"mac": "x"}]}},
        {"path": "/a", "image": "x", "personality": {"files": [{"path": "/a/../b", "content": ""}]}},
        {"path": "/a", "image": "x", "personality": {"files": [{"path": "/a b", "content": ""}]}},
        {"path": "/a", "image": "x", "personality": {"files": [{"path": "/a", "content": "", "mode": "rwx"}]}},
        {"path": "/a", "image": "x", "personality": {"mounts": [{"device": "a b", "path": "/", "filesystem": "x"}]}},
    ],
)
def test_disks_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        clone(options)


@pytest.mark.parametrize(
    "part",
    [
        {"addresses": ("10.0.0.1",)},
        {"addresses": ("10.0.0.1/33",)},
        {"gateway": "10.0.0.1/24"},
        {"dns": ("ns.example.org",)},
        {"mtu": 1},
    ],
)
def test_interfaces_that_cannot_be(part: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Interface(mac="00:16:3e:00:00:01", **part)


@pytest.mark.parametrize(
    "part", [{"suite": "a b"}, {"suite": "trixie", "packages": ("a;b",)}, {"suite": "trixie", "mirror": "x y"}]
)
def test_recipes_that_cannot_be(part: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        ImageRecipe(**part)


def test_a_recipe_is_the_same_whatever_the_order_of_its_packages() -> None:
    one, other = ImageRecipe("trixie", ("a1", "b1")), ImageRecipe("trixie", ("b1", "a1"))
    assert one.hash("c") == other.hash("c")
    assert one.hash("c") != one.hash("d")
    assert one.hash("c") != ImageRecipe("trixie", ("a1",)).hash("c")


def test_a_disk_smaller_than_its_image_is_refused() -> None:
    with pytest.raises(InvalidInput, match="smaller than the image"):
        disk(Clone(FileTarget("/a"), Size(256 * MIB), image="debian-13"), IMAGE, None)


def test_a_disk_of_another_size_is_reported_and_left() -> None:
    found = disk(Clone(FileTarget("/a"), Size(2 * GIB), image="debian-13"), IMAGE, Size(GIB))
    assert found.size_differs
    assert of_disks((found,)) == ()


def test_a_disk_takes_the_size_of_its_image() -> None:
    made = disk(Clone(FileTarget("/a"), image="debian-13"), IMAGE, None)
    assert made.size == IMAGE.size
    assert [change.field for change in of_disks((made,))] == ["clones[/a]"]


def test_a_disk_named_twice_is_refused() -> None:
    one = Clone(FileTarget("/a"), Size(GIB))
    with pytest.raises(InvalidInput, match="twice"):
        check_distinct((one, one))


def test_permissions() -> None:
    assert file_mode("0640", default=0) == 0o640
    assert file_mode(None, default=0o600) == 0o600
    with pytest.raises(InvalidInput):
        file_mode("4755", default=0)
