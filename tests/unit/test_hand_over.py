"""A running guest goes from xl to libvirt, and whatever fails on the way, it runs in one place afterwards or is in its file."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.host.signals import undisturbed
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import FoundDomain, PowerState
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.takeover import Verdict

from .domains import found
from .xen_host import MAC, OTHER_UUID, UUID, XenHost, file_of, running, xen_guest

WHOLE = ["define", "(", "prepare", "xl save", "read", "restore", "forget", ")", "autostart"]


def test_it_goes_on_under_libvirt_as_the_same_machine() -> None:
    host = XenHost(by_xl={"ldap1": xen_guest()})
    said = host.take_over(file_of(auto=True), check=True)
    assert (host.log, host.runs("ldap1"), said.running) == ([], ["xl"], {"ldap1": "xl"})
    done = host.take_over(file_of(auto=True))
    assert done.guests == said.guests
    (guest,) = done.guests
    assert (guest.verdict, guest.notes) == (Verdict.MOVED, ())
    assert host.log == [*WHOLE, "retire /etc/xen/auto/ldap1.cfg"]
    assert (host.runs("ldap1"), host.saved) == (["libvirt"], {})
    there = host.by_libvirt["ldap1"]
    assert there.autostart
    for side in (there.stored, there.running):
        assert side is not None
        assert side.uuid == UUID
        assert [nic.mac for nic in side.networks or ()] == [MAC]
    assert [change.as_result() for change in guest.changes if change.field in ("run_by", "started_by_xl")] == [
        {"field": "run_by", "before": "xl", "after": "libvirt", "effect": "freeze"},
        {
            "field": "started_by_xl",
            "before": "/etc/xen/auto/ldap1.cfg",
            "after": "/etc/xen/auto.taken/ldap1.cfg",
            "effect": "live",
        },
    ]


def test_without_a_link_nothing_is_started_with_the_host() -> None:
    host = XenHost(by_xl={"ldap1": xen_guest()})
    host.take_over(file_of())
    assert host.log == WHOLE[:-1]
    assert not host.by_libvirt["ldap1"].autostart


def test_what_the_file_says_otherwise_waits_for_the_next_boot() -> None:
    host = XenHost(by_xl={"ldap1": xen_guest()})
    (guest,) = host.take_over(file_of(memory=Size(1024 * MIB))).guests
    assert guest.notes == ("at its next boot it gets what its file says of memory, memory_max",)
    there = host.by_libvirt["ldap1"]
    assert there.running is not None
    assert there.running.memory == Size(512 * MIB)


@pytest.mark.parametrize(
    ("breaks", "log", "places", "words"),
    [
        ("define", ["define"], ["xl"], "'define' failed"),
        ("prepare", ["define", "(", "prepare", "undefine"], ["xl"], "'prepare' failed"),
        (
            "xl save",
            ["define", "(", "prepare", "xl save", "forget", "undefine"],
            ["xl"],
            "xl could not save its memory: 'xl save' failed (the fake says so); found: it goes on running under xl",
        ),
        (
            "xl save: suspended",
            ["define", "(", "prepare", "xl resume", "forget", "undefine"],
            ["xl"],
            "xl could not save its memory: 'xl save' failed; found: it goes on running under xl",
        ),
        (
            "read",
            ["define", "(", "prepare", "xl save", "read", "xl restore", "forget", "undefine"],
            ["xl"],
            "libvirt could not go on with it: 'read' failed (the fake says so); found: it goes on running under xl",
        ),
        (
            "restore",
            ["define", "(", "prepare", "xl save", "read", "xl restore", "forget", "undefine"],
            ["xl"],
            "(not enough memory); found: it goes on running under xl. Nothing was lost.",
        ),
    ],
)
def test_what_fails_is_undone(breaks: str, log: list[str], places: list[str], words: str) -> None:
    host = XenHost(by_xl={"ldap1": xen_guest()}, breaks={breaks})
    (guest,) = host.take_over(file_of(auto=True)).guests
    assert (guest.verdict, guest.changes) == (Verdict.FAILED, ())
    assert words in guest.notes[0]
    assert host.log == log
    assert host.runs("ldap1") == places
    assert (host.by_libvirt, host.saved) == ({}, {})


def test_a_memory_that_nobody_takes_is_kept_and_told() -> None:
    host = XenHost(by_xl={"ldap1": xen_guest()}, breaks={"restore", "xl restore"})
    (guest,) = host.take_over(file_of(auto=True)).guests
    assert "not enough memory" in guest.notes[0]
    assert "Let it go on by 'xl restore /var/lib/xen/takeover/ldap1.save'; start it in no other way" in guest.notes[0]
    assert (host.runs("ldap1"), list(host.saved), host.by_libvirt) == ([], ["ldap1"], {})
    # It is not overwritten by the next run, nor is the guest started anew.
    (again,) = host.take_over(file_of(auto=True)).guests
    assert again.verdict is Verdict.REFUSED
    assert "/var/lib/xen/takeover/ldap1.save has its memory" in again.notes[0]
    assert list(host.saved) == ["ldap1"]


def test_one_that_libvirt_has_but_does_not_run_is_not_made_a_second_time() -> None:
    host = XenHost(by_xl={"ldap1": xen_guest()}, breaks={"restore: paused"})
    (guest,) = host.take_over(file_of(auto=True)).guests
    assert guest.verdict is Verdict.FAILED
    assert "was not seen running; found: Xen has it as domain 99" in guest.notes[0]
    assert "xl restore" not in host.log
    assert (host.by_libvirt["ldap1"].state, list(host.saved)) == (PowerState.PAUSED, ["ldap1"])
    assert [change.field for change in guest.changes][:1] == ["type"]


def test_one_that_changed_meanwhile_is_left_alone() -> None:
    host = XenHost(by_xl={"ldap1": xen_guest()})
    other = xen_guest(domid=5)
    define = host.call

    def rebooted(what: str) -> None:
        define(what)
        host.by_xl["ldap1"] = other

    host.call = rebooted  # type: ignore[method-assign]
    (guest,) = host.take_over(file_of(auto=True)).guests
    assert guest.verdict is Verdict.FAILED
    assert "it changed while other guests were worked on; found: domain 5, running" in guest.notes[0]
    assert (host.log, host.by_xl) == (["define", "(", "undefine"], {"ldap1": other})


def test_a_run_that_was_cut_off_is_carried_on() -> None:
    """Defined, but not handed over."""
    stored = replace(running(), labels={})
    host = XenHost(by_xl={"ldap1": xen_guest()}, by_libvirt={"ldap1": found(stored)})
    (guest,) = host.take_over(file_of(auto=True)).guests
    assert guest.verdict is Verdict.MOVED
    assert host.log == [*WHOLE[1:], "retire /etc/xen/auto/ldap1.cfg"]
    # One that was there before is not taken away when it fails.
    host = XenHost(by_xl={"ldap1": xen_guest()}, by_libvirt={"ldap1": found(stored)}, breaks={"restore"})
    assert host.take_over(file_of()).guests[0].verdict is Verdict.FAILED
    assert "ldap1" in host.by_libvirt


@pytest.mark.parametrize(
    ("file", "guest", "libvirt", "words"),
    [
        ({}, {"state": "paused"}, None, "it is paused; only a running guest can be handed over"),
        ({}, {"obstacles": ("it has vfbs, which ...",)}, None, "it has vfbs"),
        ({}, {"running": None}, None, "Xen does not tell what it runs with"),
        (
            {},
            {"memory": Size(9 * 1024**3), "running": None},
            None,
            "takes 9376 MiB on the disk, which has 1024 MiB free",
        ),
        ({"uuid": OTHER_UUID}, {}, None, f"its file says UUID {OTHER_UUID}, but it runs with {UUID}"),
        ({}, {}, found(replace(running(), uuid=OTHER_UUID)), "libvirt has another guest of that name"),
        ({}, {}, found(running("web1")), f"the guest web1 has its UUID {UUID}, too"),
        ({}, {}, found(running(), managed_save=True), "libvirt has a saved memory of it"),
        ({"memory": Size(64 * MIB), "memory_max": Size(32 * MIB)}, {}, None, "memory is above memory_max"),
        ({"networks": (Nic(None, "xenbr99"),)}, {}, None, "bridge xenbr99 is missing"),
    ],
)
def test_one_that_cannot_go_stays_and_libvirt_does_not_hear_of_it(
    file: dict[str, Any], guest: dict[str, Any], libvirt: FoundDomain | None, words: str
) -> None:
    known = {libvirt.name: libvirt} if libvirt is not None else {}
    host = XenHost(by_xl={"ldap1": xen_guest(**guest)}, by_libvirt=dict(known), room=Size(1024 * MIB))
    (result,) = host.take_over(file_of(auto=True, **file)).guests
    assert result.verdict is Verdict.LEFT
    assert words in " ".join(result.notes)
    assert (host.log, host.by_libvirt) == ([], known)


def test_one_that_shall_stay_stays() -> None:
    host = XenHost(by_xl={"ldap1": xen_guest()})
    (guest,) = host.take_over(file_of(auto=True), move=False).guests
    assert (guest.verdict, guest.changes, host.log, host.by_libvirt) == (Verdict.LEFT, (), [], {})
    assert "shut it down by 'xl shutdown ldap1'" in guest.notes[0]


def test_signals_are_held_back() -> None:
    caught: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, _frame: caught.append(number))
    try:
        with undisturbed():
            os.kill(os.getpid(), signal.SIGHUP)
        assert caught == []
        os.kill(os.getpid(), signal.SIGHUP)
        assert caught == [signal.SIGHUP]
    finally:
        signal.signal(signal.SIGHUP, before)
