"""The guests that are measured, and a look at them through libvirt itself: figures of work that was not done are worth nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import libvirt

from .errors import BenchFailed

MEMORY_MIB = 256
MEMORY_MAX_MIB = 512
OTHER_MEMORY_MIB = 320


def declared_guests(count: int, folder: Path) -> list[dict[str, Any]]:
    """The options of guests that libvirt's test driver can run, each with two disks and an interface.

    Everything is given, MAC addresses too: the peer's definition has to name them, or it would change at each run.

    Args:
        count: how many guests.
        folder: where their kernel and their disks, empty files, are made.
    """
    kernel = folder / "vmlinuz"
    kernel.touch()
    return [_guest(number, kernel, folder) for number in range(1, count + 1)]


def _guest(number: int, kernel: Path, folder: Path) -> dict[str, Any]:
    name = f"web{number:03}"
    disks = {target: folder / f"{name}-{target}.img" for target in ("xvda", "xvdb")}
    for path in disks.values():
        path.touch()
    return {
        "name": name,
        "type": "pv",
        "memory": str(MEMORY_MIB),
        "memory_max": str(MEMORY_MAX_MIB),
        "vcpus": 2,
        "kernel": str(kernel),
        "cmdline": "root=/dev/xvda ro console=hvc0",
        "disks": [{"target": target, "source": str(path)} for target, path in disks.items()],
        "networks": [{"network": "default", "mac": f"00:16:3e:00:{number // 256:02x}:{number % 256:02x}"}],
    }


def with_one_changed(guests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same, with other memory in the middle one."""
    middle = len(guests) // 2
    changed = {**guests[middle], "memory": str(OTHER_MEMORY_MIB)}
    return [*guests[:middle], changed, *guests[middle + 1 :]]


def check_guests(uri: str, guests: list[dict[str, Any]]) -> None:
    """See that a daemon has the guests, running and as they are declared.

    Raises:
        BenchFailed: it has not.
    """
    connection = libvirt.open(uri)
    try:
        there = {domain.name(): domain for domain in connection.listAllDomains()}
        problems = [problem for guest in guests for problem in _problems(guest, there.get(guest["name"]))]
    finally:
        connection.close()
    if problems:
        raise BenchFailed("the guests are not what was declared:\n  " + "\n  ".join(problems))


def _problems(guest: dict[str, Any], domain: libvirt.virDomain | None) -> list[str]:
    name = guest["name"]
    if domain is None:
        return [f"{name} is missing"]
    state, memory_max, memory, vcpus, _time = domain.info()
    devices = ElementTree.fromstring(domain.XMLDesc())
    found = {
        "state": state,
        "stored": bool(domain.isPersistent()),
        "memory": memory // 1024,
        "memory_max": memory_max // 1024,
        "vcpus": vcpus,
        "disks": [disk.get("file") for disk in devices.iterfind("devices/disk/source")],
        "networks": [mac.get("address") for mac in devices.iterfind("devices/interface/mac")],
    }
    expected = {
        "state": libvirt.VIR_DOMAIN_RUNNING,
        "stored": True,
        "memory": int(guest["memory"]),
        "memory_max": int(guest["memory_max"]),
        "vcpus": guest["vcpus"],
        "disks": [disk["source"] for disk in guest["disks"]],
        "networks": [nic["mac"] for nic in guest["networks"]],
    }
    return [
        f"{name}: {field} is {found[field]}, expected {value}"
        for field, value in expected.items()
        if found[field] != value
    ]


def libvirt_version(uri: str) -> str:
    """The version of a daemon."""
    connection = libvirt.open(uri)
    try:
        number = connection.getLibVersion()
    finally:
        connection.close()
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
