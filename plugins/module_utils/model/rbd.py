# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Disks in a Ceph cluster (RADOS block devices), and how the cluster is reached."""

from __future__ import annotations

import ipaddress
import re
import uuid
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import is_host_name

PREFIX = "rbd:"
_WORD = r"[A-Za-z0-9._-]+"
_IMAGE = re.compile(rf"{PREFIX}{_WORD}/(?:{_WORD}/)?{_WORD}(?:@{_WORD})?", re.ASCII)
_MONITOR = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+))(?::([0-9]{1,5}))?", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def rbd_source(text: str, *, field: str = "source") -> str:
    """The source of a disk in a cluster: ``rbd:POOL/IMAGE``, with a namespace between, or ``@SNAPSHOT`` at the end.

    Raises:
        InvalidInput: it is none.
    """
    if not _IMAGE.fullmatch(text):
        raise InvalidInput(f"{field} is no image in a Ceph cluster", found=repr(text), expected="rbd:pool/image")
    return text


@dataclass(frozen=True)
class Monitor:
    """Where a monitor of the cluster listens.

    Attributes:
        host: its name or address.
        port: its TCP port; None: Ceph's own.
    """

    host: str
    port: int | None = None

    @classmethod
    def parse(cls, text: str, *, field: str = "monitors") -> Monitor:
        """Read ``mon1``, ``10.30.0.1:6789`` or ``[fd00::1]:6789``.

        Raises:
            InvalidInput: it is none.
        """
        match = _MONITOR.fullmatch(text)
        host = (match[1] or match[2]) if match else ""
        port = int(match[3]) if match and match[3] else None
        is_host = _is_ipv6(host) if match and match[1] else is_host_name(host)
        if not is_host or not (port is None or 1 <= port <= 65535):
            raise InvalidInput(
                f"{field} has something that is no monitor",
                found=repr(text),
                expected="host or host:port, such as 10.30.0.1:6789 or [fd00::1]:6789",
            )
        return cls(host, port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


@dataclass(frozen=True)
class RbdLogin:
    """As whom the cluster is used.

    Attributes:
        user: the user of the cluster, without ``client.``; empty: nobody, where one is taken away.
        secret: the UUID of the libvirt secret that has the user's key.
    """

    user: str
    secret: str

    @classmethod
    def parse(cls, user: str, secret: str) -> RbdLogin:
        """Read the two options.

        Raises:
            InvalidInput: one is missing, or makes no sense.
        """
        if not user and not secret:
            return cls("", "")
        if not _USER.fullmatch(user):
            raise InvalidInput("disks.auth_user is no user of a Ceph cluster", found=repr(user), expected="such as xen")
        try:
            return cls(user, str(uuid.UUID(secret)))
        except ValueError as error:
            raise InvalidInput(
                "disks.auth_secret is no UUID",
                found=repr(secret),
                expected="the UUID of a secret in libvirt, as 'virsh secret-list' prints it",
            ) from error


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True
