# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The disks of a file to the option ``disks``, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.device_options import disk_options, read_disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import FORMATS, Disk, checked_disks
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rbd import PREFIX, Monitor
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.disk import XlDisk, parse_disk, render_disk
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.kept import (
    Kept,
    Part,
    Taken,
    joined,
    listed,
    no_orphans,
    refusal,
    with_whole,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import Value

_DRIVERS = {"phy": "phy", "qdisk": "qemu"}
_BACKENDS = {"phy": "phy", "qemu": "qdisk", "file": "qdisk"}
# As libvirt's Xen driver writes a disk in Ceph for QEMU (libxlMakeNetworkDiskSrcStr); without a user it logs in as nobody.
_NO_LOGIN = ":auth_supported=none"
_RBD = re.compile(rf"({PREFIX}[^:]+){_NO_LOGIN}(?::mon_host=(.+))?")


def read_disks(value: Value, *, hvm: bool) -> Taken:
    """The disks that a file lists.

    Args:
        value: the file's value.
        hvm: whether it is an HVM guest's.

    Raises:
        InvalidInput: something in it is no disk.
    """
    taken = Taken()
    models: list[Disk] = []
    for key, spec, disk in listed(value, "disk", parse_disk):
        model, rest = _model(disk)
        why = _why_no_option(model, hvm=hvm) or refusal(checked_disks, [*models, model])
        if why:
            taken.keep_whole(key, spec, why)
            continue
        models.append(model)
        if disk.source and disk.source not in spec:
            taken.notes.append(
                f"disks[{disk.vdev}].source: {spec!r} is read as {disk.source}, for block devices are in /dev"
            )
        for name, part in rest.items():
            taken.keep_part(f"disks[{disk.vdev}].{name}", part)
        # That blocks may be given back is Xen's default, but the file may say it.
        said = {"discard": model.discard} if model.discard else {}
        taken.options.append({**disk_options(model), **said})
    return taken


def write_disks(entries: list[Mapping[str, Any]], kept: Kept) -> list[Value]:
    """The disks for a file.

    Raises:
        InvalidInput: one of them is none, or a part is kept of one that is not among them.
    """
    parts = dict(kept.parts["disks"])
    written: list[Value] = []
    for model in checked_disks(read_disk(entry) for entry in entries):
        said: dict[str, Part] = {}
        if model.driver is not None:
            said["backendtype"] = _BACKENDS[model.driver]
        if model.discard is not None:
            said["discard"] = model.discard
        name = f"disks[{model.target}]"
        disk = XlDisk(
            vdev=model.target,
            source=_written_source(model),
            format=model.format,
            readonly=model.readonly,
            shareable=model.shareable,
            cdrom=model.cdrom,
            extra=joined(name, said, parts.pop(model.target, {})),
        )
        written.append(render_disk(disk))
    no_orphans(parts, "disks")
    return with_whole(written, kept.whole["disk"])


def _model(disk: XlDisk) -> tuple[Disk, dict[str, Part]]:
    """The disk that an option can say, and what is left of it."""
    rest = dict(disk.extra)
    discard = rest.pop("discard", None)
    source, monitors = _read_source(disk.source)
    model = Disk(
        target=disk.vdev,
        source=source,
        format=disk.format,
        readonly=disk.readonly,
        shareable=disk.shareable,
        cdrom=disk.cdrom,
        discard=discard if isinstance(discard, bool) else None,
        monitors=monitors,
    )
    driver = _DRIVERS.get(str(rest.get("backendtype")))
    if driver is not None and model.takes(driver):
        del rest["backendtype"]
        model = replace(model, driver=driver)
    return model, rest


def _why_no_option(disk: Disk, *, hvm: bool) -> str | None:
    if disk.format not in FORMATS:
        return f"the format {disk.format} cannot be an option"
    if not hvm and disk.bus != "xen":
        return "only an HVM guest can have it in libvirt"
    if not hvm and disk.source is None:
        return "only an HVM guest can have an empty drive in libvirt"
    return None


def _read_source(source: str | None) -> tuple[str | None, tuple[Monitor, ...]]:
    """A source, and where its Ceph cluster is; one in a form that libvirt does not write stays as it is, and is refused."""
    match = _RBD.fullmatch(source or "")
    if match is None:
        # Without a word on the login QEMU would log in as the host's own configuration of Ceph says; libvirt does not.
        return (f"{source}:" if source and source.startswith(PREFIX) else source), ()
    try:
        hosts = (match[2] or "").replace("\\:", ":").split("\\;")
        monitors = tuple(Monitor.parse(host) for host in hosts if host)
    except InvalidInput:
        return source, ()
    return (match[1], monitors) if _rbd_text(match[1], monitors) == source else (source, ())


def _written_source(disk: Disk) -> str | None:
    if not disk.is_network:
        return disk.source
    if disk.login is not None and disk.login.user:
        raise InvalidInput(
            f"the disk {disk.target} cannot be written: its key is in libvirt, and a file of xl would have to say it",
            found=f"auth_user {disk.login.user}",
            remedy="Leave auth_user and auth_secret out, and write the login yourself.",
        )
    return _rbd_text(disk.source or "", disk.monitors or ())


def _rbd_text(source: str, monitors: tuple[Monitor, ...]) -> str:
    hosts = "\\;".join(str(monitor).replace(":", "\\:") for monitor in monitors)
    return f"{source}{_NO_LOGIN}" + (f":mon_host={hosts}" if hosts else "")
