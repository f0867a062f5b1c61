"""Looking at a host whose guests come, go and break meanwhile."""

from __future__ import annotations

import libvirt
import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.hypervisor import DOM0_UUID, scheduled
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.views import LibvirtViews
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain

from .test_usage import Guest, refused


class Handle(Guest):
    """Libvirt's handle of a guest; with a code it cannot be read."""

    def __init__(self, name: str, code: int | None = None, *, xml: str | None = None, uuid: str = "u") -> None:
        super().__init__(code or libvirt.VIR_ERR_OPERATION_UNSUPPORTED, info=None)
        self._name, self._fails, self._uuid = name, code is not None, uuid
        self._xml = xml or f"<domain><name>{name}</name><memory>1024</memory><vcpu>1</vcpu></domain>"

    def name(self) -> str:
        return self._name

    def UUIDString(self) -> str:  # noqa: N802
        return self._uuid

    def ID(self) -> int:  # noqa: N802
        return 5

    def isActive(self) -> int:  # noqa: N802
        return 1

    def state(self) -> list[int]:
        if self._fails:
            raise refused(self.code)
        return [1, 1]

    def XMLDesc(self, flags: int = 0) -> str:  # noqa: N802
        assert not flags & libvirt.VIR_DOMAIN_XML_SECURE
        self.asked.append(f"XML {flags}")
        return self._xml


class Connection:
    """A host; each of its guests has every mark."""

    def __init__(self, *guests: Handle) -> None:
        self.guests = guests
        self.lists = 0

    def listAllDomains(self, flag: int = 0) -> list[Handle]:  # noqa: N802
        self.lists += 1
        return list(self.guests)


def test_one_that_is_gone_is_left_out_and_one_that_fails_says_so() -> None:
    connection = Connection(
        Handle("Domain-0", uuid=DOM0_UUID),
        Handle("gone", libvirt.VIR_ERR_NO_DOMAIN),
        Handle("broken", libvirt.VIR_ERR_INTERNAL_ERROR),
        Handle("strange", xml="<domain/>"),
        Handle("odd", xml="<domain><name>odd</name><memory unit='lots'>1</memory></domain>"),
        Handle("web1"),
    )
    seen = {guest.name: guest for guest in LibvirtViews(connection).look(None, usage=True)}
    assert list(seen) == ["broken", "strange", "odd", "web1"]
    assert seen["broken"].error == "libvirt could not read the guest: refused"
    assert all("its definition cannot be read" in (seen[name].error or "") for name in ("strange", "odd"))
    assert seen["web1"].found is not None
    assert (seen["web1"].reason, seen["web1"].id, seen["web1"].usage is not None) == ("booted", 5, True)


def test_one_that_goes_while_it_is_counted_is_left_out() -> None:
    guest = Handle("web1")
    guest.code = libvirt.VIR_ERR_NO_DOMAIN
    assert LibvirtViews(Connection(guest)).look(None, usage=True) == ()
    assert len(LibvirtViews(Connection(guest)).look(None, usage=False)) == 1


def test_looking_is_cheap() -> None:
    web1, web2 = Handle("web1"), Handle("web2")
    connection = Connection(web1, web2)
    LibvirtViews(connection).look("web1", usage=False)
    assert connection.lists == 4
    assert web1.asked == ["XML 0", f"XML {libvirt.VIR_DOMAIN_XML_INACTIVE}"]
    assert web2.asked == []


class Scheduler:
    """A running guest of which only the scheduler is asked."""

    def schedulerParameters(self) -> dict[str, int]:  # noqa: N802
        return {"weight": 512, "cap": 0}


@pytest.mark.parametrize(
    ("running", "stored", "cap"),
    [
        (Domain("a"), Domain("a", cpu_cap=50), 0),
        (Domain("a", cpu_cap=50), Domain("a", cpu_cap=50), 0),
        (Domain("a", cpu_cap=50), None, 0),
        (Domain("a"), Domain("a", cpu_weight=512), None),
        (Domain("a"), None, None),
    ],
)
def test_a_cap_is_what_the_scheduler_says(running: Domain, stored: Domain | None, cap: int | None) -> None:
    assert scheduled(Scheduler(), running, stored).cpu_cap == cap
