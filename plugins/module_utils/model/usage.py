# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What a running guest uses of its host. None is what could not be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size


@dataclass(frozen=True)
class DiskUsage:
    """What a guest has read and written of a disk since its start."""

    read_bytes: int | None = None
    read_requests: int | None = None
    written_bytes: int | None = None
    write_requests: int | None = None


@dataclass(frozen=True)
class NicUsage:
    """What a guest has received and sent on a network interface since its start."""

    received_bytes: int | None = None
    received_packets: int | None = None
    received_errors: int | None = None
    received_drops: int | None = None
    sent_bytes: int | None = None
    sent_packets: int | None = None
    sent_errors: int | None = None
    sent_drops: int | None = None


@dataclass(frozen=True)
class Usage:
    """What a running guest uses.

    Attributes:
        memory: what it has.
        memory_max: what Xen lets it have.
        vcpus: the VCPUs that are plugged in.
        cpu_seconds: the CPU time of all of them since its start.
        disks: by target.
        networks: by MAC address.
    """

    memory: Size | None = None
    memory_max: Size | None = None
    vcpus: int | None = None
    cpu_seconds: float | None = None
    disks: Mapping[str, DiskUsage] = field(default_factory=dict)
    networks: Mapping[str, NicUsage] = field(default_factory=dict)
