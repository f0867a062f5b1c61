# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian's ifupdown: read only, so that its interfaces are left to it."""

from __future__ import annotations

from pathlib import Path

_FILE = "etc/network/interfaces"
_LISTS = ("bond-slaves", "bond_slaves", "slaves", "bridge_ports", "bridge-ports")


def interfaces(root: Path) -> dict[str, str]:
    """The interfaces that ifupdown knows, without the loopback one, each with the file that names it.

    Args:
        root: the top of the host's file system.
    """
    found: dict[str, str] = {}
    _read(root, root / _FILE, found, set())
    return {name: file for name, file in found.items() if name != "lo"}


def _read(root: Path, file: Path, found: dict[str, str], seen: set[Path]) -> None:
    """Read one file and those that it names."""
    if file in seen or not file.is_file():
        return
    seen.add(file)
    text = file.read_text(encoding="utf-8", errors="replace").replace("\\\n", " ")
    shown = f"/{file.relative_to(root)}"
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if len(words) < 2:
            continue
        if words[0] == "source":
            for other in _matching(root, file, words[1]):
                _read(root, other, found, seen)
        elif words[0] == "source-directory":
            for other in _matching(root, file, words[1].rstrip("/") + "/*"):
                _read(root, other, found, seen)
        elif words[0] == "iface":
            found.setdefault(words[1], shown)
        elif words[0] in _LISTS:
            for name in words[1:]:
                if name != "none":
                    found.setdefault(name, shown)


def _matching(root: Path, file: Path, pattern: str) -> list[Path]:
    """The files that a pattern names, which is absolute or relative to the file that has it."""
    base = root if pattern.startswith("/") else file.parent
    return sorted(base.glob(pattern.lstrip("/")))
