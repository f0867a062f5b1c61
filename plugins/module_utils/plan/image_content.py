# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection itself puts into each guest image: settings, units, and what is left out. Text only.

A guest made from it boots from the host's copy of its kernel, has one disk (``xvda``), its network on Xen's virtual
interfaces and its console on ``hvc0``. It generates its SSH host key at its first boot.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.plan import initramfs

PACKAGES = (
    "busybox-static",
    "ca-certificates",
    "e2fsprogs",
    "iproute2",
    "kmod",
    "linux-image-amd64",
    "openssh-server",
    "python3",
    "systemd-sysv",
    "udev",
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

# What would only cost time at each boot, or run behind the operator's back.
_MASKED = (
    "apt-daily-upgrade.timer", "apt-daily.timer", "dev-hugepages.mount", "dpkg-db-backup.timer", "e2scrub_all.timer",
    "e2scrub_reap.service", "fstrim.timer", "getty@tty1.service", "ldconfig.service", "man-db.timer",
    "proc-sys-fs-binfmt_misc.automount", "sshd-keygen.service", "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "systemd-binfmt.service",
    "systemd-hwdb-update.service", "systemd-hibernate-clear.service", "systemd-journal-catalog-update.service",
    "systemd-pcrmachine.service", "systemd-pcrphase-sysinit.service", "systemd-pcrphase.service",
    "systemd-tpm2-setup-early.service", "systemd-tpm2-setup.service", "systemd-pstore.service", "systemd-update-done.service",
)  # fmt: skip

# Programs that systemd runs before anything else, for what a guest with one plain disk does not have.
_GENERATORS_MASKED = (
    "systemd-bless-boot-generator", "systemd-cryptsetup-generator", "systemd-getty-generator",
    "systemd-gpt-auto-generator", "systemd-hibernate-resume-generator", "systemd-integritysetup-generator",
    "systemd-ssh-generator", "systemd-system-update-generator", "systemd-tpm2-generator",
    "systemd-veritysetup-generator",
)  # fmt: skip

_UNITS = "/etc/systemd/system"

_HOST_KEY_UNIT = """\
[Unit]
Description=SSH host key, made at the first boot
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key
Before=ssh.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -C "" -f /etc/ssh/ssh_host_ed25519_key

[Install]
WantedBy=ssh.service
"""

_GROW_UNIT = """\
[Unit]
Description=Let the root file system fill its disk
ConditionPathIsReadWrite=/
After=systemd-remount-fs.service ssh.service

[Service]
Type=oneshot
ExecStart=-/usr/sbin/resize2fs /dev/xvda
"""


@dataclass(frozen=True)
class Entry:
    """A file or symbolic link of the image.

    Attributes:
        path: where.
        content: the text, or what the link points to.
        mode: permissions of a file.
        link: whether it is a symbolic link.
    """

    path: str
    content: str
    mode: int = 0o644
    link: bool = False


def dpkg_options() -> str:
    """What dpkg leaves out, at the build and in the guest ever after."""
    modules = [
        f"path-exclude=/{top}modules/*/kernel/{kind}/*" for kind in _MODULES_LEFT_OUT for top in ("lib/", "usr/lib/")
    ]
    return "\n".join([*_PATHS_LEFT_OUT, *modules]) + "\n"


def entries() -> tuple[Entry, ...]:
    """Files and links that are put in before the packages are set up."""
    files = [
        Entry("/etc/fstab", FSTAB),
        Entry("/etc/initramfs-tools/conf.d/xen-guest", "MODULES=list\nRESUME=none\n"),
        Entry("/etc/ssh/sshd_config.d/xen-guest.conf", "HostKey /etc/ssh/ssh_host_ed25519_key\nUseDNS no\n"),
        Entry("/etc/systemd/journald.conf.d/xen-guest.conf", "[Journal]\nSystemMaxUse=64M\nRuntimeMaxUse=16M\n"),
        Entry(f"{_UNITS}/ssh-host-key.service", _HOST_KEY_UNIT),
        Entry(f"{_UNITS}/grow-root.service", _GROW_UNIT),
    ]
    links = [
        Entry(f"{_UNITS}/ssh.service.wants/ssh-host-key.service", f"{_UNITS}/ssh-host-key.service", link=True),
        Entry(f"{_UNITS}/multi-user.target.wants/grow-root.service", f"{_UNITS}/grow-root.service", link=True),
        *(
            Entry(f"{_UNITS}/{where}", f"/lib/systemd/system/{unit}", link=True)
            for where, unit in (
                ("multi-user.target.wants/systemd-networkd.service", "systemd-networkd.service"),
                (
                    "network-online.target.wants/systemd-networkd-wait-online.service",
                    "systemd-networkd-wait-online.service",
                ),
                ("sockets.target.wants/systemd-networkd.socket", "systemd-networkd.socket"),
                ("dbus-org.freedesktop.network1.service", "systemd-networkd.service"),
                ("getty.target.wants/serial-getty@hvc0.service", "serial-getty@.service"),
            )
        ),
        *(Entry(f"{_UNITS}/{unit}", "/dev/null", link=True) for unit in _MASKED),
        *(Entry(f"/etc/systemd/system-generators/{name}", "/dev/null", link=True) for name in _GENERATORS_MASKED),
    ]
    return (*files, *links)


def digest() -> str:
    """Changes whenever what the collection puts into an image does."""
    text = repr((PACKAGES, LEFT_OUT, dpkg_options(), entries(), initramfs.INIT, initramfs.REQUIRED, initramfs.OPTIONAL))
    return hashlib.sha256(text.encode()).hexdigest()
