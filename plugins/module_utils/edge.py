# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge towards Ansible: the only place where an error becomes ``fail_json``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import Refused, XenfleetError


def run(module: AnsibleModule, work: Callable[[AnsibleModule], dict[str, Any]]) -> None:
    """Do a module's work and end with its result or with the error's own words."""
    try:
        result = work(module)
    except Refused as error:
        module.fail_json(msg=str(error), obstacles=list(error.obstacles), **error.details())
    except XenfleetError as error:
        module.fail_json(msg=str(error), **error.details())
    module.exit_json(**result)
