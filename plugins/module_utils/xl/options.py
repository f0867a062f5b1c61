# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""A whole configuration file to the options of a guest, and back.

A key without a row in the table `ROWS` is kept as it was, under ``unknown``, so that a row can be added when the option
comes, and nothing is lost until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import DomainType
from ansible_collections.xenfleet.xen.plugins.module_utils.model.type_options import ONLY_FOR
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.disks import read_disks, write_disks
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.kept import sort_kept
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.row import NoOption, named, plain_text, read_at
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.rows import ROWS
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.screen import read_screen, write_screen
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import Setting, Value, parse, render
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.vifs import read_vifs, write_vifs

_BUILDERS = {"hvm": DomainType.HVM, "generic": DomainType.PV, "linux": DomainType.PV}
# Lists of devices: the file's key, the option, and how they are read and written.
DEVICES = (
    ("disk", "disks", read_disks, write_disks),
    ("vif", "networks", read_vifs, write_vifs),
)


@dataclass(frozen=True)
class TakenOver:
    """What a file says.

    Attributes:
        options: options of a guest, by their own names. The password of its screen is among them.
        unknown: keys and parts of devices that there is no option for, as they were.
        notes: sentences on what was understood in which way, and what could not be taken.
    """

    options: dict[str, Any]
    unknown: dict[str, Any]
    notes: list[str]


def to_options(text: str) -> TakenOver:
    """Take a file over.

    Raises:
        InvalidInput: it cannot be read, or has a value that makes no sense to xl either; the line is named.
    """
    read = parse(text)
    notes = list(read.notes)
    settings = _without_older_keys(read.settings, notes)
    options: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for row in ROWS:
        setting = settings.pop(row.key, None)
        if setting is None:
            continue
        kind = options.get("type")
        if kind is not None and row.option in ONLY_FOR and kind not in ONLY_FOR[row.option]:
            unknown[row.key] = setting.value
            notes.append(f"{row.key}: a guest of type {kind} has no such thing; it is kept under 'unknown'")
            continue
        try:
            value = read_at(setting, row.key, row.read)
        except NoOption as why:
            unknown[row.key] = setting.value
            notes.append(f"{row.key}: {setting.value!r} cannot be an option, for {why}; it is kept under 'unknown'")
            continue
        # An empty text is no kernel, no RAM disk, no command line: the same as no key.
        if value not in ("", []):
            options[row.option] = value
    screen = read_screen(settings, DomainType(options["type"]))
    options.update(screen.options)
    unknown.update(screen.unknown)
    notes += screen.notes
    for key, option, read_devices, _write in DEVICES:
        setting = settings.pop(key, None)
        if setting is not None:
            taken = read_at(setting, key, partial(read_devices, hvm=options.get("type") == DomainType.HVM))
            options[option] = taken.options
            unknown.update(taken.unknown)
            notes += taken.notes
    if "name" not in options and "name" not in unknown:
        notes.append("name: the file names no guest")
    if settings:
        notes.append(f"There is no option for {', '.join(settings)}; what they say is kept under 'unknown'.")
        unknown.update({key: setting.value for key, setting in settings.items()})
    return TakenOver(options, unknown, notes)


def from_options(options: Mapping[str, Any], unknown: Mapping[str, Any] | None = None) -> str:
    """Write a file that xl reads.

    Args:
        options: options of a guest. Those that no key of the file can hold are named in a comment.
        unknown: what `to_options` kept.

    Raises:
        InvalidInput: a value makes no sense, or is given in both.
    """
    given = {key: value for key, value in options.items() if value is not None and value not in ("", {})}
    kept = sort_kept(unknown or {})
    settings: dict[str, Value] = {}
    for row in ROWS:
        value = given.pop(row.option, [])
        if value != []:
            settings[row.key] = named(row.option, row.write, value)
    settings.update(write_screen(given, kept.settings))
    for key, option, _read, write in DEVICES:
        entries = given.pop(option, None)
        if entries is not None or kept.whole[key] or kept.parts[option]:
            if not isinstance(entries, (list, tuple, type(None))) or not all(
                isinstance(e, Mapping) for e in entries or ()
            ):
                raise InvalidInput(f"{option} is no list of mappings", found=repr(entries)[:80])
            settings[key] = write(list(entries or ()), kept)
    twice = settings.keys() & kept.settings.keys()
    if twice:
        raise InvalidInput(f"{', '.join(sorted(twice))}: given by an option, and also in 'unknown'")
    settings.update(kept.settings)
    return render(settings, _remarks(settings, options, sorted(str(key) for key in given)))


def _without_older_keys(settings: Mapping[str, Setting], notes: list[str]) -> dict[str, Setting]:
    """The settings with what older keys say under the keys of today."""
    left = dict(settings)
    builder = left.pop("builder", None)
    if builder is not None:
        kind = _BUILDERS.get(str(builder.value))
        if kind is None or ("type" in left and left["type"].value != kind):
            raise InvalidInput(
                f"line {builder.line}: builder makes no sense",
                found=repr(builder.value),
                expected=f"{', '.join(_BUILDERS)}; and the same as type, where both are given",
            )
        left["type"] = replace(builder, value=kind.value)
        notes.append(f"type: builder = {builder.value!r} is read as type {kind}")
    elif "type" not in left:
        left["type"] = Setting(DomainType.PV.value, 0)
        notes.append("type: the file names none, which to xl and xm means pv")
    older = {key: left.pop(key) for key in ("root", "extra") if key in left}
    if older and "cmdline" in left:
        notes.append(f"cmdline: {' and '.join(older)} is left out, for xl heeds only cmdline when that is given")
    elif older:
        words = [f"root={read_at(older['root'], 'root', plain_text)}"] if "root" in older else []
        words += [read_at(older["extra"], "extra", plain_text)] if "extra" in older else []
        left["cmdline"] = replace(next(iter(older.values())), value=" ".join(words))
        notes.append(f"cmdline: made of {' and '.join(older)}, as xl does")
    return left


def _remarks(settings: Mapping[str, Value], options: Mapping[str, Any], left_out: list[str]) -> list[str]:
    """What a reader of the file should know."""
    remarks = []
    if "name" not in settings:
        remarks.append("There is no name, without which xl starts no guest.")
    if "type" not in settings:
        remarks.append("There is no type, which to xl means pv.")
    if settings.get("spice") and not settings.get("spiceport") and "spicetls_port" not in settings:
        remarks.append("There is no spiceport, without which xl starts no guest with SPICE.")
    if any(disk.get("shareable") for disk in options.get("disks") or ()):
        remarks.append("'w!' and 'r!', for disks that guests share, are understood by xm and libvirt; xl refuses them.")
    if any(nic.get("addresses") and nic.get("guest_ips") for nic in options.get("networks") or ()):
        remarks.append(
            "Of interfaces that have guest_ips, what their addresses say is left out: there is one key for both."
        )
    if left_out:
        remarks.append(f"Options that have no key here: {', '.join(left_out)}.")
    return remarks
