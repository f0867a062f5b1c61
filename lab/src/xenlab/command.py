"""Run the programs the lab is made of, and say what is missing before it hurts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from xenlab.errors import LabError

# What a terminal would take as an order: colours, and questions about its size.
_ESCAPES = re.compile(r"\x1b(\[[0-9;?!]*[A-Za-z]|\][^\x07\x1b]*(\x07|\x1b\\)|[A-Za-z0-9=>])")

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
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 64 * 1024))
            return _readable(file.read(), lines)
    except FileNotFoundError:
        return []


def _readable(text: bytes, lines: int) -> list[str]:
    plain = _ESCAPES.sub("", text.decode("utf-8", "replace")).replace("\r", "\n")
    clean = "".join(c for c in plain if c.isprintable() or c in "\n\t")
    return [line for line in clean.split("\n") if line.strip()][-lines:]


def quoted(lines: Sequence[str]) -> str:
    """Log lines set off from the message they belong to."""
    return "".join(f"\n  | {line}" for line in lines)


def run(
    argv: Sequence[str], *, what: str, log: Path | None = None, advice: str = "", temporary: Path | None = None
) -> None:
    """Run to the end, output into the log; a failure becomes an error that carries the last lines of the output."""
    environment = {**os.environ, **({"TMPDIR": str(temporary)} if temporary else {})}
    with log.open("ab") if log else tempfile.TemporaryFile() as output:
        try:
            with subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
            ) as child:
                status = _await(child)
        except OSError as error:
            raise LabError(
                f"{what} failed: {argv[0]} could not be run ({error.strerror}).{_sentence(advice)}"
            ) from error
        if status == 0:
            return
        lines = tail(log) if log else _last_lines(output)
    where = f" The whole log is {log}." if log else ""
    raise LabError(f"{what} failed: {argv[0]} ended with status {status}.{where}{_sentence(advice)}" + quoted(lines))


def _await(child: subprocess.Popen[bytes]) -> int:
    """When we are interrupted, the program gets the chance to tidy up before it is ended for certain."""
    try:
        return child.wait()
    except BaseException:
        child.terminate()
        try:
            child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            child.kill()
        raise


def _last_lines(output: IO[bytes]) -> list[str]:
    output.seek(0)
    return _readable(output.read(), 15)


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
