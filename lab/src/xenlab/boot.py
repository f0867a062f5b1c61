"""Bring one machine from nothing to an SSH answer."""

from __future__ import annotations

import threading
import time

from xenlab import process, qemu, qmp, ssh
from xenlab.command import quoted, tail
from xenlab.errors import LabError
from xenlab.paths import Paths
from xenlab.progress import Phase, say
from xenlab.state import State
from xenlab.topology import ALL_LINKS, CORE, Machine

# Between two looks at a machine that has not answered: often enough for the figures, seldom enough to cost nothing.
_PAUSE = 0.5


def launch(paths: Paths, machine: Machine, state: State) -> None:
    """Start the process, and leave its links as they were: a cut cable stays cut when a host restarts."""
    process.start(paths, machine.name, qemu.command(paths.lab, machine, state))
    for link in ALL_LINKS:
        if link.name in state.cut and machine.name in (link.host, CORE):
            set_link(paths, machine.name, link.name, whole=False)


def set_link(paths: Paths, machine: str, link: str, *, whole: bool) -> None:
    """One end of a cable."""
    qmp.ask(paths.qmp_socket(machine), machine, "set_link", name=link, up=whole)


def await_ssh(paths: Paths, machine: Machine, state: State, timeout: float, stop: threading.Event, doing: str) -> float:
    """Wait until commands can be run there; returns the seconds it took."""
    name = machine.name
    port = state.machines[name].ssh_port
    current = Phase(name, doing)
    say(f"{name}: {doing} ...")
    while not stop.is_set():
        if process.running(paths, name) is None:
            raise LabError(
                f"{name}: the machine went off while it was booting. Its own words are below; 'xenlab start {name}' tries again."
                + quoted([*tail(paths.qemu_log(name), 5), *tail(paths.console_log(name))])
            )
        if ssh.greets(port) and ssh.answers(paths, state, name):
            current.done("SSH answers")
            return current.seconds
        if current.seconds > timeout:
            raise LabError(
                f"{name}: no SSH answer within {timeout:.0f} s. It is still running: 'xenlab console {name}' shows it, 'up' waits for"
                f" it again (see --timeout), 'kill {name}' and 'start {name}' boot it anew. The last lines of its console:"
                + quoted(tail(paths.console_log(name)))
            )
        time.sleep(_PAUSE)
    raise LabError(f"{name}: interrupted while booting; it goes on by itself, the next 'up' takes it from there.")
