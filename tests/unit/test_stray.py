"""What Xen has behind libvirt's back when a guest is to start. Xen's words are recorded (Xen 4.20), the host is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict
from ansible_collections.xenfleet.xen.plugins.module_utils.host.xl import XlGuests
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    DomainType,
    FoundDomain,
    PowerState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.stray import Stray
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domain import ensure_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import GuestHost

from .domains import found

UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f"
HEAD = "Name                                        ID   Mem VCPUs\tState\tTime(s)   UUID                            Reason-Code\tSecurity Label\n"


class Xl:
    """The answer to one question."""

    def __init__(self, words: str, *, status: int = 0, there: bool = True) -> None:
        self._there, self._result = there, CommandResult(status, words, "")

    def has(self, _program: str) -> bool:
        return self._there

    def run(self, _argv: Sequence[str], **_how: Any) -> CommandResult:
        return self._result


@pytest.mark.parametrize(
    ("xl", "stray"),
    [
        (
            Xl(f"{HEAD}web1   7    64     1     --p---       0.0 {UUID}        -                -\n"),
            Stray(7, UUID, "paused", 0),
        ),
        (
            Xl(f"{HEAD}web1   7    64     1     -b----      34.3 {UUID}        -                -\n"),
            Stray(7, UUID, "running", 34.3),
        ),
        (Xl("", status=1), None),
        (Xl("", there=False), None),
    ],
)
def test_xl_tells_of_one_guest(xl: Xl, stray: Stray | None) -> None:
    assert XlGuests(xl).stray("web1") == stray


class Xen:
    """A host whose libvirt has one guest, which is off, and whose Xen may have more."""

    def __init__(self, stray: Stray | None) -> None:
        size = Size(64 * MIB)
        domain = Domain("web1", uuid=UUID, type=DomainType.PV, memory=size, memory_max=size, vcpus=1, vcpus_max=1)
        self.guest = replace(found(replace(domain, bootloader="/usr/bin/pygrub")), state=PowerState.STOPPED)
        self.strays = {stray.domid: stray} if stray else {}
        self.started = False

    def stray(self, _name: str) -> Stray | None:
        return next(iter(self.strays.values()), None)

    def discard(self, domid: int) -> None:
        del self.strays[domid]

    def domain(self, _name: str) -> FoundDomain:
        return self.guest

    def state(self, _name: str) -> PowerState:
        return PowerState.STOPPED

    def start(self, _name: str, *, paused: bool = False) -> None:
        assert not self.strays, "Xen refuses a second guest of the name"
        self.started = not paused

    def domain_types(self) -> frozenset[str]:
        return frozenset()

    def bridges(self) -> frozenset[str]:
        return frozenset()

    openvswitch_bridges = bridges


def ensure(xen: Any, *, check: bool) -> list[str]:
    nothing: Any = None
    outcome = ensure_domain(GuestHost(xen, xen, nothing, xen), Declaration(Domain("web1")), [xen.guest], check=check)
    return [change.field for change in outcome.plan.changes]


def test_what_is_left_of_a_start_goes_before_the_next() -> None:
    xen = Xen(Stray(7, UUID, "paused", 0))
    assert ensure(xen, check=True) == ["leftover", "state"]
    assert xen.strays
    assert ensure(xen, check=False) == ["leftover", "state"]
    assert xen.started
    assert not xen.strays


def test_a_start_without_leftovers_is_only_that() -> None:
    assert ensure(Xen(None), check=False) == ["state"]


@pytest.mark.parametrize(
    "stray",
    [
        Stray(7, UUID, "running", 0),
        Stray(7, UUID, "paused", 0.1),
        Stray(7, UUID.replace("6", "7"), "paused", 0),
    ],
)
def test_a_guest_that_is_more_than_that_is_left_alone(stray: Stray) -> None:
    xen = Xen(stray)
    with pytest.raises(Conflict, match="libvirt does not know; found: domain 7"):
        ensure(xen, check=True)
    with pytest.raises(Conflict, match="libvirt does not know"):
        ensure(xen, check=False)
    assert xen.strays
    assert not xen.started
