# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a machine as it is to what is to be done for the Xen host that is declared, pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ansible_collections.xenfleet.xen.plugins.module_utils.model.dom0 import (
    AtShutdown,
    AtStart,
    Boot,
    Dom0,
    File,
    FoundDom0,
    Service,
    Unit,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.xen_info import XenInfo, memory_of
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change, Effect
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.dom0_boot import (
    HEAD,
    boots_as_declared,
    grub_text,
    merged,
    next_boot,
    parse_grub,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.firewall import FirewallStep, plan_firewalls
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.hosts_file import leads_to_loopback, plan_hosts
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.key_file import value_of, with_value

URI = "xen:///system"
SAVES = "/var/lib/libvirt/libxl/save"
# Debian's libvirtd waits for another name of the service that brings up Xen's daemons: the quicker one finds no Xen, and its
# driver stays off. And guests are to be saved or shut down while libvirtd still answers. The driver that hands PCI devices to guests
# comes after the devices' own drivers; libvirt would look for it by a name that it has no more.
LIBVIRTD_TEXT = f"""{HEAD}[Unit]
After=xen.service
Before=libvirt-guests.service

[Service]
ExecStartPre=-/sbin/modprobe --quiet xen-pciback
"""
_SHUTDOWN = {AtShutdown.SHUTDOWN: "shutdown", AtShutdown.SAVE: "suspend"}
_START = {AtStart.RAN: "start", AtStart.AUTOSTART: "ignore"}


@dataclass(frozen=True)
class FileStep:
    """A file that is to be written.

    Attributes:
        file: which.
        text: all of its content.
        changes: how that is said.
    """

    file: File
    text: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class ServiceStep:
    """A service that is to be another way, without anything that it would do to guests.

    Attributes:
        unit: which.
        enabled: whether it shall start with the machine; None: as it is.
        active: whether it shall count as running; None: as it is.
        change: how that is said.
    """

    unit: Unit
    enabled: bool | None
    active: bool | None
    change: Change


@dataclass(frozen=True)
class Dom0Plan:
    """What is to be done, in this order.

    Attributes:
        hostname: the name that the running machine gets; None: it has it.
        files: all files but GRUB's.
        services: services.
        firewalls: firewalls.
        grub: GRUB's file, for whose sake its menu is made anew.
        boot: how the machine boots then, with what was not declared.
        restart_libvirtd: whether libvirtd has to read its configuration.
        warnings: what is not handled.
    """

    hostname: str | None = None
    files: tuple[FileStep, ...] = ()
    services: tuple[ServiceStep, ...] = ()
    firewalls: tuple[FirewallStep, ...] = ()
    grub: FileStep | None = None
    boot: Boot = field(default_factory=Boot)
    restart_libvirtd: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """All of it, as it is said."""
        return (
            *(change for step in self.files for change in step.changes),
            *(step.change for step in self.services),
            *(step.change for step in self.firewalls),
            *(self.grub.changes if self.grub else ()),
        )


def plan_dom0(declared: Dom0, found: FoundDom0) -> Dom0Plan:
    """Compare what is declared with what is there."""
    machine = found.machine
    hostname = declared.naming.hostname or machine.name
    files = tuple(_file_steps(declared, found, hostname))
    firewalls, warnings = plan_firewalls(declared.migration_network, found.firewalls)
    boot = merged(declared.boot, parse_grub(found.text(File.GRUB)))
    configured = any(step.file is File.LIBXL for step in files)
    return Dom0Plan(
        hostname if hostname != machine.name else None,
        files,
        tuple(_service_steps(found)),
        firewalls,
        _grub_step(boot, found),
        boot,
        configured and found.service(Unit.LIBVIRTD).active,
        (*warnings, *_warnings(declared, found, hostname)),
    )


def obstacles(declared: Dom0, found: FoundDom0) -> list[str]:
    """Everything about the machine that forbids what is declared."""
    machine, problems = found.machine, []
    if machine.debian is None or machine.debian < 12:
        release = "another system" if machine.debian is None else f"Debian {machine.debian}"
        problems.append(f"this is no machine for the role; found: {release}; expected: Debian 12 or 13")
    if machine.is_guest:
        problems.append("this machine is a guest of a Xen host; expected: a machine that nothing else runs under")
    if not machine.has_grub:
        problems.append(
            f"this machine does not boot by GRUB; found: no update-grub, or no {File.MENU}; expected: both. "
            "Install grub-pc or grub-efi-amd64 on its disk"
        )
    if machine.secure_boot:
        problems.append(
            "the firmware boots signed programs only, and Debian's Xen is not signed; found: Secure Boot is on; "
            "expected: off. Switch it off in the firmware"
        )
    return problems + _resource_obstacles(declared, found)


def _resource_obstacles(declared: Dom0, found: FoundDom0) -> list[str]:
    """What the machine does not have."""
    machine, problems = found.machine, []
    boot = merged(declared.boot, parse_grub(found.text(File.GRUB)))
    if boot.size is not None and machine.memory is not None and boot.size > machine.memory:
        problems.append(
            f"memory is more than the machine has; found: {machine.memory.mib} MiB; expected: {boot.size} or more"
        )
    elif boot.size is not None and machine.xen is not None and machine.xen.memory_total is not None:
        guests = memory_of(machine.xen.guests)
        if boot.size.bytes + guests.bytes > machine.xen.memory_total.bytes:
            problems.append(
                f"memory leaves too little for the guests that run; found: {machine.xen.memory_total.mib} MiB, of which they have "
                f"{guests.mib} MiB; expected: room for both. Declare less, or move guests away or shut them down first"
            )
    if boot.fewest_vcpus is not None and machine.cpus is not None and boot.fewest_vcpus > machine.cpus:
        problems.append(
            f"vcpus is more than the machine has CPUs; found: {machine.cpus}; expected: {boot.vcpus} or more"
        )
    needy = sorted(declared.guest_types & {"hvm", "pvh"})
    if needy and machine.hvm is False:
        problems.append(
            f"{' and '.join(needy)} guests are declared, and the CPUs cannot run them; found: neither VT-x nor SVM; "
            "expected: one of them. Switch it on in the firmware, or make the guests pv"
        )
    return problems


def saves_guests(plan: Dom0Plan, found: FoundDom0) -> bool:
    """Whether the guests' memory is saved when the machine stops, once the plan is carried out."""
    planned = [step.text for step in plan.files if step.file is File.GUESTS]
    text = planned[0] if planned else found.text(File.GUESTS)
    return value_of(text, "ON_SHUTDOWN") == _SHUTDOWN[AtShutdown.SAVE]


def restart_obstacles(xen: XenInfo, unknown: Sequence[str], save_room: Size | None) -> tuple[str, ...]:
    """Why a restart would cut off guests.

    Args:
        xen: what Xen tells.
        unknown: the running guests that libvirt does not know.
        save_room: what fits where guests' memory is saved; None: it is not saved.
    """
    problems = []
    if unknown:
        problems.append(
            f"libvirt does not know {', '.join(unknown)}, and nobody would save or shut down these guests; take them over "
            "(playbook xenfleet.xen.import), or shut them down"
        )
    needed = memory_of(xen.guests)
    if save_room is not None and needed > save_room:
        problems.append(
            f"the memory of the running guests does not fit where it is to be saved; found: {save_room.mib} MiB of room in {SAVES}; "
            f"expected: {needed.mib} MiB. Make room, move guests away first, or let them be shut down (at_shutdown)"
        )
    return tuple(problems)


def _file_steps(declared: Dom0, found: FoundDom0, hostname: str) -> Iterator[FileStep]:
    names = {found.text(File.HOSTNAME).strip(), found.machine.name}
    if declared.naming.hostname is not None and names != {hostname}:
        yield FileStep(File.HOSTNAME, f"{hostname}\n", (Change("hostname", found.machine.name, hostname),))
    hosts = found.text(File.HOSTS)
    text, changes = plan_hosts(hosts, declared.naming, hostname)
    if changes:
        yield FileStep(File.HOSTS, text, changes)
    for file, settings in (
        (File.XL, _xl(declared)),
        (File.LIBXL, _libxl(declared)),
        (File.GUESTS, _guests(declared, found)),
    ):
        step = _keys_step(file, found.text(file), settings)
        if step is not None:
            yield step
    unit = found.text(File.LIBVIRTD)
    if unit != LIBVIRTD_TEXT:
        before = _former(File.LIBVIRTD, found)
        change = Change("services[libvirtd].order", before, "after xen, before libvirt-guests", Effect.NEXT_BOOT)
        yield FileStep(File.LIBVIRTD, LIBVIRTD_TEXT, (change,))


@dataclass(frozen=True)
class _Setting:
    """A key of a file.

    Attributes:
        field: the option's name.
        key: the key.
        value: what it is set to; None: it is not managed, '': it is taken away.
        line: the line that sets it.
        effect: when that reaches what runs.
    """

    field: str
    key: str
    value: str | None
    line: str
    effect: Effect = Effect.LIVE


def _xl(declared: Dom0) -> list[_Setting]:
    autoballoon = declared.toolstack.autoballoon
    value = None if autoballoon is None else ("on" if autoballoon else "off")
    return [_Setting("xl.autoballoon", "autoballoon", value, f'autoballoon="{value}"')]


def _libxl(declared: Dom0) -> list[_Setting]:
    tools = declared.toolstack
    numbers: list[tuple[str, int | None]] = [
        ("autoballoon", tools.autoballoon),
        ("keepalive_interval", tools.keepalive_interval),
        ("keepalive_count", tools.keepalive_count),
        ("nested_hvm", tools.nested_hvm),
    ]
    settings = [
        _Setting(key, key, None if value is None else str(int(value)), "" if value is None else f"{key} = {int(value)}")
        for key, value in numbers
    ]
    locks = tools.lock_manager
    return [*settings, _Setting("lock_manager", "lock_manager", locks, f'lock_manager = "{locks}"')]


def _guests(declared: Dom0, found: FoundDom0) -> list[_Setting]:
    policy = declared.guests
    uris = value_of(found.text(File.GUESTS), "URIS") or "default"
    if URI not in uris.split():
        uris = URI
    values: list[tuple[str, str, str | int | None]] = [
        ("libvirt_guests.uris", "URIS", uris),
        ("at_start", "ON_BOOT", None if policy.at_start is None else _START[policy.at_start]),
        ("at_shutdown", "ON_SHUTDOWN", None if policy.at_shutdown is None else _SHUTDOWN[policy.at_shutdown]),
        ("shutdown_timeout", "SHUTDOWN_TIMEOUT", policy.shutdown_timeout),
        ("parallel_shutdown", "PARALLEL_SHUTDOWN", policy.parallel_shutdown),
        ("start_delay", "START_DELAY", policy.start_delay),
    ]
    return [
        _Setting(
            field,
            key,
            None if value is None else str(value),
            f"{key}='{value}'" if " " in str(value) else f"{key}={value}",
        )
        for field, key, value in values
    ]


def _keys_step(file: File, text: str, settings: Iterable[_Setting]) -> FileStep | None:
    changes = []
    for setting in settings:
        if setting.value is None:
            continue
        before, after = value_of(text, setting.key), setting.value or None
        if before != after:
            changes.append(Change(setting.field, before, after, setting.effect))
            text = with_value(text, setting.key, after, setting.line)
    return FileStep(file, text, tuple(changes)) if changes else None


def _service_steps(found: FoundDom0) -> Iterator[ServiceStep]:
    for unit, enabled, active in (
        (Unit.XENDOMAINS, False, False),
        (Unit.GUESTS, True, True),
        (Unit.LIBVIRTD, True, None),
    ):
        service = found.service(unit)
        if not service.known:
            if unit is not Unit.XENDOMAINS or not found.packages:
                continue
            service = Service(known=True, enabled=True, active=False)  # as Debian's package will leave it
        set_enabled = enabled if service.enabled != enabled else None
        set_active = active if active is not None and service.active != active else None
        if set_enabled is None and set_active is None:
            continue
        shown = active if active is not None else service.active
        before, after = _state(service.enabled, service.active), _state(enabled, shown)
        change = Change(f"services[{unit.value}]", before, after)
        yield ServiceStep(unit, set_enabled, set_active, change)


def _grub_step(boot: Boot, found: FoundDom0) -> FileStep | None:
    text = grub_text(boot)
    before_text = found.texts.get(File.GRUB)
    if before_text == text:
        if found.packages or boots_as_declared(boot, next_boot(found.text(File.MENU))):
            return None
        # Whoever made the menu did so without our file, or something else stands in the way: then that is said.
        return FileStep(File.GRUB, text, (Change("grub", "a menu without that", "Xen first", Effect.NEXT_BOOT),))
    before = parse_grub(before_text or "")
    pairs = [
        ("memory", before.memory, boot.memory),
        ("vcpus", before.vcpus, boot.vcpus),
        ("xen_arguments", " ".join(before.xen_arguments or ()), " ".join(boot.xen_arguments or ())),
        ("kernel_arguments", " ".join(before.kernel_arguments or ()), " ".join(boot.kernel_arguments or ())),
    ]
    changes = [
        Change(field, former or None, wanted or None, Effect.NEXT_BOOT)
        for field, former, wanted in pairs
        if former != wanted
    ]
    if (before.replace_kernel_arguments or False) != (boot.replace_kernel_arguments or False):
        former, wanted = ("no", "yes") if boot.replace_kernel_arguments else ("yes", "no")
        changes.append(Change("replace_kernel_arguments", former, wanted, Effect.NEXT_BOOT))
    if before_text is None or not changes:
        changes.insert(0, Change("grub", _former(File.GRUB, found), "Xen first", Effect.NEXT_BOOT))
    return FileStep(File.GRUB, text, tuple(changes))


def _warnings(declared: Dom0, found: FoundDom0, hostname: str) -> Iterator[str]:
    if declared.naming.address is None and leads_to_loopback(found.text(File.HOSTS), hostname):
        yield (
            f"{hostname} leads to this machine's own loopback in {File.HOSTS}, so guests that are moved here without an address "
            "do not arrive. Say its address (address, dom0_address)"
        )
    xendomains = found.service(Unit.XENDOMAINS)
    if found.started_by_xl and (xendomains.enabled or xendomains.active):
        yield (
            f"xendomains starts nothing any more; found in its folders: {', '.join(found.started_by_xl)}. "
            "Take these guests over with the playbook xenfleet.xen.import"
        )


def _former(file: File, found: FoundDom0) -> str | None:
    return f"{file.value}, written otherwise" if file in found.texts else None


def _state(enabled: bool, active: bool) -> str:
    return f"{'enabled' if enabled else 'disabled'}, {'active' if active else 'inactive'}"
