# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""DHCP clients on interfaces that ifupdown had, or has for us: how one is started, and ended where it is not wanted any more."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.network import fall_back
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands

PROGRAM = "dhcpcd"
PACKAGE = "dhcpcd-base"
# By the hardware address, and with the routes' metric, that systemd-networkd has. It takes an address and the default route, and
# leaves all else of the host as it is; where it runs already, it only asks again (dhcpcd(8)).
_ASK = f"{PROGRAM} --rebind --config /dev/null --ipv4only --noipv4ll -I '' --metric 1024 --option routers --script /bin/true"
_COMMAND_SECONDS = 60


def asking(name: str) -> str:
    """The shell's words that have an interface ask for its address; where nobody answers in time it goes on in the background."""
    return f"{_ASK} {name} || {_ASK} --background --timeout 0 {name}"


def end(commands: Commands, root: Path, names: Collection[str]) -> None:
    """End the clients on some interfaces, with the addresses that they were given."""
    for name in sorted(names):
        for command in fall_back.endings(root, name):
            commands.run(command, check=False, timeout=_COMMAND_SECONDS)
