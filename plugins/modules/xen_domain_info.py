#!/usr/bin/python
# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guests of a host are."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xen_domain_info
short_description: Tell what the Xen guests of a host are
version_added: 0.1.0
author: xenfleet contributors (@xenfleet)
description:
  - Tells of each guest what it does, its stored and its running configuration, and in what these two differ.
  - With O(domains) also in what the guests differ from what is declared of them, which are missing, and which nobody
    declared.
  - A guest that cannot be read, or not be compared, has an RV(guests.error) and holds up no other.
extends_documentation_fragment:
  - xenfleet.xen.attributes
  - xenfleet.xen.attributes.info_module
  - xenfleet.xen.attributes.actiongroup_xen
  - xenfleet.xen.connection
options:
  name:
    description:
      - The one guest to look at. One that is neither there nor in O(domains) is an error.
      - By default all guests that libvirt knows on the host, Domain-0 left out.
    type: str
  domains:
    description:
      - What is declared of the host's guests, as M(xenfleet.xen.xen_domains) takes it. Each entry is checked in the same way.
    type: list
    elements: dict
  usage:
    description: Whether to ask also what each running guest uses. That takes a question for each disk and interface.
    type: bool
    default: false
  xml:
    description: Whether to return also libvirt's own definitions. They have no passwords in them.
    type: bool
    default: false
seealso:
  - module: xenfleet.xen.xen_domains
  - module: xenfleet.xen.xen_host_info
"""

EXAMPLES = r"""
- name: Look at all guests of the host
  xenfleet.xen.xen_domain_info:
  register: found

- name: Name those that wait for a restart
  ansible.builtin.debug:
    msg: "{{ item.key }}: {{ item.value.restart_required | join(', ') }}"
  loop: "{{ found.guests | dict2items | selectattr('value.restart_required') }}"
  loop_control:
    label: "{{ item.key }}"

- name: See what one guest uses
  xenfleet.xen.xen_domain_info:
    name: web1
    usage: true

- name: Compare with what is declared
  xenfleet.xen.xen_domain_info:
    domains:
      - name: web1
        memory: 2 GiB
        vcpus: 2
      - name: old1
        state: absent
"""

RETURN = r"""
guests:
  description: The guests that are there, by name.
  returned: success
  type: dict
  contains:
    state:
      description:
        - V(running), V(paused), V(suspended), V(shutting_down), V(stopped), V(crashed), or V(saved) for one that does not run and whose
          memory was saved, to be restored at its next start.
      type: str
    reason:
      description: How it came to that, in libvirt's words, such as V(booted), V(restored), V(shutdown) or V(destroyed).
      type: str
    id: {description: 'Its number in Xen, none when it does not run.', type: int}
    autostart: {description: Whether it starts with the host., type: bool}
    persistent: {description: Whether it has a stored configuration., type: bool}
    managed_save: {description: Whether its memory was saved., type: bool}
    stored:
      description: The configuration of its next start as options of M(xenfleet.xen.xen_domain), none when there is none.
      type: dict
    running: {description: 'The configuration that it runs with, none when it does not run.', type: dict}
    restart_required: {description: The fields that wait for its next boot., type: list, elements: str}
    addresses: {description: 'The addresses that it was given, without their prefixes.', type: list, elements: str}
    labels: {description: The labels of its definition., type: dict}
    drift:
      description: The fields that differ.
      type: list
      elements: dict
      contains:
        field: {description: 'The option, such as V(memory) or V(disks[xvdb]).', type: str}
        kind:
          description:
            - V(restart_due) - the running guest differs from what is stored; its next boot brings that.
            - V(not_declared) - the guest differs from O(domains), and M(xenfleet.xen.xen_domains) would change it. Whether it
              runs as declared is no part of this. V(domain) is the field of a guest that is declared absent.
          type: str
        stored: {description: 'What is stored, none for nothing.', type: str}
        running: {description: 'What it runs with, none for nothing.', type: str}
        declared:
          description:
            - What is meant, which is what is declared, and what is stored where nothing is. None for nothing.
            - There only for a guest that was compared with O(domains).
          type: str
    usage:
      description: With O(usage) only. What it uses, none when it does not run. A counter that cannot be told is none.
      type: dict
      contains:
        memory_mib: {description: 'Its memory, C(current) and C(maximum).', type: dict}
        vcpus: {description: The VCPUs that are plugged in., type: int}
        cpu_seconds: {description: The CPU time of all of them since its start., type: float}
        disks:
          description:
            - By target, C(read_bytes), C(read_requests), C(written_bytes) and C(write_requests).
            - Libvirt's Xen driver counts only for disks that are block devices of the host.
          type: dict
        networks:
          description:
            - By MAC address, C(received_bytes), C(received_packets), C(received_errors), C(received_drops), and the same with
              C(sent_), as the guest sees it.
          type: dict
    xml: {description: 'With O(xml) only. Its definitions, C(stored) and C(running).', type: dict}
    error: {description: Why it could not be read or compared; there only then., type: str}
  sample:
    web1:
      state: running
      reason: booted
      id: 7
      drift: [{"field": "vcpus_max", "kind": "restart_due", "stored": "4", "running": "2"}]
      restart_required: [vcpus_max]
missing:
  description: The guests that are declared and not there.
  returned: with O(domains)
  type: list
  elements: str
undeclared:
  description: The guests that are there and not declared.
  returned: with O(domains)
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xenfleet.xen.plugins.module_utils.argspec import URI_SPEC, read_declarations
from ansible_collections.xenfleet.xen.plugins.module_utils.domain_edge import require_libvirt
from ansible_collections.xenfleet.xen.plugins.module_utils.edge import run
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.connection import connected
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.views import LibvirtViews
from ansible_collections.xenfleet.xen.plugins.module_utils.model.report import sighting_report, usage_report
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domain_info import GuestLook, look_at_guests


def guest_result(look: GuestLook, *, usage: bool, xml: bool) -> dict[str, Any]:
    """One guest's part of the module's result."""
    seen = look.seen
    result = {
        **sighting_report(seen),
        "drift": [drift.as_result(compared=look.compared) for drift in look.drift],
        "restart_required": list(look.restart_required),
    }
    if usage:
        result["usage"] = usage_report(seen.usage) if seen.usage else None
    if xml:
        result["xml"] = {
            "stored": seen.found.stored_xml if seen.found else None,
            "running": seen.found.running_xml if seen.found else None,
        }
    if look.error is not None:
        result["error"] = look.error
    return result


def work(module: AnsibleModule) -> dict[str, Any]:
    """Look, and compare."""
    entries, usage, xml = module.params["domains"], module.params["usage"], module.params["xml"]
    declarations = None if entries is None else read_declarations(entries)
    with connected(module.params["uri"]) as connection:
        host = look_at_guests(LibvirtViews(connection), module.params["name"], declarations, usage=usage)
    result: dict[str, Any] = {
        "changed": False,
        "guests": {look.seen.name: guest_result(look, usage=usage, xml=xml) for look in host.guests},
    }
    if declarations is not None:
        result["missing"] = list(host.missing)
        result["undeclared"] = list(host.undeclared)
    return result


def main() -> None:
    """Start here."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str"},
            "domains": {"type": "list", "elements": "dict"},
            "usage": {"type": "bool", "default": False},
            "xml": {"type": "bool", "default": False},
            **URI_SPEC,
        },
        supports_check_mode=True,
    )
    require_libvirt(module)
    run(module, work)


if __name__ == "__main__":
    main()
