"""What becomes of guests that do not run under xl, and of several files together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import FoundDomain
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.takeover import GuestFile, Verdict
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.takeover import as_running

from .domains import found
from .xen_host import MAC, UUID, XenHost, declared, file_of, running, xen_guest

AUTO = "/etc/xen/auto/ldap1.cfg"


def in_libvirt(**marks: Any) -> FoundDomain:
    """The guest of the file, as libvirt has it after it was taken over."""
    return found(running(), **marks)


def test_a_guest_that_does_not_run_is_defined_once() -> None:
    host = XenHost()
    said = host.take_over(file_of(auto=True), check=True)
    assert (host.log, said.running, said.defined) == ([], {}, ())
    done = host.take_over(file_of(auto=True))
    assert done.guests == said.guests
    assert (done.guests[0].verdict, host.runs("ldap1")) == (Verdict.TAKEN, [])
    assert host.log == ["define", "autostart", f"retire {AUTO}"]
    assert host.by_libvirt["ldap1"].autostart
    again = host.take_over(file_of())
    assert [(guest.verdict, guest.changes, guest.notes) for guest in again.guests] == [(Verdict.SAME, (), ())]
    assert len(host.log) == 3


def test_what_is_left_behind_is_named() -> None:
    (guest,) = XenHost().take_over(replace(file_of(), left_behind=("cpus", "networks[0].rate"))).guests
    assert guest.notes == ("left behind: cpus, networks[0].rate",)


@pytest.mark.parametrize(
    ("known", "auto", "verdict", "log", "words"),
    [
        (in_libvirt(), False, Verdict.SAME, [], ""),
        (in_libvirt(), True, Verdict.TAKEN, ["autostart", f"retire {AUTO}"], ""),
        (in_libvirt(autostart=True), True, Verdict.TAKEN, [f"retire {AUTO}"], ""),
        (found(running(memory=Size(256 * MIB))), False, Verdict.SAME, [], "otherwise than the file says (memory)"),
        (found(running(memory=Size(256 * MIB))), True, Verdict.SAME, [], f"{AUTO} would start it by xl as well"),
        (found(running(), running=running()), True, Verdict.TAKEN, ["autostart", f"retire {AUTO}"], ""),
    ],
)
def test_one_that_libvirt_has_is_finished_but_not_changed(
    known: FoundDomain, auto: bool, verdict: Verdict, log: list[str], words: str
) -> None:
    host = XenHost(by_libvirt={"ldap1": known})
    (guest,) = host.take_over(file_of(auto=auto)).guests
    assert (guest.verdict, host.log) == (verdict, log)
    assert words in "; ".join(guest.notes)
    assert (guest.notes == ()) == (words == "")


def test_another_guest_of_that_name_is_no_reason_to_touch_it() -> None:
    host = XenHost(by_libvirt={"ldap1": in_libvirt()})
    (guest,) = host.take_over(file_of(auto=True, uuid="6695eb01-f6a4-8304-79aa-97f2502e1999")).guests
    assert (guest.verdict, host.log) == (Verdict.REFUSED, [])
    assert "another guest has this name" in guest.notes[0]


def test_a_guest_of_another_host_is_not_made_here() -> None:
    elsewhere = {"ldap1": "xen07 runs it"}
    for known in ({}, {"ldap1": in_libvirt()}):
        host = XenHost(by_libvirt=known)
        (guest,) = host.take_over(file_of(auto=True), elsewhere=elsewhere).guests
        assert (guest.verdict, host.log) == (Verdict.REFUSED, [])
        assert guest.notes == ("it does not run here, and xen07 runs it",)
    # One that runs here is not made anew by being handed over.
    host = XenHost(by_xl={"ldap1": xen_guest()})
    assert host.take_over(file_of(), elsewhere=elsewhere).guests[0].verdict is Verdict.MOVED


def test_a_file_that_cannot_be_read_says_why() -> None:
    unread = GuestFile("ldap1", "/etc/xen/ldap1.cfg", refusal="line 2 cannot be read")
    assert XenHost().take_over(unread).guests[0].notes == ("line 2 cannot be read",)
    host = XenHost(by_xl={"ldap1": xen_guest()})
    (guest,) = host.take_over(unread).guests
    assert (guest.verdict, guest.notes[1]) == (Verdict.REFUSED, "xl goes on running it as domain 4")


def test_two_files_of_one_guest_are_both_refused() -> None:
    copy = replace(file_of(), path="/etc/xen/ldap1-old.cfg")
    host = XenHost()
    outcomes = host.take_over(file_of(), copy).guests
    assert {guest.verdict for guest in outcomes} == {Verdict.REFUSED}
    assert outcomes[0].notes == ("several files describe it: /etc/xen/ldap1.cfg, /etc/xen/ldap1-old.cfg; leave one",)
    assert host.log == []


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (
            {"networks": (Nic(MAC, "xenbr10"),)},
            {"networks": (Nic(MAC, "xenbr10"),)},
            f"the MAC address {MAC} belongs to the guest ldap1",
        ),
        ({"uuid": UUID}, {"uuid": UUID}, f"the guest ldap1 has its UUID {UUID}, too"),
        ({}, {"disks": (Disk("xvda", "/srv/guests/ldap1.img"),)}, None),
    ],
)
def test_check_mode_sees_what_the_guests_before_bring(
    first: dict[str, Any], second: dict[str, Any], words: str | None
) -> None:
    host = XenHost()
    files = (file_of(**first), file_of("ldap2", **second))
    said = host.take_over(*files, check=True)
    done = host.take_over(*files)
    assert said.guests == done.guests
    assert (done.guests[1].notes == ()) == (words is None)
    assert words is None or done.guests[1].notes == (words,)


def test_the_disk_of_a_guest_that_xl_runs_is_in_use() -> None:
    host = XenHost(by_xl={"ldap1": xen_guest()})
    rescue = file_of("rescue", disks=(Disk("xvda", "/srv/guests/ldap1.img"),))
    for move in (True, False):
        outcomes = host.take_over(rescue, file_of(), check=True, move=move).guests
        assert "is in use by the running guest ldap1" in outcomes[0].notes[0]
    done = host.take_over(rescue, file_of()).guests
    assert [guest.verdict for guest in done] == [Verdict.REFUSED, Verdict.MOVED]


def test_one_that_fails_stops_no_other() -> None:
    host = XenHost(breaks={f"retire {AUTO}"})
    first, second = host.take_over(file_of(auto=True), file_of("ldap2", auto=True)).guests
    assert (first.verdict, second.verdict) == (Verdict.FAILED, Verdict.TAKEN)
    assert [change.field for change in first.changes][-1] == "autostart"  # what was done is told


def test_guests_without_a_file_are_named_and_a_choice_leaves_the_others_out() -> None:
    host = XenHost(
        by_xl={"old1": xen_guest("old1")}, by_libvirt={"web1": found(running("web1"), running=running("web1"))}
    )
    done = host.take_over(file_of())
    assert [(guest.guest, guest.path, guest.verdict) for guest in done.guests] == [
        ("ldap1", "/etc/xen/ldap1.cfg", Verdict.TAKEN),
        ("old1", None, Verdict.LEFT),
    ]
    assert (done.running, done.defined) == ({"web1": "libvirt", "old1": "xl"}, ("web1",))


def test_mac_addresses_of_the_running_guest_go_where_the_file_has_none() -> None:
    file = declared(networks=(Nic(None, "xenbr10"), Nic("00:16:3e:00:00:02", "xenbr20"), Nic(None, "xenbr30")))
    there = running(networks=(Nic(MAC, "xenbr10"), Nic("00:16:3e:00:00:02", "xenbr20")))
    domain = as_running(file, there).domain
    assert domain.uuid == UUID
    assert [nic.mac for nic in domain.networks or ()] == [MAC, "00:16:3e:00:00:02", None]
    assert as_running(declared(networks=None), there).domain.networks is None
