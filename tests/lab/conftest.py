"""A lab's folder of its own for each test; no machine is ever started here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lab" / "src"))

from xenlab.paths import Paths
from xenlab.state import MachineState, State


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache of mine"))
    made = Paths.of("t1")
    made.run.mkdir(parents=True)
    return made


@pytest.fixture
def state() -> State:
    machines = {
        name: MachineState("13", f"{kind}-13-0123456789ab", 22000 + number)
        for number, (name, kind) in enumerate((("core", "core"), ("xen1", "xen"), ("xen2", "xen"), ("plain1", "plain")))
    }
    return State(link_ports=21000, machines=machines)
