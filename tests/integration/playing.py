"""Running modules by the real ansible-playbook, in a play made on the spot."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# A task's result as the default callback prints it.
_RESULT = re.compile(r"^(ok|changed|fatal): \[localhost\].* => (?=\{)", re.MULTILINE)
XEN_DRIVER = ROOT / "tests/integration/xen_driver"


def run_ansible(program: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's programs of this environment with the checkout's settings."""
    settings = {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", **environment}
    return subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def play(tasks: list[dict[str, Any]], folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """Run tasks on this machine, each even if the one before failed, and return each task's result."""
    playbook = folder / "play.yml"
    content = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": sys.executable},
        "environment": {"PYTHONPATH": str(XEN_DRIVER)},
        "tasks": [{**task, "ignore_errors": True} for task in tasks],
    }
    playbook.write_text(json.dumps([content]))
    done = run_ansible(
        "ansible-playbook",
        "-i",
        "localhost,",
        str(playbook),
        *arguments,
        ANSIBLE_STDOUT_CALLBACK="ansible.builtin.default",
        ANSIBLE_CALLBACK_RESULT_FORMAT="json",
        ANSIBLE_VERBOSITY="1",
    )
    starts = list(_RESULT.finditer(done.stdout))
    assert len(starts) == len(tasks), done.stdout + done.stderr
    decoder = json.JSONDecoder()
    return [{"failed": start[1] == "fatal", **decoder.raw_decode(done.stdout[start.end() :])[0]} for start in starts]
