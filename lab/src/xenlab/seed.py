"""What makes a machine itself, as a tar file that it unpacks at its first boot."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

from xenlab import core_network, keys
from xenlab.paths import Paths
from xenlab.state import State
from xenlab.topology import ALL_MACHINES, CORE_MACHINE, HOSTS, Machine


def files(paths: Paths, machine: Machine, state: State) -> dict[str, tuple[str, int]]:
    """Path to text and mode."""
    own = keys.host_key(paths, machine.name)
    allowed = [keys.public(keys.operator_key(paths))]
    found = {
        "etc/hostname": (f"{machine.name}\n", 0o644),
        "etc/hosts": (hosts_file(), 0o644),
        "etc/ssh/ssh_host_ed25519_key": (own.read_text(encoding="utf-8"), 0o600),
        "etc/ssh/ssh_host_ed25519_key.pub": (keys.public(own) + "\n", 0o644),
    }
    if machine is CORE_MACHINE:
        found.update({name: (text, 0o644) for name, text in core_network.all_files(state).items()})
    else:
        peer = keys.peer_key(paths)
        allowed.append(keys.public(peer))
        found["root/.ssh/id_ed25519"] = (peer.read_text(encoding="utf-8"), 0o600)
        found["root/.ssh/known_hosts"] = (_peers(paths), 0o600)
    found["root/.ssh/authorized_keys"] = ("\n".join(allowed) + "\n", 0o600)
    return found


def hosts_file() -> str:
    """A host's own name must lead to an address that others can reach: migration listens where it leads."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback"]
    lines += [f"{host.address(30)} {host.name}" for host in HOSTS]
    lines.append(f"{CORE_MACHINE.address(20)} {CORE_MACHINE.name}")
    return "\n".join(lines) + "\n"


def _peers(paths: Paths) -> str:
    lines = []
    for host in HOSTS:
        kind, blob, *_ = keys.public(keys.host_key(paths, host.name)).split()
        names = ",".join([host.name, *(host.address(vlan) for vlan in (10, 20, 30))])
        lines.append(f"{names} {kind} {blob}\n")
    return "".join(lines)


def write(paths: Paths, machine: Machine, state: State, target: Path) -> None:
    """The tar as a raw disk: whole sectors, which tar's records are anyway."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, (text, mode) in sorted(files(paths, machine, state).items()):
            content = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    part = target.with_suffix(".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(buffer.getvalue())
    os.replace(part, target)


def all_host_keys(paths: Paths) -> None:
    """Every key a lab can need, so that machines added later are already known to the first ones."""
    for machine in ALL_MACHINES:
        keys.host_key(paths, machine.name)
    keys.peer_key(paths)
    keys.operator_key(paths)
