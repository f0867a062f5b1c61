"""Guests that are waited for. The doors are real sockets; the hypervisor is a stub that only tells a state."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.host.doors import LocalDoors
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    PowerState,
    TargetState,
    WaitFor,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.ready import await_ready, doors_of
from ansible_collections.xenfleet.xen.plugins.module_utils.ports import Door


class States:
    """A hypervisor whose guests are in the given state."""

    def __init__(self, state: PowerState | None) -> None:
        self._state = state

    def state(self, _name: str) -> PowerState | None:
        return self._state


def guest(*addresses: str) -> Domain:
    return Domain("web1", networks=(Nic(mac=None, bridge="xenbr10", addresses=addresses),))


def declared(port: int, *addresses: str, timeout: float = 30, state: TargetState = TargetState.RUNNING) -> Declaration:
    return Declaration(guest(*addresses), state=state, wait_for=WaitFor.SSH, wait_port=port, wait_timeout=timeout)


def waited(hypervisor: Any, declaration: Declaration) -> str:
    doors = doors_of(declaration, declaration.domain)
    failed = await_ready(hypervisor, LocalDoors(), [(declaration, doors)])
    return "; ".join(f"{type(error).__name__} {error}" for error in failed.values())


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def server(port: int, after: float = 0) -> Iterator[None]:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", port))
        timer = threading.Timer(after, one.listen)
        timer.start()
        yield
        timer.join()


def test_a_server_is_found_behind_any_of_the_addresses() -> None:
    port = free_port()
    with server(port, after=1.5):
        begin = time.monotonic()
        assert waited(States(PowerState.RUNNING), declared(port, "127.0.0.2/8", "127.0.0.1/8")) == ""
        assert time.monotonic() - begin >= 1.5


def test_doors_that_are_shut_or_lead_nowhere_are_not_open() -> None:
    port = free_port()
    doors = {Door("127.0.0.1", port), Door("::1", port), Door("2001:db8::1", port)}
    assert LocalDoors().open(doors, 0.2) == frozenset()


def test_one_that_never_answers_is_named_and_goes_on() -> None:
    said = waited(States(PowerState.RUNNING), declared(free_port(), "127.0.0.1/8", timeout=0))
    assert said.startswith("TimedOut web1: its SSH server did not answer within 0 s; found: state running")
    assert "127.0.0.1 port" in said


@pytest.mark.parametrize(("state", "word"), [(None, "no such guest"), (PowerState.CRASHED, "crashed")])
def test_one_that_went_off_is_not_waited_for(state: PowerState | None, word: str) -> None:
    said = waited(States(state), declared(free_port(), "127.0.0.1/8", timeout=600))
    assert said.startswith("HypervisorError web1: it was started, but went off")
    assert word in said


def test_only_a_guest_that_shall_run_is_waited_for() -> None:
    assert doors_of(declared(22, "10.0.0.1/24", state=TargetState.STOPPED), guest("10.0.0.1/24")) == ()
    assert doors_of(Declaration(guest("10.0.0.1/24")), guest("10.0.0.1/24")) == ()
    assert doors_of(declared(22), guest("10.0.0.1/24")) == (Door("10.0.0.1", 22),)
    with pytest.raises(InvalidInput, match="needs an address"):
        doors_of(declared(22), guest())
