# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls to the hypervisor that a plan for a guest is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import HostDevice
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change


class Action(StrEnum):
    """One call to the hypervisor."""

    DEFINE = "define"
    SET_MEMORY = "set_memory"
    SET_VCPUS = "set_vcpus"
    PIN_VCPUS = "pin_vcpus"
    SET_SCHEDULER = "set_scheduler"
    ATTACH_DISK = "attach_disk"
    DETACH_DISK = "detach_disk"
    ATTACH_NIC = "attach_nic"
    DETACH_NIC = "detach_nic"
    ATTACH_HOST_DEVICE = "attach_host_device"
    DETACH_HOST_DEVICE = "detach_host_device"
    CHANGE_MEDIUM = "change_medium"
    SET_AUTOSTART = "set_autostart"
    DISCARD = "discard"
    FORGET_SAVED = "forget_saved"
    START = "start"
    START_PAUSED = "start_paused"
    PAUSE = "pause"
    RESUME = "resume"
    WAKE = "wake"
    SAVE = "save"
    SHUTDOWN = "shutdown"
    REMOVE_DISK = "remove_disk"
    UNDEFINE = "undefine"


# These compare with the running guest, all others with what is stored.
OF_THE_RUNNING_GUEST = (
    Action.SET_MEMORY,
    Action.SET_VCPUS,
    Action.PIN_VCPUS,
    Action.SET_SCHEDULER,
    Action.ATTACH_DISK,
    Action.DETACH_DISK,
    Action.ATTACH_NIC,
    Action.DETACH_NIC,
    Action.ATTACH_HOST_DEVICE,
    Action.DETACH_HOST_DEVICE,
    Action.CHANGE_MEDIUM,
)


@dataclass(frozen=True)
class Step:
    """A call to the hypervisor.

    Attributes:
        action: which one.
        changes: the fields it changes.
        device: the disk, the interface or the host's device that it plugs or unplugs, the drive with its new medium, or the disk
            that it removes.
        domid: Xen's number of what it ends, of a start that broke off.
    """

    action: Action
    changes: tuple[Change, ...]
    device: Disk | Nic | HostDevice | None = None
    domid: int | None = None
