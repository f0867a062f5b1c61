"""Libvirt's numbers: the reasons of a state, and what a guest uses."""

from __future__ import annotations

from typing import Any

import libvirt
import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.usage import read_usage
from ansible_collections.xenfleet.xen.plugins.module_utils.model.power import state_reason
from ansible_collections.xenfleet.xen.plugins.module_utils.model.report import usage_report
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.devices import host_interfaces
from ansible_collections.xenfleet.xen.plugins.module_utils.xml.domain import parse_domain

STATES = {"RUNNING": 1, "BLOCKED": 2, "PAUSED": 3, "SHUTDOWN": 4, "SHUTOFF": 5, "CRASHED": 6, "PMSUSPENDED": 7}
# Of the same prefix, but ways to shut a guest down.
WAYS = ("DEFAULT", "ACPI_POWER_BTN", "GUEST_AGENT", "INITCTL", "SIGNAL", "PARAVIRT")
REASONS = [
    (number, getattr(libvirt, name), reason)
    for state, number in STATES.items()
    for name in dir(libvirt)
    if name.startswith(f"VIR_DOMAIN_{state}_")
    and not ((reason := name.removeprefix(f"VIR_DOMAIN_{state}_")) in WAYS and state == "SHUTDOWN")
    and reason != "DISK_UNKNOWN"
]


@pytest.mark.parametrize(("state", "number", "name"), REASONS)
def test_a_reason_is_what_libvirt_calls_it(state: int, number: int, name: str) -> None:
    assert state_reason(state, number) == name.lower()


@pytest.mark.parametrize(
    ("state", "number", "word"),
    [
        (1, 1, "booted"),
        (1, 3, "restored"),
        (3, 1, "user"),
        (5, 1, "shutdown"),
        (5, 2, "destroyed"),
        (5, 6, "failed"),
        (6, 1, "panicked"),
        (3, 14, "api_error"),
        (1, 99, "unknown"),
        (0, 0, "unknown"),
        (99, 1, "unknown"),
    ],
)
def test_the_reasons(state: int, number: int, word: str) -> None:
    assert state_reason(state, number) == word


XML = """<domain type='xen' id='5'><name>web1</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
<os><type>linux</type></os><devices>
<disk type='block'><driver name='phy' type='raw'/><source dev='/dev/a'/><target dev='xvda'/></disk>
<disk type='file'><driver name='qemu' type='raw'/><source file='/b'/><target dev='xvdb'/></disk>
<interface type='bridge'><mac address='00:16:3E:00:00:01'/><source bridge='xenbr10'/><target dev='vif5.0'/></interface>
<interface type='bridge'><mac address='00:16:3e:00:00:02'/><source bridge='xenbr20'/></interface>
</devices></domain>"""


def refused(code: int) -> libvirt.libvirtError:
    error = libvirt.libvirtError("refused")
    error.err = (code, 0, "refused", 2, None, None, None, 0, 0)
    return error


class Guest:
    """Libvirt's handle of a guest that cannot tell everything, and the questions that it was asked."""

    def __init__(self, code: int = libvirt.VIR_ERR_OPERATION_UNSUPPORTED, *, info: list[int] | None = None) -> None:
        self.code = code
        self.numbers = info
        self.asked: list[str] = []

    def info(self) -> list[int]:
        self.asked.append("info")
        if self.numbers is None:
            raise refused(self.code)
        return self.numbers

    def blockStats(self, target: str) -> tuple[int, ...]:  # noqa: N802
        self.asked.append(target)
        if target != "xvda":
            raise refused(self.code)
        return (1, 512, 2, 1024, -1)

    def interfaceStats(self, name: str) -> tuple[int, ...]:  # noqa: N802
        self.asked.append(name)
        return (10, 11, -1, 13, 20, 21, 22, -1)


def usage(guest: Guest) -> dict[str, Any]:
    return usage_report(read_usage(guest, parse_domain(XML), XML))


def test_the_hosts_names_of_the_interfaces() -> None:
    assert host_interfaces(XML) == {"00:16:3e:00:00:01": "vif5.0"}


def test_what_a_guest_uses() -> None:
    told = usage(Guest(info=[1, 525312, 262144, 2, 12_345_678_901]))
    assert (told["memory_mib"], told["vcpus"], told["cpu_seconds"]) == ({"current": 256, "maximum": 513}, 2, 12.346)
    assert told["disks"]["xvda"] == {
        "read_bytes": 512,
        "read_requests": 1,
        "written_bytes": 1024,
        "write_requests": 2,
    }
    assert set(told["disks"]["xvdb"].values()) == {None}
    assert told["networks"]["00:16:3e:00:00:01"] == {
        "received_bytes": 10,
        "received_packets": 11,
        "received_errors": None,
        "received_drops": 13,
        "sent_bytes": 20,
        "sent_packets": 21,
        "sent_errors": 22,
        "sent_drops": None,
    }
    assert set(told["networks"]["00:16:3e:00:00:02"].values()) == {None}


def test_what_cannot_be_told_is_nothing() -> None:
    guest = Guest()
    told = usage(guest)
    assert (told["memory_mib"], told["vcpus"], told["cpu_seconds"]) == ({"current": None, "maximum": None}, None, None)
    assert told["disks"]["xvda"]["read_bytes"] == 512
    assert guest.asked == ["info", "xvda", "xvdb", "vif5.0"]


def test_a_busy_guest_is_not_asked_again_and_again() -> None:
    guest = Guest(libvirt.VIR_ERR_OPERATION_TIMEOUT)
    assert set(usage(guest)["disks"]["xvda"].values()) == {None}
    assert guest.asked == ["info"]


def test_one_that_is_gone_is_said_to_be() -> None:
    with pytest.raises(libvirt.libvirtError):
        usage(Guest(libvirt.VIR_ERR_NO_DOMAIN))
