"""A part of libvirt's XML put into a definition."""

from __future__ import annotations

import pytest
from hypothesis import given

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import HypervisorError, InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Declaration, Domain
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.definition import (
    check_kept,
    definition_of,
    lacking_of,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import plan_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import parse_domain, render_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.fragment import check_fragment, lacking, merged

from .domains import found, whole_domains

DEFINITION = """
<domain type='xen'>
  <name>web1</name>
  <memory unit='KiB'>262144</memory>
  <os><type arch='x86_64'>xenpvh</type><kernel>/k</kernel></os>
  <clock offset='utc'><timer name='tsc' mode='native'/></clock>
  <devices>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/a'/><target dev='xvda' bus='xen'/></disk>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/b'/><target dev='xvdb' bus='xen'/></disk>
    <memballoon model='xen'/>
  </devices>
</domain>
"""


@pytest.mark.parametrize(
    ("fragment", "paths"),
    [
        ("<domain/>", []),
        ("<domain><os><kernel>/k</kernel></os></domain>", []),
        ("<domain type='xen'><clock offset='utc'/></domain>", []),
        ("<domain><devices><disk><target dev='xvdb'/></disk></devices></domain>", []),
        ("<domain><title>A web server</title></domain>", ["title"]),
        ("<domain><clock offset='localtime'/></domain>", ["clock@offset"]),
        ("<domain><clock><timer name='hpet' present='no'/></clock></domain>", ["clock/timer"]),
        ("<domain><clock><timer name='tsc' mode='emulate'/></clock></domain>", ["clock/timer@mode"]),
        (
            "<domain><devices><disk><driver cache='none'/><target dev='xvdb'/></disk></devices></domain>",
            ["devices/disk/driver@cache"],
        ),
        ("<domain><devices><memballoon model='none'/></devices></domain>", ["devices/memballoon@model"]),
        ("<domain><devices><console type='pty'/></devices></domain>", ["devices/console"]),
        ("<domain><on_lockfailure>poweroff</on_lockfailure><title>x</title></domain>", ["on_lockfailure", "title"]),
    ],
)
def test_only_what_is_lacking_is_put_in(fragment: str, paths: list[str]) -> None:
    assert [path for path, _words in lacking(fragment, DEFINITION)] == paths
    whole = merged(fragment, DEFINITION)
    assert lacking(fragment, whole) == ()
    assert merged(fragment, whole) == whole
    assert (parse_domain(whole).memory, len(parse_domain(whole).disks or ())) == (Size(256 * MIB), 2)


@given(whole_domains())
def test_a_definition_contains_itself(domain: Domain) -> None:
    xml = render_domain(domain)
    assert lacking(xml, xml) == ()
    assert merged(xml, xml) == xml


@pytest.mark.parametrize("fragment", ["<disk/>", "no XML", "<!DOCTYPE d [<!ENTITY a 'b'>]><domain>&a;</domain>"])
def test_what_is_no_part_of_a_domain_is_refused(fragment: str) -> None:
    with pytest.raises(InvalidInput):
        check_fragment(fragment)


def declare(xml: str) -> Declaration:
    return Declaration(Domain("web1", memory=Size(256 * MIB), kernel="/k"), xml=xml)


def test_what_an_option_says_is_not_said_in_xml() -> None:
    declared = declare("<domain><memory unit='MiB'>512</memory></domain>")
    target = plan_domain(declared, None).target
    assert target is not None
    with pytest.raises(InvalidInput, match="memory_max"):
        definition_of(declared, target, None)


def test_a_new_guest_takes_xml() -> None:
    declared = declare("<domain><title>A web server</title></domain>")
    target = plan_domain(declared, None, lacking_of(declared, None)).target
    assert target is not None
    assert lacking(declared.xml or "", definition_of(declared, target, None)) == ()


def test_the_plan_names_what_is_put_in_and_what_waits() -> None:
    domain = Domain("web1", memory=Size(256 * MIB), memory_max=Size(256 * MIB), kernel="/k")
    there = found(domain, running=domain, running_xml=render_domain(domain))
    declared = declare("<domain><title>A web server</title></domain>")
    plan = plan_domain(declared, there, lacking_of(declared, there))
    assert [(change.field, change.after) for change in plan.changes] == [("xml[title]", "<title>A web server</title>")]
    assert plan.restart_required == ("xml",)
    kept = definition_of(declared, plan.target or domain, there)
    again = found(domain, running=domain, running_xml=kept, stored_xml=kept)
    assert plan_domain(declared, again, lacking_of(declared, again)).steps == ()
    check_kept(declared, again)
    with pytest.raises(HypervisorError, match="title is gone"):
        check_kept(declared, there)
