# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The machine that is to be a Xen host, from its kernel, its packages and Xen itself; implements ``ports.dom0.HostMachine``."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.host.save_files import SaveFiles
from ansible_collections.xenfleet.xen.plugins.module_utils.model.dom0 import File, Machine
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import KIB, Size
from ansible_collections.xenfleet.xen.plugins.module_utils.model.xen_info import XenInfo
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.dom0 import SAVES
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.info import parse_info

_DOM0_UUID = "00000000-0000-0000-0000-000000000000"
_SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_DRIVER = "usr/lib/*/libvirt/connection-driver/libvirt_driver_libxl.so"
_STARTED_BY_XL = ("etc/xen/auto", "var/lib/xen/save")
_COMMAND_SECONDS = 60


class LocalMachine:
    """This machine.

    Args:
        commands: its programs.
        root: the top of its file system.
    """

    def __init__(self, commands: Commands, root: Path = Path("/")) -> None:
        self._commands = commands
        self._root = root

    def read(self) -> Machine:
        """What it is, and what runs on it."""
        under_xen = self._text("sys/hypervisor/type").strip() == "xen"
        # Under Xen the kernel sees dom0's part of the machine only; without Xen it sees all.
        is_guest = under_xen and self._text("sys/hypervisor/uuid").strip() not in ("", _DOM0_UUID)
        xen = read_xen(self._commands) if under_xen and not is_guest else None
        cpus = self._text("proc/cpuinfo")
        flags = re.search(r"^flags\s*:(.*)$", cpus, re.MULTILINE)
        total = re.search(r"^MemTotal:\s*(\d+) kB", self._text("proc/meminfo"), re.MULTILINE)
        release = dict(line.partition("=")[::2] for line in self._text("etc/os-release").splitlines())
        number = release.get("VERSION_ID", "").strip('"')
        return Machine(
            name=self._text("proc/sys/kernel/hostname").strip(),
            memory=xen.memory_total if xen else (Size(int(total[1]) * KIB) if total else None),
            cpus=xen.cpus if xen else len(re.findall(r"^processor\s*:", cpus, re.MULTILINE)) or None,
            hvm=_hvm(xen, flags[1].split() if flags else None),
            debian=int(number) if release.get("ID", "").strip('"') == "debian" and number.isdecimal() else None,
            is_guest=is_guest,
            secure_boot=self._bytes(_SECURE_BOOT)[-1:] == b"\x01",
            has_grub=self._commands.has("update-grub") and (self._root / File.MENU.lstrip("/")).is_file(),
            xen=xen,
            kernel_line=self._text("proc/cmdline").strip(),
        )

    def missing_packages(self, names: Collection[str]) -> tuple[str, ...]:
        """Which of these Debian packages are not installed."""
        argv = ["dpkg-query", "--show", "--showformat", "${db:Status-Abbrev}${Package}\n", *names]
        told = self._commands.run(argv, check=False, timeout=_COMMAND_SECONDS).stdout
        there = {line[3:].strip() for line in told.splitlines() if line[1:2] == "i"}
        return tuple(name for name in names if name not in there)

    def started_by_xl(self) -> tuple[str, ...]:
        """What lies in the folders from which ``xendomains`` starts guests."""
        folders = [self._root / folder for folder in _STARTED_BY_XL]
        return tuple(
            sorted(
                f"/{entry.relative_to(self._root)}"
                for folder in folders
                if folder.is_dir()
                for entry in folder.iterdir()
                if not entry.name.startswith(".")
            )
        )

    def save_room(self) -> Size:
        """How much fits where libvirt saves guests' memory."""
        return SaveFiles(self._root / SAVES.lstrip("/")).room()

    def has_xen_driver(self) -> bool:
        """Whether libvirt has its Xen driver."""
        return any(self._root.glob(_DRIVER))

    def _text(self, path: str) -> str:
        return self._bytes(path).decode(errors="replace")

    def _bytes(self, path: str) -> bytes:
        """A file's content; nothing where it cannot be read."""
        try:
            return (self._root / path).read_bytes()
        except OSError:
            return b""


def read_xen(commands: Commands) -> XenInfo:
    """What Xen tells of itself; nothing is told where its tools are missing or do not reach it."""
    if not commands.has("xl"):
        return XenInfo()
    info, listed = (commands.run(["xl", word], check=False, timeout=_COMMAND_SECONDS) for word in ("info", "list"))
    return parse_info(info.stdout if info.status == 0 else "", listed.stdout if listed.status == 0 else "")


def _hvm(xen: XenInfo | None, flags: Collection[str] | None) -> bool | None:
    """Whether the CPUs can run HVM guests."""
    if xen is not None:
        return xen.hvm if xen.abilities else None
    return None if flags is None else bool({"vmx", "svm"} & set(flags))
