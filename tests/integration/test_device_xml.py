"""Disks and network interfaces that libvirt itself takes, and shows as they were meant (the test driver, in this process)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import libvirt
import pytest
from hypothesis import given, settings

from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.hypervisor import LibvirtHypervisor
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, DomainType
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rate import Rate
from ansible_collections.xenfleet.xen.plugins.module_utils.model.rbd import Monitor, RbdLogin
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import parse_domain, render_domain

from ..unit.domains import whole_domains

UUID = "11111111-f6a4-8304-79aa-97f2502e193f"
DISKS = (
    Disk("xvda", "/dev/vg0/web1"),
    Disk("xvdb", "/srv/web1.qcow2", "qcow2", shareable=True),
    Disk("xvdc", "/srv/web1.vhd", "vhd", discard=False),
    Disk("xvde", "/srv/web1.img", readonly=True, driver="file"),
    Disk("xvdaa", "rbd:pool/web1", monitors=(Monitor("mon1"), Monitor("fd00::1", 6789)), login=RbdLogin("xen", UUID)),
    Disk("sda", "/srv/scsi.img", "qed"),
    Disk("hdd", None, readonly=True, cdrom=True),
)
NICS = (
    Nic("00:16:3e:00:00:01", "xenbr10", script="vif-custom", rate=Rate(9766)),
    Nic("00:16:3e:00:00:02", "ovsbr0", openvswitch=True, vlan=10, model="e1000"),
    Nic("00:16:3e:00:00:03", "ovsbr0", openvswitch=True, trunks=(20, 30), model="netfront"),
    Nic("00:16:3e:00:00:04", None, network="default"),
    Nic("00:16:3e:00:00:05", None, script="/opt/vif", guest_ips=("10.0.0.1", "fd00::1")),
)
SIZE = Size(128 * MIB)
BASE = Domain("web1", uuid=UUID, type=DomainType.HVM, memory=SIZE, memory_max=SIZE, vcpus=1, vcpus_max=1)


@pytest.fixture(scope="module")
def connection() -> Iterator[libvirt.virConnect]:
    """The test driver, with no daemon."""
    connection = libvirt.open("test:///default")
    yield connection
    connection.close()


def stored(connection: libvirt.virConnect, xml: str) -> tuple[Domain, str]:
    """What libvirt makes of a definition, and its XML."""
    shown = connection.defineXML(xml).XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
    return parse_domain(shown), shown


def test_every_form_is_taken_and_shown(connection: libvirt.virConnect) -> None:
    domain, _xml = stored(connection, render_domain(replace(BASE, disks=DISKS, networks=NICS)))
    assert {disk.target: disk for disk in domain.disks or ()} == {disk.target: disk for disk in DISKS}
    assert domain.networks == NICS


def test_every_form_becomes_every_other(connection: libvirt.virConnect) -> None:
    _domain, shown = stored(connection, render_domain(replace(BASE, disks=DISKS, networks=NICS)))
    sources = [*DISKS[1:-1], DISKS[0]]
    disks = tuple(replace(there, target=disk.target) for disk, there in zip(DISKS[:-1], sources, strict=True))
    nics = tuple(replace(there, mac=nic.mac) for nic, there in zip(NICS, (*NICS[1:], NICS[0]), strict=True))
    domain, _xml = stored(connection, render_domain(replace(BASE, disks=disks, networks=nics), shown))
    assert {disk.target: disk for disk in domain.disks or ()} == {disk.target: disk for disk in disks}
    assert domain.networks == nics


@settings(max_examples=50)
@given(whole_domains())
def test_what_can_be_declared_is_shown(connection: libvirt.virConnect, domain: Domain) -> None:
    # The other fields have tests of their own.
    read, _xml = stored(connection, render_domain(replace(BASE, disks=domain.disks, networks=domain.networks)))
    assert {disk.target: disk for disk in read.disks or ()} == {disk.target: disk for disk in domain.disks or ()}
    assert read.networks == domain.networks


def test_active_networks_are_told(connection: libvirt.virConnect) -> None:
    hypervisor = LibvirtHypervisor(connection)
    assert hypervisor.networks() == frozenset({"default"})
    connection.networkLookupByName("default").destroy()
    assert hypervisor.networks() == frozenset()
