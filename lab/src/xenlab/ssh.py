"""SSH to the machines, with the lab's own key and known hosts and nothing of the operator's configuration."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence

from xenlab import keys
from xenlab.command import quoted
from xenlab.errors import LabError
from xenlab.paths import Paths
from xenlab.state import State


def options(paths: Paths, machine: str) -> list[str]:
    """What any SSH client needs for this machine besides port, user and key. Strict: the host key is known beforehand."""
    return [
        f'UserKnownHostsFile="{paths.known_hosts}"',
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=yes",
        f"HostKeyAlias={keys.host_alias(paths.lab, machine)}",
        "IdentitiesOnly=yes",
    ]


def command(paths: Paths, state: State, machine: str, remote: Sequence[str], *, tty: bool = False) -> list[str]:
    """The complete command line; shared connections of the operator's stay out of it."""
    argv = [
        "ssh",
        "-F",
        "none",
        "-p",
        str(state.machines[machine].ssh_port),
        "-l",
        "root",
        "-i",
        str(keys.operator_key(paths)),
    ]
    for option in (*options(paths, machine), "ControlMaster=no", "ControlPath=none", "BatchMode=yes", "LogLevel=ERROR"):
        argv += ["-o", option]
    # A machine that was killed must not hold the command for ever.
    argv += ["-o", "ConnectTimeout=60", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=8"]
    return [*argv, *(["-t"] if tty else []), "127.0.0.1", *(["--", *remote] if remote else [])]


def greets(port: int, patience: float = 10.0) -> bool:
    """Whether an SSH server introduces itself; far cheaper than logging in. QEMU accepts connections for a dead guest."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=patience) as client:
            return client.recv(4) == b"SSH-"
    except OSError:
        return False


def answers(paths: Paths, state: State, machine: str, patience: float = 45.0) -> bool:
    """Whether a command can be run there."""
    try:
        done = subprocess.run(
            command(paths, state, machine, ["true"]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def do(paths: Paths, state: State, machine: str, script: str, what: str, patience: float = 120.0) -> None:
    """Run shell text there; a failure is an error that carries its words."""
    try:
        done = subprocess.run(
            command(paths, state, machine, ["sh", "-s"]),
            input=script,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(
            f"{machine}: {what} took more than {patience:.0f} s. Look at it with: xenlab console {machine}"
        ) from error
    if done.returncode != 0:
        words = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()][-15:]
        raise LabError(f"{machine}: {what} failed with status {done.returncode}." + quoted(words))
