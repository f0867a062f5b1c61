# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change that the host takes back by itself unless it is confirmed; implements ``ports.network.NetworkGuard``.

The former state lies in a folder of root's. A timer of systemd starts the program beside it (``fall_back.py``) when the time is
over, and a unit starts it before the network comes up when the host was started anew in between. None of these needs the
controller, the connection, or the process that applies the change; all of them are gone when nothing waits any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import inspect
import json
import os
import shutil
import stat
import sys
import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed, XenfleetError
from ansible_collections.xenfleet.xen.plugins.module_utils.files import write_whole
from ansible_collections.xenfleet.xen.plugins.module_utils.model.confirmation import FileChange, Report, Stage
from ansible_collections.xenfleet.xen.plugins.module_utils.network import fall_back
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands

FOLDER = "var/lib/xenfleet/network"
_COMMAND_SECONDS = 60
_CLOCK = "%Y-%m-%d %H:%M:%S UTC"
# The module's answer has to reach the controller before its connection can break: it has ended, and a moment has passed.
_END_SECONDS = 10.0
_START_SECONDS = 1.0

_SERVICE_TEXT = """\
[Unit]
Description=The former network of this host, when the change of it was not confirmed
DefaultDependencies=no
RequiresMountsFor={folder}
ConditionPathExists={folder}/waiting/before.json
Wants=network-pre.target
After=local-fs.target
Before=network-pre.target systemd-networkd.service networking.service NetworkManager.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
ExecStart={python} {folder}/fall_back.py {folder}
TimeoutStartSec=300
"""
_TIMER_TEXT = """\
[Unit]
Description=Time to confirm the change of this host's network

[Timer]
OnActiveSec={seconds}s
AccuracySec=100ms
Unit={service}
"""


class HostGuard:
    """What is kept on the host while a change waits.

    Args:
        commands: how to run programs.
        root: the top of the host's file system.
        python: the interpreter for the program that falls back.
    """

    def __init__(self, commands: Commands, root: Path = Path("/"), python: str = sys.executable) -> None:
        self._commands = commands
        self._root = root
        self._python = python
        self._folder = root / FOLDER
        self._waiting = self._folder / "waiting"

    def report(self, token: str | None = None) -> Report:
        """What has become of a change; without a token, of the one that waits."""
        before = _read(self._waiting / "before.json")
        if before and token in (None, before.get("token")):
            failed = _read(self._waiting / "failure.json")
            applied = _read(self._waiting / "applied.json")
            over = _now() > datetime.strptime(before["until"], _CLOCK).replace(tzinfo=UTC)
            stage = Stage.RESTORING if failed or over else Stage.APPLIED if applied else Stage.APPLYING
            return _report(stage, {**before, **applied, **failed})
        last = _read(self._folder / "last.json")
        if token is not None and last.get("token") == token:
            return _report(Stage(last["stage"]), last)
        return Report(Stage.UNKNOWN, token)

    def arm(self, token: str, seconds: int, names: Collection[str], files: Mapping[str, FileChange]) -> Report:
        """Keep what is there now, and start the clock.

        Args:
            token: whose change it is.
            seconds: after which it is taken back.
            names: the interfaces that are changed.
            files: the files that are changed.

        Raises:
            CommandFailed: it cannot be kept, or systemd does not take the timer; nothing is left behind.
        """
        begun = _now()
        until = begun + timedelta(seconds=seconds)
        try:
            self._write_units(seconds)
            self._keep(
                {
                    "token": token,
                    "begun": begun.strftime(_CLOCK),
                    "until": until.strftime(_CLOCK),
                    "boot": fall_back.boot_id(self._root),
                    "names": sorted(names),
                    "asking": [name for name in sorted(names) if fall_back.endings(self._root, name)],
                    "files": {path: self._kept(path, one.before) for path, one in files.items()},
                    **fall_back.picture(lambda argv: self._commands.run(argv, timeout=_COMMAND_SECONDS).stdout),
                }
            )
            self._commands.run(["systemctl", "daemon-reload"], timeout=_COMMAND_SECONDS)
            self._commands.run(["systemctl", "start", fall_back.TIMER], timeout=_COMMAND_SECONDS)
        except (OSError, XenfleetError) as error:
            shutil.rmtree(self._waiting, ignore_errors=True)
            fall_back.retire(self._root, self._quietly)
            raise CommandFailed(
                "the former network cannot be kept for falling back to it",
                found=str(error),
                remedy="Nothing was changed.",
            ) from error
        os.sync()
        return self.report(token)

    def detach(self, work: Callable[[], Sequence[str]]) -> None:
        """Do the work in a process of its own, which needs neither this one nor its connection."""
        module = Path("/proc") / str(os.getpid())
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            return
        try:
            os.setsid()
            if os.fork() == 0:
                nowhere = os.open(os.devnull, os.O_RDWR)
                for descriptor in (0, 1, 2):
                    os.dup2(nowhere, descriptor)
                self.work(work, lambda: _wait_for_end(module))
        finally:
            os._exit(0)

    def work(self, work: Callable[[], Sequence[str]], wait: Callable[[], None] = lambda: None) -> None:
        """Do the work and note how it went; what went wrong is taken back at once."""
        with (self._waiting / "worker").open("w", encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            handle.write(str(os.getpid()))
            handle.flush()
            wait()
            try:
                warnings = work()
            except Exception as error:
                words = str(error) if isinstance(error, XenfleetError) else traceback.format_exc(limit=-3)
                self._note("failure", {"words": words})
                self._quietly(["systemctl", "start", "--no-block", fall_back.SERVICE])
                if not isinstance(error, XenfleetError):
                    raise
            else:
                self._note("applied", {"warnings": list(warnings)})

    def confirm(self, token: str) -> Report:
        """Let a change that was applied be; what has become of it."""
        if self.report(token).stage is not Stage.APPLIED:
            return self.report(token)
        with fall_back.locked(self._folder):
            if self.report(token).stage is Stage.APPLIED:
                before = _read(self._waiting / "before.json")
                fall_back.conclude(self._folder, before, {"stage": Stage.CONFIRMED.value})
                fall_back.retire(self._root, self._quietly)
        return self.report(token)

    def _keep(self, before: Mapping[str, Any]) -> None:
        """Write what is needed to fall back, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(stat.S_IRWXU)
        write_whole(self._folder / "fall_back.py", inspect.getsource(fall_back).encode(), 0o600)
        fresh = self._folder / "waiting.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(self._waiting, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        write_whole(fresh / "before.json", json.dumps(before).encode(), 0o600)
        fresh.rename(self._waiting)

    def _kept(self, path: str, text: str | None) -> Mapping[str, Any] | None:
        """A file's contents and permissions."""
        if text is None:
            return None
        return {"text": text, "mode": stat.S_IMODE((self._root / path.lstrip("/")).stat().st_mode)}

    def _write_units(self, seconds: int) -> None:
        """The unit that falls back, at the next start too, and the timer that starts it."""
        link, service, timer = (self._root / unit for unit in fall_back.UNITS)
        link.parent.mkdir(parents=True, exist_ok=True)
        text = _SERVICE_TEXT.format(folder=f"/{FOLDER}", python=self._python)
        write_whole(service, text.encode(), 0o644)
        write_whole(timer, _TIMER_TEXT.format(seconds=seconds, service=fall_back.SERVICE).encode(), 0o644)
        link.unlink(missing_ok=True)
        link.symlink_to(f"/{fall_back.UNITS[1]}")

    def _note(self, name: str, content: Mapping[str, Any]) -> None:
        """How far it is; when the change was taken back meanwhile, nobody asks any more."""
        with contextlib.suppress(FileNotFoundError):
            write_whole(self._waiting / f"{name}.json", json.dumps(content).encode(), 0o600)

    def _quietly(self, argv: Sequence[str]) -> str:
        """Run a program that may fail."""
        with contextlib.suppress(XenfleetError):
            return self._commands.run(argv, check=False, timeout=_COMMAND_SECONDS).stdout
        return ""


def _wait_for_end(process: Path) -> None:
    """Wait until a process has ended, and a moment longer."""
    end = time.monotonic() + _END_SECONDS
    while process.exists() and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(_START_SECONDS)


def _read(file: Path) -> dict[str, Any]:
    """A note; empty when there is none."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _report(stage: Stage, notes: Mapping[str, Any]) -> Report:
    """A report from notes."""
    return Report(
        stage,
        notes.get("token"),
        notes.get("begun"),
        notes.get("until"),
        notes.get("ended"),
        notes.get("words"),
        bool(notes.get("at_start")),
        tuple(notes.get("incomplete") or ()),
        tuple(notes.get("warnings") or ()),
    )


def _now() -> datetime:
    """The time, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
