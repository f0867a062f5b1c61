# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The network interfaces of a file to the option ``networks``, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.device_options import nic_options, read_nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import NETFRONT, Nic, checked_nics
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rate import Rate
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.kept import (
    Kept,
    Part,
    Taken,
    joined,
    listed,
    no_orphans,
    refusal,
    with_whole,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import Value
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.vif import XlRate, XlVif, parse_vif, render_vif

# The scripts that need a bridge: without one xl takes the host's default.
_OPENVSWITCH = "vif-openvswitch"
_OF_BRIDGES = ("vif-bridge", _OPENVSWITCH)
# What that script takes as a bridge: its name, the VLAN of the port, and those that it carries with their tags.
_PORT = re.compile(r"([^.:]+)(?:\.([0-9]{1,4}))?((?::[0-9]{1,4})*)", re.ASCII)


def read_vifs(value: Value, *, hvm: bool) -> Taken:
    """The network interfaces that a file lists.

    Args:
        value: the file's value.
        hvm: whether it is an HVM guest's.

    Raises:
        InvalidInput: something in it is none.
    """
    taken = Taken()
    models: list[Nic] = []
    for key, spec, vif in listed(value, "vif", parse_vif):
        rest = dict(vif.extra)
        place = _place(vif, rest)
        model = replace(place, mac=vif.mac, model=_device(rest, hvm=hvm)) if isinstance(place, Nic) else None
        why = place if model is None else refusal(checked_nics, [*models, model])
        if why or model is None:
            taken.keep_whole(key, spec, str(why))
            continue
        name = f"networks[{len(models)}]"
        told = _told(model, vif.ip)
        if told is None:
            taken.keep_part(
                f"{name}.ip", " ".join(vif.ip), "some are no addresses, or some have a prefix and others have none"
            )
        models.append(told or model)
        options = nic_options(models[-1])
        if vif.rate is not None and vif.rate.interval is None:
            options["rate"] = _rate_option(vif.rate)
        elif vif.rate is not None:
            taken.keep_part(f"{name}.rate", str(vif.rate), "libvirt has no interval of a rate")
        taken.options.append(options)
        for part, content in rest.items():
            taken.keep_part(f"{name}.{part}", content)
    return taken


def write_vifs(entries: list[Mapping[str, Any]], kept: Kept) -> list[Value]:
    """The network interfaces for a file.

    Raises:
        InvalidInput: one of them is none, or a part is kept of one that is not among them.
    """
    parts = dict(kept.parts["networks"])
    written: list[Value] = []
    for index, model in enumerate(checked_nics(read_nic(entry) for entry in entries)):
        name = f"networks[{index}]"
        if model.network is not None:
            raise InvalidInput(
                f"{name} cannot be written: xl knows no networks of libvirt",
                found=f"network {model.network}",
                remedy="Name the bridge of that network.",
            )
        rest = parts.pop(str(index), {})
        rate = rest.pop("rate", None)
        if rate and model.rate:
            raise InvalidInput(f"{name} has a rate twice", remedy=f"Take {name}.rate from 'unknown'.")
        ip = str(rest.pop("ip", "")).split()
        if ip and (model.addresses or model.guest_ips):
            raise InvalidInput(f"{name} has addresses twice", remedy=f"Take {name}.ip from 'unknown'.")
        vif = XlVif(
            bridge=_port(model) if model.bridge else None,
            mac=model.mac,
            ip=tuple(ip) or model.guest_ips or model.addresses or (),
            rate=XlRate.parse(str(rate)) if rate else _written_rate(entries[index].get("rate")),
            extra=joined(name, _said(model), rest),
        )
        written.append(render_vif(vif))
    no_orphans(parts, "networks")
    return with_whole(written, kept.whole["vif"])


def _place(vif: XlVif, rest: dict[str, Part]) -> Nic | str:
    """Where it hangs, taken out of the rest; or why no option can say that."""
    script = rest.get("script")
    if vif.bridge is None:
        if not isinstance(script, str) or script in _OF_BRIDGES:
            return "it names no bridge: xl takes xenbr0, or what its host's xl.conf says"
        del rest["script"]
        return Nic(None, None, script=script)
    if script != _OPENVSWITCH:
        rest.pop("script", None)
        return Nic(None, vif.bridge, script=script if isinstance(script, str) else None)
    port = _PORT.fullmatch(vif.bridge)
    if port is None:
        return f"{_OPENVSWITCH} takes no such bridge"
    if port[2] and port[3]:
        return "libvirt's Xen driver takes a VLAN or those that are carried with their tags, not both"
    del rest["script"]
    trunks = tuple(int(tag) for tag in port[3].split(":") if tag)
    nic = Nic(None, port[1], openvswitch=True, vlan=int(port[2]) if port[2] else None, trunks=trunks)
    # Such as tags that are not in order, which would be written otherwise.
    return nic if _port(nic) == vif.bridge and trunks == tuple(sorted(set(trunks))) else "its VLANs are not in order"


def _port(nic: Nic) -> str:
    """The bridge, with its VLANs as the script for Open vSwitch takes them."""
    vlan = "" if nic.vlan is None else f".{nic.vlan}"
    return f"{nic.bridge}{vlan}{''.join(f':{tag}' for tag in nic.trunks or ())}"


def _device(rest: dict[str, Part], *, hvm: bool) -> str | None:
    """The emulated device, taken out of the rest."""
    model = rest.get("model")
    if model is None and rest.get("type") == "vif":
        del rest["type"]
        return NETFRONT
    if hvm and isinstance(model, str) and model not in ("", NETFRONT):
        del rest["model"]
        return model
    return None


def _said(nic: Nic) -> dict[str, Part]:
    """The parts that options say."""
    said: dict[str, Part] = {}
    if nic.script or nic.openvswitch:
        said["script"] = nic.script or _OPENVSWITCH
    if nic.model:
        said.update({"type": "vif"} if nic.model == NETFRONT else {"model": nic.model})
    return said


def _told(nic: Nic, texts: tuple[str, ...]) -> Nic | None:
    """The interface with the addresses of a file: with prefixes ``addresses``, without ``guest_ips``; None when they are neither."""
    with_prefix = ["/" in text for text in texts]
    told = replace(nic, addresses=texts) if all(with_prefix) else replace(nic, guest_ips=texts)
    if any(with_prefix) and not all(with_prefix):
        return None
    try:
        return checked_nics([told])[0]
    except InvalidInput:
        return None


def _rate_option(rate: XlRate) -> str:
    """A rate as it was written, but for what is written for libvirt's unit."""
    whole = rate.unit == "B" and rate.amount % 1024 == 0
    return str(Rate(rate.amount // 1024)) if whole else str(rate)


def _written_rate(value: object) -> XlRate | None:
    """A rate for a file, in bytes where xl does not have its unit."""
    if not value:
        return None
    try:
        return XlRate.parse(str(value))
    except InvalidInput:
        return XlRate(Rate.parse(value, field="networks.rate").bytes, "B")
