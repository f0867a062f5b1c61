"""All machines of one lab together: up, down, and single ones between."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from xenlab import boot, core_network, disks, images, keys, ports, process, seed, ssh
from xenlab.command import require, require_space
from xenlab.errors import LabError
from xenlab.paths import Paths
from xenlab.progress import Phase, say
from xenlab.qemu import BINARY
from xenlab.recipe import recipe
from xenlab.state import LACP, MachineState, State, load, save
from xenlab.topology import ALL_MACHINES, CORE, CORE_MACHINE, Link, Machine, machine

# What QEMU itself needs beside its machine's memory, translated code above all.
_OVERHEAD_MIB = 700
# What a machine's disks grow by in ordinary use.
_DISK_MIB = 700


@dataclass
class Fleet:
    """One lab's machines. Whoever changes anything holds the lab's lock."""

    paths: Paths
    state: State

    @classmethod
    def of(cls, lab: str) -> Fleet:
        paths = Paths.of(lab)
        return cls(paths, load(paths.state))

    @classmethod
    def forgetful(cls, lab: str) -> Fleet:
        """The lab without its memory, to be removed whatever that memory looks like."""
        return cls(Paths.of(lab), State())

    def running(self) -> set[str]:
        return {one.name for one in ALL_MACHINES if process.running(self.paths, one.name) is not None}

    def save(self) -> None:
        save(self.paths.state, self.state)

    def require_running(self, name: str) -> Machine:
        one = machine(name)
        if process.running(self.paths, name) is None:
            there = ", ".join(sorted(self.running())) or "none"
            raise LabError(
                f"{name} is not running in the lab '{self.paths.lab}' (running: {there}). Start it with 'up' or 'start {name}'."
            )
        return one

    def up(self, machines: list[Machine], debian: str, timeout: float) -> None:
        """Make, start and await what is not there yet."""
        running = self.running()
        missing = [one for one in machines if one.name not in running]
        if missing:
            self._prepare(missing, debian, alone=not running)
        self._together([(one, one in missing) for one in machines], timeout)

    def start(self, one: Machine, timeout: float) -> None:
        """Boot a machine that was made before, with its disks."""
        if one.name not in self.state.machines:
            raise LabError(f"{one.name} has never been part of the lab '{self.paths.lab}'. 'up' makes machines.")
        running = self.running()
        if one.name not in running:
            self._prepare([one], self.state.machines[one.name].debian, alone=not running)
        self._together([(one, one.name not in running)], timeout)

    def _prepare(self, missing: list[Machine], debian: str, *, alone: bool) -> None:
        require(BINARY, "qemu-img", "ssh", "ssh-keygen")
        wanted = sum(one.memory_mib + _OVERHEAD_MIB for one in missing)
        free = process.memory_free_mib()
        if free < wanted:
            raise LabError(
                f"Not enough memory: {wanted} MiB wanted for {', '.join(one.name for one in missing)}, {free} MiB free."
                " Take fewer hosts, or end something else."
            )
        for one in missing:
            self._decide(one, debian)
        require_space(self.paths.home, _DISK_MIB * len(missing), f"the disks of {len(missing)} machines")
        seed.all_host_keys(self.paths)
        keys.write_known_hosts(self.paths, [one.name for one in ALL_MACHINES])
        if alone:
            self.state.link_ports = ports.link_block(self.state.link_ports, self.paths.lab)
        for one in missing:
            taken = {own.ssh_port for name, own in self.state.machines.items() if name != one.name}
            own = self.state.machines[one.name]
            own.ssh_port = ports.ssh_port(own.ssh_port, taken, self.paths.lab, one.name)
            self.save()
            disks.ensure(self.paths, one, self.state)

    def _decide(self, one: Machine, debian: str) -> None:
        """Which image a machine is made from. One that has a disk keeps it."""
        release = "13" if one.kind == "core" else debian
        own = self.state.machines.get(one.name)
        if own and disks.root_disk(self.paths, one).exists():
            if own.debian != release:
                say(f"{one.name}: keeps its disk with Debian {own.debian}; 'down --discard' first makes it anew")
            return
        image = images.ensure(self.paths, recipe(one.kind, release))
        port = own.ssh_port if own else 0
        self.state.machines[one.name] = MachineState(release, image.key, port)
        self.save()

    def _together(self, work: list[tuple[Machine, bool]], timeout: float) -> None:
        """As many machines boot at a time as there are processors: more would only slow each other down."""
        stop = threading.Event()
        pool = ThreadPoolExecutor(max_workers=max(1, os.cpu_count() or 1))
        futures = {pool.submit(self._boot, one, fresh, timeout, stop): one for one, fresh in work}
        try:
            wait(futures)
        except BaseException:
            stop.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        errors = [str(error) for future in futures if (error := _error(future))]
        for future, one in futures.items():
            seconds = None if _error(future) else future.result()
            if seconds is not None:
                own = self.state.machines[one.name]
                own.boots = [*own.boots, round(seconds, 1)][-20:]
        self.save()
        if errors:
            raise LabError("\n".join(errors))

    def _boot(self, one: Machine, fresh: bool, timeout: float, stop: threading.Event) -> float | None:
        """Seconds to the answer of a machine that was started now; None for one that was there."""
        if fresh and not stop.is_set():
            boot.launch(self.paths, one, self.state)
            return boot.await_ssh(self.paths, one, self.state, timeout, stop, "booting")
        if ssh.greets(self.state.machines[one.name].ssh_port):
            say(f"{one.name}: is up")
            return None
        boot.await_ssh(self.paths, one, self.state, timeout, stop, "running, waiting for SSH")
        return None

    def down(self, *, gently: bool) -> None:
        """Hosts first: they have the filer's file system mounted."""
        running = self.running()
        hosts = [one for one in ALL_MACHINES if one.name in running and one.name != CORE]
        for group in (hosts, [CORE_MACHINE] if CORE in running else []):
            with ThreadPoolExecutor(max_workers=8) as pool:
                list(pool.map(lambda one: self._off(one, gently), group))

    def _off(self, one: Machine, gently: bool) -> None:
        current = Phase(one.name, "going down")
        if gently and ssh.greets(self.state.machines[one.name].ssh_port) and self._power_off(one):
            current.done("off")
            return
        process.kill(self.paths, one.name)
        current.done("power cut")

    def _power_off(self, one: Machine, patience: float = 60.0) -> bool:
        try:
            ssh.do(self.paths, self.state, one.name, "systemctl poweroff --no-block", "switching off", patience=30)
        except LabError:
            return False
        return process.gone(self.paths, one.name, patience)

    def kill(self, one: Machine) -> None:
        process.kill(self.paths, one.name)
        say(f"{one.name}: power cut")

    def set_link(self, link: Link, *, whole: bool) -> None:
        """Cut or mend a cable at both of its ends; remembered for ends that are not running."""
        self.state.cut = sorted({*self.state.cut} - {link.name} if whole else {*self.state.cut, link.name})
        self.save()
        for end in (link.host, CORE):
            if process.running(self.paths, end) is not None:
                boot.set_link(self.paths, end, link.name, whole=whole)
        say(f"{link.name}: {'whole' if whole else 'cut'}")

    def set_port(self, host: Machine, mode: str) -> None:
        """How core treats a host's two links."""
        if not host.links:
            raise LabError("core has no links to itself: name a host.")
        self.require_running(CORE)
        script = core_network.switch_script(host, mode)
        ssh.do(self.paths, self.state, CORE, script, f"rearranging its ports for {host.name}")
        self.state.port_modes[host.name] = mode
        if mode == LACP:
            del self.state.port_modes[host.name]
        self.save()
        say(f"{host.name}: core treats its links as {'one 802.3ad bond' if mode == LACP else 'two plain bridge ports'}")


def _error(future: Future[float | None]) -> BaseException | None:
    return future.exception()
