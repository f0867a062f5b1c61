# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a host's bonds, VLANs and bridges what they should be, or leave everything as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Refused, TimedOut, XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import Caution, FileChange, Report, Stage
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import HostNetwork
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Links
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.host_network import (
    NetworkPlan,
    plan_absent,
    plan_present,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.network_confirmation import (
    connection_obstacles,
    exposed,
    waiting_obstacle,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.network_obstacles import declared_problems, obstacles
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.network_progress import (
    lingering,
    remaining,
    silent,
    unfinished,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.network_takeover import lost_words, lower_names
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.network import HostLinks, NetworkBackend, NetworkGuard

_POLL_SECONDS = 0.5
# Of the time to confirm a change, the part that it may take to come up.
_PART_TO_COME_UP = 2 / 3
_LEAST_SECONDS = 5.0
_ANSWER_SECONDS = 5.0
NO_CONFIRMATION = Caution()


@dataclass(frozen=True)
class Clock:
    """Time, so that tests need not wait."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Outcome:
    """What was or would be done.

    Attributes:
        plan: the plan, with its changes.
        links: the interfaces afterwards, or as they are in check mode.
        warnings: what is wired as declared but hears nobody.
        files: the files that are changed, by path.
        exposed: interfaces by which the change could cut the connection, each with the reason; it is under a timer then.
        report: how far a change under a timer has come.
    """

    plan: NetworkPlan
    links: Links
    warnings: tuple[str, ...] = ()
    files: Mapping[str, FileChange] = field(default_factory=dict)
    exposed: Mapping[str, str] = field(default_factory=dict)
    report: Report | None = None


@dataclass(frozen=True)
class HostNetworkOperations:
    """The network of one host.

    Attributes:
        backend: who keeps it over restarts.
        host: the kernel's interfaces.
        guard: what takes changes back that nobody confirms.
        clock: time.
    """

    backend: NetworkBackend
    host: HostLinks
    guard: NetworkGuard
    clock: Clock = Clock()

    def ensure(
        self,
        declared: HostNetwork,
        *,
        check: bool,
        timeout: float,
        caution: Caution = NO_CONFIRMATION,
        replaces: Sequence[str] = (),
    ) -> Outcome:
        """Make bonds and bridges what is declared; others are left alone.

        Args:
            declared: the bonds and bridges that are asked for.
            check: only look.
            timeout: seconds until everything has to be there.
            caution: how a change is made that could cut the connection. It goes on without this process; see ``answer``.
            replaces: files of somebody else that give way.

        Raises:
            Refused: something forbids it; all of it is named and nothing was touched.
            TimedOut: it did not come; the former files are back.
            CommandFailed: a program failed; the former files are back.
        """
        stored, links = self.backend.stored(), self.host.read()
        replaced = self.backend.replacements(replaces, lower_names(stored.with_(declared)), links)
        plan = plan_present(declared, stored, links, self.backend.edited(declared), replaced)
        problems = [
            *declared_problems(declared, stored),
            *self.backend.unsupported(declared),
            *(one.problem for one in replaced if one.problem),
        ]
        self._refuse(plan, links, caution, problems)
        return self._carry_out(plan, links, check, timeout, caution)

    def remove(
        self,
        names: frozenset[str],
        *,
        check: bool,
        timeout: float,
        caution: Caution = NO_CONFIRMATION,
        keep: frozenset[str] | None = None,
    ) -> Outcome:
        """Take bonds and bridges away, with the VLANs that only they used.

        Args:
            names: which ones.
            check: only look.
            timeout: seconds until they have to be gone.
            caution: as for ``ensure``.
            keep: all others of which the host has files of ours go as well; none do when not given.

        Raises:
            Refused, TimedOut, CommandFailed: as for ``ensure``.
        """
        stored, links = self.backend.stored(), self.host.read()
        plan = plan_absent(names if keep is None else names | (stored.names() - keep), stored, links)
        self._refuse(plan, links, caution)
        return self._carry_out(plan, links, check, timeout, caution)

    def answer(self, token: str, *, confirm: bool) -> Report:
        """What has become of a change; waits a moment for one that is not applied yet.

        Args:
            token: whose change it is.
            confirm: let it be. Only who has been told that it is applied, and has connected anew after that, may say so: an older
                connection may have become deaf by the change.
        """
        begun = self.clock.now()
        while True:
            report = self.guard.confirm(token) if confirm else self.guard.report(token)
            if report.stage is not Stage.APPLYING or self.clock.now() - begun >= _ANSWER_SECONDS:
                return report
            self.clock.sleep(_POLL_SECONDS)

    def _refuse(self, plan: NetworkPlan, links: Links, caution: Caution, problems: Sequence[str] = ()) -> None:
        """Stop when the declared network makes no sense, or something on the host forbids a change."""
        found = list(problems)
        if plan.changes:
            names = plan.touched | plan.named
            claims = self.backend.claims(sorted(names), links, [one.path for one in plan.replaced])
            found += waiting_obstacle(self.guard.report())
            found += connection_obstacles(plan, links, caution)
            found += obstacles(plan, links, claims, self.host.guest_of)
        if found:
            raise Refused("The network of this host cannot be changed so", found)

    def _carry_out(self, plan: NetworkPlan, links: Links, check: bool, timeout: float, caution: Caution) -> Outcome:
        """Apply a plan, and undo it when it does not come to its end."""
        if not plan.changes:
            return Outcome(plan, links, tuple(words for _name, words in silent(plan, links)))
        files = self.backend.changes(plan.before, plan.after, plan.named, plan.create)
        files |= {path: change for one in plan.replaced for path, change in one.files}
        guarded = exposed(plan, links) if caution.confirm and caution.token else {}
        planned = Outcome(plan, links, lost_words(plan.replaced), files, guarded)
        if check:
            return planned
        if caution.token and guarded:
            report = self.guard.arm(caution.token, caution.timeout, _concerned(plan, links), files)
            limit = min(timeout, caution.timeout * _PART_TO_COME_UP)
            self.guard.detach(lambda: self._write_and_bring_up(planned, limit))
            return replace(planned, report=report)
        self.backend.write(files)
        try:
            return self._bring_up(planned, timeout)
        except XenfleetError as error:
            try:
                self._undo(planned, timeout)
            except XenfleetError as second:
                error.remedy = f"The former files are back, but not all of the running network is: {second}"
            else:
                error.remedy = error.remedy or "The former network is back."
            raise

    def _write_and_bring_up(self, planned: Outcome, timeout: float) -> tuple[str, ...]:
        """A change under a timer: the guard undoes it when it fails."""
        self.backend.write(planned.files)
        return self._bring_up(replace(planned, warnings=()), timeout).warnings

    def _bring_up(self, planned: Outcome, timeout: float) -> Outcome:
        """Bring the kernel to what the files say, and wait until it is there."""
        deadline = self.clock.now() + timeout
        self._apply(planned.plan)  # which takes a while where it waits for an address, as ifup does
        after = self._wait(planned.plan, max(deadline - self.clock.now(), _LEAST_SECONDS))
        quiet = self._listen(planned.plan, planned.links, deadline)
        return replace(planned, links=self.host.read() if quiet else after, warnings=(*planned.warnings, *quiet))

    def _apply(self, plan: NetworkPlan) -> None:
        """Bring the kernel to what the files say now; what is to be made is made by the program that reads them."""
        for name in plan.delete:
            self.host.delete(name)
        for name in plan.release:
            self.host.release(name)
        self.backend.reload(plan.touched)
        for name, address in remaining(plan, self.host.read()) if plan.drop else ():
            self.host.drop_address(name, address)
        for name in plan.taken:
            self.host.drop_routes(name)
        changed = {change.field.partition("[")[2].partition("]")[0] for change in plan.changes}
        for bond in plan.after.bonds:
            if bond.name in changed and bond.name not in plan.create:
                self.host.adjust_bond(bond)
        links = self.host.read() if changed - set(plan.create) else Links()
        for bridge in plan.after.bridges:
            if bridge.name in changed and bridge.name not in plan.create:
                self.host.adjust_bridge(bridge, links)

    def _wait(self, plan: NetworkPlan, timeout: float) -> Links:
        """Wait until everything is there.

        The program that keeps it is asked again, twice, about what is not. What it has not made by the second time is made here, for
        not every version makes an interface again that somebody removed; it then takes that over.

        Raises:
            TimedOut: something has not come; all of it is named.
        """
        begun = self.clock.now()
        ask = [begun + timeout / 6, begun + timeout / 2]
        while True:
            links = self.host.read()
            missing = unfinished(plan, links)
            if not missing:
                return links
            for name in lingering(plan, links):
                self.host.release(name)
            now = self.clock.now()
            if now - begun >= timeout:
                raise TimedOut(
                    "the network did not come up as declared", found="; ".join(words for _name, words in missing)
                )
            if ask and now >= ask[0]:
                ask.pop(0)
                if not ask:
                    self._create(plan.after, tuple(name for name in plan.create if name not in links.by_name))
                self.backend.reconfigure({name for name, _words in missing})
            self.clock.sleep(_POLL_SECONDS)

    def _create(self, network: HostNetwork, names: tuple[str, ...]) -> None:
        """Make interfaces, lower ones first."""
        vlans = {bridge.uplink: bridge for bridge in network.bridges if bridge.vlan is not None}
        for name in names:
            bond, bridge = network.bond(name), network.bridge(name)
            if bond is not None:
                self.host.add_bond(bond)
            elif bridge is not None:
                self.host.add_bridge(bridge)
            else:
                self.host.add_vlan(vlans[name])

    def _listen(self, plan: NetworkPlan, before: Links, deadline: float) -> tuple[str, ...]:
        """Wait until the links hear their partners; what was silent before may stay so, with a warning.

        Raises:
            TimedOut: what heard a partner before does not any more.
        """
        heard_before = {name for name, _words in silent(plan, before)}
        while True:
            quiet = dict(silent(plan, self.host.read()))
            if not quiet or self.clock.now() >= deadline:
                break
            self.clock.sleep(_POLL_SECONDS)
        lost = [words for name, words in quiet.items() if _was_there(plan, before, name) and name not in heard_before]
        if lost:
            raise TimedOut("the network has lost what it heard before", found="; ".join(lost))
        return tuple(quiet.values())

    def _undo(self, planned: Outcome, timeout: float) -> None:
        """Put the former files back, take away what was made, and have made again what was taken away.

        Raises:
            TimedOut, CommandFailed: the former network did not come back.
        """
        plan, before = planned.plan, planned.links
        self.backend.write({path: change.back() for path, change in planned.files.items()})
        for name in reversed(plan.create):
            self.host.delete(name)
        now = self.host.read()
        for name in sorted(plan.touched):
            link, was = now.get(name), before.get(name)
            if link is not None and was is not None and link.master not in (None, was.master):
                self.host.release(name)
        self.backend.reload(plan.touched)
        whole = frozenset(name for name in plan.named & plan.before.names() if name in before.by_name)
        former = replace(plan, before=plan.after, after=plan.before, named=whole, create=plan.remade, drop=(), taken=())
        self._wait(former, timeout)


def _concerned(plan: NetworkPlan, links: Links) -> frozenset[str]:
    """Every interface that has to be put back when a plan is."""
    found = {*plan.touched, *plan.delete, *plan.release, *plan.create, *(name for name, _address in plan.drop)}
    ports = {port.name for name in found for port in links.ports(name)}
    return frozenset(found | ports)


def _was_there(plan: NetworkPlan, before: Links, name: str) -> bool:
    """Whether what is silent now belongs to something that ran before with the same task."""
    base = name.removesuffix(" partner")
    bond = plan.before.bond(base)
    if name != base:
        now = plan.after.bond(base)
        return bond is not None and now is not None and bond.mode is now.mode
    return bond is not None and base in before.by_name
