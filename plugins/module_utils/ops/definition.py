# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The definition that a guest gets: its configuration in libvirt's words, and what was declared in libvirt's words."""

from __future__ import annotations

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import HypervisorError, InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Declaration, Domain, FoundDomain
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import NOTHING_LACKING, Lacking
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.fields import base_name, differences
from ansible_collections.xenfleet.xen.plugins.module_utils.xml import fragment
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import parse_domain, render_domain

_NOTHING = "<domain/>"


def lacking_of(declared: Declaration | None, found: FoundDomain | None) -> Lacking:
    """What of the declared XML is not there yet."""
    if declared is None or declared.xml is None:
        return NOTHING_LACKING
    stored = (found.stored_xml if found else None) or _NOTHING
    running = found.running_xml if found else None
    return Lacking(
        stored=fragment.lacking(declared.xml, stored),
        running=fragment.lacking(declared.xml, running) if running else (),
    )


def definition_of(declared: Declaration, target: Domain, found: FoundDomain | None) -> str:
    """The whole definition.

    Raises:
        InvalidInput: the declared XML says what is the business of an option.
    """
    definition = render_domain(target, found.stored_xml if found else None)
    if declared.xml is None:
        return definition
    meant = parse_domain(definition)
    definition = fragment.merged(declared.xml, definition)
    contradicted = dict.fromkeys(base_name(change.field) for change in differences(meant, parse_domain(definition)))
    if contradicted:
        raise InvalidInput(
            "xml says what an option is there for",
            guest=target.name,
            found=", ".join(contradicted),
            remedy="Say it by the option, and take it out of xml.",
        )
    return definition


def check_kept(declared: Declaration, stored: FoundDomain | None) -> None:
    """Whether libvirt kept the declared XML; what its Xen driver does not know it drops without a word.

    Raises:
        HypervisorError: it did not.
    """
    dropped = lacking_of(declared, stored).stored
    if dropped:
        raise HypervisorError(
            "libvirt did not keep all of xml",
            guest=declared.domain.name,
            found=", ".join(f"{path} is gone" for path, _words in dropped),
            remedy="Its Xen driver knows no such part; take it out of xml.",
        )
