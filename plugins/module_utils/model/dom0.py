# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine as a Xen host: how it boots, what becomes of its guests when it stops, what its name leads to; as declared, as found."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.firewall import FoundFirewalls
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import is_host_name
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import GIB, MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.xen_info import XenInfo

ALL = "all"  # what dom0 gets of something that nobody limits
MEMORY_KEY, VCPUS_KEY = "dom0_mem", "dom0_max_vcpus"
SMALLEST = Size(256 * MIB)  # below it Debian does not get as far as answering
_ARGUMENT = re.compile(r"[A-Za-z0-9_.,:=+@/%\[\]()!~^-]+", re.ASCII)
_VCPUS = re.compile(r"([1-9][0-9]{0,4})(?:-([1-9][0-9]{0,4}))?", re.ASCII)
_COUNT = 86400


class AtShutdown(StrEnum):
    """What becomes of the running guests when their host stops."""

    SHUTDOWN = "shutdown"
    SAVE = "save"


class AtStart(StrEnum):
    """Which guests come back when their host starts."""

    RAN = "ran"
    AUTOSTART = "autostart"


class File(StrEnum):
    """The files that are looked at or written, by what they are for."""

    GRUB = "/etc/default/grub.d/zz-xenfleet.cfg"
    MENU = "/boot/grub/grub.cfg"
    XL = "/etc/xen/xl.conf"
    LIBXL = "/etc/libvirt/libxl.conf"
    GUESTS = "/etc/default/libvirt-guests"
    LIBVIRTD = "/etc/systemd/system/libvirtd.service.d/xenfleet.conf"
    HOSTNAME = "/etc/hostname"
    HOSTS = "/etc/hosts"


class Unit(StrEnum):
    """The services that matter."""

    XENDOMAINS = "xendomains"
    GUESTS = "libvirt-guests"
    LIBVIRTD = "libvirtd"


@dataclass(frozen=True)
class Boot:
    """With what Xen and dom0's kernel are booted. None is 'not managed', as in all that follows.

    Attributes:
        memory: dom0's memory as Xen reads it, such as ``4G``; '' is all of it.
        vcpus: dom0's VCPUs, such as ``4`` or ``1-4``; '' is one for each CPU.
        xen_arguments: more arguments of Xen.
        kernel_arguments: more arguments of dom0's kernel, when Xen boots it.
        replace_kernel_arguments: whether these stand in the place of GRUB_CMDLINE_LINUX_DEFAULT instead of after it.
    """

    memory: str | None = None
    vcpus: str | None = None
    xen_arguments: tuple[str, ...] | None = None
    kernel_arguments: tuple[str, ...] | None = None
    replace_kernel_arguments: bool | None = None

    @property
    def xen(self) -> tuple[str, ...]:
        """All arguments of Xen."""
        memory = f"{MEMORY_KEY}={self.memory},max:{self.memory}" if self.memory else None
        vcpus = f"{VCPUS_KEY}={self.vcpus}" if self.vcpus else None
        return (*filter(None, (memory, vcpus)), *(self.xen_arguments or ()))

    @property
    def size(self) -> Size | None:
        """Dom0's memory; None where it is not limited."""
        return Size.parse(self.memory, field="memory") if self.memory else None

    @property
    def most_vcpus(self) -> int | None:
        """The most VCPUs that dom0 gets; None where it is not limited."""
        return int(self.vcpus.rpartition("-")[2]) if self.vcpus else None

    @property
    def fewest_vcpus(self) -> int | None:
        """The fewest VCPUs that dom0 gets, whatever CPUs there are; None where that is not asked for."""
        return int(self.vcpus.partition("-")[0]) if self.vcpus else None


@dataclass(frozen=True)
class Toolstack:
    """Settings of xl and of libvirt's Xen driver.

    Attributes:
        autoballoon: whether dom0 gives memory to a guest that starts.
        lock_manager: ``lockd``; '' is none.
        keepalive_interval: seconds of silence before a peer is asked for a sign of life.
        keepalive_count: how often it may stay silent.
        nested_hvm: whether HVM guests may have hardware virtualisation themselves.
    """

    autoballoon: bool | None = None
    lock_manager: str | None = None
    keepalive_interval: int | None = None
    keepalive_count: int | None = None
    nested_hvm: bool | None = None


@dataclass(frozen=True)
class GuestsPolicy:
    """What becomes of the guests when their host stops and starts.

    Attributes:
        at_shutdown: that.
        at_start: likewise.
        shutdown_timeout: seconds that guests have to shut down; 0 is no limit.
        parallel_shutdown: how many are shut down at once; 0 is one after the other.
        start_delay: seconds between two starts.
    """

    at_shutdown: AtShutdown | None = None
    at_start: AtStart | None = None
    shutdown_timeout: int | None = None
    parallel_shutdown: int | None = None
    start_delay: int | None = None


@dataclass(frozen=True)
class HostsEntry:
    """A line of /etc/hosts."""

    address: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Naming:
    """What the host is called, and what names lead to.

    Attributes:
        hostname: its own name.
        address: what its own name leads to.
        entries: other names.
    """

    hostname: str | None = None
    address: str | None = None
    entries: tuple[HostsEntry, ...] = ()


@dataclass(frozen=True)
class Dom0:
    """All that is declared of a machine as a Xen host.

    Attributes:
        boot: how it boots.
        toolstack: settings of xl and libvirt.
        guests: what becomes of guests.
        naming: names.
        migration_network: the network that guests' memory may come from, such as ``10.30.0.0/24``.
        guest_types: the types of guests that are declared to run on it.
    """

    boot: Boot = field(default_factory=Boot)
    toolstack: Toolstack = field(default_factory=Toolstack)
    guests: GuestsPolicy = field(default_factory=GuestsPolicy)
    naming: Naming = field(default_factory=Naming)
    migration_network: str | None = None
    guest_types: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Service:
    """A service of systemd.

    Attributes:
        known: whether there is one of that name.
        enabled: whether it starts with the machine.
        active: whether it counts as running now.
    """

    known: bool = False
    enabled: bool = False
    active: bool = False


@dataclass(frozen=True)
class Machine:
    """What the machine is, and what runs on it.

    Attributes:
        name: its name now.
        memory: all of it, as far as the kernel or Xen tell; None where that cannot be told, as with the next two.
        cpus: the number of CPUs.
        hvm: whether the CPUs can run HVM and PVH guests.
        debian: the release of Debian; None where it is another system.
        is_guest: whether it is a guest of another Xen host.
        secure_boot: whether the firmware boots what is signed, and nothing else.
        has_grub: whether GRUB boots it.
        xen: what Xen tells of itself; None where the machine runs without Xen.
        kernel_line: what the running kernel was booted with.
    """

    name: str
    memory: Size | None
    cpus: int | None
    hvm: bool | None
    debian: int | None = None
    is_guest: bool = False
    secure_boot: bool = False
    has_grub: bool = True
    xen: XenInfo | None = None
    kernel_line: str = ""


@dataclass(frozen=True)
class FoundDom0:
    """What was found of all that is declared.

    Attributes:
        machine: the machine itself.
        texts: the files' contents; a file that is not there is missing.
        services: the services.
        packages: the Debian packages that are missing.
        firewalls: the firewalls that are at work.
        started_by_xl: what lies in the folders from which xendomains starts guests.
    """

    machine: Machine
    texts: Mapping[File, str] = field(default_factory=dict)
    services: Mapping[Unit, Service] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    firewalls: FoundFirewalls = field(default_factory=FoundFirewalls)
    started_by_xl: tuple[str, ...] = ()

    def text(self, file: File) -> str:
        """A file's content, '' where there is none."""
        return self.texts.get(file, "")

    def service(self, unit: Unit) -> Service:
        """A service."""
        return self.services.get(unit, Service())


def make_dom0(params: Mapping[str, Any]) -> Dom0:
    """What is declared, from options as they were typed; an option that is missing is not managed.

    Raises:
        InvalidInput: a value makes no sense, or two of them contradict each other.
    """
    memory = _memory(params.get("memory"))
    autoballoon = params.get("autoballoon")
    if autoballoon is None and memory is not None:
        autoballoon = not memory  # who has all of it has to give
    if autoballoon and memory:
        raise InvalidInput(
            "autoballoon takes memory away from dom0, and memory fixes it",
            expected="one of the two",
            remedy="Leave out autoballoon; it is off where memory is given.",
        )
    locks = params.get("lock_manager")
    network = params.get("migration_network")
    shutdown, start = params.get("at_shutdown"), params.get("at_start")
    return Dom0(
        Boot(
            memory,
            _vcpus(params.get("vcpus")),
            _arguments(params.get("xen_arguments"), "xen_arguments"),
            _arguments(params.get("kernel_arguments"), "kernel_arguments"),
            params.get("replace_kernel_arguments"),
        ),
        Toolstack(
            autoballoon,
            None if locks is None else ("" if locks == "none" else locks),
            _count(params, "keepalive_interval", lowest=-1),
            _count(params, "keepalive_count"),
            params.get("nested_hvm"),
        ),
        GuestsPolicy(
            None if shutdown is None else AtShutdown(shutdown),
            None if start is None else AtStart(start),
            _count(params, "shutdown_timeout"),
            _count(params, "parallel_shutdown"),
            _count(params, "start_delay"),
        ),
        _naming(params.get("hostname"), params.get("address"), params.get("hosts") or ()),
        None if not network else _network(network),
        frozenset(params.get("guest_types") or ()),
    )


def _memory(value: object) -> str | None:
    """Dom0's memory as an argument of Xen: whole GiB or MiB."""
    if value is None or value == "":
        return None
    if value == ALL:
        return ""
    size = Size.parse(value, field="memory").rounded_to_mib()
    if size < SMALLEST:
        raise InvalidInput(
            "memory is less than dom0 can start with",
            found=str(size),
            expected=f"{SMALLEST} or more",
            remedy="A number without a unit is MiB.",
        )
    return f"{size.bytes // GIB}G" if size.bytes % GIB == 0 else f"{size.mib}M"


def _vcpus(value: object) -> str | None:
    if value is None or value == "":
        return None
    if value == ALL:
        return ""
    match = _VCPUS.fullmatch(str(value))
    if match is None or (match[2] is not None and int(match[2]) < int(match[1])):
        raise InvalidInput("vcpus is no number of VCPUs", found=repr(value), expected="such as 4, 1-4 or all")
    return match[0]


def _arguments(values: Sequence[str] | None, where: str) -> tuple[str, ...] | None:
    if values is None:
        return None
    for value in values:
        if not _ARGUMENT.fullmatch(value):
            raise InvalidInput(
                f"{where} has something that is no single argument",
                found=repr(value),
                expected="such as com1=115200,8n1; without blanks, quotes and characters that mean something to GRUB",
            )
        key = value.partition("=")[0]
        if where == "xen_arguments" and key in (MEMORY_KEY, VCPUS_KEY):
            option = "memory" if key == MEMORY_KEY else "vcpus"
            raise InvalidInput(f"xen_arguments has {key}", found=value, expected=f"that in the option {option}")
    return tuple(values)


def _count(params: Mapping[str, Any], key: str, *, lowest: int = 0) -> int | None:
    value = params.get(key)
    if value is None:
        return None
    if not lowest <= value <= _COUNT:
        raise InvalidInput(f"{key} is out of range", found=str(value), expected=f"{lowest} to {_COUNT}")
    return int(value)


def _naming(hostname: str | None, address: str | None, hosts: Iterable[Mapping[str, Any]]) -> Naming:
    if hostname:
        _name(hostname, "hostname")
    entries = []
    taken: dict[str, str] = {}
    for one in hosts:
        names = tuple(_name(name, "hosts[].names") for name in one["names"])
        where = _address(one["address"], "hosts[].address")
        if not names:
            raise InvalidInput("hosts has an entry without names", found=where, expected="one name or more")
        for name in names:
            key = f"{name} of IPv{ipaddress.ip_address(where).version}"
            if taken.setdefault(key, where) != where:
                raise InvalidInput(
                    f"hosts has two addresses for {name}", found=f"{taken[key]}, {where}", expected="one"
                )
        entries.append(HostsEntry(where, names))
    return Naming(hostname or None, _address(address, "address") if address else None, tuple(entries))


def _name(name: str, where: str) -> str:
    """A machine's name; what has only digits and dots is an address."""
    if not is_host_name(name) or name.rpartition(".")[2].isdecimal():
        raise InvalidInput(f"{where} is no name of a machine", found=repr(name), expected="such as xen1.example.org")
    if name.partition(".")[0] == "localhost":
        raise InvalidInput(f"{where} is every machine's name for itself", found=name, expected="the host's own name")
    return name


def _address(value: str, where: str) -> str:
    """An address that other machines can reach."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        address = None
    if address is None or address.is_loopback or address.is_unspecified or address.is_multicast:
        raise InvalidInput(
            f"{where} is no address that other hosts reach", found=repr(value), expected="such as 10.30.0.101"
        )
    return str(address)


def _network(value: str) -> str:
    try:
        network = ipaddress.ip_network(value)
    except ValueError as error:
        raise InvalidInput(
            "migration_network is no network", found=f"{value!r} ({error})", expected="such as 10.30.0.0/24"
        ) from error
    return str(network)
