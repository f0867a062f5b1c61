"""What libxl says of a failure."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import libvirt
import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import HypervisorError
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt import hypervisor
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.driver_log import heard
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.hypervisor import LibvirtHypervisor

# As Xen 4.20 and libvirt 11.3 wrote it on a host that was too busy.
BEFORE = (
    "2026-01-26 14:12:01.001+0000: libxl: libxl_device.c:1218:device_backend_callback: Domain 1:of a start before\n"
)
TIMED_OUT = """\
2026-01-26 14:14:49.421+0000: libxl: libxl_aoutils.c:539:async_exec_timeout: killing execution of /etc/xen/scripts/vif-bridge online because of timeout
2026-01-26 14:14:50.778+0000: libxl: libxl_create.c:1982:domcreate_attach_devices: Domain 2:unable to add vif devices
"""


def start(log: Path, text: str, anew: bool) -> None:
    """A start that fails, of which libxl writes something."""
    if text:
        log.write_text(text if anew else log.read_text() + text)
    raise HypervisorError("libvirt could not start the guest", guest="smtp2", found="internal error")


def failure(log: Path, text: str, *, anew: bool = False) -> str:
    with pytest.raises(HypervisorError) as caught, heard(log):
        start(log, text, anew)
    return str(caught.value)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "libxl-driver.log"
    path.write_text(BEFORE * 20)
    return path


@pytest.mark.parametrize("anew", [False, True])
def test_what_was_written_meanwhile_is_part_of_the_error(log: Path, anew: bool) -> None:
    assert failure(log, TIMED_OUT, anew=anew) == (
        "smtp2: libvirt could not start the guest; found: internal error; libxl says: killing execution of"
        " /etc/xen/scripts/vif-bridge online because of timeout; Domain 2:unable to add vif devices"
    )


def test_of_much_the_last_is_told(log: Path) -> None:
    words = failure(
        log, "".join(f"2026-01-26 14:14:49.421+0000: libxl: x.c:1:f: line {number}\n" for number in range(9))
    )
    assert words.endswith("libxl says: line 6; line 7; line 8")


@pytest.mark.parametrize("text", ["", "2026-01-26 14:14:49.421+0000: other words\n", "\x00\n"])
def test_where_it_says_nothing_nothing_is_added(log: Path, text: str) -> None:
    assert failure(log, text).endswith("found: internal error")


def test_without_a_log_nothing_is_added(tmp_path: Path) -> None:
    assert failure(tmp_path / "none", "").endswith("found: internal error")


def test_what_goes_well_is_left_alone(log: Path) -> None:
    with heard(log):
        log.write_text(TIMED_OUT)
    assert log.read_text() == TIMED_OUT


class Failing:
    """A connection, and its one guest, of which libxl writes something whenever libvirt fails."""

    def __init__(self, log: Path) -> None:
        self._answers = {"lookupByName": self, "hasManagedSaveImage": 0, "XMLDesc": "<domain/>"}
        self._log = log

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *_arguments: self._answers[name] if name in self._answers else self._fail()

    def _fail(self) -> None:
        self._log.write_text(self._log.read_text() + TIMED_OUT)
        raise libvirt.libvirtError("internal error")


@pytest.mark.parametrize(
    "call",
    [
        lambda xen: xen.start("smtp2"),
        lambda xen: xen.attach("smtp2", "<disk/>"),
        lambda xen: xen.detach("smtp2", "<disk/>"),
    ],
)
def test_what_makes_devices_says_it(
    call: Callable[[LibvirtHypervisor], None], log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hypervisor, "heard", partial(heard, log))
    monkeypatch.setattr(libvirt.libvirtError, "get_error_message", lambda _error: "internal error")
    with pytest.raises(HypervisorError, match="libxl says: killing execution of"):
        call(LibvirtHypervisor(Failing(log)))
