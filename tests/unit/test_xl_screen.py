"""The keys of a screen: what xl makes of them, the options that say the same, and passwords that nothing shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.xenfleet.xen.plugins.module_utils.argspec import domain_spec, read_declaration
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.takeover import FoundFile
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import plan_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.options import from_options, to_options
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import parse, render
from ansible_collections.xenfleet.xen.plugins.modules.xen_takeover import read_file

FILES = Path(__file__).parent / "xl_files"
PV, PVH, HVM = "type = 'pv'\n", "type = 'pvh'\n", "type = 'hvm'\n"
SECRET = "s3cret"
# What an HVM guest has that says nothing else of it.
VNC = {"graphics": "vnc", "video": "cirrus"}
BY_SPICE = {"graphics": "spice", "graphics_listen": "0.0.0.0", "video": "cirrus"}
OPEN = "vnc=0\nspice=1\nspicedisable_ticketing=1\n"
SCREENS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    # An HVM guest's screen is shown by VNC unless its file says otherwise, and its card is cirrus.
    (HVM, VNC, {}),
    (HVM + "vnc = 1", VNC, {}),
    (HVM + "vnc = True", VNC, {}),
    (HVM + "vnc = 0", {**VNC, "graphics": "none"}, {}),
    (HVM + "vnc = 0\nvnclisten = '10.0.0.1'", {**VNC, "graphics": "none"}, {"vnclisten": "10.0.0.1"}),
    (HVM + "vnclisten = '10.0.0.1'", {**VNC, "graphics_listen": "10.0.0.1"}, {}),
    (HVM + "vnclisten = ''", {**VNC, "graphics_listen": "0.0.0.0"}, {}),
    (HVM + "vnclisten = '[::1]:3'", {**VNC, "graphics_listen": "::1", "graphics_port": 5903}, {}),
    (HVM + "vnclisten = 'host1'", VNC, {"vnclisten": "host1"}),
    (HVM + "vnclisten = '::1'", VNC, {"vnclisten": "::1"}),
    # A display is where xl begins to look for a free port, unless it shall not look.
    (HVM + "vncdisplay = 0", VNC, {}),
    (HVM + "vncdisplay = 7", {**VNC, "graphics_port": 5907}, {}),
    (HVM + "vncdisplay = '7'\nvncunused = 0", {**VNC, "graphics_port": 5907}, {}),
    (HVM + "vncunused = 0", {**VNC, "graphics_port": 5900}, {}),
    (HVM + "vncunused = 1", {**VNC, "graphics_port": 0}, {}),
    (HVM + "vncdisplay = 7\nvncunused = 1", {**VNC, "graphics_port": 0}, {"vncdisplay": 7}),
    (
        HVM + "vnclisten = '10.0.0.1:7'\nvncdisplay = 0",
        {**VNC, "graphics_listen": "10.0.0.1", "graphics_port": 5907},
        {},
    ),
    (
        HVM + "vnclisten = '[fd00::1]:7'\nvncunused = 1",
        {**VNC, "graphics_listen": "fd00::1", "graphics_port": 0},
        {"vncdisplay": 7},
    ),
    (HVM + "vncpasswd = 's3cret'", {**VNC, "graphics_password": SECRET}, {}),
    (HVM + "vncpasswd = 12345678", {**VNC, "graphics_password": "12345678"}, {}),
    (HVM + "vncpasswd = ''", VNC, {}),
    (HVM + "keymap = 'pt-br'", {**VNC, "graphics_keymap": "pt-br"}, {}),
    (HVM + "keymap = '/etc/de'", VNC, {"keymap": "/etc/de"}),
    (HVM + "sdl = 1\nnographic = 1", VNC, {"sdl": 1, "nographic": 1}),
    (HVM + "vfb = [ 'vnc=1' ]", VNC, {"vfb": ["vnc=1"]}),
    (HVM + "vfb = []", VNC, {}),
    # Its card.
    (HVM + "stdvga = 1", {**VNC, "video": "vga"}, {}),
    (HVM + "stdvga = 0", VNC, {}),
    (HVM + "vga = 'cirrus'\nstdvga = 1", VNC, {}),
    (HVM + "vga = 'stdvga'\nvideoram = 16", {**VNC, "video": "vga", "video_memory": "16 MiB"}, {}),
    (HVM + "vga = 'none'\nvideoram = 8\nvnc = 0", {"graphics": "none"}, {"vga": "none", "videoram": 8}),
    # SPICE: xl shows the screen by VNC, too, unless it shall not.
    (HVM + OPEN, BY_SPICE, {}),
    (HVM + "spice = 1\nspicedisable_ticketing = 1", BY_SPICE, {"vnc": 1}),
    (
        HVM + "spice = 1\nspicepasswd = 's3cret'\nvncpasswd = 's3cret'\nvncunused = 1",
        {**BY_SPICE, "graphics_password": SECRET},
        {"vnc": 1, "vncpasswd": SECRET, "vncunused": 1},
    ),
    (HVM + OPEN + "spicepasswd = 's3cret'", BY_SPICE, {"spicepasswd": SECRET}),
    (HVM + OPEN + "vncpasswd = 's3cret'", BY_SPICE, {"vncpasswd": SECRET}),
    (
        HVM + OPEN + "spicehost = '::1'\nspiceport = 6001\nkeymap = 'de'",
        {**BY_SPICE, "graphics_listen": "::1", "graphics_port": 6001, "graphics_keymap": "de"},
        {},
    ),
    (HVM + OPEN + "spicehost = 'host1'", {"graphics": "spice", "video": "cirrus"}, {"spicehost": "host1"}),
    (HVM + OPEN + "spicevdagent = 1", BY_SPICE, {"spicevdagent": 1}),
    (HVM + "spice = 0\nspiceport = 6001", VNC, {"spiceport": 6001}),
    # A PV guest has a screen when its file says so.
    (PV, {}, {}),
    (PV + "vnc = 0", {"graphics": "none"}, {}),
    (PV + "vnc = 1\nvncdisplay = 1\nkeymap = 'de'", {**VNC, "graphics_port": 5901, "graphics_keymap": "de"}, {}),
    (PV + "vnclisten = '10.0.0.1'\nvncpasswd = 's3cret'", {}, {"vnclisten": "10.0.0.1", "vncpasswd": SECRET}),
    (PV + "spice = 1\nvga = 'qxl'\nvideoram = 128", {}, {"spice": 1, "vga": "qxl", "videoram": 128}),
    (PV + "vfb = [ '' ]", VNC, {}),
    (PV + "vfb = [ 'type=vnc, vncdisplay=7 ,vncunused=0' ]", {**VNC, "graphics_port": 5907}, {}),
    (
        PV + "vfb = [ 'vnc=1,vnclisten=10.0.0.1:3,vncpasswd=s3=cret,keymap=de' ]",
        {
            **VNC,
            "graphics_listen": "10.0.0.1",
            "graphics_port": 5903,
            "graphics_password": "s3=cret",
            "graphics_keymap": "de",
        },
        {},
    ),
    (PV + "vnc = 0\nvncpasswd = 's3cret'\nvfb = [ 'vncunused=1' ]", {**VNC, "graphics_port": 0}, {}),
    (
        PV + "vfb = [ 'sdl=1,display=:0,xauthority=/root/.x' ]",
        VNC,
        {"sdl": "1", "display": ":0", "xauthority": "/root/.x"},
    ),
    (PV + "vfb = [ 'vnc=0,sdl=1' ]\nvnc = 1", {}, {"vfb": ["vnc=0,sdl=1"], "vnc": 1}),
    (PV + "vfb = [ 'vncpasswd=s3cret', 'vnc=1' ]", {}, {"vfb": ["vncpasswd=s3cret", "vnc=1"]}),
    (PV + "vfb = [ 'vnc,vncpasswd=s3cret' ]", {}, {"vfb": ["vnc,vncpasswd=s3cret"]}),
    # A PVH guest has none.
    (PVH + "vnc = 1\nvncdisplay = 'x'\nvga = 5", {}, {"vnc": 1, "vncdisplay": "x", "vga": 5}),
    (PVH + "vnc = 0\nvfb = [ 'vnc=1' ]", {"graphics": "none"}, {"vfb": ["vnc=1"]}),
]


def without_card(kind: str, options: dict[str, Any]) -> dict[str, Any]:
    """Only HVM guests have a card."""
    return options if kind == "hvm" else {key: value for key, value in options.items() if key != "video"}


@pytest.mark.parametrize(("text", "options", "unknown"), SCREENS)
def test_a_screen_becomes_options_and_is_written_again(
    text: str, options: dict[str, Any], unknown: dict[str, Any]
) -> None:
    taken = to_options(text)
    kind = taken.options["type"]
    assert taken.options == {"type": kind, **without_card(kind, options)}
    assert taken.unknown == unknown
    for key in unknown:
        assert any(key in note for note in taken.notes), f"nothing is said of {key}"
    assert SECRET not in " ".join(taken.notes)
    again = to_options(from_options(taken.options, taken.unknown))
    assert (again.options, again.unknown) == (taken.options, taken.unknown)


@pytest.mark.parametrize(
    ("file", "options", "left_behind"),
    [
        (
            "web3-xl-pv-vnc.cfg",
            {
                "graphics": "vnc",
                "graphics_listen": "10.10.0.4",
                "graphics_port": 5933,
                "graphics_password": "pa=55 wd",
                "graphics_keymap": "de",
            },
            {"stdvga", "videoram", "acpi", "apic", "pae", "hap", "nx", "hpet", "viridian", "bios", "boot", "serial"}
            | {"usb", "usbdevice"},
        ),
        (
            "vdi1-xl-hvm-spice.cfg",
            {
                "graphics": "spice",
                "graphics_listen": "10.20.0.4",
                "graphics_port": 6001,
                "graphics_password": "Zwo-Worte",
                "graphics_keymap": "de-ch",
                "video": "qxl",
                "video_memory": "128 MiB",
            },
            {"spiceagent_mouse", "spice_image_compression"},
        ),
    ],
)
def test_a_file_is_taken_over_with_its_screen(file: str, options: dict[str, Any], left_behind: set[str]) -> None:
    text = (FILES / file).read_text()
    taken = to_options(text)
    assert {key: taken.options.get(key) for key in options} == options
    guest = read_file(FoundFile(f"/etc/xen/{file}", text))
    assert guest.refusal is None
    assert guest.declared is not None
    assert guest.declared.domain.graphics_password == options["graphics_password"]
    assert set(guest.left_behind) == left_behind
    assert options["graphics_password"] not in repr(guest)
    plan = plan_domain(guest.declared, None)
    assert options["graphics_password"] not in repr([change.as_result() for change in plan.changes])


def test_an_hvm_guest_of_xm() -> None:
    taken = to_options((FILES / "sql1-xm-hvm.cfg").read_text())
    screen = {"graphics": "vnc", "graphics_port": 0, "graphics_keymap": "en-us", "video": "cirrus"}
    assert {key: value for key, value in taken.options.items() if key.startswith(("graphics", "video"))} == screen
    assert taken.unknown.keys() == {"kernel", "device_model", "sdl", "parallel"}


def test_what_is_taken_over_is_what_xen_domain_takes() -> None:
    for text, _options, _unknown in SCREENS:
        options = {"name": "a", "memory": "64 MiB", "kernel": "/k", **to_options(text).options}
        checked = ArgumentSpecValidator(domain_spec()).validate(options)
        assert checked.error_messages == []
        assert plan_domain(read_declaration(checked.validated_parameters), None).steps


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HVM + "vnc = 'perhaps'", "line 2: vnc: it is no number"),
        (HVM + "vncdisplay = -1", "line 2: vncdisplay: it is no number"),
        (HVM + "vncdisplay = 60000", "line 2: vncdisplay: it is no display"),
        (HVM + "vnclisten = '10.0.0.1:60000'", "line 2: vnclisten: it is no display"),
        (HVM + "vnclisten = '10.0.0.1:1'\nvncdisplay = 2", "line 2: vnclisten names a display, and vncdisplay another"),
        (HVM + "vnclisten = []", "line 2: vnclisten: it is no text"),
        (HVM + "vncpasswd = [ 's3cret' ]", "line 2: vncpasswd: it is no text"),
        (HVM + "vncpasswd = 's3\\ncret'", "line 2: vncpasswd: it has control characters"),
        (HVM + "vga = 'voodoo'", "line 2: vga: it is no card; found: 'voodoo'; expected: none, stdvga, cirrus, qxl"),
        (HVM + "videoram = 0", "line 2: videoram: it is no amount of memory"),
        (HVM + OPEN + "spiceport = 70000", "line 5: spiceport: it is no port"),
        (HVM + "spice = 1\nspiceport = 6001", "spice: there is no spicepasswd, and spicedisable_ticketing is not set"),
        (HVM + "spice = 1\nspicepasswd = ''", "spice: there is no spicepasswd"),
        (PV + "vfb = 'vncpasswd=s3cret'", "line 2: vfb is no list of texts"),
        (PV + "vfb = [[ 'vncpasswd=s3cret' ]]", "line 2: vfb is no list of texts"),
        (PV + "vfb = [ 'vncpasswd=s3cret,vncdisplay=x' ]", "line 2: vncdisplay: it is no number"),
        # A line that cannot be read does not show a password either.
        (PV + "vncpasswd = s3cret", "line 2 cannot be read; found: '(hidden)'"),
        (PV + "vncpasswd = 's3cret", "line 2 cannot be read; found: '(hidden)'"),
        (PV + "vncpasswd = \\\n's3cret' + 's3cret'", "line 3 cannot be read; found: '(hidden)'"),
        (PV + "vfb = [ 'vncpasswd=s3cret' 'x' ]", 'line 2 cannot be read; found: "vfb = [ \'vncpasswd (hidden)"'),
        (PV + "vncpasswd = 's3cret'; import os", "line 2 cannot be read; found: 'vncpasswd (hidden)'"),
        (PV + "disk = [ 'rbd:a/b:id=xen:key=s3cret,raw,xvda', x ]", 'found: "disk = [ \'rbd:a/b:id=xen:key= (hidden)"'),
        (PV + "'vncpasswd=s3cret'", "line 2 cannot be read; found: '(hidden)'"),
    ],
)
def test_what_makes_no_sense_is_refused_and_shows_no_password(text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        to_options(text)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)
    file = read_file(FoundFile("/etc/xen/a.cfg", "name = 'a'; memory = 64; kernel = '/k'; " + text))
    assert file.declared is None
    assert "cret" not in repr(file)


def test_a_note_on_a_backslash_shows_none_of_a_password() -> None:
    for text in (r"vncpasswd = 's3\qcret'", r"vfb = [ 'vncpasswd=s3\qcret' ]"):
        taken = to_options(f"vnc = 1\n{text}")
        assert taken.options["graphics_password"] == r"s3\qcret"
        assert "line 2: the backslash in a password is kept, as in Python" in taken.notes


@pytest.mark.parametrize(
    ("options", "unknown", "lines"),
    [
        ({"graphics": "none"}, {}, ["vnc = 0"]),
        ({"graphics": "vnc"}, {}, ["vnc = 1"]),
        (
            {"graphics": "vnc", "graphics_listen": "10.0.0.1", "graphics_port": 5907, "graphics_password": "a,b"},
            {},
            ["vnc = 1", 'vnclisten = "10.0.0.1"', "vncdisplay = 7", "vncunused = 0", 'vncpasswd = "a,b"'],
        ),
        ({"graphics": "vnc", "graphics_port": "0", "graphics_password": ""}, {}, ["vnc = 1", "vncunused = 1"]),
        (
            {"graphics": "vnc", "graphics_listen": "::", "graphics_port": 5907},
            {},
            ['vnclisten = "[::]:7"', "vncunused = 0"],
        ),
        ({"graphics": "vnc", "graphics_listen": "::", "graphics_port": 0}, {"vncdisplay": 7}, ['vnclisten = "[::]:7"']),
        # To xl a screen by SPICE is open to everybody when nothing is said of its address, here it is not.
        (
            {"graphics": "spice", "graphics_port": 6001},
            {},
            ["spice = 1", "vnc = 0", 'spicehost = "127.0.0.1"', "spiceport = 6001", "spicedisable_ticketing = 1"],
        ),
        (
            {"graphics": "spice", "graphics_password": "s3cret", "graphics_keymap": "de"},
            {"vnc": 1},
            [
                'spicepasswd = "s3cret"',
                'keymap = "de"',
                "vnc = 1",
                "# There is no spiceport, without which xl starts no",
            ],
        ),
        ({"video": "xen", "video_memory": "16 MiB"}, {}, ['vga = "stdvga"', "videoram = 16"]),
        ({"graphics_port": 5901}, {}, ["# Options that have no key here: graphics_port."]),
    ],
)
def test_what_is_written(options: dict[str, Any], unknown: dict[str, Any], lines: list[str]) -> None:
    text = from_options({"type": "hvm", **options}, unknown)
    assert [line for line in lines if f"\n{line}" not in f"\n{text}"] == []


@pytest.mark.parametrize(
    ("options", "unknown", "words"),
    [
        ({"graphics": "rdp"}, {}, "graphics: it is none of its values; found: 'rdp'; expected: vnc, spice, none"),
        ({"graphics": "vnc", "graphics_port": 80}, {}, "graphics_port: xl has no such port for VNC; found: 80"),
        ({"graphics": "vnc", "graphics_port": 70000}, {}, "graphics_port: it is no port"),
        ({"graphics": "spice", "graphics_listen": "host1"}, {}, "graphics_listen: it is no address; found: 'host1'"),
        ({"graphics": "vnc", "graphics_password": ["s3cret"]}, {}, "graphics_password: it is no text"),
        ({"graphics": "vnc", "graphics_keymap": "a b"}, {}, "graphics_keymap: it is no usable name"),
        ({"graphics": "vnc"}, {"vnc": 1}, "vnc: given by an option, and also in 'unknown'"),
        ({"video": "voodoo"}, {}, "video: it is none of its values"),
        ({"video_memory": "lots"}, {}, "video_memory: it is no size"),
    ],
)
def test_options_that_cannot_be_written(options: dict[str, Any], unknown: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        from_options({"type": "hvm", **options}, unknown)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)


_PASSWORDS = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), min_size=1, max_size=9
)
_ADDRESSES = st.ip_addresses().map(str)
_KEYMAPS = st.sampled_from(["de", "en-us"])
_VNC_PORTS = st.one_of(st.just(0), st.integers(5900, 65535))


@st.composite
def screens(draw: st.DrawFn) -> dict[str, Any]:
    """Options of a screen that a guest of the type can have, and that a file can say."""
    kind = draw(st.sampled_from(["pv", "pvh", "hvm"]))
    shown = draw(st.sampled_from({"pv": ["vnc", "none"], "pvh": ["none"], "hvm": ["vnc", "spice", "none"]}[kind]))
    options = {"type": kind, "graphics": shown}
    if shown == "vnc":
        options |= draw(st.fixed_dictionaries({}, optional={"graphics_listen": _ADDRESSES}))
        options |= draw(st.fixed_dictionaries({}, optional={"graphics_port": _VNC_PORTS}))
    elif shown == "spice":
        options["graphics_listen"] = draw(_ADDRESSES)
        options |= draw(st.fixed_dictionaries({}, optional={"graphics_port": st.integers(0, 65535)}))
    if shown != "none":
        more = {"graphics_password": _PASSWORDS, "graphics_keymap": _KEYMAPS}
        options |= draw(st.fixed_dictionaries({}, optional=more))
    if kind == "hvm":
        options["video"] = draw(st.sampled_from(["vga", "cirrus", "qxl"]))
        options |= draw(st.fixed_dictionaries({}, optional={"video_memory": st.integers(1, 256).map("{} MiB".format)}))
    return options


@given(screens())
def test_options_of_a_screen_read_back_from_the_file_that_they_make(options: dict[str, Any]) -> None:
    taken = to_options(from_options(options))
    assert (taken.options, taken.unknown) == (options, {})


_SWITCH = st.sampled_from([0, 1, "0", "1"])
_LISTEN = st.sampled_from(["", "127.0.0.1", "0.0.0.0", "10.0.0.1:0", "10.0.0.1:5", "[::1]:5", "[::]:0", "host1"])
_DISPLAY = st.sampled_from([0, 5, "7"])
_SECRETS = st.sampled_from(["", SECRET, f"{{{{ {SECRET} }}}}"])
_VNC_KEYS = {
    "vnc": _SWITCH,
    "vnclisten": _LISTEN,
    "vncdisplay": _DISPLAY,
    "vncunused": _SWITCH,
    "vncpasswd": _SECRETS,
    "keymap": _KEYMAPS,
    "sdl": _SWITCH,
}
_OTHER_KEYS = {
    "spice": _SWITCH,
    "spicehost": st.sampled_from(["", "10.0.0.1", "::1", "host1"]),
    "spiceport": st.sampled_from([0, 6001]),
    "spicepasswd": _SECRETS,
    "spicedisable_ticketing": _SWITCH,
    "vga": st.sampled_from(["none", "stdvga", "cirrus", "qxl"]),
    "stdvga": _SWITCH,
    "videoram": st.sampled_from([8, "16"]),
    "nographic": _SWITCH,
}
_FRAMEBUFFERS = st.fixed_dictionaries({}, optional={**_VNC_KEYS, "type": st.just("vnc")}).map(
    lambda parts: ",".join(f"{key}={value}" for key, value in parts.items())
)


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    """The settings of a file that has something to do with a screen."""
    keys = st.fixed_dictionaries(
        {"type": st.sampled_from(["pv", "pvh", "hvm"])},
        optional={**_VNC_KEYS, **_OTHER_KEYS, "vfb": st.lists(_FRAMEBUFFERS, max_size=2)},
    )
    return draw(keys)


def shown_by_xl(settings: dict[str, Any]) -> dict[str, Any]:
    """What xl makes of a screen's keys, told again from xl_parse.c and libxl's defaults."""
    kind, framebuffers = settings["type"], settings.get("vfb") or []
    by_word = [dict(word.split("=", 1) for word in spec.split(",") if word) for spec in framebuffers]
    if kind == "pv" and not by_word and int(settings.get("vnc", 0)):
        by_word = [settings]
    made: dict[str, Any] = {"vfb": [vnc_of(words) for words in by_word]}
    if kind == "hvm":
        made["vnc"] = vnc_of(settings)
        if int(settings.get("spice", 0)):
            made["spice"] = spice_of(settings)
        older = "stdvga" if int(settings.get("stdvga", 0)) else "cirrus"
        made["card"] = (settings.get("vga", older), int(settings.get("videoram", 0)))
        made["keymap"] = settings.get("keymap")
    return made


def vnc_of(settings: dict[str, Any]) -> dict[str, Any] | None:
    """A server for VNC; None where there is none."""
    if not int(settings.get("vnc", 1)):
        return {"sdl": settings["sdl"]} if int(settings.get("sdl", 0)) else None
    listen, display = settings.get("vnclisten", "127.0.0.1"), int(settings.get("vncdisplay", 0))
    if ":" in listen:
        listen, _colon, behind = listen.rpartition(":")
        assume(not display)
        display = int(behind)
    return {
        "listen": listen.strip("[]") or "0.0.0.0",
        "display": display,
        "searched": bool(int(settings.get("vncunused", 1))),
        "password": settings.get("vncpasswd") or None,
        "keymap": settings.get("keymap"),
        "sdl": int(settings.get("sdl", 0)),
    }


def spice_of(settings: dict[str, Any]) -> dict[str, Any]:
    """A server for SPICE."""
    open_to_all = bool(int(settings.get("spicedisable_ticketing", 0)))
    return {
        "host": settings.get("spicehost") or "0.0.0.0",
        "port": int(settings.get("spiceport", 0)),
        "password": None if open_to_all else settings.get("spicepasswd"),
    }


@given(files())
def test_xl_makes_the_same_of_a_file_that_is_written_again(settings: dict[str, Any]) -> None:
    before = shown_by_xl(settings)
    text = render(settings)
    try:
        taken = to_options(text)
    except InvalidInput as error:
        # SPICE that everybody is to give a password for, and none is there.
        assume("there is no spicepasswd" not in str(error))
        raise
    assert SECRET not in " ".join(taken.notes)
    written = from_options(taken.options, taken.unknown)
    again = to_options(written)
    assert (again.options, again.unknown) == (taken.options, taken.unknown)
    after = shown_by_xl({key: setting.value for key, setting in parse(written).settings.items()})
    if taken.options.get("graphics") == "vnc" and taken.options.get("graphics_port"):
        # A display that is named is the port, also where xl would go on to the next free one; a note says so.
        (before["vnc"] if settings["type"] == "hvm" else before["vfb"][0])["searched"] = False
    assert after == before
