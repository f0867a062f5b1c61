# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``xl info`` and ``xl list`` print."""

from __future__ import annotations

from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.xen_info import ListedDomain, XenInfo


def parse_info(info: str, listed: str = "") -> XenInfo:
    """What Xen tells; what is missing or not understood is not told.

    Args:
        info: the output of ``xl info``.
        listed: the output of ``xl list``.
    """
    values = {}
    for line in info.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            values[key.strip()] = value.strip()
    memory, free, cpus = (_number(values.get(key)) for key in ("total_memory", "free_memory", "nr_cpus"))
    major, minor, extra = (values.get(key, "") for key in ("xen_major", "xen_minor", "xen_extra"))
    return XenInfo(
        version=f"{major}.{minor}{extra}" if major and minor else None,
        command_line=values.get("xen_commandline"),
        memory_total=None if memory is None else Size(memory * MIB),
        memory_free=None if free is None else Size(free * MIB),
        cpus=cpus,
        abilities=frozenset(values.get("virt_caps", "").split()),
        domains=parse_list(listed),
    )


def parse_list(listed: str) -> tuple[ListedDomain, ...]:
    """The lines of ``xl list``, without guests that are just being torn down, and without what is not understood."""
    domains = []
    for line in listed.splitlines():
        words = line.rsplit(None, 5)
        if len(words) < 6:
            continue
        name, domid, memory, vcpus, state = words[:5]
        if "d" not in state and domid.isdecimal() and memory.isdecimal() and vcpus.isdecimal():
            domains.append(ListedDomain(name, int(domid), Size(int(memory) * MIB), int(vcpus)))
    return tuple(domains)


def _number(value: str | None) -> int | None:
    return int(value) if value is not None and value.isdecimal() else None
