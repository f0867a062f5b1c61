# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Waiting with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 1.0


def wait_until(reached: Callable[[], bool], timeout: float) -> bool:
    """Ask again and again, in growing pauses, until the answer is yes or the time is over.

    Args:
        reached: the question.
        timeout: seconds; with 0 it is asked once.

    Returns:
        Whether it was reached.
    """
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while not reached():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, _LONGEST_PAUSE)
    return True
