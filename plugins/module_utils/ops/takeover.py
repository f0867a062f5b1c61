# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Take over the guests that a host has in files of xl and xm, one after the other; one that fails stops no other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Refused, XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    FoundDomain,
    PowerState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.takeover import GuestFile, Verdict, XenGuest
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domain import ensure_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.hand_over import HandOver
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import waiting_fields
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.takeover import (
    Situation,
    TakeoverPlan,
    plan_takeover,
    twins,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import GuestHost
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.takeover import Starts


@dataclass(frozen=True)
class GuestOutcome:
    """What became, or in check mode would become, of one guest.

    Attributes:
        guest: its name.
        path: its file; None for one that xl runs and no file describes.
        verdict: what became of it.
        notes: what is to be said of it.
        changes: what was, or would be, changed.
        understood: how its file was understood.
    """

    guest: str
    path: str | None
    verdict: Verdict
    notes: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    understood: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostOutcome:
    """What became of the guests of a host.

    Attributes:
        guests: each guest of a file, and each that xl runs without one.
        running: all guests that ran on the host before, with who runs them (``libvirt`` or ``xl``).
        defined: all guests that libvirt knew before.
    """

    guests: tuple[GuestOutcome, ...]
    running: Mapping[str, str]
    defined: tuple[str, ...]


@dataclass(frozen=True)
class TakeoverOperations:
    """The files and guests of one host.

    Attributes:
        hand_over: how a running guest goes from xl to libvirt.
        host: the host.
        starts: what starts guests by xl.
    """

    hand_over: HandOver
    host: GuestHost
    starts: Starts

    def take_over(
        self,
        files: Sequence[GuestFile],
        *,
        wanted: Collection[str] = (),
        elsewhere: Mapping[str, str],
        move: bool,
        check: bool,
    ) -> HostOutcome:
        """Take over each guest.

        Args:
            files: what the host's files say.
            wanted: only these guests; empty: all.
            elsewhere: guests that may not be started here, with where they are, in words.
            move: hand guests that xl runs to libvirt.
            check: only plan and look.

        Raises:
            XenfleetError: libvirt or Xen did not tell what is there; nothing was touched.
        """
        known = self.hand_over.hypervisor.domains()
        active = {guest.name for guest in known if guest.state.is_active}
        by_xl = {guest.name: guest for guest in self.hand_over.xen.guests() if guest.name not in active}
        several = twins(files)
        chosen = [file for file in files if not wanted or file.guest in wanted]
        # What the guests after it are compared with: all that run, and all that came before it.
        others = [*known, *(_as_found(guest) for guest in by_xl.values())]
        outcomes = []
        for file in chosen:
            if file.guest in several:
                file = replace(file, declared=None, refusal=several[file.guest])
            found = next((guest for guest in known if guest.name == file.guest), None)
            situation = self._situation(file, found, by_xl.get(file.guest), others, elsewhere)
            outcomes.append(self._one(file, situation, others, move=move, check=check))
        described = {file.guest for file in files}
        outcomes += [
            GuestOutcome(guest.name, None, Verdict.LEFT, ("xl runs it, and no file that was looked at describes it",))
            for guest in by_xl.values()
            if guest.name not in described and (not wanted or guest.name in wanted)
        ]
        running = {**dict.fromkeys(sorted(active), "libvirt"), **dict.fromkeys(sorted(by_xl), "xl")}
        return HostOutcome(tuple(outcomes), running, tuple(guest.name for guest in known))

    def _situation(
        self,
        file: GuestFile,
        found: FoundDomain | None,
        running: XenGuest | None,
        others: Sequence[FoundDomain],
        elsewhere: Mapping[str, str],
    ) -> Situation:
        memory = self.hand_over.memory
        uuid = file.declared.domain.uuid if file.declared else None
        if running is not None and running.running is not None:
            uuid = running.running.uuid
        owners = [guest.name for guest in others if uuid is not None and guest.configuration.uuid == uuid]
        return Situation(
            room=memory.room(),
            found=found,
            running=running,
            uuid_owner=next((name for name in owners if name != file.guest), None),
            elsewhere=elsewhere.get(file.guest),
            kept_memory=memory.path(file.guest) if memory.exists(file.guest) else None,
        )

    def _one(
        self, file: GuestFile, situation: Situation, others: list[FoundDomain], *, move: bool, check: bool
    ) -> GuestOutcome:
        plan = plan_takeover(file, situation, move=move)
        rest = [guest for guest in others if guest.name != file.guest]
        target: Domain | None = None
        stored: tuple[Change, ...] = ()
        if plan.define is not None:
            try:
                outcome = ensure_domain(self.host, plan.define, rest, check=True)
            except XenfleetError as error:
                verdict = Verdict.REFUSED if situation.running is None else Verdict.LEFT
                why = error.obstacles if isinstance(error, Refused) else (str(error),)
                return GuestOutcome(file.guest, file.path, verdict, why, (), file.understood)
            target, stored = outcome.plan.target, outcome.plan.changes
            others.append(FoundDomain(file.guest, target, None, None, PowerState.STOPPED))
        result = GuestOutcome(
            file.guest,
            file.path,
            plan.verdict,
            (*plan.notes, *_later(plan, target)),
            (*stored, *plan.changes),
            file.understood,
        )
        if check or not result.changes:
            return result
        return self._carried_out(file.guest, plan, rest, result, len(stored))

    def _carried_out(
        self, name: str, plan: TakeoverPlan, rest: Sequence[FoundDomain], result: GuestOutcome, stored: int
    ) -> GuestOutcome:
        """Do it, and say how it went."""
        done = 0
        try:
            if plan.define is not None:
                self._define(plan.define, rest)
                done += stored
            if plan.hand_over is not None:
                try:
                    self.hand_over.carry_out(plan.hand_over)
                except XenfleetError:
                    if plan.define is not None and self._undefined(name):
                        done = 0
                    raise
                done += 1
            if plan.autostart:
                self.hand_over.hypervisor.set_autostart(name, True)
                done += 1
            for start in plan.retire:
                self.starts.retire(start)
                done += 1
        except XenfleetError as error:
            error.guest = error.guest or name
            return replace(
                result, verdict=Verdict.FAILED, notes=(str(error), *result.notes), changes=result.changes[:done]
            )
        return result

    def _define(self, declared: Declaration, rest: Sequence[FoundDomain]) -> None:
        ensure_domain(self.host, declared, rest, check=False)

    def _undefined(self, name: str) -> bool:
        """Take back what was stored for a guest that was not handed over, for it may run outside of libvirt.

        Returns:
            Whether it was; if not, the guest has no autostart, and the changes that are told have it.
        """
        hypervisor = self.hand_over.hypervisor
        try:
            state = hypervisor.state(name)
            if state is None or state.is_active:
                return False
            hypervisor.undefine(name)
        except XenfleetError:
            return False
        return True


def _as_found(guest: XenGuest) -> FoundDomain:
    """A guest that xl runs, for the comparison of what guests have."""
    return FoundDomain(guest.name, None, None, guest.running or Domain(guest.name), PowerState.RUNNING)


def _later(plan: TakeoverPlan, target: Domain | None) -> tuple[str, ...]:
    """What a guest that is handed over will have only after its next boot."""
    running = plan.hand_over.running if plan.hand_over else None
    if running is None or target is None:
        return ()
    fields = waiting_fields(FoundDomain(target.name, target, None, running, PowerState.RUNNING))
    return (f"at its next boot it gets what its file says of {', '.join(fields)}",) if fields else ()
