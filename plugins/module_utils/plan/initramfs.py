# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The initramfs of the images: a shell, the few modules that a Xen guest needs, and nothing that takes time. Pure.

Debian's own has udev and its libraries in it, some 30 MB that each boot would have to unpack.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput

# With what they depend on. The network is among them so that a guest reaches it even when the modules in its own file
# system are those of another kernel.
REQUIRED = ("xen-blkfront", "xen-netfront", "ext4")
# ext4 asks for a checksum by name, so no dependency says which; newer kernels have it built in.
OPTIONAL = ("crc32c_generic", "crc32c-intel")

_SUFFIXES = (".ko", ".ko.xz", ".ko.gz", ".ko.zst")

INIT = """\
#!/bin/busybox sh
# First program of a guest: load what the disk and the network need, mount the root file system, go on there.
export PATH=/bin
busybox mount -t devtmpfs -o nosuid,mode=0755 dev /dev
busybox mount -t proc -o nosuid,nodev,noexec proc /proc
busybox mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
while read -r module; do
    busybox insmod "/modules/$module" 2>/dev/null
done < /modules/order
root=/dev/xvda
init=/sbin/init
options=ro
read -r words < /proc/cmdline
for word in $words; do
    case $word in
        root=*) root=${word#root=} ;;
        init=*) init=${word#init=} ;;
        rw) options=rw${options#ro} ;;
        rootflags=*) options=$options,${word#rootflags=} ;;
    esac
done
device=
tries=0
while [ "$tries" -lt 600 ]; do
    case $root in
        LABEL=* | UUID=*) device=$(busybox findfs "$root" 2>/dev/null) ;;
        *) device=$root ;;
    esac
    [ -b "$device" ] && break
    tries=$((tries + 1))
    busybox usleep 50000
done
if busybox mount -t ext4 -o "$options" "$device" /root; then
    for folder in dev proc sys; do
        busybox mount -o move "/$folder" "/root/$folder"
    done
    exec busybox switch_root /root "$init"
fi
echo "The root file system $root cannot be mounted. Block devices that are there:"
busybox cat /proc/partitions
exec busybox sh
"""


@dataclass(frozen=True)
class Member:
    """A file or folder of the initramfs.

    Attributes:
        name: its path, without the leading slash.
        content: None for a folder.
        mode: permissions.
    """

    name: str
    content: bytes | None = None
    mode: int = 0o755


def module_name(path: str) -> str | None:
    """The name of the kernel module in a file, in the form with underscores; None when it is no module's file."""
    file = path.rpartition("/")[2]
    for suffix in _SUFFIXES:
        if file.endswith(suffix):
            return file.removesuffix(suffix).replace("-", "_")
    return None


def load_order(dependencies: str) -> tuple[str, ...]:
    """The files of the modules that are needed, each after those it depends on.

    Args:
        dependencies: the content of ``modules.dep``.

    Raises:
        InvalidInput: a required one is not there.
    """
    files: dict[str, str] = {}
    needs: dict[str, tuple[str, ...]] = {}
    for line in dependencies.splitlines():
        file, _colon, others = line.partition(":")
        name = module_name(file)
        if name is not None:
            files[name] = file
            needs[file] = tuple(others.split())
    order: dict[str, None] = {}
    for wanted in (*OPTIONAL, *REQUIRED):
        found = files.get(wanted.replace("-", "_"))
        if found is not None:
            # depmod names all that a module needs, the ones to be loaded first at the end.
            order.update(dict.fromkeys((*reversed(needs[found]), found)))
        elif wanted in REQUIRED:
            raise InvalidInput(f"the kernel of the image has no module {wanted}", expected=", ".join(REQUIRED))
    return tuple(order)


def members(busybox: bytes, modules: Sequence[tuple[str, bytes]]) -> tuple[Member, ...]:
    """What the initramfs has.

    Args:
        busybox: the program, statically linked.
        modules: name and content of each module in the order of loading.
    """
    folders = [Member(name) for name in ("bin", "dev", "modules", "proc", "root", "sys")]
    order = "".join(f"{name}\n" for name, _content in modules)
    return (
        *folders,
        Member("init", INIT.encode()),
        Member("bin/busybox", busybox),
        Member("modules/order", order.encode(), 0o644),
        *(Member(f"modules/{name}", content, 0o644) for name, content in modules),
    )


def archive(parts: Iterable[Member]) -> bytes:
    """The initramfs itself: a cpio archive of the kind 'newc', compressed; the same at each build."""
    blocks: list[bytes] = []
    for number, part in enumerate((*parts, Member("TRAILER!!!", b"", 0)), start=1):
        content = part.content or b""
        kind = 0 if part.name == "TRAILER!!!" else 0o040000 if part.content is None else 0o100000
        name = part.name.encode() + b"\0"
        fields = (number, kind | part.mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
        head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
        blocks += [_padded(head), _padded(content)]
    return gzip.compress(b"".join(blocks), mtime=0)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
