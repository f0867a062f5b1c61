# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a host's bonds, VLANs and bridges what they should be, or leave everything as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput, Refused, TimedOut, XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import (
    Bond,
    Bridge,
    HostNetwork,
    Links,
    make_bond,
    make_bridge,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.host_network import (
    NetworkPlan,
    plan_absent,
    plan_present,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.network_obstacles import declared_problems, obstacles
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.network_progress import lingering, silent, unfinished
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.network import HostLinks, NetworkBackend

_POLL_SECONDS = 0.5


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
    """

    plan: NetworkPlan
    links: Links
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class HostNetworkOperations:
    """The network of one host.

    Attributes:
        backend: who keeps it over restarts.
        host: the kernel's interfaces.
        clock: time.
    """

    backend: NetworkBackend
    host: HostLinks
    clock: Clock = Clock()

    def ensure(self, declared: HostNetwork, *, check: bool, timeout: float) -> Outcome:
        """Make bonds and bridges what is declared; others are left alone.

        Args:
            declared: the bonds and bridges that are asked for.
            check: only look.
            timeout: seconds until everything has to be there.

        Raises:
            Refused: something forbids it; all of it is named and nothing was touched.
            TimedOut: it did not come; the former files are back.
            CommandFailed: a program failed; the former files are back.
        """
        stored, links = self.backend.stored(), self.host.read()
        plan = plan_present(declared, stored, links, self.backend.edited(declared))
        self._refuse(plan, links, declared_problems(declared, stored))
        return self._carry_out(plan, links, check, timeout)

    def remove(self, names: frozenset[str], *, check: bool, timeout: float) -> Outcome:
        """Take bonds and bridges away, with the VLANs that only they used.

        Args:
            names: which ones.
            check: only look.
            timeout: seconds until they have to be gone.

        Raises:
            Refused, TimedOut, CommandFailed: as for ``ensure``.
        """
        stored, links = self.backend.stored(), self.host.read()
        plan = plan_absent(names, stored, links)
        self._refuse(plan, links)
        return self._carry_out(plan, links, check, timeout)

    def _refuse(self, plan: NetworkPlan, links: Links, problems: Sequence[str] = ()) -> None:
        """Stop when the declared network makes no sense, or something on the host forbids a change."""
        found = list(problems)
        if plan.changes:
            names = plan.touched | plan.named
            found += obstacles(plan, links, self.backend.claims(sorted(names)), self.host.guest_of)
        if found:
            raise Refused("The network of this host cannot be changed so", found)

    def _carry_out(self, plan: NetworkPlan, links: Links, check: bool, timeout: float) -> Outcome:
        """Apply a plan, and undo it when it does not come to its end."""
        if not plan.changes:
            return Outcome(plan, links, tuple(words for _name, words in silent(plan, links)))
        if check:
            return Outcome(plan, links)
        former = self.backend.write(plan.before, plan.after, plan.named, plan.create)
        try:
            self._apply(plan)
            deadline = self.clock.now() + timeout
            after = self._wait(plan, timeout)
            quiet = self._listen(plan, links, deadline)
        except XenfleetError as error:
            try:
                self._undo(plan, former, links, timeout)
            except XenfleetError as second:
                error.remedy = f"The former files are back, but not all of the running network is: {second}"
            else:
                error.remedy = error.remedy or "The former network is back."
            raise
        return Outcome(plan, self.host.read() if quiet else after, quiet)

    def _apply(self, plan: NetworkPlan) -> None:
        """Bring the kernel to what the files say now; what is to be made is made by systemd-networkd."""
        for name in plan.delete:
            self.host.delete(name)
        for name in plan.release:
            self.host.release(name)
        self.backend.reload()
        for name, address in plan.drop:
            self.host.drop_address(name, address)
        changed = {change.field.partition("[")[2].partition("]")[0] for change in plan.changes}
        for bond in plan.after.bonds:
            if bond.name in changed and bond.name not in plan.create:
                self.host.adjust_bond(bond)
        links = self.host.read() if changed - set(plan.create) else Links()
        for bridge in plan.after.bridges:
            if bridge.name in changed and bridge.name not in plan.create:
                self.host.adjust_bridge(bridge, with_uplink=bridge.uplink in links.by_name)

    def _wait(self, plan: NetworkPlan, timeout: float) -> Links:
        """Wait until everything is there.

        systemd-networkd is asked again, twice, about what is not. What it has not made by the second time is made here, for
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

    def _undo(self, plan: NetworkPlan, former: Mapping[str, str | None], before: Links, timeout: float) -> None:
        """Put the former files back, take away what was made, and have made again what was taken away.

        Raises:
            TimedOut, CommandFailed: the former network did not come back.
        """
        self.backend.restore(former)
        for name in reversed(plan.create):
            self.host.delete(name)
        now = self.host.read()
        for name in sorted(plan.touched):
            link, was = now.get(name), before.get(name)
            if link is not None and was is not None and link.master not in (None, was.master):
                self.host.release(name)
        self.backend.reload()
        whole = frozenset(name for name in plan.named & plan.before.names() if name in before.by_name)
        self._wait(replace(plan, before=plan.after, after=plan.before, named=whole, create=plan.remade), timeout)


def _was_there(plan: NetworkPlan, before: Links, name: str) -> bool:
    """Whether what is silent now belongs to something that ran before with the same task."""
    base = name.removesuffix(" partner")
    bond = plan.before.bond(base)
    if name != base:
        now = plan.after.bond(base)
        return bond is not None and now is not None and bond.mode is now.mode
    return bond is not None and base in before.by_name


def network_of(bonds: Sequence[Mapping[str, Any]], bridges: Sequence[Mapping[str, Any]]) -> HostNetwork:
    """The declared network from options as they were typed.

    Raises:
        Refused: values that make no sense; all of them are named.
    """
    problems: list[str] = []
    made_bonds: list[Bond] = []
    made_bridges: list[Bridge] = []
    for one in bonds:
        lacking = [key for key in ("mode", "members") if one.get(key) is None]
        problems += [f"bonds[{one['name']}] lacks '{key}'" for key in lacking]
        if lacking:
            continue
        try:
            made_bonds.append(make_bond(**{**one, "members": tuple(one["members"])}))
        except InvalidInput as error:
            problems.append(str(error))
    for one in bridges:
        addresses = one.get("addresses")
        try:
            made_bridges.append(make_bridge(**{**one, "addresses": None if addresses is None else tuple(addresses)}))
        except InvalidInput as error:
            problems.append(str(error))
    if problems:
        raise Refused("The declared network makes no sense", problems)
    return HostNetwork(
        tuple(sorted(made_bonds, key=lambda bond: bond.name)),
        tuple(sorted(made_bridges, key=lambda bridge: bridge.name)),
    )


def view(outcome: Outcome, names: frozenset[str]) -> dict[str, list[dict[str, Any]]]:
    """The named bonds and bridges as they are found."""
    links, network = outcome.links, outcome.plan.after
    bonds: list[dict[str, Any]] = []
    bridges: list[dict[str, Any]] = []
    for name in sorted(names):
        link = links.get(name)
        if link is None:
            continue
        common = {"name": name, "carrier": link.carrier, "mtu": link.mtu, "mac": link.mac}
        if link.kind == "bond" and link.bond is not None:
            members = [{"name": port.name, "carrier": port.carrier} for port in links.ports(name)]
            more = {
                "mode": link.bond.mode,
                "members": members,
                "active": link.bond.active,
                "partner": link.bond.partner,
            }
            bonds.append({**common, **more})
        elif link.kind == "bridge":
            declared = network.bridge(name)
            guests = links.guest_ports(name)
            ways = [port.name for port in links.ports(name) if port.name not in guests]
            bridges.append(
                {
                    **common,
                    "network": declared.network or None if declared else None,
                    "uplink": next(iter(ways), None),
                    "addresses": list(link.addresses),
                    "guest_ports": list(guests),
                }
            )
    return {"bonds": bonds, "bridges": bridges}
