# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a machine is no working Xen host: from what can be seen of it to the cause, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.model.dom0 import Boot, Machine, Service
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size

_SLACK = Size(32 * MIB)  # what the kernel may give back or not take


@dataclass(frozen=True)
class Symptoms:
    """What can be seen of a machine whose libvirt does not answer for Xen.

    Attributes:
        machine: what it is and runs.
        has_driver: whether libvirt's Xen driver is installed.
        libvirtd: the daemon's service.
        listens: whether its socket is there, which starts it when it is asked.
        said: what libvirt answered.
        journal: what the daemon wrote since the machine's start.
    """

    machine: Machine
    has_driver: bool
    libvirtd: Service
    listens: bool
    said: str
    journal: str


@dataclass(frozen=True)
class Cause:
    """A cause in words."""

    message: str
    found: str
    remedy: str


def cause_of(symptoms: Symptoms) -> Cause:
    """The first cause that what is seen points to."""
    machine = symptoms.machine
    if machine.xen is None:
        return Cause(
            "the machine is not booted into Xen",
            machine.kernel_line or "a kernel without Xen",
            "Look at the boot menu (grep menuentry /boot/grub/grub.cfg) and at the console: Xen may have failed to start.",
        )
    if machine.xen.version is None:
        return Cause(
            "Xen runs, but its tools do not reach it",
            "no answer to 'xl info'",
            "Look at 'systemctl status xen' and at the package xen-utils of the version that runs (xl dmesg, dpkg -l 'xen-utils-*').",
        )
    if not symptoms.has_driver:
        return Cause(
            "libvirt's Xen driver is not installed",
            symptoms.said,
            "Install the package libvirt-daemon-driver-xen and restart libvirtd.",
        )
    if "Cannot find suitable CPU model" in symptoms.journal:
        return Cause(
            "libvirt's Xen driver does not start, for libvirt knows no model of this CPU",
            "'Cannot find suitable CPU model' in the journal of libvirtd",
            "Xen hides features of the CPU that libvirt demands of every model. Try a CPU model of the virtual machine, if it is one, "
            "or let the models in /usr/share/libvirt/cpu_map do without the feature.",
        )
    if not symptoms.libvirtd.active and not symptoms.listens:
        return Cause(
            "libvirtd does not run",
            symptoms.said,
            "Look at 'systemctl status libvirtd' and 'journalctl -u libvirtd'; then 'systemctl enable --now libvirtd'.",
        )
    if "state driver is not active" in symptoms.said or "no connection driver available" in symptoms.said:
        return Cause(
            "libvirtd was there before Xen's daemons, and left its Xen driver off",
            symptoms.said,
            "Restart libvirtd; guests are not touched by it. If it helps, see that the service xen starts before it.",
        )
    return Cause("libvirt does not answer for Xen", symptoms.said, "Look at 'journalctl -u libvirtd'.")


def shortcomings(boot: Boot, machine: Machine) -> list[str]:
    """In what a running Xen host is not as it was asked for, beside its command lines."""
    xen = machine.xen
    dom0 = xen.dom0 if xen else None
    if xen is None or dom0 is None:
        return []
    problems = []
    if boot.size is not None and abs(dom0.memory.bytes - boot.size.bytes) > _SLACK.bytes:
        problems.append(f"dom0 has {dom0.memory} of memory; expected: {boot.size}")
    most = boot.most_vcpus
    if most is not None and dom0.vcpus > most:
        problems.append(f"dom0 has {dom0.vcpus} VCPUs; expected: {most} at most")
    return problems
