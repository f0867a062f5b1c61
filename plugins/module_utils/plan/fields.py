# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A guest's configuration field by field, under the options' own names, and what differs between two of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.devices import shown

_HIDDEN = "(hidden)"
_SECRETS = ("graphics_password",)
# Each entry of these is a field of its own, as it comes and goes by itself.
_ENTRIES = ("pci_devices", "usb_devices")
_ELSEWHERE = ("name", "uuid", "disks", "networks", "labels")


@dataclass(frozen=True)
class Field:
    """What a field holds.

    Attributes:
        value: what is compared.
        text: what is shown.
    """

    value: Any
    text: str


def fields_of(domain: Domain | None) -> dict[str, Field]:
    """Each field that has a value."""
    return dict(_fields(domain)) if domain is not None else {}


def base_name(field: str) -> str:
    """The option that a field belongs to: ``disks`` for ``disks[xvda]``."""
    return field.split("[", 1)[0]


def differences(target: Domain, found: Domain | None) -> tuple[Change, ...]:
    """The fields that are not the same."""
    wanted, there = fields_of(target), fields_of(found)
    names = [*wanted, *(name for name in there if name not in wanted)]
    return tuple(
        Change(name, _text(there.get(name)), _text(wanted.get(name)))
        for name in names
        if _value(there.get(name)) != _value(wanted.get(name))
    )


def _fields(domain: Domain) -> Iterator[tuple[str, Field]]:
    for name in (field.name for field in fields(domain)):
        value = getattr(domain, name)
        if name in _ELSEWHERE or value is None or value in ((), {}):
            continue
        if name in _ENTRIES:
            yield from ((f"{name}[{entry}]", Field(entry, entry)) for entry in value)
        else:
            yield name, Field(value, _HIDDEN if name in _SECRETS else value_text(value))
    for disk in domain.disks or ():
        yield f"disks[{disk.target}]", Field(shown(disk), shown(disk))
    for nic in domain.networks or ():
        yield f"networks[{nic.mac}]", Field(shown(nic), shown(nic))
        if nic.addresses:
            yield f"addresses[{nic.mac}]", Field(nic.addresses, ", ".join(nic.addresses))
    for key, label in sorted((domain.labels or {}).items()):
        yield f"labels[{key}]", Field(label, label)


def value_text(value: object) -> str:
    """A value for a person's eyes."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return "; ".join(value_text(entry) for entry in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={value[key]}" for key in sorted(value))
    return str(value)


def _text(field: Field | None) -> str | None:
    return field.text if field is not None else None


def _value(field: Field | None) -> Any:
    return field.value if field is not None else None
