# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The address that the plan has for a name."""

from __future__ import annotations

DOCUMENTATION = r"""
name: address
short_description: The address of a guest or Xen host by the park's address plan
version_added: 0.1.0
author: xenfleet contributors (@xenfleet)
description:
  - Returns the address that each named guest or Xen host has in C(network_allotted), which the playbook
    C(xenfleet.xen.addresses) keeps in the inventory.
  - Reads nothing but that, so it can be used in any variable, also in those that the plan is made from.
options:
  _terms:
    description: The names of guests or Xen hosts, as in the inventory.
    required: true
  network:
    description: The network, one of C(network_plan). The name's first network, if not given.
    type: str
  version:
    description: Whether the IPv4 or the IPv6 address is meant. The first that the name has, if not given.
    type: int
    choices: [4, 6]
  prefix:
    description: Whether the prefix length follows the address.
    type: bool
    default: false
  default:
    description: What to return for a name that has no such address. Without it that is an error.
    type: str
"""

EXAMPLES = r"""
# group_vars/guests.yml
ansible_host: "{{ lookup('xenfleet.xen.address', inventory_hostname, network='services') }}"

# group_vars/dom0s.yml
migration_address: "{{ lookup('xenfleet.xen.address', inventory_hostname, network='migration') }}"
"""

RETURN = r"""
_list:
  description: The addresses, in the order of the names.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import XenfleetError
from ansible_collections.xenfleet.xen.plugins.plugin_utils.addresses import AddressPlan


class LookupModule(LookupBase):
    """The lookup plugin."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """The address of each name."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            allotted = AddressPlan.read((), (variables or {}).get("network_allotted")).allotted
        except XenfleetError as error:
            raise AnsibleLookupError(str(error)) from error
        return [self._address(name, allotted.get(name, {})) for name in terms]

    def _address(self, name: str, networks: Any) -> str:
        network, version, default = (self.get_option(key) for key in ("network", "version", "default"))
        label = network or next(iter(networks), None)
        entry = networks.get(label)
        for address in entry.addresses if entry else ():
            if version in (None, address.version):
                return str(address if self.get_option("prefix") else address.ip)
        if default is not None:
            return str(default)
        kind = f"IPv{version} address" if version else "address"
        where = f" in the network {network}" if network else ""
        raise AnsibleLookupError(
            f"{name} has no {kind}{where} by network_allotted; it has: {', '.join(networks) or 'nothing'}."
            " Run the playbook xenfleet.xen.addresses when it is new."
        )
