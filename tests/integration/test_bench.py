"""The benchmark measures what it says: a small one, without its peer, ends well and prints a line for everything."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_a_small_benchmark() -> None:
    command = [str(ROOT / "tools/bench"), "--guests", "2", "--repeats", "1", "--no-peer"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    changes = dict(re.findall(r"^(\S.*?\S)  .* (\d+)$", done.stdout, re.MULTILINE))
    assert changes == {
        "empty playbook": "0",
        "one task: ansible.builtin.ping": "0",
        "xen_domains, from nothing": "1",
        "xen_domains, nothing to change": "0",
        "xen_domain in a loop, nothing to change": "0",
        "xen_domains, memory of one guest": "1",
    }
    assert re.search(r"^list and read the guests +\d+ ms$", done.stdout, re.MULTILINE), done.stdout
