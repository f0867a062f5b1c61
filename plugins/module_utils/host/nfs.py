# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an NFS server can be reached, found out without mounting anything."""

from __future__ import annotations

import socket
import time

PORT = 2049
_ATTEMPT_SECONDS = 5.0
_PAUSE_SECONDS = 1.0


def answers(server: str, timeout: float, port: int = PORT) -> bool:
    """Whether a server takes a connection; it is tried again until the time is over.

    Args:
        server: its name or address.
        timeout: seconds for all attempts; one is made in any case.
        port: where it listens.
    """
    end = time.monotonic() + timeout
    while True:
        left = max(end - time.monotonic(), 0.1)
        try:
            with socket.create_connection((server, port), timeout=min(left, _ATTEMPT_SECONDS)):
                return True
        except (OSError, UnicodeError):  # UnicodeError: a name that cannot be one in the DNS
            if time.monotonic() + _PAUSE_SECONDS >= end:
                return False
        time.sleep(_PAUSE_SECONDS)
