# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of systemd: sections of keys, which may come more than once."""

from __future__ import annotations

Lines = list[tuple[str, str, str]]


def lines_of(text: str) -> Lines:
    """Section, key and value of each line."""
    found: Lines = []
    section = ""
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif "=" in line:
            key, _equals, value = line.partition("=")
            found.append((section, key.strip(), value.strip()))
    return found


def values_of(lines: Lines, section: str, key: str) -> list[str]:
    """All values of a key."""
    return [value for one, name, value in lines if (one, name) == (section, key)]


def value_of(lines: Lines, section: str, key: str) -> str | None:
    """The last value of a key."""
    return next(iter(reversed(values_of(lines, section, key))), None)
