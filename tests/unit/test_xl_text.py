"""The text of configuration files of xl and xm: what is read, what is refused, and that it is never run."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.text import MAX_NESTING, parse, render


def settings(text: str) -> dict[str, Any]:
    """Keys and values of a text."""
    return {key: setting.value for key, setting in parse(text).settings.items()}


TEXTS: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    ("# nothing\n\n;;\n", {}),
    ("memory = 512", {"memory": 512}),
    ("memory=512\r\nvcpus=2\r\n", {"memory": 512, "vcpus": 2}),
    ('name="h0"; type="hvm"', {"name": "h0", "type": "hvm"}),
    ("shadow_memory = 0x20; maxmem = 0X2F", {"shadow_memory": "0x20", "maxmem": "0X2F"}),
    ("x = 0755", {"x": "0755"}),
    ("rtc_timeoffset = -3600", {"rtc_timeoffset": "-3600"}),
    ("ioports = [ 2f8, 3f8 ]", {"ioports": ["2f8", "3f8"]}),
    ("cpu_weight = 1.5", {"cpu_weight": "1.5"}),
    ("x = 123456789012345678901234567890", {"x": "123456789012345678901234567890"}),
    ("vnc = True\nsdl = False", {"vnc": 1, "sdl": 0}),
    ("vif = []", {"vif": []}),
    ("vif = ['']", {"vif": [""]}),
    ("disk = [ 'a', # first\n  'b',\n\n  'c'\n , ]\n", {"disk": ["a", "b", "c"]}),
    ("disk = ['a']\ndisk += ['b']", {"disk": ["a", "b"]}),
    ("extra = 'a'\nextra += ' b'\nnew += 'x'", {"extra": "a b", "new": "x"}),
    ("vnuma = [['pnode=0', 'size=512'], ['pnode=1']]", {"vnuma": [["pnode=0", "size=512"], ["pnode=1"]]}),
    ("x = 'a # b; c'  # d", {"x": "a # b; c"}),
    (r"""x = "say \"hi\"\t\x41\101\\" """, {"x": 'say "hi"\tAA\\'}),
    (r"x = 'it\'s'", {"x": "it's"}),
    ("x = 'grün'", {"x": "grün"}),
    ("\ufeffname = 'bom'", {"name": "bom"}),
    ("  indented = 1\n\tx = \\\n  2", {"indented": 1, "x": 2}),
    ("HOSTNAME = 'upper'\n_x = 1", {"HOSTNAME": "upper", "_x": 1}),
]


@pytest.mark.parametrize(("text", "found"), TEXTS)
def test_a_text_is_read(text: str, found: dict[str, Any]) -> None:
    assert settings(text) == found


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("import os, re", 1, "xm ran its files as Python programs"),
        ("\nfrom os import path", 2, "'from os import path'"),
        ("name = 'a'\ndef f(x):\n  return x", 2, "'def f(x):'"),
        ("\n\nif True:\n  x = 1", 3, "'if True:'"),
        ("for = 1", 1, "key = value"),
        ("print 'x'", 1, "key = value"),
        ("os.environ['x'] = 'y'", 1, "key = value"),
        ("vcpus = 2 * 2", 1, "Expressions are not evaluated"),
        ("name = 'a' + 'b'", 1, "Expressions are not evaluated"),
        ("name = 'web%d' % vmid", 1, "% vmid"),
        ("name = 'a' 'b'", 1, "one value, and then the end of the line"),
        ("disk = ['a' 'b']", 1, "Texts are not joined."),
        ("disk = [\n  'a',\n  'b'\n  'c' ]", 4, "',' or ']'"),
        ("x = y", 1, "a text in quotes"),
        ("x = os.getenv('HOME')", 1, "a text in quotes"),
        ("x = None", 1, "a text in quotes"),
        ("x = ('a', 'b')", 1, "a list in [ ]"),
        ("x = {'a': 1}", 1, "a list in [ ]"),
        ("x = r'raw'", 1, "a text in quotes"),
        ('x = """long"""', 1, "one value"),
        ("x = [1, 2", 1, "',' or ']'"),
        ("x = [1,, 2]", 1, "a list in [ ]"),
        ("x =\n1", 1, "a list in [ ]"),
        ("x = 'open\ny = 1", 1, "ends on its line with the quote"),
        ("x = 'zero\0'", 1, "ends on its line with the quote"),
        (r"x = '\x00'", 1, "escapes of ASCII characters only"),
        (r"x = '\xe9'", 1, "escapes of ASCII characters only"),
        ("x", 1, "key = value"),
        ("= 1", 1, "key = value"),
        ("(vm (name web1))", 1, "key = value"),
        ("x = 12k", 1, "expected"),
        ("x = 'a'\nx += ['b']", 2, "a text to a text"),
        ("x = 1\nx += 1", 2, "a text to a text"),
        ("x = " + "[" * (MAX_NESTING + 1), 1, f"nested at most {MAX_NESTING} deep"),
        ("x = 1;" * 5000, 1, "at most 4096 settings"),
    ],
)
def test_what_is_no_setting_is_refused_with_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(text)
    assert f"line {line} cannot be read; found: " in str(caught.value)
    assert words in str(caught.value)


@pytest.mark.parametrize("text", ["#" * (2**20 + 1), "#" + "ü" * 2**19])
def test_a_large_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="at most 1 MiB"):
        parse(text)


def test_hostile_text_costs_no_time() -> None:
    for text in (
        "x = " + "'\\" * 2**18,
        "x = [" + "1," * 2**18,
        "x=" + "9" * 2**19,
        "\\\n" * 2**18,
        "x += 'y';" * 4000,
    ):
        try:
            parse(text)
        except InvalidInput:
            continue


def test_the_last_value_of_a_key_holds_and_that_is_said() -> None:
    read = parse("memory = 1\nname = 'a'\nmemory = 2\n")
    assert read.settings["memory"].value == 2
    assert read.notes == ("line 3: memory is set a second time; the last value holds",)


def test_an_unknown_escape_is_kept_and_that_is_said() -> None:
    read = parse(r"extra = 'a\d'")
    assert read.settings["extra"].value == r"a\d"
    assert "line 1" in read.notes[0]


_KEYS = st.from_regex(r"[a-z_][a-z0-9_]{0,8}x", fullmatch=True)
_ATOMS = st.integers(0, 10**18 - 1) | st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20
)
_VALUES = st.recursive(_ATOMS, lambda inner: st.lists(inner, max_size=3), max_leaves=6)


@given(st.dictionaries(_KEYS, _VALUES, max_size=5), st.lists(st.text(max_size=20), max_size=2))
def test_a_written_text_reads_back(values: dict[str, Any], remarks: list[str]) -> None:
    remarks = [remark.replace("\0", "") for remark in remarks]
    assert settings(render(values, remarks)) == values


@given(st.text(max_size=60) | st.text(alphabet="ab01x'\"\\[],=+;#\n .-", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = settings(text)
    except InvalidInput:
        return
    assert settings(render(read)) == read


@pytest.mark.parametrize(
    "values", [{"a b": 1}, {"": 1}, {"x\n": 1}, {"x": "\0"}, {"x": {}}, {"x": None}, {"x": [[[[[[[[[1]]]]]]]]]}]
)
def test_what_cannot_be_written_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        render(values)
