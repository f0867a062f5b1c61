"""The collection community.libvirt, fetched into the cache folder; nothing of it is installed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .errors import BenchFailed
from .plays import ROOT

_REQUIREMENTS = ROOT / "bench/peer.txt"
_COLLECTION = "ansible_collections/community/libvirt/"


@dataclass(frozen=True)
class Peer:
    """Where the peer lies.

    Attributes:
        folder: holds ``ansible_collections``, and the Python packages that the peer needs.
    """

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a play needs to find it, and to find no other collection."""
        return {"ANSIBLE_COLLECTIONS_PATH": str(self.folder), "PYTHONPATH": str(self.folder)}

    @property
    def version(self) -> str:
        """Of the collection."""
        manifest = json.loads((self.folder / _COLLECTION / "MANIFEST.json").read_text())
        return str(manifest["collection_info"]["version"])


def fetched_peer() -> Peer:
    """The peer out of the cache folder, fetched by pip where it is not there yet.

    Raises:
        BenchFailed: pip could not get it.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "xenfleet"
    decisive = _REQUIREMENTS.read_bytes() + sys.version.encode()
    folder = cache / f"peer-{hashlib.sha256(decisive).hexdigest()[:12]}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="peer-") as name:
            _download(Path(name) / "wheels", cache / "pip")
            _unpack(Path(name) / "wheels", Path(name) / "peer")
            (Path(name) / "peer").rename(folder)
    return Peer(folder)


def _download(wheels: Path, pip_cache: Path) -> None:
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--only-binary", ":all:"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(wheels), "-r", str(_REQUIREMENTS)]
    environment = {**os.environ, "PIP_CACHE_DIR": str(pip_cache)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchFailed(
            f"pip could not download {_REQUIREMENTS.relative_to(ROOT)}, which has community.libvirt:\n{done.stderr}"
            "Without it: tools/bench --no-peer"
        )


def _unpack(wheels: Path, folder: Path) -> None:
    """All of the wheels, but of Ansible's hundred collections only the one."""
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            if wheel.name.startswith("ansible-"):
                names = [name for name in names if name.startswith(_COLLECTION)]
            archive.extractall(folder, names)
    if not (folder / _COLLECTION / "MANIFEST.json").is_file():
        raise BenchFailed(f"there is no community.libvirt in what {_REQUIREMENTS.relative_to(ROOT)} names")
