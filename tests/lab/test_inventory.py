"""What Ansible is told."""

from __future__ import annotations

import json
import shlex

import pytest

from xenlab import inventory, keys
from xenlab.cli import main
from xenlab.paths import Paths
from xenlab.state import State, save
from xenlab.topology import machine

RUNNING = {"core", "xen1", "xen2", "plain1"}


def test_groups(paths: Paths, state: State) -> None:
    found = json.loads(inventory.as_json(paths, state, RUNNING))
    assert found["dom0s"]["hosts"] == ["xen1", "xen2"]
    assert found["filers"]["hosts"] == ["core"]
    assert found["plains"]["hosts"] == ["plain1"]
    assert set(found["_meta"]["hostvars"]) == RUNNING


def test_a_machine_without_power_stays_in_it(paths: Paths, state: State) -> None:
    found = json.loads(inventory.as_json(paths, state, {"core", "xen2"}))
    assert found["dom0s"]["hosts"] == ["xen1", "xen2"]
    assert found["_meta"]["hostvars"]["xen1"]["ansible_port"] == state.machines["xen1"].ssh_port


def test_variables(paths: Paths, state: State) -> None:
    found = json.loads(inventory.as_json(paths, state, RUNNING))["_meta"]["hostvars"]["xen2"]
    assert found["ansible_host"] == "127.0.0.1"
    assert found["ansible_port"] == state.machines["xen2"].ssh_port
    assert found["lab_index"] == 2
    words = shlex.split(found["ansible_ssh_common_args"])
    assert "StrictHostKeyChecking=yes" in words
    # SSH splits the file list at blanks: quotes have to survive the shell's own splitting.
    assert f'UserKnownHostsFile="{paths.known_hosts}"' in words
    assert f"HostKeyAlias={keys.host_alias('t1', 'xen2')}" in words
    assert not any("ControlPath" in word or "ControlMaster" in word for word in words)


def test_yaml_says_the_same(paths: Paths, state: State) -> None:
    yaml = pytest.importorskip("yaml")
    del state.machines["plain1"]
    found = yaml.safe_load(inventory.as_yaml(paths, state, {"core", "xen1", "xen2"}))
    hosts = found["all"]["children"]["dom0s"]["hosts"]
    assert hosts["xen1"] == inventory.variables(paths, state, machine("xen1"))
    assert set(hosts) == {"xen1", "xen2"}
    assert found["all"]["children"]["plains"]["hosts"] == {}


@pytest.mark.parametrize("known", [False, True])
def test_a_lab_that_is_down_is_an_empty_inventory(
    paths: Paths, state: State, known: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    if known:
        save(paths.state, state)
    assert main(["--lab", "t1", "inventory", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["_meta"] == {"hostvars": {}}
    assert found["dom0s"]["hosts"] == []
