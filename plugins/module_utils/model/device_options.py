# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Entries of the options ``disks`` and ``networks`` to devices, and devices as such entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import DEVICES, Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rate import UNLIMITED, Rate
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rbd import Monitor, RbdLogin

Entry = Mapping[str, Any]


def read_disk(entry: Entry) -> Disk:
    """A disk as it is declared; what is not named is None in it, as far as a disk that is there can keep it.

    Raises:
        InvalidInput: a value is of the wrong kind.
    """
    device = _text(entry, "device") or "disk"
    if device not in DEVICES:
        raise InvalidInput("disks.device is no kind of disk", found=repr(device), expected=", ".join(DEVICES))
    monitors = _texts(entry, "monitors")
    user, secret = _text(entry, "auth_user"), _text(entry, "auth_secret")
    return Disk(
        target=_text(entry, "target") or "",
        source=_text(entry, "source") or None,
        format=_text(entry, "format") or "raw",
        readonly=bool(_flag(entry, "disks", "readonly")),
        shareable=bool(_flag(entry, "disks", "shareable")),
        cdrom=device == "cdrom",
        driver=_text(entry, "driver") or None,
        discard=_flag(entry, "disks", "discard"),
        monitors=None if monitors is None else tuple(Monitor.parse(text, field="disks.monitors") for text in monitors),
        login=None if user is None and secret is None else RbdLogin.parse(user or "", secret or ""),
    )


def disk_options(disk: Disk) -> dict[str, Any]:
    """A disk as an entry that declares it. What few disks have is there only for those that have it."""
    options: dict[str, Any] = {
        "target": disk.target,
        "source": disk.source,
        "format": disk.format,
        "readonly": disk.readonly,
        "shareable": disk.shareable,
    }
    more = {
        "device": "cdrom" if disk.cdrom else None,
        "driver": disk.driver,
        "discard": False if disk.discard is False else None,
        "monitors": [str(monitor) for monitor in disk.monitors or ()] or None,
        "auth_user": disk.login.user if disk.login else None,
        "auth_secret": disk.login.secret if disk.login else None,
        "found_as": disk.other,
    }
    return {**options, **{name: value for name, value in more.items() if value is not None}}


def read_nic(entry: Entry) -> Nic:
    """A network interface as it is declared, likewise.

    Raises:
        InvalidInput: a value is of the wrong kind.
    """
    vlan, trunks, rate = entry.get("vlan"), entry.get("trunks"), _text(entry, "rate")
    return Nic(
        mac=_text(entry, "mac") or None,
        bridge=_text(entry, "bridge") or None,
        addresses=_texts(entry, "addresses"),
        network=_text(entry, "network") or None,
        script=_text(entry, "script"),
        openvswitch=_flag(entry, "networks", "openvswitch"),
        vlan=None if vlan is None else _vlan(vlan),
        trunks=None if trunks is None else tuple(_vlan(tag) for tag in trunks),
        model=_text(entry, "model"),
        rate=None if rate is None else Rate.parse(rate, field="networks.rate") if rate else UNLIMITED,
        guest_ips=_texts(entry, "guest_ips"),
    )


def nic_options(nic: Nic) -> dict[str, Any]:
    """A network interface as an entry that declares it, likewise."""
    options: dict[str, Any] = {"mac": nic.mac, "bridge": nic.bridge, "addresses": list(nic.addresses or ())}
    more = {
        "network": nic.network,
        "script": nic.script,
        "openvswitch": nic.openvswitch or None,
        "vlan": nic.vlan,
        "trunks": list(nic.trunks or ()) or None,
        "model": nic.model,
        "rate": str(nic.rate) if nic.rate else None,
        "guest_ips": list(nic.guest_ips or ()) or None,
        "found_as": nic.other,
    }
    return {**options, **{name: value for name, value in more.items() if value is not None}}


def _text(entry: Entry, name: str) -> str | None:
    value = entry.get(name)
    return None if value is None else str(value)


def _texts(entry: Entry, name: str) -> tuple[str, ...] | None:
    values = entry.get(name)
    return None if values is None else tuple(str(value) for value in values)


def _flag(entry: Entry, option: str, name: str) -> bool | None:
    value = entry.get(name)
    if not isinstance(value, (bool, type(None))):
        raise InvalidInput(f"{option}.{name} makes no sense", found=repr(value)[:80], expected="true or false")
    return value


def _vlan(value: object) -> int:
    try:
        return int(str(value))
    except ValueError as error:
        raise InvalidInput("networks has a VLAN that is none", found=repr(value), expected="1 to 4094") from error
