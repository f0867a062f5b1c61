# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A running guest as ``xl list --long`` tells it.

The keys are those of ``libxl_domain_config`` in Xen's ``tools/libs/light/libxl_types.idl``; what has its default value is left out
(``gentypes.py`` there). Devices, memory and VCPUs are those of now (``libxl_retrieve_domain_configuration``).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import FORMATS, Disk, checked_disks
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import TSC_MODES, Domain, DomainType
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic, checked_nics
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import Size

# libxl's words for what xl.cfg(5) and libvirt call otherwise.
_ACTIONS = {"restart_rename": "rename-restart"}
# Lists and texts of b_info that are only there when the guest was given something special.
_SPECIAL = ("vnuma_nodes", "ioports", "irqs", "iomem", "cpuid", "device_tree", "bootloader_args")
# Switches that make another machine of a guest, by where they are.
_SWITCHES = (
    ("c_info", "driver_domain"),
    ("b_info", "nested_hvm"),
    ("b_info", "disable_migrate"),
    ("type.pv", "e820_host"),
    ("type.pvh", "pvshim"),
)
_USUAL_SCRIPT = "vif-bridge"


def read_running(config: Mapping[str, Any]) -> tuple[Domain, tuple[str, ...]]:
    """What a guest runs with, and what of it a definition of libvirt's could not say.

    Args:
        config: the part ``config`` of the guest's entry.

    Raises:
        InvalidInput: it is not what xl prints.
    """
    try:
        domain = _domain(config)
        obstacles = [*_special(config), *_disk_obstacles(config), *_nic_obstacles(config)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInput(
            "what xl tells of its configuration cannot be read", found=f"{type(error).__name__}: {error}"
        ) from error
    obstacles += _refusals(lambda: checked_disks(domain.disks or ()), lambda: checked_nics(domain.networks or ()))
    return domain, tuple(obstacles)


def _domain(config: Mapping[str, Any]) -> Domain:
    created, built = config["c_info"], config["b_info"]
    # xl leaves out what is as libxl has it by itself.
    vcpus_max = int(built.get("max_vcpus", 1))
    maximum = Size.from_kib(int(built["max_memkb"])).rounded_to_mib()
    tsc_mode = str(built.get("tsc_mode", "default"))
    return Domain(
        name=str(created["name"]),
        uuid=str(uuid.UUID(created["uuid"])),
        type=DomainType(created["type"]),
        memory=Size.from_kib(int(built["target_memkb"])).rounded_to_mib() if "target_memkb" in built else maximum,
        memory_max=maximum,
        vcpus=len(built["avail_vcpus"]) if built.get("avail_vcpus") else vcpus_max,
        vcpus_max=vcpus_max,
        kernel=built.get("kernel"),
        ramdisk=built.get("ramdisk"),
        cmdline=built.get("cmdline"),
        tsc_mode=tsc_mode if tsc_mode in TSC_MODES else "default",
        disks=tuple(_disk(entry) for entry in config.get("disks", ())),
        networks=tuple(_nic(entry) for entry in config.get("nics", ())),
        on_poweroff=_action(config, "on_poweroff"),
        on_reboot=_action(config, "on_reboot"),
        on_crash=_action(config, "on_crash"),
    )


def _disk(entry: Mapping[str, Any]) -> Disk:
    source = entry.get("pdev_path")
    return Disk(
        target=str(entry["vdev"]),
        source=str(source) if not source or str(source).startswith("/") else f"/dev/{source}",
        format=str(entry.get("format", "unknown")),
        readonly=not entry.get("readwrite"),
    )


def _nic(entry: Mapping[str, Any]) -> Nic:
    return Nic(mac=str(entry["mac"]).lower(), bridge=entry.get("bridge"))


def _action(config: Mapping[str, Any], key: str) -> str:
    word = str(config.get(key, "destroy"))
    return _ACTIONS.get(word, word.replace("_", "-"))


def _special(config: Mapping[str, Any]) -> list[str]:
    """What is there besides memory, VCPUs, disks and interfaces."""
    created, built = config["c_info"], config["b_info"]
    problems = []
    if created["type"] == DomainType.HVM:
        problems.append("it is an hvm guest, whose device model's state libvirt would not restore as xl saved it")
    problems += [
        f"it has {key}, which a definition of libvirt's would not give it back"
        for key, value in config.items()
        if isinstance(value, list) and value and key not in ("disks", "nics")
    ]
    problems += [f"it was made with {key}, which a definition cannot say" for key in _SPECIAL if built.get(key)]
    parts = {"c_info": created, "b_info": built, "type.pv": built.get("type.pv"), "type.pvh": built.get("type.pvh")}
    problems += [
        f"it was made with {key}, which a definition cannot say"
        for part, key in _SWITCHES
        if (parts[part] or {}).get(key) in ("True", True)
    ]
    loader = str(built.get("bootloader") or "")
    # pygrub is what libvirt's driver takes by itself where there is no kernel.
    if loader and (loader.rpartition("/")[2] != "pygrub" or built.get("kernel")):
        problems.append(f"it was made with the boot loader {loader}, which a definition cannot say")
    online = list(built.get("avail_vcpus") or ())
    if online != list(range(len(online))):
        problems.append(f"the VCPUs it has are {', '.join(map(str, online))}; expected: the first ones")
    return problems


def _disk_obstacles(config: Mapping[str, Any]) -> list[str]:
    problems = []
    for entry in config.get("disks", ()):
        name, form = f"disk {entry['vdev']}", entry.get("format", "unknown")
        if entry.get("is_cdrom") or not entry.get("pdev_path"):
            problems.append(f"{name} is a CD-ROM drive")
        elif form not in FORMATS:
            problems.append(f"{name} has the format {form}")
        if entry.get("script"):
            problems.append(f"{name} is made by the script {entry['script']}")
        if entry.get("backend_domid") or entry.get("backend_domname"):
            problems.append(f"{name} is served by another guest")
        if entry.get("specification", "xen") not in ("unknown", "xen"):
            problems.append(f"{name} is a disk of the kind {entry['specification']}")
    return problems


def _nic_obstacles(config: Mapping[str, Any]) -> list[str]:
    problems = []
    for index, entry in enumerate(config.get("nics", ())):
        name = f"interface {entry['mac']}"
        script = str(entry.get("script") or _USUAL_SCRIPT)
        if not entry.get("bridge"):
            problems.append(f"{name} hangs on no bridge")
        if script.rpartition("/")[2] != _USUAL_SCRIPT:
            problems.append(f"{name} is plugged in by the script {script}; expected: {_USUAL_SCRIPT}")
        if entry.get("backend_domid") or entry.get("backend_domname"):
            problems.append(f"{name} is served by another guest")
        if entry.get("devid", 0) != index:
            problems.append(f"{name} is the guest's number {entry.get('devid')}; expected: {index}")
    return problems


def _refusals(*checks: Callable[[], Iterable[object]]) -> list[str]:
    """What the models themselves would not have."""
    problems = []
    for check in checks:
        try:
            check()
        except InvalidInput as error:
            problems.append(str(error))
    return problems
