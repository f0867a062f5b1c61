"""Recipes and the commands they become."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from xenlab import images
from xenlab.errors import LabError
from xenlab.paths import Paths
from xenlab.recipe import recipe


def test_a_recipe_is_its_name() -> None:
    one = recipe("xen", "13")
    assert one.key == recipe("xen", "13").key
    assert one.key.startswith("xen-13-")


@pytest.mark.parametrize(
    "change",
    [
        {"packages": ("hello",)},
        {"after": "true"},
        {"before": "true"},
        {"size_mib": 1},
        {"debian": "12"},
        {"format": 99},
    ],
)
def test_any_change_is_another_image(change: dict[str, Any]) -> None:
    one = recipe("xen", "13")
    assert replace(one, **change).digest != one.digest


def test_kinds_and_releases_differ() -> None:
    assert len({recipe(kind, debian).digest for kind in ("xen", "core", "plain") for debian in ("12", "13")}) == 6


@pytest.mark.parametrize(("kind", "debian"), [("xen", "11"), ("router", "13")])
def test_what_there_is_no_recipe_for(kind: str, debian: str) -> None:
    with pytest.raises(LabError, match="There is no image"):
        recipe(kind, debian)


@pytest.mark.parametrize(("root", "mode"), [(True, "--mode=root"), (False, "--mode=unshare")])
def test_bootstrap_works_with_and_without_root(paths: Paths, root: bool, mode: str) -> None:
    one = recipe("xen", "12")
    argv = images.bootstrap_command(one, paths.images / "root.tar", root)
    assert mode in argv
    assert argv[-2:] == ["bookworm", str(paths.images / "root.tar")]


def test_an_unfinished_build_is_not_an_image(paths: Paths) -> None:
    one = recipe("core", "13")
    (paths.images / f"{one.key}.part").mkdir(parents=True)
    assert images.cached(paths, one) is None
    (paths.images / one.key).mkdir()
    assert images.cached(paths, one) is not None


def test_libvirt_can_start_on_the_emulated_processor() -> None:
    assert "sep" in recipe("xen", "13").after
    assert "xendomains" in recipe("xen", "13").after


@pytest.mark.parametrize("debian", ["12", "13"])
def test_every_machine_keeps_what_python_compiled(debian: str) -> None:
    for kind in ("xen", "core", "plain"):
        after = recipe(kind, debian).after
        assert "zipimport._compile_source = _compiled" in after
        assert "import xenlab_compiled' > " in after
