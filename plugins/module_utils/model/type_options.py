# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which options only some types of guests can have.

By libvirt's Xen driver (src/libxl/libxl_conf.c), which leaves out in silence what a type cannot have, and xl.cfg(5).
"""

from __future__ import annotations

from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import DomainType

_PV, _PVH, _HVM = DomainType.PV, DomainType.PVH, DomainType.HVM
# Options that only some types can have.
ONLY_FOR: dict[str, tuple[DomainType, ...]] = {
    "bootloader": (_PV,),
    "bootloader_args": (_PV,),
    "e820_host": (_PV,),
    "boot": (_HVM,),
    "firmware": (_HVM,),
    "acpi": (_HVM,),
    "apic": (_HVM,),
    "pae": (_HVM,),
    "hap": (_PVH, _HVM),
    "viridian": (_HVM,),
    "hpet": (_HVM,),
    "cpu_features": (_PVH, _HVM),
    "graphics": (_PV, _HVM),
    "video": (_HVM,),
    "video_memory": (_HVM,),
    "serials": (_HVM,),
    "usb_inputs": (_HVM,),
    "sound": (_HVM,),
    "pci_devices": (_PV, _HVM),
}
