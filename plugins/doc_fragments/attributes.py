# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules of this collection say of themselves."""

from __future__ import annotations


class ModuleDocFragment:
    """The attributes; each module adds its own C(support)."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return what would change, without changing the host.
  diff_mode:
    description: Returns what has changed, or would change in C(check_mode), when run with C(--diff).
  platform:
    description: The systems that the module runs on.
    platforms: Debian
    support: full
"""

    # For modules that change nothing.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module changes nothing.
  diff_mode:
    support: N/A
    details:
      - This module changes nothing.
"""

    ACTIONGROUP_XEN = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/xenfleet.xen.xen) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - xenfleet.xen.xen
"""
