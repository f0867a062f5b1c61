# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operations need to make a machine a Xen host."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from ansible_collections.xenfleet.xen.plugins.module_utils.model.dom0 import Machine, Service, Unit
from ansible_collections.xenfleet.xen.plugins.module_utils.model.firewall import FoundFirewalls
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size


class HostMachine(Protocol):
    """The machine itself, which is to be a Xen host."""

    def read(self) -> Machine:
        """What it is, and what runs on it."""

    def missing_packages(self, names: Collection[str]) -> tuple[str, ...]:
        """Which of these Debian packages are not installed."""

    def started_by_xl(self) -> tuple[str, ...]:
        """What lies in the folders from which ``xendomains`` starts guests."""

    def save_room(self) -> Size:
        """How much fits where libvirt saves guests' memory."""

    def has_xen_driver(self) -> bool:
        """Whether libvirt has its Xen driver."""


class HostConfig(Protocol):
    """Configuration files of the host. Every call may raise ``CommandFailed``."""

    def read(self, path: str) -> str | None:
        """A file's content; None where there is none."""

    def write(self, path: str, text: str) -> None:
        """Give a file this content, whole or not at all, and its folder if that is missing."""

    def remove(self, path: str) -> None:
        """Remove a file; one that is gone is no error."""


class HostServices(Protocol):
    """The services of systemd on the host. Every call may raise ``CommandFailed``."""

    def found(self, units: Collection[Unit]) -> Mapping[Unit, Service]:
        """How some services are."""

    def listens(self, unit: Unit) -> bool:
        """Whether a service is started by its socket when it is asked."""

    def set_enabled(self, unit: Unit, *, enabled: bool) -> None:
        """Let a service start with the machine, or not."""

    def set_active_quietly(self, unit: Unit, *, active: bool) -> None:
        """Let a service count as running, or not, without what it does at its start and stop."""

    def restart(self, unit: Unit) -> None:
        """Stop a service and start it."""

    def reload(self) -> None:
        """Let systemd read its files again."""

    def journal(self, unit: Unit) -> str:
        """What a service wrote since the machine's start, the last of it."""


class HostFirewalls(Protocol):
    """The firewalls of the host."""

    def found(self, network: str | None) -> FoundFirewalls:
        """Which are at work and what they have for a network; nothing where none is asked for."""
