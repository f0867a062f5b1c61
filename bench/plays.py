"""Run one of the playbooks of ``plays/`` as an operator does, with a stopwatch."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .errors import BenchFailed

ROOT = Path(__file__).resolve().parents[1]
PLAYS = ROOT / "bench/plays"
# What the default callback prints for each task, and for each item of a loop.
_CHANGED = re.compile(r"^changed: \[localhost\]", re.MULTILINE)


@dataclass(frozen=True)
class Played:
    """What a run took and said.

    Attributes:
        seconds: from the start of ansible-playbook to its end.
        changed: how many tasks, or items of loops, said that they changed something.
    """

    seconds: float
    changed: int


def settings(folder: Path) -> dict[str, str]:
    """The environment of all plays: this checkout's settings and none of the caller's, Ansible's own files in a folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHONPATH"))}
    return kept | {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_NOCOLOR": "1",
    }


def play(name: str, variables: Path, environment: dict[str, str]) -> Played:
    """Run a playbook on this machine.

    Args:
        name: of the file in ``plays/``.
        variables: a file of variables for it.
        environment: the whole environment.

    Raises:
        BenchFailed: it did not end well.
    """
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [str(program), "-i", "localhost,", "-c", "local", "-e", f"@{variables}", str(PLAYS / name)]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise BenchFailed(f"{name} failed with status {done.returncode}:\n{last}")
    return Played(seconds, len(_CHANGED.findall(done.stdout)))
