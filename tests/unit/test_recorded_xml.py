"""Definitions as libvirt's Xen driver shows them on real hosts, of each version: read as they were meant, and left as they are."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from xml.etree.ElementTree import canonicalize

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import parse_domain, render_domain

from .domains import as_given
from .rich_domains import RECORDED, RICH

VERSIONS = sorted(RECORDED.iterdir())
EACH = pytest.mark.parametrize(
    ("version", "domain"), [(version, domain) for version in VERSIONS for domain in RICH], ids=lambda one: one.name
)


def test_debian_12_and_13_are_there() -> None:
    assert [version.name for version in VERSIONS] == ["libvirt-11.3.0", "libvirt-9.0.0"]


def test_every_option_is_among_them() -> None:
    assert {field.name for field in fields(Domain)} == {
        field.name for domain in RICH for field in fields(domain) if getattr(domain, field.name) is not None
    }


@EACH
def test_what_was_declared_is_read(version: Path, domain: Domain) -> None:
    read = parse_domain((version / f"{domain.name}.xml").read_text(encoding="utf-8"))
    assert as_given(read, domain) == domain


@EACH
def test_what_is_as_it_should_be_is_left_alone(version: Path, domain: Domain) -> None:
    shown = (version / f"{domain.name}.xml").read_text(encoding="utf-8")
    written = render_domain(domain, shown)
    assert canonicalize(written, strip_text=True) == canonicalize(shown, strip_text=True)
