"""Which devices a guest of some type can have, and what is done with them while it runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.disk import Disk
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import Declaration, Domain, DomainType
from ansible_collections.xenfleet.xen.plugins.module_utils.model.nic import Nic
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.change import Effect
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.domain import plan_domain
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.step import Action

from .domains import applied, found

PV, PVH, HVM = DomainType.PV, DomainType.PVH, DomainType.HVM
SIZE = Size(256 * MIB)
BASE = Domain(
    name="web1",
    uuid="6695eb01-f6a4-8304-79aa-97f2502e193f",
    memory=SIZE,
    memory_max=SIZE,
    vcpus=1,
    vcpus_max=1,
    kernel="/k",
    tsc_mode="default",
    disks=(),
    networks=(),
    labels={},
)
EMULATED = Nic("00:16:3e:00:00:01", "xenbr10", model="e1000")


def drive(target: str, source: str | None = None, **more: object) -> Disk:
    return Disk(target, source, readonly=True, cdrom=True, **more)


def readonly(target: str) -> Disk:
    return Disk(target, "/a", readonly=True)


@pytest.mark.parametrize(
    ("kind", "disks"),
    [
        (PV, [Disk("xvda", "/a"), readonly("xvdb"), drive("xvdc", "/c.iso")]),
        (PVH, [Disk("xvdaa", "rbd:pool/a")]),
        (HVM, [Disk("hda", "/a"), Disk("xvdb", "/b"), drive("hdc"), drive("sdd"), Disk("sda", "/c")]),
        (HVM, [Disk("xvde", "/a"), readonly("xvdf"), readonly("sdb")]),
    ],
)
def test_what_a_guest_can_have(kind: DomainType, disks: list[Disk]) -> None:
    declared = Domain("web1", type=kind, memory=SIZE, kernel="/k", disks=tuple(disks))
    target = plan_domain(Declaration(declared), None).target
    assert target is not None
    assert target.disks == tuple(disks)


@pytest.mark.parametrize(
    ("kind", "fields", "words"),
    [
        (
            PV,
            {"disks": (Disk("hda", "/a"),)},
            "only an HVM guest can have the disk hda; found: the bus ide; expected: xvda",
        ),
        (PVH, {"disks": (Disk("sda", "/a"),)}, "Name another target, or type: hvm."),
        (PV, {"disks": (drive("xvdc"),)}, "only an HVM guest can have an empty CD-ROM drive, found xvdc"),
        (PV, {"networks": (EMULATED,)}, "found: networks.model e1000; expected: netfront"),
        (PVH, {"networks": (EMULATED,)}, "only an HVM guest can have an emulated network interface"),
        (HVM, {"disks": (Disk("hda", "/a"), Disk("xvda", "/b"))}, "xvda and hda have the same place"),
        (HVM, {"disks": (Disk("xvdc", "/a"), drive("sdc"))}, "sdc and xvdc have the same place"),
        (HVM, {"disks": (readonly("hdb"),)}, "the disk hdb of an HVM guest cannot be read-only"),
        (HVM, {"disks": (readonly("xvda"),)}, "expected: xvde or a later target"),
        (HVM, {"disks": (drive("xvde"),)}, "the CD-ROM drive xvde of an HVM guest would not be seen"),
        (HVM, {"disks": (drive("hdc", "/dev/sr0", driver="phy"),)}, "drive hdc has to be qemu in an HVM guest"),
    ],
)
def test_what_a_guest_cannot_have_is_refused(kind: DomainType, fields: dict[str, object], words: str) -> None:
    declared = Domain("web1", type=kind, memory=SIZE, kernel="/k", **fields)
    with pytest.raises(InvalidInput) as caught:
        plan_domain(Declaration(declared), None)
    assert words in str(caught.value)
    assert caught.value.guest == "web1"


ODD = replace(BASE, type=PV, disks=(Disk("hda", "/a"), Disk("xvdb", "/b")), networks=(EMULATED,))


def test_what_is_there_already_is_not_judged() -> None:
    more = Declaration(Domain("web1", memory=SIZE, disks=(Disk("xvdb", "/b"), Disk("xvdc", "/c"))))
    assert plan_domain(more, found(ODD)).target is not None


@pytest.mark.parametrize(
    "declared",
    [
        Domain("web1", disks=(Disk("hda", "/other"),)),
        Domain("web1", type=PVH),
        Domain("web1", networks=(replace(EMULATED, model="rtl8139"),)),
    ],
)
def test_what_becomes_of_it_is(declared: Domain) -> None:
    with pytest.raises(InvalidInput, match="only an HVM guest"):
        plan_domain(Declaration(declared), found(ODD))


ISO, OTHER = "/srv/a.iso", "/srv/b.iso"
CEPH = "rbd:pool/iso"


@pytest.mark.parametrize(
    ("kind", "there", "wanted", "live"),
    [
        (HVM, drive("hdc", ISO), drive("hdc", OTHER), [Action.CHANGE_MEDIUM]),
        (HVM, drive("hdc", ISO), drive("hdc"), [Action.CHANGE_MEDIUM]),
        (HVM, drive("hdc"), drive("hdc", "/dev/sr0"), [Action.CHANGE_MEDIUM]),
        (HVM, drive("sdc", other_bus="sata"), drive("sdc", ISO), [Action.CHANGE_MEDIUM]),
        # libxl changes media of HVM guests only, and the Xen driver forgets what else a medium is.
        (PV, drive("xvdc", ISO), drive("xvdc", OTHER), []),
        (HVM, drive("hdc", ISO), drive("hdc", OTHER, format="qcow2"), []),
        (HVM, drive("hdc", ISO), drive("hdc", OTHER, driver="file"), []),
        (HVM, drive("hdc", ISO), drive("hdc", CEPH), []),
        (HVM, drive("hdc", CEPH), drive("hdc"), []),
        (HVM, drive("hdc", ISO), Disk("hdc", OTHER), []),
        (HVM, Disk("hdc", ISO), drive("hdc", ISO), []),
        (HVM, Disk("hda", "/a"), Disk("hda", "/b"), []),
        # Only disks on the xen bus can be plugged.
        (HVM, Disk("xvde", "/a"), None, [Action.DETACH_DISK]),
        (HVM, None, Disk("xvde", "/a"), [Action.ATTACH_DISK]),
        (PVH, None, Disk("xvdb", "rbd:pool/a"), [Action.ATTACH_DISK]),
        (HVM, None, Disk("hda", "/a"), []),
        (HVM, Disk("hda", "/a"), None, []),
        (HVM, None, Disk("sda", "/a"), []),
        (HVM, None, drive("xvdd", ISO), []),
        (HVM, drive("xvdd", ISO), None, []),
        (HVM, Disk("xvde", None, other="volume pool a"), None, []),
        (HVM, Disk("xvde", "/a", other_bus="usb"), None, []),
    ],
)
def test_a_disk_of_a_running_guest(
    kind: DomainType, there: Disk | None, wanted: Disk | None, live: list[Action]
) -> None:
    running = replace(BASE, type=kind, disks=(there,) if there else ())
    # What no option can say cannot be rendered; it is stored as another disk here.
    stored = replace(running, disks=()) if there and there.other else running
    declared = Declaration(
        Domain("web1", disks=(wanted,) if wanted else ()), keep_unlisted_disks=False, restart_if_needed=False
    )
    before = found(stored, running=running)
    plan = plan_domain(declared, before)
    assert [step.action for step in plan.steps if step.action is not Action.DEFINE] == live
    assert plan.restart_required == (() if live else ("disks",))
    for change in plan.changes:
        assert change.effect is (Effect.LIVE if live else Effect.NEXT_BOOT)
    after = applied(plan, before)
    assert after is not None
    assert plan_domain(declared, after).steps == ()


def test_an_interface_of_another_form_is_not_unplugged() -> None:
    handed = Nic("00:16:3e:00:00:02", None, other="hostdev")
    running = replace(BASE, type=HVM, networks=(handed,))
    declared = Declaration(Domain("web1", networks=()), keep_unlisted_networks=False)
    plan = plan_domain(declared, found(replace(running, networks=()), running=running))
    assert plan.steps == ()
    assert plan.restart_required == ("networks",)


@pytest.mark.parametrize(
    "change",
    [
        {"bridge": "xenbr20"},
        {"bridge": None, "network": "default"},
        {"script": "vif-custom"},
        {"model": "rtl8139"},
        {"openvswitch": True, "vlan": 10},
        {"guest_ips": ("10.0.0.1",)},
    ],
)
def test_a_changed_interface_waits_for_the_next_boot(change: dict[str, object]) -> None:
    running = replace(BASE, type=HVM, networks=(EMULATED,))
    declared = Declaration(Domain("web1", networks=(replace(EMULATED, **change),)))
    plan = plan_domain(declared, found(running, running=running))
    assert [step.action for step in plan.steps] == [Action.DEFINE]
    assert plan.restart_required == ("networks",)
    assert [each.effect for each in plan.changes] == [Effect.NEXT_BOOT]
