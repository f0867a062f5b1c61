"""Guests that are waited for. The doors are real sockets; the hypervisor is a stub that only tells a state."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.host.doors import LocalDoors
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    DomainType,
    FoundDomain,
    PowerState,
    TargetState,
    WaitFor,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domains import ensure_domains
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.ready import await_ready, doors_of
from ansible_collections.xenfleet.xen.plugins.module_utils.ports import Door

from .domains import found


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


class Ask:
    """Doors that are all open but one, and note how many were asked for at a time."""

    def __init__(self, shut: str = "") -> None:
        self.asked: list[int] = []
        self._shut = shut

    def open(self, doors: Collection[Door], _seconds: float) -> frozenset[Door]:
        self.asked.append(len(doors))
        return frozenset(door for door in doors if door.address != self._shut)


class Running(States):
    """A hypervisor with three guests that run as they are declared."""

    def __init__(self) -> None:
        super().__init__(PowerState.RUNNING)
        size = Size(128 * MIB)
        self.guests = []
        for number in (1, 2, 3):
            nic = Nic(f"00:16:3e:00:00:0{number}", "xenbr10", (f"10.0.0.{number}/24",))
            domain = Domain(
                f"web{number}",
                type=DomainType.PVH,
                memory=size,
                memory_max=size,
                vcpus=1,
                vcpus_max=1,
                kernel="/k",
                networks=(nic,),
            )
            self.guests.append(found(domain))
        self.guests = [replace(guest, running=guest.stored, state=PowerState.RUNNING) for guest in self.guests]

    def domain(self, name: str) -> FoundDomain | None:
        return next((guest for guest in self.domains() if guest.name == name), None)

    def domains(self) -> list[FoundDomain]:
        return self.guests


def ensured(doors: Any, *, at_once: int | None = None, check: bool = False) -> dict[str, str]:
    hypervisor: Any = Running()
    nothing: Any = None  # no facts of the host are needed where nothing changes
    wanted = [Declaration(Domain(one.name), wait_for=WaitFor.SSH, wait_timeout=0) for one in hypervisor.guests]
    results = ensure_domains(hypervisor, nothing, doors, wanted, check=check, starts_at_once=at_once)
    return {result.name: str(result.error or "") for result in results}


@pytest.mark.parametrize(("at_once", "asked"), [(None, [3]), (1, [1, 1, 1]), (2, [2, 1]), (5, [3])])
def test_no_more_guests_than_wanted_get_ready_at_a_time(at_once: int | None, asked: list[int]) -> None:
    doors = Ask()
    assert ensured(doors, at_once=at_once) == {"web1": "", "web2": "", "web3": ""}
    assert doors.asked == asked


def test_one_that_does_not_get_ready_stops_none_of_the_others() -> None:
    said = ensured(Ask(shut="10.0.0.2"), at_once=1)
    assert (said["web1"], said["web3"]) == ("", "")
    assert "did not answer within 0 s" in said["web2"]


def test_check_mode_waits_for_nothing() -> None:
    doors = Ask()
    assert set(ensured(doors, check=True).values()) == {""}
    assert doors.asked == []
