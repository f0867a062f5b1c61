# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Make a guest what is declared of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import (
    Conflict,
    HypervisorError,
    Refused,
    TimedOut,
    XenfleetError,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.cpus import cpus_in, each_pinning
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    FoundDomain,
    PowerState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import HostDevice
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.definition import (
    check_kept,
    definition_of,
    lacking_of,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.places import missing_places
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.ready import awaited_of
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.removal import removal_obstacles, remove_disk
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.stop import stop
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.wait import wait_until
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import DomainPlan, plan_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.step import Action, Step
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import (
    GuestHost,
    HostFacts,
    Hypervisor,
    StrayGuests,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.devices import render_disk, render_nic
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.hardware import render_host_device
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.settings import UEFI_LOADER

# What has to be possible on the host: its paths, its bridges.
_USES_THE_HOST = (
    Action.DEFINE,
    Action.START,
    Action.START_PAUSED,
    Action.ATTACH_DISK,
    Action.ATTACH_NIC,
    Action.ATTACH_HOST_DEVICE,
    Action.CHANGE_MEDIUM,
)
# Room that Xen needs for a guest besides its memory: page tables and the like.
_OVERHEAD_MIB = 16


@dataclass(frozen=True)
class Outcome:
    """What was, or in check mode would be, done to a guest.

    Attributes:
        plan: the steps.
        found: the guest afterwards (in check mode: before); None when it is gone or not there yet.
    """

    plan: DomainPlan
    found: FoundDomain | None


def ensure_domain(host: GuestHost, declared: Declaration, known: Sequence[FoundDomain], *, check: bool) -> Outcome:
    """Plan, look for what stands in the way, and apply.

    Args:
        host: the guest's host.
        declared: what the guest should be.
        known: all guests of the host, the declared one included when it is there.
        check: only plan and look.

    Raises:
        InvalidInput, Conflict, Refused: it cannot be done; nothing was touched.
        HypervisorError, TimedOut: it failed on the way; ``applied`` has what was done.
    """
    name = declared.domain.name
    found = next((guest for guest in known if guest.name == name), None)
    plan = _without_leftover(host.strays, plan_domain(declared, found, lacking_of(declared, found)), name)
    awaited_of(declared, plan.target)  # refuses a guest that shall be waited for and has no address
    definition = definition_of(declared, plan.target, found) if plan.target and plan.has(Action.DEFINE) else ""
    others = [guest for guest in known if guest.name != name]
    obstacles = _obstacles(host.hypervisor, host.facts, plan, found, others)
    obstacles += removal_obstacles(host.disks, plan.steps, others)
    if obstacles:
        raise Refused(f"Cannot make {name} what is declared", obstacles, guest=name)
    if check or not plan.steps:
        return Outcome(plan, found)
    _apply(host, declared, plan, definition)
    return Outcome(plan, host.hypervisor.domain(name))


def _without_leftover(strays: StrayGuests, plan: DomainPlan, name: str) -> DomainPlan:
    """The plan, and before a start the end of what a start before it has left behind.

    Raises:
        Conflict: Xen has a guest of this name that libvirt does not know and that is no such thing.
    """
    start = next((step for step in plan.steps if step.action in (Action.START, Action.START_PAUSED)), None)
    if start is None or plan.has(Action.SHUTDOWN):
        return plan
    stray = strays.stray(name)
    if stray is None:
        return plan
    if not stray.is_unfinished(plan.target.uuid if plan.target else None):
        raise Conflict(
            "Xen has a guest of this name that libvirt does not know",
            guest=name,
            found=f"domain {stray.domid}, {stray.state}, {stray.cpu_seconds:g} s on a CPU, UUID {stray.uuid}",
            remedy="Take it over (playbook import), or end it: xl shutdown or xl destroy.",
        )
    words = f"domain {stray.domid} of a start that broke off"
    gone = Step(Action.DISCARD, (Change("leftover", words, None),), domid=stray.domid)
    index = plan.steps.index(start)
    return replace(plan, steps=(*plan.steps[:index], gone, *plan.steps[index:]))


def _obstacles(
    hypervisor: Hypervisor,
    host: HostFacts,
    plan: DomainPlan,
    found: FoundDomain | None,
    others: Sequence[FoundDomain],
) -> list[str]:
    """All that stands in the way of a plan, looked for before anything is touched."""
    target = plan.target
    if target is None or not any(step.action in _USES_THE_HOST for step in plan.steps):
        return []
    obstacles = []
    types = hypervisor.domain_types()
    if target.type is not None and types and target.type.value not in types:
        obstacles.append(f"type: this host runs {', '.join(sorted(types))}, not {target.type.value}")
    obstacles += _missing_paths(host, target, found)
    obstacles += _missing_cpus(hypervisor, target)
    obstacles += [
        f"pci_devices: this host has no {address}"
        for address in target.pci_devices or ()
        if host.path_kind(f"/sys/bus/pci/devices/{address}") is None
    ]
    obstacles += missing_places(hypervisor, host, target.networks or ())
    obstacles += _taken(target, others)
    starts = plan.has(Action.START) or plan.has(Action.START_PAUSED)
    if starts and found is not None and found.managed_save:
        obstacles += _no_room(hypervisor, target)
    return obstacles


def _missing_paths(host: HostFacts, target: Domain, found: FoundDomain | None) -> list[str]:
    problems = []
    for field, path in (("kernel", target.kernel), ("ramdisk", target.ramdisk)):
        if path is not None and host.path_kind(path) != "file":
            problems.append(f"{field} {path} is {_what(host.path_kind(path))}")
    # A guest that has it already may have that of another place.
    has_uefi = found is not None and found.configuration.firmware == "uefi"
    if target.firmware == "uefi" and not has_uefi and host.path_kind(UEFI_LOADER) is None:
        problems.append(f"firmware uefi: {UEFI_LOADER} is missing; it is in Debian's package ovmf")
    for disk in target.disks or ():
        if disk.path is not None and host.path_kind(disk.path) != ("block" if disk.is_block else "file"):
            problems.append(f"disk {disk.target}: {disk.path} is {_what(host.path_kind(disk.path))}")
    return problems


def _missing_cpus(hypervisor: Hypervisor, target: Domain) -> list[str]:
    wanted = max((max(cpus_in(entry)) for entry in target.cpus or () if entry), default=-1)
    if wanted < 0 or wanted < (count := hypervisor.cpu_count()):
        return []
    return [f"cpus: there is no CPU {wanted}; this host has the CPUs 0-{count - 1}"]


def _what(kind: str | None) -> str:
    return "missing" if kind is None else f"no such thing but a {kind}"


def _taken(target: Domain, others: Sequence[FoundDomain]) -> list[str]:
    """MAC addresses and disks that other guests of the host have."""
    problems = []
    macs = {nic.mac for nic in target.networks or ()}
    sources = {disk.source: disk for disk in target.disks or () if disk.source is not None}
    for other in others:
        for nic in other.configuration.networks or ():
            if nic.mac in macs:
                problems.append(f"the MAC address {nic.mac} belongs to the guest {other.name}")
        for theirs in (other.running.disks or ()) if other.running else ():
            ours = sources.get(theirs.source) if theirs.source else None
            if (
                ours is not None
                and not (ours.shareable and theirs.shareable)
                and not (ours.readonly and theirs.readonly)
            ):
                problems.append(f"disk {ours.target}: {ours.source} is in use by the running guest {other.name}")
    return problems


def _no_room(hypervisor: Hypervisor, target: Domain) -> list[str]:
    """Libvirt deletes a saved image before it restores it: without room the guest's memory would be lost."""
    free = hypervisor.free_memory()
    needed = (target.memory.mib if target.memory else 0) + _OVERHEAD_MIB
    if free is None or free.mib >= needed:
        return []
    return [f"memory: restoring the saved guest needs {needed} MiB, Xen has {free.mib} MiB free"]


def _apply(host: GuestHost, declared: Declaration, plan: DomainPlan, definition: str) -> None:
    applied: list[str] = []
    for step in plan.steps:
        try:
            if step.domid is not None:
                host.strays.discard(step.domid)
            elif step.action is Action.REMOVE_DISK and isinstance(step.device, Disk):
                remove_disk(host.disks, step.device)
            else:
                _do(host.hypervisor, declared, plan, definition, step)
            applied += [change.field for change in step.changes]
            if step.action is Action.DEFINE and declared.xml is not None:
                check_kept(declared, host.hypervisor.domain(declared.domain.name))
        except XenfleetError as error:
            error.guest = error.guest or declared.domain.name
            error.applied = tuple(applied)
            raise


def _do(hypervisor: Hypervisor, declared: Declaration, plan: DomainPlan, definition: str, step: Step) -> None:
    name, target = declared.domain.name, plan.target or Domain(declared.domain.name)
    device = _device(step)
    calls: dict[Action, Callable[[], None]] = {
        Action.DEFINE: lambda: hypervisor.define(definition),
        Action.UNDEFINE: lambda: hypervisor.undefine(name),
        Action.SET_MEMORY: lambda: hypervisor.set_memory(name, target.memory or Size(0)),
        Action.SET_VCPUS: lambda: _set_vcpus(hypervisor, target),
        Action.PIN_VCPUS: lambda: _pin_vcpus(hypervisor, target),
        Action.SET_SCHEDULER: lambda: hypervisor.set_scheduler(name, target.cpu_weight, target.cpu_cap),
        Action.SET_AUTOSTART: lambda: hypervisor.set_autostart(name, plan.autostart),
        Action.ATTACH_DISK: lambda: hypervisor.attach(name, device),
        Action.ATTACH_NIC: lambda: hypervisor.attach(name, device),
        Action.DETACH_DISK: lambda: hypervisor.detach(name, device),
        Action.DETACH_NIC: lambda: hypervisor.detach(name, device),
        Action.CHANGE_MEDIUM: lambda: hypervisor.update(name, device),
        Action.ATTACH_HOST_DEVICE: lambda: hypervisor.attach(name, device),
        Action.DETACH_HOST_DEVICE: lambda: hypervisor.detach(name, device),
        Action.START: lambda: _start(hypervisor, declared, target, paused=False),
        Action.START_PAUSED: lambda: _start(hypervisor, declared, target, paused=True),
        Action.PAUSE: lambda: hypervisor.pause(name),
        Action.RESUME: lambda: hypervisor.resume(name),
        Action.WAKE: lambda: _wake(hypervisor, declared, plan),
        Action.FORGET_SAVED: lambda: hypervisor.forget_saved(name),
        Action.SAVE: lambda: hypervisor.save(name),
        Action.SHUTDOWN: lambda: stop(hypervisor, declared),
    }
    calls[step.action]()


def _device(step: Step) -> str:
    """The XML of the device that a step is about; empty where it is about none."""
    if step.device is None:
        return ""
    if isinstance(step.device, HostDevice):
        return render_host_device(step.device)
    return render_disk(step.device) if isinstance(step.device, Disk) else render_nic(step.device)


def _set_vcpus(hypervisor: Hypervisor, target: Domain) -> None:
    hypervisor.set_vcpus(target.name, target.vcpus or 1)
    # One that is plugged in may run everywhere, whatever is stored.
    _pin_vcpus(hypervisor, target)


def _pin_vcpus(hypervisor: Hypervisor, target: Domain) -> None:
    pinning = each_pinning(target.cpus or ("",), target.vcpus or 1)
    if all(pinning):
        hypervisor.pin_vcpus(target.name, pinning)


def _start(hypervisor: Hypervisor, declared: Declaration, target: Domain, *, paused: bool) -> None:
    name = declared.domain.name
    # One that is just going down cannot be started; it is let go first.
    gone = wait_until(lambda: hypervisor.state(name) is not PowerState.SHUTTING_DOWN, declared.timeout)
    if not gone:
        raise TimedOut(f"it was shutting down and did not end within {declared.timeout:g} s", guest=name)
    hypervisor.start(name, paused=paused)
    if target.cpu_cap is not None:
        # Libvirt cannot keep it, so it has to be set at each start.
        hypervisor.set_scheduler(name, None, target.cpu_cap)


def _wake(hypervisor: Hypervisor, declared: Declaration, plan: DomainPlan) -> None:
    """Let a suspended guest go on. Some never do, such as one of type HVM without Xen's drivers; with ``force`` it can end all the same."""
    ends = any(step.action is Action.SHUTDOWN for step in plan.steps)
    try:
        hypervisor.wake(declared.domain.name)
    except HypervisorError as error:
        if not (declared.force and ends):
            error.remedy = "It has to be ended (stopped or restarted) with force."
            raise
