#!/usr/bin/python
# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All guests of a host to what is declared of them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xen_domains
short_description: Make all Xen guests of a host what is declared of them
version_added: 0.1.0
author: xenfleet contributors (@xenfleet)
description:
  - Does for a list of guests what M(xenfleet.xen.xen_domain) does for one, in one run over one connection.
  - The list is checked as a whole before anything is touched. Then each guest is worked on in the given order; one
    that fails does not stop the others, and makes the task fail at its end with every guest's result.
extends_documentation_fragment:
  - xenfleet.xen.attributes
  - xenfleet.xen.attributes.actiongroup_xen
  - xenfleet.xen.connection
  - xenfleet.xen.pending
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  domains:
    description:
      - The guests. Each entry takes the options of M(xenfleet.xen.xen_domain) (except O(uri)) and is checked
        in the same way. Instead of C(graphics_password), which would be shown with the list, there is O(graphics_passwords).
    type: list
    elements: dict
    required: true
  graphics_passwords:
    description: What one has to know to see the screen of a guest, by the guests' names.
    type: dict
    default: {}
  starts_at_once:
    description:
      - How many guests may be getting ready at the same time, of those that have C(wait_for). With V(1) each is waited for
        before the next one is worked on.
      - By default all are started, and waited for at the end.
    type: int
seealso:
  - module: xenfleet.xen.xen_domain
"""

EXAMPLES = r"""
- name: The guests of this host
  xenfleet.xen.xen_domains:
    domains:
      - name: ldap1
        memory: 4 GiB
        kernel: /srv/guests/images/debian-13/vmlinuz
        ramdisk: /srv/guests/images/debian-13/initrd.img
        cmdline: root=/dev/xvda ro console=hvc0
        disks:
          - source: /srv/guests/ldap1/root.img
        networks:
          - bridge: xenbr10
      - name: old1
        state: absent
"""

RETURN = r"""
guests:
  description: How it went with each guest, by name.
  returned: success or failure of a guest
  type: dict
  sample:
    ldap1: {"changed": true, "failed": false, "changes": [], "restart_required": [], "domain": {}}
failed_guests:
  description: The names of the guests that could not be made what is declared.
  returned: failure of a guest
  type: list
  elements: str
restart_required:
  description: By guest, the fields that wait for its next boot; only guests that have some.
  returned: success or failure of a guest
  type: dict
  sample: {"ldap1": ["vcpus_max"]}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xenfleet.xen.plugins.module_utils.argspec import (
    PENDING_SPEC,
    URI_SPEC,
    read_declarations,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.domain_edge import done_result, require_libvirt
from ansible_collections.xenfleet.xen.plugins.module_utils.edge import run
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.host.doors import LocalDoors
from ansible_collections.xenfleet.xen.plugins.module_utils.host.guest_disks import LocalGuestDisks
from ansible_collections.xenfleet.xen.plugins.module_utils.host.local import LocalHost, PromisedHost
from ansible_collections.xenfleet.xen.plugins.module_utils.host.xl import XlGuests
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.connection import connected
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.hypervisor import LibvirtHypervisor
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domains import GuestResult, ensure_domains
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import GuestHost, HostFacts


def guest_result(result: GuestResult) -> dict[str, Any]:
    """One guest's part of the module's result."""
    if result.error is not None:
        return {"failed": True, "msg": str(result.error), **result.error.details()}
    return {**done_result(result), "failed": False}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Make each guest what is declared of it."""
    declarations = read_declarations(module.params["domains"], module.params["graphics_passwords"])
    at_once = module.params["starts_at_once"]
    if at_once is not None and at_once < 1:
        raise InvalidInput("starts_at_once is below 1", found=str(at_once))
    facts: HostFacts = LocalHost()
    if module.check_mode:
        facts = PromisedHost(facts, module.params["pending_paths"], module.params["pending_bridges"])
    with connected(module.params["uri"]) as connection:
        hypervisor, commands = LibvirtHypervisor(connection), HostCommands()
        host = GuestHost(hypervisor, facts, LocalGuestDisks(commands), XlGuests(commands))
        results = ensure_domains(host, LocalDoors(), declarations, check=module.check_mode, starts_at_once=at_once)
    guests = {result.name: guest_result(result) for result in results}
    diffs = [diff for guest in guests.values() for diff in guest.pop("diff", [])]
    failed = [name for name, guest in guests.items() if guest["failed"]]
    combined = {
        "changed": any(guest["changed"] for guest in guests.values()),
        "guests": guests,
        "restart_required": {
            name: guest["restart_required"] for name, guest in guests.items() if guest.get("restart_required")
        },
        "diff": diffs,
    }
    if failed:
        words = "\n".join(guests[name]["msg"] for name in failed)
        module.fail_json(
            msg=f"{len(failed)} of {len(guests)} guests failed:\n{words}", failed_guests=failed, **combined
        )
    return combined


def main() -> None:
    """Start here."""
    module = AnsibleModule(
        argument_spec={
            "domains": {"type": "list", "elements": "dict", "required": True},
            "graphics_passwords": {"type": "dict", "default": {}, "no_log": True},
            "starts_at_once": {"type": "int"},
            **URI_SPEC,
            **PENDING_SPEC,
        },
        supports_check_mode=True,
    )
    require_libvirt(module)
    run(module, work)


if __name__ == "__main__":
    main()
