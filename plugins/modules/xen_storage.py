#!/usr/bin/python
# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The storage of a Xen host: mounts, folders, volume groups."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xen_storage
short_description: Mounts, folders and volume groups of a Xen host
version_added: 0.1.0
author:
  - xenfleet contributors (@xenfleet)
description:
  - Makes what the disks of guests lie on, all of a host's in one run.
  - A mount is a systemd unit, so it is there again after a restart of the host. A host whose NFS server is away starts all the same.
  - What is mounted is read from the kernel's table, and the port of an NFS server is tried before anything touches its path. So a dead
    server is an error, not a process that hangs.
  - Something else that is mounted at a path is refused, not covered, and a device that holds anything is not taken into a volume group.
    Everything that forbids a change is found before anything is touched, and named at once.
  - Removes nothing. What is no longer declared stays as it is.
requirements:
  - systemd
  - nfs-common for NFS mounts, lvm2 for volume groups. What is missing is returned as RV(missing_packages).
attributes:
  check_mode:
    support: full
    details:
      - A folder on a file system that is not mounted yet is said to be made, for what is on that file system cannot be known.
      - An NFS server that does not answer is a warning, for its network may be what an earlier task would bring.
  diff_mode:
    support: full
extends_documentation_fragment:
  - xenfleet.xen.attributes
  - xenfleet.xen.attributes.actiongroup_xen
options:
  mounts:
    description:
      - File systems that shall be mounted, now and at each start of the host.
      - When the options of a mount change, they are written and have their effect at the next start of the host. Guests that run from the
        mount are left alone.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Where it is mounted. A missing folder is made.
        type: path
        required: true
      source:
        description: What is mounted, such as V(10.20.0.1:/srv/guests), V([fd00::1]:/srv/guests) or a device.
        type: str
        required: true
      fstype:
        description: Kind of the file system.
        type: str
        default: nfs4
      options:
        description: Options of the mount. By default V(vers=4.2,hard,noatime,_netdev) for NFS, and V(defaults) for others.
        type: str
  directories:
    description: Folders that shall be there, made after the mounts.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The folder. Those above it that are missing are made like it.
        type: path
        required: true
      owner:
        description: Its owner, by name or number.
        type: str
        default: root
      group:
        description: Its group, by name or number.
        type: str
        default: root
      mode:
        description: Its permissions, four octal digits in quotes.
        type: str
        default: '0711'
  volume_groups:
    description: LVM volume groups that shall be there.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The group's name.
        type: str
        required: true
      devices:
        description:
          - The devices it is on. One that holds anything (a file system, a partition table, another group) is refused.
          - A device that is added here later is added to the group. None is ever taken out.
        type: list
        elements: path
        required: true
  timeout:
    description: How many seconds an NFS server has to answer on port 2049 before it is mounted. Check mode waits for five at most.
    type: int
    default: 10
seealso:
  - module: xenfleet.xen.xen_image
"""

EXAMPLES = r"""
- name: Shared storage for guests that can move, and a folder on it
  xenfleet.xen.xen_storage:
    mounts:
      - {path: /srv/guests, source: "10.20.0.1:/srv/guests"}
    directories:
      - {path: /srv/guests/images, mode: "0755"}

- name: Local storage
  xenfleet.xen.xen_storage:
    volume_groups:
      - {name: vg0, devices: [/dev/sdb, /dev/sdc]}
  register: storage

- name: Install what the host lacks for that; nothing has been done then
  ansible.builtin.apt:
    name: "{{ storage.missing_packages }}"
  when: storage.missing_packages | length > 0
"""

RETURN = r"""
changes:
  description: What was changed, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    field:
      description: The option's own name.
      type: str
    before:
      description: What was there; null for nothing.
      type: str
    after:
      description: What is there now.
      type: str
    effect:
      description: V(live), or V(next_boot) for what has its effect at the next start of the host.
      type: str
  sample:
    - field: mounts[/srv/guests].options
      before: vers=4.2,hard,_netdev
      after: vers=4.2,hard,noatime,_netdev
      effect: next_boot
missing_packages:
  description:
    - The Debian packages that have to be installed first. Nothing was done then, and RV(changes) is empty; install them and run again.
    - In check mode RV(changes) is what is done when they are there.
  returned: success
  type: list
  elements: str
  sample: [nfs-common]
obstacles:
  description: Everything that forbids what is declared, when it was refused.
  returned: failure
  type: list
  elements: str
  sample:
    - 'at /srv/guests something else is mounted; found: /dev/sdb1; expected: 10.20.0.1:/srv/guests. Unmount it, or choose another path'
applied:
  description: The fields that were changed before it failed.
  returned: failure
  type: list
  elements: str
  sample: ['mounts[/srv/guests]']
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xenfleet.xen.plugins.module_utils import edge
from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.host.folders import LocalFolders
from ansible_collections.xenfleet.xen.plugins.module_utils.host.mounts import SystemdMounts
from ansible_collections.xenfleet.xen.plugins.module_utils.host.nfs import answers
from ansible_collections.xenfleet.xen.plugins.module_utils.model.storage import host_storage
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.storage import StorageOperations
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import diff_of
from ansible_collections.xenfleet.xen.plugins.module_utils.storage.volume_group import VolumeGroups

MOUNT_SPEC: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "source": {"type": "str", "required": True},
    "fstype": {"type": "str", "default": "nfs4"},
    "options": {"type": "str"},
}
DIRECTORY_SPEC: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str", "default": "0711"},
}
GROUP_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "devices": {"type": "list", "elements": "path", "required": True},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what the options ask for."""
    params = module.params
    declared = host_storage(params["mounts"], params["directories"], params["volume_groups"])
    commands = HostCommands()
    operations = StorageOperations(commands, SystemdMounts(commands), LocalFolders(), VolumeGroups(commands), answers)
    done = operations.ensure(declared, check=module.check_mode, timeout=params["timeout"])
    for words in done.warnings:
        module.warn(words)
    return {
        "changed": bool(done.changes),
        "changes": [change.as_result() for change in done.changes],
        "missing_packages": list(done.missing_packages),
        "diff": diff_of("storage", done.changes),
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "mounts": {"type": "list", "elements": "dict", "default": [], "options": MOUNT_SPEC},
            "directories": {"type": "list", "elements": "dict", "default": [], "options": DIRECTORY_SPEC},
            "volume_groups": {"type": "list", "elements": "dict", "default": [], "options": GROUP_SPEC},
            "timeout": {"type": "int", "default": 10},
        },
        supports_check_mode=True,
    )
    edge.run(module, work)


if __name__ == "__main__":
    main()
