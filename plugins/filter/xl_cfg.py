# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Filters between configuration files of xl and xm, and the options of a guest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.options import from_options, to_options


def from_xl_cfg(text: Any) -> dict[str, Any]:
    """What a configuration file says, as options of a guest."""
    if not isinstance(text, str):
        raise AnsibleFilterError(f"from_xl_cfg takes the text of a configuration file, not {type(text).__name__}")
    try:
        taken = to_options(text)
    except XenfleetError as error:
        raise AnsibleFilterError(f"from_xl_cfg: {error}") from error
    # The text comes from anywhere: braces in it are never a template.
    result: dict[str, Any] = wrap_var({"options": taken.options, "unknown": taken.unknown, "notes": taken.notes})
    return result


def to_xl_cfg(guest: Any) -> str:
    """The configuration file for options of a guest, or for what from_xl_cfg returned."""
    if not isinstance(guest, Mapping):
        raise AnsibleFilterError(f"to_xl_cfg takes the options of a guest, not {type(guest).__name__}")
    whole = isinstance(guest.get("options"), Mapping)
    options, unknown = (guest["options"], guest.get("unknown") or {}) if whole else (guest, {})
    if not isinstance(unknown, Mapping):
        raise AnsibleFilterError(f"to_xl_cfg: 'unknown' has to be a mapping, not {type(unknown).__name__}")
    try:
        text: str = wrap_var(from_options(options, unknown))
    except XenfleetError as error:
        raise AnsibleFilterError(f"to_xl_cfg: {error}") from error
    return text


class FilterModule:
    """The filters."""

    def filters(self) -> dict[str, Any]:
        """By name."""
        return {"from_xl_cfg": from_xl_cfg, "to_xl_cfg": to_xl_cfg}
