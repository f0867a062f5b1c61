"""Build the machines' images and keep them: made once for each recipe, read-only from then on."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from xenlab.command import require, require_space, run
from xenlab.errors import LabError
from xenlab.lock import locked
from xenlab.paths import Paths
from xenlab.progress import phase, say
from xenlab.recipe import Recipe

# One root file system as tar, unpacked, and as image, all at the same time.
_BUILD_MIB = 5000
_PARTITION_START = 1024 * 1024

# Runs as root, real or mapped; $1 the folder, $2 blocks of 4 KiB, $3 mke2fs options. No loop device, no mount.
_TO_EXT4 = """
set -eu
cd "$1"
mkdir root
tar -xpf root.tar -C root --numeric-owner --xattrs --xattrs-include='*'
mke2fs -q -F -t ext4 -L root -b 4096 -E "$3" -d root disk.img "$2"
rm -rf root
"""

_MODULES = {
    "vmlinuz": re.compile(r"(\./)?boot/vmlinuz-.*"),
    "initrd.img": re.compile(r"(\./)?boot/initrd\.img-.*"),
    "xen": re.compile(r"(\./)?boot/xen-[0-9.]+-amd64\.gz"),
}


@dataclass(frozen=True)
class Image:
    """A finished image in the cache."""

    key: str
    folder: Path

    @property
    def disk(self) -> Path:
        return self.folder / "disk.img"

    @property
    def figures(self) -> dict[str, float]:
        """The seconds each part of its making took."""
        try:
            found = json.loads((self.folder / "figures.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(name): float(value) for name, value in found.items()}


def cached(paths: Paths, recipe: Recipe) -> Image | None:
    """The image of this recipe when it has been built."""
    folder = paths.images / recipe.key
    return Image(recipe.key, folder) if folder.is_dir() else None


def ensure(paths: Paths, recipe: Recipe) -> Image:
    """The image of this recipe, built now when need be. An interrupted build leaves nothing that looks finished."""
    found = cached(paths, recipe)
    if found:
        return found
    with locked(paths.images / f"{recipe.name}.lock", f"image {recipe.name}", patience=1800):
        found = cached(paths, recipe)
        if found:
            return found
        for leftover in paths.images.glob(f"{recipe.name}-*.part"):
            _remove(leftover)
        require("mmdebstrap", "mke2fs", *([] if os.geteuid() == 0 else ["unshare", "newuidmap"]))
        require_space(paths.images, _BUILD_MIB, f"building the image {recipe.name}")
        part = paths.images / f"{recipe.key}.part"
        part.mkdir(parents=True)
        log = paths.images / f"{recipe.name}.log"
        log.unlink(missing_ok=True)
        try:
            _build(recipe, part, log)
        except BaseException:
            _remove(part)
            raise
        part.rename(paths.images / recipe.key)
    say(f"image {recipe.name}: kept in {paths.images / recipe.key}")
    return Image(recipe.key, paths.images / recipe.key)


def _build(recipe: Recipe, part: Path, log: Path) -> None:
    subject = f"image {recipe.name}"
    with phase(subject, f"installing Debian {recipe.suite}") as install:
        run(
            bootstrap_command(recipe, part / "root.tar", os.geteuid() == 0),
            what=f"{subject}: installing Debian {recipe.suite}",
            log=log,
            # With the rest of the build, where space was looked for and leftovers are removed. A mapped root cannot
            # be sure to get there.
            temporary=part if os.geteuid() == 0 else None,
            advice="When a download broke, run the same command again: nothing half made is kept.",
        )
    with phase(subject, "making the disk") as disk:
        _extract(part / "root.tar", part, recipe)
        _make_disk(recipe, part, log)
        (part / "root.tar").unlink()
    figures = {"install": install.seconds, "disk": disk.seconds}
    (part / "figures.json").write_text(json.dumps(figures), encoding="utf-8")


def bootstrap_command(recipe: Recipe, tar: Path, root: bool) -> list[str]:
    """mmdebstrap's argument list. The shell texts travel in it, so that a mapped root need not read our files."""
    return [
        "mmdebstrap",
        f"--mode={'root' if root else 'unshare'}",
        "--variant=apt",
        "--quiet",
        "--include=" + ",".join(recipe.packages),
        '--aptopt=Acquire::Languages "none"',
        "--aptopt=Acquire::Retries 3",
        *[f"--dpkgopt=path-exclude={pattern}" for pattern in recipe.left_out],
        f"--setup-hook={recipe.before}",
        f"--customize-hook={recipe.after}",
        recipe.suite,
        str(tar),
    ]


def _extract(tar: Path, folder: Path, recipe: Recipe) -> None:
    """Take kernel, initramfs and hypervisor out: QEMU loads them itself."""
    wanted = {name: pattern for name, pattern in _MODULES.items() if name != "xen" or recipe.kind == "xen"}
    found: set[str] = set()
    with tarfile.open(tar) as archive:
        for member in archive:
            for name, pattern in wanted.items():
                source = archive.extractfile(member) if member.isfile() and pattern.fullmatch(member.name) else None
                if source is None:
                    continue
                content = source.read()
                (folder / name).write_bytes(gzip.decompress(content) if name == "xen" else content)
                found.add(name)
    missing = sorted(set(wanted) - found)
    if missing:
        raise LabError(
            f"The image {recipe.name} came out without {', '.join(missing)} under /boot: its recipe is wrong."
        )


def _make_disk(recipe: Recipe, part: Path, log: Path) -> None:
    what = f"image {recipe.name}: making the disk"
    size = recipe.size_mib * 1024 * 1024
    start = _PARTITION_START if recipe.partitioned else 0
    disk = part / "disk.img"
    with disk.open("wb") as file:
        file.truncate(size)
    as_root = [] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--map-auto", "--"]
    blocks = str((size - start) // 4096)
    run([*as_root, "sh", "-c", _TO_EXT4, "sh", str(part), blocks, f"offset={start}"], what=what, log=log)
    if recipe.partitioned:
        _make_bootable(disk, part / "root.tar", size, what)


def _make_bootable(disk: Path, tar: Path, size: int, what: str) -> None:
    """A partition table and GRUB before the partition, where grub-install would put them."""
    stages: dict[str, bytes] = {}
    with tarfile.open(tar) as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            source = archive.extractfile(member) if member.isfile() else None
            if name in ("boot/grub/i386-pc/boot.img", "boot/grub/i386-pc/core.img") and source:
                stages[name.rsplit("/", 1)[1]] = source.read()
    if set(stages) != {"boot.img", "core.img"} or len(stages["core.img"]) > _PARTITION_START - 512:
        raise LabError(f"{what} failed: GRUB's parts are missing or too large for the gap before the partition.")
    sectors = size // 512
    entry = bytes([0x80, 0xFE, 0xFF, 0xFF, 0x83, 0xFE, 0xFF, 0xFF])
    start = _PARTITION_START // 512
    entry += start.to_bytes(4, "little") + (sectors - start).to_bytes(4, "little")
    with disk.open("r+b") as file:
        # The first 440 bytes are code; then a disk signature, the table, and the mark of a boot sector.
        file.write(stages["boot.img"][:440] + b"xlab\0\0" + entry + bytes(48) + b"\x55\xaa")
        file.write(stages["core.img"])


def remove_all(paths: Paths) -> None:
    """Forget every image."""
    if paths.images.exists():
        _remove(paths.images)


def _remove(folder: Path) -> None:
    """Remove also what a mapped root left behind."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        run(["unshare", "--map-root-user", "--map-auto", "--", "rm", "-rf", str(folder)], what=f"removing {folder}")
