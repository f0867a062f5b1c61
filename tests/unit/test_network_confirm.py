"""A change that could cut the connection: under a timer, confirmed or taken back; and interfaces that change their manager."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed, Refused, Unreachable
from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import Caution, Report, Stage
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import HostNetwork, make_bond, make_bridge
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Link, Links
from ansible_collections.xenfleet.xen.plugins.module_utils.network import fall_back, interfaces
from ansible_collections.xenfleet.xen.plugins.module_utils.network.guard import FOLDER as GUARD_FOLDER
from ansible_collections.xenfleet.xen.plugins.module_utils.network.guard import HostGuard
from ansible_collections.xenfleet.xen.plugins.module_utils.network.networkd import FOLDER, Networkd
from ansible_collections.xenfleet.xen.plugins.module_utils.network.others import OtherManagers, matches
from ansible_collections.xenfleet.xen.plugins.module_utils.network.sections import lines_of
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.host_network import Clock, HostNetworkOperations, Outcome
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.network_view import file_changes
from ansible_collections.xenfleet.xen.plugins.plugin_utils.confirming import (
    AFTERWARDS_SECONDS,
    Question,
    result_of,
    settle,
)

from .live_host import FOREIGN, FOREIGN_TEXT, Guard, LiveHost, live_host, row, start
from .network_host import WIRED, Time, files, networks

FOREIGN_PATH = f"/{FOLDER}/{FOREIGN}"
CAREFUL = Caution(token="t1")
BR0 = make_bridge("xenbr0", over="eth0", addresses=("192.0.2.5/24",), gateway="192.0.2.1")
OVER_ETH0 = HostNetwork((), (BR0,))
OVER_BOND = HostNetwork((make_bond("bond0", "active-backup", ("eth0", "eth1")),), (replace(BR0, over="bond0"),))


@pytest.fixture
def host(tmp_path: Path) -> LiveHost:
    return live_host(tmp_path)


def operations(host: LiveHost) -> HostNetworkOperations:
    time = Time()
    return HostNetworkOperations(Networkd(host, host.root), host, Guard(host, host.root), Clock(time.now, time.sleep))


def ensure(
    host: LiveHost,
    declared: HostNetwork = OVER_ETH0,
    caution: Caution = CAREFUL,
    *,
    check: bool = False,
    replaces: tuple[str, ...] = (FOREIGN_PATH,),
) -> Outcome:
    return operations(host).ensure(declared, check=check, timeout=20, caution=caution, replaces=replaces)


def answer(host: LiveHost, token: str) -> Report:
    """What a controller gets that has been told that the change is applied, and has connected anew."""
    return operations(host).answer(token, confirm=True)


def fall(host: LiveHost) -> int:
    """What systemd does when the time is over."""
    return fall_back.main([str(host.root / GUARD_FOLDER)], root=host.root, run=host.say, sleep=lambda _seconds: None)


def state(host: LiveHost) -> tuple[dict[str, Link], dict[str, str]]:
    return dict(host.links), files(host)


def leftovers(host: LiveHost) -> list[str]:
    units = [unit for unit in fall_back.UNITS if (host.root / unit).is_symlink() or (host.root / unit).exists()]
    waiting = (host.root / GUARD_FOLDER / "waiting").exists()
    return [*units, *(["waiting"] if waiting else [])]


# -- the connection goes into a bridge ---------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", [OVER_ETH0, OVER_BOND])
def test_the_connection_goes_into_a_bridge_and_is_confirmed(host: LiveHost, declared: HostNetwork) -> None:
    done = ensure(host, declared)
    assert done.exposed["eth0"] == "the default route goes through it"
    assert done.report is not None
    assert done.report.stage is Stage.APPLYING
    fields = {change.field: (change.before, change.after) for change in done.plan.changes}
    assert fields["interfaces[eth0].addresses"] == ("192.0.2.5/24", "none")
    assert fields["interfaces[eth0].gateway"] == ("192.0.2.1", "none")
    assert fields[f"files[{FOREIGN_PATH}]"] == ("manages eth0", "does not manage eth0")
    assert (host.links["eth0"].addresses, host.links["eth0"].gateway) == ((), None)
    assert host.links["eth0"].master == declared.bridges[0].over.replace("eth0", "xenbr0")  # type: ignore[union-attr]
    assert (host.links["xenbr0"].addresses, host.links["xenbr0"].gateway) == (("192.0.2.5/24",), "192.0.2.1")
    assert files(host)[f"{FOREIGN}.replaced"] == FOREIGN_TEXT
    assert FOREIGN not in files(host)
    assert operations(host).guard.report("t1").stage is Stage.APPLIED
    assert leftovers(host) == [*fall_back.UNITS, "waiting"]
    assert operations(host).answer("t1", confirm=False).stage is Stage.APPLIED

    assert answer(host, "t1").stage is Stage.CONFIRMED
    assert leftovers(host) == []
    assert ["systemctl", "stop", fall_back.TIMER] in host.ran
    assert answer(host, "t1").stage is Stage.CONFIRMED
    after = state(host)
    assert fall(host) == 0
    assert state(host) == after
    host.management = {"xenbr0": "the default route goes through it"}
    assert ensure(host, declared).plan.changes == ()


@pytest.mark.parametrize("declared", [OVER_ETH0, OVER_BOND])
def test_what_nobody_confirms_is_taken_back(host: LiveHost, declared: HostNetwork) -> None:
    before = state(host)
    ensure(host, declared)
    assert state(host) != before
    assert fall(host) == 0
    assert state(host) == before
    assert leftovers(host) == []
    report = answer(host, "t1")
    assert (report.stage, report.at_start, report.incomplete) == (Stage.RESTORED, False, ())
    ensure(host, declared, replace(CAREFUL, token="t2"))
    assert answer(host, "t2").stage is Stage.CONFIRMED


def test_the_bridge_under_the_connection_gets_a_bond(host: LiveHost) -> None:
    ensure(host)
    answer(host, "t1")
    host.management = dict.fromkeys(("eth0", "xenbr0"), "this SSH session came to it")
    before = state(host)
    second = replace(CAREFUL, token="t2")
    ensure(host, OVER_BOND, second)
    assert (host.links["eth0"].master, host.links["bond0"].master) == ("bond0", "xenbr0")
    fall(host)
    assert state(host) == before


def test_a_bond_that_comes_into_a_bridge_of_its_own_leaves_it_again(host: LiveHost) -> None:
    bond, alone = make_bond("bond1", "active-backup", ("eth1",)), make_bridge("xenbr1")
    ensure(host, HostNetwork((bond,), (alone,)))
    host.management = {"xenbr1": "the default route goes through it"}
    before = state(host)
    done = ensure(host, HostNetwork((bond,), (replace(alone, over="bond1"),)))
    assert host.links["bond1"].master == "xenbr1"
    assert done.plan.touched == {"bond1", "xenbr1"}
    fall(host)
    assert state(host) == before


SLOW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(before=networks(), after=networks())
def test_falling_back_restores_exactly_what_was(
    tmp_path_factory: pytest.TempPathFactory, before: HostNetwork, after: HostNetwork
) -> None:
    host = live_host(tmp_path_factory.mktemp("host"))
    ensure(host, before)
    assert leftovers(host) == []
    host.management = dict.fromkeys([*host.links, *after.names()], "everything carries it")
    was, hidden = state(host), set(host.masked)
    try:
        done = ensure(host, after)
    except Refused:  # such as a card that must leave its old bond first
        return
    if done.plan.changes:
        assert fall(host) == 0
        assert answer(host, "t1").stage is Stage.RESTORED
    assert (state(host), host.masked) == (was, hidden)
    assert leftovers(host) == []


def test_what_does_not_come_up_is_taken_back_at_once(host: LiveHost) -> None:
    before = state(host)
    host.stubborn = frozenset({"eth1"})
    ensure(host, OVER_BOND)
    assert operations(host).guard.report("t1").stage is Stage.RESTORING
    assert ["systemctl", "start", "--no-block", fall_back.SERVICE] in host.ran
    fall(host)
    assert state(host) == before
    report = answer(host, "t1")
    assert report.stage is Stage.RESTORED
    assert "eth1 is not in bond0" in str(report.words)


def test_at_a_start_only_files_are_put_back(host: LiveHost) -> None:
    before = files(host)
    ensure(host)
    start(host.root, "2")
    host.ran.clear()
    assert fall(host) == 0
    assert (files(host), host.ran, leftovers(host)) == (before, [], [])
    report = answer(host, "t1")
    assert (report.stage, report.at_start) == (Stage.RESTORED, True)


def test_what_cannot_be_restored_is_named(host: LiveHost, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure(host)
    monkeypatch.setattr(host, "release", lambda _name: None)
    monkeypatch.setattr(host, "delete", lambda _name: None)
    assert fall(host) == 1
    assert "ip link del dev xenbr0" in answer(host, "t1").incomplete


def test_where_the_timer_cannot_be_had_nothing_is_touched(host: LiveHost, monkeypatch: pytest.MonkeyPatch) -> None:
    before = state(host)
    run = host.run

    def without_systemd(argv: list[str], **more: Any) -> Any:
        if argv[:2] == ["systemctl", "start"]:
            raise CommandFailed("no")
        return run(argv, **more)

    monkeypatch.setattr(host, "run", without_systemd)
    with pytest.raises(CommandFailed, match=r"cannot be kept.*Nothing was changed"):
        ensure(host)
    assert (state(host), leftovers(host)) == (before, [])


def test_check_mode_shows_files_links_and_the_timer(host: LiveHost) -> None:
    before = state(host)
    planned = ensure(host, check=True)
    assert (state(host), leftovers(host), planned.report) == (before, [], None)
    assert set(planned.exposed) == {"eth0"}
    assert planned.plan.touched == {"eth0", "xenbr0"}
    done = ensure(host)
    assert (done.plan, done.files) == (planned.plan, planned.files)
    assert {one["path"]: one["change"] for one in file_changes(done.files)} == {
        f"/{FOLDER}/40-xenfleet-eth0.network": "written",
        f"/{FOLDER}/40-xenfleet-xenbr0.netdev": "written",
        f"/{FOLDER}/40-xenfleet-xenbr0.network": "written",
        f"{FOREIGN_PATH}.replaced": "written",
        FOREIGN_PATH: "removed",
    }


def test_other_networks_are_changed_without_a_timer(host: LiveHost) -> None:
    assert ensure(host, WIRED).exposed == {}
    assert not (host.root / GUARD_FOLDER).exists()
    assert FOREIGN in files(host)


def test_an_address_in_the_network_of_the_connection_is_under_the_timer(host: LiveHost) -> None:
    near = HostNetwork((), (make_bridge("b", over="eth2", addresses=("192.0.2.77/24",)),))
    words = refusal(host, near, Caution(False, token="t1"))
    assert "b could cut the connection that manages this host (its address 192.0.2.77/24 is in the network of" in words
    done = ensure(host, near)
    assert done.exposed == {"b": "its address 192.0.2.77/24 is in the network of eth0"}


def test_a_vlan_more_on_what_carries_the_connection_is_under_the_timer(host: LiveHost) -> None:
    ensure(host, WIRED)
    host.management = dict.fromkeys(("bond0", "bond0.10", "xenbr10"), "this SSH session came to it")
    done = ensure(host, HostNetwork((), (make_bridge("xenbr30", over="bond0", vlan=30),)))
    assert set(done.exposed) == {"bond0"}
    assert host.links["bond0.30"].master == "xenbr30"
    assert answer(host, "t1").stage is Stage.CONFIRMED


# -- what forbids ------------------------------------------------------------------------------------------------------


def refusal(host: LiveHost, declared: HostNetwork = OVER_ETH0, caution: Caution = CAREFUL, **more: Any) -> str:
    before = state(host)
    with pytest.raises(Refused) as caught:
        ensure(host, declared, caution, **more)
    assert state(host) == before
    return str(caught.value)


def test_a_file_of_others_has_to_be_named(host: LiveHost) -> None:
    assert f"eth0 is managed by the file {FOREIGN_PATH}; name that file in 'replaces'" in refusal(host, replaces=())


def test_with_confirm_off_the_connection_is_not_touched(host: LiveHost) -> None:
    assert "eth0 carries the connection that manages this host" in refusal(host, caution=Caution(False, token="t1"))
    assert "which the action xenfleet.xen.xen_bridge does" in refusal(host, caution=Caution())


def test_an_address_that_would_be_gone_is_refused_unless_a_new_one_is_named(host: LiveHost) -> None:
    moved = HostNetwork((), (replace(BR0, addresses=("192.0.2.6/24",)),))
    host.session = "192.0.2.5"
    assert "the address 192.0.2.5, which this SSH session came to, would be gone" in refusal(host, moved)
    ensure(host, moved, replace(CAREFUL, address="192.0.2.6"))
    assert host.links["xenbr0"].addresses == ("192.0.2.6/24",)


def test_nothing_else_is_changed_while_a_change_waits(host: LiveHost) -> None:
    ensure(host)
    host.management = {"xenbr0": "the default route goes through it"}
    words = refusal(host, WIRED, replace(CAREFUL, token="t2"))
    assert "waits to be confirmed until" in words
    assert answer(host, "t2").stage is Stage.UNKNOWN
    answer(host, "t1")
    ensure(host, WIRED, replace(CAREFUL, token="t2"))


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        (FOREIGN_PATH, "[Match]\nName=eth*\n", "it also manages eth1, eth2, eth3, eth4"),
        (f"/{FOLDER}/20-x.network", "[Match]\nName=eth0 eth4\n", "it also manages eth4"),
        ("/run/systemd/network/10-x.network", "[Match]\nName=eth0\n", "change it by what made it"),
        (
            "/etc/network/interfaces",
            "iface eth0 inet wvdial\n",
            "the addresses of eth0 in a way that is not known here (wvdial)",
        ),
        (
            "/etc/network/interfaces",
            "iface eth0 inet dhcp\niface eth0 inet6 dhcp\n",
            "of eth0 in a way that is not known here (inet6 dhcp)",
        ),
    ],
)
def test_files_that_cannot_give_way(host: LiveHost, path: str, text: str, words: str) -> None:
    file = host.root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    host.programs |= {"ifup"}
    assert words in refusal(host, replaces=(FOREIGN_PATH, path))


def test_a_client_of_ifupdown_ends_where_systemd_networkd_takes_over(host: LiveHost) -> None:
    texts = {"etc/network/interfaces": "iface eth0 inet dhcp\n", "run/dhclient.eth0.pid": "78\n", "proc/78/stat": ""}
    for name, text in texts.items():
        (host.root / name).parent.mkdir(parents=True, exist_ok=True)
        (host.root / name).write_text(text)
    host.programs |= {"ifup"}
    ensure(host, replaces=(FOREIGN_PATH, "/etc/network/interfaces"))
    assert ["dhclient", "-x", "-pf", "/run/dhclient.eth0.pid", "eth0"] in host.ran


def test_what_a_file_that_gives_way_said_besides_is_a_warning(host: LiveHost) -> None:
    (host.root / FOLDER / FOREIGN).write_text(FOREIGN_TEXT + "DNS=192.0.2.9\n[Route]\nDestination=198.51.100.0/24\n")
    (words,) = ensure(host).warnings
    assert words.endswith("any more what it said: DNS=192.0.2.9, Destination=198.51.100.0/24")


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ("Name=eth0", True),
        ("Name=eth* wlan0", True),
        ("Name=!eth0", False),
        ("Name=!wlan0", True),
        ("Type=ether", True),
        ("Type=wlan", False),
        ("MACAddress=52-54-00-00-00-00", True),
        ("PermanentMACAddress=52:54:00:00:00:01", False),
        ("PermanentMACAddress=52:54:00:00:00:00\nName=eth9", False),
        ("Driver=virtio_net", True),
        ("Virtualization=container", False),
        ("", False),
    ],
)
def test_whom_a_network_file_is_for(match: str, fits: bool) -> None:
    link = Link("eth0", mac="52:54:00:00:00:00")
    assert matches(lines_of(f"[Match]\n{match}\n"), "eth0", link) is fits


# -- ifupdown ----------------------------------------------------------------------------------------------------------

INTERFACES = """\
# The primary network interface
auto lo eth0 eth1
iface lo inet loopback

allow-hotplug eth0
iface eth0 inet static
\taddress 192.0.2.5/24
\t# the router
\tgateway 192.0.2.1

iface eth1 inet manual
    up ip link set \\
      eth1 up
"""
MARK = "#replaced by xenfleet.xen.xen_bridge: "
WITHOUT_ETH0 = f"""\
# The primary network interface
{MARK}auto lo eth0 eth1
auto lo eth1
iface lo inet loopback

{MARK}allow-hotplug eth0
{MARK}iface eth0 inet static
{MARK}\taddress 192.0.2.5/24
\t# the router
{MARK}\tgateway 192.0.2.1

iface eth1 inet manual
    up ip link set \\
      eth1 up
"""


def test_ifupdown_gives_an_interface_away() -> None:
    assert interfaces.without(INTERFACES, {"eth0"}) == WITHOUT_ETH0
    assert interfaces.without(WITHOUT_ETH0, {"eth0"}) == WITHOUT_ETH0
    assert interfaces.without(INTERFACES, {"eth9"}) == INTERFACES
    assert interfaces.extras(INTERFACES, {"eth0", "lo"}) == ()
    assert interfaces.extras(INTERFACES, {"eth1"}) == ("up ip link set eth1 up",)
    assert f"{MARK}      eth1 up\n" in interfaces.without(INTERFACES, {"eth1"})


def test_a_plain_debian_gives_its_interface_to_a_bridge(host: LiveHost) -> None:
    (host.root / FOLDER / FOREIGN).unlink()
    host.foreign_read = {}
    host.programs |= {"ifup"}
    file = host.root / "etc/network/interfaces"
    file.parent.mkdir(parents=True)
    file.write_text(INTERFACES)
    file.chmod(0o600)
    path = "/etc/network/interfaces"
    assert f"eth0 is managed by ifupdown ({path}); name that file" in refusal(host, replaces=())
    before = state(host)
    ensure(host, replaces=(path,))
    assert file.read_text() == WITHOUT_ETH0
    fall(host)
    assert (state(host), file.read_text(), file.stat().st_mode & 0o777) == (before, INTERFACES, 0o600)
    ensure(host, caution=replace(CAREFUL, token="t2"), replaces=(path,))
    answer(host, "t2")
    host.management = {"xenbr0": "the default route goes through it"}
    assert ensure(host, replaces=(path,)).plan.changes == ()


def test_a_bridge_of_ifupdown_over_the_interface_still_claims_it(tmp_path: Path) -> None:
    (tmp_path / "etc/network").mkdir(parents=True)
    (tmp_path / "etc/network/interfaces").write_text(INTERFACES + "iface br0 inet manual\n\tbridge_ports eth0\n")
    others = OtherManagers(live_host(tmp_path), tmp_path, "40-")
    host = live_host(tmp_path)
    host.programs |= {"ifup"}
    others = OtherManagers(host, tmp_path, "40-")
    claims = others.claims(["eth0"], Links(), ["/etc/network/interfaces", FOREIGN_PATH])
    assert claims == {"eth0": "ifupdown (/etc/network/interfaces)"}


# -- the program that falls back ---------------------------------------------------------------------------------------


def test_repairs_of_what_is_as_it_was_are_none(host: LiveHost) -> None:
    now = fall_back.picture(host.say)
    assert fall_back.repairs(host.links, now, now) == []


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        ({"addr_info": [{"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"}]}, {}, []),
        ({"addr_info": [{"family": "inet6", "local": "fd00::1", "prefixlen": 64, "dynamic": True}]}, {}, []),
        (
            {
                "addr_info": [
                    {
                        "family": "inet",
                        "local": "192.0.2.5",
                        "prefixlen": 24,
                        "broadcast": "192.0.2.255",
                        "scope": "global",
                        "dynamic": True,
                        "valid_life_time": 600,
                        "preferred_life_time": 300,
                    }
                ]
            },
            {},
            [
                "ip addr add 192.0.2.5/24 broadcast 192.0.2.255 scope global valid_lft 600 preferred_lft 300 dev eth0",
            ],
        ),
        ({"master": "bond0"}, {"master": "br0"}, ["nomaster", "down", "master bond0"]),
        ({"mtu": 9000}, {"mtu": 1500}, ["mtu 9000"]),
        ({"flags": []}, {"flags": ["UP"]}, ["down"]),
    ],
)
def test_repairs_of_a_card(was: dict[str, Any], now: dict[str, Any], expected: list[str]) -> None:
    bond = {"ifname": "bond0", "linkinfo": {"info_kind": "bond"}}
    before = {"links": [{"ifname": "eth0", **was}, bond], "vlans": [], "routes4": [], "routes6": []}
    found = fall_back.repairs(["eth0"], before, {**before, "links": [{"ifname": "eth0", **now}, bond]})
    assert [" ".join(one).removeprefix("ip link set dev eth0 ") for one in found] == expected


def test_repairs_of_routes() -> None:
    routes: list[dict[str, Any]] = [
        {
            "dst": "default",
            "gateway": "192.0.2.1",
            "dev": "eth0",
            "protocol": "dhcp",
            "prefsrc": "192.0.2.5",
            "metric": 1024,
        },
        {"dst": "192.0.2.0/24", "dev": "eth0", "protocol": "kernel", "scope": "link"},
        {"dst": "203.0.113.0/24", "dev": "eth0", "protocol": "boot", "scope": "link"},
        {"dst": "198.51.100.0/24", "via": {"family": "inet6", "host": "fe80::1"}, "dev": "eth0", "flags": ["onlink"]},
        {"dst": "10.0.0.0/8", "gateway": "192.0.2.1", "dev": "eth9"},
        {"dst": "10.0.0.0/8", "nexthops": []},
    ]
    card = row(Link("eth0"))
    before = {"links": [card], "vlans": [], "routes4": routes, "routes6": []}
    now = {
        "links": [card],
        "vlans": [],
        "routes4": [{"dst": "default", "gateway": "192.0.2.9", "dev": "eth0"}],
        "routes6": [],
    }
    assert [" ".join(one) for one in fall_back.repairs(["eth0"], before, now)] == [
        "ip -4 route del default via 192.0.2.9 dev eth0",
        "ip -4 route replace 203.0.113.0/24 dev eth0 proto boot scope link",
        "ip -4 route replace default via 192.0.2.1 dev eth0 src 192.0.2.5 metric 1024 proto dhcp",
        "ip -4 route replace 198.51.100.0/24 via inet6 fe80::1 dev eth0 onlink",
    ]


def test_the_program_needs_nothing_of_the_collection(host: LiveHost) -> None:
    ensure(host)
    program = host.root / GUARD_FOLDER / "fall_back.py"
    (program.parent / "waiting" / "before.json").unlink()
    done = subprocess.run([sys.executable, "-I", str(program), str(program.parent)], check=False)
    assert done.returncode == 0


def test_the_kept_state_is_for_root_only(host: LiveHost) -> None:
    ensure(host)
    folder = host.root / GUARD_FOLDER
    assert folder.stat().st_mode & 0o077 == 0
    service = (host.root / fall_back.UNITS[1]).read_text()
    assert f"ConditionPathExists=/{GUARD_FOLDER}/waiting/before.json" in service
    assert "Before=network-pre.target systemd-networkd.service networking.service" in service
    assert "OnActiveSec=60s" in (host.root / fall_back.UNITS[2]).read_text()


WORKER = "import fcntl, sys, time\nf = open(sys.argv[1], 'r+')\nfcntl.flock(f, fcntl.LOCK_EX)\nprint(flush=True)\ntime.sleep(60)"


def test_a_worker_is_stopped_before_anything_is_put_back(tmp_path: Path) -> None:
    file = tmp_path / "worker"
    file.write_text("")
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(file)], stdout=subprocess.PIPE)
    assert worker.stdout is not None
    worker.stdout.readline()
    file.write_text(str(worker.pid))
    fall_back.end_worker(file)
    assert worker.wait(5) == -9
    fall_back.end_worker(file)
    fall_back.end_worker(tmp_path / "none")


def test_the_work_goes_on_in_a_process_of_its_own(host: LiveHost, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_START_SECONDS", "_END_SECONDS"):
        monkeypatch.setattr(f"ansible_collections.xenfleet.xen.plugins.module_utils.network.guard.{name}", 0.0)
    guard = HostGuard(host, host.root)
    guard.arm("t1", 60, ["eth0"], {})
    guard.detach(lambda: ["a warning"])
    for _attempt in range(100):
        if guard.report("t1").stage is not Stage.APPLYING:
            break
        time.sleep(0.05)
    assert (guard.report("t1").stage, guard.report("t1").warnings) == (Stage.APPLIED, ("a warning",))
    with (host.root / GUARD_FOLDER / "waiting/worker").open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)


# -- the controller's side ---------------------------------------------------------------------------------------------

BEGUN: dict[str, Any] = {
    "changed": True,
    "changes": [],
    "bridges": [],
    "confirmation": {"stage": "applying", "begun": "10:00:00", "until": "10:01:00", "timeout": 60},
}


def told(stage: str, **more: Any) -> dict[str, Any]:
    return {"confirmation": {"stage": stage, **more}}


def settled(answers: list[Mapping[str, Any] | str], seconds: float = 5.0) -> dict[str, Any]:
    """The result when the host answers so, each time after some seconds, and goes on as at last."""
    clock = Time()

    def ask(_question: Question) -> Mapping[str, Any]:
        clock.sleep(seconds)
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, str):
            raise Unreachable(answer)
        return answer

    return result_of(BEGUN, settle(ask, 60, now=clock.now, sleep=clock.sleep))


def test_a_change_is_confirmed_as_soon_as_the_host_answers() -> None:
    result = settled(["no route", told("applying"), {**told("confirmed", ended="10:00:09"), "bridges": ["xenbr0"]}])
    assert "failed" not in result
    assert result["bridges"] == ["xenbr0"]
    assert result["confirmation"] == {
        "stage": "confirmed",
        "begun": "10:00:00",
        "until": "10:01:00",
        "ended": "10:00:09",
        "timeout": 60,
        "seconds": 20.0,
    }


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (
            ["timed out"] * 12 + [told("restored", ended="10:01:04")],
            "did not reach the host again within 60 s. The former",
        ),
        ([told("restoring"), told("restored", ended="10:00:20", words="eth1 is down")], "confirmed: eth1 is down. The"),
        (
            [told("restored", at_start=True, ended="10:02:00")],
            "started anew in between. The former network is back since",
        ),
        (
            [told("restored", ended="x", incomplete=["ip a", "ip b"])],
            "but for what these commands would do: ip a; ip b",
        ),
        ([told("unknown")], "does not know of the change any more"),
        (["no route to host"], "no route to host. It puts its former network back by itself at 10:01:00"),
    ],
)
def test_a_change_that_was_not_confirmed_fails_with_the_times(
    answers: list[Mapping[str, Any] | str], words: str
) -> None:
    result = settled(answers)
    assert result["failed"]
    assert result["msg"].startswith("The network of this host was changed at 10:00:00 and the change was not confirmed")
    assert words in result["msg"]
    assert result["changed"] is (result["confirmation"]["stage"] != "restored")


def test_only_who_was_told_that_it_is_applied_confirms() -> None:
    """A connection from before the change may have become deaf by it: it could tell the host, but not hear of it."""
    clock = Time()
    stages = ["applying", None, "applied", None, "confirmed"]
    asked: list[bool] = []

    def ask(question: Question) -> Mapping[str, Any]:
        asked.append(question.confirm)
        stage = stages[len(asked) - 1]
        if stage is None:
            raise Unreachable("timed out")
        return told(stage)

    assert settle(ask, 60, now=clock.now, sleep=clock.sleep).stage is Stage.CONFIRMED
    assert asked == [False, False, False, True, True]


def test_after_the_time_the_old_address_is_asked() -> None:
    clock = Time()
    asked: list[tuple[float, bool]] = []

    def ask(question: Question) -> Mapping[str, Any]:
        asked.append((clock.at, question.over))
        clock.sleep(10)
        raise Unreachable("timed out")

    settle(ask, 60, now=clock.now, sleep=clock.sleep)
    assert all(over is (at > 60) for at, over in asked)
    assert 60 + AFTERWARDS_SECONDS < clock.at < 60 + AFTERWARDS_SECONDS + 25


def test_files_of_ours_are_no_files_of_others(host: LiveHost) -> None:
    own = f"/{FOLDER}/40-xenfleet-eth0.network"
    (host.root / own.lstrip("/")).write_text("[Match]\nName=eth0\n")
    assert "cannot give way" in refusal(host, replaces=(FOREIGN_PATH, own))
