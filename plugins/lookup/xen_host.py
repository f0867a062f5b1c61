# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where is this guest?"""

from __future__ import annotations

DOCUMENTATION = r"""
name: xen_host
short_description: The Xen host that a guest is on
version_added: 0.1.0
author: xenfleet contributors (@xenfleet)
description:
  - Returns the inventory name of the Xen host on which each named guest was found by the inventory
    plugin P(xenfleet.xen.xen#inventory).
options:
  _terms:
    description: The names of guests.
    required: true
  default:
    description: What to return for a guest that was found nowhere. Without it that is an error.
    type: str
"""

EXAMPLES = r"""
- name: Where is ldap3
  ansible.builtin.debug:
    msg: "{{ lookup('xenfleet.xen.xen_host', 'ldap3') }}"

- name: What a guest that is nowhere gives
  ansible.builtin.debug:
    msg: "{{ lookup('xenfleet.xen.xen_host', 'ldap9', default='nowhere') }}"
"""

RETURN = r"""
_list:
  description: The names of the hosts, in the order of the guests.
  type: list
  elements: str
"""

from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """The lookup plugin."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """The host of each guest."""
        self.set_options(var_options=variables, direct=kwargs)
        hostvars = (variables or {}).get("hostvars", {})
        default = self.get_option("default")
        hosts = []
        for guest in terms:
            found = hostvars[guest].get("xen_host", default) if guest in hostvars else default
            if found is None:
                raise AnsibleLookupError(
                    f"the guest '{guest}' was found on no Xen host; see that its name is right and that all hosts"
                    " answered (group xen_unreachable)"
                )
            hosts.append(str(found))
        return hosts
