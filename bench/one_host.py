"""Fifty guests of one host, by this collection and by community.libvirt, each against a libvirtd of its own.

Libvirt's test driver runs no guest: what is measured is Ansible, the modules and the daemon, not Xen.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.integration.private_libvirtd import DaemonFailed, private_libvirtd

from .errors import BenchFailed
from .guests import check_guests, declared_guests, libvirt_version, with_one_changed
from .peer import Peer, fetched_peer
from .phases import host_side
from .plays import Played, play, settings
from .report import table

AIM_OF_EMPTY = 1.5
AIM_OF_PEER = 15


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Attributes:
        name: how it is called there.
        playbook: the file in ``plays/``.
        changed: how many changes it has to report; None: whatever it reports.
        other_memory: whether one guest is declared with other memory than before.
        peer: the line of the peer's that does the same.
    """

    name: str
    playbook: str
    changed: int | None
    other_memory: bool = False
    peer: str | None = None


EMPTY = Case("empty playbook", "empty.yml", 0)
PING = Case("one task: ansible.builtin.ping", "ping.yml", 0)
PEER_MADE = Case("community.libvirt.virt in a loop, from nothing", "virt.yml", None)
PEER_AGAIN = Case("community.libvirt.virt in a loop, nothing to change", "virt.yml", None)
MADE = Case("xen_domains, from nothing", "xen_domains.yml", 1, peer=PEER_MADE.name)
AGAIN = Case("xen_domains, nothing to change", "xen_domains.yml", 0, peer=PEER_AGAIN.name)
LOOP = Case("xen_domain in a loop, nothing to change", "xen_domain.yml", 0, peer=PEER_AGAIN.name)
CHANGED = Case("xen_domains, memory of one guest", "xen_domains.yml", 1, other_memory=True)

BASE = (EMPTY, PING)
# In this order on one daemon: each finds what the one before has left.
OURS = (MADE, AGAIN, LOOP, CHANGED)
THEIRS = (PEER_MADE, PEER_AGAIN)


class Bench:
    """The measurements of one call.

    Args:
        count: how many guests.
        folder: for the guests' files and Ansible's.
        peer: what to compare with.
    """

    def __init__(self, count: int, folder: Path, peer: Peer | None) -> None:
        self.guests = declared_guests(count, folder)
        self.taken: dict[str, list[Played]] = defaultdict(list)
        self.libvirt = ""
        # What else the machine does: figures taken beside other work are worth little.
        self.load = os.getloadavg()[0]
        self._folder = folder
        self._peer = peer

    def warm_up(self) -> None:
        """Once for nothing: afterwards what all of them read lies in the machine's memory."""
        for case in BASE:
            play(case.playbook, self._variables("", self.guests), settings(self._folder))

    def repeat(self) -> None:
        """Measure everything once, each collection on a daemon that has no guest yet."""
        for case in BASE:
            self._measure(case, "", settings(self._folder))
        with private_libvirtd() as uri:
            self.libvirt = libvirt_version(uri)
            for case in OURS:
                self._measure(case, uri, settings(self._folder))
        if self._peer is None:
            return
        with private_libvirtd() as uri:
            for case in THEIRS:
                self._measure(case, uri, settings(self._folder) | self._peer.environment)

    def host_side(self) -> list[tuple[str, float]]:
        """Where the time goes on the host when nothing is to change."""
        with private_libvirtd() as uri:
            variables, environment = self._variables(uri, self.guests), settings(self._folder)
            play(MADE.playbook, variables, environment)
            parts = host_side(variables, environment, self._folder)
            check_guests(uri, self.guests)
            return parts

    def _measure(self, case: Case, uri: str, environment: dict[str, str]) -> None:
        guests = with_one_changed(self.guests) if case.other_memory else self.guests
        played = play(case.playbook, self._variables(uri, guests), environment)
        if case.changed is not None and played.changed != case.changed:
            raise BenchFailed(f"{case.name}: {played.changed} changes were reported, expected {case.changed}")
        if uri:
            check_guests(uri, guests)
        print(f"bench: {played.seconds:7.2f} s  {case.name}", file=sys.stderr, flush=True)
        self.taken[case.name].append(played)

    def _variables(self, uri: str, guests: list[dict[str, Any]]) -> Path:
        """The file of variables of the next play."""
        path = self._folder / "variables.json"
        path.write_text(json.dumps({"uri": uri, "guests": guests, "ansible_python_interpreter": sys.executable}))
        return path

    def seconds(self, name: str) -> float:
        """The median of a line."""
        return statistics.median(played.seconds for played in self.taken[name])

    def lines(self) -> list[list[str]]:
        """The table."""
        rows = [["", "seconds", "per guest", "of empty", "peer takes", "changed"]]
        for case in (*BASE, *OURS, *(THEIRS if self._peer else ())):
            seconds = self.seconds(case.name)
            each = "" if case in BASE else f"{seconds / len(self.guests) * 1000:.0f} ms"
            of_empty = f"{seconds / self.seconds(EMPTY.name):.2f} x"
            peer = f"{self.seconds(case.peer) / seconds:.1f} x" if case.peer and self._peer else ""
            changed = ", ".join(sorted({str(played.changed) for played in self.taken[case.name]}))
            rows.append([case.name, f"{seconds:.2f}", each, of_empty, peer, changed])
        return rows

    def aims(self) -> list[str]:
        """What nothing to change should cost, and what it costs."""
        again = self.seconds(AGAIN.name)
        of_empty = again / self.seconds(EMPTY.name)
        verdicts = [
            f"aim, nothing to change within {AIM_OF_EMPTY:g} times the empty playbook: "
            f"{_verdict(of_empty <= AIM_OF_EMPTY)} ({of_empty:.2f}); "
            f"one task that does nothing at all is {self.seconds(PING.name) / self.seconds(EMPTY.name):.2f}"
        ]
        if self._peer:
            faster = self.seconds(PEER_AGAIN.name) / again
            verdicts.append(
                f"aim, at least {AIM_OF_PEER} times faster than the peer's loop: "
                f"{_verdict(faster >= AIM_OF_PEER)} ({faster:.1f})"
            )
        return verdicts


def _verdict(met: bool) -> str:
    return "met" if met else "missed"


def main() -> int:
    """Measure and print."""
    options = _options()
    try:
        peer = fetched_peer() if options.peer else None
        with tempfile.TemporaryDirectory(prefix="xenfleet-bench-") as name:
            bench = Bench(options.guests, Path(name), peer)
            bench.warm_up()
            for _ in range(options.repeats):
                bench.repeat()
            parts = bench.host_side()
    except (BenchFailed, DaemonFailed) as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    print(f"\n{options.guests} guests of one host, {options.repeats} times, medians; {_versions(bench, peer)}\n")
    print(table(bench.lines()))
    print("\n" + "\n".join(bench.aims()))
    print("\nOn the host, xen_domains with nothing to change:\n")
    print(table([[part, f"{seconds * 1000:.0f} ms"] for part, seconds in parts]))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("--guests", type=int, default=50, help="how many (50)")
    parser.add_argument("--repeats", type=int, default=3, help="how often each is measured; the median is shown (3)")
    parser.add_argument("--no-peer", dest="peer", action="store_false", help="without community.libvirt")
    options = parser.parse_args()
    if options.guests < 1 or options.repeats < 1:
        parser.error("there is nothing to measure")
    return options


def _versions(bench: Bench, peer: Peer | None) -> str:
    parts = [
        f"ansible-core {version('ansible-core')}",
        f"libvirt {bench.libvirt}",
        *([f"community.libvirt {peer.version}"] if peer else []),
        f"Python {platform.python_version()}",
        f"{os.cpu_count()} CPUs, load {bench.load:.1f} before",
    ]
    return ", ".join(parts)


if __name__ == "__main__":
    sys.exit(main())
