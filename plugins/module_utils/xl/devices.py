# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The disks and network interfaces of a file to the options ``disks`` and ``networks``, and back.

What the options have no place for is kept under keys that say where it was: ``disks[xvda].script`` and ``networks[0].rate``
for one part of a device that the options have, ``disk[2]`` and ``vif[0]`` (the file's own keys, and the position in its list)
for a whole device that they do not have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import FORMATS, Disk, checked_disks
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic, checked_nics
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.disk import XlDisk, parse_disk, render_disk
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import Value
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.vif import Rate, XlVif, parse_vif, render_vif

_KEPT = re.compile(r"(disk|vif)\[([0-9]{1,4})\]|(disks|networks)\[([A-Za-z0-9]{1,32})\]\.([a-z][a-z0-9_-]*)", re.ASCII)

Parts: TypeAlias = "dict[str, dict[str, str | bool]]"


@dataclass
class Taken:
    """What was taken of a list of devices.

    Attributes:
        options: the devices as an option has them.
        unknown: what the option has no place for.
        notes: sentences on both.
    """

    options: list[dict[str, Any]] = field(default_factory=list)
    unknown: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def keep_part(self, key: str, value: str | bool) -> None:
        """Keep a part of a device that the option has no place for."""
        self.unknown[key] = value
        self.notes.append(f"{key}: there is no option for it; it is kept under 'unknown'")

    def keep_whole(self, key: str, spec: str, why: str) -> None:
        """Keep a device that cannot be an option at all."""
        self.unknown[key] = spec
        self.notes.append(f"{key}: {spec!r} is kept under 'unknown', for {why}")


@dataclass
class Kept:
    """What ``unknown`` has of devices, and the rest of it.

    Attributes:
        settings: keys of the file.
        parts: of ``disks`` and ``networks``: which device, and key and value of each part.
        whole: of ``disk`` and ``vif``: position in the list, and the device as it was.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    parts: dict[str, Parts] = field(default_factory=lambda: {"disks": {}, "networks": {}})
    whole: dict[str, dict[int, str]] = field(default_factory=lambda: {"disk": {}, "vif": {}})


def sort_kept(unknown: Mapping[str, Any]) -> Kept:
    """Tell keys of the file from what was kept of devices.

    Raises:
        InvalidInput: something is kept that no device can have.
    """
    kept = Kept()
    for key, value in unknown.items():
        match = _KEPT.fullmatch(str(key))
        if match is None:
            kept.settings[str(key)] = value
        elif match[1] and isinstance(value, str):
            kept.whole[match[1]][int(match[2])] = value
        elif match[3] and isinstance(value, (str, bool, int)):
            kept.parts[match[3]].setdefault(match[4], {})[match[5]] = value if isinstance(value, bool) else str(value)
        else:
            raise InvalidInput(f"unknown[{key!r}] cannot be written", found=repr(value)[:80], expected="a text")
    return kept


def read_disks(value: Value) -> Taken:
    """The disks that a file lists.

    Raises:
        InvalidInput: something in it is no disk.
    """
    taken = Taken()
    models: list[Disk] = []
    for key, spec, disk in _listed(value, "disk", parse_disk):
        model = Disk(disk.vdev, disk.source, disk.format, disk.readonly, disk.shareable)
        why = _why_no_option(disk) or _refusal(checked_disks, [*models, model])
        if why:
            taken.keep_whole(key, spec, why)
            continue
        models.append(model)
        if disk.source and disk.source not in spec:
            taken.notes.append(
                f"disks[{disk.vdev}].source: {spec!r} is read as {disk.source}, for block devices are in /dev"
            )
        for name, part in (*((("devtype", "cdrom"),) if disk.cdrom else ()), *disk.extra):
            taken.keep_part(f"disks[{disk.vdev}].{name}", part)
    taken.options = [
        {"target": m.target, "source": m.source, "format": m.format, "readonly": m.readonly, "shareable": m.shareable}
        for m in models
    ]
    return taken


def write_disks(entries: list[Mapping[str, Any]], kept: Kept) -> list[Value]:
    """The disks for a file.

    Raises:
        InvalidInput: one of them is none, or a part is kept of one that is not among them.
    """
    models = checked_disks(
        Disk(
            target=str(entry.get("target") or ""),
            source=_required(entry, "disks", "source"),
            format=str(entry.get("format") or "raw"),
            readonly=_flag(entry, "readonly"),
            shareable=_flag(entry, "shareable"),
        )
        for entry in entries
    )
    parts = dict(kept.parts["disks"])
    written: list[Value] = []
    for model in models:
        extra = dict(parts.pop(model.target, {}))
        disk = XlDisk(model.target, model.source, model.format, model.readonly, model.shareable)
        if extra.pop("devtype", None) == "cdrom":
            disk = replace(disk, cdrom=True, readonly=True)
        written.append(render_disk(replace(disk, extra=tuple(extra.items()))))
    _no_orphans(parts, "disks")
    return _with_whole(written, kept.whole["disk"])


def read_vifs(value: Value) -> Taken:
    """The network interfaces that a file lists.

    Raises:
        InvalidInput: something in it is none.
    """
    taken = Taken()
    models: list[Nic] = []
    for key, spec, vif in _listed(value, "vif", parse_vif):
        if vif.bridge is None:
            taken.keep_whole(key, spec, "it names no bridge: xl takes xenbr0, or what its host's xl.conf says")
            continue
        model = Nic(vif.mac, vif.bridge)
        why = _refusal(checked_nics, [*models, model])
        if why:
            taken.keep_whole(key, spec, why)
            continue
        name = f"networks[{len(models)}]"
        addressed = _addressed(model, vif.ip)
        if addressed is None:
            taken.unknown[f"{name}.ip"] = " ".join(vif.ip)
            taken.notes.append(
                f"{name}.ip: addresses without a prefix are no 'addresses'; they are kept under 'unknown'"
            )
        models.append(addressed or model)
        for part, content in (*((("rate", str(vif.rate)),) if vif.rate else ()), *vif.extra):
            taken.keep_part(f"{name}.{part}", content)
    taken.options = [{"mac": m.mac, "bridge": m.bridge, "addresses": list(m.addresses or ())} for m in models]
    return taken


def write_vifs(entries: list[Mapping[str, Any]], kept: Kept) -> list[Value]:
    """The network interfaces for a file.

    Raises:
        InvalidInput: one of them is none, or a part is kept of one that is not among them.
    """
    models = checked_nics(
        Nic(
            mac=str(entry["mac"]) if entry.get("mac") else None,
            bridge=_required(entry, "networks", "bridge"),
            addresses=tuple(str(address) for address in entry.get("addresses") or ()),
        )
        for entry in entries
    )
    parts = dict(kept.parts["networks"])
    written: list[Value] = []
    for index, model in enumerate(models):
        extra = dict(parts.pop(str(index), {}))
        rate = extra.pop("rate", None)
        ip = str(extra.pop("ip", "")).split()
        if ip and model.addresses:
            raise InvalidInput(
                f"networks[{index}] has addresses twice", remedy=f"Take networks[{index}].ip from 'unknown'."
            )
        vif = XlVif(
            bridge=model.bridge,
            mac=model.mac,
            ip=tuple(ip) or model.addresses or (),
            rate=Rate.parse(str(rate)) if rate else None,
            extra=tuple(extra.items()),
        )
        written.append(render_vif(vif))
    _no_orphans(parts, "networks")
    return _with_whole(written, kept.whole["vif"])


def _listed(value: Value, key: str, parse: Callable[[str], Any]) -> list[tuple[str, str, Any]]:
    if not isinstance(value, list):
        raise InvalidInput(f"{key} is no list", found=repr(value)[:80], expected=f"{key} = [ '...', ]")
    found = []
    for index, spec in enumerate(value):
        if not isinstance(spec, str):
            raise InvalidInput(f"{key}[{index}] is no text", found=repr(spec)[:80], expected=f"{key} = [ '...', ]")
        try:
            found.append((f"{key}[{index}]", spec, parse(spec)))
        except InvalidInput as error:
            error.message = f"{key}[{index}]: {error.message}"
            raise
    return found


def _why_no_option(disk: XlDisk) -> str | None:
    if disk.source is None:
        return "an empty drive cannot be an option"
    if disk.format not in FORMATS:
        return f"the format {disk.format} cannot be an option"
    return None


def _refusal(check: Callable[[list[Any]], object], devices: list[Any]) -> str | None:
    """Why the model would not have them together."""
    try:
        check(devices)
    except InvalidInput as error:
        return error.message + (f" ({error.found})" if error.found else "")
    return None


def _addressed(nic: Nic, addresses: tuple[str, ...]) -> Nic | None:
    """The interface with its addresses; None when one has no prefix, or is none."""
    if not all("/" in address for address in addresses):
        return None
    try:
        return checked_nics([replace(nic, addresses=addresses)])[0]
    except InvalidInput:
        return None


def _required(entry: Mapping[str, Any], option: str, name: str) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{option}.{name} is missing", found=repr(entry)[:80])
    return value


def _flag(entry: Mapping[str, Any], name: str) -> bool:
    value = entry.get(name)
    if not isinstance(value, (bool, type(None))):
        raise InvalidInput(f"disks.{name} makes no sense", found=repr(value)[:80], expected="true or false")
    return bool(value)


def _no_orphans(parts: Parts, option: str) -> None:
    for device, found in parts.items():
        raise InvalidInput(
            f"'unknown' has {', '.join(f'{option}[{device}].{name}' for name in found)}, but there is no {option}[{device}]",
            remedy="Take it out, or put the device back.",
        )


def _with_whole(written: list[Value], whole: Mapping[int, str]) -> list[Value]:
    """The list with the devices that were kept as they are back at their positions."""
    for index in sorted(whole):
        written.insert(index, whole[index])
    return written
