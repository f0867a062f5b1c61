"""Whether a guest can move: every obstacle is named, not only the first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import HypervisorError, Refused
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Domain, DomainType, PowerState
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host import Mount
from ansible_collections.xenfleet.xen.plugins.module_utils.model.migration import MigrationHost, Move, MoveMode
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.migrate import move
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.migration import plan_move

from .domains import found

NFS = Mount("/srv/guests", "10.20.0.1:/srv/guests", "nfs4")
GUEST = Domain(
    name="web1",
    uuid="6695eb01-f6a4-8304-79aa-97f2502e193f",
    type=DomainType.PVH,
    memory=Size(256 * MIB),
    memory_max=Size(256 * MIB),
    vcpus=1,
    vcpus_max=1,
    kernel="/srv/guests/images/debian-13/vmlinuz",
    disks=(Disk("xvda", "/srv/guests/web1/root.img"),),
    networks=(Nic("00:16:3e:00:00:01", "xenbr10"),),
    labels={},
)
HERE = MigrationHost(
    name="xen1",
    types=frozenset({"pv", "pvh"}),
    live_migration=frozenset({"pvh"}),
    memory_free=Size(512 * MIB),
    bridges=frozenset({"xenbr10"}),
    mounts=(NFS,),
    paths={GUEST.kernel or "": "file", "/srv/guests/web1/root.img": "file"},
    guests={},
)
THERE = replace(HERE, name="xen2")


def plan(guest: Domain = GUEST, here: MigrationHost = HERE, there: MigrationHost = THERE, **more: Any) -> Move:
    wanted = more.pop("wanted", "auto")
    devices = more.pop("devices", False)
    state = more.pop("state", PowerState.RUNNING)
    running = guest if state.is_active else None
    return plan_move(found(guest, running=running, state=state, **more), here, there, wanted, has_host_devices=devices)


@pytest.mark.parametrize(
    ("kind", "wanted", "mode"),
    [
        (DomainType.PVH, "auto", MoveMode.LIVE),
        (DomainType.PVH, "live", MoveMode.LIVE),
        (DomainType.PVH, "cold", MoveMode.COLD),
        (DomainType.PV, "auto", MoveMode.COLD),
        (DomainType.PV, "cold", MoveMode.COLD),
    ],
)
def test_how_it_moves(kind: DomainType, wanted: str, mode: MoveMode) -> None:
    move = plan(replace(GUEST, type=kind), wanted=wanted)
    assert move.mode is mode
    assert bool(move.reason) == (kind is DomainType.PV and wanted == "auto")


def test_pv_moves_live_where_xen_has_shadow_paging() -> None:
    here = replace(HERE, live_migration=frozenset({"pv", "pvh"}))
    assert plan(replace(GUEST, type=DomainType.PV), here=here).mode is MoveMode.LIVE


def test_disks_that_are_in_no_file_system_travel() -> None:
    guest = replace(GUEST, disks=(Disk("xvda", "rbd:pool/web1"), Disk("xvdb", None, cdrom=True)))
    assert plan(guest).mode is MoveMode.LIVE


def test_a_stopped_guest_needs_no_memory_there() -> None:
    there = replace(THERE, memory_free=Size(MIB))
    assert plan(there=there, state=PowerState.STOPPED).mode is MoveMode.STOPPED


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"there": replace(THERE, memory_free=Size(256 * MIB))}, "memory: needs 272 MiB, xen2 has 256 MiB free"),
        ({"there": replace(THERE, bridges=frozenset())}, "bridge xenbr10 is missing on xen2"),
        ({"there": replace(THERE, types=frozenset({"pv"}))}, "type: xen2 runs pv, not pvh"),
        ({"there": replace(THERE, guests={"web1": "other"})}, "xen2 has a guest of that name"),
        ({"there": replace(THERE, guests={"old": GUEST.uuid or ""})}, "xen2 has a guest with its UUID: old"),
        ({"there": replace(THERE, paths={})}, "kernel /srv/guests/images/debian-13/vmlinuz is missing on xen2"),
        ({"there": replace(THERE, paths={GUEST.kernel or "": "file"})}, "root.img is missing on xen2"),
        ({"there": replace(THERE, mounts=())}, "xen1 has it from 10.20.0.1:/srv/guests, xen2 from None"),
        ({"here": replace(HERE, mounts=())}, "is on a local file system of xen1"),
        ({"guest": replace(GUEST, disks=(Disk("xvda", "/dev/vg0/web1"),))}, "is a block device"),
        ({"guest": replace(GUEST, disks=(Disk("hdc", "/srv/a.iso", cdrom=True),))}, "/srv/a.iso is on a local file"),
        ({"guest": replace(GUEST, type=DomainType.PV), "wanted": "live"}, "cannot send a pv guest live"),
        ({"devices": True}, "devices of the host"),
        ({"state": PowerState.PAUSED}, "its state is paused"),
        ({"state": PowerState.STOPPED, "managed_save": True}, "its memory is saved"),
    ],
)
def test_each_obstacle_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match="Nothing was changed") as refusal:
        plan(**changes)
    assert any(words in obstacle for obstacle in refusal.value.obstacles), refusal.value.obstacles


def test_all_obstacles_at_once() -> None:
    there = replace(THERE, memory_free=Size(MIB), bridges=frozenset(), mounts=())
    with pytest.raises(Refused) as refusal:
        plan(there=there)
    assert [obstacle.split()[0] for obstacle in refusal.value.obstacles] == ["memory:", "bridge", "disk"]


class End:
    """One end of a move, in memory: the state of the one guest, and a move that goes as it is told to."""

    def __init__(
        self, state: PowerState | None, after: tuple[PowerState | None, PowerState | None] | None = None
    ) -> None:
        self.now = state
        self.after = after
        self.calls: list[str] = []

    def state(self, _name: str) -> PowerState | None:
        return self.now

    def migrate(self, _name: str, destination: End, _transport: str, *, live: bool) -> None:
        self.calls.append("live" if live else "cold")
        if self.after is not None:
            self.now, destination.now = self.after
        if destination.now is None:
            raise HypervisorError("libvirt could not send the guest", found="the stream broke")

    def resume(self, _name: str) -> None:
        self.calls.append("resume")
        self.now = PowerState.RUNNING

    def define(self, _xml: str) -> None:
        self.now = PowerState.STOPPED

    def undefine(self, _name: str) -> None:
        self.now = None

    def set_autostart(self, _name: str, autostart: bool) -> None:
        self.calls.append(f"autostart {autostart}")


class Suspended:
    """What Xen at the source says: suspended until it is woken, where that helps."""

    def __init__(self, *, suspended: bool = False, wakes: bool = True) -> None:
        self.suspended = suspended
        self.wakes = wakes

    def is_suspended(self, _name: str) -> bool:
        return self.suspended

    def wake(self, _name: str) -> None:
        self.suspended = not self.wakes


def carry_out(here: End, there: End, mode: MoveMode = MoveMode.LIVE, xen: Suspended | None = None) -> None:
    state = here.now or PowerState.RUNNING
    running = GUEST if state.is_active else None
    guest = found(GUEST, running=running, state=state, autostart=True)
    move(here, there, xen or Suspended(), guest, Move("web1", mode), "tcp://10.30.0.102")


def test_autostart_travels() -> None:
    there = End(None)
    carry_out(End(PowerState.RUNNING, (None, PowerState.RUNNING)), there)
    assert there.calls == ["autostart True"]


def test_a_stopped_guest_moves_as_a_definition() -> None:
    here, there = End(PowerState.STOPPED), End(None)
    carry_out(here, there, MoveMode.STOPPED)
    assert (here.now, there.now, here.calls) == (None, PowerState.STOPPED, [])


def test_a_guest_left_suspended_goes_on() -> None:
    here = End(PowerState.RUNNING, (PowerState.PAUSED, None))
    with pytest.raises(HypervisorError, match="goes on running where it was") as error:
        carry_out(here, End(None))
    assert here.calls == ["live", "resume"]
    assert "the stream broke" in str(error.value)


@pytest.mark.parametrize(
    ("wakes", "words"), [(True, "goes on running where it was"), (False, "wake it by 'xl resume web1'")]
)
def test_a_guest_that_only_xen_knows_to_be_suspended_is_woken(wakes: bool, words: str) -> None:
    xen = Suspended(suspended=True, wakes=wakes)
    here = End(PowerState.RUNNING, (PowerState.RUNNING, None))
    with pytest.raises(HypervisorError, match=words):
        carry_out(here, End(None), MoveMode.COLD, xen)
    assert xen.suspended == (not wakes)


class SilentEnd(End):
    """A destination that took the guest, perhaps, and does not answer any more."""

    def state(self, _name: str) -> PowerState | None:
        raise HypervisorError("libvirt could not tell the guest's state")


@pytest.mark.parametrize("state", [PowerState.PAUSED, PowerState.RUNNING])
def test_nothing_is_woken_while_the_destination_is_silent(state: PowerState) -> None:
    here, xen = End(PowerState.RUNNING, (state, None)), Suspended(suspended=True)
    with pytest.raises(HypervisorError, match=r"did not answer.*Look at both hosts"):
        carry_out(here, SilentEnd(None), MoveMode.LIVE, xen)
    assert here.calls == ["live"]
    assert xen.suspended


def test_a_guest_at_both_ends_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.xenfleet.xen.plugins.module_utils.ops.migrate._SETTLING_SECONDS", 0.2)
    both = (PowerState.RUNNING, PowerState.RUNNING)
    with pytest.raises(HypervisorError, match=r"not as it should.*Look at both hosts"):
        carry_out(End(PowerState.RUNNING, both), End(None))
