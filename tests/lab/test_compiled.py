"""The lab machines' Python compiles what comes in zip files once."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import xenlab

_PROGRAM = """\
import sys, zipimport
if sys.argv[2] == "once":
    def refuse(path, source): raise AssertionError(f"compiled {path}")
    zipimport._compile_source = refuse
import xenlab_compiled
sys.path.insert(0, sys.argv[1])
import told
print(told.WORD, told.where())
"""


def _run(archive: Path, word: str, how: str, cache: Path) -> str:
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("told.py", f"WORD = {word!r}\ndef where(): return where.__code__.co_filename\n")
    data = Path(xenlab.__file__).parent / "data"
    environment = {**os.environ, "PYTHONPATH": str(data), "XENLAB_COMPILED": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(archive), how],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.split()[0] if done.returncode == 0 else done.stderr.splitlines()[-1]


def test_the_same_source_is_compiled_once_wherever_it_lies(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert "compiled" in _run(tmp_path / "a.zip", "one", "once", cache)
    assert _run(tmp_path / "a.zip", "one", "any", cache) == "one"
    assert _run(tmp_path / "b.zip", "one", "once", cache) == "one"
    assert "compiled" in _run(tmp_path / "b.zip", "two", "once", cache)
    assert _run(tmp_path / "b.zip", "two", "any", cache) == "two"


def test_a_cache_that_is_damaged_or_in_the_way_changes_nothing(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert _run(tmp_path / "a.zip", "one", "any", cache) == "one"
    for kept in cache.iterdir():
        kept.write_bytes(b"")
    assert _run(tmp_path / "a.zip", "one", "any", cache) == "one"
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert _run(tmp_path / "a.zip", "one", "any", tmp_path / "file") == "one"
