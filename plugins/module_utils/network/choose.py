# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which program manages a host's network."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict
from ansible_collections.xenfleet.xen.plugins.module_utils.network import interfaces
from ansible_collections.xenfleet.xen.plugins.module_utils.network.ifupdown import PATH, Ifupdown
from ansible_collections.xenfleet.xen.plugins.module_utils.network.networkd import Networkd
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.network import NetworkBackend

_REMEDY = (
    "Start systemd-networkd (systemctl enable --now systemd-networkd): it leaves alone the interfaces that it has no"
    " files for, so that these can stay with what manages them now."
)


def choose(commands: Commands, root: Path = Path("/")) -> NetworkBackend:
    """The program that will keep the host's bonds and bridges over a restart: systemd-networkd where it runs, or else ifupdown.

    Args:
        commands: how to run programs.
        root: the top of the host's file system.

    Raises:
        Conflict: there is none that this collection can write for; says what was found.
    """
    if commands.has("networkctl") and _active(commands, "systemd-networkd"):
        return Networkd(commands, root)
    if commands.has("ifup") and _active(commands, "networking"):
        if interfaces.reads(root, PATH):
            return Ifupdown(commands, root)
        raise Conflict(
            "ifupdown would not read the file of this host's bonds and bridges",
            found="no line in /etc/network/interfaces that names it",
            expected=f"a line that takes {PATH} in",
            remedy="Add to /etc/network/interfaces: source /etc/network/interfaces.d/*",
        )
    network_manager = _active(commands, "NetworkManager")
    raise Conflict(
        "neither systemd-networkd nor ifupdown runs on this host",
        found="NetworkManager, which is not supported"
        if network_manager
        else "no manager of networks that is known here",
        expected="systemd-networkd, or ifupdown (networking.service), active",
        remedy=_REMEDY,
    )


def _active(commands: Commands, service: str) -> bool:
    """Whether a service runs."""
    if not commands.has("systemctl"):
        return False
    return commands.run(["systemctl", "is-active", "--quiet", f"{service}.service"], check=False).status == 0
