# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The firewalls of a host, as far as they are at work; implements ``ports.dom0.HostFirewalls``."""

from __future__ import annotations

from ansible_collections.xenfleet.xen.plugins.module_utils.model.firewall import FoundFirewalls
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.firewall import DROPIN, NFTABLES, firewalld_rule
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.dom0 import HostConfig

_COMMAND_SECONDS = 60


class LocalFirewalls:
    """Firewalls of this machine.

    Args:
        commands: programs of the host.
        config: its files.
    """

    def __init__(self, commands: Commands, config: HostConfig) -> None:
        self._commands = commands
        self._config = config

    def found(self, network: str | None) -> FoundFirewalls:
        """Which are at work, and what they have for a network; nothing where none is asked for."""
        if network is None:
            return FoundFirewalls()
        return FoundFirewalls(
            nftables=self._config.read(NFTABLES) if self._active("nftables") else None,
            dropin=self._config.read(DROPIN) or "",
            firewalld=self._firewalld(network) if self._active("firewalld") else None,
            ufw=self._ufw(),
        )

    def _active(self, service: str) -> bool:
        return self._run("systemctl", "is-active", "--quiet", f"{service}.service")[0] == 0

    def _firewalld(self, network: str) -> bool:
        return self._run("firewall-cmd", "--permanent", f"--query-rich-rule={firewalld_rule(network)}")[0] == 0

    def _ufw(self) -> str | None:
        if not self._commands.has("ufw") or "Status: active" not in self._run("ufw", "status")[1]:
            return None
        return self._run("ufw", "show", "added")[1]

    def _run(self, *argv: str) -> tuple[int, str]:
        done = self._commands.run(argv, check=False, timeout=_COMMAND_SECONDS)
        return done.status, done.stdout
