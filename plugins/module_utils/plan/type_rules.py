# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a guest's type can have what is declared of it. Pure."""

from __future__ import annotations

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, DomainType
from ansible_collections.xenfleet.xen.plugins.module_utils.model.type_options import ONLY_FOR

_OF_GRAPHICS = ("graphics_listen", "graphics_port", "graphics_password", "graphics_keymap")
_NOTHING: tuple[object, ...] = (None, (), {}, "", "none", False)


def check_type(target: Domain, wanted: Domain) -> None:
    """Whether the guest's type can have what is declared.

    Args:
        target: the whole configuration that results.
        wanted: what was declared of it.

    Raises:
        InvalidInput: it cannot.
    """
    if target.type is None:
        return
    for option, types in ONLY_FOR.items():
        if target.type not in types and getattr(wanted, option) not in _NOTHING:
            raise InvalidInput(
                f"a guest of type {target.type.value} has no {option}",
                guest=target.name,
                expected=f"type {' or '.join(types)}",
            )
    if target.type is DomainType.PVH and target.kernel is None:
        raise InvalidInput("a PVH guest needs a kernel", guest=target.name, remedy="Name kernel (and ramdisk).")
    if target.graphics in (None, "none"):
        given = [option for option in _OF_GRAPHICS if getattr(wanted, option)]
        if given:
            raise InvalidInput(f"{', '.join(given)} without graphics", guest=target.name, remedy="Name graphics: vnc.")
    if wanted.video_memory is not None and target.video is None:
        raise InvalidInput("video_memory without video", guest=target.name, remedy="Name video: vga.")
