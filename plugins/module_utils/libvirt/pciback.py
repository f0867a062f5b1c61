# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The driver of dom0 by which PCI devices are handed to guests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.connection import libvirt

Result = TypeVar("Result")


def with_pciback(call: Callable[[], Result], run: Callable[[Sequence[str]], Any] | None = None) -> Result:
    """The result of a call, made again with the driver when libvirt missed that.

    Libvirt loads it by itself, by the name that it had before it was part of Linux; as a module it is called xen-pciback. It comes
    only now, for a device that libvirt takes back goes to the driver that has been there the longest.

    Args:
        call: what libvirt is asked for.
        run: runs a command of the host; None: it is run here.

    Raises:
        libvirt.libvirtError: it failed for another reason, or again.
        CommandFailed: the driver could not be loaded.
    """
    try:
        return call()
    except libvirt.libvirtError as error:
        if "pciback" not in error.get_error_message():
            raise
    (run or HostCommands().run)(["modprobe", "xen-pciback"])
    return call()
