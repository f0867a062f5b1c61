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
from ansible_collections.xenfleet.xen.plugins.module_utils.ops import ready
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domains import ensure_domains
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.ready import Awaited, Readiness, await_ready, awaited_of
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import Door, GuestHost

from .domains import found


class States:
    """A hypervisor whose guests go through the given states, one a look, and have the given leases."""

    def __init__(self, *states: PowerState | None, leases: tuple[str, ...] = ()) -> None:
        self._states = list(states)
        self._leases = leases

    def state(self, _name: str) -> PowerState | None:
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]

    def addresses(self, _name: str) -> tuple[str, ...]:
        return self._leases


def guest(*addresses: str) -> Domain:
    return Domain("web1", networks=(Nic(mac=None, bridge="xenbr10", addresses=addresses),))


LEASING = Domain("web1", networks=(Nic(None, None, network="default"),))


def declared(
    port: int,
    *addresses: str,
    timeout: float = 30,
    state: TargetState = TargetState.RUNNING,
    wait_for: WaitFor = WaitFor.SSH,
) -> Declaration:
    return Declaration(guest(*addresses), state=state, wait_for=wait_for, wait_port=port, wait_timeout=timeout)


def waited(hypervisor: Any, declaration: Declaration, target: Domain | None = None) -> Readiness:
    one = awaited_of(declaration, target or declaration.domain)
    assert one is not None
    return await_ready(hypervisor, LocalDoors(), [one])


def said(result: Readiness) -> str:
    return "; ".join(f"{type(error).__name__} {error}" for error in result.failed.values())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reboots here, and nothing is disturbed by many looks."""
    monkeypatch.setattr(ready, "_REBOOT_SECONDS", 0.0)
    monkeypatch.setattr(ready, "_PAUSE_SECONDS", 0.01)


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
        result = waited(States(PowerState.RUNNING), declared(port, "127.0.0.2/8", "127.0.0.1/8"))
        assert (result.failed, result.addresses) == ({}, {"web1": "127.0.0.1"})
        assert time.monotonic() - begin >= 1.5


def test_doors_that_are_shut_or_lead_nowhere_do_not_open() -> None:
    port = free_port()
    shut, shut_too = Door("127.0.0.1", port), Door("::1", port)
    assert LocalDoors().knock({shut, shut_too, Door("2001:db8::1", port)}, 0.2) == {shut: False, shut_too: False}


def test_an_address_is_there_when_it_refuses() -> None:
    port = free_port()
    result = waited(States(PowerState.RUNNING), declared(port, "127.0.0.1/8", wait_for=WaitFor.ADDRESS))
    assert (result.failed, result.addresses) == ({}, {"web1": "127.0.0.1"})


def test_where_no_address_is_declared_the_leased_ones_are_tried() -> None:
    port, running = free_port(), PowerState.RUNNING
    none = waited(States(running), declared(port, timeout=0), LEASING)
    assert "no address leased to it" in said(none)
    with server(port):
        assert waited(States(running, leases=("127.0.0.1",)), declared(port), LEASING).addresses == {
            "web1": "127.0.0.1"
        }


def test_one_that_never_answers_is_named_and_goes_on() -> None:
    words = said(waited(States(PowerState.RUNNING), declared(free_port(), "127.0.0.1/8", timeout=0)))
    assert words.startswith("TimedOut web1: its SSH server did not answer within 0 s; found: state running")
    assert "127.0.0.1 port" in words


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(("state", "word"), [(None, "no such guest"), (PowerState.CRASHED, "crashed")])
@pytest.mark.parametrize("wait_for", [WaitFor.RUNNING, WaitFor.SSH, WaitFor.ADDRESS])
def test_one_that_went_off_is_not_waited_for(state: PowerState | None, word: str, wait_for: WaitFor) -> None:
    address = "2001:db8::1/64" if wait_for is WaitFor.ADDRESS else "127.0.0.1/8"
    words = said(waited(States(state), declared(free_port(), address, timeout=600, wait_for=wait_for)))
    assert words.startswith("HypervisorError web1: it was started, but went off")
    assert word in words


def test_one_that_reboots_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "_PAUSE_SECONDS", 0.01)
    stopped, running = PowerState.STOPPED, PowerState.RUNNING
    assert waited(States(stopped, stopped, running), declared(22, wait_for=WaitFor.RUNNING)).failed == {}


@pytest.mark.usefixtures("quick")
def test_one_that_shall_end_is_ready_when_it_has_ended() -> None:
    running, wait_for = PowerState.RUNNING, WaitFor.STOPPED
    assert waited(States(running, running, PowerState.STOPPED), declared(22, wait_for=wait_for)).failed == {}
    assert waited(States(None), declared(22, wait_for=wait_for)).failed == {}
    late = waited(States(running), declared(22, wait_for=wait_for, timeout=0))
    assert said(late).startswith("TimedOut web1: it did not end within 0 s; found: state running")
    crashed = waited(States(PowerState.CRASHED), declared(22, wait_for=wait_for, timeout=0))
    assert "state crashed" in said(crashed)


def test_only_a_guest_that_shall_run_is_waited_for() -> None:
    assert awaited_of(declared(22, "10.0.0.1/24", state=TargetState.STOPPED), guest("10.0.0.1/24")) is None
    assert awaited_of(Declaration(guest("10.0.0.1/24")), guest("10.0.0.1/24")) is None
    wanted = declared(22)
    assert awaited_of(wanted, guest("10.0.0.1/24")) == Awaited(wanted, WaitFor.SSH, ("10.0.0.1",))
    with pytest.raises(InvalidInput, match="needs an address"):
        awaited_of(wanted, guest())
    assert awaited_of(declared(22, wait_for=WaitFor.RUNNING), guest()) is not None


class Ask:
    """Doors that are all open but one, and note how many were asked for at a time."""

    def __init__(self, shut: str = "") -> None:
        self.asked: list[int] = []
        self._shut = shut

    def knock(self, doors: Collection[Door], _seconds: float) -> dict[Door, bool]:
        self.asked.append(len(doors))
        return {door: door.address != self._shut for door in doors}


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
    nothing: Any = None  # only the hypervisor is asked where nothing changes
    host = GuestHost(hypervisor, nothing, nothing, nothing)
    wanted = [Declaration(Domain(one.name), wait_for=WaitFor.SSH, wait_timeout=0) for one in hypervisor.guests]
    results = ensure_domains(host, doors, wanted, check=check, starts_at_once=at_once)
    return {result.name: str(result.error or "") for result in results}


@pytest.mark.parametrize(("at_once", "asked"), [(None, [3]), (1, [1, 1, 1]), (2, [2, 1]), (5, [3])])
def test_no_more_guests_than_wanted_get_ready_at_a_time(at_once: int | None, asked: list[int]) -> None:
    doors = Ask()
    assert ensured(doors, at_once=at_once) == {"web1": "", "web2": "", "web3": ""}
    assert doors.asked == asked


def test_one_that_does_not_get_ready_stops_none_of_the_others() -> None:
    words = ensured(Ask(shut="10.0.0.2"), at_once=1)
    assert (words["web1"], words["web3"]) == ("", "")
    assert "did not answer within 0 s" in words["web2"]


def test_check_mode_waits_for_nothing() -> None:
    doors = Ask()
    assert set(ensured(doors, check=True).values()) == {""}
    assert doors.asked == []
