"""What a personality means in files."""

from __future__ import annotations

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.image import personality
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.personality import writes

FULL = {
    "hostname": "ldap1.example.org",
    "authorized_keys": ["ssh-ed25519 AAAA me "],
    "interfaces": [
        {"mac": "00:16:3E:00:00:01", "addresses": ["10.10.0.11/24"], "gateway": "10.10.0.1", "dns": ["10.10.0.1"]},
        {"mac": "00:16:3e:00:00:02", "mtu": 9000},
    ],
    "mounts": [{"device": "/dev/xvdb", "path": "none", "filesystem": "swap"}],
    "files": [{"path": "/etc/krb5.keytab", "content": "geheim", "mode": "0640"}],
}


def test_the_files_of_a_full_personality() -> None:
    files = {write.path: write for write in writes(personality(FULL))}
    assert files["/etc/hostname"].content == "ldap1.example.org\n"
    assert "127.0.1.1 ldap1.example.org ldap1\n" in files["/etc/hosts"].content
    assert files["/etc/systemd/network/20-00163e000001.network"].content == (
        "[Match]\nMACAddress=00:16:3e:00:00:01\n\n"
        "[Network]\nAddress=10.10.0.11/24\nGateway=10.10.0.1\nDNS=10.10.0.1\nIPv6AcceptRA=no\n"
    )
    assert files["/etc/systemd/network/20-00163e000002.network"].content == (
        "[Match]\nMACAddress=00:16:3e:00:00:02\n\n[Link]\nMTUBytes=9000\n\n[Network]\nDHCP=yes\n"
    )
    assert files["/etc/resolv.conf"].content == "nameserver 10.10.0.1\n"
    assert files["/etc/fstab"].content.endswith("/dev/xvdb none swap defaults 0 0\n")
    assert files["/etc/fstab"].content.startswith("/dev/xvda / ext4 ")
    keys = files["/root/.ssh/authorized_keys"]
    assert (keys.content, keys.mode, keys.folder_mode) == ("ssh-ed25519 AAAA me\n", 0o600, 0o700)
    assert files["/etc/krb5.keytab"].mode == 0o640


def test_nothing_is_written_for_what_is_not_given() -> None:
    assert writes(personality({})) == ()


def test_a_secret_does_not_show_in_a_traceback() -> None:
    assert "geheim" not in repr(personality(FULL)) + repr(writes(personality(FULL)))


def test_a_file_that_another_part_writes_is_refused() -> None:
    with pytest.raises(InvalidInput, match="/etc/hostname twice"):
        writes(personality({"hostname": "a", "files": [{"path": "/etc/hostname", "content": "b"}]}))
