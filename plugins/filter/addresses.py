# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Filters over the park's address plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ansible.errors import AnsibleFilterError

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.plan import address_names
from ansible_collections.xenfleet.xen.plugins.plugin_utils.addresses import AddressPlan, made_plan

P = ParamSpec("P")
R = TypeVar("R")

# All that the plan asks of a machine's variables; each is templated when it is read, and others may need the plan themselves.
_OF_A_GUEST = ("guest_networks", "guest_addresses", "guest_state")
_OF_A_HOST = ("network_bridges",)


def _in_ansibles_words(function: Callable[P, R]) -> Callable[P, R]:
    """Errors as Ansible reports them."""

    @wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except XenfleetError as error:
            raise AnsibleFilterError(str(error)) from error

    return inner


def _variables(hostvars: Mapping[str, Any], names: Iterable[str], keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    # Plain text: what Ansible remembers of a name's origin is no YAML.
    return {str(name): {key: hostvars[name][key] for key in keys if key in hostvars[name]} for name in names}


@_in_ansibles_words
def address_plan(
    names: Iterable[str],
    hostvars: Mapping[str, Any],
    hosts: Iterable[str],
    *,
    networks: Iterable[Mapping[str, Any]],
    allotted: Any = None,
    release: bool = False,
) -> dict[str, Any]:
    """The plan of the whole park, as the text of its file."""
    plan = AddressPlan.read(networks, allotted)
    guests = _variables(hostvars, names, _OF_A_GUEST)
    return made_plan(plan, guests, _variables(hostvars, hosts, _OF_A_HOST), release=release)


@_in_ansibles_words
def planned_bridges(
    bridges: Iterable[Mapping[str, Any]], host: str, *, networks: Iterable[Mapping[str, Any]], allotted: Any = None
) -> list[dict[str, Any]]:
    """A host's bridges, with the plan's addresses in place of 'planned'."""
    return AddressPlan.read(networks, allotted).bridges(host, bridges)


@_in_ansibles_words
def planned_hosts(allotted: Any, *, networks: Iterable[Mapping[str, Any]]) -> list[str]:
    """The lines for /etc/hosts."""
    plan = AddressPlan.read(networks, allotted)
    return address_names.hosts_lines(plan.networks, plan.allotted)


@_in_ansibles_words
def planned_dnsmasq(
    allotted: Any,
    *,
    networks: Iterable[Mapping[str, Any]],
    serve: Iterable[str],
    bridges: Iterable[Mapping[str, Any]],
) -> str:
    """The configuration of a host's dnsmasq."""
    plan = AddressPlan.read(networks, allotted)
    return address_names.dnsmasq(plan.networks, plan.allotted, plan.served(serve, bridges))


class FilterModule:
    """The filters."""

    def filters(self) -> dict[str, Any]:
        """By name."""
        return {
            "address_plan": address_plan,
            "planned_bridges": planned_bridges,
            "planned_hosts": planned_hosts,
            "planned_dnsmasq": planned_dnsmasq,
        }
