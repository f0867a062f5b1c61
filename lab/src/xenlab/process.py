"""Machines as processes: started to outlive the command, recognised in the process table, ended for certain."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from xenlab.command import PACKAGE, quoted, tail
from xenlab.errors import LabError
from xenlab.paths import Paths
from xenlab.qemu import BINARY, process_name


def running(paths: Paths, machine: str) -> int | None:
    """The machine's process, by QEMU's own pid file; a file left over from another life is not believed.

    QEMU holds a lock on that file, so a machine cannot run twice whatever a command was interrupted at.
    """
    try:
        pid = int(paths.pidfile(machine).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return None
    return pid if _is(pid, process_name(paths.lab, machine), paths.run) else None


def _is(pid: int, name: str, folder: Path) -> bool:
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        # Two users, or two caches of one user, may each have a lab of this name.
        return name.encode() in arguments and Path(os.readlink(f"/proc/{pid}/cwd")) == folder.resolve()
    except OSError:
        return False


def start(paths: Paths, machine: str, argv: list[str]) -> int:
    """Start QEMU in a session of its own. Returns once it has its sockets; an early death is an error with its words."""
    paths.run.mkdir(parents=True, exist_ok=True)
    for stale in (paths.pidfile(machine), paths.qmp_socket(machine), paths.console_socket(machine)):
        stale.unlink(missing_ok=True)
    log = paths.qemu_log(machine)
    try:
        with log.open("wb") as output:
            child = subprocess.Popen(
                argv, cwd=paths.run, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
    except OSError as error:
        raise LabError(
            f"{machine}: {BINARY} could not be run ({error.strerror}). On Debian: apt-get install {PACKAGE[BINARY]}"
        ) from error
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        status = child.poll()
        if status is not None:
            raise LabError(f"{machine}: QEMU ended at once with status {status}.{_advice(log)}" + quoted(tail(log)))
        if running(paths, machine) is not None and paths.qmp_socket(machine).exists():
            return child.pid
        time.sleep(0.05)
    _kill(child.pid)
    raise LabError(f"{machine}: QEMU did not get going within 30 s; it was ended." + quoted(tail(log)))


def _advice(log: Path) -> str:
    words = "\n".join(tail(log)).lower()
    if "host forwarding" in words or "address already in use" in words:
        return " A loopback port was taken by another program in that moment: run the command again, it picks others."
    if "cannot allocate memory" in words or "cannot set up guest memory" in words:
        return " There is not enough memory: fewer machines, or end something else."
    if "failed to get" in words and "lock" in words:
        return " Another process has this machine's disk open."
    return f" The whole log is {log}."


def kill(paths: Paths, machine: str) -> bool:
    """Cut the machine's power. Returns when the process is gone; False when there was none."""
    pid = running(paths, machine)
    if pid is None:
        return False
    _kill(pid)
    if not gone(paths, machine, 10):
        raise LabError(f"{machine}: process {pid} does not go away though killed. Look at it with: ps -fp {pid}")
    return True


def gone(paths: Paths, machine: str, patience: float) -> bool:
    """Wait for a machine's end."""
    deadline = time.monotonic() + patience
    while (pid := running(paths, machine)) is not None:
        if time.monotonic() > deadline:
            return False
        _reap(pid)
        time.sleep(0.1)
    return True


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    _reap(pid)


def _reap(pid: int) -> None:
    """When this very command started it, a dead machine stays in the process table until it is asked for."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def memory_free_mib() -> int:
    """What programs can still take without swapping."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return 1 << 30
