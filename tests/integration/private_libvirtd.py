"""A libvirtd of its own with libvirt's test driver: for tests and benchmarks that work against a real daemon."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import libvirt

if TYPE_CHECKING:
    from collections.abc import Iterator

START_TIMEOUT_S = 20.0


class DaemonFailed(RuntimeError):
    """There is no private libvirtd to be had."""


def _ignore_libvirt_error(_context: object, _error: object) -> None:
    """Keep libvirt from printing to stderr what it raises anyhow."""


def _wait_for_connection(uri: str, daemon: subprocess.Popen[bytes], log: Path) -> libvirt.virConnect:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        if daemon.poll() is not None:
            raise DaemonFailed(f"libvirtd ended with {daemon.returncode} at its start:\n{log.read_text()}")
        try:
            return libvirt.open(uri)
        except libvirt.libvirtError as error:
            if time.monotonic() > deadline:
                words = f"libvirtd gave no connection in {START_TIMEOUT_S:g} s: {error}\n{log.read_text()}"
                raise DaemonFailed(words) from error
        time.sleep(0.05)


@contextlib.contextmanager
def private_libvirtd() -> Iterator[str]:
    """Run a libvirtd of its own, as root or not, and yield the URI of its test driver.

    It loads no driver but the built-in test driver (an empty LIBVIRT_DRIVER_DIR), so it manages nothing of this
    machine and needs neither the user libvirt-qemu nor D-Bus. The test driver forgets everything with its last connection,
    so one stays open as long as the daemon runs.

    Raises:
        DaemonFailed: the program is missing, ends at its start, or does not answer.
    """
    program = shutil.which("libvirtd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        raise DaemonFailed("libvirtd is missing: run tools/setup")
    libvirt.registerErrorHandler(_ignore_libvirt_error, None)
    # A short path: the name of a unix socket may have no more than 107 characters.
    with tempfile.TemporaryDirectory(prefix="xenfleet-") as name:
        folder = Path(name)
        drivers = folder / "drivers"
        drivers.mkdir()
        socket = folder / "libvirt-sock"
        config = folder / "libvirtd.conf"
        config.write_text(
            f'unix_sock_dir = "{folder}"\nauth_unix_ro = "none"\nauth_unix_rw = "none"\n'
            'max_clients = 200\nmax_workers = 40\nmax_client_requests = 20\nlog_outputs = "3:stderr"\n'
        )
        environment = {
            "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin",
            "LIBVIRT_DRIVER_DIR": str(drivers),
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
        }
        log = folder / "log"
        with log.open("wb") as output:
            daemon = subprocess.Popen(
                [program, "-f", str(config), "-p", str(folder / "pid")],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            uri = f"test+unix:///default?socket={socket}"
            connection = _wait_for_connection(uri, daemon, log)
            yield uri
            connection.close()
        finally:
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
