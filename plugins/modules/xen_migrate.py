#!/usr/bin/python
# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A guest to another host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xen_migrate
short_description: Move a Xen guest to another host
version_added: 0.1.0
author: xenfleet contributors (@xenfleet)
description:
  - Runs on the host that has the guest and moves it to another, live where Xen can do that, else cold (suspended while its
    memory is copied), or as a definition only when the guest does not run.
  - Everything that stands in the way is looked for first and named at once. Then nothing has been changed.
  - Disks are not copied. They have to lie on a file system that both hosts have mounted from the same source.
  - Afterwards both hosts are looked at. A guest whose move broke while it was suspended is resumed where it was.
  - The playbook C(xenfleet.xen.migrate) asks the destination, and calls this module.
extends_documentation_fragment:
  - xenfleet.xen.attributes
  - xenfleet.xen.attributes.actiongroup_xen
  - xenfleet.xen.connection
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  name:
    description: The guest's name.
    type: str
    required: true
  mode:
    description:
      - V(auto) - live when Xen here can send such a guest live, else cold.
      - V(live) - live, or not at all.
      - V(cold) - suspended while it is copied.
    type: str
    choices: [auto, live, cold]
    default: auto
  destination:
    description:
      - The destination as M(xenfleet.xen.xen_host_info) tells it (RV(xenfleet.xen.xen_host_info#module:host)), asked with the
        guest's files in O(xenfleet.xen.xen_host_info#module:paths).
    type: dict
    required: true
  address:
    description:
      - The destination's address on the network that migrations go over. The guest's memory travels unencrypted.
    type: str
    required: true
  destination_uri:
    description:
      - The destination's libvirt URI, as seen from this host. By default by SSH to O(address) as root.
    type: str
"""

EXAMPLES = r"""
- name: Ask the destination
  xenfleet.xen.xen_host_info:
    paths: "{{ hostvars['ldap3'].xen_files }}"
  delegate_to: xen07.example.org
  register: there

- name: Move the guest
  xenfleet.xen.xen_migrate:
    name: ldap3
    destination: "{{ there.host }}"
    address: 10.30.0.107
  delegate_to: "{{ lookup('xenfleet.xen.xen_host', 'ldap3') }}"
"""

RETURN = r"""
mode:
  description: How it moved, or would - V(live), V(cold) or V(stopped).
  returned: success
  type: str
  sample: live
reason:
  description: Why it is not moved live, when that was not asked for.
  returned: success
  type: str
seconds:
  description: How long it took.
  returned: when it was moved
  type: float
  sample: 13.7
obstacles:
  description: All that stood in the way. Nothing was changed.
  returned: failure, when something does
  type: list
  elements: str
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xenfleet.xen.plugins.module_utils.argspec import URI_SPEC
from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.domain_edge import require_libvirt
from ansible_collections.xenfleet.xen.plugins.module_utils.edge import run
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput, NotFound
from ansible_collections.xenfleet.xen.plugins.module_utils.host.local import LocalHost
from ansible_collections.xenfleet.xen.plugins.module_utils.host.xl import XlGuests, has_shadow_paging
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.connection import connected
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.host import read_host
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.hypervisor import LibvirtHypervisor
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host import Mount
from ansible_collections.xenfleet.xen.plugins.module_utils.model.migration import MigrationHost, Move
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import guest_name
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.migrate import move
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change, diff_of
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.migration import plan_move
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import has_host_devices


def read_destination(told: dict[str, Any]) -> MigrationHost:
    """The destination as xen_host_info told it.

    Raises:
        InvalidInput: it is something else.
    """
    try:
        free = told["memory_free_mib"]
        return MigrationHost(
            name=told["name"],
            types=frozenset(told["types"]),
            live_migration=frozenset(told["live_migration"]),
            memory_free=None if free is None else Size(int(free) * MIB),
            bridges=frozenset(told["bridges"]),
            mounts=tuple(Mount(**mount) for mount in told["mounts"]),
            paths=told["paths"],
            guests=told["guests"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInput(
            "destination is not what xen_host_info returns in 'host'", found=f"{type(error).__name__}: {error}"
        ) from error


def read_source(connection: Any) -> MigrationHost:
    """This host."""
    local = LocalHost()
    host = read_host(connection, {}, shadow_paging=has_shadow_paging(HostCommands()))
    return MigrationHost(
        name=host.name,
        types=frozenset(host.types),
        live_migration=frozenset(host.live_migration),
        memory_free=host.memory_free,
        bridges=local.bridges(),
        mounts=local.shared_mounts(),
        paths={},
        guests=host.guests,
    )


def result(plan: Move, source: MigrationHost, destination: MigrationHost) -> dict[str, Any]:
    """What check mode and a run both return."""
    return {
        "changed": True,
        "mode": plan.mode.value,
        "reason": plan.reason,
        "diff": [diff_of(plan.guest, [Change("host", source.name, destination.name)])],
    }


def work(module: AnsibleModule) -> dict[str, Any]:
    """Look, and move."""
    name = guest_name(module.params["name"])
    address = module.params["address"]
    there = read_destination(module.params["destination"])
    with connected(module.params["uri"]) as connection:
        hypervisor = LibvirtHypervisor(connection)
        here = read_source(connection)
        found = next((guest for guest in hypervisor.domains() if guest.name == name), None)
        if found is None:
            raise NotFound("there is no such guest on this host", guest=name, host=here.name)
        devices = has_host_devices(found.stored_xml or "<domain/>")
        plan = plan_move(found, here, there, module.params["mode"], has_host_devices=devices)
        if module.check_mode:
            return result(plan, here, there)
        started = time.monotonic()
        with connected(module.params["destination_uri"] or f"xen+ssh://root@{address}/system?no_tty=1") as remote:
            move(hypervisor, LibvirtHypervisor(remote), XlGuests(HostCommands()), found, plan, f"tcp://{address}")
    return {**result(plan, here, there), "seconds": round(time.monotonic() - started, 1)}


def main() -> None:
    """Start here."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "mode": {"type": "str", "choices": ["auto", "live", "cold"], "default": "auto"},
            "destination": {"type": "dict", "required": True},
            "address": {"type": "str", "required": True},
            "destination_uri": {"type": "str"},
            **URI_SPEC,
        },
        supports_check_mode=True,
    )
    require_libvirt(module)
    run(module, work)


if __name__ == "__main__":
    main()
