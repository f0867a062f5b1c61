# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a machine the Xen host that it should be, and see that it is one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import (
    CommandFailed,
    HypervisorError,
    Refused,
    XenfleetError,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.dom0 import Boot, Dom0, File, FoundDom0, Unit
from ansible_collections.xenfleet.xen.plugins.module_utils.model.xen_info import XenInfo
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.dom0 import (
    URI,
    Dom0Plan,
    FileStep,
    ServiceStep,
    obstacles,
    plan_dom0,
    restart_obstacles,
    saves_guests,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.dom0_boot import (
    missing_arguments,
    next_boot,
    parse_grub,
    predicted,
    reboot_reasons,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.dom0_causes import Symptoms, cause_of, shortcomings
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.firewall import FirewallStep
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult, Commands
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.dom0 import (
    HostConfig,
    HostFirewalls,
    HostMachine,
    HostServices,
)

PACKAGES = (
    "xen-system-amd64",
    "libvirt-daemon-system",
    "libvirt-daemon-driver-xen",
    "libvirt-clients",
    "python3-libvirt",
    "qemu-system-xen",
)
_LOCKD = "libvirt-daemon-plugin-lockd"  # a package of its own since Debian 13
_COMMAND_SECONDS = 120
_LIBVIRT_SECONDS = 60
_GRUB_SECONDS = 900
_PAUSE = 5.0


@dataclass(frozen=True)
class Dom0Outcome:
    """What was or would be done, and what is still to be done.

    Attributes:
        changes: that.
        missing_packages: what has to be installed first. Outside of check mode next to nothing was done, then.
        reboot_reasons: why the machine has to be booted anew; empty where it has not.
        restart_obstacles: why that would cut off guests that run.
        runs_xen: whether Xen runs.
        warnings: what is not handled.
    """

    changes: tuple[Change, ...] = ()
    missing_packages: tuple[str, ...] = ()
    reboot_reasons: tuple[str, ...] = ()
    restart_obstacles: tuple[str, ...] = ()
    runs_xen: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dom0Operations:
    """One machine.

    Attributes:
        commands: programs of the machine.
        machine: what it is and runs.
        config: its files.
        services: its services.
        firewalls: its firewalls.
        sleep: how to wait.
    """

    commands: Commands
    machine: HostMachine
    config: HostConfig
    services: HostServices
    firewalls: HostFirewalls
    sleep: Callable[[float], None] = time.sleep

    def ensure(self, declared: Dom0, *, check: bool) -> Dom0Outcome:
        """Make the machine what is declared; what is not named is left alone.

        Args:
            declared: what is asked for.
            check: only look.

        Raises:
            Refused: something forbids it; all of it is named and nothing was touched.
            CommandFailed: it failed on the way; ``applied`` has what was done.
        """
        found = self._look(declared)
        problems = obstacles(declared, found)
        if problems:
            raise Refused("This machine cannot be made such a Xen host", problems)
        plan = plan_dom0(declared, found)
        if check:
            now = next_boot(found.text(File.MENU))
            coming = predicted(now, parse_grub(found.text(File.GRUB)), plan.boot)
            return self._outcome(found, plan, plan.changes, reboot_reasons(found.machine, coming))
        if found.packages:
            # With libvirt comes a libvirtd whose start stops xendomains, and that would save all guests of xl.
            early = tuple(step for step in plan.services if step.unit is Unit.XENDOMAINS and step.active is False)
            plan = Dom0Plan(services=early, warnings=plan.warnings)
            return self._outcome(found, plan, self._apply(plan), ())
        changes = self._apply(plan)
        menu = self.config.read(File.MENU) or ""
        return self._outcome(found, plan, changes, reboot_reasons(found.machine, next_boot(menu)))

    def verify(self, *, timeout: float) -> None:
        """See that Xen runs with what was asked, and that libvirt answers for it.

        Args:
            timeout: seconds in which the daemons may come up.

        Raises:
            HypervisorError: it does not; which of the known causes it is.
        """
        machine = self.machine.read()
        deadline = time.monotonic() + timeout
        while (said := self._libvirt_says()) is not None:
            hopeless = machine.xen is None or not self.machine.has_xen_driver()
            if hopeless or time.monotonic() >= deadline:
                raise self._failure(said)
            self.sleep(_PAUSE)
        machine = self.machine.read()
        boot = parse_grub(self.config.read(File.GRUB) or "")
        entry = next_boot(self.config.read(File.MENU) or "")
        problems = [*reboot_reasons(machine, entry), *shortcomings(boot, machine)]
        if problems:
            raise HypervisorError(
                "Xen does not run with what was asked",
                host=machine.name,
                found="; ".join(problems),
                expected=" ".join(boot.xen) or None,
                remedy="Look at 'xl info', 'xl list' and 'xl dmesg' on the host.",
            )

    def _look(self, declared: Dom0) -> FoundDom0:
        texts = {file: text for file in File if (text := self.config.read(file)) is not None}
        machine = self.machine.read()
        wanted = list(PACKAGES)
        if declared.toolstack.lock_manager and (machine.debian or 0) >= 13:
            wanted.append(_LOCKD)
        return FoundDom0(
            machine,
            texts,
            self.services.found(tuple(Unit)),
            self.machine.missing_packages(wanted),
            self.firewalls.found(declared.migration_network),
            self.machine.started_by_xl(),
        )

    def _outcome(
        self, found: FoundDom0, plan: Dom0Plan, changes: tuple[Change, ...], reasons: tuple[str, ...]
    ) -> Dom0Outcome:
        xen = found.machine.xen
        obstacles = self._restart_obstacles(xen, plan, found) if reasons and xen and xen.guests else ()
        return Dom0Outcome(changes, found.packages, reasons, obstacles, xen is not None, plan.warnings)

    def _restart_obstacles(self, xen: XenInfo, plan: Dom0Plan, found: FoundDom0) -> tuple[str, ...]:
        """Why the running guests would be cut off when the machine stops."""
        known = self._known_guests()
        unknown = [guest.name for guest in xen.guests if guest.name not in known]
        room = self.machine.save_room() if saves_guests(plan, found) else None
        return restart_obstacles(xen, unknown, room)

    def _known_guests(self) -> frozenset[str]:
        """The running guests that libvirt knows; none where it does not answer."""
        if not self.commands.has("virsh"):
            return frozenset()
        listed = self._virsh("list", "--name")
        return frozenset(listed.stdout.splitlines()) if listed.status == 0 else frozenset()

    def _apply(self, plan: Dom0Plan) -> tuple[Change, ...]:
        done: list[Change] = []
        try:
            for step in plan.files:
                self._write(step)
                done += step.changes
            if plan.hostname is not None:
                self.commands.run(["hostname", plan.hostname], timeout=_COMMAND_SECONDS)
            if any(step.file is File.LIBVIRTD for step in plan.files):
                self.services.reload()
            for service in plan.services:
                self._service(service)
                done.append(service.change)
            for firewall in plan.firewalls:
                self._firewall(firewall)
                done.append(firewall.change)
            if plan.restart_libvirtd:
                self.services.restart(Unit.LIBVIRTD)
            if plan.grub is not None:
                self._grub(plan.grub, plan.boot)
                done += plan.grub.changes
        except XenfleetError as error:
            error.applied = tuple(change.field for change in done)
            raise
        return tuple(done)

    def _write(self, step: FileStep) -> None:
        self.config.write(step.file, step.text)

    def _service(self, step: ServiceStep) -> None:
        if step.active is not None:
            self.services.set_active_quietly(step.unit, active=step.active)
        if step.enabled is not None:
            self.services.set_enabled(step.unit, enabled=step.enabled)

    def _firewall(self, step: FirewallStep) -> None:
        for path, text in step.files:
            self.config.write(path, text)
        for command in step.commands:
            self.commands.run(command, timeout=_COMMAND_SECONDS)

    def _grub(self, step: FileStep, boot: Boot) -> None:
        """Write GRUB's file and make its menu anew; the former file comes back when that fails."""
        former = self.config.read(step.file)
        self._write(step)
        try:
            self.commands.run(["update-grub"], timeout=_GRUB_SECONDS)
        except XenfleetError:
            if former is None:
                self.config.remove(step.file)
            else:
                self.config.write(step.file, former)
            raise
        entry = next_boot(self.config.read(File.MENU) or "")
        if entry is None or entry.xen is None:
            raise CommandFailed(
                "GRUB's menu does not boot Xen first",
                found=entry.title if entry else "a default that is not in the menu",
                expected="the first entry 'with Xen hypervisor'",
                remedy="Look for GRUB_DISABLE_SUBMENU and GRUB_DISTRIBUTOR in /etc/default/grub, and for /boot/xen-*.gz.",
            )
        missing = missing_arguments(boot, entry)
        if missing:
            raise CommandFailed(
                "GRUB's menu does not have what is declared",
                found=" ".join((*entry.xen, *entry.kernel)) or "no arguments",
                expected=" ".join(missing),
                remedy="Look for what comes after it in /etc/default/grub.d and for changed files in /etc/grub.d.",
            )

    def _libvirt_says(self) -> str | None:
        """What libvirt complains of; None when it answers for Xen."""
        if not self.commands.has("virsh"):
            return "virsh is not installed"
        done = self._virsh("version")
        return None if done.status == 0 else " ".join((done.stderr or done.stdout).split())

    def _virsh(self, *words: str) -> CommandResult:
        """Ask libvirt, which may listen and never answer when its daemon fails at each start."""
        try:
            return self.commands.run(["virsh", "-q", "-c", URI, *words], check=False, timeout=_LIBVIRT_SECONDS)
        except CommandFailed as error:
            return CommandResult(1, "", str(error))

    def _failure(self, said: str) -> HypervisorError:
        cause = cause_of(
            Symptoms(
                self.machine.read(),
                self.machine.has_xen_driver(),
                self.services.found((Unit.LIBVIRTD,))[Unit.LIBVIRTD],
                self.services.listens(Unit.LIBVIRTD),
                said,
                self.services.journal(Unit.LIBVIRTD),
            )
        )
        return HypervisorError(cause.message, found=cause.found, expected=f"an answer at {URI}", remedy=cause.remedy)
