"""The options of a guest to the model: what is read, and what is refused with which word."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.argspec import (
    domain_spec,
    read_declaration,
    read_declarations,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.argspec_fields import FIELDS
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain
from ansible_collections.xenfleet.xen.plugins.module_utils.model.hardware import Channel, NumaNode, UsbController
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import ROWS


def read(**options: Any) -> Domain:
    return read_declarations([{"name": "web1", **options}])[0].domain


def test_every_field_of_the_model_has_an_option_and_a_place_in_the_xml() -> None:
    names = {field.name for field in fields(Domain)}
    assert set(FIELDS) == names - {"name", "disks", "networks"}
    assert {row.field for row in ROWS} == names - {"name", "disks", "networks", "labels", "cpu_cap"}


@pytest.mark.parametrize(
    ("option", "given", "value"),
    [
        ("cpus", "0-3", ("0-3",)),
        ("cpus", "3,0-1, 2,^1", ("0,2-3",)),
        ("cpus", 2, ("2",)),
        ("cpus", ["0", 1, "2-3"], ("0", "1", "2-3")),
        ("cpus", ["1", "1"], ("1", "1")),
        ("cpus", ["1", "all"], ("1", "")),
        ("cpus", "", ()),
        ("cpus", "all", ()),
        ("cpu_features", {"vmx": "disable"}, {"vmx": "disable"}),
        ("numa_nodes", [{"vcpus": "0-1", "memory": "512M"}], (NumaNode("0-1", Size(512 * MIB)),)),
        ("boot", ["network", "disk"], ("network", "disk")),
        ("channels", [{"name": "a", "path": "/run/a"}], (Channel("a", "/run/a"),)),
        ("usb_controllers", [{}], (UsbController(2, 8),)),
        ("usb_inputs", ["tablet", "mouse"], ("mouse", "tablet")),
        ("pci_devices", ["4:1f.7", "0000:03:00.0"], ("0000:03:00.0", "0000:04:1f.7")),
        ("usb_devices", ["46D:c52b"], ("046d:c52b",)),
        ("serials", ["pty", "tcp:127.0.0.1:4555"], ("pty", "tcp:127.0.0.1:4555")),
        ("graphics_listen", "::", "::"),
        ("graphics_port", 0, 0),
        ("video_memory", 16, Size(16 * MIB)),
        ("video_memory", "20 MiB", Size(32 * MIB)),
        ("kernel", "", ""),
    ],
)
def test_an_option_is_read(option: str, given: Any, value: Any) -> None:
    assert getattr(read(**{option: given}), option) == value


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"cpus": "a"}, "no set of CPUs"),
        ({"cpus": "3-1"}, "no set of CPUs"),
        ({"cpus": "1,^1"}, "no CPU in it"),
        ({"cpu_weight": 1}, "cpu_weight is out of range"),
        ({"cpu_cap": -1}, "cpu_cap is out of range"),
        ({"cpu_features": {"vmx": "maybe"}}, "cpu_features.vmx is no policy"),
        ({"cpu_features": {"<x/>": "disable"}}, "no usable name"),
        ({"boot": ["floppy"]}, "boot"),
        ({"boot": ["disk", "disk"]}, "boot names something twice"),
        ({"pci_devices": ["03:20.0"]}, "no PCI address"),
        ({"pci_devices": ["3:0.0", "0000:03:00.0"]}, "twice"),
        ({"usb_devices": ["1.2"]}, "vendor:product"),
        ({"serials": ["ttyS0"]}, "serial port"),
        ({"usb_controllers": [{"ports": 32}]}, "usb_controllers.ports is out of range"),
        ({"graphics_listen": "everywhere"}, "no address"),
        ({"graphics_keymap": "../de"}, "no usable name"),
        ({"channels": [{"name": "a", "path": "run/a"}]}, "no usable path"),
        ({"numa_nodes": [{"vcpus": "0", "memory": "1 GiB", "distances": [5]}]}, "distances is out of range"),
        ({"xml": "<disk/>"}, "no part of a domain"),
        ({"graphics_password": "s3cret"}, "would be shown"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(InvalidInput, match=word) as caught:
        read(**options)
    assert "s3cret" not in str(caught.value)


def test_passwords_come_by_a_way_of_their_own() -> None:
    [declared] = read_declarations([{"name": "web1"}], {"web1": "s3cret"})
    assert declared.domain.graphics_password == "s3cret"
    assert "s3cret" not in repr(declared)
    with pytest.raises(InvalidInput, match="graphics_passwords names web2"):
        read_declarations([{"name": "web1"}], {"web2": "s3cret"})


def test_a_single_guest_takes_its_password_as_an_option() -> None:
    assert domain_spec()["graphics_password"]["no_log"] is True
    options = {name: spec.get("default") for name, spec in domain_spec().items()}
    declared = read_declaration({**options, "name": "web1", "graphics_password": "s3cret"})
    assert declared.domain.graphics_password == "s3cret"
