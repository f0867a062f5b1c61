# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs on the host: argument lists only (never a shell), the C locale, errors with the program's own words."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed, NotFound
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult


class HostCommands:
    """Runs programs on this machine; implements ``ports.commands.Commands``."""

    def has(self, program: str) -> bool:
        """Whether the program can be found."""
        return shutil.which(program, path=_search_path()) is not None

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: str | None = None,
        timeout: float | None = None,
        check: bool = True,
    ) -> CommandResult:
        """Run a program to its end.

        Args:
            argv: program and arguments, passed as they are.
            stdin: text for its standard input.
            timeout: seconds after which it is killed.
            check: raise ``CommandFailed`` when it exits with another status than 0.

        Raises:
            NotFound: the program is not installed.
            CommandFailed: it failed (with ``check``) or took longer than ``timeout``.
        """
        environment = {**os.environ, "LC_ALL": "C", "PATH": _search_path()}
        try:
            done = subprocess.run(
                list(argv),
                input=stdin if stdin is not None else "",
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                env=environment,
                check=False,
            )
        except FileNotFoundError as error:
            raise NotFound(
                f"the program '{argv[0]}' is not installed", remedy=f"Install the package that has {argv[0]}."
            ) from error
        except subprocess.TimeoutExpired as error:
            raise CommandFailed(f"'{argv[0]}' did not end within {timeout:g} s") from error
        if check and done.returncode != 0:
            words = (done.stderr or done.stdout).strip()
            raise CommandFailed(f"'{' '.join(argv)}' failed with status {done.returncode}", found=words or None)
        return CommandResult(done.returncode, done.stdout, done.stderr)


def _search_path() -> str:
    """The search path with the folders of the administrator's programs, which a plain SSH session may lack."""
    path = os.environ.get("PATH", "/usr/bin:/bin")
    missing = [folder for folder in ("/usr/local/sbin", "/usr/sbin", "/sbin") if folder not in path.split(":")]
    return ":".join([path, *missing])
