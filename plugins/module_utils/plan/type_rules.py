# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a type of guest can have. Pure.

By libvirt's Xen driver (src/libxl/libxl_conf.c), which leaves out in silence what a type cannot have, and xl.cfg(5).
"""

from __future__ import annotations

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, DomainType

_PV, _PVH, _HVM = DomainType.PV, DomainType.PVH, DomainType.HVM
# Options that only some types can have.
_ONLY_FOR: dict[str, tuple[DomainType, ...]] = {
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
_NOTHING: tuple[object, ...] = (None, (), {}, "", "none", False)


def check_type(target: Domain, wanted: Domain) -> None:
    """Whether the guest's type can have what is declared.

    Args:
        target: the whole configuration that results.
        wanted: what was declared of it.

    Raises:
        InvalidInput: it cannot.
    """
    if target.type is None:
        return
    for option, types in _ONLY_FOR.items():
        if target.type not in types and getattr(wanted, option) not in _NOTHING:
            raise InvalidInput(
                f"a guest of type {target.type.value} has no {option}",
                guest=target.name,
                expected=f"type {' or '.join(types)}",
            )
    if target.type is _PVH and target.kernel is None:
        raise InvalidInput("a PVH guest needs a kernel", guest=target.name, remedy="Name kernel (and ramdisk).")
    if wanted.graphics in (None, "none") and target.graphics in (None, "none"):
        given = [
            option for option in ("graphics_listen", "graphics_port", "graphics_password") if getattr(wanted, option)
        ]
        if given:
            raise InvalidInput(f"{', '.join(given)} without graphics", guest=target.name, remedy="Name graphics: vnc.")
