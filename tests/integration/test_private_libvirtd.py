"""The private libvirtd keeps what one client changed for the next, and takes Xen guests."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

XEN_GUEST = """
<domain type='xen'>
  <name>ldap3</name>
  <memory unit='KiB'>65536</memory>
  <os><type>xenpvh</type><kernel>/boot/vmlinuz</kernel></os>
</domain>
"""


def virsh(uri: str, *arguments: str) -> str:
    command = ["virsh", "--quiet", "-c", uri, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


def test_xen_guest_survives_its_client(fresh_libvirt_uri: str, tmp_path: Path) -> None:
    xml = tmp_path / "ldap3.xml"
    xml.write_text(XEN_GUEST)
    virsh(fresh_libvirt_uri, "define", str(xml))
    virsh(fresh_libvirt_uri, "start", "ldap3")
    assert virsh(fresh_libvirt_uri, "list", "--name").split() == ["test", "ldap3"]
    assert "<domain type='xen'" in virsh(fresh_libvirt_uri, "dumpxml", "ldap3")


def test_each_host_has_its_own_guests(libvirt_daemons: Callable[[str], str], tmp_path: Path) -> None:
    xml = tmp_path / "ldap3.xml"
    xml.write_text(XEN_GUEST)
    virsh(libvirt_daemons("house-a"), "define", str(xml))
    assert "ldap3" not in virsh(libvirt_daemons("house-b"), "list", "--all", "--name")
    virsh(libvirt_daemons("house-a"), "undefine", "ldap3")
