# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the operations need to work on a host's network."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import FileChange, Replacement, Report
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import Bond, Bridge, HostNetwork
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Links


class HostLinks(Protocol):
    """The network interfaces of the host, as its kernel has them."""

    def read(self) -> Links:
        """All interfaces, and those that carry the management connection."""

    def delete(self, name: str) -> None:
        """Remove a virtual interface; one that is gone already is no error."""

    def release(self, name: str) -> None:
        """Take an interface out of its bond or bridge."""

    def add_bond(self, bond: Bond) -> None:
        """Make a bond, without members."""

    def add_bridge(self, bridge: Bridge) -> None:
        """Make a bridge, without ports."""

    def add_vlan(self, bridge: Bridge) -> None:
        """Make the VLAN interface under a bridge."""

    def adjust_bond(self, bond: Bond) -> None:
        """Set what a running bond takes without its members being taken out."""

    def adjust_bridge(self, bridge: Bridge, links: Links) -> None:
        """Set what a running bridge takes, its VLAN interface, and what its ports carry."""

    def drop_address(self, name: str, address: str) -> None:
        """Take an address away."""

    def drop_routes(self, name: str) -> None:
        """Take all routes over an interface away."""

    def guest_of(self, port: str) -> str | None:
        """The guest that an interface belongs to, as far as that is known."""


class NetworkBackend(Protocol):
    """The program that makes the host's bonds and bridges at every start, and its files."""

    def stored(self) -> HostNetwork:
        """The bonds and bridges in the files that this collection has written."""

    def edited(self, declared: HostNetwork) -> tuple[str, ...]:
        """Files of ours, concerning what is declared, that somebody else has written to."""

    def unsupported(self, declared: HostNetwork) -> tuple[str, ...]:
        """What of the declared network the program cannot keep, in words."""

    def claims(self, names: Collection[str], links: Links, without: Collection[str] = ()) -> dict[str, str]:
        """Which of these interfaces something else manages, and what that is; some files give way."""

    def replacements(self, paths: Iterable[str], names: Collection[str], links: Links) -> tuple[Replacement, ...]:
        """What becomes of files of somebody else that give way to what is declared of these interfaces."""

    def changes(
        self, before: HostNetwork, after: HostNetwork, named: Collection[str], create: Collection[str]
    ) -> dict[str, FileChange]:
        """What differs between two networks, in the files of what is named and of what is to be made, by path."""

    def write(self, changes: Mapping[str, FileChange]) -> None:
        """Change files, all of them or none."""

    def reload(self, names: Collection[str]) -> None:
        """Let the program bring these interfaces to what its files say now; nothing is taken down that they do not change."""

    def reconfigure(self, names: Collection[str]) -> None:
        """Let the program look at some interfaces again."""


class NetworkGuard(Protocol):
    """What takes a change of the network back by itself, whatever becomes of the controller and the connection."""

    def report(self, token: str | None = None) -> Report:
        """What has become of a change; without a token, of the one that waits."""

    def arm(self, token: str, seconds: int, names: Collection[str], files: Mapping[str, FileChange]) -> Report:
        """Keep what is there now, and start the clock."""

    def detach(self, work: Callable[[], Sequence[str]]) -> None:
        """Do the work, which returns warnings, without this process and its connection; note how it went."""

    def confirm(self, token: str) -> Report:
        """Let a change that was applied be; what has become of it."""
