"""Where guests are not what they should be: the comparison, the looking, and the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict, InvalidInput, NotFound
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    DomainType,
    FoundDomain,
    PowerState,
    TargetState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.report import sighting_report
from ansible_collections.xenfleet.xen.plugins.module_utils.model.sighting import Sighting
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domain_info import HostLook, look_at_guests
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import plan_domain, waiting_fields
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.drift import DriftKind, drift_of
from ansible_collections.xenfleet.xen.plugins.plugin_utils.drift import drift_table

from .domains import applied, fit, found, whole_domains

BASE = Domain(
    name="web1",
    uuid="6695eb01-f6a4-8304-79aa-97f2502e193f",
    type=DomainType.PVH,
    memory=Size(256 * MIB),
    memory_max=Size(512 * MIB),
    vcpus=1,
    vcpus_max=2,
    kernel="/k",
    disks=(Disk("xvda", "/a"),),
    networks=(Nic("00:16:3e:00:00:01", "xenbr10", ("10.10.0.11/24",)),),
    on_poweroff="destroy",
    on_reboot="restart",
    on_crash="restart",
    tsc_mode="default",
    labels={"group": "web"},
)
MORE = {"memory": Size(384 * MIB)}
NOT_DECLARED, RESTART_DUE = "not_declared", "restart_due"


def declare(state: TargetState = TargetState.PRESENT, **fields: Any) -> Declaration:
    return Declaration(Domain(name="web1", **fields), state=state)


def there(*, running: Mapping[str, Any] | None = None, **marks: Any) -> FoundDomain:
    """The base as a host has it, running with some fields changed, or not at all."""
    return found(BASE, running=None if running is None else replace(BASE, **running), **marks)


@pytest.mark.parametrize(
    ("guest", "declared", "expected"),
    [
        (there(), None, []),
        (there(running={}), declare(), []),
        (there(running={}), declare(TargetState.STOPPED, vcpus=1), []),
        # A field of each form that is not as declared.
        (there(), declare(**MORE), [(NOT_DECLARED, "memory", "256 MiB", None, "384 MiB")]),
        (there(running={}), declare(**MORE), [(NOT_DECLARED, "memory", "256 MiB", "256 MiB", "384 MiB")]),
        (there(), declare(kernel="/k2"), [(NOT_DECLARED, "kernel", "/k", None, "/k2")]),
        (there(), declare(disks=(Disk("xvdb", "/b"),)), [(NOT_DECLARED, "disks[xvdb]", None, None, "/b (raw)")]),
        (there(), declare(labels={}), [(NOT_DECLARED, "labels[group]", "web", None, None)]),
        (
            there(),
            declare(networks=(Nic(None, "xenbr10", ("10.10.0.12/24",)),)),
            [(NOT_DECLARED, "addresses[00:16:3e:00:00:01]", "10.10.0.11/24", None, "10.10.0.12/24")],
        ),
        (there(), replace(declare(), autostart=True), [(NOT_DECLARED, "autostart", "no", None, "yes")]),
        (there(autostart=True), declare(TargetState.ABSENT), [(NOT_DECLARED, "domain", "web1", None, None)]),
        # What waits for a restart; with what is meant, where something is declared.
        (there(running={"vcpus_max": 1}), None, [(RESTART_DUE, "vcpus_max", "2", "1", None)]),
        (there(running={"vcpus_max": 1}), declare(), [(RESTART_DUE, "vcpus_max", "2", "1", "2")]),
        (there(running={"disks": ()}), None, [(RESTART_DUE, "disks[xvda]", "/a (raw)", None, None)]),
        (there(running={"labels": {}}), None, []),
        # Stored as declared, but the running guest was given something else, which a run would change.
        (
            there(running=MORE),
            declare(memory=Size(256 * MIB)),
            [
                (NOT_DECLARED, "memory", "256 MiB", "384 MiB", "256 MiB"),
                (RESTART_DUE, "memory", "256 MiB", "384 MiB", "256 MiB"),
            ],
        ),
    ],
)
def test_what_differs(guest: FoundDomain, declared: Declaration | None, expected: list[tuple[Any, ...]]) -> None:
    drift = drift_of(guest, declared)
    assert [(each.kind.value, each.field, each.stored, each.running, each.declared) for each in drift] == expected


def test_one_that_only_runs_is_not_declared_as_a_whole() -> None:
    transient = replace(there(running={}), stored=None, stored_xml=None)
    drift = drift_of(transient, declare())
    assert {each.kind for each in drift} == {DriftKind.NOT_DECLARED}
    assert {(each.stored, each.running) for each in drift if each.field == "kernel"} == {(None, "/k")}
    assert drift_of(transient, None) == ()


@given(whole_domains(), whole_domains(), st.none() | whole_domains(), st.booleans(), st.booleans())
def test_nothing_is_found_exactly_when_a_run_changes_nothing(
    declared: Domain, stored: Domain, running: Domain | None, same: bool, keep: bool
) -> None:
    assume(fit(stored, stored if same else declared))
    guest = found(stored, running=running, autostart=keep)
    declaration = Declaration(
        stored if same else declared, TargetState.PRESENT, autostart=same, keep_unlisted_disks=keep
    )
    after = applied(plan_domain(declaration, guest), guest)
    assert after is not None

    def not_declared(which: FoundDomain) -> bool:
        return any(each.kind is DriftKind.NOT_DECLARED for each in drift_of(which, declaration))

    assert not_declared(guest) == (after != guest)
    assert not not_declared(after)


@given(whole_domains(), whole_domains())
def test_what_waits_is_what_the_inventory_says(stored: Domain, running: Domain) -> None:
    guest = found(stored, running=running)
    fields = dict.fromkeys(each.field.split("[")[0] for each in drift_of(guest, None))
    assert tuple(fields) == waiting_fields(guest)


def test_the_key_declared_is_there_only_where_something_was() -> None:
    (drift,) = drift_of(there(running={"vcpus_max": 1}), None)
    assert drift.as_result(compared=False) == {
        "field": "vcpus_max",
        "kind": "restart_due",
        "stored": "2",
        "running": "1",
    }
    assert drift.as_result(compared=True)["declared"] is None


class Views:
    """Guests that were seen once."""

    def __init__(self, *seen: Sighting) -> None:
        self.seen = seen

    def look(self, name: str | None, *, usage: bool) -> tuple[Sighting, ...]:
        return tuple(each for each in self.seen if name in (None, each.name))


def seen(name: str, **running: Any) -> Sighting:
    base = replace(BASE, name=name)
    return Sighting(name, found(base, running=replace(base, **running)), reason="booted")


def named(name: str, state: TargetState = TargetState.RUNNING, **fields: Any) -> Declaration:
    return Declaration(Domain(name, **fields), state)


HOST = Views(seen("web1"), seen("web2", vcpus_max=1), Sighting("web3", error="no such luck"))


def look(name: str | None = None, declarations: list[Declaration] | None = None) -> HostLook:
    return look_at_guests(HOST, name, declarations, usage=False)


def test_without_a_declaration_nothing_is_missing_or_undeclared() -> None:
    host = look()
    assert (host.missing, host.undeclared) == ((), ())
    assert [guest.restart_required for guest in host.guests] == [(), ("vcpus_max",), ()]
    assert host.guests[2].error == "no such luck"


def test_what_is_missing_and_what_nobody_declared() -> None:
    host = look(None, [named("web1"), named("web8"), named("web9", TargetState.ABSENT)])
    assert (host.missing, host.undeclared) == (("web8",), ("web2", "web3"))
    assert [guest.compared for guest in host.guests] == [True, False, False]
    assert look(None, []).undeclared == ("web1", "web2", "web3")


def test_one_that_cannot_be_compared_says_why_and_spoils_no_other() -> None:
    other = "11111111-f6a4-8304-79aa-97f2502e193f"
    bad = look(None, [named("web1", vcpus=3, vcpus_max=2), named("web2", uuid=other), named("web3")])
    web1, web2, web3 = bad.guests
    assert "vcpus is above vcpus_max" in (web1.error or "")
    assert "another guest has this name" in (web2.error or "")
    assert [each.kind for each in web2.drift] == [DriftKind.RESTART_DUE]
    assert web3.error == "no such luck"
    assert not any(guest.compared for guest in bad.guests)
    assert bad.undeclared == ()


def test_one_guest() -> None:
    host = look("web2", [named("web1"), named("web8")])
    assert [guest.seen.name for guest in host.guests] == ["web2"]
    assert (host.missing, host.undeclared) == ((), ("web2",))
    assert look("web8", [named("web8")]).missing == ("web8",)
    with pytest.raises(NotFound, match="no such guest") as error:
        look("web8", [named("web1")])
    assert error.value.found == "web1, web2, web3"


def test_declarations_have_to_fit_together() -> None:
    with pytest.raises(InvalidInput, match="declared twice"):
        look(None, [named("web1"), named("web1")])


def test_another_guest_of_that_name_is_said_to_be_one() -> None:
    with pytest.raises(Conflict):
        drift_of(there(), declare(uuid="11111111-f6a4-8304-79aa-97f2502e193f"))


@pytest.mark.parametrize(
    ("state", "managed_save", "shown"),
    [
        (PowerState.RUNNING, True, "running"),
        (PowerState.PAUSED, True, "paused"),
        (PowerState.STOPPED, True, "saved"),
        (PowerState.STOPPED, False, "stopped"),
        (PowerState.CRASHED, False, "crashed"),
    ],
)
def test_a_saved_guest_is_one_that_does_not_run(state: PowerState, managed_save: bool, shown: str) -> None:
    assert there(state=state, managed_save=managed_save).shown_state == shown


def test_one_that_could_not_be_read_has_all_keys() -> None:
    assert sighting_report(Sighting("web3", error="no")).keys() == sighting_report(seen("web1")).keys()
    assert sighting_report(seen("web1"))["addresses"] == ["10.10.0.11"]


def answer(guests: dict[str, list[dict[str, Any]]], **more: Any) -> dict[str, Any]:
    return {"guest_drift": {"guests": {name: {"drift": drift} for name, drift in guests.items()}, **more}}


def entry(field: str, kind: str, *values: str | None) -> dict[str, Any]:
    return {"field": field, "kind": kind, **dict(zip(("stored", "running", "declared"), values, strict=False))}


def test_the_table() -> None:
    hostvars: dict[str, dict[str, Any]] = {
        "xen2": answer(
            {
                "web1": [
                    entry("memory", NOT_DECLARED, "256 MiB", "384 MiB", "512 MiB"),
                    entry("autostart", NOT_DECLARED, "no", None, "yes"),
                    entry("memory", RESTART_DUE, "256 MiB", "384 MiB", "512 MiB"),
                ],
                "old1": [entry("disks[xvdb]", RESTART_DUE, "/b (raw)", None)],
            },
            missing=["web8"],
            undeclared=["old1", "web2", "web3"],
        )
        | {"guest_work": {"problems": ["web3 runs on xen1 and xen2 at the same time"]}},
        "xen1": answer({"web2": []}),
        "xen7": {"guest_drift": {"unreachable": True, "msg": "no route"}},
        "xen8": {"guest_drift": {"msg": "libvirt does not answer"}},
        "xen9": {"xen_reachable": False, "xen_error": "no answer within 2 s", "guest_drift": {"skipped": True}},
        "web1": {"guest_host": "xen2"},
        "web2": {"guest_host": "xen2", "xen_host": "xen1"},
        "web3": {"xen_host": "xen2"},
        "web4": {},
    }
    hostvars["xen1"]["guest_drift"]["guests"]["web2"]["error"] = "its definition cannot be read"
    hosts = ["xen9", "xen8", "xen7", "xen2", "xen1"]
    assert drift_table(hosts, hostvars, ["web1", "web2", "web3", "web4"]) == [
        "HOST  GUEST  FIELD        DECLARED  STORED    RUNNING",
        "xen2  old1   disks[xvdb]  -         /b (raw)  -",
        "xen2  web1   memory       512 MiB   256 MiB   384 MiB",
        "xen2  web1   autostart    yes       no        -",
        "xen1  web2  could not be compared: its definition cannot be read",
        "xen2  web8  is declared, and not there",
        "xen2  old1  is there, and not declared",
        "xen2  web2  is there, and belongs on xen1",
        "xen2  web3 runs on xen1 and xen2 at the same time",
        "-  web4  is on no host, and guest_host says none",
        "xen7  (did not answer: no route)",
        "xen8  (could not be looked at: libvirt does not answer)",
        "xen9  (did not answer: no answer within 2 s)",
    ]


def test_the_table_when_there_is_no_drift() -> None:
    hostvars = {"xen1": answer({"web1": []}, missing=[], undeclared=[]), "xen2": {}, "web1": {"guest_host": "xen1"}}
    assert drift_table(["xen1"], hostvars, ["web1"]) == ["no drift"]
    assert drift_table(["xen1", "xen2"], hostvars, ["web1"]) == [
        "no drift on the hosts that answered",
        "xen2  (could not be looked at: see above)",
    ]
