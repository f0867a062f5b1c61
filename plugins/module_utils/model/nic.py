# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A guest's network interface."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import interface_name, mac_address


@dataclass(frozen=True)
class Nic:
    """A network interface of a guest.

    Attributes:
        mac: its MAC address in lower case; None where one has still to be given.
        bridge: the host's bridge it hangs on; None when it was found on something else and is left there.
        addresses: the addresses that the guest was given for it, as address/prefix. They are kept in the definition's
            metadata, so that the park knows them without asking the guest. In what an operator declares, None is 'not managed'.
    """

    mac: str | None
    bridge: str | None
    addresses: tuple[str, ...] | None = ()

    def __str__(self) -> str:
        where = f"bridge {self.bridge}" if self.bridge else "no bridge"
        return f"{where}, {', '.join(self.addresses)}" if self.addresses else where


def checked_nics(nics: Iterable[Nic]) -> tuple[Nic, ...]:
    """Interfaces with names and addresses checked and written the one way.

    Raises:
        InvalidInput: a MAC address is named twice or is none, or a bridge or an address is none.
    """
    result: list[Nic] = []
    for nic in nics:
        mac = None if nic.mac is None else mac_address(nic.mac, field="networks.mac")
        if mac is not None and any(other.mac == mac for other in result):
            raise InvalidInput(f"the MAC address {mac} is named twice", remedy="Give each interface one of its own.")
        if nic.bridge is None:
            raise InvalidInput("networks.bridge is missing")
        interface_name(nic.bridge, field="networks.bridge")
        result.append(replace(nic, mac=mac, addresses=_addresses(nic.addresses)))
    return tuple(result)


def _addresses(texts: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if texts is None else tuple(_address(text) for text in texts)


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_interface(text))
    except ValueError as error:
        raise InvalidInput(
            "networks.addresses has something that is no address",
            found=repr(text),
            expected="address/prefix, such as 10.10.0.11/24",
        ) from error
