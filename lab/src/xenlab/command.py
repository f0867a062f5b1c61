"""Run the programs the lab is made of, and say what is missing before it hurts."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from xenlab.errors import LabError

# Program to the Debian package that has it.
PACKAGE = {
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "unshare": "util-linux",
    "newuidmap": "uidmap",
}


def require(*programs: str) -> None:
    """Refuse to begin when a program is not there."""
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        packages = " ".join(sorted({PACKAGE.get(name, name) for name in missing}))
        raise LabError(f"Not found on this machine: {', '.join(missing)}. On Debian: apt-get install {packages}")


def tail(path: Path, lines: int = 15) -> list[str]:
    """The last lines of a log, readable on any terminal; nothing when there is no log."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - 64 * 1024))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    clean = "".join(c if c.isprintable() or c in "\n\t" else "" for c in text.replace("\r\n", "\n"))
    return [line for line in clean.split("\n") if line.strip()][-lines:]


def quoted(lines: Sequence[str]) -> str:
    """Log lines set off from the message they belong to."""
    return "".join(f"\n  | {line}" for line in lines)


def run(argv: Sequence[str], *, what: str, log: Path | None = None, advice: str = "") -> None:
    """Run to the end, output into the log; a failure becomes an error that carries the log's last lines."""
    try:
        if log is None:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
            )
            output = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()][-15:]
        else:
            with log.open("ab") as file:
                done_log = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False)
            if done_log.returncode == 0:
                return
            raise LabError(
                f"{what} failed: {argv[0]} ended with status {done_log.returncode}; the whole log is {log}.{_sentence(advice)}"
                + quoted(tail(log))
            )
    except OSError as error:
        raise LabError(f"{what} failed: {argv[0]} could not be run ({error.strerror}).{_sentence(advice)}") from error
    if done.returncode != 0:
        raise LabError(
            f"{what} failed: {argv[0]} ended with status {done.returncode}.{_sentence(advice)}" + quoted(output)
        )


def _sentence(advice: str) -> str:
    return f" {advice}" if advice else ""


def require_space(folder: Path, mib: int, purpose: str) -> None:
    """Refuse to begin what would fill the disk."""
    at = folder
    while not at.exists():
        at = at.parent
    free = shutil.disk_usage(at).free // (1024 * 1024)
    if free < mib:
        raise LabError(
            f"Not enough disk space for {purpose}: {free} MiB free under {at}, {mib} MiB wanted."
            " Free some, or point XDG_CACHE_HOME to a larger disk."
        )
