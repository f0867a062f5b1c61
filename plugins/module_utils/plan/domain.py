# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What has to be done so that a guest becomes what is declared of it: pure, from declaration and what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict, InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    DomainType,
    FoundDomain,
    PowerState,
    TargetState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import derived_mac
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change, Effect
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.device_rules import check_devices
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.devices import plan_devices, shown
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.power import plan_power, restart
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.step import Action, Step


@dataclass(frozen=True)
class DomainPlan:
    """The way from what is to what should be.

    Attributes:
        target: the whole configuration that results; None for a guest that goes.
        autostart: what its autostart mark becomes.
        steps: what is done, in this order.
        restart_required: the fields that the running guest will have only after its next boot.
    """

    target: Domain | None
    autostart: bool
    steps: tuple[Step, ...]
    restart_required: tuple[str, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """All fields that change."""
        return tuple(change for step in self.steps for change in step.changes)

    def has(self, action: Action) -> bool:
        """Whether the action is one of its steps."""
        return any(step.action is action for step in self.steps)


Amount = TypeVar("Amount", Size, int)

# What a guest gets when it is made and nothing was said; a guest that exists keeps what it has.
_NEW = Domain(
    name="",
    type=DomainType.PVH,
    vcpus=1,
    tsc_mode="default",
    disks=(),
    networks=(),
    on_poweroff="destroy",
    on_reboot="restart",
    on_crash="restart",
    labels={},
)
# Fields of one value, in the order in which they are shown.
_SCALARS = (
    "type",
    "memory",
    "memory_max",
    "vcpus",
    "vcpus_max",
    "kernel",
    "ramdisk",
    "cmdline",
    "tsc_mode",
    "on_poweroff",
    "on_reboot",
    "on_crash",
)
_STARTS = (Action.START, Action.START_PAUSED)
# Kept by the daemon for its own decisions or only for people: no restart brings them nearer to the guest.
_NOT_OF_THE_GUEST = ("labels", "addresses")


def plan_domain(declared: Declaration, found: FoundDomain | None) -> DomainPlan:
    """Compare, and say what is to do.

    Raises:
        InvalidInput: the result would make no sense, such as more memory than its maximum.
        Conflict: the guest is not the one that is meant (another UUID).
    """
    if declared.state is TargetState.ABSENT:
        return _plan_removal(found)
    target = resolve(declared, found)
    steps: list[Step] = []
    stored_changes = _differences(target, found.stored if found else None)
    power = plan_power(declared.state, found)
    # A guest that is started or stopped now waits for nothing: its next boot has the stored configuration.
    live_steps, waiting = _plan_running(target, found) if _keeps_running(power) else ([], ())
    if waiting and declared.restart_if_needed and declared.state is TargetState.RUNNING and found is not None:
        live_steps, waiting, power = [], (), restart(found.state)
    if found is not None and found.managed_save and any(step.action in _STARTS for step in power):
        # Its memory comes back as it was saved, and with it the configuration that it had then.
        waiting = _field_names(_of_the_guest(stored_changes))
    if stored_changes:
        effects = dict.fromkeys(waiting, Effect.NEXT_BOOT)
        live = {change.field: change for step in live_steps for change in step.changes}
        shown = [
            replace(change, effect=effects.get(_base_name(change.field), Effect.LIVE))
            for change in stored_changes
            if change.field not in live
        ]
        steps.append(Step(Action.DEFINE, tuple(shown)))
    steps += live_steps
    autostart_found = found.autostart if found else False
    autostart = autostart_found if declared.autostart is None else declared.autostart
    if autostart != autostart_found:
        steps.append(Step(Action.SET_AUTOSTART, (Change("autostart", _yes(autostart_found), _yes(autostart)),)))
    steps += power
    return DomainPlan(target, autostart, tuple(steps), waiting)


def resolve(declared: Declaration, found: FoundDomain | None) -> Domain:
    """The whole configuration that is meant: what is declared over what is there, or over the defaults when new."""
    wanted = declared.domain
    base = (found.stored or found.running) if found else None
    if base is None:
        base = _NEW
    elif wanted.uuid is not None and base.uuid != wanted.uuid:
        raise Conflict(
            "another guest has this name",
            guest=wanted.name,
            found=f"UUID {base.uuid}",
            expected=f"UUID {wanted.uuid}",
            remedy="Remove or rename that one, or leave the UUID out.",
        )
    memory, memory_max = _pair(wanted.memory, wanted.memory_max, base.memory, base.memory_max)
    vcpus, vcpus_max = _pair(wanted.vcpus, wanted.vcpus_max, base.vcpus, base.vcpus_max)
    target = Domain(
        name=wanted.name,
        uuid=wanted.uuid or base.uuid,
        type=wanted.type or base.type,
        memory=memory,
        memory_max=memory_max,
        vcpus=vcpus,
        vcpus_max=vcpus_max,
        kernel=_text(wanted.kernel, base.kernel),
        ramdisk=_text(wanted.ramdisk, base.ramdisk),
        cmdline=_text(wanted.cmdline, base.cmdline),
        tsc_mode=wanted.tsc_mode or base.tsc_mode,
        disks=_merge_disks(wanted.disks, base.disks or (), declared.keep_unlisted_disks),
        networks=_merge_nics(wanted, base.networks or (), declared.keep_unlisted_networks),
        on_poweroff=wanted.on_poweroff or base.on_poweroff,
        on_reboot=wanted.on_reboot or base.on_reboot,
        on_crash=wanted.on_crash or base.on_crash,
        labels=base.labels if wanted.labels is None else wanted.labels,
    )
    _check(target)
    check_devices(target, base)
    return target


def _check(target: Domain) -> None:
    if target.memory is None or target.memory_max is None:
        raise InvalidInput("memory is missing, and there is no such guest yet", guest=target.name)
    if target.memory > target.memory_max:
        raise InvalidInput(
            "memory is above memory_max", guest=target.name, found=f"{target.memory} of {target.memory_max}"
        )
    if (target.vcpus or 1) > (target.vcpus_max or 1):
        raise InvalidInput("vcpus is above vcpus_max", guest=target.name, found=f"{target.vcpus} of {target.vcpus_max}")
    if target.type is DomainType.PVH and target.kernel is None:
        raise InvalidInput("a PVH guest needs a kernel", guest=target.name, remedy="Name kernel (and ramdisk).")
    if target.ramdisk is not None and target.kernel is None:
        raise InvalidInput("ramdisk without a kernel", guest=target.name)


def _pair(
    wanted: Amount | None, wanted_max: Amount | None, found: Amount | None, found_max: Amount | None
) -> tuple[Amount | None, Amount | None]:
    """An amount and its maximum: each follows the other where only one is declared."""
    amount = wanted or found
    maximum = wanted_max or found_max
    if wanted is not None and wanted_max is None and (maximum is None or wanted > maximum):
        maximum = wanted
    if amount is None or (wanted is None and maximum is not None and amount > maximum):
        amount = maximum
    return amount, maximum or amount


def _text(wanted: str | None, found: str | None) -> str | None:
    """An empty text takes away what is there."""
    return found if wanted is None else wanted or None


def _merge_disks(wanted: tuple[Disk, ...] | None, found: tuple[Disk, ...], keep: bool) -> tuple[Disk, ...]:
    if wanted is None:
        return found
    known = {disk.target: disk for disk in found}
    named = tuple(disk.over(known.pop(disk.target, None)) for disk in wanted)
    return (*named, *(known.values() if keep else ()))


def _merge_nics(domain: Domain, found: tuple[Nic, ...], keep: bool) -> tuple[Nic, ...]:
    """Interfaces are told apart by MAC address; one declared without keeps that of the interface at its position."""
    if domain.networks is None:
        return found
    named = {nic.mac for nic in domain.networks if nic.mac}
    known = {nic.mac: nic for nic in found}
    result: list[Nic] = []
    for index, nic in enumerate(domain.networks):
        mac = nic.mac
        if mac is None:
            here = found[index].mac if index < len(found) else None
            mac = here if here is not None and here not in named else derived_mac(domain.name, index)
        result.append(replace(nic, mac=mac).over(known.get(mac)))
    macs = {nic.mac for nic in result}
    return (*result, *(nic for nic in found if keep and nic.mac not in macs))


def field_texts(domain: Domain | None) -> dict[str, str]:
    """Each field that has a value, as text."""
    if domain is None:
        return {}
    fields: dict[str, str] = {}
    for name in _SCALARS:
        value = getattr(domain, name)
        if value is not None:
            fields[name] = value.value if isinstance(value, StrEnum) else str(value)
    for disk in domain.disks or ():
        fields[f"disks[{disk.target}]"] = shown(disk)
    for nic in domain.networks or ():
        fields[f"networks[{nic.mac}]"] = shown(nic)
        if nic.addresses:
            fields[f"addresses[{nic.mac}]"] = ", ".join(nic.addresses)
    for key, value in sorted((domain.labels or {}).items()):
        fields[f"labels[{key}]"] = value
    return fields


def _base_name(field: str) -> str:
    return field.split("[", 1)[0]


def _differences(target: Domain, found: Domain | None) -> tuple[Change, ...]:
    wanted, there = field_texts(target), field_texts(found)
    names = [*wanted, *(name for name in there if name not in wanted)]
    return tuple(
        Change(name, there.get(name), wanted.get(name)) for name in names if there.get(name) != wanted.get(name)
    )


def _plan_running(target: Domain, found: FoundDomain | None) -> tuple[list[Step], tuple[str, ...]]:
    """What can be changed in the running guest, and the fields that have to wait for its next boot."""
    if found is None or found.running is None:
        return [], ()
    plugged = plan_devices(target, found.running)
    steps: list[Step] = []
    waiting: list[str] = []
    running = found.running
    live: dict[str, tuple[Action, Callable[[], bool]]] = {
        "memory": (Action.SET_MEMORY, lambda: _within(target.memory, running.memory_max)),
        "vcpus": (Action.SET_VCPUS, lambda: _within(target.vcpus, running.vcpus_max)),
    }
    for change in _differences(target, running):
        name = _base_name(change.field)
        if name in _NOT_OF_THE_GUEST:
            continue
        if change.field in plugged:
            steps.append(plugged[change.field])
        elif name in live and live[name][1]():
            steps.append(Step(live[name][0], (change,)))
        elif name not in waiting:
            waiting.append(name)
    return steps, tuple(waiting)


def _keeps_running(power: Sequence[Step]) -> bool:
    """Whether the guest goes on with what it runs with, through these steps."""
    return all(step.action in (Action.RESUME, Action.PAUSE, Action.SAVE) for step in power)


def _of_the_guest(changes: Sequence[Change]) -> tuple[Change, ...]:
    return tuple(change for change in changes if _base_name(change.field) not in _NOT_OF_THE_GUEST)


def _field_names(changes: Sequence[Change]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_base_name(change.field) for change in changes))


def waiting_changes(found: FoundDomain) -> tuple[Change, ...]:
    """How a running guest differs from its stored configuration: its next boot brings that."""
    if found.stored is None or found.running is None:
        return ()
    return _of_the_guest(_differences(found.stored, found.running))


def waiting_fields(found: FoundDomain) -> tuple[str, ...]:
    """The fields of `waiting_changes`, each once."""
    return _field_names(waiting_changes(found))


def _within(amount: Amount | None, maximum: Amount | None) -> bool:
    return amount is not None and maximum is not None and amount <= maximum


def _plan_removal(found: FoundDomain | None) -> DomainPlan:
    steps: list[Step] = []
    if found is not None:
        if found.state.is_active:
            steps.append(Step(Action.SHUTDOWN, (Change("state", found.state.value, PowerState.STOPPED.value),)))
        if found.stored is not None:
            steps.append(Step(Action.UNDEFINE, (Change("domain", found.name, None),)))
    return DomainPlan(None, False, tuple(steps), ())


def _yes(value: bool) -> str:
    return "yes" if value else "no"
