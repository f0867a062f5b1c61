"""From what is declared and what was found to what is done."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict, InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    DomainType,
    PowerState,
    TargetState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import NumaNode, UsbController
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import derived_mac
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Effect
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import plan_domain, waiting_fields
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.step import Action

from .domains import applied, fit, found, whole_domains


def mib(count: int) -> Size:
    return Size(count * MIB)


BASE = Domain(
    name="web1",
    uuid="6695eb01-f6a4-8304-79aa-97f2502e193f",
    type=DomainType.PVH,
    memory=mib(256),
    memory_max=mib(512),
    vcpus=1,
    vcpus_max=2,
    kernel="/k",
    disks=(Disk("xvda", "/a"),),
    networks=(Nic("00:16:3e:00:00:01", "xenbr10"),),
    on_poweroff="destroy",
    on_reboot="restart",
    on_crash="restart",
    tsc_mode="default",
    labels={},
)


def declare(state: TargetState = TargetState.RUNNING, **fields: object) -> Declaration:
    return Declaration(Domain(name="web1", **fields), state=state)


@given(whole_domains(), st.sampled_from([TargetState.PRESENT, TargetState.STOPPED]))
def test_what_is_as_declared_needs_nothing(domain: Domain, state: TargetState) -> None:
    plan = plan_domain(Declaration(domain, state=state, autostart=False), found(domain))
    assert plan.steps == ()
    assert plan.restart_required == ()


# A restart is done each time it is asked for.
LASTING = st.sampled_from([state for state in TargetState if state is not TargetState.RESTARTED])


@given(whole_domains(), st.none() | whole_domains(), st.booleans(), LASTING, st.booleans())
def test_a_second_run_changes_nothing(
    declared: Domain, there: Domain | None, runs: bool, state: TargetState, autostart: bool
) -> None:
    assume(state is not TargetState.SAVED or (there is not None and runs))
    assume(fit(declared, there))
    declaration = Declaration(
        declared,
        state=state,
        autostart=autostart,
        keep_unlisted_disks=autostart,
        keep_unlisted_networks=runs,
        force=True,
    )
    before = found(there, running=there if runs else None) if there else None
    first = plan_domain(declaration, before)
    after = applied(first, before)
    second = plan_domain(declaration, after)
    assert second.steps == ()
    # What a saved guest was running with cannot be seen any more.
    assert state is TargetState.SAVED or second.restart_required == first.restart_required


@given(whole_domains(), whole_domains())
def test_after_a_restart_nothing_waits(declared: Domain, there: Domain) -> None:
    assume(fit(declared, there))
    declaration = Declaration(declared)
    after = applied(plan_domain(declaration, found(there, running=there)), found(there, running=there))
    assert after is not None
    restarted = replace(after, running=after.stored)
    assert plan_domain(declaration, restarted).restart_required == ()


def test_a_new_guest_gets_defaults_and_starts() -> None:
    plan = plan_domain(declare(memory=mib(256), kernel="/k", networks=(Nic(None, "xenbr10"),)), None)
    assert [step.action for step in plan.steps] == [Action.DEFINE, Action.START]
    target = plan.target
    assert target is not None
    assert target.type is DomainType.PVH
    assert (target.memory_max, target.vcpus, target.vcpus_max, target.on_crash) == (mib(256), 1, 1, "restart")
    assert target.networks == (Nic(derived_mac("web1", 0), "xenbr10"),)


@pytest.mark.parametrize(
    ("fields", "live", "waiting"),
    [
        ({"memory": mib(384)}, [Action.SET_MEMORY], ()),
        ({"memory": mib(128)}, [Action.SET_MEMORY], ()),
        ({"memory": mib(1024)}, [], ("memory", "memory_max")),
        ({"vcpus": 2}, [Action.SET_VCPUS], ()),
        ({"vcpus": 4}, [], ("vcpus", "vcpus_max")),
        ({"memory": mib(384), "vcpus": 2}, [Action.SET_MEMORY, Action.SET_VCPUS], ()),
        ({"memory_max": mib(1024)}, [], ("memory_max",)),
        ({"cpus": ("0",)}, [Action.PIN_VCPUS], ()),
        ({"cpus": ("0", "1")}, [Action.PIN_VCPUS], ()),
        ({"cpus": ("0", ""), "vcpus": 2}, [Action.SET_VCPUS], ("cpus",)),
        ({"cpu_weight": 512}, [Action.SET_SCHEDULER], ()),
        ({"cpu_weight": 512, "cpu_cap": 50}, [Action.SET_SCHEDULER], ()),
        ({"usb_devices": ("046d:c52b",)}, [Action.ATTACH_HOST_DEVICE], ()),
        ({"hap": False, "clock": "localtime"}, [], ("hap", "clock")),
        ({"kernel": "/other"}, [], ("kernel",)),
        ({"type": DomainType.PV}, [], ("type",)),
        ({"disks": (Disk("xvdb", "/b"),)}, [Action.ATTACH_DISK], ()),
        ({"networks": (Nic("00:16:3e:00:00:01", "xenbr20"),)}, [], ("networks",)),
        ({"labels": {"a": "b"}}, [], ()),
        ({"networks": (Nic("00:16:3e:00:00:01", "xenbr10", ("10.0.0.1/24",)),)}, [], ()),
    ],
)
def test_what_a_running_guest_gets_now_and_what_waits(
    fields: dict[str, object], live: list[Action], waiting: tuple[str, ...]
) -> None:
    plan = plan_domain(declare(**fields), found(BASE, running=BASE))
    assert [step.action for step in plan.steps] == [Action.DEFINE, *live]
    assert plan.restart_required == waiting
    effects = {change.field.split("[")[0]: change.effect for change in plan.changes}
    assert {name for name, effect in effects.items() if effect is Effect.NEXT_BOOT} == set(waiting)


DISK, OTHER = Disk("xvda", "/a"), Disk("xvdb", "/b")
NIC, MORE = Nic("00:16:3e:00:00:01", "xenbr10"), Nic("00:16:3e:00:00:02", "xenbr20")


@pytest.mark.parametrize(
    ("wanted", "actions", "waiting"),
    [
        ({"disks": (DISK,)}, [Action.DETACH_DISK], ()),
        ({"disks": (DISK, OTHER, Disk("xvdc", "/c"))}, [Action.ATTACH_DISK], ()),
        ({"disks": (Disk("xvda", "/other"), OTHER)}, [], ("disks",)),
        ({"disks": (Disk("xvda", "/other"),)}, [Action.DETACH_DISK], ("disks",)),
        ({"networks": (NIC, MORE)}, [Action.ATTACH_NIC], ()),
        ({"networks": (MORE,)}, [Action.ATTACH_NIC, Action.DETACH_NIC], ()),
        ({"networks": (Nic(NIC.mac, "xenbr20"),)}, [], ("networks",)),
        ({"networks": ()}, [Action.DETACH_NIC], ()),
    ],
)
def test_devices_are_plugged_whole_and_never_changed_under_a_running_guest(
    wanted: dict[str, object], actions: list[Action], waiting: tuple[str, ...]
) -> None:
    there = replace(BASE, disks=(DISK, OTHER), networks=(NIC,))
    declared = replace(declare(**wanted), keep_unlisted_disks=False, keep_unlisted_networks=False)
    plan = plan_domain(declared, found(there, running=there))
    assert [step.action for step in plan.steps if step.action is not Action.DEFINE] == actions
    assert plan.restart_required == waiting


def test_a_device_that_could_not_be_plugged_is_tried_again() -> None:
    stored = replace(BASE, disks=(DISK, OTHER))
    plan = plan_domain(declare(), found(stored, running=replace(BASE, disks=(DISK,))))
    assert [(step.action, step.device) for step in plan.steps] == [(Action.ATTACH_DISK, OTHER)]


def test_only_the_vcpus_that_are_there_are_pinned() -> None:
    pinned = replace(BASE, cpus=("0", "1"))
    there = found(pinned, running=replace(BASE, cpus=("0",), vcpus_max=2))
    assert plan_domain(declare(), there).steps == ()


def test_a_cap_that_was_lost_at_a_start_is_set_again() -> None:
    plan = plan_domain(declare(), found(replace(BASE, cpu_cap=50), running=replace(BASE, cpu_cap=0)))
    assert [(step.action, step.changes[0].field) for step in plan.steps] == [(Action.SET_SCHEDULER, "cpu_cap")]
    assert plan.restart_required == ()


@pytest.mark.parametrize("option", ["cpu_weight", "cpu_cap"])
def test_a_share_that_is_not_stored_any_more_goes_with_the_next_boot(option: str) -> None:
    there = found(BASE, running=replace(BASE, **{option: 50}))
    plan = plan_domain(declare(), there)
    assert (plan.steps, plan.restart_required) == ((), (option,))
    assert waiting_fields(there) == (option,)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (DomainType.PVH, {"graphics": "vnc"}),
        (DomainType.PVH, {"pci_devices": ("0000:03:00.0",)}),
        (DomainType.PVH, {"bootloader": "pygrub"}),
        (DomainType.PV, {"acpi": True}),
        (DomainType.PV, {"boot": ("disk",)}),
        (DomainType.PV, {"firmware": "uefi"}),
        (DomainType.HVM, {"e820_host": True}),
        (DomainType.HVM, {"graphics_port": 5901}),
        (DomainType.HVM, {"graphics_keymap": "de"}),
        (DomainType.HVM, {"graphics": "vnc", "video_memory": mib(16)}),
        (DomainType.HVM, {"vcpus_max": 2, "cpus": ("0", "1", "2")}),
        (DomainType.HVM, {"numa_nodes": (NumaNode("0", mib(128)),)}),
        (DomainType.HVM, {"numa_nodes": (NumaNode("0", mib(512), (10, 20)),)}),
        (DomainType.HVM, {"numa_nodes": (NumaNode("0", mib(256), (10, 20)), NumaNode("1", mib(256)))}),
        (DomainType.HVM, {"numa_nodes": (NumaNode("0", mib(256)), NumaNode("0-1", mib(256)))}),
        (DomainType.HVM, {"numa_nodes": (NumaNode("0", mib(256)), NumaNode("1-2", mib(256)))}),
        (DomainType.HVM, {"numa_nodes": (NumaNode("0", mib(256), (10, 10)), NumaNode("1", mib(256), (20, 10)))}),
        (DomainType.PV, {"bootloader_args": "-q"}),
    ],
)
def test_what_a_guest_cannot_have_is_refused(kind: DomainType, fields: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        plan_domain(declare(type=kind, **fields), found(BASE))


def test_what_follows_from_another_field_follows() -> None:
    screen = replace(BASE, type=DomainType.HVM, graphics="vnc", graphics_password="s3cret", firmware="uefi")
    target = plan_domain(declare(graphics="none", type=DomainType.PVH), found(screen)).target
    assert target is not None
    assert (target.graphics_password, target.graphics_port, target.firmware) == (None, None, None)


@pytest.mark.parametrize(
    ("kind", "fields", "sees"),
    [
        (DomainType.PV, {"pci_devices": ("0000:03:00.0",)}, True),
        (DomainType.PV, {"pci_devices": ("0000:03:00.0",), "e820_host": False}, False),
        (DomainType.PV, {"pci_devices": ()}, None),
        (DomainType.HVM, {"pci_devices": ("0000:03:00.0",)}, None),
    ],
)
def test_a_pv_guest_with_pci_devices_sees_the_hosts_memory_map(
    kind: DomainType, fields: dict[str, object], sees: bool | None
) -> None:
    there = replace(BASE, type=kind)
    plan = plan_domain(declare(type=kind, **fields), found(there, running=there))
    assert plan.target is not None
    assert plan.target.e820_host is sees
    assert plan.restart_required == (("e820_host",) if sees is not None else ())


@pytest.mark.parametrize(
    ("stored", "running", "waiting"),
    [
        ((), (UsbController(2, 8),), ()),
        ((), (UsbController(1, 8),), ("usb_controllers",)),
        ((UsbController(2, 8),), (), ("usb_controllers",)),
        ((UsbController(1, 4),), (UsbController(2, 8),), ("usb_controllers",)),
    ],
)
def test_the_controller_that_xen_gives_for_a_usb_device_waits_for_nothing(
    stored: tuple[UsbController, ...], running: tuple[UsbController, ...], waiting: tuple[str, ...]
) -> None:
    hvm = replace(BASE, type=DomainType.HVM, usb_devices=("46f4:0001",))
    there = found(replace(hvm, usb_controllers=stored), running=replace(hvm, usb_controllers=running))
    assert waiting_fields(there) == waiting


def test_a_boot_loader_comes_and_goes_with_the_need_for_it() -> None:
    there = found(replace(BASE, type=DomainType.PV, bootloader="pygrub", bootloader_args="-q"))
    loaded = plan_domain(declare(kernel=""), found(replace(BASE, type=DomainType.PV))).target
    assert loaded is not None
    assert (loaded.kernel, loaded.bootloader) == (None, "pygrub")
    direct = plan_domain(declare(bootloader=""), there).target
    assert direct is not None
    assert (direct.bootloader, direct.bootloader_args) == (None, None)


def test_what_another_type_cannot_have_goes_with_the_change() -> None:
    hvm = replace(
        BASE, type=DomainType.HVM, acpi=True, boot=("disk",), serials=("pty",), usb_inputs=("tablet",), sound="ac97"
    )
    before = found(replace(hvm, graphics="vnc", video="vga"))
    declared = declare(TargetState.PRESENT, type=DomainType.PVH)
    plan = plan_domain(declared, before)
    gone = {"acpi", "boot", "serials", "usb_inputs", "sound", "graphics", "video"}
    assert gone <= {change.field for change in plan.changes}
    after = applied(plan, before)
    assert plan_domain(declared, after).steps == ()


def test_an_hvm_guest_made_of_another_type_boots_from_its_disk() -> None:
    plan = plan_domain(declare(TargetState.PRESENT, type=DomainType.HVM), found(replace(BASE, type=DomainType.PV)))
    assert {"type", "boot", "firmware"} <= {change.field for change in plan.changes}
    assert plan.target is not None
    assert plan.target.boot == ("disk",)


def test_a_password_is_compared_and_not_shown() -> None:
    screen = replace(BASE, type=DomainType.HVM, graphics="vnc", graphics_password="s3cret")
    [step] = plan_domain(declare(TargetState.PRESENT, graphics_password="other"), found(screen)).steps
    assert [(change.field, change.before, change.after) for change in step.changes] == [
        ("graphics_password", "(hidden)", "(hidden)")
    ]
    assert plan_domain(declare(TargetState.PRESENT, graphics_password="s3cret"), found(screen)).steps == ()


def test_a_stopped_guest_waits_for_nothing() -> None:
    plan = plan_domain(declare(TargetState.PRESENT, kernel="/other"), found(BASE))
    assert plan.restart_required == ()
    assert [change.effect for change in plan.changes] == [Effect.LIVE]


@pytest.mark.parametrize(
    ("wanted", "state", "action"),
    [
        (TargetState.RUNNING, PowerState.STOPPED, Action.START),
        (TargetState.RUNNING, PowerState.CRASHED, Action.START),
        (TargetState.RUNNING, PowerState.PAUSED, Action.RESUME),
        (TargetState.RUNNING, PowerState.RUNNING, None),
        (TargetState.STOPPED, PowerState.RUNNING, Action.SHUTDOWN),
        (TargetState.STOPPED, PowerState.STOPPED, None),
        (TargetState.PRESENT, PowerState.RUNNING, None),
        (TargetState.PRESENT, PowerState.STOPPED, None),
        (TargetState.PAUSED, PowerState.RUNNING, Action.PAUSE),
        (TargetState.PAUSED, PowerState.PAUSED, None),
        (TargetState.PAUSED, PowerState.STOPPED, Action.START_PAUSED),
        (TargetState.SAVED, PowerState.RUNNING, Action.SAVE),
        (TargetState.RESTARTED, PowerState.STOPPED, Action.START),
    ],
)
def test_power(wanted: TargetState, state: PowerState, action: Action | None) -> None:
    running = BASE if state.is_active else None
    plan = plan_domain(declare(wanted), found(BASE, running=running, state=state))
    assert [step.action for step in plan.steps] == ([action] if action else [])


@pytest.mark.parametrize("state", [TargetState.STOPPED, TargetState.ABSENT])
@pytest.mark.parametrize(
    ("now", "running", "word"),
    [
        (PowerState.PAUSED, BASE, "paused"),
        (PowerState.RUNNING, replace(BASE, on_poweroff="restart"), "on_poweroff restart"),
    ],
)
def test_what_would_not_stop_is_refused_before_anything_is_done(
    state: TargetState, now: PowerState, running: Domain, word: str
) -> None:
    there = found(BASE, running=running, state=now)
    with pytest.raises(Conflict, match=word):
        plan_domain(declare(state), there)
    assert plan_domain(replace(declare(state), force=True), there).has(Action.SHUTDOWN)


def test_a_restart_goes_down_and_up() -> None:
    plan = plan_domain(declare(TargetState.RESTARTED, kernel="/other"), found(BASE, running=BASE))
    assert [step.action for step in plan.steps] == [Action.DEFINE, Action.SHUTDOWN, Action.START]
    assert plan.restart_required == ()


def test_a_paused_guest_goes_on_before_it_restarts() -> None:
    declared = replace(declare(kernel="/other"), restart_if_needed=True)
    plan = plan_domain(declared, found(BASE, running=BASE, state=PowerState.PAUSED))
    assert [step.action for step in plan.steps] == [Action.DEFINE, Action.RESUME, Action.SHUTDOWN, Action.START]


@pytest.mark.parametrize(
    ("fields", "actions"),
    [
        ({"kernel": "/other"}, [Action.DEFINE, Action.SHUTDOWN, Action.START]),
        ({"memory": mib(384), "kernel": "/other"}, [Action.DEFINE, Action.SHUTDOWN, Action.START]),
        ({"memory": mib(384)}, [Action.DEFINE, Action.SET_MEMORY]),
        ({}, []),
    ],
)
def test_restart_if_needed_restarts_only_then(fields: dict[str, object], actions: list[Action]) -> None:
    declared = replace(declare(**fields), restart_if_needed=True)
    plan = plan_domain(declared, found(BASE, running=BASE))
    assert [step.action for step in plan.steps] == actions
    assert plan.restart_required == ()
    assert {change.effect for change in plan.changes} <= {Effect.LIVE}


@pytest.mark.parametrize(
    ("state", "word"), [(PowerState.STOPPED, "state stopped"), (PowerState.PAUSED, "state paused")]
)
def test_only_a_running_guest_can_be_saved(state: PowerState, word: str) -> None:
    there = found(BASE, running=BASE if state.is_active else None, state=state)
    with pytest.raises(Conflict, match=word):
        plan_domain(declare(TargetState.SAVED), there)


def test_a_saved_guest_comes_back_as_it_was_saved() -> None:
    saved = found(BASE, managed_save=True)
    assert plan_domain(declare(TargetState.SAVED), saved).steps == ()
    plan = plan_domain(declare(kernel="/other", labels={"a": "b"}), saved)
    assert [step.action for step in plan.steps] == [Action.DEFINE, Action.START]
    assert plan.restart_required == ("kernel",)
    assert plan.changes[-1].before == "saved"


def test_removal_stops_and_forgets() -> None:
    actions = [step.action for step in plan_domain(declare(TargetState.ABSENT), found(BASE, running=BASE)).steps]
    assert actions == [Action.SHUTDOWN, Action.UNDEFINE]
    assert plan_domain(declare(TargetState.ABSENT), None).steps == ()


def test_unlisted_disks_stay_unless_told() -> None:
    declaration = declare(disks=(Disk("xvdb", "/b"),))
    kept = plan_domain(declaration, found(BASE)).target
    assert kept is not None
    assert kept.disks == (Disk("xvdb", "/b"), Disk("xvda", "/a"))
    detached = plan_domain(replace(declaration, keep_unlisted_disks=False), found(BASE)).target
    assert detached is not None
    assert detached.disks == (Disk("xvdb", "/b"),)


def test_an_interface_without_mac_keeps_the_one_at_its_position() -> None:
    target = plan_domain(declare(networks=(Nic(None, "xenbr20"),)), found(BASE)).target
    assert target is not None
    assert target.networks == (Nic("00:16:3e:00:00:01", "xenbr20"),)


def test_interfaces_without_mac_never_get_the_same() -> None:
    there = replace(BASE, networks=(Nic(derived_mac("web1", 1), "xenbr10"),))
    target = plan_domain(declare(networks=(Nic(None, "xenbr10"), Nic(None, "xenbr20"))), found(there)).target
    assert target is not None
    assert target.networks == (Nic(derived_mac("web1", 1), "xenbr10"), Nic(derived_mac("web1", 2), "xenbr20"))


def test_an_interface_keeps_its_position_when_others_come_and_go() -> None:
    declared = declare(TargetState.PRESENT, networks=(MORE, Nic(None, "xenbr30")))
    declared = replace(declared, keep_unlisted_networks=False)
    before = found(replace(BASE, networks=(Nic("00:16:3e:00:00:03", "xenbr10"), NIC)))
    plan = plan_domain(declared, before)
    assert plan.target is not None
    assert plan.target.networks == (MORE, replace(NIC, bridge="xenbr30"))
    assert plan_domain(declared, applied(plan, before)).steps == ()


@pytest.mark.parametrize(
    ("declared", "kept"), [(None, ("10.0.0.1/24",)), ((), ()), (("10.0.0.2/24",), ("10.0.0.2/24",))]
)
def test_addresses_that_are_not_named_stay(declared: tuple[str, ...] | None, kept: tuple[str, ...]) -> None:
    mac = "00:16:3e:00:00:01"
    there = replace(BASE, networks=(Nic(mac, "xenbr10", ("10.0.0.1/24",)),))
    target = plan_domain(declare(networks=(Nic(mac, "xenbr10", declared),)), found(there)).target
    assert target is not None
    assert target.networks == (Nic(mac, "xenbr10", kept),)


def test_another_guest_of_that_name_is_not_touched() -> None:
    with pytest.raises(Conflict, match="another guest"):
        plan_domain(declare(uuid="11111111-f6a4-8304-79aa-97f2502e193f"), found(BASE))


@pytest.mark.parametrize(
    "fields",
    [
        {"kernel": "/k"},
        {"memory": mib(512), "memory_max": mib(256), "kernel": "/k"},
        {"memory": mib(512), "vcpus": 4, "vcpus_max": 2, "kernel": "/k"},
        {"memory": mib(512)},
        {"memory": mib(512), "type": DomainType.PV, "ramdisk": "/r"},
    ],
)
def test_what_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        plan_domain(declare(**fields), None)


@pytest.mark.parametrize(
    ("wanted", "actions"),
    [
        (TargetState.PRESENT, []),
        (TargetState.RUNNING, [Action.WAKE]),
        (TargetState.PAUSED, [Action.WAKE, Action.PAUSE]),
        (TargetState.SAVED, [Action.WAKE, Action.SAVE]),
        (TargetState.STOPPED, [Action.WAKE, Action.SHUTDOWN]),
        (TargetState.RESTARTED, [Action.WAKE, Action.SHUTDOWN, Action.START]),
        (TargetState.ABSENT, [Action.WAKE, Action.SHUTDOWN, Action.UNDEFINE]),
    ],
)
def test_a_suspended_guest_is_woken_for_whatever_is_wanted_of_it(wanted: TargetState, actions: list[Action]) -> None:
    suspended = found(BASE, running=BASE, state=PowerState.SUSPENDED)
    plan = plan_domain(Declaration(Domain(BASE.name), state=wanted), suspended)
    assert [step.action for step in plan.steps] == actions


@pytest.mark.parametrize("state", [PowerState.RUNNING, PowerState.PAUSED])
def test_what_a_broken_save_left_of_a_guest_that_goes_on_is_forgotten(state: PowerState) -> None:
    torn = replace(found(BASE, running=BASE, state=state), managed_save=True)
    plan = plan_domain(Declaration(Domain(BASE.name), state=TargetState.PRESENT), torn)
    assert [step.action for step in plan.steps] == [Action.FORGET_SAVED]
    [change] = plan.changes
    assert (change.field, change.after) == ("leftover", None)
    assert (
        plan_domain(Declaration(Domain(BASE.name), state=TargetState.PRESENT), replace(torn, managed_save=False)).steps
        == ()
    )
