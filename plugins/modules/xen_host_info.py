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
  - Tells the versions of Xen and libvirt, what the host can run and how it was booted, its memory and CPUs and who has them, its bonds,
    VLANs and bridges, where disks of guests can lie, its guests, and guests that were made outside libvirt.
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

- name: Say what waits for a restart of the host
  ansible.builtin.debug:
    msg: "{{ info.host.boot.restart_due }}"
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
    memory_guests_mib: {description: 'What the guests that libvirt knows have, dom0 left out.', type: int}
    memory_foreign_guests_mib: {description: What the running guests that libvirt does not know have., type: int}
    memory_reserved_mib: {description: 'What neither dom0 nor guests have and is not free, none when it cannot be told.', type: int}
    cpus: {description: The number of its CPUs., type: int, sample: 2}
    vcpus_guests: {description: The VCPUs of the running guests that libvirt knows., type: int}
    vcpus_foreign_guests: {description: The VCPUs of the running guests that libvirt does not know., type: int}
    dom0: {description: 'What dom0 itself has, memory_mib and vcpus; none when it cannot be told.', type: dict}
    abilities:
      description:
        - What the hypervisor can do, each true, false, or none when it cannot be told.
        - C(hvm) (and PVH) by the CPUs, C(hap) by nested pages, C(iommu) for devices handed to guests, C(shadow) for live migration of PV
          guests, C(nested_hvm) as the default for HVM guests.
      type: dict
      sample: {hap: true, hvm: true, iommu: false, nested_hvm: false, shadow: false}
    boot:
      description:
        - How the host was booted, C(xen) and C(kernel), the arguments of either; C(next_xen) and C(next_kernel), those that GRUB would
          boot it with now; and C(restart_due), in what they differ. None is what cannot be told, and C(next_xen) where Xen would
          not be booted.
      type: dict
      sample:
        kernel: [console=hvc0]
        next_kernel: [console=hvc0]
        next_xen: ['dom0_mem=4G,max:4G']
        restart_due: ['Xen runs with dom0_mem=2G,max:2G instead of dom0_mem=4G,max:4G']
        xen: ['dom0_mem=2G,max:2G']
    bridges: {description: Its bridges., type: list, elements: str, sample: [xenbr10]}
    bonds: {description: 'Its bonds: name, mode, members, and carriers, the members that have carrier.', type: list, elements: dict}
    vlans: {description: 'Its VLANs: name, over and vlan.', type: list, elements: dict}
    storage:
      description:
        - Where disks of guests can lie, and what is left there - file systems on its own devices, LVM volume groups and thin pools, libvirt's
          active pools.
      type: list
      elements: dict
      sample: [{free_mib: 81920, kind: volume_group, name: vg0, total_mib: 102400}]
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
from ansible_collections.xenfleet.xen.plugins.module_utils.host.config_files import LocalConfig
from ansible_collections.xenfleet.xen.plugins.module_utils.host.local import LocalHost
from ansible_collections.xenfleet.xen.plugins.module_utils.host.machine import LocalMachine
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.connection import connected
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.host import read_host, read_pools
from ansible_collections.xenfleet.xen.plugins.module_utils.model.xen_info import XenInfo
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.host_info import boot_report, host_report, space_report
from ansible_collections.xenfleet.xen.plugins.module_utils.storage.volume_group import lvm_spaces


def work(module: AnsibleModule) -> dict[str, Any]:
    """Ask libvirt, Xen and the kernel."""
    local, commands, config = LocalHost(), HostCommands(), LocalConfig()
    machine = LocalMachine(commands).read()
    xen = machine.xen or XenInfo()
    running = {guest.domid: guest.name for guest in xen.guests}
    with connected(module.params["uri"]) as connection:
        host = read_host(connection, running, shadow_paging="shadow" in xen.abilities)
        pools = read_pools(connection)
    return {
        "changed": False,
        "host": {
            **host_report(host, xen, config),
            "boot": boot_report(machine, config),
            "bridges": sorted(local.bridges()),
            "bonds": [vars(bond) for bond in local.bonds()],
            "vlans": [vars(vlan) for vlan in local.vlans()],
            "mounts": [vars(mount) for mount in local.shared_mounts()],
            "storage": [space_report(space) for space in (*local.spaces(), *lvm_spaces(commands), *pools)],
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
