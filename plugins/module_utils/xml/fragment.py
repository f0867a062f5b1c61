# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A piece of libvirt's XML put into a definition: what no option has, said by the operator in libvirt's own words.

A fragment only adds: a definition that contains it already is left as it is, whatever else libvirt has written there.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.tree import parse

# Elements of which there may be several: what tells one from another. Where nothing does, each is one of its own.
_KEYS = {
    "timer": "@name",
    "feature": "@name",
    "vcpupin": "@vcpu",
    "cell": "@id",
    "sibling": "@id",
    "disk": "target/@dev",
    "interface": "mac/@address",
    "boot": "",
    "parameter": "@name",
}
_SINGLE_DEVICES = ("emulator", "memballoon")


def check_fragment(text: str) -> None:
    """Whether it can be put into a definition.

    Raises:
        InvalidInput: it is no XML, or does not begin with ``<domain>``.
    """
    root = parse(text)
    if root.tag != "domain":
        raise InvalidInput("xml is no part of a domain", found=f"<{root.tag}>", expected="<domain>...</domain>")


def lacking(fragment: str, definition: str) -> tuple[tuple[str, str], ...]:
    """What of a fragment a definition does not have: for each part its path and its own words."""
    return tuple(_lacking(parse(fragment), parse(definition), ""))


def merged(fragment: str, definition: str) -> str:
    """The definition with the fragment in it."""
    root = parse(definition)
    _merge(parse(fragment), root)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode")


def _text(element: ET.Element) -> str:
    return (element.text or "").strip()


def _contains(there: ET.Element, wanted: ET.Element) -> bool:
    return (
        all(there.get(name) == value for name, value in wanted.items())
        and _text(wanted) in ("", _text(there))
        and all(any(_contains(mine, part) for mine in there.findall(part.tag)) for part in wanted)
    )


def _key(element: ET.Element, path: str) -> str | None:
    tag, _at, attribute = path.rpartition("@")
    holder = element.find(tag.rstrip("/")) if tag else element
    value = holder.get(attribute) if holder is not None and attribute else None
    return value.lower() if value is not None else None


def _counterpart(parent: ET.Element, wanted: ET.Element) -> ET.Element | None:
    """The element that the wanted one is to be put into."""
    there = parent.findall(wanted.tag)
    if wanted.tag in _KEYS:
        key = _key(wanted, _KEYS[wanted.tag])
        return next((mine for mine in there if key is not None and _key(mine, _KEYS[wanted.tag]) == key), None)
    if parent.tag == "devices" and wanted.tag not in _SINGLE_DEVICES:
        return None
    return there[0] if there else None


def _lacking(wanted: ET.Element, there: ET.Element, path: str) -> Iterator[tuple[str, str]]:
    for part in wanted:
        if any(_contains(mine, part) for mine in there.findall(part.tag)):
            continue
        where = f"{path}{part.tag}"
        counterpart = _counterpart(there, part)
        if counterpart is None:
            yield where, " ".join(ET.tostring(part, encoding="unicode").split())
            continue
        for name, value in part.items():
            if counterpart.get(name) != value:
                yield f"{where}@{name}", value
        if _text(part) not in ("", _text(counterpart)):
            yield where, _text(part)
        yield from _lacking(part, counterpart, f"{where}/")


def _merge(wanted: ET.Element, there: ET.Element) -> None:
    for part in wanted:
        if any(_contains(mine, part) for mine in there.findall(part.tag)):
            continue
        counterpart = _counterpart(there, part)
        if counterpart is None:
            there.append(part)
            continue
        for name, value in part.items():
            counterpart.set(name, value)
        if _text(part):
            counterpart.text = part.text
        _merge(part, counterpart)
