# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The text of an xl.cfg(5) or xmdomain.cfg(5) file to keys and values, and back.

xm ran such a file as a Python program, xl has a small language of its own, and what both understand is nearly all that is
found in practice. It is read here by a tokenizer and never executed: a file may come from anywhere.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput

# A number is an int where that says all of it; '0x3f8' and '-3600' stay as they are written.
Value: TypeAlias = "int | str | list[Value]"

MAX_BYTES = 1024 * 1024
MAX_SETTINGS = 4096
MAX_NESTING = 8

_TOKEN = re.compile(
    r"""(?P<blank>(?:[ \t\r\f]|\\\r?\n)+)
    |(?P<comment>\#[^\n]*)
    |(?P<newline>\n)
    |(?P<string>'(?:[^'\\\n\0]|\\[^\n\0])*'|"(?:[^"\\\n\0]|\\[^\n\0])*")
    |(?P<number>-?[0-9][0-9a-fA-FxX]*(?:\.[0-9]+)?(?![\w.]))
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<mark>\+=|[=,;\[\]])
    |(?P<other>.)""",
    re.VERBOSE | re.ASCII,
)
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_PLAIN_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|[0-7]{1,3}|.)", re.ASCII | re.DOTALL)
_ESCAPES = {
    "\\": "\\",
    '"': '"',
    "'": "'",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
}
_WRITTEN = {char: f"\\{letter}" for letter, char in _ESCAPES.items() if char != "'"}
# What comes after it on a line may be a password of a screen, or the key of a user of Ceph.
_SECRET = re.compile(r"(passwd|:key=).*", re.ASCII | re.DOTALL)
# Python's own, in files of xm.
_TRUTH = {"True": 1, "False": 0}
_PYTHON = "xm ran its files as Python programs. Nothing is run here: write down the values that the program would give."


class _Token(NamedTuple):
    kind: str
    text: str
    line: int


@dataclass(frozen=True)
class Setting:
    """A key's value and where it stands.

    Attributes:
        value: the value.
        line: the line of the key, from 1.
    """

    value: Value
    line: int


@dataclass(frozen=True)
class ConfigFile:
    """What a file says.

    Attributes:
        settings: key to value, in the file's order.
        notes: sentences on what was understood in which way.
    """

    settings: Mapping[str, Setting]
    notes: tuple[str, ...]


def parse(text: str) -> ConfigFile:
    """Read a file.

    Raises:
        InvalidInput: it is too large, nested too deeply, or has a line that is no setting.
    """
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise InvalidInput("the text is too large for a guest's configuration file", expected="at most 1 MiB")
    return _Reader(text.removeprefix("\ufeff")).read()


def render(settings: Mapping[str, Value], remarks: Iterable[str] = ()) -> str:
    """Write a file that xl reads.

    Args:
        settings: key to value.
        remarks: sentences that become comments at its beginning.

    Raises:
        InvalidInput: a key or a value cannot be written.
    """
    lines = ["# " + " ".join(remark.split()) for remark in remarks]
    for key, value in settings.items():
        if not _KEY.fullmatch(key):
            raise InvalidInput("a key cannot be written", found=repr(key), expected="letters, digits and '_'")
        if isinstance(value, list) and value:
            items = "".join(f"    {_written(item, key, 2)},\n" for item in value)
            lines.append(f"{key} = [\n{items}]")
        else:
            lines.append(f"{key} = {_written(value, key, 1)}")
    return "".join(f"{line}\n" for line in lines)


def _written(value: object, key: str, depth: int) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        # xl's language has no negative numbers, but takes them from a text.
        return str(value) if _PLAIN_NUMBER.fullmatch(str(value)) else f'"{value}"'
    if isinstance(value, str):
        if "\0" in value:
            raise InvalidInput(f"{key} has a zero character, which no configuration file can hold")
        return '"' + "".join(_WRITTEN.get(char, char) for char in value) + '"'
    if isinstance(value, list) and depth <= MAX_NESTING:
        return "[" + ", ".join(_written(item, key, depth + 1) for item in value) + "]"
    raise InvalidInput(
        f"{key} cannot be written",
        found=repr(value)[:80],
        expected=f"numbers, texts, lists, at most {MAX_NESTING} deep",
    )


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind not in ("blank", "comment"):
            yield _Token(kind, match[0], line)
        if kind in ("blank", "newline"):
            line += match[0].count("\n")
    yield _Token("end", "", line)


class _Reader:
    """Reads one file, with one token looked at in advance."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._stream = _tokens(text)
        self._token = next(self._stream)
        self._settings: dict[str, Setting] = {}
        self._notes: list[str] = []
        self._key = ""

    def read(self) -> ConfigFile:
        count = 0
        while self._token.kind != "end":
            if self._token.kind == "newline" or self._token.text == ";":
                self._advance()
                continue
            count += 1
            if count > MAX_SETTINGS:
                raise self._unreadable(self._token.line, f"at most {MAX_SETTINGS} settings in a file")
            self._assignment()
        return ConfigFile(self._settings, tuple(self._notes))

    def _advance(self) -> _Token:
        token = self._token
        self._token = next(self._stream, token)
        return token

    def _assignment(self) -> None:
        key = self._advance()
        self._key = key.text
        operator = self._token.text
        if key.kind != "name" or keyword.iskeyword(key.text) or operator not in ("=", "+="):
            raise self._unreadable(key.line, "key = value", _PYTHON)
        self._advance()
        value = self._value(1)
        if self._token.kind not in ("newline", "end") and self._token.text != ";":
            raise self._unreadable(
                self._token.line,
                "one value, and then the end of the line or ';'",
                f"Expressions are not evaluated. {_PYTHON}",
            )
        before = self._settings.get(key.text)
        if operator == "+=" and before is not None:
            value = self._joined(before.value, value, key)
        elif before is not None:
            self._notes.append(f"line {key.line}: {key.text} is set a second time; the last value holds")
        self._settings[key.text] = Setting(value, key.line)

    def _joined(self, before: Value, value: Value, key: _Token) -> Value:
        if isinstance(before, str) and isinstance(value, str):
            return before + value
        if isinstance(before, list) and isinstance(value, list):
            before.extend(value)
            return before
        raise self._unreadable(key.line, f"{key.text} += the same kind as before: a text to a text, a list to a list")

    def _value(self, depth: int) -> Value:
        token = self._advance()
        if token.kind == "string":
            return self._unquoted(token)
        if token.kind == "number":
            return int(token.text) if _PLAIN_NUMBER.fullmatch(token.text) else token.text
        if token.text in _TRUTH:
            return _TRUTH[token.text]
        if token.text == "[":
            if depth > MAX_NESTING:
                raise self._unreadable(token.line, f"lists that are nested at most {MAX_NESTING} deep")
            return self._list(depth)
        if token.text in ("'", '"'):
            raise self._unreadable(token.line, "a text that ends on its line with the quote that it began with")
        raise self._unreadable(
            token.line,
            "a number, a text in quotes, or a list in [ ]",
            f"A name or an expression is not evaluated. {_PYTHON}",
        )

    def _list(self, depth: int) -> list[Value]:
        items: list[Value] = []
        while True:
            self._skip_newlines()
            if self._token.text == "]":
                self._advance()
                return items
            items.append(self._value(depth + 1))
            self._skip_newlines()
            if self._token.text == ",":
                self._advance()
            elif self._token.text != "]":
                raise self._unreadable(self._token.line, "',' or ']' after a value of a list", "Texts are not joined.")

    def _skip_newlines(self) -> None:
        while self._token.kind == "newline":
            self._advance()

    def _unquoted(self, token: _Token) -> str:
        def plain(match: re.Match[str]) -> str:
            escape = match[1]
            if escape in _ESCAPES:
                return _ESCAPES[escape]
            if escape[0] not in "x01234567" or escape == "x":
                where = "a password" if self._is_secret(token.text) else repr(match[0])
                self._notes.append(f"line {token.line}: the backslash in {where} is kept, as in Python")
                return match[0]
            code = int(escape[1:], 16) if escape[0] == "x" else int(escape, 8)
            if not 0 < code < 128:
                raise self._unreadable(token.line, "escapes of ASCII characters only", "Write the character itself.")
            return chr(code)

        return _ESCAPE.sub(plain, token.text[1:-1])

    def _is_secret(self, text: str) -> bool:
        return _SECRET.search(self._key) is not None or _SECRET.search(text) is not None

    def _unreadable(self, line: int, expected: str, remedy: str | None = None) -> InvalidInput:
        lines = self._text.split("\n", line)
        found = _SECRET.sub(r"\1 (hidden)", lines[line - 1].strip())[:80] if line <= len(lines) else ""
        if self._is_secret(self._key):
            found = "(hidden)"
        return InvalidInput(
            f"line {line} cannot be read", found=repr(found) if found else "its end", expected=expected, remedy=remedy
        )
