# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What libxl writes into the log of libvirt's Xen driver: why something failed, of which libvirt itself says only that it did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import HypervisorError

LOG = Path("/var/log/libvirt/libxl/libxl-driver.log")
# Time, who, and the place in its source, as libxl's logger for libvirt writes them (src/libxl/libxl_logger.c).
_LINE = re.compile(r"^\S+ \S+: (?:libxl|xc)[^:]*: (?:[\w.]+:\d+:\w+: )?(.+)$")
_MOST_LINES = 3
_MOST_BYTES = 64 * 1024


@contextmanager
def heard(log: Path = LOG) -> Iterator[None]:
    """Adds to an error the last lines that were written meanwhile; of other guests, too, when these were at work.

    Args:
        log: the driver's log; where it is not there nothing is added.

    Raises:
        HypervisorError: the one that came out of what was done, with more in ``found``.
    """
    before = _size(log)
    try:
        yield
    except HypervisorError as error:
        said = _since(log, before)
        if said:
            error.found = f"{error.found}; libxl says: {'; '.join(said[-_MOST_LINES:])}"
        raise


def _size(log: Path) -> int:
    """How long it is, in bytes."""
    try:
        return log.stat().st_size
    except OSError:
        return 0


def _since(log: Path, before: int) -> list[str]:
    """What was said after a place in the file; from its beginning, where a new one has been begun."""
    length = _size(log)
    start = before if length >= before else 0
    try:
        with log.open("rb") as stream:
            stream.seek(max(start, length - _MOST_BYTES))
            text = stream.read(_MOST_BYTES).decode(errors="replace")
    except OSError:
        return []
    found = (_LINE.match(line) for line in text.splitlines())
    return list(dict.fromkeys(match[1].strip() for match in found if match))
