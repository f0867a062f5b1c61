# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images whose guests run systemd: its units, and what of it is left aside. Text only."""

from __future__ import annotations

from ansible_collections.xenfleet.xen.plugins.module_utils.plan.image_entry import Entry

PACKAGES = ("systemd-sysv", "udev")

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


def entries() -> tuple[Entry, ...]:
    """Files and links that are put in before the packages are set up."""
    return (
        Entry("/etc/systemd/journald.conf.d/xen-guest.conf", "[Journal]\nSystemMaxUse=64M\nRuntimeMaxUse=16M\n"),
        Entry(f"{_UNITS}/ssh-host-key.service", _HOST_KEY_UNIT),
        Entry(f"{_UNITS}/grow-root.service", _GROW_UNIT),
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
    )
