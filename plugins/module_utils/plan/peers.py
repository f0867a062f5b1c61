# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host's own key and its peers against the files that it has: what changes in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.model.peers import (
    FOLDERS,
    MODES,
    Entry,
    FoundPeers,
    Peer,
    Place,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Change

HEAD = "# Written by Ansible (xenfleet.xen.xen_peers), which undoes other changes when it runs again.\n"
_MARK = "xenfleet-migration@"
# A line that sshd reads, with a comment of ours at its end.
_AUTHORIZED = re.compile(rf"[ \t]*[^# \t].*[ \t]{_MARK}([A-Za-z0-9._:-]+)[ \t\r]*", re.ASCII | re.DOTALL)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


@dataclass(frozen=True)
class PeersPlan:
    """What is to be done, in this order.

    Attributes:
        changes: the differences, for the operator's eyes.
        folders: folders to make.
        permissions: what is there and has other permissions than it should.
        key_comment: the comment of the key to make; None where there is one already.
        texts: files to write, with all of their content.
    """

    changes: tuple[Change, ...] = ()
    folders: tuple[Place, ...] = ()
    permissions: tuple[Place, ...] = ()
    key_comment: str | None = None
    texts: tuple[tuple[Place, str], ...] = ()


@dataclass(frozen=True)
class _File:
    """A file as it should be, and how what is there differs."""

    place: Place
    text: str
    changes: tuple[Change, ...]


def plan_peers(name: str, directory: str, peers: tuple[Peer, ...] | None, found: FoundPeers) -> PeersPlan:
    """Compare.

    Args:
        name: this host's name.
        directory: where its key is.
        peers: the other hosts; None when only the own key is asked for.
        found: what the host has.
    """
    missing_key = Place.PRIVATE_KEY not in found.entries
    own = [Change("key", None, f"ssh-ed25519, {_MARK}{name}")] if missing_key else []
    files = [] if peers is None else [*_lines(peers, found), _config(directory, peers, found)]
    managed = [Place.DIRECTORY, Place.PRIVATE_KEY, *(file.place for file in files)]
    if Place.AUTHORIZED_KEYS in managed:
        managed.insert(managed.index(Place.AUTHORIZED_KEYS), Place.ROOT_SSH)
    permissions = tuple(place for place in managed if place in found.entries and not _fits(found.entries[place], place))
    modes = [
        Change(f"{place.value}.mode", found.entries[place].permissions, f"{MODES[place]:04o}") for place in permissions
    ]
    return PeersPlan(
        (*own, *(change for file in files for change in file.changes), *modes),
        tuple(place for place in managed if place in FOLDERS and place not in found.entries),
        permissions,
        f"{_MARK}{name}" if missing_key else None,
        tuple((file.place, file.text) for file in files if file.changes),
    )


def authorized_line(peer: Peer) -> str:
    """What lets a peer in: from its own address only, and to libvirt only."""
    options = f'restrict,from="{peer.address}",command="virt-ssh-helper xen:///system"'
    return f"{options} {peer.key} {_MARK}{peer.name}"


def ssh_config(directory: str, peers: Iterable[Peer]) -> str:
    """What makes this host use its key towards its peers, and no other key."""
    return HEAD + "".join(
        f"Host {peer.address}\n"
        "    User root\n"
        f"    IdentityFile {directory}/id_ed25519\n"
        "    IdentitiesOnly yes\n"
        f"    UserKnownHostsFile {directory}/known_hosts\n"
        "    StrictHostKeyChecking yes\n"
        "    BatchMode yes\n"
        "    ConnectTimeout 10\n"
        for peer in peers
    )


def _lines(peers: tuple[Peer, ...], found: FoundPeers) -> list[_File]:
    """The files with a line for each peer. One that no peer brings anything for is not looked at."""
    authorized = {peer.name: authorized_line(peer) for peer in peers if peer.key}
    known = {peer.address: f"{peer.address} {peer.host_key}" for peer in peers if peer.host_key}
    fields = {peer.name: f"peers[{peer.name}].key" for peer in peers}
    known_fields = {peer.address: f"peers[{peer.name}].host_key" for peer in peers}
    files = []
    for place, wanted, whose, names in (
        (Place.AUTHORIZED_KEYS, authorized, _authorized_name, fields),
        (Place.KNOWN_HOSTS, known, _known_address, known_fields),
    ):
        text, before = merge(_text(found, place), wanted, whose)
        changes = tuple(Change(names[key], _shown(lines), wanted[key]) for key, lines in before.items())
        files += [_File(place, text, changes)] if wanted else []
    return files


def _config(directory: str, peers: tuple[Peer, ...], found: FoundPeers) -> _File:
    """The configuration, for all peers."""
    text = ssh_config(directory, peers)
    change = Change(Place.SSH_CONFIG.value, _config_before(directory, found), _hosts(peer.address for peer in peers))
    return _File(Place.SSH_CONFIG, text, () if _text(found, Place.SSH_CONFIG) == text else (change,))


def merge(
    text: str, wanted: Mapping[str, str], whose: Callable[[str], str | None]
) -> tuple[str, dict[str, tuple[str, ...]]]:
    """Put lines into a text, each in the place of its former one or at the end; all other lines stay as they are.

    Args:
        text: the former text.
        wanted: the lines, by what they are found again by.
        whose: what a line is found again by.

    Returns:
        The new text, and the former lines of what differs. A line that came twice is there once afterwards: the second
        one would let in a key, or believe one, that is no longer the host's.
    """
    former: dict[str, list[str]] = {key: [] for key in wanted}
    pieces: list[str] = []
    for piece in _LINE.findall(text):
        line = piece.removesuffix("\n")
        key = whose(line)
        if key is None or key not in wanted:
            pieces.append(piece)
            continue
        if not former[key]:
            pieces.append(piece if line == wanted[key] else f"{wanted[key]}\n")
        former[key].append(line)
    added = [f"{wanted[key]}\n" for key, lines in former.items() if not lines]
    if added and pieces and not pieces[-1].endswith("\n"):
        pieces[-1] += "\n"
    differing = {key: tuple(lines) for key, lines in former.items() if lines != [wanted[key]]}
    return "".join([*pieces, *added]), differing


def _authorized_name(line: str) -> str | None:
    """The peer that a line of ``authorized_keys`` is for."""
    match = _AUTHORIZED.fullmatch(line)
    return match[1] if match else None


def _known_address(line: str) -> str | None:
    """The address that a line of ``known_hosts`` is for."""
    address, blank, _rest = line.partition(" ")
    return address if blank else None


def _text(found: FoundPeers, place: Place) -> str:
    """A file's content, '' where there is none."""
    entry = found.entries.get(place)
    return entry.text if entry else ""


def _fits(entry: Entry, place: Place) -> bool:
    """Whether permissions are as they should be."""
    return entry.owned and entry.mode == MODES[place]


def _shown(lines: tuple[str, ...]) -> str | None:
    """Former lines, which may hold anything, for the operator's eyes."""
    if not lines:
        return None
    return "; ".join("".join(char if char.isprintable() else "\ufffd" for char in line) for line in lines)


def _config_before(directory: str, found: FoundPeers) -> str | None:
    """What the former configuration was for, and whether it was ours."""
    if Place.SSH_CONFIG not in found.entries:
        return None
    text = _text(found, Place.SSH_CONFIG)
    addresses = re.findall(r"^Host (\S+)$", text, re.MULTILINE | re.ASCII)
    ours = text == ssh_config(directory, [Peer("", address) for address in addresses])
    return _shown((f"{_hosts(addresses)}{'' if ours else ', with other text'}",))


def _hosts(addresses: Iterable[str]) -> str:
    """Addresses for the operator's eyes."""
    return ", ".join(addresses) or "no hosts"
