"""A Debian machine as its programs and files show it: GRUB, systemd, Xen, libvirt, firewalls. The world, not the code."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed
from ansible_collections.xenfleet.xen.plugins.module_utils.host.config_files import LocalConfig
from ansible_collections.xenfleet.xen.plugins.module_utils.host.firewalls import LocalFirewalls
from ansible_collections.xenfleet.xen.plugins.module_utils.host.machine import LocalMachine
from ansible_collections.xenfleet.xen.plugins.module_utils.host.services import RUNTIME, SystemdServices
from ansible_collections.xenfleet.xen.plugins.module_utils.model.dom0 import make_dom0
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.dom0 import PACKAGES, Dom0Operations, Dom0Outcome
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult

RECORDED = Path(__file__).parent / "dom0_files"
DRIVER = "usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_libxl.so"
# What grub-mkconfig does, as far as it matters: it reads the settings, and writes the entries with them.
MKCONFIG = """
grub_get_device_id() { echo 0815-uuid; }
grub_warn() { :; }
GRUB_DEVICE=/dev/vda1
. {root}/etc/default/grub
for x in {root}/etc/default/grub.d/*.cfg; do if [ -e "$x" ]; then . "$x"; fi; done
if [ "$GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT" ]; then KERNEL=$GRUB_CMDLINE_LINUX_XEN_REPLACE_DEFAULT
else KERNEL=$GRUB_CMDLINE_LINUX_DEFAULT; fi
cat <<MENU
if [ "\\${next_entry}" ] ; then
   set default="\\${next_entry}"
else
   set default="$GRUB_DEFAULT"
fi
function gfxmode {
\tset gfxpayload="\\${1}"
}
menuentry 'Debian GNU/Linux' --class debian \\$menuentry_id_option 'gnulinux-simple-0815-uuid' {
\tlinux\t/boot/vmlinuz-6.12 root=/dev/vda1 ro $GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT
}
MENU
[ -z "{xen}" ] || cat <<MENU
menuentry 'Debian GNU/Linux, with Xen hypervisor' --class xen \\$menuentry_id_option 'xen-gnulinux-simple-0815-uuid' {
\techo\t'Loading Xen 4.20-amd64 ...'
\tmultiboot2\t/boot/xen-4.20-amd64.gz placeholder $GRUB_CMDLINE_XEN $GRUB_CMDLINE_XEN_DEFAULT \\${xen_rm_opts}
\tmodule2\t/boot/vmlinuz-6.12 placeholder root=/dev/vda1 ro $GRUB_CMDLINE_LINUX $KERNEL
\tmodule2\t--nounzip   /boot/initrd.img-6.12
}
MENU
"""


# What libvirt says when it listens and never answers.
SILENT = "silent"


@dataclass
class World:
    """One machine.

    Attributes:
        root: its files.
        installed: its Debian packages.
        units: its services, name to [enabled, active].
        scripts: those of them that are scripts in /etc/init.d, as xendomains is in Debian 12.
        guests: what Xen runs beside dom0.
        known: those of them that libvirt knows.
        libvirt: what libvirt complains of; '' when it answers.
        broken: programs that fail.
        ran: what was run that changes something.
    """

    root: Path
    installed: set[str] = field(default_factory=set)
    units: dict[str, list[bool]] = field(default_factory=dict)
    scripts: frozenset[str] = frozenset()
    guests: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    libvirt: str = ""
    journal: str = ""
    broken: frozenset[str] = frozenset()
    ran: list[str] = field(default_factory=list)
    quiet: list[str] = field(default_factory=list)
    ufw: str | None = None
    rules: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.put("etc/os-release", 'ID=debian\nVERSION_ID="13"\n')
        self.put("etc/hostname", "xen1\n")
        self.put("etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\txen1.example.org xen1\n::1 localhost ip6-localhost\n")
        self.put(
            "etc/default/grub",
            'GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX="console=ttyS0"\n',
        )
        self.put("proc/sys/kernel/hostname", "xen1\n")
        self.put("proc/meminfo", "MemTotal:        2014656 kB\nMemFree: 1 kB\n")
        self.put("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu svm\n\nprocessor\t: 1\nflags\t\t: fpu svm\n")
        self.put("proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz-6.12 root=/dev/vda1 ro console=ttyS0 quiet\n")
        self.update_grub()

    # The world's own doings

    def put(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def text(self, path: str) -> str:
        return (self.root / path).read_text()

    def install(self) -> None:
        """What apt does."""
        self.installed |= set(PACKAGES)
        for name in ("xl.conf", "libxl.conf", "libvirt-guests"):
            folder = {"xl.conf": "etc/xen", "libxl.conf": "etc/libvirt", "libvirt-guests": "etc/default"}[name]
            self.put(f"{folder}/{name}", (RECORDED / name).read_text())
        self.put("etc/default/grub.d/xen.cfg", "# XEN_OVERRIDE_GRUB_DEFAULT=\n")
        self.put(DRIVER, "")
        self.units |= {"xendomains": [True, False], "libvirt-guests": [True, True], "libvirtd": [True, True]}
        self.update_grub()

    def update_grub(self) -> None:
        xen = "yes" if "xen-system-amd64" in self.installed else ""
        script = MKCONFIG.replace("{root}", str(self.root)).replace("{xen}", xen)
        done = subprocess.run(["/bin/sh", "-e", "-c", script], capture_output=True, text=True, check=True)
        self.put("boot/grub/grub.cfg", done.stdout)

    def boot(self, memory: int = 512, vcpus: int = 2) -> None:
        """What GRUB and Xen do, when the default entry is Xen's."""
        menu = self.text("boot/grub/grub.cfg")
        line = next(line for line in menu.splitlines() if line.startswith("\tmultiboot2"))
        self.command_line = line.split(" ", 1)[1].replace("${xen_rm_opts}", "").strip()
        kernel = next(line for line in menu.splitlines() if line.startswith("\tmodule2\t/boot/vmlinuz"))
        self.put("proc/cmdline", kernel.split(" ", 1)[1] + "\n")
        self.put("sys/hypervisor/type", "xen\n")
        self.put("sys/hypervisor/uuid", "00000000-0000-0000-0000-000000000000\n")
        self.put("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu\n")
        self.dom0 = (memory, vcpus)
        self.ran.clear()

    # Commands

    def has(self, program: str) -> bool:
        packages = {"xl": "xen-system-amd64", "virsh": "libvirt-clients"}
        if program == "ufw":
            return self.ufw is not None
        return packages[program] in self.installed if program in packages else True

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float | None = None, check: bool = True
    ) -> CommandResult:
        words = " ".join(argv)
        answer = self.look(argv)
        if answer is None:
            self.ran.append(words)
            answer = CommandResult(1, "", "it broke") if argv[0] in self.broken else self.act(argv)
        if check and answer.status != 0:
            raise CommandFailed(f"'{words}' failed with status {answer.status}", found=answer.stderr or None)
        return answer

    def look(self, argv: Sequence[str]) -> CommandResult | None:
        """What only looks."""
        match list(argv):
            case ["dpkg-query", *rest]:
                found = [name for name in rest if name in self.installed]
                return CommandResult(1, "".join(f"ii {name}\n" for name in found) + "rc grub-xen\n", "")
            case ["systemctl", *rest]:
                return self.look_at_services(rest)
            case ["journalctl", *_rest]:
                return CommandResult(0, self.journal, "")
            case ["xl", "info"]:
                return CommandResult(0, self.xl_info(), "")
            case ["xl", "list"]:
                rows = [("Domain-0", 0, *self.dom0)]
                rows += [(name, number + 1, 128, 1) for number, name in enumerate(self.guests)]
                lines = [
                    f"{name:40} {number:5} {memory:5} {vcpus:5}     r-----      12.3"
                    for name, number, memory, vcpus in rows
                ]
                return CommandResult(0, "Name   ID   Mem VCPUs\tState\tTime(s)\n" + "\n".join(lines) + "\n", "")
            case ["virsh", *_rest] if self.libvirt == SILENT:
                raise CommandFailed("'virsh' did not end within 60 s")
            case ["virsh", *rest] if self.libvirt:
                return CommandResult(1, "", f"error: failed to connect to the hypervisor\nerror: {self.libvirt}\n")
            case ["virsh", *rest]:
                return CommandResult(0, "".join(f"{name}\n" for name in self.known) if "list" in rest else "", "")
            case ["ufw", "status"]:
                return CommandResult(0, "Status: active\n", "")
            case ["ufw", "show", "added"]:
                return CommandResult(0, self.ufw or "", "")
            case ["firewall-cmd", "--permanent", query] if query.startswith("--query"):
                return CommandResult(0 if query.partition("=")[2] in self.rules else 1, "", "")
        return None

    def look_at_services(self, words: Sequence[str]) -> CommandResult | None:
        """What only looks, of systemctl."""
        match list(words):
            case ["show", _properties, *units]:
                return CommandResult(0, "\n".join(self.show(unit.removesuffix(".service")) for unit in units), "")
            case ["is-active", "--quiet", unit]:
                active = self.units.get(unit.removesuffix(".service"), [False, False])[1]
                return CommandResult(0 if active else 3, "", "")
            case ["is-enabled", "--quiet", unit]:
                return CommandResult(0 if self.units[unit.removesuffix(".service")][0] else 1, "", "")
        return None

    def act(self, argv: Sequence[str]) -> CommandResult:
        """What changes something."""
        match list(argv):
            case ["update-grub"]:
                self.update_grub()
            case ["hostname", name]:
                self.put("proc/sys/kernel/hostname", f"{name}\n")
            case ["systemctl", ("enable" | "disable") as what, unit]:
                self.units[unit.removesuffix(".service")][0] = what == "enable"
            case ["systemctl", ("start" | "stop") as what, unit]:
                name = unit.removesuffix(".service")
                dropin = self.root / RUNTIME / f"{unit}.d/zz-xenfleet.conf"
                self.quiet.append(f"{what} {name}: {dropin.read_text() if dropin.exists() else 'as ever'}")
                self.units[name][1] = what == "start"
            case ["firewall-cmd", add] if add.startswith("--add"):
                pass
            case ["firewall-cmd", "--permanent", add]:
                self.rules.add(add.partition("=")[2])
            case ["ufw", "allow", "proto", "tcp", "from", network, "to", "any", "port", ports]:
                source = network.removesuffix("/32")  # as ufw's util.normalize_address has it
                self.ufw = f"{self.ufw}ufw allow from {source} to any port {ports} proto tcp\n"
        return CommandResult(0, "", "")

    def show(self, name: str) -> str:
        enabled, active = self.units.get(name, (False, False))
        load = "loaded" if name in self.units else "not-found"
        state = "generated" if name in self.scripts else "enabled" if enabled else "disabled"
        return f"LoadState={load}\nActiveState={'active' if active else 'inactive'}\nUnitFileState={state}\n"

    def xl_info(self) -> str:
        recorded = (RECORDED / "xl-info-4.20").read_text()
        lines = [line for line in recorded.splitlines() if not line.startswith("xen_commandline")]
        return "\n".join([*lines, f"xen_commandline        : {self.command_line}"]) + "\n"

    # What is tested

    def operations(self) -> Dom0Operations:
        config = LocalConfig(self.root)
        return Dom0Operations(
            self,
            LocalMachine(self, self.root),
            config,
            SystemdServices(self, self.root),
            LocalFirewalls(self, config),
            lambda _seconds: None,
        )

    def ensure(self, *, check: bool = False, **options: Any) -> Dom0Outcome:
        """One run of the module."""
        self.ran.clear()
        self.quiet.clear()
        return self.operations().ensure(make_dom0(options), check=check)
