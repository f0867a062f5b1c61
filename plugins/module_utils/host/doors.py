# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Whether servers can be reached from this machine."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Collection, Mapping

from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import Door


class LocalDoors:
    """Implements ``ports.guest.Doors``: one connection each, closed at once."""

    def knock(self, doors: Collection[Door], seconds: float) -> Mapping[Door, bool]:
        """Which of them answer, and whether they accept the connection."""
        answers: dict[Door, bool] = {}
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            for door in doors:
                family = socket.AF_INET6 if ":" in door.address else socket.AF_INET
                attempt = socket.socket(family, socket.SOCK_STREAM)
                attempt.setblocking(False)
                outcome = attempt.connect_ex((door.address, door.port))
                if outcome in (0, errno.EINPROGRESS):
                    selector.register(attempt, selectors.EVENT_WRITE, door)
                    continue
                if outcome == errno.ECONNREFUSED:
                    answers[door] = False
                attempt.close()
            while selector.get_map() and (left := deadline - time.monotonic()) > 0:
                for key, _events in selector.select(left):
                    attempt = key.fileobj  # type: ignore[assignment]  # what was registered
                    outcome = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if outcome in (0, errno.ECONNREFUSED):
                        answers[key.data] = outcome == 0
                    selector.unregister(attempt)
                    attempt.close()
            for key in list(selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]
        return answers
