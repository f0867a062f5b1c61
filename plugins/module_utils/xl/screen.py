# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The keys that say how a guest's screen is shown, and by which card, to options and back.

They mean something together only, and not the same for each type of guests: an HVM guest's screen is shown by VNC unless a file says
otherwise; a PV guest has one when it has ``vfb``, besides which no other key counts, or ``vnc``; a PVH guest has none. So it is in
``parse_config_data`` of Xen 4.20's ``tools/xl/xl_parse.c``; the defaults are in ``libxl_create.c`` and ``libxl_console.c`` of its
``tools/libs/light``.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import GRAPHICS, DomainType
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.row import (
    NoOption,
    named,
    plain_text,
    read_at,
    read_mebibytes,
    write_mebibytes,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.screen_part import Left, Screen, is_on, read_switch
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.spice import SPICE_KEYS, read_spice, write_spice
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import Setting, Value
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.vnc import VNC_KEYS, read_vnc, write_vnc

_CARD_KEYS = {"vga": "video", "stdvga": "video", "videoram": "video_memory"}
# The keys, and the option that each says or is a part of.
SCREEN_KEYS = {"vfb": "graphics", **VNC_KEYS, **SPICE_KEYS, "keymap": "graphics_keymap", **_CARD_KEYS}
# A window on the host's own screen, which no option says.
_WINDOW_KEYS = ("sdl", "opengl", "display", "xauthority")
# What a framebuffer's own words are, and what they are at the top of a PV guest's file.
_FRAMEBUFFER_KEYS = (*VNC_KEYS, "keymap", *_WINDOW_KEYS)

_CARDS = {"stdvga": "vga", "cirrus": "cirrus", "qxl": "qxl"}
# libvirt's Xen driver makes the same of xen and vga.
_WRITTEN_CARDS = {**{card: word for word, card in _CARDS.items()}, "xen": "stdvga"}
_USUAL_CARD = "cirrus"


def read_screen(settings: dict[str, Setting], kind: DomainType) -> Screen:
    """What a file says of the screen.

    Args:
        settings: the file's keys. Those of the screen are taken out.
        kind: the guest's type.

    Raises:
        InvalidInput: a value makes no sense to xl either. No password is shown.
    """
    left = {key: settings.pop(key) for key in (*SCREEN_KEYS, *_WINDOW_KEYS) if key in settings}
    screen = Screen()
    framebuffers = left.pop("vfb", None)
    if framebuffers is not None and framebuffers.value not in ([], ""):
        try:
            left = _with_framebuffer(left, framebuffers, kind, screen)
        except NoOption as why:
            screen.keep("vfb", framebuffers.value, str(why))
            if kind is DomainType.PV:
                for key, setting in left.items():
                    screen.keep(key, setting.value, "xl heeds only vfb when that is given")
                return screen
    if kind is DomainType.HVM:
        _read_card(left, screen)
    _read_shown(left, kind, screen)
    return screen


def write_screen(given: dict[str, Any], kept: dict[str, Any]) -> dict[str, Value]:
    """The keys for the options of a screen.

    Args:
        given: options of a guest. Those that are written are taken out.
        kept: keys that were kept of a file. One that goes into another is taken out.

    Raises:
        InvalidInput: a value makes no sense. No password is shown.
    """
    written: dict[str, Value] = {}
    shown = given.pop("graphics", None)
    if shown == "none":
        written["vnc"] = 0
    elif shown == "vnc":
        written.update(write_vnc(given, kept))
    elif shown == "spice":
        written.update(write_spice(given, kept))
    elif shown is not None:
        raise InvalidInput("graphics: it is none of its values", found=repr(shown), expected=", ".join(GRAPHICS))
    if "video" in given:
        written["vga"] = named("video", _write_card, given.pop("video"))
    if "video_memory" in given:
        written["videoram"] = named("video_memory", write_mebibytes, given.pop("video_memory"))
    return written


def _with_framebuffer(left: Left, framebuffers: Setting, kind: DomainType, screen: Screen) -> Left:
    """The keys as they would be without ``vfb``: xl makes the same of ``vnc`` and the keys around it.

    Raises:
        NoOption: it is a screen that an option does not say.
    """
    if kind is not DomainType.PV:
        raise NoOption(f"in a guest of type {kind} it is another screen")
    line = framebuffers.line
    parts = {"vnc": "1", **_framebuffer_parts(framebuffers)}
    if not read_at(Setting(parts["vnc"], line), "vnc", read_switch):
        raise NoOption("the framebuffer is there, and not shown by VNC")
    screen.notes.append("vfb: it is read as vnc and the keys around it, of which xl makes the same")
    unread = [word for word in parts if word not in _FRAMEBUFFER_KEYS]
    if unread:
        screen.notes.append(f"vfb: {', '.join(unread)} is left out, for xl does not read it")
    besides = [key for key in left if key in _FRAMEBUFFER_KEYS]
    if besides:
        screen.notes.append(f"vfb: {', '.join(besides)} is left out, for xl heeds only vfb when that is given")
    return {
        **{key: setting for key, setting in left.items() if key not in besides},
        **{key: Setting(text, line) for key, text in parts.items() if key not in unread},
    }


def _framebuffer_parts(setting: Setting) -> dict[str, str]:
    """The words of the only framebuffer.

    Raises:
        NoOption: there are several, or words that end it.
        InvalidInput: it is no list of texts.
    """
    specs = setting.value
    if not isinstance(specs, list) or not all(isinstance(spec, str) for spec in specs):
        raise InvalidInput(f"line {setting.line}: vfb is no list of texts", expected="vfb = [ '...' ]")
    if len(specs) > 1:
        raise NoOption("a guest here has one screen")
    parts = {}
    for part in str(specs[0]).split(","):
        word, equals, text = part.lstrip(" ").partition("=")
        if equals:
            parts[word] = text if word == "vncpasswd" else text.strip()
        elif word:
            raise NoOption("a word in it has no '=', and after such a one xl does not read on")
    return parts


def _read_card(left: Left, screen: Screen) -> None:
    older = left.pop("stdvga", None)
    if older is not None and "vga" in left:
        screen.notes.append("vga: stdvga is left out, for xl heeds only vga when that is given")
    elif older is not None:
        word = "stdvga" if read_at(older, "stdvga", read_switch) else _USUAL_CARD
        left["vga"] = Setting(word, older.line)
    elif "vga" not in left:
        left["vga"] = Setting(_USUAL_CARD, 0)
        screen.notes.append(f"vga: the file names none, which to xl means {_USUAL_CARD}")
    screen.take(left, "vga", "video", _card)
    if "video" in screen.options:
        screen.take(left, "videoram", "video_memory", read_mebibytes)


def _read_shown(left: Left, kind: DomainType, screen: Screen) -> None:
    """How it is shown; what does not matter to that is kept."""
    if kind is DomainType.HVM and "vnc" not in left:
        left["vnc"] = Setting(1, 0)
        screen.notes.append("vnc: the file does not say, which to xl means that an HVM guest's screen is shown by VNC")
    shown = _way_to_show(left, kind)
    if shown is not None:
        screen.options["graphics"] = shown
    if shown == "vnc":
        read_vnc(left, screen)
    elif shown == "spice":
        read_spice(left, screen)
    by_both = shown == "spice" and "vnc" in left
    for key, setting in left.items():
        screen.keep(key, setting.value, _why_unheeded(key, kind, shown, by_both=by_both))


def _way_to_show(left: Left, kind: DomainType) -> str | None:
    """One of `GRAPHICS`; None where nothing is said. The keys that say it are taken out."""
    if kind is DomainType.PVH:
        # xl reads none of the keys; that there is no screen is true all the same.
        if "vnc" not in left or str(left["vnc"].value) != "0":
            return None
        del left["vnc"]
        return "none"
    by_vnc = is_on(left, "vnc")
    by_spice = kind is DomainType.HVM and is_on(left, "spice")
    if kind is DomainType.HVM:
        left.pop("spice", None)
    if by_spice and by_vnc:
        return "spice"
    said = left.pop("vnc", None) is not None
    if by_spice or by_vnc:
        return "spice" if by_spice else "vnc"
    return "none" if said else None


def _why_unheeded(key: str, kind: DomainType, shown: str | None, *, by_both: bool) -> str:
    """Why a key has become no option."""
    if key in _WINDOW_KEYS:
        return "a window on the host's own screen cannot be an option"
    if kind is DomainType.PVH or (kind is DomainType.PV and (key in SPICE_KEYS or key in _CARD_KEYS)):
        return f"xl does not heed it in a guest of type {kind}"
    if key in _CARD_KEYS:
        return "the guest has no card"
    if by_both and key in VNC_KEYS:
        return "xl shows the screen by VNC, too, and a guest here has one screen, which is the one by SPICE"
    if shown == "spice" and key in SPICE_KEYS:
        return "xl does not heed it with spicedisable_ticketing"
    return f"xl does not heed it without {'spice' if key in SPICE_KEYS else 'vnc'}"


def _card(value: Value) -> str:
    word = plain_text(value)
    if word == "none":
        raise NoOption("a guest here has no card when neither video nor graphics is named")
    if word not in _CARDS:
        raise InvalidInput("it is no card", found=repr(word), expected=f"none, {', '.join(_CARDS)}")
    return _CARDS[word]


def _write_card(value: Any) -> str:
    if value not in _WRITTEN_CARDS:
        raise InvalidInput("it is none of its values", found=repr(value), expected=", ".join(_WRITTEN_CARDS))
    return _WRITTEN_CARDS[value]
