"""Sizes, names and MAC addresses as operators write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import (
    absolute_path,
    derived_mac,
    guest_name,
    mac_address,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import GIB, KIB, MIB, Size


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("2 GiB", 2 * GIB),
        ("512M", 512 * MIB),
        ("512 mb", 512 * 10**6),
        ("256", 256 * MIB),
        (256, 256 * MIB),
        ("1.5 GiB", 1536 * MIB),
        ("12 GB", 12 * 10**9),
        ("1t", 1024 * GIB),
        ("64k", 64 * KIB),
        ("100 b", 100),
    ],
)
def test_sizes_are_read(text: object, amount: int) -> None:
    assert Size.parse(text).bytes == amount


@pytest.mark.parametrize("text", ["", "lots", "2 GiBs", "-1 GiB", "0", "1e9", "2 G i B", None, True, "٢ GiB", "$(id)"])
def test_what_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(InvalidInput):
        Size.parse(text)


@given(st.integers(min_value=1, max_value=2**50))
def test_a_printed_size_reads_back(amount: int) -> None:
    assert Size.parse(str(Size(amount))) == Size(amount)


@pytest.mark.parametrize("name", ["web1", "ldap-3.example.org", "a", "A_b+c"])
def test_usual_names_are_taken(name: str) -> None:
    assert guest_name(name) == name


@pytest.mark.parametrize("name", ["", "-rf", "../etc", "a/b", "a b", "a;id", "$(id)", "a\n", "é", "x" * 65, ".hidden"])
def test_names_with_paths_or_shell_characters_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        guest_name(name)


@pytest.mark.parametrize("path", ["relative", "/a/../etc/passwd", "/a\nb", "/a\x00b"])
def test_paths_that_climb_are_refused(path: str) -> None:
    with pytest.raises(InvalidInput):
        absolute_path(path)


def test_a_mac_address_has_one_form() -> None:
    assert mac_address("00-16-3E-AA-BB-CC") == "00:16:3e:aa:bb:cc"


@pytest.mark.parametrize("mac", ["00:16:3e:aa:bb", "01:16:3e:aa:bb:cc", "zz:16:3e:aa:bb:cc", ""])
def test_what_is_no_unicast_mac_address_is_refused(mac: str) -> None:
    with pytest.raises(InvalidInput):
        mac_address(mac)


@given(st.text(), st.integers(min_value=0, max_value=30))
def test_a_derived_mac_is_stable_and_of_xens_range(guest: str, index: int) -> None:
    mac = derived_mac(guest, index)
    assert mac == derived_mac(guest, index) == mac_address(mac)
    assert mac.startswith("00:16:3e:")
    assert mac != derived_mac(guest, index + 1)
