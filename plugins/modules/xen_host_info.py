#!/usr/bin/python
# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a Xen host has and can run."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xen_host_info
short_description: Tell what a Xen host has and can run
version_added: 0.1.0
author: xenfleet contributors (@xenfleet)
description:
  - Tells the versions of Xen and libvirt, the types of guests that the host can run, its memory and CPUs, its bridges,
    the shared file systems it has mounted, its guests, and guests that were made outside libvirt.
extends_documentation_fragment:
  - xenfleet.xen.attributes
  - xenfleet.xen.attributes.info_module
  - xenfleet.xen.attributes.actiongroup_xen
  - xenfleet.xen.connection
options:
  paths:
    description: Paths on the host to look for, such as the disks of a guest that is to be moved there.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: What is there
  xenfleet.xen.xen_host_info:
  register: info

- name: Say how much memory is left
  ansible.builtin.debug:
    msg: "{{ info.host.name }} has {{ info.host.memory_free }} free"
"""

RETURN = r"""
host:
  description: The host.
  returned: success
  type: dict
  contains:
    name: {description: Its own name., type: str, sample: xen1}
    xen_version: {description: The hypervisor's version., type: str, sample: 4.20.0}
    libvirt_version: {description: The daemon's version., type: str, sample: 11.3.0}
    types: {description: What it can run., type: list, elements: str, sample: [pv, pvh]}
    live_migration: {description: What can be moved from it while it runs., type: list, elements: str, sample: [pvh]}
    memory_total_mib: {description: The machine's memory., type: int, sample: 3071}
    memory_free_mib: {description: 'What Xen has left for guests, none when it cannot be told.', type: int}
    memory_free: {description: The same for people., type: str, sample: 1900 MiB}
    cpus: {description: The number of its CPUs., type: int, sample: 2}
    bridges: {description: Its bridges., type: list, elements: str, sample: [xenbr10]}
    mounts: {description: 'File systems that other hosts may share: path, source and fstype.', type: list, elements: dict}
    guests: {description: The guests that libvirt knows and their UUIDs., type: dict}
    foreign_guests: {description: Running guests that libvirt does not know., type: list, elements: str}
    paths: {description: 'The paths asked for, and what is there (file, block, directory, other, none).', type: dict}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xenfleet.xen.plugins.module_utils.argspec import URI_SPEC
from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.domain_edge import require_libvirt
from ansible_collections.xenfleet.xen.plugins.module_utils.edge import run
from ansible_collections.xenfleet.xen.plugins.module_utils.host.local import LocalHost
from ansible_collections.xenfleet.xen.plugins.module_utils.host.xl import active_domain_ids, has_shadow_paging
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.connection import connected
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.host import read_host


def work(module: AnsibleModule) -> dict[str, Any]:
    """Ask libvirt, Xen and the kernel."""
    local = LocalHost()
    commands = HostCommands()
    with connected(module.params["uri"]) as connection:
        host = read_host(connection, active_domain_ids(commands), shadow_paging=has_shadow_paging(commands))
    return {
        "changed": False,
        "host": {
            "name": host.name,
            "xen_version": host.xen_version,
            "libvirt_version": host.libvirt_version,
            "types": list(host.types),
            "live_migration": list(host.live_migration),
            "memory_total_mib": host.memory_total.mib,
            "memory_free_mib": host.memory_free.mib if host.memory_free else None,
            "memory_free": str(host.memory_free) if host.memory_free else None,
            "cpus": host.cpus,
            "bridges": sorted(local.bridges()),
            "mounts": [vars(mount) for mount in local.shared_mounts()],
            "guests": host.guests,
            "foreign_guests": list(host.foreign_guests),
            "paths": {path: local.path_kind(path) for path in module.params["paths"]},
        },
    }


def main() -> None:
    """Start here."""
    module = AnsibleModule(
        argument_spec={"paths": {"type": "list", "elements": "path", "default": []}, **URI_SPEC},
        supports_check_mode=True,
    )
    require_libvirt(module)
    run(module, work)


if __name__ == "__main__":
    main()
