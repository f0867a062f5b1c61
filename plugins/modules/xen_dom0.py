#!/usr/bin/python
# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Debian machine as a Xen host: how it boots, what becomes of its guests when it stops, what its name leads to."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xen_dom0
short_description: Make a Debian machine a Xen host
version_added: 0.1.0
author:
  - xenfleet contributors (@xenfleet)
description:
  - Makes a machine that boots by GRUB what is declared of it as a Xen host, all of it in one run - Xen as the first entry of the boot
    menu and its arguments, settings of xl and of libvirt's Xen driver, what becomes of the guests when the host stops and starts, the
    host's name and what it leads to, the ports of migrations in a firewall that is at work.
  - C(libvirt-guests) is switched on for Xen, and C(xendomains) is switched off, which would save and start guests behind libvirt's
    back. Neither touches a guest meanwhile.
  - Does not restart the machine. It says whether what runs is what would be booted, and why not.
  - Values that cannot work on this machine are refused before anything is touched, all of them named at once.
  - Of files that belong to others only the declared keys are written. An option that is not given is not managed; what was written
    for it before stays.
requirements:
  - Debian 12 or 13 on an amd64 machine that boots from its disk by GRUB, with systemd.
  - The packages that are returned as RV(missing_packages) where they are missing.
attributes:
  check_mode:
    support: full
    details:
      - Of files that come with packages that are not installed yet, it is said what will be written into them.
  diff_mode:
    support: full
extends_documentation_fragment:
  - xenfleet.xen.attributes
  - xenfleet.xen.attributes.actiongroup_xen
options:
  memory:
    description:
      - Dom0's memory, fixed (C(dom0_mem=SIZE,max:SIZE)), such as V(4 GiB). V(all) leaves it unlimited.
      - A number without a unit is MiB. Less than 256 MiB is refused.
    type: str
  vcpus:
    description:
      - Dom0's VCPUs (C(dom0_max_vcpus)), such as V(4), or V(1-4) for as many of them as the machine has CPUs. V(all) is one for each CPU.
    type: str
  xen_arguments:
    description:
      - More arguments of Xen, such as V(com1=115200,8n1). An empty list takes away those that were declared before.
      - What other files in C(/etc/default) say of Xen's arguments stays before them; of two with one name the last counts.
    type: list
    elements: str
  kernel_arguments:
    description:
      - More arguments of dom0's kernel when Xen boots it, such as V(console=hvc0). An empty list takes away those that were declared before.
    type: list
    elements: str
  replace_kernel_arguments:
    description:
      - Whether O(kernel_arguments) stand in the place of C(GRUB_CMDLINE_LINUX_DEFAULT) under Xen, instead of after it.
    type: bool
  autoballoon:
    description:
      - Whether dom0 gives memory to a guest that starts, for xl and for libvirt.
      - It is off where O(memory) is a size, and cannot be on then; with V(all) it is on. Not managed when neither is given.
    type: bool
  lock_manager:
    description:
      - What keeps two guests from writing to one disk, in libvirt. V(lockd) sees the guests of one host only, unless its lock
        spaces lie on shared storage.
    type: str
    choices: [none, lockd]
  keepalive_interval:
    description: Seconds of silence before libvirt asks a peer of a migration for a sign of life. V(-1) is never.
    type: int
  keepalive_count:
    description: How often a peer may stay silent before the connection counts as broken.
    type: int
  nested_hvm:
    description: Whether HVM guests can have hardware virtualisation themselves, if their CPU is V(host-passthrough).
    type: bool
  at_shutdown:
    description:
      - What becomes of the running guests when the host stops. V(shutdown) asks them to shut down, and cuts off those that have not
        after O(shutdown_timeout). V(save) saves their memory to the host's disk.
    type: str
    choices: [shutdown, save]
  at_start:
    description:
      - Which guests come back when the host starts. V(ran) are those that ran when it was stopped, in the order in which they were
        started, and those with autostart; V(autostart) only the latter. A saved guest goes on where it was.
    type: str
    choices: [ran, autostart]
  shutdown_timeout:
    description: Seconds that a guest has to shut down; all together when O(parallel_shutdown) is given. V(0) is no limit.
    type: int
  parallel_shutdown:
    description: How many guests are shut down at once. V(0) is one after the other.
    type: int
  start_delay:
    description: Seconds between the starts of two guests that ran before.
    type: int
  hostname:
    description: The host's own name, with or without its domain.
    type: str
  address:
    description:
      - The address that the host's own name leads to in C(/etc/hosts), one that the other hosts reach. The name is taken from all other
        lines, C(127.0.1.1) above all, where a guest that is moved here would never arrive.
    type: str
  hosts:
    description: Other names in C(/etc/hosts), such as those of the other hosts.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description: The address.
        type: str
        required: true
      names:
        description: Its names. They are taken from all other lines of the same kind of address.
        type: list
        elements: str
        required: true
  migration_network:
    description:
      - The network that guests' memory may come from, such as V(10.30.0.0/24). TCP ports 49152 to 49216 are opened to it where nftables,
        firewalld or ufw is at work, and nothing is done where none is.
      - With nftables, in the chains for what comes in that C(/etc/nftables.conf) has itself; with firewalld, in its default zone.
        An earlier network is not closed.
    type: str
  guest_types:
    description: The types of guests that are declared to run on this machine. What its CPUs cannot run is refused.
    type: list
    elements: str
    choices: [pv, pvh, hvm]
    default: []
  verify:
    description:
      - Whether to see, where no restart is needed, that Xen runs with what was asked and that libvirt answers for it, and to say why not.
    type: bool
    default: false
  timeout:
    description: How many seconds the daemons have to come up, for O(verify).
    type: int
    default: 120
seealso:
  - module: xenfleet.xen.xen_host_info
"""

EXAMPLES = r"""
- name: A Xen host whose dom0 has 4 GiB and 4 CPUs
  xenfleet.xen.xen_dom0:
    memory: 4 GiB
    vcpus: "4"
    at_shutdown: save
    address: 10.30.0.101
  register: dom0

- name: Install what is missing; next to nothing has been done then
  ansible.builtin.apt:
    name: "{{ dom0.missing_packages }}"
    install_recommends: false
  when: dom0.missing_packages | length > 0

- name: Passthrough of a card to guests, and a serial console
  xenfleet.xen.xen_dom0:
    memory: 4 GiB
    xen_arguments: ["com1=115200,8n1", "console=com1,vga"]
    kernel_arguments: [console=hvc0, "xen-pciback.hide=(0000:03:00.0)"]
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    field:
      description: The option's own name, or what the module always sees to.
      type: str
    before:
      description: What was there; null for nothing.
      type: str
    after:
      description: What is there now.
      type: str
    effect:
      description: V(live), or V(next_boot) for what has its effect at the next start of the machine.
      type: str
  sample:
    - field: memory
      before: null
      after: 4G
      effect: next_boot
missing_packages:
  description:
    - The Debian packages that have to be installed first. Install them and run again. Nothing was done then, but that C(xendomains)
      was stopped if it was active, for the installation would let it save all guests.
    - In check mode RV(changes) is what is done when they are there.
  returned: success
  type: list
  elements: str
  sample: [xen-system-amd64, libvirt-daemon-driver-xen]
reboot_required:
  description: Whether what runs is not what would be booted. False as long as packages are missing.
  returned: success
  type: bool
reboot_reasons:
  description: Why that is so.
  returned: success
  type: list
  elements: str
  sample: [Xen runs with dom0_mem=2G,max:2G instead of dom0_mem=4G,max:4G]
restart_obstacles:
  description:
    - Why a restart would cut off guests, when RV(reboot_required) - running guests that libvirt does not know, which nobody saves or
      shuts down before it, or no room for their memory where it is to be saved.
  returned: success
  type: list
  elements: str
runs_xen:
  description: Whether the machine runs Xen.
  returned: success
  type: bool
obstacles:
  description: Everything that forbids what is declared, when it was refused.
  returned: failure
  type: list
  elements: str
  sample: ['memory is more than the machine has; found: 15945 MiB; expected: 64 GiB or more']
applied:
  description: The fields that were changed before it failed.
  returned: failure
  type: list
  elements: str
  sample: [at_shutdown]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xenfleet.xen.plugins.module_utils import edge
from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.host.config_files import LocalConfig
from ansible_collections.xenfleet.xen.plugins.module_utils.host.firewalls import LocalFirewalls
from ansible_collections.xenfleet.xen.plugins.module_utils.host.machine import LocalMachine
from ansible_collections.xenfleet.xen.plugins.module_utils.host.services import SystemdServices
from ansible_collections.xenfleet.xen.plugins.module_utils.model.dom0 import make_dom0
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.dom0 import Dom0Operations
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import diff_of

HOST_SPEC: dict[str, dict[str, Any]] = {
    "address": {"type": "str", "required": True},
    "names": {"type": "list", "elements": "str", "required": True},
}
SPEC: dict[str, dict[str, Any]] = {
    "memory": {"type": "str"},
    "vcpus": {"type": "str"},
    "xen_arguments": {"type": "list", "elements": "str"},
    "kernel_arguments": {"type": "list", "elements": "str"},
    "replace_kernel_arguments": {"type": "bool"},
    "autoballoon": {"type": "bool"},
    "lock_manager": {"type": "str", "choices": ["none", "lockd"]},
    "keepalive_interval": {"type": "int"},
    "keepalive_count": {"type": "int"},
    "nested_hvm": {"type": "bool"},
    "at_shutdown": {"type": "str", "choices": ["shutdown", "save"]},
    "at_start": {"type": "str", "choices": ["ran", "autostart"]},
    "shutdown_timeout": {"type": "int"},
    "parallel_shutdown": {"type": "int"},
    "start_delay": {"type": "int"},
    "hostname": {"type": "str"},
    "address": {"type": "str"},
    "hosts": {"type": "list", "elements": "dict", "default": [], "options": HOST_SPEC},
    "migration_network": {"type": "str"},
    "guest_types": {"type": "list", "elements": "str", "choices": ["pv", "pvh", "hvm"], "default": []},
    "verify": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 120},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what the options ask for."""
    declared = make_dom0(module.params)
    commands, config = HostCommands(), LocalConfig()
    operations = Dom0Operations(
        commands, LocalMachine(commands), config, SystemdServices(commands), LocalFirewalls(commands, config)
    )
    done = operations.ensure(declared, check=module.check_mode)
    if module.params["verify"] and not (module.check_mode or done.missing_packages or done.reboot_reasons):
        try:
            operations.verify(timeout=module.params["timeout"])
        except XenfleetError as error:
            error.applied = tuple(change.field for change in done.changes)
            raise
    for words in done.warnings:
        module.warn(words)
    return {
        "changed": bool(done.changes),
        "changes": [change.as_result() for change in done.changes],
        "missing_packages": list(done.missing_packages),
        "reboot_required": bool(done.reboot_reasons),
        "reboot_reasons": list(done.reboot_reasons),
        "restart_obstacles": list(done.restart_obstacles),
        "runs_xen": done.runs_xen,
        "diff": diff_of("dom0", done.changes),
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    edge.run(module, work)


if __name__ == "__main__":
    main()
