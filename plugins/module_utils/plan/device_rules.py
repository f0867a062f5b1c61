# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which disks and network interfaces a guest of some type can have, pure.

The rules are libxl's and those of libvirt's Xen driver, which tell them only when the guest starts.
"""

from __future__ import annotations

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk, position_of
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, DomainType
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import NETFRONT, Nic

# QEMU emulates an IDE controller with four places, and offers the first four disks on it.
_IDE_PLACES = 4


def check_devices(target: Domain, there: Domain) -> None:
    """Whether the guest can have its devices. What is there already, in a guest of this type, is not judged.

    Args:
        target: the whole configuration that is meant.
        there: the one that the guest has, or the defaults of a new one.

    Raises:
        InvalidInput: it cannot.
    """
    same_type = target.type is there.type
    old_disks = (there.disks or ()) if same_type else ()
    old_nics = (there.networks or ()) if same_type else ()
    try:
        for disk in target.disks or ():
            if disk.other is not None or disk in old_disks:
                continue
            if target.type is DomainType.HVM:
                _check_emulated(disk, target.disks or ())
            else:
                _check_paravirtual(disk)
        for nic in target.networks or ():
            if target.type is not DomainType.HVM and nic not in old_nics:
                _check_nic(nic)
    except InvalidInput as error:
        error.guest = target.name
        raise


def ide_place(disk: Disk) -> int | None:
    """The place that QEMU gives a disk of an HVM guest on its IDE controller; None for one that gets none."""
    if disk.target.startswith("sd") and not disk.cdrom:
        return None
    place = position_of(disk.target)
    return place if place < _IDE_PLACES or disk.cdrom else None


def _check_emulated(disk: Disk, all_disks: tuple[Disk, ...]) -> None:
    place = ide_place(disk)
    if place is None:
        return
    if disk.cdrom and place >= _IDE_PLACES:
        raise InvalidInput(
            f"the CD-ROM drive {disk.target} of an HVM guest would not be seen",
            expected="one of the first four places, such as hdc",
        )
    if disk.cdrom and disk.driver == "phy":
        raise InvalidInput(
            f"disks.driver of the CD-ROM drive {disk.target} has to be qemu in an HVM guest",
            found="phy",
            remedy="Leave it out, and it is chosen.",
        )
    if disk.readonly and not disk.cdrom:
        raise InvalidInput(
            f"the disk {disk.target} of an HVM guest cannot be read-only, for QEMU has no read-only IDE disks",
            expected="xvde or a later target, sda, ..., or device: cdrom",
        )
    for other in all_disks:
        if other.target != disk.target and other.other is None and ide_place(other) == place:
            raise InvalidInput(
                f"the disks {other.target} and {disk.target} have the same place in an HVM guest",
                expected="for each place, from a to d, one of xvd, hd, and of sd where that is a CD-ROM drive",
            )


def _check_paravirtual(disk: Disk) -> None:
    if disk.bus != "xen":
        raise InvalidInput(
            f"only an HVM guest can have the disk {disk.target}",
            found=f"the bus {disk.bus}",
            expected="xvda, xvdb, ...",
            remedy="Name another target, or type: hvm.",
        )
    if disk.cdrom and disk.source is None:
        raise InvalidInput(
            f"only an HVM guest can have an empty CD-ROM drive, found {disk.target}",
            remedy="Xen changes media in HVM guests only: name a source, or leave the drive out.",
        )


def _check_nic(nic: Nic) -> None:
    if nic.model not in (None, NETFRONT) and nic.other is None:
        raise InvalidInput(
            "only an HVM guest can have an emulated network interface",
            found=f"networks.model {nic.model}",
            expected=NETFRONT,
            remedy="Leave networks.model out; an empty text takes away what is there.",
        )
