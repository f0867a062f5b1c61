# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Asks Xen hosts what they run: one SSH call for each host, all hosts at once, each with a deadline."""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import XenfleetError
from ansible_collections.xenfleet.xen.plugins.plugin_utils.park import HostAnswer, read_probe

_PROBE = Path(__file__).with_name("probe.py")
_AT_ONCE = 30
_SOCKETS = Path("~/.ansible/cp")  # where Ansible's own connections have theirs


def probe_command(host: str, variables: Mapping[str, Any], uri: str, timeout: int) -> list[str]:
    """The command that runs the probe on a host, its program coming by standard input.

    Args:
        host: the inventory name.
        variables: its variables; the usual ``ansible_*`` ones for SSH, ``ansible_connection`` and
            ``ansible_python_interpreter`` count.
        uri: the libvirt URI as seen from the host.
        timeout: seconds for SSH to connect.
    """
    interpreter = str(variables.get("ansible_python_interpreter") or "python3")
    if interpreter.startswith("auto"):
        interpreter = "python3"
    become = ["sudo", "-n"] if variables.get("ansible_become") else []
    remote = [*become, interpreter, "-", uri]
    if variables.get("ansible_connection") == "local":
        return remote
    command = [str(variables.get("ansible_ssh_executable") or "ssh"), "-T", "-o", "BatchMode=yes"]
    command += ["-o", f"ConnectTimeout={timeout}", *_shared_connection()]
    for name in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        command += shlex.split(str(variables.get(name) or ""))
    key = variables.get("ansible_ssh_private_key_file") or variables.get("ansible_private_key_file")
    port = variables.get("ansible_port") or variables.get("ansible_ssh_port")
    user = variables.get("ansible_user") or variables.get("ansible_ssh_user")
    for option, value in (("-i", key), ("-p", port), ("-l", user)):
        if value:
            command += [option, str(Path(str(value)).expanduser() if option == "-i" else value)]
    address = str(variables.get("ansible_host") or variables.get("ansible_ssh_host") or host)
    return [*command, "--", address, shlex.join(remote)]


def _shared_connection() -> list[str]:
    """Options by which one connection serves the questions of a minute; one to a host that died ends after 15 s."""
    folder = _SOCKETS.expanduser()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return []
    options = ("ControlMaster=auto", "ControlPersist=60s", f"ControlPath={folder}/xenfleet-%C")
    return [word for option in (*options, "ServerAliveInterval=5", "ServerAliveCountMax=3") for word in ("-o", option)]


def ask(host: str, command: Sequence[str], timeout: float) -> HostAnswer:
    """Run the probe on one host; whatever goes wrong becomes the answer's error."""
    try:
        done = subprocess.run(
            list(command),
            input=_PROBE.read_text(encoding="utf-8"),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return HostAnswer(host, None, f"no answer within {timeout:g} s")
    except OSError as error:
        return HostAnswer(host, None, f"cannot run {command[0]}: {error.strerror}")
    if done.returncode != 0:
        words = done.stderr.strip().splitlines() or ["no output"]
        return HostAnswer(host, None, f"status {done.returncode}: {words[-1]}")
    try:
        return HostAnswer(host, read_probe(done.stdout), seen_at=time.time())
    except XenfleetError as error:
        return HostAnswer(host, None, str(error))


def ask_all(commands: Mapping[str, Sequence[str]], timeout: float) -> list[HostAnswer]:
    """Ask all hosts at once; a slow or dead one holds up none of the others beyond the timeout.

    Args:
        commands: the probe's command for each host.
        timeout: seconds that each host has.
    """
    if not commands:
        return []
    with ThreadPoolExecutor(max_workers=min(len(commands), _AT_ONCE)) as pool:
        return list(pool.map(lambda host: ask(host, commands[host], timeout), commands))
