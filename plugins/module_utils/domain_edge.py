# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What the modules that talk to libvirt share at the edge towards Ansible."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.connection import LIBVIRT_IMPORT_ERROR
from ansible_collections.xenfleet.xen.plugins.module_utils.model.report import domain_report
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domains import GuestResult
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import diff_of


def require_libvirt(module: AnsibleModule) -> None:
    """End with a clear word where the Python binding of libvirt is missing."""
    if LIBVIRT_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("libvirt-python"), exception=LIBVIRT_IMPORT_ERROR)


def done_result(result: GuestResult) -> dict[str, Any]:
    """What a module returns for one guest with which all went well."""
    outcome = result.outcome
    if outcome is None:
        return {}
    changes = outcome.plan.changes
    answered = {} if result.address is None else {"address": result.address}
    return {
        "changed": bool(outcome.plan.steps),
        "changes": [change.as_result() for change in changes],
        "restart_required": list(outcome.plan.restart_required),
        "domain": domain_report(outcome.found) if outcome.found else {},
        "diff": [diff_of(result.name, changes)] if changes else [],
        **answered,
    }
