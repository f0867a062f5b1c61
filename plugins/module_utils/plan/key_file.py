# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files with a ``key = value`` a line, changed where a key is declared; all other lines stay as they are."""

from __future__ import annotations

import re

_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def value_of(text: str, key: str) -> str | None:
    """A key's value without quotes; of two lines the last counts. None where the key is not set."""
    values = [match[1] for line in _LINE.findall(text) if (match := _assigns(key).fullmatch(line))]
    return _plain(values[-1]) if values else None


def with_value(text: str, key: str, value: str | None, line: str) -> str:
    """The text with a key set: in the place of its line, else below the comment that shows it, else at the end.

    Args:
        text: the former text.
        key: what is set.
        value: to what; None takes the key away.
        line: the whole line that sets it.
    """
    if value_of(text, key) == value:
        return text
    lines = _LINE.findall(text)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    former = [index for index, one in enumerate(lines) if _assigns(key).fullmatch(one)]
    shown = [index for index, one in enumerate(lines) if re.match(rf"\s*#\s*{re.escape(key)}\s*=", one)]
    if value is not None:
        if former:
            lines[former[-1]] = f"{line}\n"
            former.pop()
        elif shown:
            lines.insert(shown[-1] + 1, f"{line}\n")
        else:
            lines.append(f"{line}\n")
    for index in reversed(former):
        del lines[index]
    return "".join(lines)


def _assigns(key: str) -> re.Pattern[str]:
    return re.compile(rf"[ \t]*(?:export[ \t]+)?{re.escape(key)}[ \t]*=(.*)\n?")


def _plain(value: str) -> str:
    """What is written as a value, without quotes, blanks and a comment after it."""
    value = value.strip()
    if value[:1] in ("'", '"'):
        inner, quote, _rest = value[1:].partition(value[0])
        return inner if quote else value
    return re.split(r"\s#", value)[0].strip()
