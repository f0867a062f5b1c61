"""SSH keys: the operator's, and the machines' own. Made here, where it takes no time."""

from __future__ import annotations

import os
from pathlib import Path

from xenlab.command import require, run
from xenlab.paths import Paths


def operator_key(paths: Paths) -> Path:
    """The key that opens every machine of every lab; made when it is not there."""
    return _key(paths.keys / "id_ed25519", "xenlab")


def peer_key(paths: Paths) -> Path:
    """The key by which the hosts of a lab reach each other, as migration over SSH needs it."""
    return _key(paths.home / "keys" / "peer", "xenlab-peer")


def host_key(paths: Paths, machine: str) -> Path:
    return _key(paths.home / "keys" / machine, machine)


def public(key: Path) -> str:
    return key.with_suffix(".pub").read_text(encoding="utf-8").strip()


def _key(path: Path, comment: str) -> Path:
    # The public half is written last: with it there, the pair is whole.
    if not path.with_suffix(".pub").exists() or not path.exists():
        require("ssh-keygen")
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_name(f"{path.name}.part{os.getpid()}")
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(part)], what="making an SSH key")
        os.replace(part, path)
        os.replace(f"{part}.pub", path.with_suffix(".pub"))
    return path


def host_alias(lab: str, machine: str) -> str:
    """The name under which a machine's key is known: its port changes, this does not."""
    return f"xenlab-{lab}-{machine}"


def write_known_hosts(paths: Paths, machines: list[str]) -> None:
    """Machines' keys are known before they first boot, so checking can be strict."""
    lines = []
    for machine in machines:
        kind, blob, *_ = public(host_key(paths, machine)).split()
        lines.append(f"{host_alias(paths.lab, machine)} {kind} {blob}\n")
    part = paths.known_hosts.with_suffix(".part")
    part.write_text("".join(lines), encoding="utf-8")
    os.replace(part, paths.known_hosts)
