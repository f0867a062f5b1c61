#!/usr/bin/python
# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guests that a host has in files of xl and xm, to libvirt."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xen_takeover
short_description: Take over the guests that a Xen host has in files of xl and xm
version_added: 0.1.0
author: xenfleet contributors (@xenfleet)
description:
  - Reads the configuration files of C(xl) and C(xm) on a host, defines their guests in libvirt, and lets libvirt start those that
    C(xendomains) started with the host.
  - A guest that C(xl) runs is handed to libvirt without a reboot. C(xl) saves its memory to the host's disk, and libvirt restores it from
    there. It stands still for the time that writing and reading its memory take, and its clock jumps. It has the same UUID, MAC
    addresses and devices afterwards.
  - What fails is undone. A guest that libvirt does not restore is restored by C(xl); the file with its memory is deleted only when the guest
    was seen running.
  - A guest that cannot be handed over is left as it is, and libvirt does not hear of it, so that nothing can run twice. The reason is
    returned, and what to do by hand.
  - Files are read, never run. What is in one and has no option is left behind when the guest does not feel it (such as C(on_watchdog), or
    in a PV guest's file what only an HVM guest heeds); otherwise the file is refused.
  - The password of a guest's screen goes into libvirt's definition. Nothing that is returned or logged shows it.
  - The playbook C(xenfleet.xen.import) calls this module on all hosts and shows a table.
extends_documentation_fragment:
  - xenfleet.xen.attributes
  - xenfleet.xen.attributes.actiongroup_xen
  - xenfleet.xen.connection
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  folders:
    description: Where the files are. Folders in them are not looked at. One that is missing is a warning.
    type: list
    elements: path
    default: [/etc/xen]
  patterns:
    description:
      - The names of files that may be a guest's. Those that Xen brings itself (V(xl.conf), V(xlexample.pvlinux), ...) and those that
        editors and packages leave are never among them. With V(*) files without an ending count, too.
      - Files in O(auto_folder) count whatever their names.
    type: list
    elements: str
    default: ['*.cfg', '*.xm']
  auto_folder:
    description:
      - The folder whose files and links C(xendomains) starts with the host. The guest of such a file gets autostart in libvirt, and the file
        or link is moved to a folder beside this one, which has the ending C(.taken).
    type: path
    default: /etc/xen/auto
  guests:
    description: Only these guests. By default all.
    type: list
    elements: str
    default: []
  running:
    description:
      - V(move) - hand guests that C(xl) runs to libvirt.
      - V(leave) - leave them as they are; only guests that do not run are taken over.
    type: str
    choices: [move, leave]
    default: move
  elsewhere:
    description:
      - Guests that are, or may be, on other hosts, with where they are in words. One that does not run on this host is refused then, for it
        could be started twice. The filter P(xenfleet.xen.import_elsewhere#filter) makes this of what the park's hosts said in check mode.
    type: dict
    default: {}
  save_folder:
    description:
      - The folder on the host where the memory of a guest is for the time of its way. It needs room for the biggest of them.
    type: path
    default: /var/lib/xen/takeover
notes:
  - Before a whole park is taken over, disable C(xendomains). When a host goes down it saves all guests by C(xl), those of libvirt too, and
    libvirt does not see them when they are back.
seealso:
  - module: xenfleet.xen.xen_domains
  - plugin: xenfleet.xen.from_xl_cfg
    plugin_type: filter
"""

EXAMPLES = r"""
- name: What would become of the guests of this host
  xenfleet.xen.xen_takeover:
  check_mode: true
  register: look

- name: Take over one guest, and leave it alone when it runs
  xenfleet.xen.xen_takeover:
    guests: [ldap1]
    running: leave

- name: Files of xm that have no ending, and memory that goes to a bigger disk
  xenfleet.xen.xen_takeover:
    folders: [/etc/xen, /etc/xen/old]
    patterns: ['*']
    save_folder: /srv/guests/takeover
"""

RETURN = r"""
guests:
  description: What became of each guest of a file, and of each that C(xl) runs without one.
  returned: success or failure of a guest
  type: list
  elements: dict
  contains:
    guest:
      description: Its name; that of its file where that names none.
      type: str
    file:
      description: Its file; null where there is none.
      type: str
    result:
      description:
        - V(taken) - libvirt has it now; it did not run and was not started.
        - V(moved) - it ran under C(xl), and goes on under libvirt.
        - V(same) - libvirt had it already.
        - V(left) - C(xl) goes on running it, and libvirt does not have it.
        - V(refused) - it cannot be taken over as it is.
        - V(failed) - something failed on the way; the notes say how it is now.
      type: str
    notes:
      description: Why, and what is to be known or done.
      type: list
      elements: str
    changes:
      description: What was, or would be, changed - field, before, after, and effect (V(live), or V(freeze) for what it stands still for).
      type: list
      elements: dict
    understood:
      description: How the file was understood, as P(xenfleet.xen.from_xl_cfg#filter) says it.
      type: list
      elements: str
  sample:
    - guest: ldap1
      file: /etc/xen/ldap1.cfg
      result: moved
      notes: ['left behind: on_watchdog']
      changes:
        - {field: run_by, before: xl, after: libvirt, effect: freeze}
      understood: ['There is no option for on_watchdog; what they say is kept under ''unknown''.']
failed_guests:
  description: The names of the guests with which something failed.
  returned: success or failure of a guest
  type: list
  elements: str
running:
  description: The guests that ran before, with who runs them (V(xl) or V(libvirt)).
  returned: success or failure of a guest
  type: dict
  sample: {"ldap1": "xl", "web1": "libvirt"}
defined:
  description: The guests that libvirt knew before.
  returned: success or failure of a guest
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xenfleet.xen.plugins.module_utils.argspec import URI_SPEC, read_declarations
from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.domain_edge import require_libvirt
from ansible_collections.xenfleet.xen.plugins.module_utils.edge import run
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.host.guest_disks import LocalGuestDisks
from ansible_collections.xenfleet.xen.plugins.module_utils.host.local import LocalHost
from ansible_collections.xenfleet.xen.plugins.module_utils.host.save_files import SaveFiles
from ansible_collections.xenfleet.xen.plugins.module_utils.host.signals import undisturbed
from ansible_collections.xenfleet.xen.plugins.module_utils.host.xen_folder import XenFolder
from ansible_collections.xenfleet.xen.plugins.module_utils.host.xl import XlGuests
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.connection import connected
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.hypervisor import LibvirtHypervisor
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import TargetState
from ansible_collections.xenfleet.xen.plugins.module_utils.model.takeover import FoundFile, GuestFile, Verdict
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.hand_over import HandOver
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.takeover import GuestOutcome, TakeoverOperations
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import diff_of
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import GuestHost
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.losses import losses
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.options import to_options

# What xl means by a file that says nothing of it, where xen_domain would mean something else.
XL_DEFAULTS = {"on_crash": "destroy"}


def read_file(file: FoundFile) -> GuestFile:
    """What a file says of its guest."""
    guest = Path(file.path).stem
    if file.text is None:
        return GuestFile(guest, file.path, refusal=file.trouble, starts=file.starts)
    try:
        taken = to_options(file.text)
    except XenfleetError as error:
        return GuestFile(guest, file.path, refusal=str(error), starts=file.starts)
    guest = taken.options.get("name", guest)
    lost = losses(taken.options, taken.unknown)
    understood = (*((file.trouble,) if file.trouble else ()), *taken.notes)
    refusal, declared = None, None
    if "name" not in taken.options:
        refusal = "the file names no guest, or none with a name that can be used"
    elif lost.felt:
        refusal = (
            f"without {', '.join(lost.felt)} it would be another machine, and there is no option for that; take it out of the"
            " file if the guest can do without"
        )
    else:
        options = {**XL_DEFAULTS, **taken.options, "state": TargetState.PRESENT.value}
        # It goes beside the options, as it does from a playbook: what is in them may be shown.
        password = options.pop("graphics_password", None)
        try:
            (declared,) = read_declarations([options], {} if password is None else {guest: password})
        except XenfleetError as error:
            refusal = str(error)
    return GuestFile(guest, file.path, declared, refusal, file.starts, lost.unfelt, understood)


def guest_result(outcome: GuestOutcome) -> dict[str, Any]:
    """One guest's part of the module's result."""
    return {
        "guest": outcome.guest,
        "file": outcome.path,
        "result": outcome.verdict.value,
        "notes": list(outcome.notes),
        "changes": [change.as_result() for change in outcome.changes],
        "understood": list(outcome.understood),
    }


def work(module: AnsibleModule) -> dict[str, Any]:
    """Look at the files and guests of the host, and take over."""
    params = module.params
    folder = XenFolder(params["folders"], params["auto_folder"], params["patterns"])
    files = [read_file(file) for file in folder.read()]
    for missing in folder.missing():
        module.warn(f"There is no folder {missing} with files of guests.")
    with connected(params["uri"]) as connection:
        hypervisor, xen = LibvirtHypervisor(connection), XlGuests(HostCommands())
        host = GuestHost(hypervisor, LocalHost(), LocalGuestDisks(HostCommands()), xen)
        hand_over = HandOver(hypervisor, xen, SaveFiles(Path(params["save_folder"])), undisturbed)
        done = TakeoverOperations(hand_over, host, folder).take_over(
            files,
            wanted=params["guests"],
            elsewhere=params["elsewhere"],
            move=params["running"] == "move",
            check=module.check_mode,
        )
    failed = [outcome for outcome in done.guests if outcome.verdict is Verdict.FAILED]
    result = {
        "changed": any(outcome.changes for outcome in done.guests),
        "guests": [guest_result(outcome) for outcome in done.guests],
        "failed_guests": [outcome.guest for outcome in failed],
        "running": dict(done.running),
        "defined": list(done.defined),
        "diff": [diff_of(outcome.guest, outcome.changes) for outcome in done.guests if outcome.changes],
    }
    if failed:
        words = "\n".join(outcome.notes[0] for outcome in failed)
        module.fail_json(msg=f"{len(failed)} of {len(done.guests)} guests failed:\n{words}", **result)
    return result


def main() -> None:
    """Start here."""
    module = AnsibleModule(
        argument_spec={
            "folders": {"type": "list", "elements": "path", "default": ["/etc/xen"]},
            "patterns": {"type": "list", "elements": "str", "default": ["*.cfg", "*.xm"]},
            "auto_folder": {"type": "path", "default": "/etc/xen/auto"},
            "guests": {"type": "list", "elements": "str", "default": []},
            "running": {"type": "str", "choices": ["move", "leave"], "default": "move"},
            "elsewhere": {"type": "dict", "default": {}},
            "save_folder": {"type": "path", "default": "/var/lib/xen/takeover"},
            **URI_SPEC,
        },
        supports_check_mode=True,
    )
    require_libvirt(module)
    run(module, work)


if __name__ == "__main__":
    main()
