# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of Debian's ifupdown: which interfaces they name, and how one gives interfaces away."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection
from pathlib import Path

_FILE = "etc/network/interfaces"
_LISTS = ("bond-slaves", "bond_slaves", "slaves", "bridge_ports", "bridge-ports")
_STANZAS = (
    "iface",
    "mapping",
    "auto",
    "source",
    "source-directory",
    "rename",
    "template",
    "no-auto-down",
    "no-scripts",
)
KNOWN_METHODS = ("static", "manual", "dhcp", "auto")
_PLAIN = ("address", "netmask", "gateway", "broadcast", "network")
_MARK = "#replaced by xenfleet.xen.xen_bridge: "


def interfaces(root: Path, giving: Collection[str] = (), names: Collection[str] = ()) -> dict[str, str]:
    """The interfaces that ifupdown knows, without the loopback one, each with the file that names it.

    Args:
        root: the top of the host's file system.
        giving: files that give interfaces away, by path.
        names: these interfaces.
    """
    found: dict[str, str] = {}
    for shown, text in _texts(root):
        for name in _mentioned(without(text, names) if shown in giving else text):
            found.setdefault(name, shown)
    return {name: file for name, file in found.items() if name != "lo"}


def reads(root: Path, path: str) -> bool:
    """Whether ifupdown reads a file, once it is there."""
    file = root / path.lstrip("/")
    return any(
        fnmatch.fnmatchcase(str(file), str(folder / pattern))
        for shown, text in _texts(root)
        for folder, pattern in _sources(root, root / shown.lstrip("/"), text)
    )


def _texts(root: Path) -> list[tuple[str, str]]:
    """The files that ifupdown reads, by path: the first one, and those that it names."""
    found: dict[str, str] = {}
    todo = [root / _FILE]
    while todo:
        file = todo.pop(0)
        shown = f"/{file.relative_to(root)}"
        if shown in found or not file.is_file():
            continue
        found[shown] = file.read_text(encoding="utf-8", errors="surrogateescape")
        for folder, pattern in _sources(root, file, found[shown]):
            todo += sorted(folder.glob(pattern))
    return list(found.items())


def _sources(root: Path, file: Path, text: str) -> list[tuple[Path, str]]:
    """The patterns of files that a file names, each with the folder that it counts from."""
    found: list[tuple[Path, str]] = []
    for words in _words(text):
        if words[0] in ("source", "source-directory"):
            pattern = words[1] if words[0] == "source" else words[1].rstrip("/") + "/*"
            found.append((root if pattern.startswith("/") else file.parent, pattern.lstrip("/")))
    return found


def _words(text: str) -> list[list[str]]:
    """The lines that say something, as words; continued ones are one."""
    lines = (line.split("#", 1)[0].split() for line in text.replace("\\\n", " ").splitlines())
    return [words for words in lines if len(words) > 1]


def _mentioned(text: str) -> list[str]:
    """The interfaces that one file configures or puts into bonds and bridges."""
    found: list[str] = []
    for words in _words(text):
        if words[0] == "iface":
            found.append(words[1])
        elif words[0] in _LISTS:
            found += [name for name in words[1:] if name != "none"]
    return found


def files(root: Path) -> tuple[str, ...]:
    """The files that ifupdown reads."""
    return tuple(shown for shown, _text in _texts(root))


def methods(text: str) -> dict[str, str]:
    """The interfaces that one file configures, each with its method such as ``static``; of several, one that is not known."""
    found: dict[str, str] = {}
    for words in _words(text):
        if len(words) >= 4 and words[0] == "iface" and found.get(words[1], "static") in KNOWN_METHODS:
            leased6 = words[2] != "inet" and words[3] == "dhcp"
            found[words[1]] = "inet6 dhcp" if leased6 else words[3]
    return found


def extras(text: str, names: Collection[str]) -> tuple[str, ...]:
    """What one file says of some interfaces besides their addresses and gateways."""
    found: list[str] = []
    chosen = False
    for words in _words(text):
        if words[0] in _STANZAS or words[0].startswith("allow-"):
            chosen = words[0] == "iface" and words[1] in names
        elif chosen and words[0] not in _PLAIN:
            found.append(" ".join(words))
    return tuple(found)


def without(text: str, names: Collection[str]) -> str:
    """A file with all that it says of some interfaces made comments, and nothing else changed."""
    found: list[str] = []
    hidden = continued = False
    for line in text.splitlines(keepends=True):
        words = line.split()
        first = words[0] if words else ""
        begins = not continued and (first in _STANZAS or first.startswith("allow-"))
        continued = line.endswith("\\\n")
        if begins:
            hidden = first == "iface" and len(words) > 1 and words[1] in names
        kept = [word for word in words[1:] if word not in names]
        if begins and (first == "auto" or first.startswith("allow-")) and len(kept) < len(words) - 1:
            found.append(_MARK + line)
            if kept:
                found.append(" ".join([first, *kept]) + "\n")
        else:
            found.append(_MARK + line if hidden and words and not first.startswith("#") else line)
    return "".join(found)
