# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What the inventory runs on a Xen host: prints the host and its guests as one JSON document.

It is sent over SSH to the host's own Python and stands alone: standard library and libvirt's binding only. The
libvirt URI is its one argument. Definitions are passed on as they are; the controller reads them.
"""

from __future__ import annotations

import json
import sys

DOM0_UUID = "00000000-0000-0000-0000-000000000000"


def main() -> None:
    """Ask libvirt, and print."""
    import libvirt  # only the host has it: the controller reads this file, and runs none of it

    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    try:
        connection = libvirt.openReadOnly(sys.argv[1]) if sys.argv[1].startswith("xen") else libvirt.open(sys.argv[1])
    except libvirt.libvirtError as error:
        sys.stdout.write(json.dumps({"error": error.get_error_message()}))
        return
    saved = {guest.name() for guest in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE)}
    starting = {guest.name() for guest in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART)}
    guests = []
    for guest in connection.listAllDomains():
        if guest.UUIDString() == DOM0_UUID:
            continue
        try:
            guests.append(
                {
                    "name": guest.name(),
                    "state": guest.state()[0],
                    "running_xml": guest.XMLDesc() if guest.isActive() else None,
                    "stored_xml": guest.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE) if guest.isPersistent() else None,
                    "autostart": guest.name() in starting,
                    "managed_save": guest.name() in saved,
                }
            )
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:  # else it went between the list and the question
                guests.append({"name": guest.name(), "error": error.get_error_message()})
    try:
        free = connection.getFreeMemory()
    except libvirt.libvirtError:
        free = None
    sys.stdout.write(
        json.dumps(
            {
                "host": {
                    "hostname": connection.getHostname(),
                    "type": connection.getType(),
                    "xen_version": connection.getVersion(),
                    "libvirt_version": connection.getLibVersion(),
                    "memory_total_mib": connection.getInfo()[1],
                    "memory_free": free,
                    "cpus": connection.getInfo()[2],
                },
                "guests": guests,
            }
        )
    )


if __name__ == "__main__":
    main()
