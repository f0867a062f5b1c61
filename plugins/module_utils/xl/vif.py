# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""One network interface as xl-network-configuration(5) writes it, and as xm did."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput

_RATE = re.compile(r"([0-9]{1,12})([GMK]?[Bb])/s(?:@([0-9]{1,9}(?:ms|us|s|m|u)?))?", re.ASCII)
_FACTORS = {"G": 10**9, "M": 10**6, "K": 10**3}
_KEY = re.compile(r"[a-z][a-z0-9_-]*", re.ASCII)
_GROUP = re.compile(r"[0-9A-Fa-f]{1,2}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
# One VLAN (10, 10p, 10u), a range (10-20), or a row (100+10x4), several with slashes.
_VLAN_TERM = r"[0-9]{1,4}(?:-[0-9]{1,4}|\+[0-9]{1,4}x[0-9]{1,4})?[pu]?"
_VLAN = re.compile(rf"{_VLAN_TERM}(?:/{_VLAN_TERM})*", re.ASCII)
_CHECKED = {
    "mtu": (_NUMBER, "a number"),
    "devid": (_NUMBER, "a number"),
    "vlan": (_VLAN, "such as 10, 10p/20 or 10p/100-110"),
}
_TRUSTED = {"trusted": True, "trusted=1": True, "untrusted": False, "trusted=0": False}
# An older name of the same parameter.
_ALIASES = {"netdev": "gatewaydev"}


@dataclass(frozen=True)
class XlRate:
    """A limit of what an interface may send.

    Attributes:
        amount: how much in a second.
        unit: of that: ``B`` or ``b`` (bits), with ``K``, ``M`` or ``G`` for powers of 1000.
        interval: how often the credit is renewed, as it was written.
    """

    amount: int
    unit: str
    interval: str | None = None

    @classmethod
    def parse(cls, text: str) -> XlRate:
        """Read a rate such as ``10Mb/s`` or ``250KB/s@20ms``.

        Raises:
            InvalidInput: it is none.
        """
        match = _RATE.fullmatch(text)
        if match is None or int(match[1]) == 0:
            raise InvalidInput("rate is no rate", found=repr(text), expected="such as 10Mb/s or 250KB/s@20ms")
        return cls(int(match[1]), match[2], match[3])

    @property
    def bytes_per_second(self) -> int:
        """The same in bytes."""
        amount = self.amount * _FACTORS.get(self.unit[0], 1)
        return amount // 8 if self.unit.endswith("b") else amount

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}/s" + (f"@{self.interval}" if self.interval else "")


@dataclass(frozen=True)
class XlVif:
    """A network interface.

    Attributes:
        bridge: the host's bridge; None: the host's default.
        mac: its MAC address in lower case; None: a new one at each start.
        ip: the addresses that its script is told.
        rate: the limit of what it may send.
        extra: all else, key to value, or to whether a flag is set, in the file's order.
    """

    bridge: str | None = None
    mac: str | None = None
    ip: tuple[str, ...] = ()
    rate: XlRate | None = None
    extra: tuple[tuple[str, str | bool], ...] = ()


def parse_vif(spec: str) -> XlVif:
    """Read an interface. An empty text is one with nothing but defaults.

    Raises:
        InvalidInput: it is none.
    """
    if any(ord(char) < 32 or ord(char) == 127 for char in spec):
        raise _wrong(spec, "an interface has control characters")
    found: dict[str, str | bool] = {}
    for word in (part.strip() for part in spec.split(",")):
        key, equals, value = word.partition("=")
        key, value = _ALIASES.get(key, key), value.strip()
        if word in _TRUSTED:
            found["trusted"] = _TRUSTED[word]
        elif equals and _KEY.fullmatch(key) and key != "trusted":
            pattern, expected = _CHECKED.get(key, (None, None))
            if pattern is not None and not pattern.fullmatch(value):
                raise InvalidInput(f"{key} makes no sense", found=repr(spec[:160]), expected=expected)
            # A parameter that is named twice counts the last time, as in xl.
            found[key] = value
        elif word:
            raise _wrong(spec, f"{word!r} is no parameter of a network interface")
    known = {key: str(found.pop(key, "")) for key in ("bridge", "mac", "ip", "rate")}
    return XlVif(
        bridge=known["bridge"] or None,
        mac=_mac(known["mac"]) if known["mac"] else None,
        ip=tuple(known["ip"].split()),
        rate=XlRate.parse(known["rate"]) if known["rate"] else None,
        extra=tuple(found.items()),
    )


def render_vif(vif: XlVif) -> str:
    """Write an interface.

    Raises:
        InvalidInput: a part cannot be written.
    """
    words = [f"{key}={value}" for key, value in (("mac", vif.mac), ("bridge", vif.bridge), ("rate", vif.rate)) if value]
    if vif.ip:
        words.append("ip=" + " ".join(vif.ip))
    for key, value in vif.extra:
        words.append(f"{key}={value}" if isinstance(value, str) else ("" if value else "un") + key)
    spec = ",".join(words)
    if parse_vif(spec) != vif:
        raise InvalidInput("the network interface cannot be written", found=spec)
    return spec


def _mac(text: str) -> str:
    groups = re.split("[:-]", text)
    if len(groups) != 6 or not all(_GROUP.fullmatch(group) for group in groups):
        raise InvalidInput("mac is no MAC address", found=repr(text), expected="such as 00:16:3e:12:34:56")
    return ":".join(group.zfill(2) for group in groups).lower()


def _wrong(spec: str, message: str) -> InvalidInput:
    return InvalidInput(
        message, found=repr(spec[:160]), expected="key=value, ..., such as 'mac=00:16:3e:00:00:01,bridge=xenbr0'"
    )
