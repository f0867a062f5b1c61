# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The keys of a screen that is shown by SPICE to options, and back.

As ``dm_spice_options`` in Xen's ``tools/libs/light/libxl_dm.c`` takes them. Open to everybody is to xl what a file leaves out (the
address), and to libvirt what it says (no password).
"""

from __future__ import annotations

from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import GRAPHICS_LISTEN
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.row import named
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.screen_part import (
    Left,
    Screen,
    address,
    is_on,
    keymap,
    password,
    port,
    read_address,
    read_keymap,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import Setting, Value

# The keys, and the option that each says or is a part of.
SPICE_KEYS = {
    "spice": "graphics",
    "spicehost": "graphics_listen",
    "spiceport": "graphics_port",
    "spicepasswd": "graphics_password",
    "spicedisable_ticketing": "graphics_password",
}


def read_spice(left: Left, screen: Screen) -> None:
    """What a file says of a screen by SPICE. The keys are taken out.

    Raises:
        InvalidInput: a value makes no sense.
    """
    if "spicehost" not in left:
        left["spicehost"] = Setting("", 0)
        screen.notes.append("spicehost: the file names none, which to xl means every address of the host")
    screen.take(left, "spicehost", "graphics_listen", read_address)
    if "spiceport" not in left:
        screen.notes.append("spiceport: the file names none, and xl starts no guest without one or spicetls_port")
    screen.take(left, "spiceport", "graphics_port", port)
    open_to_all = is_on(left, "spicedisable_ticketing")
    left.pop("spicedisable_ticketing", None)
    if not open_to_all:
        screen.take(left, "spicepasswd", "graphics_password", password)
        if "graphics_password" not in screen.options:
            raise InvalidInput(
                "spice: there is no spicepasswd, and spicedisable_ticketing is not set; xl starts no such guest",
                remedy="Set the one or the other.",
            )
    screen.take(left, "keymap", "graphics_keymap", read_keymap)


def write_spice(given: dict[str, Any], kept: dict[str, Any]) -> dict[str, Value]:
    """The keys for options, which are taken out.

    Raises:
        InvalidInput: a value makes no sense.
    """
    written: dict[str, Value] = {"spice": 1}
    if "vnc" not in kept:
        written["vnc"] = 0
    if "graphics_listen" in given or "spicehost" not in kept:
        listen = given.pop("graphics_listen", GRAPHICS_LISTEN)
        written["spicehost"] = named("graphics_listen", address, listen)
    if "graphics_port" in given:
        written["spiceport"] = named("graphics_port", port, given.pop("graphics_port"))
    if "graphics_password" in given:
        written["spicepasswd"] = named("graphics_password", password, given.pop("graphics_password"))
    else:
        written["spicedisable_ticketing"] = 1
    if "graphics_keymap" in given:
        written["keymap"] = named("graphics_keymap", keymap, given.pop("graphics_keymap"))
    return written
