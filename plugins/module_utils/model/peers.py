# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that reach each other's libvirt by SSH: their names, addresses and public keys; and the files that say so."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import absolute_path, is_host_name

KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,252}", re.ASCII)
_DIRECTORY = re.compile(r"/[A-Za-z0-9._+@/-]*", re.ASCII)
_KEY = re.compile(r"(?P<type>[a-z0-9@.-]+) (?P<base64>[A-Za-z0-9+/]+={0,2})(?: (?P<comment>[^\"'`\\]+))?", re.ASCII)
_SHOWN = 100


@dataclass(frozen=True)
class PublicKey:
    """A public key of SSH, without its comment."""

    type: str
    base64: str

    def __str__(self) -> str:
        return f"{self.type} {self.base64}"


@dataclass(frozen=True)
class Peer:
    """Another host.

    Attributes:
        name: its name in the inventory.
        address: an IP address or a host name on the network that migrations go over.
        key: by which it comes; None where it was not reached in this run.
        host_key: by which it is known; None as above.
    """

    name: str
    address: str
    key: PublicKey | None = None
    host_key: PublicKey | None = None


class Place(StrEnum):
    """A file or folder that lets hosts reach each other, named for the operator's eyes."""

    DIRECTORY = "directory"
    PRIVATE_KEY = "id_ed25519"
    KNOWN_HOSTS = "known_hosts"
    ROOT_SSH = ".ssh"
    AUTHORIZED_KEYS = "authorized_keys"
    SSH_CONFIG = "ssh_config"


FOLDERS = frozenset({Place.DIRECTORY, Place.ROOT_SSH})
MODES: Mapping[Place, int] = {
    Place.DIRECTORY: 0o700,
    Place.PRIVATE_KEY: 0o600,
    Place.KNOWN_HOSTS: 0o600,
    Place.ROOT_SSH: 0o700,
    Place.AUTHORIZED_KEYS: 0o600,
    Place.SSH_CONFIG: 0o644,
}


@dataclass(frozen=True)
class Entry:
    """What is at a place.

    Attributes:
        mode: its permissions.
        owned: it belongs to root, as it has to.
        text: a file's content; '' for folders and for the private key, which is never read.
    """

    mode: int
    owned: bool = True
    text: str = ""

    @property
    def permissions(self) -> str:
        """For the operator's eyes."""
        return f"{self.mode:04o}{'' if self.owned else ', not of root'}"


@dataclass(frozen=True)
class FoundPeers:
    """What a host has of its own and of its peers.

    Attributes:
        entries: what is there; places where nothing is are left out.
        key: the line of the host's own public key, '' where there is none.
        host_key: the host's SSH host key without comment, '' where there is none.
    """

    entries: Mapping[Place, Entry]
    key: str = ""
    host_key: str = ""


def host_label(value: str, *, field: str = "name") -> str:
    """A host's name as the inventory has it, which becomes the comment of its key.

    Raises:
        InvalidInput: it has other characters than names of hosts have.
    """
    if not _NAME.fullmatch(value):
        raise InvalidInput(
            f"{field} is not usable as the name of a host",
            found=_shown(value),
            expected="letters, digits and '._:-', beginning with a letter or digit",
        )
    return value


def key_directory(value: str) -> str:
    """The folder of the key, which is written into a file that gives some characters a meaning.

    Raises:
        InvalidInput: it is relative, climbs, or has such characters.
    """
    absolute_path(value, field="directory")
    if not _DIRECTORY.fullmatch(value) or not value.strip("/"):
        raise InvalidInput(
            "directory is no usable path", found=_shown(value), expected="letters, digits and '._+@-' between slashes"
        )
    return value.rstrip("/")


def public_key(text: str, *, what: str) -> PublicKey:
    """A public key from its line, ``TYPE BASE64 [COMMENT]``.

    Args:
        text: the line.
        what: what it is, for the error.

    Raises:
        InvalidInput: it is anything else, such as two lines, or its parts do not fit together.
    """
    expected = "TYPE BASE64 [COMMENT] in one line, without quotes"
    match = _KEY.fullmatch(text)
    if match is None or not text.isprintable():
        raise InvalidInput(f"{what} is no public key", found=_shown(text), expected=expected)
    kind, body = match["type"], match["base64"]
    if kind not in KEY_TYPES:
        raise InvalidInput(f"{what} has an unknown type", found=_shown(kind), expected=", ".join(KEY_TYPES))
    try:
        blob = base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise InvalidInput(f"{what} is damaged", found=f"{_shown(text)} ({error})", expected=expected) from error
    # The type comes once more inside, after its length.
    if not blob.startswith(len(kind).to_bytes(4, "big") + kind.encode()):
        raise InvalidInput(f"{what} is damaged", found=_shown(text), expected=f"a key of the type {kind}")
    return PublicKey(kind, body)


def make_peers(told: Iterable[Mapping[str, str | None]]) -> tuple[Peer, ...]:
    """Peers from plain values, sorted by name; the values come from other hosts and so are looked at one by one.

    Raises:
        InvalidInput: a value is not usable, or two peers are not to be told apart.
    """
    peers = [_make_peer(one) for one in told]
    _tell_apart("name", [(peer, peer.name) for peer in peers])
    _tell_apart("address", [(peer, _usual(peer.address)) for peer in peers])
    return tuple(sorted(peers, key=lambda peer: peer.name))


def _make_peer(told: Mapping[str, str | None]) -> Peer:
    """One peer."""
    name = host_label(told["name"] or "", field="peers[].name")
    key, host_key = told.get("key"), told.get("host_key")
    return Peer(
        name,
        _address(told["address"] or "", field=f"peers[{name}].address"),
        public_key(key, what=f"peers[{name}].key") if key else None,
        public_key(host_key, what=f"peers[{name}].host_key") if host_key else None,
    )


def _address(value: str, *, field: str) -> str:
    """An IP address without zone, or a host name."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        usable = is_host_name(value) and not value.rpartition(".")[2].isdigit()
    else:
        usable = "%" not in value
    if not usable:
        raise InvalidInput(
            f"{field} is neither an IP address nor a host name", found=_shown(value), expected="such as 10.30.0.102"
        )
    return value


def _usual(address: str) -> str:
    """An address in its usual form: there are several for one."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return address.lower()


def _tell_apart(what: str, values: Iterable[tuple[Peer, str]]) -> None:
    """Refuse two peers with the same value."""
    seen: dict[str, Peer] = {}
    for peer, value in values:
        other = seen.setdefault(value, peer)
        if other is not peer:
            raise InvalidInput(
                f"two peers have the same {what}",
                found=f"{other.name} ({other.address}) and {peer.name} ({peer.address})",
                expected="each host once, with an address of its own",
            )


def _shown(value: str) -> str:
    """Some of a value that may be anything."""
    return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}...")
