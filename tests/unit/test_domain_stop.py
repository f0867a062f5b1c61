"""A guest that does not listen yet is asked again. (A stub: no hypervisor here can be made to refuse.)"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import HypervisorError, TimedOut
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.hypervisor import LibvirtHypervisor
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    DomainType,
    FoundDomain,
    PowerState,
    TargetState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domain import ensure_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import GuestHost

from .domains import found

NO_FACTS: Any = None  # nothing is asked of the host when a guest is stopped


class Deaf:
    """A hypervisor with one guest, which listens from the given request on, or never."""

    def __init__(self, listens_at: int) -> None:
        self.listens_at = listens_at
        self.requests = 0
        self.destroyed = False
        self.running = True
        size = Size(128 * MIB)
        domain = Domain("web1", type=DomainType.PVH, memory=size, memory_max=size, vcpus=1, vcpus_max=1, kernel="/k")
        self.guest = found(domain, running=domain)

    def domain(self, name: str) -> FoundDomain | None:
        return next((guest for guest in self.domains() if guest.name == name), None)

    def domains(self) -> list[FoundDomain]:
        return [self.guest]

    def state(self, _name: str) -> PowerState:
        return PowerState.RUNNING if self.running else PowerState.STOPPED

    def shutdown(self, _name: str) -> None:
        self.requests += 1
        if self.requests < self.listens_at:
            raise HypervisorError("libvirt could not shut the guest down", found="no drivers")
        self.running = False

    def destroy(self, _name: str) -> None:
        self.destroyed, self.running = True, False


class Leaving(Deaf):
    """One whose guest goes down by itself just before its power is to be taken."""

    def destroy(self, _name: str) -> None:
        self.running = False
        raise HypervisorError("libvirt could not destroy the guest", found="domain is not running")


class Asleep(Deaf):
    """One whose guest is suspended, and stays so."""

    def __init__(self) -> None:
        super().__init__(1000)
        self.guest = replace(self.guest, state=PowerState.SUSPENDED)

    def state(self, _name: str) -> PowerState:
        return PowerState.SUSPENDED if self.running else PowerState.STOPPED

    def wake(self, _name: str) -> None:
        raise HypervisorError("libvirt could not wake the guest", found="Failed to resume domain")


def stop(hypervisor: Any, *, timeout: float, force: bool = False) -> None:
    declared = Declaration(Domain("web1"), state=TargetState.STOPPED, timeout=timeout, force=force)
    host = GuestHost(hypervisor, NO_FACTS, NO_FACTS, NO_FACTS)
    ensure_domain(host, declared, hypervisor.domains(), check=False)


def test_it_is_asked_until_it_listens() -> None:
    hypervisor = Deaf(3)
    stop(hypervisor, timeout=10)
    assert (hypervisor.requests, hypervisor.running, hypervisor.destroyed) == (3, False, False)


def test_force_ends_one_that_never_listens() -> None:
    hypervisor = Deaf(1000)
    stop(hypervisor, timeout=0.3, force=True)
    assert hypervisor.destroyed


def test_one_that_has_just_gone_is_no_error() -> None:
    hypervisor = Leaving(1000)
    stop(hypervisor, timeout=0.3, force=True)
    assert not hypervisor.running


class Domains:
    """A connection, and its one guest, in a state that libvirt tells, and there or gone for Xen."""

    def __init__(self, number: int, active: int) -> None:
        self._answers = {"lookupByName": self, "state": [number, 0], "isActive": active}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *_arguments: self._answers[name]


@pytest.mark.parametrize(
    ("number", "active", "state"),
    [
        (5, 0, PowerState.STOPPED),
        (5, 1, PowerState.SHUTTING_DOWN),
        (6, 1, PowerState.CRASHED),
        (1, 1, PowerState.RUNNING),
    ],
)
def test_it_is_off_when_libvirt_has_put_it_away(number: int, active: int, state: PowerState) -> None:
    assert LibvirtHypervisor(Domains(number, active)).state("web1") is state


def test_without_force_the_error_says_why() -> None:
    hypervisor = Deaf(1000)
    with pytest.raises(TimedOut, match="could not be asked") as caught:
        stop(hypervisor, timeout=0.3)
    assert caught.value.found == "no drivers"
    assert hypervisor.running


def test_one_that_does_not_wake_is_ended_by_force_at_once() -> None:
    hypervisor = Asleep()
    stop(hypervisor, timeout=1000, force=True)
    assert (hypervisor.destroyed, hypervisor.requests) == (True, 0)


def test_without_force_one_that_does_not_wake_is_left_and_the_error_says_what_ends_it() -> None:
    hypervisor = Asleep()
    with pytest.raises(HypervisorError, match="could not wake the guest") as caught:
        stop(hypervisor, timeout=0.3)
    assert "with force" in str(caught.value)
    assert hypervisor.running
