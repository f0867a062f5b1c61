"""The built artifact is complete: installed into an empty folder, its modules run; and it carries no checkout stuff."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_SHIPPED = {"lab", "tests", "bench", "tools", "inventories", "extensions/molecule", "changelogs/fragments"}
MUST_SHIP = {"README.md", "LICENSE", "meta/runtime.yml", "plugins/modules/xen_domain.py"}

# A module that only reads, and the arguments besides uri.
MODULE = "xenfleet.xen.xen_host_info"
ARGUMENTS: dict[str, str] = {}


def clean_environment(collections: Path) -> dict[str, str]:
    """This machine's environment without Ansible settings: not the caller's, not the checkout's, not the user's."""
    settings = collections.with_name("settings.cfg")
    settings.write_text("")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHONPATH"))}
    return kept | {
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_HOME": str(collections.with_name("home")),
        "ANSIBLE_NOCOLOR": "1",
    }


def galaxy(*arguments: str, collections: Path, cwd: Path = ROOT) -> None:
    """Run ansible-galaxy collection without this checkout's settings and without any network."""
    environment = clean_environment(collections) | {"ANSIBLE_GALAXY_SERVER": "http://127.0.0.1:9/"}
    command = [str(Path(sys.executable).with_name("ansible-galaxy")), "collection", *arguments]
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from what git would commit, as a release does: what lies about in a checkout stays out."""
    folder = tmp_path_factory.mktemp("build")
    source = folder / "source"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    galaxy("build", "--output-path", str(folder), collections=folder / "none", cwd=source)
    (built,) = folder.glob("xenfleet-xen-*.tar.gz")
    return built


@pytest.fixture(scope="module")
def names(artifact: Path) -> list[str]:
    with tarfile.open(artifact) as archive:
        return archive.getnames()


def test_artifact_carries_only_the_collection(names: list[str]) -> None:
    stray = [
        name
        for name in names
        if name.startswith(".")
        or "__pycache__" in name
        or any(name == folder or name.startswith(f"{folder}/") for folder in NOT_SHIPPED)
    ]
    assert stray == []


def test_artifact_carries_all_of_the_collection(names: list[str]) -> None:
    assert sorted(MUST_SHIP - set(names)) == []
    # Whatever Ansible looks for in a collection is there with every file that the checkout has.
    for folder in ("plugins", "roles", "playbooks", "meta"):
        here = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
        }
        assert sorted(here - set(names)) == []


def test_installed_artifact_runs(artifact: Path, tmp_path: Path, libvirt_uri: str) -> None:
    collections = tmp_path / "collections"
    collections.mkdir()
    galaxy("install", "--offline", "-p", str(collections), str(artifact), collections=collections, cwd=tmp_path)
    assert (collections / "ansible_collections/xenfleet/xen/MANIFEST.json").is_file()

    command = [
        str(Path(sys.executable).with_name("ansible")),
        "localhost",
        "--inventory=localhost,",
        "--connection=local",
        f"--extra-vars=ansible_python_interpreter={sys.executable}",
        f"--module-name={MODULE}",
        f"--args={json.dumps({'uri': libvirt_uri, **ARGUMENTS})}",
    ]
    environment = clean_environment(collections)
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("localhost | SUCCESS =>"), done.stdout
