#!/usr/bin/python
# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SSH between Xen hosts, for migration."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xen_peers
short_description: Let Xen hosts reach each other's libvirt by SSH, for migration
version_added: 0.1.0
author:
  - xenfleet contributors (@xenfleet)
description:
  - Gives a host an SSH key of its own, lets other hosts in by theirs, and makes this host know them. The source of a migration talks to
    the destination's libvirt that way.
  - A peer is let in as root from its own address only, and to nothing but libvirt's connection helper.
  - Takes two runs on each host. The first makes sure of the host's own key and returns the public keys; the second gives each host those
    of all others. The role C(xenfleet.xen.migration) does both.
  - The private key never leaves the host, and an existing one is never written over.
  - Lines of root's C(authorized_keys) that are not of the named peers stay as they are. A peer's line is found again by its comment,
    C(xenfleet-migration@NAME).
  - All values are looked at before anything is touched, since they come from other hosts.
requirements:
  - ssh-keygen (Debian's package openssh-client)
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
extends_documentation_fragment:
  - xenfleet.xen.attributes
  - xenfleet.xen.attributes.actiongroup_xen
options:
  name:
    description:
      - This host's name, for the comment of its key. By that comment the other hosts find its line again, so it should be the name that
        they have for it in O(peers[].name).
      - By default the host's own name.
    type: str
  directory:
    description: The folder for the host's own key and the host keys of the others.
    type: path
    default: /etc/xenfleet/migration
  peers:
    description:
      - The other hosts, all of them.
      - Only the host's own key is made sure of when not given.
    type: list
    elements: dict
    suboptions:
      name:
        description: The host's name in the inventory.
        type: str
        required: true
      address:
        description: Its IP address or host name on the network that migrations go over.
        type: str
        required: true
      key:
        description:
          - Its public key, as RV(key) of its own run.
          - When it is empty or not given, as for a host that was not reached, what an earlier run wrote stays.
        type: str
      host_key:
        description:
          - Its SSH host key, as RV(host_key) of its own run.
          - When it is empty or not given, what an earlier run wrote stays.
        type: str
seealso:
  - module: xenfleet.xen.xen_migrate
"""

EXAMPLES = r"""
- name: Make sure of each host's own key
  xenfleet.xen.xen_peers:
    name: "{{ inventory_hostname }}"
  register: own

- name: Let one other host in, and know it
  xenfleet.xen.xen_peers:
    name: "{{ inventory_hostname }}"
    peers:
      - name: xen2
        address: 10.30.0.102
        key: "{{ hostvars['xen2'].own.key }}"
        host_key: "{{ hostvars['xen2'].own.host_key }}"
"""

RETURN = r"""
key:
  description: The host's own public key. Empty in check mode when it is yet to be made.
  returned: success
  type: str
  sample: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMaK9ZOlSh/4S6aYY2G6ZgJXaBJeCkYnEbJLL3EMoZ0p xenfleet-migration@xen1
host_key:
  description: The host's SSH host key of the type Ed25519, without comment. Empty when it has none.
  returned: success
  type: str
  sample: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBFBnWJkKdJJkA1cIKj2sLwHcFq4lfVXhyo8C7M3Gqlv
changes:
  description: What was changed, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    field:
      description: >-
        V(key) for the host's own key, V(ssh_config) for the addresses that it is used towards, such as V(peers[xen2].key) for a peer, or
        such as V(directory.mode) for permissions.
      type: str
    before:
      description: What was there; null for nothing.
      type: str
    after:
      description: What is there now.
      type: str
    effect:
      description: Always V(live).
      type: str
  sample:
    - {field: ssh_config, before: 10.30.0.102, after: '10.30.0.102, 10.30.0.103', effect: live}
"""

import platform
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xenfleet.xen.plugins.module_utils import edge
from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.host.ssh_files import SshFiles
from ansible_collections.xenfleet.xen.plugins.module_utils.model.peers import host_label, key_directory, make_peers
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.peers import ensure_peers
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import diff_of

# Public keys are no secrets.
PEER_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "key": {"type": "str", "no_log": False},
    "host_key": {"type": "str", "no_log": False},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what the options ask for."""
    params = module.params
    name = host_label(params["name"] or platform.node())
    directory = key_directory(params["directory"])
    peers = None if params["peers"] is None else make_peers(params["peers"])
    done = ensure_peers(SshFiles(HostCommands(), directory), name, directory, peers, check=module.check_mode)
    return {
        "changed": bool(done.plan.changes),
        "changes": [change.as_result() for change in done.plan.changes],
        "diff": diff_of("peers", done.plan.changes),
        "key": done.key,
        "host_key": done.host_key,
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str"},
            "directory": {"type": "path", "default": "/etc/xenfleet/migration"},
            "peers": {"type": "list", "elements": "dict", "options": PEER_SPEC},
        },
        supports_check_mode=True,
    )
    edge.run(module, work)


if __name__ == "__main__":
    main()
