#!/usr/bin/python
# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network of a Xen host: bonds, VLANs, bridges."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xen_bridge
short_description: Bonds, VLANs and bridges of a Xen host
version_added: 0.1.0
author:
  - xenfleet contributors (@xenfleet)
description:
  - Makes the network that guests are plugged into, all of a host's in one run, such as bonded links, VLANs on them, and a bridge
    for each VLAN.
  - Compares what is declared with the files that the host has and with what its kernel runs. What is missing in either is repaired.
  - Writes files of systemd-networkd where that runs, otherwise of ifupdown, so that the network is there again after a restart of the
    host, and brings the running network there without taking down what does not change. Interfaces of guests stay plugged in.
  - Everything that forbids a change is found before anything is touched, and named at once. When the network does not come up, the
    former files are put back.
  - A change of an interface that carries the connection to the host (that of the SSH session, or of the default route), or of one
    that such an interface lies on, is made under a timer on the host. The controller connects anew and confirms it. When it does
    not within O(confirm_timeout), the host puts its former network back by itself, files and running interfaces, and the task
    fails. That holds when the connection breaks, when the controller dies, and when the host is started anew in between.
  - Bonds and bridges that are not named, and other files and interfaces, are left alone.
requirements:
  - systemd-networkd, or ifupdown that takes in the files of C(/etc/network/interfaces.d), active on the host
  - iproute2
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
extends_documentation_fragment:
  - xenfleet.xen.attributes
  - xenfleet.xen.attributes.actiongroup_xen
options:
  state:
    description:
      - Whether the named bonds and bridges should be there.
      - With V(absent) only the names count. A bridge goes together with its VLAN interface. A bridge that guests are plugged into does not
        go, nor a bond that a bridge lies over which is not named.
    type: str
    choices: [present, absent]
    default: present
  bonds:
    description: Several links as one.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The bond's interface.
        type: str
        required: true
      mode:
        description:
          - How the members share the work.
          - V(802.3ad) needs a switch that speaks LACP; the others do without, and V(active-backup) is the simplest of them.
          - Required with O(state=present). A change makes the bond anew, and is refused while guests are on a bridge over it.
        type: str
        choices: [balance-rr, active-backup, balance-xor, broadcast, 802.3ad, balance-tlb, balance-alb]
      members:
        description:
          - The interfaces of the bond, all of them; one that is no longer named leaves it.
          - Required with O(state=present).
        type: list
        elements: str
      lacp_rate:
        description:
          - How often the switch is asked to send, V(fast) for every second and V(slow) for every 30 seconds. Only for V(802.3ad).
          - A change makes the bond anew, and is refused while guests are on a bridge over it.
        type: str
        choices: [slow, fast]
      miimon_ms:
        description:
          - Milliseconds between two looks at the carrier of the members.
          - V(100) for a new bond, when not given.
        type: int
      primary:
        description: The preferred member, for V(active-backup), V(balance-tlb) and V(balance-alb). An empty string is none.
        type: str
      hash_policy:
        description: What chooses the member for a packet, for V(802.3ad), V(balance-xor) and V(balance-tlb).
        type: str
        choices: [layer2, layer2+3, layer3+4, encap2+3, encap3+4]
      mtu:
        description: The largest packet of the bond and its members.
        type: int
  bridges:
    description: What guests are plugged into.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The bridge's interface.
        type: str
        required: true
      over:
        description:
          - The bond or interface that leads outside. Without it the bridge is isolated, for guests of this host only.
          - An interface may not have addresses of its own, unless it carries the connection to the host; these go to the bridge then,
            in O(bridges[].addresses) and O(bridges[].gateway).
        type: str
      vlan:
        description:
          - The VLAN on O(bridges[].over), 1 to 4094; its interface is named such as C(bond0.10). Untagged when not given.
        type: int
      addresses:
        description:
          - The host's own addresses on the bridge, with prefix length.
          - An empty list takes away those that were declared before. Not managed when not given.
        type: list
        elements: str
      gateway:
        description:
          - The next hop of the default route. Refused where the host has a default route through an interface that stays as it is.
          - An empty string is none. Not managed when not given.
        type: str
      dhcp:
        description:
          - Whether the host gets an IPv4 address on the bridge, and its default route, by DHCP. It asks by the bridge's MAC address, which
            is that of the interface below, so that it gets what that interface had.
          - An address that does not come within O(timeout) is a failure, and the former network is put back.
          - Not managed when not given; a new bridge has it not. Needs dhcpcd-base on the host where ifupdown keeps the
            network.
        type: bool
      accept_ra:
        description:
          - Whether the host takes IPv6 addresses and routes that routers announce on the bridge.
          - Not managed when not given; a new bridge has it not.
        type: bool
      nat:
        description:
          - Whether what guests send by this bridge leaves the host under the host's own IPv4 address. Their gateway is the host's
            address on the bridge, in O(bridges[].addresses).
          - The host forwards packets then. Needs nftables on the host where ifupdown keeps the network.
          - Not managed when not given; a new bridge has it not.
        type: bool
      routed:
        description:
          - Whether the host forwards what guests send by this bridge, and what is sent to them, as it is (a routed network). Their gateway is
            the host's address in O(bridges[].addresses), and the routers outside have to know the way to them by the host.
          - Switches forwarding on for the whole host, for IPv4 and IPv6 as far as the bridge has addresses of these. It is not switched off
            again before the host's next start.
          - Not managed when not given; a new bridge has it not.
        type: bool
      trunk:
        description:
          - VLANs that the bridge carries with their tags between O(bridges[].over) and its guests, which tag themselves, as numbers and
            ranges such as V(20-29). The bridge filters - other VLANs, and what has no tag, are not let in.
          - Guests are plugged in with the script V(vif-trunk), which the role C(xenfleet.xen.network) brings.
          - Goes without O(bridges[].vlan) and everything that the host itself would have on the bridge.
          - An empty list makes it a bridge that knows no VLANs. Not managed when not given; a new bridge knows none.
        type: list
        elements: str
      stp:
        description:
          - Whether the bridge takes part in the spanning tree, which keeps loops of several bridges from becoming a storm. A new port is then
            used after 2 times 15 seconds, so that a guest that starts or moves in is not heard before.
          - Not managed when not given; a new bridge has it not.
        type: bool
      ageing:
        description:
          - Seconds that the bridge remembers who is behind which port. The kernel's usual 300 when not given.
        type: int
      mtu:
        description: The largest packet of the bridge and its VLAN interface; a bond below needs the same or more.
        type: int
      network:
        description:
          - The label by which guests ask for the bridge, the same on all hosts that reach the same network.
        type: str
  keep:
    description:
      - Only with O(state=absent). All bonds and bridges that this module has made on the host go, but the ones of these names; what
        others have made stays. When not given, only those named in O(bonds) and O(bridges) go.
    type: list
    elements: str
  timeout:
    description:
      - Seconds to wait until everything is there after a change.
      - When a member, VLAN, bridge or address does not come, or a bond that had carrier or an LACP partner lost it, the former files are put
        back and the run fails. A new bond without carrier or partner is a warning.
      - A change under a timer has two thirds of O(confirm_timeout) at most.
    type: int
    default: 60
  confirm:
    description:
      - Whether a change that could cut the connection to the host is made under a timer and confirmed by the controller.
      - With V(false) such a change is refused.
    type: bool
    default: true
  confirm_timeout:
    description:
      - Seconds from the beginning of a change under a timer to the moment when the host puts its former network back, unless the
        controller has come back and confirmed it.
    type: int
    default: 60
  confirm_address:
    description:
      - The address under which the controller reaches the host after the change, where that is not C(ansible_host). The port stays.
      - A change that takes the address away which the connection came to is refused without it.
      - Give the new address to C(ansible_host) in the inventory afterwards.
    type: str
  replaces:
    description:
      - Files of others that manage interfaces which are declared here, and give way to it. Without being named here, they
        forbid the change.
      - A C(.network) file in C(/etc/systemd/network) is renamed to end in C(.replaced). It may not manage other interfaces as well.
      - In a file of ifupdown, such as C(/etc/network/interfaces), the lines of the interfaces become comments, and its DHCP client there
        is ended.
      - They come back when the change is not confirmed. What is not there any more is passed over. Only with O(state=present).
    type: list
    elements: path
    default: []
  _change:
    description: The controller's name for the change. Given by the action of the same name, which runs on the controller.
    type: str
  _answer:
    description: What the action wants to know of the change O(_change), or that it is confirmed. Given by the action, too.
    type: str
    choices: [look, confirm]
notes:
  - While a change waits to be confirmed, what is needed to undo it is in C(/var/lib/xenfleet/network) on the host, and the units
    C(xenfleet-network-fallback.service) and C(.timer) are in C(/etc/systemd/system). Other changes are refused meanwhile.
seealso:
  - module: xenfleet.xen.xen_domain
"""

EXAMPLES = r"""
- name: Two links as one, and a bridge for each of three VLANs
  xenfleet.xen.xen_bridge:
    bonds:
      - {name: bond0, mode: 802.3ad, members: [eth1, eth2], lacp_rate: fast}
    bridges:
      - {name: xenbr10, over: bond0, vlan: 10, network: services, addresses: [10.10.0.101/24]}
      - {name: xenbr20, over: bond0, vlan: 20, network: storage, addresses: [10.20.0.101/24]}
      - {name: xenbr30, over: bond0, vlan: 30, network: migration, addresses: [10.30.0.101/24]}

- name: A network of this host's guests alone, which reach the outside under the host's address
  xenfleet.xen.xen_bridge:
    bridges:
      - {name: xenbr0, network: cluster, addresses: [10.0.0.254/24], nat: true}

- name: One more bridge on the same bond; the others stay as they are
  xenfleet.xen.xen_bridge:
    bridges:
      - {name: xenbr40, over: bond0, vlan: 40, network: backup}

- name: Without help of the switch
  xenfleet.xen.xen_bridge:
    bonds:
      - {name: bond1, mode: active-backup, members: [eth3, eth4], primary: eth3}

- name: The interface that Ansible comes in by becomes part of a bridge, which has the address from then on
  xenfleet.xen.xen_bridge:
    bridges:
      - {name: xenbr0, over: eth0, addresses: [192.0.2.11/24], gateway: 192.0.2.1, network: lan}
    replaces: [/etc/network/interfaces]
    confirm_timeout: 90

- name: Take away what this module has made before, but for a bond and its bridge
  xenfleet.xen.xen_bridge:
    state: absent
    keep: [bond0, xenbr10]

- name: Take a bridge away
  xenfleet.xen.xen_bridge:
    state: absent
    bridges:
      - {name: xenbr40}
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
      description: What is there now; null for nothing.
      type: str
    effect:
      description: V(live), or V(recreate) where the interface is made anew.
      type: str
  sample:
    - {field: 'bonds[bond0].mode', before: active-backup, after: 802.3ad, effect: recreate}
bonds:
  description: The named bonds as they are found afterwards; those that are not there are left out.
  returned: success
  type: list
  elements: dict
  sample:
    - name: bond0
      mode: 802.3ad
      members: [{name: eth1, carrier: true}, {name: eth2, carrier: true}]
      carrier: true
      active: null
      partner: 0a:fb:7e:a8:01:0c
      mtu: 1500
      mac: 52:54:00:00:01:01
bridges:
  description: The named bridges as they are found afterwards; those that are not there are left out.
  returned: success
  type: list
  elements: dict
  sample:
    - name: xenbr10
      network: services
      uplink: bond0.10
      addresses: [10.10.0.101/24]
      guest_ports: [vif3.0]
      carrier: true
      mtu: 1500
      mac: 52:54:00:00:01:01
files:
  description: The files of the host that were changed, or would be in check mode.
  returned: success
  type: list
  elements: dict
  sample:
    - {path: /etc/systemd/network/40-xenfleet-xenbr0.netdev, change: written}
    - {path: /etc/systemd/network/10-lan.network.replaced, change: written}
    - {path: /etc/systemd/network/10-lan.network, change: removed}
interfaces:
  description: The interfaces that were made, changed or removed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [eth0, xenbr0]
confirmation:
  description: Of a change that could cut the connection; in check mode what is known beforehand. The times are those of the host.
  returned: when a change is under a timer
  type: dict
  contains:
    because:
      description: The interfaces by which it could cut the connection, each with the reason.
      type: dict
    timeout:
      description: O(confirm_timeout).
      type: int
    stage:
      description: V(confirmed), or V(restored) when the former network is back; V(unknown) when the host did not answer.
      type: str
    begun:
      description: When the change began.
      type: str
    until:
      description: When it would be, or was, taken back.
      type: str
    ended:
      description: When it was confirmed, or the former network was back.
      type: str
    seconds:
      description: How long the controller waited for that.
      type: float
  sample:
    because: {eth0: the default route goes through it}
    timeout: 60
    stage: confirmed
    begun: 2026-01-12 10:15:03 UTC
    until: 2026-01-12 10:16:03 UTC
    ended: 2026-01-12 10:15:09 UTC
    seconds: 6.2
obstacles:
  description: Everything that forbids the change, when it was refused.
  returned: failure
  type: list
  elements: str
  sample:
    - 'eth0 is managed by the file /etc/systemd/network/10-lan.network; name that file in ''replaces'' for it to give way, or take eth0 out there'
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xenfleet.xen.plugins.module_utils import edge
from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import Caution
from ansible_collections.xenfleet.xen.plugins.module_utils.network.choose import choose
from ansible_collections.xenfleet.xen.plugins.module_utils.network.guard import HostGuard
from ansible_collections.xenfleet.xen.plugins.module_utils.network.kernel import KernelLinks
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.host_network import HostNetworkOperations, Outcome
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.network_view import (
    file_changes,
    file_diffs,
    network_of,
    view,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import diff_of
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.network_confirmation import words_of

BOND_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "mode": {
        "type": "str",
        "choices": [
            "balance-rr",
            "active-backup",
            "balance-xor",
            "broadcast",
            "802.3ad",
            "balance-tlb",
            "balance-alb",
        ],
    },
    "members": {"type": "list", "elements": "str"},
    "lacp_rate": {"type": "str", "choices": ["slow", "fast"]},
    "miimon_ms": {"type": "int"},
    "primary": {"type": "str"},
    "hash_policy": {"type": "str", "choices": ["layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4"]},
    "mtu": {"type": "int"},
}
BRIDGE_SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "over": {"type": "str"},
    "vlan": {"type": "int"},
    "addresses": {"type": "list", "elements": "str"},
    "gateway": {"type": "str"},
    "dhcp": {"type": "bool"},
    "accept_ra": {"type": "bool"},
    "nat": {"type": "bool"},
    "routed": {"type": "bool"},
    "trunk": {"type": "list", "elements": "str"},
    "stp": {"type": "bool"},
    "ageing": {"type": "int"},
    "mtu": {"type": "int"},
    "network": {"type": "str"},
}


# A change needs some seconds to come up, and a connection to be made.
SHORTEST_SECONDS = 15
# What the action tells the module: a name for the change, and what it wants to know of it, or that it is confirmed.
INTERNAL_SPEC: dict[str, dict[str, Any]] = {
    "_change": {"type": "str", "no_log": False},
    "_answer": {"type": "str", "choices": ["look", "confirm"]},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Do what the options ask for."""
    params = module.params
    if params["confirm_timeout"] < SHORTEST_SECONDS:
        raise InvalidInput(
            "confirm_timeout is too short", found=str(params["confirm_timeout"]), expected=f"{SHORTEST_SECONDS} or more"
        )
    if params["keep"] is not None and params["state"] != "absent":
        raise InvalidInput("'keep' is for what goes", found=f"state={params['state']}", expected="state=absent")
    commands = HostCommands()
    operations = HostNetworkOperations(choose(commands), KernelLinks(commands), HostGuard(commands))
    names = frozenset(one["name"] for one in (*params["bonds"], *params["bridges"]))
    if params["_answer"]:
        report = operations.answer(params["_change"], confirm=params["_answer"] == "confirm")
        found = view(operations.host.read(), operations.backend.stored(), names)
        return {"changed": False, "confirmation": report.as_result(), **found}
    caution = Caution(params["confirm"], params["confirm_timeout"], params["confirm_address"], params["_change"])
    ways = {"check": module.check_mode, "timeout": params["timeout"], "caution": caution}
    if params["state"] == "absent":
        done = operations.remove(names, **ways, keep=None if params["keep"] is None else frozenset(params["keep"]))
    else:
        declared = network_of(params["bonds"], params["bridges"])
        done = operations.ensure(declared, **ways, replaces=params["replaces"])
    for words in done.warnings:
        module.warn(words)
    return {
        "changed": bool(done.plan.changes),
        "changes": [change.as_result() for change in done.plan.changes],
        "files": file_changes(done.files),
        "interfaces": sorted(done.plan.touched),
        "diff": [_diff(done, caution), *file_diffs(done.files)],
        **_confirmation(done, caution),
        **view(done.links, done.plan.after, names),
    }


def _diff(done: Outcome, caution: Caution) -> dict[str, str]:
    """The changes as Ansible shows them, with a word on the timer."""
    diff = diff_of("network", done.plan.changes)
    if done.exposed:
        diff["after"] += (
            f"confirmation: within {caution.timeout} s, or the former network comes back ({words_of(done.exposed)})\n"
        )
    return diff


def _confirmation(done: Outcome, caution: Caution) -> dict[str, Any]:
    """What is known of a change under a timer."""
    if not done.exposed:
        return {}
    known = done.report.as_result() if done.report else {}
    return {"confirmation": {"because": dict(done.exposed), "timeout": caution.timeout, **known}}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "bonds": {"type": "list", "elements": "dict", "default": [], "options": BOND_SPEC},
            "bridges": {"type": "list", "elements": "dict", "default": [], "options": BRIDGE_SPEC},
            "keep": {"type": "list", "elements": "str"},
            "timeout": {"type": "int", "default": 60},
            "confirm": {"type": "bool", "default": True},
            "confirm_timeout": {"type": "int", "default": 60},
            "confirm_address": {"type": "str"},
            "replaces": {"type": "list", "elements": "path", "default": []},
            **INTERNAL_SPEC,
        },
        supports_check_mode=True,
    )
    edge.run(module, work)


if __name__ == "__main__":
    main()
