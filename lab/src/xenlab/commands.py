"""What each word of the command line does."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from contextlib import AbstractContextManager

from xenlab import bench as figures
from xenlab import console as terminal
from xenlab import images, topology
from xenlab import inventory as ansible
from xenlab import ssh as shell
from xenlab import status as overview
from xenlab.command import tail
from xenlab.errors import LabError
from xenlab.fleet import Fleet
from xenlab.lock import locked
from xenlab.paths import Paths
from xenlab.progress import say
from xenlab.recipe import recipe


def _locked(lab: str) -> AbstractContextManager[None]:
    return locked(Paths.of(lab).lock, f"the lab '{lab}'")


def build(chosen: argparse.Namespace) -> int:
    paths = Paths.of(chosen.lab)
    wanted = [
        recipe("core", "13"),
        recipe("xen", chosen.debian),
        *([recipe("plain", chosen.debian)] if chosen.plain else []),
    ]
    for one in wanted:
        if images.cached(paths, one):
            say(f"image {one.name}: is in the cache")
        images.ensure(paths, one)
    return 0


def up(chosen: argparse.Namespace) -> int:
    machines = topology.wanted(chosen.hosts, chosen.plain)
    with _locked(chosen.lab):
        Fleet.of(chosen.lab).up(machines, chosen.debian, chosen.timeout)
    return 0


def down(chosen: argparse.Namespace) -> int:
    with _locked(chosen.lab):
        _down(chosen.lab, discard=chosen.discard)
    return 0


def _down(lab: str, *, discard: bool) -> None:
    paths = Paths.of(lab)
    if not discard:
        Fleet.of(lab).down(gently=True)
        return
    # Without reading the lab's memory: this is also the way out when that is damaged.
    Fleet.forgetful(lab).down(gently=False)
    shutil.rmtree(paths.home, ignore_errors=True)
    say(f"the lab '{lab}': disks removed")


def clean(chosen: argparse.Namespace) -> int:
    paths = Paths.of(chosen.lab)
    for lab in sorted(path.name for path in paths.labs.glob("*") if path.is_dir()):
        with _locked(lab):
            _down(lab, discard=True)
    images.remove_all(paths)
    shutil.rmtree(paths.root, ignore_errors=True)
    say(f"{paths.root}: removed")
    return 0


def status(chosen: argparse.Namespace) -> int:
    print(overview.text(Fleet.of(chosen.lab)))
    return 0


def ssh(chosen: argparse.Namespace) -> int:
    fleet = Fleet.of(chosen.lab)
    one = fleet.require_running(chosen.host)
    remote = chosen.command[1:] if chosen.command[:1] == ["--"] else chosen.command
    argv = shell.command(fleet.paths, fleet.state, one.name, remote, tty=not remote and sys.stdin.isatty())
    sys.stdout.flush()
    # In place of this process: signals, input, output and exit status are then SSH's own.
    os.execvp(argv[0], argv)


def console(chosen: argparse.Namespace) -> int:
    fleet = Fleet.of(chosen.lab)
    one = fleet.require_running(chosen.host)
    return terminal.attach(fleet.paths.console_socket(one.name), one.name)


def link(chosen: argparse.Namespace) -> int:
    one = topology.link(chosen.name)
    with _locked(chosen.lab):
        fleet = Fleet.of(chosen.lab)
        if one.host not in fleet.state.machines:
            raise LabError(f"{one.host} is not part of the lab '{chosen.lab}': there is no cable {one.name}.")
        fleet.set_link(one, whole=chosen.deed == "mend")
    return 0


def kill(chosen: argparse.Namespace) -> int:
    with _locked(chosen.lab):
        fleet = Fleet.of(chosen.lab)
        fleet.kill(fleet.require_running(chosen.host))
    return 0


def start(chosen: argparse.Namespace) -> int:
    one = topology.machine(chosen.host)
    with _locked(chosen.lab):
        Fleet.of(chosen.lab).start(one, chosen.timeout)
    return 0


def port(chosen: argparse.Namespace) -> int:
    one = topology.machine(chosen.host)
    with _locked(chosen.lab):
        Fleet.of(chosen.lab).set_port(one, chosen.mode)
    return 0


def inventory(chosen: argparse.Namespace) -> int:
    fleet = Fleet.of(chosen.lab)
    render = ansible.as_json if chosen.format == "json" else ansible.as_yaml
    print(render(fleet.paths, fleet.state, fleet.running()))
    return 0


def logs(chosen: argparse.Namespace) -> int:
    one = topology.machine(chosen.host)
    log = Paths.of(chosen.lab).console_log(one.name)
    lines = tail(log, chosen.lines)
    if not lines:
        raise LabError(
            f"{one.name} has no console log in the lab '{chosen.lab}': it has not run since the last 'down --discard'."
        )
    print("\n".join(lines))
    return 0


def bench(chosen: argparse.Namespace) -> int:
    print(figures.table(Fleet.of(chosen.lab)))
    return 0
