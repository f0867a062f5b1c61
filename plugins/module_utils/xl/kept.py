# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What the options have no place for, of the disks and network interfaces of a file, and what both kinds share.

It is kept under keys that say where it was: ``disks[xvda].script`` and ``networks[0].mtu`` for one part of a device that
the options have, ``disk[2]`` and ``vif[0]`` (the file's own keys, and the position in its list) for a whole device that they
do not have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import Value

_KEPT = re.compile(r"(disk|vif)\[([0-9]{1,4})\]|(disks|networks)\[([A-Za-z0-9]{1,32})\]\.([a-z][a-z0-9_-]*)", re.ASCII)
# The key of a user of Ceph.
_LOGIN = re.compile(r"(:key=)[^:,'\"\s]*", re.ASCII)

Part: TypeAlias = "str | bool"
Parts: TypeAlias = "dict[str, dict[str, Part]]"


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

    def keep_part(self, key: str, value: Part, why: str = "there is no option for it") -> None:
        """Keep a part of a device that the option has no place for."""
        self.unknown[key] = value
        self.notes.append(f"{key}: {why}; it is kept under 'unknown'")

    def keep_whole(self, key: str, spec: str, why: str) -> None:
        """Keep a device that cannot be an option at all."""
        self.unknown[key] = spec
        self.notes.append(_LOGIN.sub(r"\1(hidden)", f"{key}: {spec!r} is kept under 'unknown', for {why}"))


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


def listed(value: Value, key: str, parse: Callable[[str], Any]) -> list[tuple[str, str, Any]]:
    """The devices of a list: the position as a key, the text, and what it says.

    Raises:
        InvalidInput: it is no list of devices.
    """
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


def refusal(check: Callable[[list[Any]], object], devices: list[Any]) -> str | None:
    """Why the model would not have them together."""
    try:
        check(devices)
    except InvalidInput as error:
        return error.message + (f" ({error.found})" if error.found else "")
    return None


def joined(device: str, said: Mapping[str, Part], kept: Mapping[str, Part]) -> tuple[tuple[str, Part], ...]:
    """The parts of a device that its option says, and those that were kept of it.

    Raises:
        InvalidInput: a part is in both.
    """
    for name in said.keys() & kept.keys():
        raise InvalidInput(f"{device}.{name}: given by an option, and also in 'unknown'")
    return (*said.items(), *kept.items())


def no_orphans(parts: Parts, option: str) -> None:
    """See that no part is left of a device that is not there.

    Raises:
        InvalidInput: one is.
    """
    for device, found in parts.items():
        raise InvalidInput(
            f"'unknown' has {', '.join(f'{option}[{device}].{name}' for name in found)}, but there is no {option}[{device}]",
            remedy="Take it out, or put the device back.",
        )


def with_whole(written: list[Value], whole: Mapping[int, str]) -> list[Value]:
    """The list with the devices that were kept as they are back at their positions."""
    for index in sorted(whole):
        written.insert(index, whole[index])
    return written
