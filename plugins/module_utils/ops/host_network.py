# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a host's bonds, VLANs and bridges what they should be, or leave everything as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.network_progress import silent, unfinished
from ansible_collections.xenfleet.xen.plugins.module_utils.ports import HostLinks, NetworkBackend

_POLL_SECONDS = 0.5
_LOOK_AGAIN_SECONDS = 5.0


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
        if problems := declared_problems(declared, stored):
            raise Refused("The declared network makes no sense", problems)
        plan = plan_present(declared, stored, links, self.backend.edited(declared))
        self._refuse(plan, links)
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

    def _refuse(self, plan: NetworkPlan, links: Links) -> None:
        """Stop when something forbids a plan that would change anything."""
        if not plan.changes:
            return
        names = plan.touched | plan.named
        found = obstacles(plan, links, self.backend.claims(sorted(names)), self.host.guest_of)
        if found:
            raise Refused("The network of this host cannot be changed so", found)

    def _carry_out(self, plan: NetworkPlan, links: Links, check: bool, timeout: float) -> Outcome:
        """Apply a plan, and undo it when it does not come to its end."""
        if not plan.changes or check:
            return Outcome(
                plan, links, tuple(words for _name, words in silent(plan, links)) if not plan.changes else ()
            )
        former = self.backend.write(plan.before, plan.after, plan.named)
        deadline = self.clock.now() + timeout
        try:
            self._apply(plan)
            after = self._wait(plan, deadline)
            quiet = self._listen(plan, links, deadline)
        except XenfleetError as error:
            try:
                self._undo(plan, former, links)
            except XenfleetError as second:
                error.remedy = f"The former files are back, but not all of the running network is: {second}"
            else:
                error.remedy = error.remedy or "The former network is back."
            raise
        return Outcome(plan, self.host.read() if quiet else after, quiet)

    def _apply(self, plan: NetworkPlan) -> None:
        """Bring the kernel to what the files say now."""
        for name in plan.delete:
            self.host.delete(name)
        for name in plan.release:
            self.host.release(name)
        self._create(plan.after, plan.create)
        self.backend.reload()
        for name, address in plan.drop:
            self.host.drop_address(name, address)
        self._adjust(plan)

    def _create(self, network: HostNetwork, names: tuple[str, ...]) -> None:
        """Make interfaces at once; systemd-networkd takes them over, and makes them itself at the next start."""
        vlans = {bridge.uplink: bridge for bridge in network.bridges if bridge.vlan is not None}
        for name in names:
            bond, bridge = network.bond(name), network.bridge(name)
            if bond is not None:
                self.host.add_bond(bond)
            elif bridge is not None:
                self.host.add_bridge(bridge)
            else:
                self.host.add_vlan(vlans[name])

    def _adjust(self, plan: NetworkPlan) -> None:
        """Set on what is running what systemd-networkd sets only when it makes an interface."""
        changed = {change.field.partition("[")[2].partition("]")[0] for change in plan.changes}
        for bond in plan.after.bonds:
            if bond.name in changed and bond.name not in plan.create:
                self.host.adjust_bond(bond)
        for bridge in plan.after.bridges:
            if bridge.name in changed and bridge.name not in plan.create:
                self.host.adjust_bridge(bridge)

    def _wait(self, plan: NetworkPlan, deadline: float) -> Links:
        """Wait until everything is there; systemd-networkd is asked again now and then about what is not.

        Raises:
            TimedOut: something has not come; all of it is named.
        """
        asked = self.clock.now() - _LOOK_AGAIN_SECONDS + 2 * _POLL_SECONDS
        while True:
            links = self.host.read()
            missing = unfinished(plan, links)
            if not missing:
                return links
            now = self.clock.now()
            if now >= deadline:
                raise TimedOut(
                    "the network did not come up as declared", found="; ".join(words for _name, words in missing)
                )
            if now - asked >= _LOOK_AGAIN_SECONDS:
                self.backend.reconfigure({name for name, _words in missing})
                asked = self.clock.now()
            self.clock.sleep(_POLL_SECONDS)

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

    def _undo(self, plan: NetworkPlan, former: Mapping[str, str | None], before: Links) -> None:
        """Put the former files back, take away what was made, and make again what was taken away."""
        self.backend.restore(former)
        for name in (*reversed(plan.create), *plan.delete):
            self.host.delete(name)
        for name in plan.touched:
            link, was = self.host.read().get(name), before.get(name)
            if link is not None and was is not None and link.master != was.master:
                self.host.release(name)
        lower_first = [bond.name for bond in plan.before.bonds] + [
            name for bridge in plan.before.bridges for name in (bridge.uplink, bridge.name) if name is not None
        ]
        gone = [name for name in dict.fromkeys(lower_first) if name in before.by_name and name in plan.delete]
        self._create(plan.before, tuple(gone))
        self.backend.reload()
        self.backend.reconfigure({name for name in plan.touched if name in before.by_name})


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
