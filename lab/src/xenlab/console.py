"""A machine's serial console in this terminal."""

from __future__ import annotations

import os
import select
import socket
import sys
import termios
import tty
from pathlib import Path

from xenlab.errors import LabError
from xenlab.progress import say
from xenlab.sockets import connect

_LEAVE = b"\x1d"  # Ctrl-]


def attach(path: Path, machine: str) -> int:
    """Pass bytes both ways until Ctrl-], the machine's end or the end of the input. The log is written all the same."""
    try:
        line = connect(path)
    except OSError as error:
        raise LabError(f"{machine}: its console cannot be reached ({error.strerror or error}).") from error
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard) if os.isatty(keyboard) else None
    say(f"{machine}: console, Ctrl-] leaves it")
    try:
        if before is not None:
            tty.setraw(keyboard)
        _pass(line, keyboard)
    finally:
        line.close()
        if before is not None:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
    say(f"\n{machine}: left the console")
    return 0


def _pass(line: socket.socket, keyboard: int) -> None:
    while True:
        ready, _, _ = select.select([line.fileno(), keyboard], [], [])
        if line.fileno() in ready:
            output = line.recv(65536)
            if not output:
                return
            os.write(sys.stdout.fileno(), output)
        if keyboard in ready:
            typed = os.read(keyboard, 4096)
            before_leave, leave, _ = typed.partition(_LEAVE)
            line.sendall(before_leave)
            if leave or not typed:
                return
