# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Guests as somebody who only looks sees them, by way of libvirt."""

from __future__ import annotations

from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.connection import libvirt
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.hypervisor import (
    listed,
    marked,
    scheduled,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.usage import read_usage
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import FoundDomain
from ansible_collections.xenfleet.xen.plugins.module_utils.model.power import power_state, state_reason
from ansible_collections.xenfleet.xen.plugins.module_utils.model.sighting import Sighting
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import parse_domain


class LibvirtViews:
    """Implements ``ports.guest.GuestViews``.

    Args:
        connection: an open libvirt connection.
    """

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def look(self, name: str | None, *, usage: bool) -> tuple[Sighting, ...]:
        """All guests, or the one of that name. Each mark is one list for all of them, not a question for each."""
        autostarted = marked(self.connection, libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART)
        saved = marked(self.connection, libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)
        persistent = marked(self.connection, libvirt.VIR_CONNECT_LIST_DOMAINS_PERSISTENT)
        seen = []
        for domain in listed(self.connection):
            guest = domain.name()
            if name not in (None, guest):
                continue
            try:
                seen.append(
                    _read(
                        domain,
                        autostart=guest in autostarted,
                        managed_save=guest in saved,
                        persistent=guest in persistent,
                        usage=usage,
                    )
                )
            except libvirt.libvirtError as error:
                # One that is gone between the list and the question is left out.
                if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                    seen.append(Sighting(guest, error=f"libvirt could not read the guest: {error.get_error_message()}"))
            except (XenfleetError, KeyError, ValueError) as error:
                seen.append(Sighting(guest, error=f"its definition cannot be read: {error}"))
        return tuple(seen)


def _read(domain: Any, *, autostart: bool, managed_save: bool, persistent: bool, usage: bool) -> Sighting:
    state, reason = domain.state()
    # Never with passwords (VIR_DOMAIN_XML_SECURE): what is read here is shown.
    running_xml = domain.XMLDesc() if domain.isActive() else None
    stored_xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) if persistent else None
    running = parse_domain(running_xml) if running_xml else None
    stored = parse_domain(stored_xml) if stored_xml else None
    if running is not None:
        running = scheduled(domain, running, stored)
    found = FoundDomain(
        name=domain.name(),
        stored=stored,
        stored_xml=stored_xml,
        running=running,
        state=power_state(state),
        autostart=autostart,
        managed_save=managed_save,
        running_xml=running_xml,
    )
    return Sighting(
        name=found.name,
        found=found,
        reason=state_reason(state, reason),
        id=domain.ID() if running is not None and domain.ID() >= 0 else None,
        usage=read_usage(domain, running, running_xml) if usage and running is not None and running_xml else None,
    )
