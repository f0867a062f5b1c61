"""The running lab as an Ansible inventory."""

from __future__ import annotations

import json
import shlex
from typing import Any

from xenlab import keys, ssh
from xenlab.paths import Paths
from xenlab.state import State
from xenlab.topology import ALL_MACHINES, Machine

GROUPS = {"xen": "dom0s", "core": "filers", "plain": "plains"}


def variables(paths: Paths, state: State, machine: Machine) -> dict[str, str | int]:
    """What Ansible has to know to reach one machine."""
    return {
        "ansible_host": "127.0.0.1",
        "ansible_port": state.machines[machine.name].ssh_port,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(keys.operator_key(paths)),
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_ssh_common_args": " ".join(f"-o {shlex.quote(option)}" for option in ssh.options(paths, machine.name)),
        "lab_index": machine.index,
    }


def _members(state: State, running: set[str]) -> list[Machine]:
    """All of the lab's machines, for one without power is unreachable, not unknown; none when nothing runs."""
    return [machine for machine in ALL_MACHINES if machine.name in state.machines] if running else []


def document(paths: Paths, state: State, running: set[str]) -> dict[str, Any]:
    """The shape that `ansible-inventory --list` has; empty groups when nothing runs."""
    there = _members(state, running)
    found: dict[str, Any] = {
        "_meta": {"hostvars": {machine.name: variables(paths, state, machine) for machine in there}},
        "all": {"children": ["ungrouped", *GROUPS.values()]},
    }
    for kind, group in GROUPS.items():
        found[group] = {"hosts": [machine.name for machine in there if machine.kind == kind]}
    return found


def as_json(paths: Paths, state: State, running: set[str]) -> str:
    return json.dumps(document(paths, state, running), indent=2)


def as_yaml(paths: Paths, state: State, running: set[str]) -> str:
    """Plain YAML without a library: JSON's scalars are YAML's."""
    lines = ["all:", "  children:"]
    for kind, group in GROUPS.items():
        members = [machine for machine in _members(state, running) if machine.kind == kind]
        lines += [f"    {group}:", "      hosts:" + ("" if members else " {}")]
        for machine in members:
            lines.append(f"        {machine.name}:")
            lines += [
                f"          {key}: {json.dumps(value)}" for key, value in variables(paths, state, machine).items()
            ]
    return "\n".join(lines)
