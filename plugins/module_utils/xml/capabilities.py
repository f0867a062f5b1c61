# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A host's capabilities as libvirt tells them (format: https://libvirt.org/formatcaps.html)."""

from __future__ import annotations

from ansible_collections.xenfleet.xen.plugins.module_utils.xml.tree import parse, text_of

_TYPES = {"xen": "pv", "linux": "pv", "xenpvh": "pvh", "hvm": "hvm"}


def domain_types(text: str) -> frozenset[str]:
    """The types of guests that a host can run: ``pv``, ``pvh``, ``hvm``."""
    guests = parse(text).findall("guest")
    return frozenset(_TYPES[kind] for guest in guests if (kind := text_of(guest, "os_type") or "") in _TYPES)
