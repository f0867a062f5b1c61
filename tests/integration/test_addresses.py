"""The address plan, by the real ansible-playbook in an inventory of its own; dnsmasq itself reads what is written for it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .playing import run_ansible

DNSMASQ = "/usr/sbin/dnsmasq"
HOSTS = """\
dom0s:
  hosts:
    xen1:
      network_bridges:
        - {name: xenbr0, network: cluster, addresses: [10.0.0.254/24], nat: true}
        - {name: xenbr10, network: services, over: bond0, vlan: 10, addresses: [planned]}
      migration_address: "{{ lookup('xenfleet.xen.address', inventory_hostname, network='services') }}"
guests:
  vars:
    guest_networks: [{network: services}, {network: cluster}]
    ansible_host: "{{ lookup('xenfleet.xen.address', inventory_hostname) }}"
  hosts:
    ldap1: {guest_addresses: {services: 10.10.0.11}}
    ldap2:
"""
PLAN = """\
network_plan:
  - {name: services, subnets: [10.10.0.0/24, "fd00:10::/64"], ranges: [10.10.0.100-10.10.0.199, "fd00:10::100-fd00:10::fff"]}
  - {name: cluster, subnets: 10.0.0.0/24, gateway: 10.0.0.254, dhcp: true}
"""
ASK = """\
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - ansible.builtin.copy:
        dest: "{{ answer }}"
        mode: "0644"
        content: "{{ said | to_json }}"
      vars:
        bridges: "{{ hostvars['xen1'].network_bridges
          | xenfleet.xen.planned_bridges('xen1', networks=network_plan, allotted=network_allotted) }}"
        said:
          ldap1: "{{ hostvars['ldap1'].ansible_host }}"
          ldap2: "{{ hostvars['ldap2'].ansible_host }}"
          six: "{{ lookup('xenfleet.xen.address', 'ldap2', network='services', version=6, prefix=true) }}"
          nobody: "{{ lookup('xenfleet.xen.address', 'nobody', default='none') }}"
          host: "{{ hostvars['xen1'].migration_address }}"
          bridges: "{{ bridges }}"
          hosts: "{{ network_allotted | xenfleet.xen.planned_hosts(networks=network_plan) }}"
          dnsmasq: "{{ network_allotted | xenfleet.xen.planned_dnsmasq(networks=network_plan, serve=['cluster', 'services'],
            bridges=bridges) }}"
"""


@pytest.fixture
def park(tmp_path: Path) -> Path:
    """An inventory with two guests, a host and two networks."""
    folder = tmp_path / "park"
    (folder / "group_vars/all").mkdir(parents=True)
    (folder / "hosts.yml").write_text(HOSTS)
    (folder / "group_vars/all/networks.yml").write_text(PLAN)
    return folder


def plan(park: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_ansible("ansible-playbook", "-i", str(park), "xenfleet.xen.addresses", *arguments)


def recorded(park: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((park / "group_vars/all/addresses.yml").read_text())["network_allotted"]
    return content


def test_the_plan_is_written_once_and_then_only_added_to(park: Path) -> None:
    checked = plan(park, "--check", "--diff")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "+      addresses: [10.10.0.11/24, 'fd00:10::" in checked.stdout
    assert not (park / "group_vars/all/addresses.yml").exists()
    assert "changed=1 " in plan(park).stdout
    first = recorded(park)
    assert sorted(first) == ["ldap1", "ldap2", "xen1"]
    assert [list(first[name]) for name in sorted(first)] == [
        ["services", "cluster"],
        ["services", "cluster"],
        ["services"],
    ]
    assert "changed=0 " in plan(park).stdout
    (park / "hosts.yml").write_text(HOSTS + "    aaa1:\n")
    assert "changed=1 " in plan(park).stdout
    assert {name: entry for name, entry in recorded(park).items() if name != "aaa1"} == first
    (park / "hosts.yml").write_text(HOSTS)
    assert "Kept, though it is not declared any more: aaa1 in services, aaa1 in cluster" in plan(park).stdout
    assert "changed=1 " in plan(park, "-e", "addresses_release=true").stdout
    assert recorded(park) == first


def test_everybody_is_told_the_same(park: Path, tmp_path: Path) -> None:
    assert plan(park).returncode == 0
    book, answer = tmp_path / "ask.yml", tmp_path / "answer.json"
    book.write_text(ASK)
    done = run_ansible("ansible-playbook", "-i", str(park), str(book), "-e", f"answer={answer}")
    assert done.returncode == 0, done.stdout + done.stderr
    said, given = yaml.safe_load(answer.read_text()), recorded(park)
    first = {name: networks["services"]["addresses"] for name, networks in given.items()}
    assert said["ldap1"] == "10.10.0.11"
    assert said["ldap2"] + "/24" == first["ldap2"][0]
    assert said["six"] == first["ldap2"][1]
    assert said["nobody"] == "none"
    assert said["host"] + "/24" == first["xen1"][0]
    assert said["bridges"][1]["addresses"] == first["xen1"]
    assert "10.10.0.11 ldap1.services ldap1" in said["hosts"]
    configuration = tmp_path / "dnsmasq.conf"
    configuration.write_text(said["dnsmasq"])
    test = subprocess.run(
        [DNSMASQ, "--test", f"--conf-file={configuration}"], capture_output=True, text=True, check=False
    )
    assert (test.returncode, test.stderr.strip()) == (0, "dnsmasq: syntax check OK.")


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        (
            "hosts.yml",
            HOSTS.replace("ldap2:", "ldap2: {guest_addresses: {services: 10.10.0.11}}"),
            "10.10.0.11 is of ldap1 and of",
        ),
        ("hosts.yml", HOSTS.replace("10.10.0.11", "10.11.0.11"), "is outside of the network services"),
        (
            "group_vars/all/networks.yml",
            PLAN.replace("10.0.0.0/24, gateway: 10.0.0.254", "10.10.0.0/16"),
            "the networks services and cluster overlap",
        ),
        (
            "group_vars/all/networks.yml",
            PLAN.replace(".100-10.10.0.199", ".100"),
            "gets no address: all of 10.10.0.100 in",
        ),
        ("group_vars/all.yml", "other: 1\n", "Move that file into the folder, as main.yml"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(park: Path, file: str, content: str, says: str) -> None:
    (park / file).write_text(content)
    done = plan(park)
    assert done.returncode != 0
    assert says in " ".join(done.stdout.split() + done.stderr.split())
    assert not (park / "group_vars/all/addresses.yml").exists()


def test_a_name_that_the_plan_does_not_know_has_no_address(park: Path, tmp_path: Path) -> None:
    done = run_ansible("ansible", "-i", str(park), "ldap1", "-m", "ansible.builtin.debug", "-a", "var=ansible_host")
    assert "ldap1 has no address by network_allotted; it has: nothing" in " ".join(done.stdout.split())
