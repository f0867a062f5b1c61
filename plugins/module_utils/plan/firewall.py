# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ports of migrations in the firewalls of a host: open to the migration network, where a firewall is at work."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.model.firewall import MIGRATION_PORTS, FoundFirewalls
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change

NFTABLES = "/etc/nftables.conf"
DROPIN = "/etc/nftables.d/xenfleet-migration.nft"
_HEAD = "# Written by Ansible (xenfleet.xen.xen_dom0), which undoes other changes when it runs again.\n"
_INCLUDE = f'include "{DROPIN}"'
_TABLE = re.compile(r"\btable\s+(?:(inet|ip6|ip|arp|bridge|netdev)\s+)?([\w-]+)\s*\{")
_INPUT = re.compile(r"\bchain\s+([\w-]+)\s*\{[^{}]*\bhook\s+input\b")
_FIRST, _LAST = MIGRATION_PORTS


@dataclass(frozen=True)
class FirewallStep:
    """What is to be done in one firewall.

    Attributes:
        change: how that is said.
        files: files to write, with all of their content.
        commands: programs to run after that.
    """

    change: Change
    files: tuple[tuple[str, str], ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()


def plan_firewalls(network: str | None, found: FoundFirewalls) -> tuple[tuple[FirewallStep, ...], tuple[str, ...]]:
    """The steps, and warnings of what is not handled; nothing where no firewall is at work, or no network is declared."""
    if network is None:
        return (), ()
    steps: list[FirewallStep] = []
    warnings: list[str] = []
    if found.firewalld is False:
        rule = firewalld_rule(network)
        commands = (
            ("firewall-cmd", "--permanent", f"--add-rich-rule={rule}"),
            ("firewall-cmd", f"--add-rich-rule={rule}"),
        )
        steps.append(FirewallStep(_change("firewalld", None, network), (), commands))
    if found.ufw is not None and not _ufw_has(found.ufw, network):
        command = ("ufw", "allow", "proto", "tcp", "from", network, "to", "any", "port", f"{_FIRST}:{_LAST}")
        steps.append(FirewallStep(_change("ufw", None, network), (), (command,)))
    if found.nftables is not None:
        step, words = _nftables(network, found.nftables, found.dropin)
        steps += [step] if step else []
        warnings += [words] if words else []
    return tuple(steps), tuple(warnings)


def firewalld_rule(network: str) -> str:
    """The rule, in firewalld's language."""
    family = f"ipv{ipaddress.ip_network(network).version}"
    return f'rule family="{family}" source address="{network}" port port="{_FIRST}-{_LAST}" protocol="tcp" accept'


def input_chains(text: str) -> list[tuple[str, str, str]]:
    """The chains of nftables.conf that see what comes in: family, table, chain."""
    text = re.sub(r"#[^\n]*", "", text)
    tables = [(match.start(), match[1] or "ip", match[2]) for match in _TABLE.finditer(text)]
    chains = []
    for match in _INPUT.finditer(text):
        above = [table for table in tables if table[0] < match.start()]
        if above:
            chains.append((above[-1][1], above[-1][2], match[1]))
    return chains


def _nftables(network: str, text: str, dropin: str) -> tuple[FirewallStep | None, str | None]:
    version = ipaddress.ip_network(network).version
    family, source = ("ip", "ip") if version == 4 else ("ip6", "ip6")
    chains = [chain for chain in input_chains(text) if chain[0] in ("inet", family)]
    if not chains:
        return None, (
            f"nftables is at work, but {NFTABLES} itself has no chain for what comes in over IPv{version}; ports "
            f"{_FIRST} to {_LAST} were not opened to {network}. Where another file filters, open them there"
        )
    rules = "".join(
        f"insert rule {of} {table} {chain} {source} saddr {network} tcp dport {_FIRST}-{_LAST} accept\n"
        for of, table, chain in chains
    )
    wanted = f"{_HEAD}{rules}"
    included = re.search(rf"^\s*{re.escape(_INCLUDE)}\s*$", text, re.MULTILINE) is not None
    if dropin == wanted and included:
        return None, None
    files: list[tuple[str, str]] = []
    if dropin != wanted:
        files.append((DROPIN, wanted))
    if not included:
        end = "" if not text or text.endswith("\n") else "\n"
        files.append((NFTABLES, f"{text}{end}{_INCLUDE}\n"))
    former = re.search(r" saddr (\S+) ", dropin) if included else None
    # Not a reload: that would flush what others, such as libvirt's networks, have put in.
    change = _change("nftables", former[1] if former else None, network)
    return FirewallStep(change, tuple(files), (("nft", "-f", DROPIN),)), None


def _ufw_has(added: str, network: str) -> bool:
    """Whether ufw has the rule, in the words in which it tells its rules: a single address is without its length there."""
    source = str(ipaddress.ip_interface(network).ip) if ipaddress.ip_network(network).num_addresses == 1 else network
    return any(
        {"allow", source, f"{_FIRST}:{_LAST}"} <= set(line.split()) and "from" in line for line in added.splitlines()
    )


def _change(name: str, before: str | None, network: str) -> Change:
    ports = f"TCP {_FIRST} to {_LAST} from "
    return Change(f"firewall[{name}]", None if before is None else f"{ports}{before}", f"{ports}{network}")
