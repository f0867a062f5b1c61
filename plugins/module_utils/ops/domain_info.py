# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""Look at the guests of a host, and compare them with what is declared; nothing is touched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import NotFound, XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Declaration, TargetState
from ansible_collections.xenfleet.xen.plugins.module_utils.model.sighting import Sighting
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.definition import lacking_of
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domains import check_together
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import waiting_fields
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.drift import Drift, drift_of
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import GuestViews


@dataclass(frozen=True)
class GuestLook:
    """One guest that is there.

    Attributes:
        seen: the guest.
        drift: where it is not what it should be.
        restart_required: the fields that wait for its next boot.
        compared: whether it was compared with what is declared of it.
        error: why it could not be read, or not be compared with what is declared.
    """

    seen: Sighting
    drift: tuple[Drift, ...] = ()
    restart_required: tuple[str, ...] = ()
    compared: bool = False
    error: str | None = None


@dataclass(frozen=True)
class HostLook:
    """The guests of a host.

    Attributes:
        guests: those that are there.
        missing: the names of those that are declared and not there.
        undeclared: the names of those that are there and not declared.
    """

    guests: tuple[GuestLook, ...]
    missing: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()


def look_at_guests(
    views: GuestViews, name: str | None, declarations: Sequence[Declaration] | None, *, usage: bool
) -> HostLook:
    """Look at all guests of a host, or at one.

    Args:
        views: the host's guests.
        name: the one guest to look at; None: all.
        declarations: what should be on the host; None: nothing is compared with.
        usage: also ask what each uses.

    Raises:
        InvalidInput: the declarations do not fit with each other.
        NotFound: the one guest is neither there nor declared.
    """
    check_together(declarations or ())
    declared = {declaration.domain.name: declaration for declaration in declarations or ()}
    if name is not None:
        declared = {key: declaration for key, declaration in declared.items() if key == name}
    seen = views.look(name, usage=usage)
    if name is not None and not seen and not declared:
        raise NotFound(
            "there is no such guest on this host",
            guest=name,
            found=", ".join(sorted(guest.name for guest in views.look(None, usage=False))) or "no guests",
            remedy="Guests that were not made by way of libvirt are not seen by it; xen_host_info lists those.",
        )
    looks = tuple(_look(guest, declared.get(guest.name)) for guest in seen)
    if declarations is None:
        return HostLook(looks)
    there = {guest.name for guest in seen}
    return HostLook(
        looks,
        missing=tuple(
            key
            for key, declaration in declared.items()
            if key not in there and declaration.state is not TargetState.ABSENT
        ),
        undeclared=tuple(guest.name for guest in seen if guest.name not in declared),
    )


def _look(seen: Sighting, declared: Declaration | None) -> GuestLook:
    found = seen.found
    if found is None:
        return GuestLook(seen, error=seen.error)
    waiting = waiting_fields(found)
    try:
        return GuestLook(
            seen, drift_of(found, declared, lacking_of(declared, found)), waiting, compared=declared is not None
        )
    except XenfleetError as error:
        return GuestLook(seen, drift_of(found, None), waiting, error=str(error))
