# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the module of the same name, and comes back to confirm a change that could have cut the connection."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Unreachable
from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import Stage
from ansible_collections.xenfleet.xen.plugins.plugin_utils.confirming import Question, result_of, settle

_MODULE = "xenfleet.xen.xen_bridge"
# No connection that is there already, and none that stays when the other end is silent.
_FRESH = "-o ControlMaster=no -o ControlPath=none -o ServerAliveInterval=5 -o ServerAliveCountMax=3"


class ActionModule(ActionBase):
    """The action."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Change the network; where that is under a timer, connect anew and confirm it."""
        super().run(tmp, task_vars)
        change = secrets.token_hex(8)
        begun: dict[str, Any] = self._execute_module(
            module_name=_MODULE, module_args={**self._task.args, "_change": change}, task_vars=task_vars
        )
        confirmation = begun.get("confirmation") or {}
        if confirmation.get("stage") != Stage.APPLYING.value:
            return begun
        address = self._task.args.get("confirm_address")

        def ask(question: Question) -> Mapping[str, Any]:
            with self._anew(None if question.over else address):
                return self._answer(change, "confirm" if question.confirm else "look", task_vars)

        self._connection.reset()
        settled = settle(ask, float(confirmation["timeout"]))
        for words in settled.confirmation.get("warnings") or ():
            self._display.warning(words)
        return result_of(begun, settled)

    def _answer(self, change: str, wish: str, task_vars: dict[str, Any] | None) -> Mapping[str, Any]:
        """Look at the change, or confirm it; what the host says of it.

        Raises:
            Unreachable: it does not answer.
        """
        try:
            answer: Mapping[str, Any] = self._execute_module(
                module_name=_MODULE,
                module_args={**self._task.args, "_change": change, "_answer": wish},
                task_vars=task_vars,
            )
        except AnsibleConnectionFailure as error:
            raise Unreachable(str(error)) from error
        if "confirmation" not in answer:
            raise Unreachable(str(answer.get("msg") or answer))
        return answer

    @contextlib.contextmanager
    def _anew(self, address: str | None) -> Iterator[None]:
        """Connect from scratch, to another address where one is given."""
        wanted: dict[str, Any] = {}
        if self._connection.transport == "ssh":
            wanted = {
                "ssh_args": f"{_FRESH} {self._connection.get_option('ssh_args') or ''}",
                "reconnection_retries": 0,
            }
        if address:
            wanted["host"] = address
        former = {name: self._connection.get_option(name) for name in wanted}
        for name, value in wanted.items():
            self._connection.set_option(name, value)
        try:
            yield
        finally:
            for name, value in former.items():
                self._connection.set_option(name, value)
            self._connection.close()
