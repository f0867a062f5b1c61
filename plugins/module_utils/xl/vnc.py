# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The keys of a screen that is shown by VNC to options, and back.

The port is made of three keys, as libxl makes it for QEMU (``libxl__build_device_model_args_new`` in Xen's
``tools/libs/light/libxl_dm.c``): a display, from ``vncdisplay`` or behind ``vnclisten``, and ``vncunused``, by which QEMU looks
for a free port from there on. That is so unless a file says otherwise, and libvirt never does it.
"""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.row import (
    NoOption,
    named,
    plain_text,
    read_at,
    read_number,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.screen_part import (
    HIGHEST_PORT,
    Left,
    Screen,
    address,
    keymap,
    password,
    port,
    read_address,
    read_keymap,
    read_switch,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import Setting, Value

# The keys, and the option that each says or is a part of.
VNC_KEYS = {
    "vnc": "graphics",
    "vnclisten": "graphics_listen",
    "vncdisplay": "graphics_port",
    "vncunused": "graphics_port",
    "vncpasswd": "graphics_password",
}
_FIRST_PORT = 5900
_LAST_DISPLAY = HIGHEST_PORT - _FIRST_PORT
_LISTEN = re.compile(r"(?:\[([^]]*)\]|([^:\[\]]*))(?::([0-9]{1,5}))?", re.ASCII)


def read_vnc(left: Left, screen: Screen) -> None:
    """What a file says of a screen by VNC. The keys are taken out.

    Raises:
        InvalidInput: a value makes no sense.
    """
    display, unused = left.pop("vncdisplay", None), left.pop("vncunused", None)
    number = read_at(display, "vncdisplay", _display) if display is not None else 0
    listen = left.pop("vnclisten", None)
    if listen is not None:
        behind = _read_listen(listen, screen)
        if number and ":" in str(listen.value):
            raise InvalidInput(
                f"line {listen.line}: vnclisten names a display, and vncdisplay another; xl starts no such guest",
                found=f"{listen.value!r} and {number}",
            )
        number = number or behind
    searched = read_at(unused, "vncunused", read_switch) if unused is not None else None
    if searched:
        screen.options["graphics_port"] = 0
        if number:
            why = "xl looks for a free port from this display on, and libvirt from its own first one on"
            screen.keep("vncdisplay", number, why)
    elif number or searched is False:
        screen.options["graphics_port"] = _FIRST_PORT + number
        if searched is None:
            screen.notes.append("vncdisplay: where its port is taken xl goes on to the next free one; libvirt does not")
    screen.take(left, "vncpasswd", "graphics_password", password)
    screen.take(left, "keymap", "graphics_keymap", read_keymap)


def write_vnc(given: dict[str, Any], kept: dict[str, Any]) -> dict[str, Value]:
    """The keys for options, which are taken out; so is a display that was kept, where it goes into another key.

    Raises:
        InvalidInput: a value makes no sense.
    """
    written: dict[str, Value] = {"vnc": 1}
    if "graphics_listen" in given:
        written["vnclisten"] = named("graphics_listen", address, given.pop("graphics_listen"))
    if "graphics_port" in given:
        number = named("graphics_port", port, given.pop("graphics_port"))
        if 0 < number < _FIRST_PORT:
            raise InvalidInput(
                "graphics_port: xl has no such port for VNC",
                found=str(number),
                expected=f"0, or {_FIRST_PORT} and more",
            )
        if number:
            written["vncdisplay"] = number - _FIRST_PORT
        written["vncunused"] = int(number == 0)
    if ":" in str(written.get("vnclisten")):
        # By the brackets QEMU tells an IPv6 address from a display; xl adds none to such a text.
        display = written.pop("vncdisplay", 0) or kept.pop("vncdisplay", 0)
        written["vnclisten"] = f"[{written['vnclisten']}]:{display}"
    if "graphics_password" in given:
        written["vncpasswd"] = named("graphics_password", password, given.pop("graphics_password"))
    if "graphics_keymap" in given:
        written["keymap"] = named("graphics_keymap", keymap, given.pop("graphics_keymap"))
    return written


def _read_listen(setting: Setting, screen: Screen) -> int:
    """Where it is shown.

    Returns:
        The display that is named there, too.
    """
    try:
        shown_at, display = read_at(setting, "vnclisten", _address_and_display)
    except NoOption as why:
        screen.keep("vnclisten", setting.value, str(why))
        return 0
    screen.options["graphics_listen"] = shown_at
    return int(display)


def _address_and_display(value: Value) -> tuple[str, int]:
    match = _LISTEN.fullmatch(plain_text(value))
    if match is None:
        raise NoOption("it is neither an address nor one with a display")
    return read_address(match[2] if match[1] is None else match[1]), _display(int(match[3] or 0))


def _display(value: Value) -> int:
    number = read_number(value)
    if number > _LAST_DISPLAY:
        raise InvalidInput("it is no display", found=repr(value), expected=f"0 to {_LAST_DISPLAY}")
    return number
