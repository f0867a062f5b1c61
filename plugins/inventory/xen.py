# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is: the guests of a park, found on its hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: xen
short_description: The Xen guests of a park, found on their hosts
version_added: 0.1.0
author: xenfleet contributors (@xenfleet)
description:
  - Asks all Xen hosts of a group at once, over SSH with the hosts' own connection variables, which guests they have.
  - Lies in an inventory folder beside the file that declares hosts and guests, and sorts after it by name.
    It adds to each guest where it is, its state, memory and addresses, and tells of each host whether it answered.
  - A host that does not answer costs at most O(timeout) seconds and a warning. With O(cache) its guests are shown as
    they were last seen.
  - Guests that nobody declared are added to the group O(undeclared_group).
  - The file's name has to end in C(.xen.yml) or C(.xen.yaml).
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Has to be V(xenfleet.xen.xen).
    type: str
    required: true
    choices: [xenfleet.xen.xen]
  hosts_group:
    description: The group of the Xen hosts, declared in another file of the inventory.
    type: str
    default: dom0s
  timeout:
    description: Seconds that a host is given to answer.
    type: int
    default: 20
  uri:
    description: The libvirt URI, as seen from a host. A host's variable C(xen_uri) goes before it.
    type: str
    default: xen:///system
  undeclared_group:
    description: The group of the guests that were found but not declared.
    type: str
    default: xen_undeclared
  unreachable_group:
    description: The group of the Xen hosts that did not answer.
    type: str
    default: xen_unreachable
"""

EXAMPLES = r"""
# park.xen.yml, beside hosts.yml that has the groups dom0s and guests
plugin: xenfleet.xen.xen
hosts_group: dom0s
timeout: 10
keyed_groups:
  - key: xen_host
    prefix: "on"
  - key: xen_state
    prefix: state
"""

from typing import Any

from ansible.errors import AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.inventory.helpers import sort_groups
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var
from ansible.utils.vars import combine_vars
from ansible.vars.plugins import get_vars_from_inventory_sources

from ansible_collections.xenfleet.xen.plugins.plugin_utils.ask import ask_all, probe_command
from ansible_collections.xenfleet.xen.plugins.plugin_utils.park import HostAnswer, guest_variables, host_variables


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The inventory plugin."""

    NAME = "xenfleet.xen.xen"

    def verify_file(self, path: str) -> bool:
        """Whether the file is meant for this plugin."""
        return bool(super().verify_file(path)) and path.endswith((".xen.yml", ".xen.yaml"))

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Ask the hosts, and add what they said."""
        super().parse(inventory, loader, path)
        self._read_config_data(path)
        group = inventory.groups.get(self.get_option("hosts_group"))
        if group is None:
            raise AnsibleParserError(
                f"{path}: there is no group '{self.get_option('hosts_group')}' yet; declare it in a file of the same"
                " folder whose name sorts before this one's, such as hosts.yml"
            )
        answers = self._answers([host.name for host in group.get_hosts()], self.get_cache_key(path), cache)
        for answer in answers:
            self._add_host(answer)
        guests, warnings = guest_variables(answers)
        for warning in warnings:
            self.display.warning(f"{self.NAME}: {warning}")
        for name, variables in guests.items():
            self._add_guest(name, variables)

    def _answers(self, hosts: list[str], key: str, cache: bool) -> list[HostAnswer]:
        caching = self.get_option("cache")
        try:
            kept: dict[str, Any] = dict(self._cache[key]) if caching else {}
        except KeyError:
            kept = {}
        if cache and kept and all(host in kept for host in hosts):
            return [HostAnswer(host, **kept[host]) for host in hosts]
        timeout = self.get_option("timeout")
        fresh = ask_all({host: self._command(host, timeout) for host in hosts}, timeout)
        answers = []
        for answer in fresh:
            if answer.error is not None:
                self.display.warning(f"{self.NAME}: {answer.host} did not answer: {answer.error}")
                last = kept.get(answer.host)
                if last:
                    answer = HostAnswer(answer.host, last["report"], answer.error, last["seen_at"])
            answers.append(answer)
        if caching:
            self._cache[key] = {
                answer.host: {"report": answer.report, "error": answer.error, "seen_at": answer.seen_at}
                for answer in answers
            }
        return answers

    def _command(self, name: str, timeout: int) -> list[str]:
        host = self.inventory.get_host(name)
        sources = self.inventory.processed_sources
        variables: dict[str, Any] = {}
        for entities in (sort_groups(host.get_groups()), [host]):
            for entity in entities:
                variables = combine_vars(variables, entity.get_vars())
            found = get_vars_from_inventory_sources(self.loader, sources, entities, "all")
            variables = combine_vars(variables, found)
        self.templar.available_variables = variables
        wanted = {key: value for key, value in variables.items() if key.startswith("ansible_")}
        uri = self.templar.template(variables.get("xen_uri", self.get_option("uri")))
        return probe_command(name, self.templar.template(wanted), uri, timeout)

    def _add_host(self, answer: HostAnswer) -> None:
        for key, value in host_variables(answer).items():
            self.inventory.set_variable(answer.host, key, wrap_var(value))
        if answer.error is not None:
            group = self.inventory.add_group(self.get_option("unreachable_group"))
            self.inventory.add_host(answer.host, group=group)

    def _add_guest(self, name: str, variables: dict[str, Any]) -> None:
        declared = self.inventory.get_host(name)
        if declared is None:
            group = self.inventory.add_group(self.get_option("undeclared_group"))
            self.inventory.add_host(name, group=group)
            if variables["xen_addresses"]:
                self.inventory.set_variable(name, "ansible_host", wrap_var(variables["xen_addresses"][0]))
        elif declared.name in {host.name for host in self.inventory.groups[self.get_option("hosts_group")].get_hosts()}:
            self.display.warning(f"{self.NAME}: the guest {name} has the name of a Xen host and is left out")
            return
        for key, value in variables.items():
            self.inventory.set_variable(name, key, wrap_var(value))
        strict = self.get_option("strict")
        known = self.inventory.get_host(name).get_vars()
        self._set_composite_vars(self.get_option("compose"), known, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), known, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), known, name, strict=strict)
