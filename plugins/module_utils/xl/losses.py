# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What of a file has no option: what the guest does not feel, and what would make another machine of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import DomainType

# How the host schedules, serves and shows a guest; what is in the guest does not change by it.
_UNFELT = frozenset(
    {"cpus", "cpus_soft", "cpu_weight", "cap", "pool", "nodes", "claim_mode", "on_watchdog", "on_soft_reset"}
    | {"on_xend_start", "on_xend_stop", "restart", "xen_shell", "seclabel", "hap", "oos", "device_model"}
    | {"vnc", "vnclisten", "vncdisplay", "vncunused", "vncpasswd", "vncconsole", "vncviewer", "keymap", "nographic"}
    | {"sdl", "opengl", "display", "xauthority", "spicehost", "spiceport", "spicetls_port", "spicepasswd"}
    | {"spiceagent_mouse", "spice_clipboard_sharing", "spice_image_compression", "spice_streaming_video"}
)
# Keys of HVM guests, which xl leaves unread for others (files that once were copied from one another are full of them).
_OF_HVM = frozenset(
    {
        "boot",
        "hdtype",
        "stdvga",
        "vga",
        "videoram",
        "gfx_passthru",
        "serial",
        "usb",
        "usbversion",
        "usbdevice",
        "soundhw",
    }
    | {"bios", "bios_path_override", "firmware_override", "smbios", "smbios_firmware", "ms_vm_genid", "mmio_hole"}
    | {"acpi", "acpi_s3", "acpi_s4", "acpi_laptop_slate", "acpi_firmware", "apic", "pae", "nx", "hpet", "vpt_align"}
    | {
        "viridian",
        "altp2mhvm",
        "mca_caps",
        "hvm_pirq",
        "rdm_mem_boundary",
        "xen_platform_pci",
        "xen_platform_pci_bar_uc",
    }
    | {"device_model_version", "device_model_override", "shadow_memory", "vendor_device", "vkb_device"}
)
# Keys that a PV guest has no use for.
_NOT_OF_PV = frozenset({"nestedhvm"})
# Switches that are off unless a file says otherwise.
_OFF = frozenset(
    {"localtime", "rtc_timeoffset", "nomigrate", "nestedhvm", "driver_domain", "pvshim", "e820_host", "altp2m"}
    | {"sdl", "opengl", "nographic", "gfx_passthru", "spicevdagent", "spice_clipboard_sharing", "spiceusbredirection"}
)
# Values that say what xl does anyhow.
_USUAL = {
    "device_model_version": "qemu-xen",
    "xen_platform_pci": "1",
    "acpi_s3": "1",
    "acpi_s4": "1",
    "vkb_device": "1",
    "hdtype": "ide",
}
_UNFELT_PARTS = {
    "disks": frozenset({"discard", "direct-io-safe", "trusted", "backendtype"}),
    "networks": frozenset({"rate", "vifname", "mtu", "ip", "trusted", "model", "type"}),
}
_PART = re.compile(r"(disks|networks)\[[^]]*\]\.(.+)", re.ASCII)


@dataclass(frozen=True)
class Losses:
    """The keys of a file that no option holds.

    Attributes:
        unfelt: those that the guest does not feel.
        felt: those without which it is another machine.
    """

    unfelt: tuple[str, ...]
    felt: tuple[str, ...]


def losses(options: Mapping[str, Any], unknown: Mapping[str, Any]) -> Losses:
    """Tell the one from the other.

    Args:
        options: what was understood of the file.
        unknown: what was not.
    """
    unfelt: list[str] = []
    felt: list[str] = []
    for key, value in unknown.items():
        # A device that is only defaults is an empty text, and still a device.
        if ("[" not in key and value in ([], "")) or str(value) == ("0" if key in _OFF else _USUAL.get(key)):
            continue
        (unfelt if _is_unfelt(key, value, options) else felt).append(key)
    return Losses(tuple(unfelt), tuple(felt))


def _is_unfelt(key: str, value: Any, options: Mapping[str, Any]) -> bool:
    part = _PART.fullmatch(key)
    if part is not None:
        return part[2] in _UNFELT_PARTS[part[1]]
    kind = options.get("type", DomainType.PV)
    if key == "bootloader":
        # What libvirt's driver takes by itself for a PV guest without a kernel.
        return kind == DomainType.PV and "kernel" not in options and str(value).rpartition("/")[2] == "pygrub"
    if key == "kernel" and kind == DomainType.HVM and str(value).rpartition("/")[2] == "hvmloader":
        # xl leaves it unread, and libvirt takes it by itself.
        return True
    if key.startswith("spice") and options.get("graphics") != "spice":
        return True
    if key in ("vga", "videoram") and "video" not in options and options.get("graphics") == "none":
        # The file says that there is no card, and where there is no screen either libvirt gives none.
        return True
    return (
        key in _UNFELT or (key in _OF_HVM and kind != DomainType.HVM) or (key in _NOT_OF_PV and kind == DomainType.PV)
    )
