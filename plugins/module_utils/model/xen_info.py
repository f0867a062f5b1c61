# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Xen tells of itself and of what it runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size


@dataclass(frozen=True)
class ListedDomain:
    """A line of ``xl list``.

    Attributes:
        name: the guest's name, which may have blanks.
        domid: its number; dom0's is 0.
        memory: what it has of the host's memory.
        vcpus: its VCPUs.
    """

    name: str
    domid: int
    memory: Size
    vcpus: int


@dataclass(frozen=True)
class XenInfo:
    """What ``xl info`` and ``xl list`` print.

    Attributes:
        version: such as ``4.20.4``; None where it is not told, as with all that follows.
        command_line: what Xen was booted with.
        memory_total: the machine's memory.
        memory_free: what no guest has.
        cpus: the machine's CPUs.
        abilities: the words of ``virt_caps``, such as ``hvm`` and ``hvm_directio``; empty where it is not told.
        domains: dom0 and the guests.
    """

    version: str | None = None
    command_line: str | None = None
    memory_total: Size | None = None
    memory_free: Size | None = None
    cpus: int | None = None
    abilities: frozenset[str] = frozenset()
    domains: tuple[ListedDomain, ...] = ()

    @property
    def dom0(self) -> ListedDomain | None:
        """Dom0 itself."""
        return next((domain for domain in self.domains if domain.domid == 0), None)

    @property
    def guests(self) -> tuple[ListedDomain, ...]:
        """All but dom0."""
        return tuple(domain for domain in self.domains if domain.domid != 0)

    @property
    def hvm(self) -> bool:
        """Whether HVM and PVH guests can run."""
        return "hvm" in self.abilities

    @property
    def iommu(self) -> bool:
        """Whether devices can be handed to HVM and PVH guests safely."""
        return "hvm_directio" in self.abilities


def memory_of(domains: Iterable[ListedDomain]) -> Size:
    """What several domains have together."""
    return Size(sum(domain.memory.bytes for domain in domains))


def vcpus_of(domains: Iterable[ListedDomain]) -> int:
    """The VCPUs of several domains together."""
    return sum(domain.vcpus for domain in domains)
