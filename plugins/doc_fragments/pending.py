# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options for what earlier tasks of a play make, for the documentation."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared by the modules that look for files and bridges before they act."""

    DOCUMENTATION = r"""
options:
  pending_paths:
    description:
      - Files and block devices that earlier tasks of the same play make. In check mode, where those tasks made
        nothing, they count as there. In a run they are ignored, and what is missing is missing.
    type: list
    elements: path
    default: []
  pending_bridges:
    description: The same for bridges.
    type: list
    elements: str
    default: []
"""
