"""The page that says what becomes of each key of xl.cfg(5)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.argspec import domain_spec
from ansible_collections.xenfleet.xen.plugins.module_utils.argspec_fields import FIELDS
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Declaration, Domain, DomainType
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.definition import definition_of
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import plan_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.options import DEVICES
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.rows import ROWS
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.screen import SCREEN_KEYS
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.fragment import lacking

from .domains import found

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "xl-coverage.md").read_text()

PARTS = {"Parts of disk": "parts of `disk`", "Parts of vif": "parts of `vif`"}
KEYS = "keys of the file"
# Fields that no key of the file is, and why.
WITHOUT_KEY = {"labels": "kept by libvirt for the inventory; Xen knows nothing of them"}
# Options of disks and interfaces that the page names already.
# One piece of XML for each key that is said in XML.
FRAGMENTS = {
    "seclabel": "<domain><seclabel type='static' model='flask'><label>system_u:system_r:domU_t</label></seclabel></domain>",
    "bios_path_override": "<domain><os><loader readonly='yes' type='pflash'>/srv/ovmf.bin</loader></os></domain>",
    "acpi_firmware": "<domain><os><acpi><table type='rawset'>/srv/tables</table></acpi></os></domain>",
    "device_model_override": "<domain><devices><emulator>/srv/qemu</emulator></devices></domain>",
    "device_model_args": (
        "<domain xmlns:xen='http://libvirt.org/schemas/domain/xen/1.0'>"
        "<xen:commandline><xen:arg value='-d'/><xen:arg value='int'/></xen:commandline></domain>"
    ),
}


@dataclass(frozen=True)
class Line:
    """A row of a table: under which of the page's main headings, and its three cells."""

    heading: str
    keys: tuple[str, ...]
    how: str
    note: str

    @property
    def kind(self) -> str:
        """What the head counts it as."""
        return self.how if self.how in ("xml", "impossible") else "option"

    @property
    def table(self) -> str:
        """The row of the head that counts it."""
        return PARTS.get(self.heading, KEYS)


def read_page() -> tuple[list[Line], dict[str, list[int]]]:
    """The rows, and the counts at the head."""
    lines: list[Line] = []
    counts: dict[str, list[int]] = {}
    heading = ""
    for text in PAGE.splitlines():
        if text.startswith("## "):
            heading = text.removeprefix("## ")
        if not text.startswith("|"):
            continue
        cells = [cell.strip() for cell in text.strip("|").split("|")]
        if heading and cells[0].startswith("`"):
            assert len(cells) == 3, text
            keys = tuple(re.findall(r"`([^`]+)`", cells[0]))
            lines.append(Line(heading, keys, cells[1].strip("`"), cells[2]))
            assert cells[1] in ("impossible", f"`{lines[-1].how}`"), text
        elif not heading and cells[1].isdigit():
            counts[cells[0]] = [int(cell) for cell in cells[1:]]
    return lines, counts


LINES, COUNTS = read_page()
OF_THE_FILE = {line.keys[0]: line for line in LINES if line.table == KEYS}


def test_the_counts_are_those_of_the_tables() -> None:
    for table in (KEYS, *PARTS.values()):
        kinds = Counter(line.kind for line in LINES if line.table == table)
        assert COUNTS[table] == [kinds.total(), kinds["option"], kinds["xml"], kinds["impossible"]], table


def test_no_key_is_there_twice() -> None:
    seen = Counter((line.table, key) for line in LINES for key in line.keys)
    assert [key for key, times in seen.items() if times > 1] == []
    assert all(len(line.keys) == 1 for line in LINES if line.table == KEYS)


def test_what_is_taken_over_is_there_with_the_same_option() -> None:
    taken = {row.key: row.option for row in ROWS} | {key: option for key, option, *_rest in DEVICES} | SCREEN_KEYS
    assert {key: OF_THE_FILE[key].how if key in OF_THE_FILE else None for key in taken} == taken


def test_the_page_on_files_names_what_is_taken_over() -> None:
    text = (DOCS / "xl-files.md").read_text()
    [paragraph] = [part for part in text.split("\n\n") if "become options" in part]
    keys = {row.key for row in ROWS} | {key for key, *_rest in DEVICES} | set(SCREEN_KEYS)
    assert [key for key in sorted(keys) if f"`{key}`" not in paragraph] == []


def test_each_option_that_is_named_is_there() -> None:
    spec = domain_spec()
    options = set(spec) | {f"{name}[].{part}" for name in ("disks", "networks") for part in spec[name]["options"]}
    named = {line.how for line in LINES if line.kind == "option"}
    named |= set(re.findall(r"`((?:disks|networks)\[\]\.\w+)`", PAGE))
    assert sorted(named - options) == []


def test_each_field_is_there() -> None:
    named = {line.how for line in OF_THE_FILE.values()}
    assert {field for field in FIELDS if field not in named} == set(WITHOUT_KEY)


def test_each_row_says_what_its_kind_needs() -> None:
    for line in LINES:
        assert line.kind == "option" or line.note, line
        assert line.kind != "xml" or "`<" in line.note, line


@pytest.mark.parametrize("key", [line.keys[0] for line in OF_THE_FILE.values() if line.kind == "xml"])
def test_what_is_said_in_xml_gets_into_a_definition(key: str) -> None:
    domain = Domain("win1", memory=Size(256 * MIB), type=DomainType.HVM, firmware="uefi")
    declared, there = Declaration(domain, xml=FRAGMENTS[key]), found(domain)
    target = plan_domain(declared, there).target
    assert target is not None
    assert lacking(FRAGMENTS[key], definition_of(declared, target, there)) == ()
