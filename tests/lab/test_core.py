"""Core's network, the machines' seeds, the lab's memory."""

from __future__ import annotations

import subprocess
import tarfile

import pytest

from xenlab import core_network, keys, seed
from xenlab.errors import LabError
from xenlab.paths import Paths
from xenlab.state import PLAIN, State, load, save
from xenlab.topology import HOSTS, machine


def test_each_host_has_a_bond_as_trunk_port(state: State) -> None:
    files = core_network.all_files(state)
    for host in HOSTS:
        trunk = files[f"etc/systemd/network/30-bond-{host.name}.network"]
        assert [line for line in trunk.splitlines() if line.startswith("VLAN=")] == ["VLAN=10", "VLAN=20", "VLAN=30"]
        assert "Bridge=br0" in trunk
        assert "Mode=802.3ad" in files[f"etc/systemd/network/30-bond-{host.name}.netdev"]


def test_plain_ports_have_no_bond(state: State) -> None:
    state.port_modes["xen1"] = PLAIN
    files = core_network.all_files(state)
    assert "etc/systemd/network/30-bond-xen1.netdev" not in files
    assert "Bridge=br0" in files["etc/systemd/network/40-xen1-a.network"]
    assert "Bond=bond-xen2" in files["etc/systemd/network/40-xen2-a.network"]


@pytest.mark.parametrize("mode", ["lacp", "plain"])
def test_the_rearranging_script_is_valid_shell(mode: str) -> None:
    script = core_network.switch_script(machine("xen1"), mode)
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0


def test_a_seed_makes_a_machine_itself(paths: Paths, state: State) -> None:
    seed.all_host_keys(paths)
    target = paths.home / "xen1.seed.tar"
    seed.write(paths, machine("xen1"), state, target)
    assert target.stat().st_size % 512 == 0
    with tarfile.open(target) as archive:
        names = archive.getnames()
        hosts = archive.extractfile("etc/hosts")
        assert hosts is not None
        text = hosts.read().decode()
        assert archive.getmember("etc/ssh/ssh_host_ed25519_key").mode == 0o600
    assert "127.0.1.1" not in text
    assert "10.30.0.101 xen1\n" in text
    assert "root/.ssh/authorized_keys" in names
    assert "etc/systemd/network/20-br0.netdev" not in names


def test_keys_are_made_once_and_known_beforehand(paths: Paths) -> None:
    first = keys.public(keys.host_key(paths, "xen1"))
    assert keys.public(keys.host_key(paths, "xen1")) == first
    keys.write_known_hosts(paths, ["xen1"])
    assert paths.known_hosts.read_text() == f"xenlab-t1-xen1 {' '.join(first.split()[:2])}\n"


def test_memory_is_kept(paths: Paths, state: State) -> None:
    save(paths.state, state)
    assert load(paths.state) == state


def test_damaged_memory_is_explained(paths: Paths) -> None:
    paths.state.write_text("{")
    with pytest.raises(LabError, match="down --discard"):
        load(paths.state)
