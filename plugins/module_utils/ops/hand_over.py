# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Hand a running guest from xl to libvirt: its memory is saved by the one, and restored by the other.

At every moment the guest either runs in exactly one place or stands still in a file, and that file is deleted only when the guest
was seen to run. What fails is undone: xl's own file is never changed, so xl can go on with it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Conflict, HypervisorError, XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, PowerState
from ansible_collections.xenfleet.xen.plugins.module_utils.model.takeover import XenGuest
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.wait import wait_until
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.takeover import (
    MemoryFiles,
    RestoringHypervisor,
    XenGuests,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import render_domain

# How long Xen may take to let go of a domain, and a restored one to be seen running.
_SETTLING_SECONDS = 30.0


@dataclass(frozen=True)
class HandOver:
    """The way of a running guest from xl to libvirt.

    Attributes:
        hypervisor: the host's Xen by way of libvirt, where the guest is defined.
        xen: the host's Xen itself.
        memory: where memory is saved to.
        undisturbed: in what it gives, a lost connection does not end this program.
        seconds: how long is waited for Xen and libvirt to agree.
    """

    hypervisor: RestoringHypervisor
    xen: XenGuests
    memory: MemoryFiles
    undisturbed: Callable[[], AbstractContextManager[None]]
    seconds: float = _SETTLING_SECONDS

    def carry_out(self, planned: XenGuest) -> None:
        """Hand the guest over.

        Args:
            planned: the guest as it was found.

        Raises:
            Conflict: it is not as it was found any more; nothing was touched.
            XenfleetError: it failed; the message says where the guest is now.
        """
        name = planned.name
        with self.undisturbed():
            xml = render_domain(self._as_planned(planned))
            self.memory.prepare(name)
            try:
                self.xen.save(planned.domid, self.memory.path(name))
            except XenfleetError as error:
                raise self._after_save_failed(name, error) from error
            try:
                self._restore(name, xml)
            except XenfleetError as error:
                raise self._after_restore_failed(name, error) from error
            self.memory.forget(name)

    def _as_planned(self, planned: XenGuest) -> Domain:
        now = self._in_xen(planned.name)
        if now is None or planned.running is None or (now.domid, now.running) != (planned.domid, planned.running):
            raise Conflict(
                "it changed while other guests were worked on",
                guest=planned.name,
                found="it does not run any more" if now is None else f"domain {now.domid}, {now.state}",
                expected=f"domain {planned.domid} as it was found",
                remedy="Nothing was done with it. Run this again.",
            )
        return planned.running

    def _restore(self, name: str, xml: str) -> None:
        if not wait_until(lambda: self._in_xen(name) is None, self.seconds):
            raise HypervisorError("xl saved it, but Xen does not let go of it", guest=name)
        with self.memory.as_image(name, xml) as image:
            self.hypervisor.restore(image)

        def goes_on() -> bool:
            there = self._in_xen(name)
            return there is not None and there.is_running and self.hypervisor.state(name) is PowerState.RUNNING

        if not wait_until(goes_on, self.seconds):
            raise HypervisorError("libvirt restored it, but it was not seen running", guest=name)

    def _after_save_failed(self, name: str, error: XenfleetError) -> HypervisorError:
        """xl lets a guest go on by itself when it cannot save it."""
        what = "xl could not save its memory"
        there = self._look(name)
        if isinstance(there, XenfleetError):
            return self._unknown(name, what, error)
        if there is None:
            return self._brought_back(name, what, error)
        if self.xen.is_suspended(name):
            self.xen.wake(name)
        return self._goes_on(name, what, error)

    def _after_restore_failed(self, name: str, error: XenfleetError) -> HypervisorError:
        what = "libvirt could not go on with it"
        there = self._look(name)
        if isinstance(there, XenfleetError):
            return self._unknown(name, what, error)
        if there is not None:
            # Whatever it is, it has the guest's memory: a second one would write to the same disks.
            return _failed(
                name,
                what,
                error,
                f"Xen has it as domain {there.domid}, {there.state}",
                f"Look at it by 'virsh list --all' and 'xl list'. If it runs, delete {self.memory.path(name)}, which is its memory of"
                f" before; if not, destroy it, and let it go on by 'xl restore {self.memory.path(name)}'.",
            )
        return self._brought_back(name, what, error)

    def _brought_back(self, name: str, what: str, error: XenfleetError) -> HypervisorError:
        """Let xl go on with a guest that nobody runs."""
        path = self.memory.path(name)
        try:
            self.xen.restore(path)
        except XenfleetError as second:
            return _failed(
                name,
                what,
                error,
                f"xl could not either: {second}",
                f"It stands still, and its memory is in {path}. Let it go on by 'xl restore {path}'; start it in no other way.",
            )
        return self._goes_on(name, what, error)

    def _goes_on(self, name: str, what: str, error: XenfleetError) -> HypervisorError:
        """The words on a guest that xl should be running; the file goes when that is so, for the guest has left it behind."""

        def runs() -> bool:
            there = self._look(name)
            return isinstance(there, XenGuest) and there.is_running

        if not wait_until(runs, self.seconds):
            return self._unknown(name, what, error)
        self.memory.forget(name)
        return _failed(name, what, error, "it goes on running under xl", "Nothing was lost. It was not taken over.")

    def _unknown(self, name: str, what: str, error: XenfleetError) -> HypervisorError:
        path = self.memory.path(name)
        return _failed(
            name,
            what,
            error,
            "whether it runs could not be seen",
            f"Look at it by 'xl list'. If it is suspended (s in its state), wake it by 'xl resume {name}'; if it is not there, let it go on"
            f" by 'xl restore {path}'. When it runs, delete that file.",
        )

    def _in_xen(self, name: str) -> XenGuest | None:
        return next((guest for guest in self.xen.guests() if guest.name == name), None)

    def _look(self, name: str) -> XenGuest | XenfleetError | None:
        """The same where an answer is not sure to come."""
        try:
            return self._in_xen(name)
        except XenfleetError as error:
            return error


def _failed(name: str, what: str, error: XenfleetError, found: str, remedy: str) -> HypervisorError:
    reason = f"{error.message} ({error.found})" if error.found else error.message
    return HypervisorError(f"{what}: {reason}", guest=name, found=found, remedy=remedy)
