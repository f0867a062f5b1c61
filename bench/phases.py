"""Where the time of one run with nothing to change goes on the host."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from .errors import BenchFailed
from .plays import play

_RUNS = 7
_STARTS = "Python's start"
_WHOLE = "all of it"


def host_side(variables: Path, environment: dict[str, str], folder: Path) -> list[tuple[str, float]]:
    """The parts of what a host does for one task of xen_domains, and their sum.

    Args:
        variables: of the play, with guests that are what they should be.
        environment: of the play.
        folder: for the module as Ansible sends it.

    Raises:
        BenchFailed: the module did not run, or changed something.
    """
    program = _sent_module(variables, environment, folder)
    _run([str(program), "explode"])
    exploded = program.with_name("debug_dir")
    arguments = exploded / "args"
    payload = shutil.make_archive(str(folder / "payload"), "zip", exploded)
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(_RUNS):
        taken[_WHOLE].append(_seconds([str(program)]))
        taken[_STARTS].append(_seconds(["-c", "pass"]))
        for part, seconds in _inside(payload, arguments).items():
            taken[part].append(seconds)
    medians = {part: statistics.median(values) for part, values in taken.items()}
    whole = medians.pop(_WHOLE)
    rest = whole - sum(medians.values())
    starts = medians.pop(_STARTS)
    return [(_STARTS, starts), *medians.items(), ("rest: the payload unpacked, Python's end", rest), (_WHOLE, whole)]


def _sent_module(variables: Path, environment: dict[str, str], folder: Path) -> Path:
    """The one file that Ansible sends, kept as its documentation of debugging modules says."""
    sent = folder / "sent"
    keep = {"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_PIPELINING": "0", "ANSIBLE_REMOTE_TMP": str(sent)}
    play("xen_domains.yml", variables, {**environment, **keep})
    (program,) = sent.rglob("AnsiballZ_xen_domains.py")
    return program


def _inside(payload: str, arguments: Path) -> dict[str, float]:
    said = json.loads(_run([str(Path(__file__).with_name("inside.py")), payload, str(arguments)]))
    if said["changed"] is not False:
        raise BenchFailed(f"the profiled run was to change nothing: {said}")
    seconds: dict[str, float] = said["seconds"]
    return seconds


def _seconds(arguments: list[str]) -> float:
    start = time.perf_counter()
    _run(arguments)
    return time.perf_counter() - start


def _run(arguments: list[str]) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchFailed(f"{' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
