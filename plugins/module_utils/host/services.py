# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services of systemd; implements ``ports.dom0.HostServices``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed
from ansible_collections.xenfleet.xen.plugins.module_utils.files import write_whole
from ansible_collections.xenfleet.xen.plugins.module_utils.model.dom0 import Service, Unit
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult, Commands

RUNTIME = "run/systemd/system"
_COMMAND_SECONDS = 300
_QUIET = {
    True: "[Service]\nExecStartPre=\nExecStart=\nExecStart=/bin/true\nExecStartPost=\n",
    False: "[Service]\nExecStop=\nExecStopPost=\n",
}


class SystemdServices:
    """Services of this machine.

    Args:
        commands: programs of the host.
        root: the top of the host's file system.
    """

    def __init__(self, commands: Commands, root: Path = Path("/")) -> None:
        self._commands = commands
        self._root = root

    def found(self, units: Collection[Unit]) -> Mapping[Unit, Service]:
        """How some services are."""
        properties = "--property=LoadState,ActiveState,UnitFileState"
        told = self._systemctl("show", properties, *(f"{unit.value}.service" for unit in units)).stdout
        blocks = [block for block in told.split("\n\n") if block.strip()]
        if len(blocks) != len(units):
            raise CommandFailed("'systemctl show' does not tell how the services are", found=repr(told[:200]))
        return {unit: self._service(unit, block) for unit, block in zip(units, blocks, strict=True)}

    def listens(self, unit: Unit) -> bool:
        """Whether a service is started by its socket when it is asked."""
        return self._systemctl("is-active", "--quiet", f"{unit.value}.socket", check=False).status == 0

    def set_enabled(self, unit: Unit, *, enabled: bool) -> None:
        """Let a service start with the machine, or not."""
        self._systemctl("enable" if enabled else "disable", f"{unit.value}.service")

    def set_active_quietly(self, unit: Unit, *, active: bool) -> None:
        """Let a service count as running, or not. What it does at its start and stop is taken away meanwhile.

        ``xendomains`` would save every guest when it is stopped, and ``libvirt-guests`` start those of its last list.
        """
        folder = self._root / RUNTIME / f"{unit.value}.service.d"
        quiet = folder / "zz-xenfleet.conf"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(quiet, _QUIET[active].encode(), 0o644)
        except OSError as error:
            raise CommandFailed(f"{quiet} cannot be written", found=str(error)) from error
        try:
            self.reload()
            self._systemctl("start" if active else "stop", f"{unit.value}.service")
        finally:
            quiet.unlink(missing_ok=True)
            self.reload()

    def restart(self, unit: Unit) -> None:
        """Stop a service and start it."""
        self._systemctl("restart", f"{unit.value}.service")

    def reload(self) -> None:
        """Let systemd read its files again."""
        self._systemctl("daemon-reload")

    def journal(self, unit: Unit) -> str:
        """What a service wrote since the machine's start, the last of it."""
        argv = ["journalctl", "--boot", "--no-pager", "--output=cat", "--lines=200", f"--unit={unit.value}.service"]
        return self._commands.run(argv, check=False, timeout=_COMMAND_SECONDS).stdout

    def _service(self, unit: Unit, block: str) -> Service:
        values = dict(line.partition("=")[::2] for line in block.splitlines())
        state = values.get("UnitFileState", "")
        if state == "generated":  # from a script in /etc/init.d
            enabled = self._systemctl("is-enabled", "--quiet", f"{unit.value}.service", check=False).status == 0
        else:
            enabled = state in ("enabled", "enabled-runtime")
        return Service(
            known=values.get("LoadState") != "not-found",
            enabled=enabled,
            active=values.get("ActiveState") in ("active", "activating", "reloading"),
        )

    def _systemctl(self, *arguments: str, check: bool = True) -> CommandResult:
        return self._commands.run(["systemctl", *arguments], check=check, timeout=_COMMAND_SECONDS)
