# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Filters over the inventory's guests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import derived_mac
from ansible_collections.xenfleet.xen.plugins.plugin_utils import guests as planning
from ansible_collections.xenfleet.xen.plugins.plugin_utils.addresses import AddressPlan
from ansible_collections.xenfleet.xen.plugins.plugin_utils.drift import drift_table
from ansible_collections.xenfleet.xen.plugins.plugin_utils.table import locate_table

_KEYS = ("group_names", "xen_host", "xen_conflict", "xen_state", "xen_addresses")


def _variables(hostvars: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A guest's variables that count here; each is templated when it is read."""
    known = hostvars[name]
    return {key: known[key] for key in known if key.startswith("guest_") or key in _KEYS}


def guests_on(
    names: Iterable[str],
    hostvars: Mapping[str, Any],
    host: str,
    *,
    sizes: Mapping[str, Mapping[str, Any]],
    store: str,
    image_store: str,
    unreachable: Iterable[str] = (),
    plan: Iterable[Mapping[str, Any]] = (),
    allotted: Any = None,
) -> dict[str, Any]:
    """What the guests of one host need, for xen_image and xen_domains."""
    networks = planning.bridges_by_network(hostvars[host].get("network_bridges") or ())
    try:
        addresses = AddressPlan.read(plan, allotted)
        site = planning.Site(host, networks, sizes, store, image_store, tuple(unreachable), addresses)
        return planning.guests_on(site, {name: _variables(hostvars, name) for name in names})
    except XenfleetError as error:
        raise AnsibleFilterError(str(error)) from error


def unplaced(names: Iterable[str], hostvars: Mapping[str, Any]) -> list[str]:
    """The guests that are on no host and declare none."""
    return planning.unplaced({name: _variables(hostvars, name) for name in names})


class FilterModule:
    """The filters."""

    def filters(self) -> dict[str, Any]:
        """By name."""
        return {
            "guests_on": guests_on,
            "unplaced": unplaced,
            "locate_table": locate_table,
            "drift_table": drift_table,
            "xen_mac": derived_mac,
        }
