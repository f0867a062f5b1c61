# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a machine boots: our file of GRUB's settings, what GRUB's menu makes of it, and whether what runs is that."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ansible_collections.xenfleet.xen.plugins.module_utils.model.dom0 import MEMORY_KEY, VCPUS_KEY, Boot, Machine

HEAD = "# Written by Ansible (xenfleet.xen.xen_dom0), which undoes other changes when it runs again.\n"
# Named by its id, for its title is in the language of whoever runs update-grub.
_DEFAULT = (
    "if type grub_get_device_id > /dev/null 2>&1; then\n"
    '    GRUB_DEFAULT="xen-gnulinux-simple-$(grub_get_device_id "$GRUB_DEVICE")"\n'
    "fi\n"
)
_XEN_LINE = re.compile(r'^GRUB_CMDLINE_XEN_DEFAULT="\$GRUB_CMDLINE_XEN_DEFAULT (.*)"$', re.MULTILINE)
_KERNEL = "GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT"
_KERNEL_AFTER = f"${{{_KERNEL}:-$GRUB_CMDLINE_LINUX_DEFAULT}}"
_KERNEL_LINE = re.compile(rf'^{_KERNEL}="({re.escape(_KERNEL_AFTER)})? (.*)"$', re.MULTILINE)

_OPENS = re.compile(r"\s*(menuentry|submenu)\s+'((?:[^']|'\\'')*)'(.*)\{\s*$")
_ID = re.compile(r"\$menuentry_id_option\s+'([^']*)'")
_SET_DEFAULT = re.compile(r'^\s*set default="([^"]*)"\s*$', re.MULTILINE)
_XEN_LOADERS = ("multiboot2", "multiboot", "xen_hypervisor")
_KERNEL_LOADERS = ("module2", "module", "xen_module")
# What GRUB adds by itself, and what says where the system is: that follows from the disk, not from what is declared.
_OWN_OF_XEN = ("placeholder", "${xen_rm_opts}", "no-real-mode", "edd=off")
_OWN_OF_KERNEL = re.compile(r"placeholder|ro|rw|root=.*|BOOT_IMAGE=.*|initrd=.*")
_AMOUNT = re.compile(r"(max:|min:|)([0-9]+)([BKMGT]?)", re.ASCII | re.IGNORECASE)
_POWERS = {"B": 0, "K": 1, "M": 2, "G": 3, "T": 4}


@dataclass(frozen=True)
class NextBoot:
    """What GRUB boots when nobody is at the console.

    Attributes:
        title: the entry's title.
        xen: the arguments of Xen; None where the entry boots without it.
        kernel: the arguments of the kernel.
    """

    title: str
    xen: tuple[str, ...] | None
    kernel: tuple[str, ...]


def grub_text(boot: Boot) -> str:
    """The file with our settings. It is read after all others; what they say of arguments stays before ours, and of two the last counts."""
    text = HEAD + _DEFAULT
    if boot.xen:
        text += f'GRUB_CMDLINE_XEN_DEFAULT="$GRUB_CMDLINE_XEN_DEFAULT {" ".join(boot.xen)}"\n'
    if boot.kernel_arguments or boot.replace_kernel_arguments:
        before = "" if boot.replace_kernel_arguments else _KERNEL_AFTER
        text += f'{_KERNEL}="{before} {" ".join(boot.kernel_arguments or ())}"\n'
    return text


def parse_grub(text: str) -> Boot:
    """What our file says; all of it is said of a file that is not there, too."""
    match = _XEN_LINE.search(text)
    memory = vcpus = ""
    rest = []
    for argument in match[1].split() if match else ():
        key, _equals, value = argument.partition("=")
        if key == MEMORY_KEY:
            memory = value.partition(",")[0]
        elif key == VCPUS_KEY:
            vcpus = value
        else:
            rest.append(argument)
    kernel = _KERNEL_LINE.search(text)
    return Boot(
        memory,
        vcpus,
        tuple(rest),
        tuple(kernel[2].split()) if kernel else (),
        kernel is not None and not kernel[1],
    )


def merged(declared: Boot, found: Boot) -> Boot:
    """What is meant as a whole: what is not declared stays as it was."""
    kept = {key: getattr(found, key) for key, value in vars(declared).items() if value is None}
    return replace(declared, **kept)


def next_boot(menu: str) -> NextBoot | None:
    """The entry of GRUB's menu that is booted by default; None where it is not in the menu."""
    defaults = [value for value in _SET_DEFAULT.findall(menu) if "$" not in value]
    wanted = defaults[-1] if defaults else "0"
    entries = _entries(menu)
    if wanted.isdecimal():
        top = [entry for entry in entries if entry.depth == 0]
        chosen = top[int(wanted)] if int(wanted) < len(top) else None
    else:
        name = wanted.split(">")[-1]
        chosen = next((entry for entry in entries if name in (entry.ident, entry.title)), None)
    if chosen is None or chosen.kind == "submenu":
        return None
    return NextBoot(chosen.title, chosen.xen, chosen.kernel or ())


def predicted(now: NextBoot | None, before: Boot, after: Boot) -> NextBoot:
    """What the menu will have when our file has changed."""
    xen = _without(now.xen or (), before.xen) if now else ()
    kernel = _without(now.kernel, before.kernel_arguments or ()) if now else ()
    return NextBoot(now.title if now else "", (*xen, *after.xen), (*kernel, *(after.kernel_arguments or ())))


def missing_arguments(boot: Boot, entry: NextBoot) -> tuple[str, ...]:
    """What is declared and not in an entry of the menu."""
    there = _xen_values(entry.xen or ())
    xen = [argument for argument in boot.xen if there.get(_key(argument)) != _value(argument)]
    kernel = [argument for argument in boot.kernel_arguments or () if argument not in entry.kernel]
    return (*xen, *kernel)


def boots_as_declared(boot: Boot, entry: NextBoot | None) -> bool:
    """Whether an entry of the menu boots Xen with what is declared."""
    return entry is not None and entry.xen is not None and not missing_arguments(boot, entry)


def reboot_reasons(machine: Machine, entry: NextBoot | None) -> tuple[str, ...]:
    """Why what runs is not what would be booted; nothing where it is."""
    if machine.xen is None:
        return ("the machine runs without Xen",)
    if entry is None or entry.xen is None:
        return ()
    reasons = []
    if machine.xen.command_line is not None:
        running = xen_arguments(machine.xen.command_line)
        reasons += _differences("Xen", _xen_values(running), _xen_values(entry.xen))
    kernel = dict.fromkeys(kernel_arguments(machine.kernel_line), "")
    reasons += _differences("dom0's kernel", kernel, dict.fromkeys(entry.kernel, ""))
    return tuple(reasons)


def xen_arguments(line: str) -> tuple[str, ...]:
    """The arguments of Xen in a command line, without what GRUB added."""
    return tuple(word for word in _words(line) if word not in _OWN_OF_XEN)


def kernel_arguments(line: str) -> tuple[str, ...]:
    """The arguments of the kernel in a command line, without what says where the system is."""
    return tuple(word for word in _words(line) if not _OWN_OF_KERNEL.fullmatch(word))


@dataclass(frozen=True)
class _Entry:
    """An entry of the menu, or a submenu."""

    kind: str
    title: str
    ident: str
    depth: int
    xen: tuple[str, ...] | None = None
    kernel: tuple[str, ...] | None = None


def _entries(menu: str) -> list[_Entry]:
    """All entries, in their order."""
    entries: list[_Entry] = []
    open_ones: list[int] = []
    for line in menu.splitlines():
        opened = _OPENS.match(line)
        if opened:
            ident = _ID.search(opened[3])
            title = opened[2].replace("'\\''", "'")
            open_ones.append(len(entries))
            entries.append(_Entry(opened[1], title, ident[1] if ident else "", len(open_ones) - 1))
        elif open_ones and line.strip() == "}":
            open_ones.pop()
        elif open_ones and line.strip():
            entries[open_ones[-1]] = _with_line(entries[open_ones[-1]], line)
    return entries


def _with_line(entry: _Entry, line: str) -> _Entry:
    """An entry with what one more of its lines says."""
    loader, _blank, rest = line.strip().partition("\t")
    if not rest:
        loader, _blank, rest = line.strip().partition(" ")
    arguments = rest.strip().partition(" ")[2]
    if loader in _XEN_LOADERS and entry.xen is None:
        return replace(entry, xen=xen_arguments(arguments))
    if loader in (*_KERNEL_LOADERS, "linux") and entry.kernel is None:
        return replace(entry, kernel=kernel_arguments(arguments))
    return entry


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _without(arguments: Iterable[str], gone: Iterable[str]) -> tuple[str, ...]:
    """Arguments without the last one of each that is gone."""
    left = list(reversed(list(arguments)))
    for argument in gone:
        if argument in left:
            left.remove(argument)
    return tuple(reversed(left))


def _xen_values(arguments: Iterable[str]) -> dict[str, str]:
    """What counts of Xen's arguments: of two with one key the last."""
    return {_key(argument): _value(argument) for argument in arguments}


def _key(argument: str) -> str:
    return argument.partition("=")[0]


def _value(argument: str) -> str:
    """An argument's value, an amount of memory in its plain form."""
    key, _equals, value = argument.partition("=")
    return ",".join(_amount(part) for part in value.split(",")) if key == MEMORY_KEY else value


def _amount(text: str) -> str:
    match = _AMOUNT.fullmatch(text)
    # Without a unit Xen reads KiB.
    return f"{match[1].lower()}{int(match[2]) * 1024 ** _POWERS[match[3].upper() or 'K']}" if match else text


def _differences(who: str, running: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """How what runs differs from what is wanted, in words."""
    reasons = []
    for key, value in wanted.items():
        if key not in running:
            reasons.append(f"{who} runs without {_joined(key, value)}")
        elif running[key] != value:
            reasons.append(f"{who} runs with {_joined(key, running[key])} instead of {_joined(key, value)}")
    reasons += [
        f"{who} runs with {_joined(key, value)}, which is not in GRUB's menu any more"
        for key, value in running.items()
        if key not in wanted
    ]
    return reasons


def _joined(key: str, value: str) -> str:
    """An argument for people's eyes: memory in units again."""
    if key == MEMORY_KEY:
        value = ",".join(_unit(part) for part in value.split(","))
    return f"{key}={value}" if value else key


def _unit(part: str) -> str:
    label, colon, digits = part.rpartition(":")
    if not digits.isdecimal():
        return part
    amount = int(digits)
    for unit in ("G", "M", "K"):
        if amount % 1024 ** _POWERS[unit] == 0:
            return f"{label}{colon}{amount // 1024 ** _POWERS[unit]}{unit}"
    return f"{label}{colon}{amount}B"
