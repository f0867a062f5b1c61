# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A guest's network interface."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import (
    absolute_path,
    interface_name,
    mac_address,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rate import Rate

# The one without an emulated device behind it; all that PV and PVH guests can have.
NETFRONT = "netfront"
_NETWORK = re.compile(r"[^/\x00-\x1f\x7f]{1,64}")
_SCRIPT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)


@dataclass(frozen=True)
class Nic:
    """A network interface of a guest. In what an operator declares, None is 'not managed'.

    It hangs on a bridge, on a network of libvirt, or (with neither) where its script puts it.

    Attributes:
        mac: its MAC address in lower case; None where one has still to be given.
        bridge: the host's bridge.
        addresses: the addresses that the guest was given for it, as address/prefix. They are kept in the definition's
            metadata, so that the park knows them without asking the guest; nothing on the host acts on them.
        network: the name of a network of libvirt.
        script: the program that puts it into the host's network; empty: none is named, where one is taken away.
        openvswitch: the bridge is one of Open vSwitch.
        vlan: the VLAN that it is a member of there.
        trunks: the VLANs that it carries there with their tags.
        model: the emulated device, or `NETFRONT`; empty: none is named, where one is taken away.
        rate: what the guest may send.
        guest_ips: the addresses, without prefix, that the script is told, for routes and filters.
        other: what it was found to be, where no option can say that; it is left as it is.
    """

    mac: str | None
    bridge: str | None
    addresses: tuple[str, ...] | None = ()
    network: str | None = None
    script: str | None = None
    openvswitch: bool | None = False
    vlan: int | None = None
    trunks: tuple[int, ...] | None = ()
    model: str | None = None
    rate: Rate | None = None
    guest_ips: tuple[str, ...] | None = ()
    other: str | None = None

    @property
    def kind(self) -> str:
        """Libvirt's name of what it hangs on."""
        if self.bridge:
            return "bridge"
        return "network" if self.network else "ethernet"

    def over(self, found: Nic | None) -> Nic:
        """The interface that results where this one is declared, and that one is there (None: nothing is).

        Bridge, VLAN and the like are one place: what was found of it stays only where nothing else is named of it.
        """
        base = found if found is not None and found.other is None else Nic(self.mac, None)
        same_place = (self.bridge, self.network) == (base.bridge, base.network)
        place = base if same_place and self.openvswitch is None else self
        same_kind = (self.kind, bool(place.openvswitch)) == (base.kind, bool(base.openvswitch))
        script = base.script if self.script is None and same_kind else self.script
        model = base.model if self.model is None else self.model
        rate = base.rate if self.rate is None else self.rate
        guest_ips = base.guest_ips if self.guest_ips is None else self.guest_ips
        addresses = found.addresses if self.addresses is None and found is not None else self.addresses
        return replace(
            self,
            addresses=addresses or (),
            script=script or None,
            openvswitch=bool(place.openvswitch),
            vlan=place.vlan,
            trunks=place.trunks or (),
            model=model or None,
            rate=rate if rate and rate.kib else None,
            guest_ips=guest_ips or (),
        )

    def __str__(self) -> str:
        if self.other:
            return f"{self.other}, which no option can say"
        words = [f"network {self.network}" if self.network else f"bridge {self.bridge}" if self.bridge else "no bridge"]
        if self.openvswitch:
            words.append("Open vSwitch")
        if self.vlan is not None:
            words.append(f"VLAN {self.vlan}")
        if self.trunks:
            words.append(f"VLANs {' '.join(str(tag) for tag in self.trunks)}")
        if self.script:
            words.append(f"script {self.script}")
        if self.model:
            words.append(f"model {self.model}")
        if self.rate:
            words.append(f"rate {self.rate}")
        if self.guest_ips:
            words.append(f"guest's IPs {' '.join(self.guest_ips)}")
        return ", ".join([*words, *(self.addresses or ())])


def checked_nics(nics: Iterable[Nic]) -> tuple[Nic, ...]:
    """Interfaces with names and addresses checked and written the one way.

    Raises:
        InvalidInput: a MAC address is named twice or is none, or an interface hangs nowhere or contradicts itself.
    """
    result: list[Nic] = []
    for nic in nics:
        mac = None if nic.mac is None else mac_address(nic.mac, field="networks.mac")
        if mac is not None and any(other.mac == mac for other in result):
            raise InvalidInput(f"the MAC address {mac} is named twice", remedy="Give each interface one of its own.")
        _check_place(nic)
        _check_switch(nic)
        if nic.model and not _MODEL.fullmatch(nic.model):
            raise InvalidInput(
                "networks.model is no device of QEMU",
                found=repr(nic.model),
                expected="such as e1000, rtl8139, netfront",
            )
        result.append(
            replace(
                nic,
                mac=mac,
                addresses=_each(_address, nic.addresses),
                trunks=None if nic.trunks is None else tuple(sorted(set(nic.trunks))),
                guest_ips=_each(_ip, nic.guest_ips),
            )
        )
    return tuple(result)


def _check_place(nic: Nic) -> None:
    if nic.bridge is None and nic.network is None and not nic.script:
        raise InvalidInput(
            "networks.bridge is missing",
            expected="bridge, network, or (for an interface that its script alone connects) script",
        )
    if nic.bridge is not None and nic.network is not None:
        raise InvalidInput(
            "networks has an interface on a bridge and on a network of libvirt",
            found=f"bridge {nic.bridge}, network {nic.network}",
            expected="one of the two",
        )
    if nic.bridge is not None:
        interface_name(nic.bridge, field="networks.bridge")
    if nic.network is not None and not _NETWORK.fullmatch(nic.network):
        raise InvalidInput(
            "networks.network is no name of a network", found=repr(nic.network), expected="such as default"
        )
    if nic.script and nic.network is not None:
        raise InvalidInput(
            "networks.script makes no sense on a network of libvirt, which connects its interfaces itself",
            found=f"network {nic.network}, script {nic.script}",
            remedy="Name the bridge instead of the network, or no script.",
        )
    if nic.script and nic.script.startswith("/"):
        absolute_path(nic.script, field="networks.script")
    elif nic.script and not _SCRIPT.fullmatch(nic.script):
        raise InvalidInput(
            "networks.script is no program",
            found=repr(nic.script),
            expected="an absolute path, or the name of one in /etc/xen/scripts, such as vif-route",
        )


def _check_switch(nic: Nic) -> None:
    if nic.openvswitch and nic.bridge is None:
        raise InvalidInput("networks.openvswitch needs a bridge", found=str(nic), remedy="Name the bridge.")
    tags = [] if nic.vlan is None else [nic.vlan]
    tags += nic.trunks or ()
    if tags and not nic.openvswitch:
        raise InvalidInput(
            "networks.vlan and networks.trunks need openvswitch: Xen's driver in libvirt ignores VLANs of an interface"
            " on a plain bridge",
            found=str(nic),
            remedy="Hang it on a bridge that is in the VLAN, or on one of Open vSwitch with openvswitch: true.",
        )
    if nic.vlan is not None and nic.trunks:
        raise InvalidInput(
            "networks.vlan and networks.trunks exclude each other: Xen's driver in libvirt takes one of them",
            found=f"vlan {nic.vlan}, trunks {' '.join(str(tag) for tag in nic.trunks)}",
            remedy="Name the VLAN it is a member of, or those that it carries with their tags.",
        )
    for tag in tags:
        if not 1 <= tag <= 4094:
            raise InvalidInput("networks has a VLAN that is none", found=str(tag), expected="1 to 4094")


def _each(read: Callable[[str], str], texts: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if texts is None else tuple(read(text) for text in texts)


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_interface(text))
    except ValueError as error:
        raise InvalidInput(
            "networks.addresses has something that is no address",
            found=repr(text),
            expected="address/prefix, such as 10.10.0.11/24",
        ) from error


def _ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise InvalidInput(
            "networks.guest_ips has something that is no address",
            found=repr(text),
            expected="an address without prefix, such as 10.10.0.11 (addresses has those with a prefix)",
        ) from error
