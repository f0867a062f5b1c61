# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The firewalls of a host, as far as they matter to what guests' memory comes in by."""

from __future__ import annotations

from dataclasses import dataclass

MIGRATION_PORTS = (49152, 49216)  # fixed in libvirt's Xen driver, the last one included


@dataclass(frozen=True)
class FoundFirewalls:
    """Which of them are at work, and what they have; None is 'not at work'.

    Attributes:
        nftables: the text of nftables.conf, which the service ``nftables`` loads.
        dropin: the text of the file with our rules beside it; '' where there is none.
        firewalld: whether firewalld has the rule that is wanted.
        ufw: what ``ufw show added`` prints.
    """

    nftables: str | None = None
    dropin: str = ""
    firewalld: bool | None = None
    ufw: str | None = None
