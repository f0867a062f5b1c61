# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guests behind the host's own address, by nftables, where the keeper of the network has no word for it (ifupdown).

One file for all bridges of the host, whose rules take the place of those of its former contents at once (nft(8)).
"""

from __future__ import annotations

import ipaddress

from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import HostNetwork

# fall_back.py, which stands alone, has these two as well.
PATH = "/etc/network/xenfleet-nat.nft"
TABLE = "xenfleet_nat"
_HEAD = "# Written by Ansible (xenfleet.xen.xen_bridge), which undoes other changes when it runs again.\n"

LOAD = ("nft", "-f", PATH)
UNLOAD = ("nft", "delete", "table", "ip", TABLE)


def render(network: HostNetwork) -> str | None:
    """The rules for the bridges with ``nat``; None where there is none."""
    rules = [
        f'        ip saddr {ipaddress.ip_interface(one).network} oifname != "{bridge.name}" masquerade\n'
        for bridge in network.bridges
        for one in bridge.addresses or ()
        if bridge.nat and ":" not in one
    ]
    if not rules:
        return None
    chain = f"    chain out {{\n        type nat hook postrouting priority srcnat;\n{''.join(rules)}    }}\n"
    # Named first, so that it can be deleted where it is not there yet.
    return f"{_HEAD}table ip {TABLE}\ndelete table ip {TABLE}\ntable ip {TABLE} {{\n{chain}}}\n"
