"""The filters from_xl_cfg and to_xl_cfg, run by the real Ansible."""

from __future__ import annotations

import json
from pathlib import Path

import libvirt

from .playing import play

CFG = """name = "web1"
type = "pvh"
memory = 512
kernel = "/srv/guests/images/vmlinuz"
cmdline = "root=/dev/xvda {{ 6 * 7 }}"
disk = [ "/dev/vg0/web1,raw,xvda,rw,no-discard,direct-io-safe" ]
vif = [ "mac=00:16:3e:00:00:01,bridge=xenbr10,ip=10.10.0.31/24" ]
vnc = "{{ lookup('ansible.builtin.pipe', 'id') }}"
"""
OPTIONS = {
    "name": "web1",
    "type": "pvh",
    "memory": "512 MiB",
    "kernel": "/srv/guests/images/vmlinuz",
    "cmdline": "root=/dev/xvda {{ 6 * 7 }}",
    "disks": [
        {
            "target": "xvda",
            "source": "/dev/vg0/web1",
            "format": "raw",
            "readonly": False,
            "shareable": False,
            "discard": False,
        }
    ],
    "networks": [{"mac": "00:16:3e:00:00:01", "bridge": "xenbr10", "addresses": ["10.10.0.31/24"]}],
}
UNKNOWN = {"vnc": "{{ lookup('ansible.builtin.pipe', 'id') }}", "disks[xvda].direct-io-safe": True}


def test_a_file_is_taken_over_and_written_without_running_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "web1.cfg").write_text(CFG)
    (tmp_path / "program.cfg").write_text("name = 'a'\nimport os\n")
    read = f"lookup('ansible.builtin.file', '{tmp_path}/web1.cfg') | xenfleet.xen.from_xl_cfg"
    results = play(
        [
            {"ansible.builtin.set_fact": {"taken": f"{{{{ {read} }}}}"}},
            {"ansible.builtin.debug": {"msg": "{{ taken }}"}},
            {"ansible.builtin.debug": {"msg": "{{ taken | xenfleet.xen.to_xl_cfg | xenfleet.xen.from_xl_cfg }}"}},
            {"ansible.builtin.debug": {"msg": "{{ taken.options | xenfleet.xen.to_xl_cfg }}"}},
            {
                "ansible.builtin.debug": {
                    "msg": f"{{{{ lookup('ansible.builtin.file', '{tmp_path}/program.cfg') | xenfleet.xen.from_xl_cfg }}}}"
                }
            },
            {"ansible.builtin.debug": {"msg": "{{ {'name': 'web1', 'memory': 'lots'} | xenfleet.xen.to_xl_cfg }}"}},
            {"ansible.builtin.debug": {"msg": "{{ 5 | xenfleet.xen.from_xl_cfg }}"}},
            {"ansible.builtin.debug": {"msg": "{{ 'text' | xenfleet.xen.to_xl_cfg }}"}},
        ],
        tmp_path,
    )
    _fact, taken, again, written, program, lots, number, text = results
    for result in (taken, again):
        assert (result["msg"]["options"], result["msg"]["unknown"]) == (OPTIONS, UNKNOWN)
    assert 'cmdline = "root=/dev/xvda {{ 6 * 7 }}"\n' in written["msg"]
    for result, words in (
        (program, "line 2 cannot be read; found: 'import os'; expected: key = value"),
        (lots, "to_xl_cfg: memory: it is no size"),
        (number, "from_xl_cfg takes the text of a configuration file, not int"),
        (text, "to_xl_cfg takes the options of a guest, not "),
    ):
        assert result["failed"]
        assert words in result["msg"]


def test_a_file_with_a_password_is_defined_by_what_the_page_says(tmp_path: Path, fresh_libvirt_uri: str) -> None:
    kernel = tmp_path / "vmlinuz"
    kernel.touch()
    for name, screen in (("web1", "vfb = [ 'vncunused=1,vncpasswd={{ s3cret }}' ]"), ("web2", "")):
        (tmp_path / f"{name}.cfg").write_text(f"name = '{name}'\nmemory = 64\nkernel = '{kernel}'\n{screen}\n")
    tasks = [
        {
            "xenfleet.xen.xen_domains": {
                "uri": fresh_libvirt_uri,
                "domains": ["{{ taken.options | combine({'state': 'present', 'graphics_password': none}) }}"],
                "graphics_passwords": "{{ {taken.options.name: taken.options.graphics_password | default('')} }}",
            },
            "vars": {
                "taken": f"{{{{ lookup('ansible.builtin.file', '{tmp_path}/{name}.cfg') | xenfleet.xen.from_xl_cfg }}}}"
            },
        }
        for name in ("web1", "web2")
    ]
    results = play(tasks, tmp_path, "--diff")
    assert [(result["failed"], result["changed"]) for result in results] == [(False, True)] * 2
    assert "s3cret" not in json.dumps(results)
    there = libvirt.open(fresh_libvirt_uri).lookupByName("web1")
    assert "passwd='{{ s3cret }}'" in there.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE)
