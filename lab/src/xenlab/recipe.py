"""What goes into an image, and the name that follows from it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from xenlab.errors import LabError

SUITES = {"12": "bookworm", "13": "trixie"}
KINDS = ("xen", "core", "plain")

# Raised when the way images are put together changes in a manner the recipe's own text does not show.
_FORMAT = 1

_EVERYWHERE = (
    "linux-image-amd64,initramfs-tools,zstd,systemd,systemd-sysv,dbus,udev,kmod,login,procps,less,openssh-server,python3,"
    "python3-apt,iproute2,iputils-ping,tcpdump,ethtool,netcat-openbsd,ca-certificates,e2fsprogs"
)
_XEN = (
    "xen-system-amd64,xen-utils,qemu-system-xen,qemu-utils,libvirt-daemon-system,libvirt-daemon-driver-xen,"
    "libvirt-clients,python3-libvirt,nfs-common,lvm2,xfsprogs"
)
_CORE = "nfs-kernel-server,xfsprogs"
_PLAIN = "grub-pc,nftables"

# Documentation in any form is dead weight in a machine that lives for an hour.
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*")


@dataclass(frozen=True)
class Recipe:
    """All that decides the contents of one image."""

    kind: str
    debian: str
    packages: tuple[str, ...]
    left_out: tuple[str, ...]
    before: str
    """Shell text run with the empty root as $1, before anything is installed."""
    after: str
    """Shell text run with the finished root as $1."""
    size_mib: int
    partitioned: bool
    """Whether the disk has a partition table and a boot loader, or is one bare file system."""
    format: int = _FORMAT

    @property
    def suite(self) -> str:
        return SUITES[self.debian]

    @property
    def digest(self) -> str:
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.debian}"

    @property
    def key(self) -> str:
        """The image's name in the cache: another recipe is another image."""
        return f"{self.name}-{self.digest}"


def _data(name: str) -> str:
    return (Path(__file__).parent / "data" / name).read_text(encoding="utf-8")


def _python_cache() -> str:
    """Shell text that makes every Python of the machine load ``xenlab_compiled``."""
    folder = "$root/usr/lib/python3/dist-packages"
    return (
        f"cat > \"{folder}/xenlab_compiled.py\" <<'PYTHON'\n{_data('xenlab_compiled.py')}PYTHON\n"
        f"echo 'import xenlab_compiled' > \"{folder}/xenlab_compiled.pth\"\n"
        'chroot "$root" python3 -m compileall -q /usr/lib/python3/dist-packages/xenlab_compiled.py\n'
    )


def recipe(kind: str, debian: str) -> Recipe:
    """The recipe of a kind of machine (xen, core, plain) for a release of Debian (12, 13)."""
    if kind not in KINDS or debian not in SUITES:
        raise LabError(
            f"There is no image '{kind}' for Debian '{debian}': kinds {', '.join(KINDS)}; Debian {', '.join(SUITES)}."
        )
    own = {"xen": _XEN, "core": _CORE, "plain": _PLAIN}[kind]
    return Recipe(
        kind=kind,
        debian=debian,
        packages=tuple(sorted(f"{_EVERYWHERE},{own}".split(","))),
        left_out=_LEFT_OUT,
        before=_data("before.sh"),
        after=_data("after.sh") + _python_cache() + _data(f"after-{kind}.sh") + _data("after-all.sh"),
        size_mib={"xen": 10240, "core": 3072, "plain": 10240}[kind],
        partitioned=kind == "plain",
    )
