"""ifupdown as what keeps a host's network: its file, the running network by it, the next start, and the way back."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed, Refused, TimedOut
from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import Caution, Stage
from ansible_collections.xenfleet.xen.plugins.module_utils.model.host_network import HostNetwork, make_bond, make_bridge
from ansible_collections.xenfleet.xen.plugins.module_utils.model.links import Link
from ansible_collections.xenfleet.xen.plugins.module_utils.network import fall_back, masquerade
from ansible_collections.xenfleet.xen.plugins.module_utils.network.choose import choose
from ansible_collections.xenfleet.xen.plugins.module_utils.network.ifupdown import PATH, Ifupdown, parse, render
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.host_network import Clock, HostNetworkOperations, Outcome
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult

from .live_host import Guard, LiveHost, start
from .network_host import GATEWAY, GIVEN, WIRED, Time, fresh, networks
from .test_network_confirm import BR0, CAREFUL, OVER_BOND, OVER_ETH0, answer, fall, leftovers

INTERFACES = "/etc/network/interfaces"
DEBIAN = """\
source /etc/network/interfaces.d/*
auto lo
iface lo inet loopback
auto eth0
iface eth0 inet static
    address 192.0.2.5/24
    gateway 192.0.2.1
"""


@dataclass
class IfupHost(LiveHost):
    """A host with ifupdown, which does what a stanza says, nftables, of which it knows one table, and two DHCP clients."""

    nat: str | None = None

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float | None = None, check: bool = True
    ) -> CommandResult:
        if argv[0] in ("nft", "dhcpcd", "dhclient"):
            self.ran.append(list(argv))
            return self.nft(argv[1:]) if argv[0] == "nft" else self.end_client(argv)
        if argv[0] != "ifup":
            return super().run(argv, stdin=stdin, timeout=timeout, check=check)
        self.ran.append(list(argv))
        try:
            self.ifup(argv[-1])
        except (KeyError, AssertionError) as error:
            if check:
                raise CommandFailed(f"ifup {argv[-1]} failed", found=str(error)) from error
            return CommandResult(1, "", str(error))
        return CommandResult(0, "", "")

    def nft(self, words: Sequence[str]) -> CommandResult:
        if words[0] == "-f":
            self.nat = (self.root / words[1].lstrip("/")).read_text()
            return CommandResult(0, "", "")
        assert list(words) == ["delete", "table", "ip", masquerade.TABLE]
        known, self.nat = self.nat, None
        return CommandResult(0, "", "") if known else CommandResult(1, "", "No such file or directory")

    def start_client(self, program: str, name: str) -> None:
        """It asks, in the background when nobody answers."""
        file = self.root / {"dhcpcd": f"run/dhcpcd/{name}-4.pid", "dhclient": f"run/dhclient.{name}.pid"}[program]
        number = {"dhcpcd": "77", "dhclient": "78"}[program]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{number}\n")
        (self.root / "proc" / number).mkdir(exist_ok=True)
        if "dhcp" not in self.dark:
            addresses = tuple(sorted({*self.links[name].addresses, GIVEN}))
            self.set(name, addresses=addresses, leased=(GIVEN,), gateway=GATEWAY)

    def end_client(self, argv: Sequence[str]) -> CommandResult:
        """It takes with it what it was given."""
        name = argv[-1]
        (self.root / "proc" / {"dhcpcd": "77", "dhclient": "78"}[argv[0]]).rmdir()
        for address in self.links[name].leased:
            self.drop_address(name, address)
            self.set(name, gateway=None)
        return CommandResult(0, "", "")

    def clients(self) -> list[str]:
        return sorted(name for name in self.links if fall_back.endings(self.root, name))

    def delete(self, name: str) -> None:
        """A client ends with its interface."""
        for command in fall_back.endings(self.root, name):
            self.end_client(command)
        super().delete(name)

    def ifup(self, name: str) -> None:
        lines = stanzas(self)[name]
        for when in ("pre-up", "address", "gateway", "up"):
            for word, _space, rest in (line.partition(" ") for line in lines):
                if word == when == "address":
                    self.set(name, addresses=(rest,))
                elif word == when == "gateway":
                    self.set(name, gateway=rest)
                elif word == when:
                    self.shell(rest)

    def shell(self, line: str) -> None:
        """Do one line of a shell, of which no more is understood than what is written."""
        todo = line.split(" || ")
        if todo[0].startswith("test -e /sys/class/net/"):
            name, _slash, upper = todo.pop(0).rpartition("net/")[2].partition("/upper_")
            if name in self.links and (not upper or self.links[name].master == upper):
                return
        if todo[0].startswith("echo "):
            return
        words = todo[0].split()
        try:
            assert "master" not in words or words[4] not in self.stubborn
            if words[:2] == ["bridge", "vlan"]:
                self.obey_bridge(words[2:])
            elif words[0] == "nft":
                self.nft(words[1:])
            elif words[0] in ("dhcpcd", "dhclient"):
                self.start_client(words[0], words[-1])
            elif words[0] == "sysctl":
                assert words[1:3] == ["-q", "-w"]
            else:
                assert words[0] == "ip"
                self.obey_ip(words[1:])
        except (KeyError, AssertionError):
            if todo[1:] != ["true"]:
                raise

    def boot(self) -> None:
        """A start: the cards are there, and ifupdown brings up what its files name, in their order."""
        for number in ("77", "78"):
            with contextlib.suppress(FileNotFoundError):
                (self.root / "proc" / number).rmdir()
        self.links, self.nat = dict(fresh(self.root).links), None
        self.set("eth0", addresses=(), gateway=None)
        for name in stanzas(self):
            if name != "lo":
                self.ifup(name)


def stanzas(host: LiveHost) -> dict[str, list[str]]:
    """What stands under each interface."""
    found: dict[str, list[str]] = {}
    for path in (INTERFACES, PATH):
        file = host.root / path.lstrip("/")
        name = ""
        for line in file.read_text().splitlines() if file.exists() else ():
            if line.startswith("iface "):
                name = line.split()[1]
                found.setdefault(name, [])
                found[name] += [f"up dhclient {name}"] if line.endswith(" inet dhcp") else []
            elif line.startswith(" ") and line.strip():
                found[name].append(line.strip())
    return found


@pytest.fixture
def host(tmp_path: Path) -> IfupHost:
    return ifup_host(tmp_path)


def ifup_host(root: Path) -> IfupHost:
    """A plain Debian that is managed by eth0."""
    before = fresh(root)
    (root / "etc/network/interfaces.d").mkdir(parents=True)
    (root / INTERFACES.lstrip("/")).write_text(DEBIAN)
    start(root, "1")
    programs = before.programs | {"ifup", "nft"}
    return IfupHost(root, before.links, before.management, programs=programs, active=frozenset({"networking.service"}))


def operations(host: IfupHost) -> HostNetworkOperations:
    time = Time()
    return HostNetworkOperations(choose(host, host.root), host, Guard(host, host.root), Clock(time.now, time.sleep))


def ensure(
    host: IfupHost, declared: HostNetwork, caution: Caution = CAREFUL, replaces: Sequence[str] = (INTERFACES,)
) -> Outcome:
    return operations(host).ensure(declared, check=False, timeout=20, caution=caution, replaces=replaces)


def state(host: IfupHost) -> tuple[dict[str, Link], dict[str, str]]:
    texts = {str(file): file.read_text() for file in (host.root / "etc/network").rglob("*") if file.is_file()}
    return dict(host.links), {**texts, "the kernel's rules": host.nat or ""}


def supported(network: HostNetwork) -> HostNetwork:
    """Without what ifupdown cannot do."""
    return HostNetwork(network.bonds, tuple(replace(bridge, dhcp=None) for bridge in network.bridges))


SLOW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


# -- the file ----------------------------------------------------------------------------------------------------------


def test_the_file_of_a_bond_with_a_bridge() -> None:
    bond = make_bond("bond0", "active-backup", ("eth0", "eth1"), miimon_ms=100, primary="eth0", mtu=9000)
    bridge = make_bridge(
        "xenbr7", over="bond0", vlan=7, addresses=("192.0.2.5/24",), gateway="192.0.2.1", network="lan"
    )
    text = render(HostNetwork((bond,), (bridge,)))
    assert text is not None
    head, *stanzas = text.split("\n\n")
    assert head.startswith("# Written by Ansible")
    assert stanzas == [
        """\
# bond {"name": "bond0", "mode": "active-backup", "members": ["eth0", "eth1"], "miimon_ms": 100, "primary": "eth0", "mtu": 9000}
auto bond0
iface bond0 inet manual
    pre-up test -e /sys/class/net/bond0 || ip link add name bond0 type bond mode active-backup miimon 100
    pre-up ip link set dev bond0 addrgenmode none || true
    pre-up echo 0 > /proc/sys/net/ipv6/conf/bond0/accept_ra || true
    pre-up test -e /sys/class/net/eth0/upper_bond0 || ip link set dev eth0 down || true
    pre-up test -e /sys/class/net/eth0/upper_bond0 || ip link set dev eth0 master bond0 || true
    up ip link set dev eth0 up || true
    pre-up test -e /sys/class/net/eth1/upper_bond0 || ip link set dev eth1 down || true
    pre-up test -e /sys/class/net/eth1/upper_bond0 || ip link set dev eth1 master bond0 || true
    up ip link set dev eth1 up || true
    up ip link set dev bond0 type bond primary eth0 || true
    up ip link set dev bond0 mtu 9000 up""",
        """\
# bridge {"name": "xenbr7", "over": "bond0", "vlan": 7, "addresses": ["192.0.2.5/24"], "gateway": "192.0.2.1", "network": "lan"}
auto xenbr7
iface xenbr7 inet manual
    pre-up test -e /sys/class/net/bond0.7 || ip link add link bond0 name bond0.7 type vlan id 7 || true
    pre-up ip link set dev bond0.7 addrgenmode none || true
    pre-up echo 0 > /proc/sys/net/ipv6/conf/bond0.7/accept_ra || true
    pre-up test -e /sys/class/net/xenbr7 || ip link add name xenbr7 type bridge stp_state 0 forward_delay 0
    pre-up ip link set dev xenbr7 addrgenmode none || true
    pre-up echo 0 > /proc/sys/net/ipv6/conf/xenbr7/accept_ra || true
    pre-up ip link set dev bond0.7 master xenbr7 || true
    up ip link set dev bond0.7 up || true
    up ip link set dev xenbr7 up
    up ip addr replace 192.0.2.5/24 broadcast + dev xenbr7
    up ip -4 route replace default via 192.0.2.1 dev xenbr7
""",
    ]


@given(networks())
def test_what_is_written_is_read_again_and_is_shell(network: HostNetwork) -> None:
    text = render(network) or ""
    assert parse(text) == HostNetwork().with_(network)
    commands = [line.strip().partition(" ")[2] for line in text.splitlines() if line.startswith("    ")]
    subprocess.run(["sh", "-n"], input="\n".join(commands), text=True, check=True)


@pytest.mark.parametrize(
    "text", ["# bond {}", '# bond {"name": "b", "mode": "x", "members": []}', "# bond {x}", '# bridge {"x": 1}']
)
def test_what_is_damaged_is_left_out(text: str) -> None:
    assert parse(text) == HostNetwork()


# -- the running network, and the next start ---------------------------------------------------------------------------


@SLOW
@given(before=networks(), after=networks())
def test_the_network_comes_again_at_the_next_start_and_falls_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, before: HostNetwork, after: HostNetwork
) -> None:
    host = ifup_host(tmp_path_factory.mktemp("host"))
    ensure(host, supported(before))
    assert leftovers(host) == []
    assert ensure(host, supported(before)).plan.changes == ()
    was = state(host)
    host.boot()
    assert state(host)[1] == was[1]
    assert ensure(host, supported(before)).plan.changes == ()
    host.links = dict(was[0])
    host.management = dict.fromkeys([*host.links, *after.names()], "everything carries it")
    try:
        done = ensure(host, supported(after))
    except Refused:  # such as a card that must leave its old bond first
        return
    if done.plan.changes:
        assert fall(host) == 0
        assert answer(host, "t1").stage is Stage.RESTORED
    assert state(host) == was


@pytest.mark.parametrize("declared", [OVER_ETH0, OVER_BOND])
def test_the_connection_goes_into_a_bridge(host: IfupHost, declared: HostNetwork) -> None:
    before = state(host)
    ensure(host, declared)
    assert (host.links["eth0"].addresses, host.links["eth0"].gateway) == ((), None)
    assert (host.links["xenbr0"].addresses, host.links["xenbr0"].gateway) == (("192.0.2.5/24",), "192.0.2.1")
    assert fall(host) == 0
    assert state(host) == before
    ensure(host, declared, replace(CAREFUL, token="t2"))
    assert answer(host, "t2").stage is Stage.CONFIRMED
    host.management = {"xenbr0": "the default route goes through it"}
    assert ensure(host, declared).plan.changes == ()
    host.boot()
    assert host.links["xenbr0"].addresses == ("192.0.2.5/24",)
    assert ensure(host, declared).plan.changes == ()


def test_what_goes_gives_the_connection_back_to_the_file_that_has_it_again(host: IfupHost) -> None:
    before = state(host)
    ensure(host, OVER_ETH0)
    answer(host, "t1")
    host.management = dict.fromkeys(("eth0", "xenbr0"), "this SSH session came to it")
    (host.root / INTERFACES.lstrip("/")).write_text(DEBIAN)
    caution = replace(CAREFUL, token="t2", address="192.0.2.5")
    operations(host).remove(frozenset({"xenbr0"}), check=False, timeout=20, caution=caution)
    assert answer(host, "t2").stage is Stage.CONFIRMED
    assert state(host) == before


def test_a_bond_that_is_made_anew_gets_its_bridges_back(host: IfupHost) -> None:
    ensure(host, WIRED)
    ensure(host, HostNetwork((replace(WIRED.bonds[0], mode=make_bond("b", "balance-rr", ()).mode, lacp_rate=None),)))
    assert {host.links[f"bond0.{vlan}"].master for vlan in (10, 20)} == {"xenbr10", "xenbr20"}


def test_what_does_not_come_up_is_taken_back(host: IfupHost) -> None:
    ensure(host, HostNetwork((), (make_bridge("xenbr9", over="eth4"),)))
    before = state(host)
    host.stubborn = frozenset({"eth2"})
    with pytest.raises(TimedOut, match="eth2 is not in bond0"):
        ensure(host, WIRED)
    links, texts = state(host)
    assert texts == before[1]
    assert {name: replace(link, up=True) for name, link in links.items()} == before[0]


# -- by DHCP -----------------------------------------------------------------------------------------------------------

LEASED_ETH0 = "auto eth0\niface eth0 inet dhcp\niface eth0 inet6 auto\n"  # as Debian's installer leaves it


def leased_host(host: IfupHost) -> IfupHost:
    """The connection comes in by an address that a DHCP server has given."""
    host.programs |= {"dhcpcd"}
    (host.root / INTERFACES.lstrip("/")).write_text(f"source /etc/network/interfaces.d/*\n{LEASED_ETH0}")
    host.ifup("eth0")
    host.drop_address("eth0", "192.0.2.5/24")
    host.session = GIVEN.partition("/")[0]
    return host


BY_DHCP = make_bridge("xenbr0", over="eth0", dhcp=True, addresses=(), gateway="")
OVER_BOND_BY_DHCP = HostNetwork(OVER_BOND.bonds, (replace(BY_DHCP, over="bond0"),))


@pytest.mark.parametrize("declared", [HostNetwork((), (BY_DHCP,)), OVER_BOND_BY_DHCP])
def test_a_connection_by_dhcp_goes_into_a_bridge_that_asks_itself(host: IfupHost, declared: HostNetwork) -> None:
    before = state(leased_host(host))
    ensure(host, declared)
    assert (host.links["xenbr0"].leased, host.links["xenbr0"].gateway) == ((GIVEN,), GATEWAY)
    assert (host.links["eth0"].addresses, host.clients()) == ((), ["xenbr0"])
    assert fall(host) == 0
    assert (state(host), host.clients()) == (before, ["eth0"])
    ensure(host, declared, replace(CAREFUL, token="t2"))
    assert answer(host, "t2").stage is Stage.CONFIRMED
    assert ensure(host, declared).plan.changes == ()
    host.boot()
    assert (host.links["xenbr0"].addresses, host.clients()) == ((GIVEN,), ["xenbr0"])
    assert ensure(host, declared).plan.changes == ()


def test_the_second_member_of_a_bond_asks_under_another_name(host: IfupHost) -> None:
    other = replace(OVER_BOND.bonds[0], members=("eth1", "eth0"))
    with pytest.raises(Refused, match=r"the address 192\.0\.2\.77, which this SSH session came to, would be gone"):
        ensure(leased_host(host), HostNetwork((other,), OVER_BOND_BY_DHCP.bridges))
    with pytest.raises(Refused, match="would be gone"):
        ensure(host, HostNetwork((), (replace(BY_DHCP, vlan=7),)))


def test_a_bridge_is_given_the_address_that_it_had_and_keeps_it_by_itself_again(host: IfupHost) -> None:
    host.programs |= {"dhcpcd"}
    static = replace(BR0, addresses=(GIVEN,))
    ensure(host, HostNetwork((), (static,)), replace(CAREFUL, address="192.0.2.77"))
    answer(host, "t1")
    before = state(host)
    elsewhere = replace(CAREFUL, token="t2", address="192.0.2.77")
    host.management = {"xenbr0": "the default route goes through it"}
    ensure(host, HostNetwork((), (BY_DHCP,)), elsewhere)
    assert fall(host) == 0
    assert (state(host), host.clients()) == (before, [])
    elsewhere = replace(elsewhere, token="t2-again")
    ensure(host, HostNetwork((), (BY_DHCP,)), elsewhere)
    assert (host.links["xenbr0"].leased, host.clients()) == ((GIVEN,), ["xenbr0"])
    assert answer(host, "t2-again").stage is Stage.CONFIRMED
    asking = state(host)
    back = HostNetwork((), (replace(static, dhcp=False),))
    ensure(host, back, replace(CAREFUL, token="t3"))
    assert (host.links["xenbr0"].leased, host.clients()) == ((), [])
    assert fall(host) == 0
    assert (state(host), host.clients()) == (asking, ["xenbr0"])
    ensure(host, back, replace(CAREFUL, token="t4"))
    assert answer(host, "t4").stage is Stage.CONFIRMED
    assert state(host) == before


def test_an_address_that_does_not_come_is_taken_back(host: IfupHost) -> None:
    before = state(leased_host(host))
    host.dark = frozenset({"dhcp"})
    ensure(host, HostNetwork((), (BY_DHCP,)))
    report = operations(host).guard.report("t1")
    assert (report.stage, report.words) == (
        Stage.RESTORING,
        "the network did not come up as declared; found: xenbr0 was given no address by DHCP",
    )
    assert fall(host) == 0
    assert (state(host), host.clients()) == (before, ["eth0"])


def test_the_time_that_ifup_waits_for_an_address_is_part_of_the_whole(
    host: IfupHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    time, waits = Time(), [25.0]
    monkeypatch.setattr(
        leased_host(host), "start_client", lambda _program, _name: time.sleep(waits.pop() if waits else 0)
    )
    backend, guard = choose(host, host.root), Guard(host, host.root)
    work = HostNetworkOperations(backend, host, guard, Clock(time.now, time.sleep))
    work.ensure(HostNetwork((), (BY_DHCP,)), check=False, timeout=40, caution=CAREFUL, replaces=(INTERFACES,))
    assert guard.report("t1").stage is Stage.RESTORING
    assert 40 <= time.at < 42


# -- what others have, and what it cannot do ---------------------------------------------------------------------------


def refusal(host: IfupHost, declared: HostNetwork, replaces: Sequence[str] = ()) -> str:
    before = state(host)
    with pytest.raises(Refused) as caught:
        ensure(host, declared, replaces=replaces)
    assert state(host) == before
    return str(caught.value)


def test_other_files_keep_what_they_have(host: IfupHost) -> None:
    assert f"eth0 is managed by ifupdown ({INTERFACES}); name that file in 'replaces'" in refusal(host, OVER_ETH0)
    file = host.root / INTERFACES.lstrip("/")
    file.write_text(f"{DEBIAN}iface eth1 inet manual\n")
    assert f"eth1 is managed by ifupdown ({INTERFACES})" in refusal(host, WIRED)


def test_files_that_ifupdown_does_not_read_are_passed_over(host: IfupHost) -> None:
    for name in ("etc/systemd/network/10-x.network", "etc/network/other"):
        (host.root / name).parent.mkdir(parents=True, exist_ok=True)
        (host.root / name).write_text("[Match]\nName=eth0\niface eth0 inet static\n")
    ensure(host, OVER_ETH0, replaces=(INTERFACES, PATH, "/etc/systemd/network/10-x.network", "/etc/network/other"))
    assert (host.root / "etc/systemd/network/10-x.network").exists()


HIDDEN = HostNetwork((), (make_bridge("xenbr3", addresses=("10.0.0.254/24", "fd00::1/64"), nat=True),))


def test_networks_behind_the_address_of_the_host(host: IfupHost) -> None:
    ensure(host, HIDDEN)
    file = host.root / masquerade.PATH.lstrip("/")
    text = file.read_text()
    assert (
        text.partition("\n")[2]
        == """\
table ip xenfleet_nat
delete table ip xenfleet_nat
table ip xenfleet_nat {
    chain out {
        type nat hook postrouting priority srcnat;
        ip saddr 10.0.0.0/24 oifname != "xenbr3" masquerade
    }
}
"""
    )
    assert host.nat == text
    assert stanzas(host)["xenbr3"][-2:] == ["up sysctl -q -w net.ipv4.ip_forward=1", f"up nft -f {masquerade.PATH}"]
    ensure(host, HostNetwork((), (replace(HIDDEN.bridges[0], nat=False),)))
    assert (host.nat or "", file.exists()) == ("", False)


def test_rules_edited_by_hand_are_written_anew(host: IfupHost) -> None:
    ensure(host, HIDDEN)
    file = host.root / masquerade.PATH.lstrip("/")
    text = file.read_text()
    file.write_text("")
    (change,) = ensure(host, HIDDEN).plan.changes
    assert change.field == f"files[{masquerade.PATH}]"
    assert file.read_text() == host.nat == text


def test_what_ifupdown_cannot_have_is_refused(host: IfupHost) -> None:
    host.programs -= {"nft"}
    leased = make_bridge("xenbr4", over="eth1", dhcp=True)
    words = refusal(host, HostNetwork((), (*HIDDEN.bridges, leased)))
    assert "bridges[xenbr4].dhcp needs the package dhcpcd-base on the host" in words
    assert "bridges[xenbr3].nat needs the package nftables on the host" in words


def test_a_file_edited_by_hand_is_written_anew(host: IfupHost) -> None:
    declared = HostNetwork((), (replace(BR0, over="eth2", gateway=None, addresses=()),))
    ensure(host, declared)
    file = host.root / PATH.lstrip("/")
    text = file.read_text()
    file.write_text(text.replace("xenbr0 up", "xenbr0 down"))
    (change,) = ensure(host, declared).plan.changes
    assert change.field == f"files[{PATH}]"
    assert file.read_text() == text
    assert isinstance(operations(host).backend, Ifupdown)
