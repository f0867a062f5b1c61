# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What the network interfaces of a guest hang on, looked for on the host before anything is touched."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import HostFacts, Hypervisor

# Where libxl looks for a script that is named without its folder, as Debian builds it.
_SCRIPTS = "/etc/xen/scripts"


def missing_places(hypervisor: Hypervisor, host: HostFacts, nics: Sequence[Nic]) -> list[str]:
    """Bridges, networks and scripts that the host does not have, or has otherwise, in words."""
    return [
        *_bridges(host, [nic for nic in nics if nic.bridge]),
        *_networks(hypervisor, {nic.network for nic in nics if nic.network}),
        *_scripts(host, {nic.script for nic in nics if nic.script}),
    ]


def _bridges(host: HostFacts, nics: Sequence[Nic]) -> list[str]:
    there, switches = host.bridges(), host.openvswitch_bridges()
    problems = {}
    for nic in nics:
        bridge = nic.bridge or ""
        if bridge not in there:
            problems[bridge] = f"is missing on this host; it has: {', '.join(sorted(there)) or 'none'}"
        elif nic.openvswitch and bridge not in switches:
            problems[bridge] = "is none of Open vSwitch on this host; leave openvswitch out"
        elif not nic.openvswitch and bridge in switches and nic.script is None:
            problems[bridge] = "is one of Open vSwitch on this host; say openvswitch: true"
    return [f"bridge {bridge} {problem}" for bridge, problem in sorted(problems.items())]


def _networks(hypervisor: Hypervisor, names: set[str]) -> list[str]:
    # A daemon of Xen alone has no networks to tell of.
    there = hypervisor.networks() if names else None
    if there is None:
        return []
    active = ", ".join(sorted(there)) or "none"
    return [f"network {name} is not active in this host's libvirt; active: {active}" for name in sorted(names - there)]


def _scripts(host: HostFacts, names: set[str]) -> list[str]:
    paths = [name if name.startswith("/") else f"{_SCRIPTS}/{name}" for name in sorted(names)]
    return [f"script {path} is missing on this host" for path in paths if host.path_kind(path) != "file"]
