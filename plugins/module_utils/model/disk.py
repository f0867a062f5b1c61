# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A guest's disk, or its CD-ROM drive."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from string import ascii_lowercase

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import absolute_path
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rbd import PREFIX, Monitor, RbdLogin, rbd_source

# What libvirt's Xen driver takes (libxlMakeDisk in its src/libxl/libxl_conf.c).
FORMATS = ("raw", "qcow", "qcow2", "qed", "vhd")
DRIVERS = ("phy", "qemu", "file")
DEVICES = ("disk", "cdrom")
# Whole disks only, as far as Xen numbers them (docs/man/xen-vbd-interface.7 of Xen); QEMU emulates four of IDE.
_TARGET = re.compile(r"xvd[a-z]{1,2}|hd[a-d]|sd[a-p]", re.ASCII)
_BUSES = {"xvd": "xen", "hd": "ide", "sd": "scsi"}
_KIND = re.compile(r"xvd|hd|sd", re.ASCII)


@dataclass(frozen=True)
class Disk:
    """A disk as the guest sees it and where the host keeps it. In what an operator declares, None is 'not managed'.

    Attributes:
        target: the device in the guest, such as ``xvda``.
        source: the file or block device on the host, or ``rbd:POOL/IMAGE``; None for an empty drive.
        format: one of `FORMATS`, or what else was found.
        readonly: the guest may not write it.
        shareable: other guests may have it at the same time.
        cdrom: it is a CD-ROM drive, which can be empty and is never written.
        driver: what serves it in the host, where that is not `default_driver`.
        discard: the guest may give blocks back that it does not use; Xen's default is that it may.
        monitors: where the Ceph cluster of a disk in it is reached; empty: as the host's own configuration of Ceph says.
        login: as whom that cluster is used; None: without login.
        other_bus: the bus that it was found on, where its target's name says another.
        other: what it was found to be, where no option can say that; it is left as it is.
    """

    target: str
    source: str | None
    format: str = "raw"
    readonly: bool = False
    shareable: bool = False
    cdrom: bool = False
    driver: str | None = None
    discard: bool | None = True
    monitors: tuple[Monitor, ...] | None = ()
    login: RbdLogin | None = None
    other_bus: str | None = None
    other: str | None = None

    @property
    def is_block(self) -> bool:
        """Whether the source is a block device of the host."""
        return self.source is not None and self.source.startswith("/dev/")

    @property
    def is_network(self) -> bool:
        """Whether the source is in a Ceph cluster."""
        return self.source is not None and self.source.startswith(PREFIX)

    @property
    def path(self) -> str | None:
        """The source, where it is a path on the host."""
        return None if self.is_network else self.source

    @property
    def bus(self) -> str:
        """The bus that the guest finds it on."""
        return self.other_bus or bus_of(self.target)

    @property
    def can_be_plugged(self) -> bool:
        """Whether it can be plugged into a running guest and out of it: the Xen driver does that on the xen bus only."""
        return self.bus == "xen" and not self.cdrom and self.other is None

    @property
    def default_driver(self) -> str:
        """What serves it when nothing is said: Xen's own ``phy`` takes a raw block device as it is, QEMU all else.

        Of a CD-ROM drive QEMU has to change the medium.
        """
        return "phy" if self.is_block and self.format == "raw" and not self.cdrom else "qemu"

    def takes(self, driver: str) -> bool:
        """Whether a driver can serve it, by what libvirt's Xen driver and libxl say."""
        if self.is_network:
            return driver == "qemu"
        if driver == "phy":
            return self.is_block and self.format == "raw"
        return driver != "file" or self.format == "raw"

    def over(self, found: Disk | None) -> Disk:
        """The disk that results where this one is declared, and that one is there (None: nothing is)."""
        base = found if found is not None and found.other is None else Disk(self.target, None)
        driver = self.driver or base.driver
        if driver == self.default_driver or (driver and not self.takes(driver)):
            driver = None
        login = base.login if self.login is None and self.is_network else self.login
        monitors = base.monitors if self.monitors is None and self.is_network else self.monitors
        return replace(
            self,
            driver=driver,
            discard=base.discard if self.discard is None else self.discard,
            monitors=monitors or (),
            login=login if login and login.user else None,
            other_bus=base.other_bus,
        )

    def __str__(self) -> str:
        marks = [] if self.source is None and self.cdrom and self.format == "raw" else [self.format]
        if self.cdrom:
            marks.append("CD-ROM")
        elif self.readonly:
            marks.append("read-only")
        if self.shareable:
            marks.append("shareable")
        if self.driver:
            marks.append(f"driver {self.driver}")
        if self.discard is False:
            marks.append("no discard")
        if self.monitors:
            marks.append(f"monitors {' '.join(str(monitor) for monitor in self.monitors)}")
        if self.login:
            marks.append(f"user {self.login.user} with secret {self.login.secret}")
        if self.other:
            return f"{self.other}, which no option can say"
        return f"{self.source or 'empty'} ({', '.join(marks)})"


def bus_of(target: str) -> str:
    """The bus that a target's name says."""
    kind = _KIND.match(target)
    return _BUSES[kind[0]] if kind else "xen"


def position_of(target: str) -> int:
    """Which one a target is of its kind, from 0: 2 for ``xvdc``, 26 for ``xvdaa``."""
    letters = target.removeprefix("xvd") if target.startswith("xvd") else target[2:]
    position = 0
    for letter in letters:
        position = position * 26 + ascii_lowercase.find(letter) + 1
    return position - 1


def checked_disks(disks: Iterable[Disk]) -> tuple[Disk, ...]:
    """Disks with targets given out (``xvda``, ``xvdb``, ... to those with an empty one) and checked.

    Raises:
        InvalidInput: a target or a source is named twice or is none, or a disk contradicts itself.
    """
    listed = tuple(disks)
    free = _free_targets({disk.target for disk in listed if disk.target})
    result: list[Disk] = []
    for disk in listed:
        _check(disk)
        result.append(replace(disk, target=disk.target or next(free), readonly=disk.readonly or disk.cdrom))
    for index, disk in enumerate(result):
        for other in result[:index]:
            if other.target == disk.target:
                raise InvalidInput(
                    f"the disk {disk.target} is named twice", remedy="Give each disk a target of its own."
                )
            if other.source is not None and other.source == disk.source:
                raise InvalidInput(f"the disk {disk.source} is named twice", found=f"{other.target} and {disk.target}")
    return tuple(result)


def _free_targets(taken: set[str]) -> Iterator[str]:
    for first in ("", *ascii_lowercase):
        for last in ascii_lowercase:
            # In an HVM guest QEMU gives hdc and xvdc the same place.
            if not {f"xvd{first}{last}", f"hd{first}{last}"} & taken:
                yield f"xvd{first}{last}"
    raise InvalidInput("disks are more than a guest can have", expected="at most 702")


def _check(disk: Disk) -> None:
    """What a disk says of itself.

    Raises:
        InvalidInput: it contradicts itself.
    """
    if disk.target and not _TARGET.fullmatch(disk.target):
        raise InvalidInput(
            "disks.target is no Xen disk",
            found=repr(disk.target),
            expected="a whole disk: xvda, xvdb, ...; of an HVM guest also hda to hdd and sda to sdp",
        )
    name = f"the disk {disk.target}" if disk.target else "a disk"
    if disk.source is None and not disk.cdrom:
        raise InvalidInput(
            "disks.source is missing", found=name, remedy="Only a CD-ROM drive (device: cdrom) can be empty."
        )
    if disk.is_network:
        rbd_source(disk.source or "", field="disks.source")
    elif disk.source is not None:
        absolute_path(disk.source, field="disks.source")
        for option, value in (("monitors", disk.monitors), ("auth_user", disk.login and disk.login.user)):
            if value:
                raise InvalidInput(
                    f"disks.{option} makes no sense for {disk.source}",
                    expected="a source in Ceph, such as rbd:pool/image",
                )
    if disk.format not in FORMATS:
        raise InvalidInput("disks.format is none that Xen takes", found=repr(disk.format), expected=", ".join(FORMATS))
    if disk.driver is not None and disk.driver not in DRIVERS:
        raise InvalidInput("disks.driver is none of Xen's", found=repr(disk.driver), expected=", ".join(DRIVERS))
    if disk.driver is not None and not disk.takes(disk.driver):
        raise InvalidInput(
            f"disks.driver cannot serve {disk.source or 'an empty drive'}",
            found=f"{disk.driver} for the format {disk.format}",
            expected=f"{disk.default_driver}; phy serves raw block devices, file serves raw files, qemu serves all",
            remedy="Leave it out, and it is chosen.",
        )
