# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a connection to libvirt, for the documentation."""

from __future__ import annotations


class ModuleDocFragment:
    """Shared by all modules that talk to libvirt."""

    DOCUMENTATION = r"""
options:
  uri:
    description:
      - The libvirt connection URI, as seen from the host that the module runs on.
    type: str
    default: xen:///system
requirements:
  - python >= 3.11
  - libvirt-python (Debian package C(python3-libvirt))
"""
