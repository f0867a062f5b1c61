# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A connection to a libvirt daemon, with its errors turned into ours."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import HypervisorError, Unreachable

__all__ = ["LIBVIRT_IMPORT_ERROR", "connected", "libvirt", "translated"]

try:
    import libvirt

    LIBVIRT_IMPORT_ERROR: str | None = None
except ImportError:
    libvirt = None
    LIBVIRT_IMPORT_ERROR = traceback.format_exc()

Result = TypeVar("Result")


@contextmanager
def connected(uri: str) -> Iterator[Any]:
    """An open connection, closed at the end.

    Args:
        uri: such as ``xen:///system``.

    Raises:
        Unreachable: the daemon does not answer or refuses.
    """
    # Without this the library prints each error to standard error besides raising it.
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    try:
        connection = libvirt.open(uri)
    except libvirt.libvirtError as error:
        raise Unreachable(
            f"libvirt does not answer at {uri}",
            found=error.get_error_message(),
            remedy="See that libvirtd runs there (systemctl status libvirtd) and that it has the Xen driver"
            " (Debian: libvirt-daemon-driver-xen).",
        ) from error
    try:
        yield connection
    finally:
        connection.close()


def translated(what: str, call: Callable[[], Result], *, guest: str | None = None, remedy: str | None = None) -> Result:
    """The result of a call, its error turned into one that says what was tried, and what can be done about it.

    Raises:
        HypervisorError: libvirt refused.
    """
    try:
        return call()
    except libvirt.libvirtError as error:
        raise HypervisorError(
            f"libvirt could not {what}", guest=guest, found=error.get_error_message(), remedy=remedy
        ) from error
