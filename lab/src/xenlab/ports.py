"""Loopback ports that are free right now."""

from __future__ import annotations

import hashlib
import socket
from itertools import chain

from xenlab.errors import LabError
from xenlab.topology import ALL_LINKS

# Below the kernel's ephemeral range, so that no outgoing connection takes one by chance.
_FIRST, _LAST = 20000, 32000


def _free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            # As QEMU does: a connection that is just closing is not in the way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def ssh_port(preferred: int, taken: set[int], lab: str, machine: str) -> int:
    """The machine's port of last time when it is free, so that addresses stay; else the next that is."""
    start = _start(f"{lab}/{machine}")
    for port in chain((preferred,), range(start, _LAST), range(_FIRST, start)):
        if port and port not in taken and _free(port, socket.SOCK_STREAM):
            return port
    raise LabError(f"No loopback port between {_FIRST} and {_LAST} is free for {machine}'s SSH.")


def link_block(preferred: int, lab: str) -> int:
    """The first of as many neighbouring ports as all links' ends need."""
    count = 2 * len(ALL_LINKS)
    start = _start(lab)
    for first in chain((preferred,), range(start, _LAST - count, count), range(_FIRST, start, count)):
        if first and links_free(first):
            return first
    raise LabError(f"No {count} neighbouring loopback ports between {_FIRST} and {_LAST} are free for the lab's links.")


def links_free(first: int) -> bool:
    return all(_free(first + n, socket.SOCK_DGRAM) for n in range(2 * len(ALL_LINKS)))


def _start(name: str) -> int:
    """Labs begin their search in different places, so that two that start at once seldom meet."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    return _FIRST + number % (_LAST - _FIRST - 200)
