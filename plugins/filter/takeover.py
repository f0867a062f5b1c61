# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Filters over what xen_takeover said on the hosts of a park."""

from __future__ import annotations

from typing import Any

from ansible_collections.xenfleet.xen.plugins.plugin_utils.takeover import import_elsewhere, import_table


class FilterModule:
    """The filters."""

    def filters(self) -> dict[str, Any]:
        """By name."""
        return {"import_elsewhere": import_elsewhere, "import_table": import_table}
