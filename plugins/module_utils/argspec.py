# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The options of a guest: one specification for the module, the list module and the roles, and its reading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.xenfleet.xen.plugins.module_utils.argspec_fields import FIELDS, read_fields
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.device_options import read_disk, read_nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import (
    DEVICES,
    DRIVERS,
    FORMATS,
    Disk,
    checked_disks,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import (
    Declaration,
    Domain,
    TargetState,
    WaitFor,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import guest_name
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic, checked_nics
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.fragment import check_fragment

Spec = dict[str, Any]

URI_SPEC: Spec = {"uri": {"type": "str", "default": "xen:///system"}}

PENDING_SPEC: Spec = {
    "pending_paths": {"type": "list", "elements": "path", "default": []},
    "pending_bridges": {"type": "list", "elements": "str", "default": []},
}


def domain_spec() -> Spec:
    """The options of one guest."""
    return {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": [state.value for state in TargetState], "default": "running"},
        **{name: option.spec for name, option in FIELDS.items()},
        "disks": {"type": "list", "elements": "dict", "options": _DISK_SPEC},
        "unlisted_disks": {"type": "str", "choices": ["keep", "detach"], "default": "keep"},
        "networks": {"type": "list", "elements": "dict", "options": _NETWORK_SPEC},
        "unlisted_networks": {"type": "str", "choices": ["keep", "detach"], "default": "keep"},
        "autostart": {"type": "bool"},
        "remove_disks": {"type": "list", "elements": "str", "default": []},
        "xml": {"type": "str"},
        "timeout": {"type": "float", "default": 120.0},
        "force": {"type": "bool", "default": False},
        "restart": {"type": "str", "choices": ["never", "if_needed"], "default": "never"},
        "wait_for": {"type": "str", "choices": [wait.value for wait in WaitFor]},
        "wait_port": {"type": "int", "default": 22},
        "wait_timeout": {"type": "float", "default": 300.0},
    }


_DISK_SPEC: Spec = {
    "target": {"type": "str"},
    "device": {"type": "str", "choices": list(DEVICES), "default": "disk"},
    "source": {"type": "path"},
    "format": {"type": "str", "choices": list(FORMATS), "default": "raw"},
    "driver": {"type": "str", "choices": list(DRIVERS)},
    "readonly": {"type": "bool", "default": False},
    "shareable": {"type": "bool", "default": False},
    "discard": {"type": "bool"},
    "monitors": {"type": "list", "elements": "str"},
    "auth_user": {"type": "str"},
    # The UUID of a secret that libvirt keeps, not the secret itself.
    "auth_secret": {"type": "str", "no_log": False},
}
_NETWORK_SPEC: Spec = {
    "bridge": {"type": "str"},
    "network": {"type": "str"},
    "script": {"type": "str"},
    "mac": {"type": "str"},
    "addresses": {"type": "list", "elements": "str"},
    "guest_ips": {"type": "list", "elements": "str"},
    "openvswitch": {"type": "bool"},
    "vlan": {"type": "int"},
    "trunks": {"type": "list", "elements": "int"},
    "model": {"type": "str"},
    "rate": {"type": "str"},
}


def read_declaration(options: Mapping[str, Any]) -> Declaration:
    """What an operator declares of a guest.

    Args:
        options: as Ansible has checked them against ``domain_spec()``.

    Raises:
        InvalidInput: a value makes no sense.
    """
    name = guest_name(options["name"])
    try:
        return _read(name, options)
    except InvalidInput as error:
        error.guest = error.guest or name
        raise


def read_declarations(
    entries: Iterable[dict[str, Any]], passwords: Mapping[str, str] | None = None
) -> list[Declaration]:
    """What an operator declares of several guests: each entry checked against the options of one guest.

    Args:
        entries: the guests.
        passwords: the option ``graphics_password`` of each guest that has one. Ansible hides it only when it comes alone.

    Raises:
        InvalidInput: an entry has an option that is unknown, missing or wrong.
    """
    validator = ArgumentSpecValidator(domain_spec())
    declarations = []
    secrets = dict(passwords or {})
    for index, entry in enumerate(entries):
        checked = validator.validate(entry)
        if checked.error_messages:
            where = str(entry.get("name") or f"domains[{index}]")
            raise InvalidInput("; ".join(checked.error_messages), guest=where)
        options = checked.validated_parameters
        if options["graphics_password"] is not None:
            raise InvalidInput(
                "graphics_password in a list would be shown",
                guest=options["name"],
                remedy="Give it in graphics_passwords, by the guest's name, and choose a new one.",
            )
        declarations.append(read_declaration({**options, "graphics_password": secrets.pop(options["name"], None)}))
    if secrets:
        raise InvalidInput(f"graphics_passwords names {', '.join(sorted(secrets))}, which is not in the list")
    return declarations


def _read(name: str, options: Mapping[str, Any]) -> Declaration:
    domain = Domain(
        name=name,
        disks=_disks(options["disks"]),
        networks=_nics(options["networks"]),
        **read_fields(options),
    )
    if options["xml"] is not None:
        check_fragment(options["xml"])
    for field in ("timeout", "wait_timeout"):
        if options[field] < 0:
            raise InvalidInput(f"{field} is below zero", found=str(options[field]))
    if options["remove_disks"] and options["state"] != TargetState.ABSENT.value:
        raise InvalidInput(
            "remove_disks makes sense only for a guest that goes",
            found=f"state {options['state']}",
            remedy="To take a disk from a guest that stays, leave it out of disks, with unlisted_disks: detach.",
        )
    if not 1 <= options["wait_port"] <= 65535:
        raise InvalidInput("wait_port is no TCP port", found=str(options["wait_port"]), expected="1 to 65535")
    return Declaration(
        domain=domain,
        state=TargetState(options["state"]),
        autostart=options["autostart"],
        keep_unlisted_disks=options["unlisted_disks"] == "keep",
        keep_unlisted_networks=options["unlisted_networks"] == "keep",
        timeout=options["timeout"],
        force=options["force"],
        remove_disks=tuple(options["remove_disks"]),
        xml=options["xml"] or None,
        restart_if_needed=options["restart"] == "if_needed",
        wait_for=WaitFor(options["wait_for"]) if options["wait_for"] else None,
        wait_port=options["wait_port"],
        wait_timeout=options["wait_timeout"],
    )


def _disks(entries: list[dict[str, Any]] | None) -> tuple[Disk, ...] | None:
    if entries is None:
        return None
    return checked_disks(read_disk(entry) for entry in entries)


def _nics(entries: list[dict[str, Any]] | None) -> tuple[Nic, ...] | None:
    if entries is None:
        return None
    return checked_nics(read_nic(entry) for entry in entries)
