"""The model to XML and back, and what stays when a definition is changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, DomainType
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.capabilities import domain_types
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import (
    has_host_devices,
    parse_domain,
    render_domain,
)

from .domains import as_given, whole_domains

# As libvirt 11.3 on Xen 4.20 prints a stored PVH guest, with parts that no option names.
FROM_XEN = """
<domain type='xen'>
  <name>web1</name>
  <uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>
  <metadata><other:x xmlns:other="urn:other">kept</other:x></metadata>
  <memory unit='KiB'>327680</memory>
  <currentMemory unit='KiB'>262144</currentMemory>
  <vcpu placement='static' cpuset='0-1'>1</vcpu>
  <os><type arch='x86_64' machine='xenpvh'>xenpvh</type><kernel>/k</kernel></os>
  <clock offset='utc' adjustment='reset'/>
  <on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none'/><source file='/d'/><target dev='xvda' bus='xen'/>
    </disk>
    <interface type='bridge'>
      <mac address='00:16:3E:00:00:01'/><source bridge='xenbr10'/><script path='vif-bridge'/>
    </interface>
    <console type='pty'><target type='xen' port='0'/></console>
  </devices>
</domain>
"""


@given(whole_domains())
def test_a_rendered_domain_reads_back(domain: Domain) -> None:
    assert as_given(parse_domain(render_domain(domain)), domain) == domain


@given(whole_domains(), whole_domains())
def test_a_change_to_another_configuration_reads_back_as_that_one(before: Domain, after: Domain) -> None:
    read = parse_domain(render_domain(after, render_domain(before)))
    kept = as_given(read, after)
    order = {disk.target: disk for disk in read.disks or ()}
    assert order == {disk.target: disk for disk in after.disks or ()}
    assert {nic.mac: nic for nic in read.networks or ()} == {nic.mac: nic for nic in after.networks or ()}
    assert replace(kept, disks=after.disks, networks=after.networks) == after


def test_what_libvirt_prints_is_read() -> None:
    domain = parse_domain(FROM_XEN)
    assert domain.type is DomainType.PVH
    assert (domain.memory, domain.memory_max) == (Size(256 * MIB), Size(320 * MIB))
    assert domain.disks == (Disk("xvda", "/d"),)
    assert domain.networks is not None
    assert (domain.networks[0].mac, domain.networks[0].bridge) == ("00:16:3e:00:00:01", "xenbr10")


def test_what_no_option_names_stays() -> None:
    xml = render_domain(Domain("web1", memory=Size(128 * MIB), labels={"group": "web"}), FROM_XEN)
    for kept in ("cpuset", "cache=", "vif-bridge", "machine=", "clock", "kept", "console"):
        assert kept in xml
    assert parse_domain(xml).labels == {"group": "web"}


def test_a_change_of_the_type_lets_libvirt_choose_the_machine() -> None:
    xml = render_domain(Domain("web1", type=DomainType.PV), FROM_XEN)
    assert parse_domain(xml).type is DomainType.PV
    assert "machine" not in xml


def test_the_time_stamp_counter_is_a_timer_of_the_clock() -> None:
    native = render_domain(Domain("web1", tsc_mode="native"), FROM_XEN)
    assert '<timer name="tsc" mode="native" />' in native
    assert 'adjustment="reset"' in native
    back = render_domain(Domain("web1", tsc_mode="default"), native)
    assert "timer" not in back
    assert "<clock" in back


def test_a_pinned_guest_has_the_number_of_its_vcpus() -> None:
    xml = render_domain(Domain("web1", vcpus_max=1, vcpus=1, cpus=("1",)))
    assert '<vcpu cpuset="1">1</vcpu>' in xml


def test_a_removed_disk_and_interface_go() -> None:
    domain = parse_domain(render_domain(Domain("web1", disks=(), networks=()), FROM_XEN))
    assert (domain.disks, domain.networks) == ((), ())


@pytest.mark.parametrize(
    "xml",
    [
        "not XML",
        "<pool/>",
        "<domain/>",
        '<!DOCTYPE d [<!ENTITY a "b">]><domain><name>&a;</name></domain>',
        '<!DOCTYPE d SYSTEM "file:///etc/passwd"><domain><name>x</name></domain>',
    ],
)
def test_what_is_no_definition_or_has_entities_is_refused(xml: str) -> None:
    with pytest.raises(InvalidInput):
        parse_domain(xml)


def test_host_devices_are_seen() -> None:
    assert has_host_devices("<domain><devices><hostdev/></devices></domain>")
    assert not has_host_devices(FROM_XEN)


def test_capabilities_tell_the_types() -> None:
    guests = "".join(f"<guest><os_type>{kind}</os_type></guest>" for kind in ("xen", "xenpvh", "hvm", "exe"))
    assert domain_types(f"<capabilities>{guests}</capabilities>") == {"pv", "pvh", "hvm"}
