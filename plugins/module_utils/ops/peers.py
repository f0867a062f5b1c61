# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let hosts reach each other's libvirt by SSH: look, plan, carry out."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.model.peers import Peer, Place
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.peers import PeersPlan, plan_peers
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.peers import PeerFiles

_OWN = frozenset({Place.DIRECTORY, Place.PRIVATE_KEY})


@dataclass(frozen=True)
class PeersOutcome:
    """What was done, or would be.

    Attributes:
        plan: the changes.
        key: the line of the host's own public key, '' where it is not made yet.
        host_key: the host's SSH host key without comment, '' where there is none.
    """

    plan: PeersPlan
    key: str
    host_key: str


def ensure_peers(
    files: PeerFiles, name: str, directory: str, peers: tuple[Peer, ...] | None, *, check: bool
) -> PeersOutcome:
    """Make sure of the own key, and of what the peers need here.

    Args:
        files: the host's files.
        name: the host's own name.
        directory: where its key is.
        peers: the other hosts; None when only the own key is asked for.
        check: only look.

    Raises:
        InvalidInput: a key on the host is damaged; nothing was touched.
        CommandFailed, NotFound: it failed on the way; ``applied`` has what was done.
    """
    found = files.read(_OWN if peers is None else frozenset(Place))
    plan = plan_peers(name, directory, peers, found)
    if check or not plan.changes:
        return PeersOutcome(plan, found.key, found.host_key)
    _apply(files, plan)
    if plan.key_comment is not None:
        found = files.read(_OWN)
    return PeersOutcome(plan, found.key, found.host_key)


def _apply(files: PeerFiles, plan: PeersPlan) -> None:
    """Carry out a plan."""
    applied: list[str] = []
    try:
        for place in plan.folders:
            files.make_folder(place)
            applied.append(place.value)
        for place in plan.permissions:
            files.set_permissions(place)
            applied.append(f"{place.value}.mode")
        if plan.key_comment is not None:
            files.make_key(plan.key_comment)
            applied.append("key")
        for place, text in plan.texts:
            files.write(place, text)
            applied.append(place.value)
    except XenfleetError as error:
        error.applied = tuple(applied)
        raise
