# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What becomes of a guest that a host has in a file of xl or xm: pure, from the file and what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    FoundDomain,
    TargetState,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.takeover import GuestFile, Start, Verdict, XenGuest
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change, Effect
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import plan_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.step import Action

# What a saved guest takes on the disk besides its memory: a word for each page, and the state of its processors.
_OVERHEAD_SHARE = 64
_OVERHEAD = 16 * MIB
_BY_HAND = (
    "To take it over with a reboot, shut it down by 'xl shutdown {name}' and run this again. Do not start it by libvirt"
    " before: it would run twice"
)


@dataclass(frozen=True)
class Situation:
    """What there is of a guest besides its file.

    Attributes:
        room: how much memory can be saved on the host's disk.
        found: the guest as libvirt has it.
        running: the guest as Xen has it, when it was not libvirt that started it.
        uuid_owner: another guest that has its UUID.
        elsewhere: where else in the park it is, in words; None when it is nowhere else.
        kept_memory: the file with its memory that an earlier attempt has left.
    """

    room: Size
    found: FoundDomain | None = None
    running: XenGuest | None = None
    uuid_owner: str | None = None
    elsewhere: str | None = None
    kept_memory: str | None = None


@dataclass(frozen=True)
class TakeoverPlan:
    """What is to be done for one guest, in the order of the attributes.

    Attributes:
        verdict: what becomes of it.
        notes: what is to be said of it.
        define: what libvirt is to store.
        hand_over: the running guest that libvirt is to go on with.
        autostart: libvirt is to start it with the host.
        retire: what would start it by xl.
    """

    verdict: Verdict
    notes: tuple[str, ...] = ()
    define: Declaration | None = None
    hand_over: XenGuest | None = None
    autostart: bool = False
    retire: tuple[Start, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """How the steps after the definition are said."""
        moved = [Change("run_by", "xl", "libvirt", Effect.FREEZE)] if self.hand_over else []
        started = [Change("autostart", "no", "yes")] if self.autostart else []
        return (*moved, *started, *(Change("started_by_xl", start.path, start.backup) for start in self.retire))


def plan_takeover(file: GuestFile, situation: Situation, *, move: bool) -> TakeoverPlan:
    """What becomes of a guest.

    Args:
        file: what its file says.
        situation: what there is of it.
        move: hand it to libvirt when xl runs it.
    """
    running = situation.running
    if file.declared is None:
        still = (f"xl goes on running it as domain {running.domid}",) if running else ()
        return TakeoverPlan(Verdict.REFUSED, (file.refusal or "it cannot be read", *still))
    if running is not None:
        return _plan_running(file, file.declared, running, situation, move=move)
    if situation.found is not None:
        return _plan_known(file, file.declared, situation.found, situation)
    doubts = _doubts(situation)
    if situation.uuid_owner is not None:
        doubts = (*doubts, f"the guest {situation.uuid_owner} has its UUID {file.declared.domain.uuid}, too")
    if doubts:
        return TakeoverPlan(Verdict.REFUSED, doubts)
    return TakeoverPlan(
        Verdict.TAKEN, _left_behind(file), define=file.declared, autostart=bool(file.starts), retire=file.starts
    )


def _plan_running(
    file: GuestFile, declared: Declaration, running: XenGuest, situation: Situation, *, move: bool
) -> TakeoverPlan:
    """A guest that xl runs: it goes to libvirt as it runs, or libvirt does not hear of it at all."""
    by_hand = _BY_HAND.format(name=running.name)
    if not move:
        return TakeoverPlan(Verdict.LEFT, (f"xl runs it, and it was asked to leave it there. {by_hand}",))
    obstacles = [*running.obstacles, *_hand_over_obstacles(declared, running, situation)]
    if obstacles or running.running is None:
        return TakeoverPlan(Verdict.LEFT, (*(obstacles or ["Xen does not tell what it runs with"]), by_hand))
    return TakeoverPlan(
        Verdict.MOVED,
        _left_behind(file),
        define=as_running(declared, running.running) if situation.found is None else None,
        hand_over=running,
        autostart=bool(file.starts) and not (situation.found is not None and situation.found.autostart),
        retire=file.starts,
    )


def _hand_over_obstacles(declared: Declaration, running: XenGuest, situation: Situation) -> list[str]:
    problems = []
    uuid = running.running.uuid if running.running else None
    if not running.is_running:
        problems.append(f"it is {running.state}; only a running guest can be handed over")
    if declared.domain.uuid not in (None, uuid):
        problems.append(f"its file says UUID {declared.domain.uuid}, but it runs with {uuid}")
    if situation.uuid_owner is not None:
        problems.append(f"the guest {situation.uuid_owner} has its UUID {uuid}, too")
    found = situation.found
    if found is not None and found.configuration.uuid != uuid:
        problems.append(
            f"libvirt has another guest of that name: UUID {found.configuration.uuid} instead of {uuid}; undefine that one"
        )
    if found is not None and found.managed_save:
        problems.append("libvirt has a saved memory of it, which is not the one it has now; remove that")
    if situation.kept_memory is not None:
        problems.append(_kept(situation.kept_memory))
    needed = room_for(running)
    if needed > situation.room:
        problems.append(
            f"saving its memory takes {needed.mib} MiB on the disk, which has {situation.room.mib} MiB free"
        )
    return problems


def _doubts(situation: Situation) -> tuple[str, ...]:
    """Why a guest that does not run here may not be started here either."""
    problems = []
    if situation.elsewhere is not None:
        problems.append(f"it does not run here, and {situation.elsewhere}")
    if situation.kept_memory is not None:
        problems.append(_kept(situation.kept_memory))
    return tuple(problems)


def _plan_known(file: GuestFile, declared: Declaration, found: FoundDomain, situation: Situation) -> TakeoverPlan:
    """A guest that libvirt has, and that xl does not run: it was taken over, perhaps not to the end."""
    doubts = () if found.state.is_active else _doubts(situation)
    if doubts:
        return TakeoverPlan(Verdict.REFUSED, doubts)
    try:
        plan = plan_domain(replace(declared, state=TargetState.PRESENT, autostart=None), found)
    except XenfleetError as error:
        return TakeoverPlan(Verdict.REFUSED, (f"libvirt has a guest of that name: {error}",))
    stored = [change.field for step in plan.steps if step.action is Action.DEFINE for change in step.changes]
    if stored:
        still = tuple(f"{start.path} would start it by xl as well: move it away" for start in file.starts)
        differ = f"libvirt has it, otherwise than the file says ({', '.join(stored)}); what libvirt has holds"
        return TakeoverPlan(Verdict.SAME, (differ, *still))
    if not file.starts:
        return TakeoverPlan(Verdict.SAME)
    return TakeoverPlan(Verdict.TAKEN, autostart=not found.autostart, retire=file.starts)


def as_running(declared: Declaration, running: Domain) -> Declaration:
    """What a file says, for the machine that runs: its UUID, and the MAC addresses that the file leaves open."""
    wanted = declared.domain.networks
    there = running.networks or ()
    named = {nic.mac for nic in wanted or ()}
    networks: Sequence[Nic] | None = None
    if wanted is not None:
        networks = [
            replace(nic, mac=there[index].mac)
            if nic.mac is None and index < len(there) and there[index].mac not in named
            else nic
            for index, nic in enumerate(wanted)
        ]
    domain = replace(declared.domain, uuid=running.uuid, networks=None if networks is None else tuple(networks))
    return replace(declared, domain=domain)


def room_for(guest: XenGuest) -> Size:
    """What saving a guest takes on the disk."""
    target = guest.running.memory if guest.running else None
    memory = max(guest.memory.bytes, target.bytes if target else 0)
    return Size(memory + memory // _OVERHEAD_SHARE + _OVERHEAD)


def twins(files: Sequence[GuestFile]) -> Mapping[str, str]:
    """The guests that several files describe, with the words on them."""
    paths: dict[str, list[str]] = {}
    for file in files:
        paths.setdefault(file.guest, []).append(file.path)
    return {
        guest: f"several files describe it: {', '.join(listed)}; leave one"
        for guest, listed in paths.items()
        if len(listed) > 1
    }


def _left_behind(file: GuestFile) -> tuple[str, ...]:
    return (f"left behind: {', '.join(file.left_behind)}",) if file.left_behind else ()


def _kept(path: str) -> str:
    return (
        f"{path} has its memory, from an attempt that broke off. If it runs nowhere, let it go on by 'xl restore {path}';"
        " then, or if nothing in it is needed, delete the file"
    )
