# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection itself puts into each guest image: settings, units, and what is left out. Text only.

A guest made from it boots from the host's copy of its kernel, has one disk (``xvda``), its network on Xen's virtual
interfaces and its console on ``hvc0``. It generates its SSH host key at its first boot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType, ModuleType

from ansible_collections.xenfleet.xen.plugins.module_utils.plan import image_busybox, image_systemd, initramfs
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.image_entry import Entry

_INITS: Mapping[str, ModuleType] = MappingProxyType({"systemd": image_systemd, "busybox": image_busybox})

_PACKAGES = (
    "busybox-static",
    "ca-certificates",
    "e2fsprogs",
    "iproute2",
    "kmod",
    "linux-image-amd64",
    "openssh-server",
    "python3",
)

FSTAB = "/dev/xvda / ext4 defaults,noatime,errors=remount-ro,noinit_itable 0 1\n"

# Kinds of kernel modules that a PV or PVH guest cannot have a use for: drivers of real hardware.
_MODULES_LEFT_OUT = (
    "drivers/accel", "drivers/ata", "drivers/bluetooth", "drivers/comedi", "drivers/gpu", "drivers/hid",
    "drivers/hwmon", "drivers/i2c", "drivers/iio", "drivers/infiniband", "drivers/input", "drivers/isdn",
    "drivers/leds", "drivers/media", "drivers/mfd", "drivers/misc/vmw_vmci", "drivers/mtd", "drivers/net/ethernet", "drivers/net/wireless",
    "drivers/nvme", "drivers/platform", "drivers/scsi", "drivers/staging", "drivers/thunderbolt", "drivers/usb",
    "drivers/video", "net/bluetooth", "net/mac80211", "net/vmw_vsock", "net/wireless", "sound",
)  # fmt: skip

_PATHS_LEFT_OUT = (
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/locale/*",
    "path-include=/usr/share/locale/locale.alias",
    "path-exclude=/lib/udev/hwdb.d/*",
    "path-exclude=/usr/lib/udev/hwdb.d/*",
)

# In the finished archive, but not in the image.
LEFT_OUT = (
    "./boot/initrd.img-*",
    "./boot/vmlinuz-*",
    "./dev/*",
    "./initrd.img*",
    "./vmlinuz*",
    "./etc/hostname",
    "./etc/resolv.conf",
    "./etc/ssh/ssh_host_*",
    "./usr/share/python3/__pycache__",
    "./var/cache/apt/*.bin",
    "./var/log/*.log",
)


def dpkg_options() -> str:
    """What dpkg leaves out, at the build and in the guest ever after."""
    modules = [
        f"path-exclude=/{top}modules/*/kernel/{kind}/*" for kind in _MODULES_LEFT_OUT for top in ("lib/", "usr/lib/")
    ]
    return "\n".join([*_PATHS_LEFT_OUT, *modules]) + "\n"


def packages(init: str) -> tuple[str, ...]:
    """What each image has, by the name of its first program."""
    return (*_PACKAGES, *_INITS[init].PACKAGES)


def entries(init: str) -> tuple[Entry, ...]:
    """Files and links that are put in before the packages are set up."""
    return (
        Entry("/etc/fstab", FSTAB),
        Entry("/etc/initramfs-tools/conf.d/xen-guest", "MODULES=list\nRESUME=none\n"),
        Entry("/etc/ssh/sshd_config.d/xen-guest.conf", "HostKey /etc/ssh/ssh_host_ed25519_key\nUseDNS no\n"),
        *_INITS[init].entries(),
    )


def digest(init: str) -> str:
    """Changes whenever what the collection puts into such an image does."""
    own = (packages(init), LEFT_OUT, dpkg_options(), entries(init))
    text = repr((*own, initramfs.INIT, initramfs.REQUIRED, initramfs.OPTIONAL))
    return hashlib.sha256(text.encode()).hexdigest()
