# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image built from a recipe, by mmdebstrap and mke2fs; as root or not."""

from __future__ import annotations

import fnmatch
import io
import lzma
import os
import tarfile
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed, InvalidInput, NotFound
from ansible_collections.xenfleet.xen.plugins.module_utils.model.image import (
    KERNEL,
    MANIFEST,
    RAMDISK,
    ROOT,
    FileRecord,
    Image,
    ImageRecipe,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import GIB, MIB
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.image_store import ImageStore, Stored, sha256
from ansible_collections.xenfleet.xen.plugins.module_utils.plan import image_content, initramfs
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import Commands

_ROOM = 2 * GIB
_LAST_LINES = 15
_PROGRAMS = {"mmdebstrap": "mmdebstrap", "mke2fs": "e2fsprogs", "resize2fs": "e2fsprogs", "tar": "tar"}


def recipe_hash(recipe: ImageRecipe) -> str:
    """The recipe's hash, with what the collection puts in."""
    return recipe.hash(image_content.digest(recipe.init))


def why(stored: Stored | None, recipe: ImageRecipe) -> str | None:
    """Why the image has to be built; None when it need not."""
    if stored is None:
        return "there is none"
    if stored.image.recipe != recipe_hash(recipe):
        return "its recipe changed"
    return None


def check(commands: Commands, store: ImageStore) -> None:
    """Look for obstacles before anything is touched.

    Raises:
        NotFound: a program is missing.
        Conflict: there is too little room.
    """
    needed = dict(_PROGRAMS) if _is_root() else {**_PROGRAMS, "unshare": "util-linux", "newuidmap": "uidmap"}
    for program, package in needed.items():
        if not commands.has(program):
            raise NotFound(
                f"the program '{program}' is not installed where the image shall be built",
                remedy=f"Install the package {package}.",
            )
    store.check_room(_ROOM)


def build(commands: Commands, store: ImageStore, name: str, recipe: ImageRecipe) -> Stored:
    """Build the image; what was there before is replaced when all is done, and nothing half-made is left.

    Raises:
        CommandFailed: a program failed; the message has its last lines and the log's path.
    """
    root = _is_root()
    check(commands, store)
    log = log_path(store, name)
    store.folder.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    with store.replacing(name) as working, tempfile.TemporaryDirectory(prefix=".build-", dir=store.folder) as scratch:
        archive = _debian(commands, recipe, Path(scratch), log, root=root)
        release, packages = _take_out(archive, working)
        _file_system(commands, recipe, archive, working / ROOT, root=root)
        archive.unlink()
        files = {}
        for file in (ROOT, KERNEL, RAMDISK):
            path = working / file
            path.chmod(0o644)
            files[file] = FileRecord(path.stat().st_size, sha256(path))
        image = Image(
            name=name,
            recipe=recipe_hash(recipe),
            suite=recipe.suite,
            kernel_release=release,
            built_at=datetime.now(UTC).isoformat(timespec="seconds"),
            files=files,
            packages=packages,
        )
        (working / MANIFEST).write_text(image.render(), encoding="utf-8")
    return Stored(store.path(name), image)


def _is_root() -> bool:
    return os.geteuid() == 0


def log_path(store: ImageStore, name: str) -> Path:
    """Where a build says what it does."""
    return store.folder / f"{name}.build.log"


def _debian(commands: Commands, recipe: ImageRecipe, scratch: Path, log: Path, *, root: bool) -> Path:
    """A Debian as an archive."""
    archive, overlay, options = scratch / "root.tar", scratch / "overlay.tar", scratch / "dpkg"
    overlay.write_bytes(_overlay(recipe.init))
    options.write_text(image_content.dpkg_options(), encoding="utf-8")
    # The folder is private, but the user that root is mapped to has to read it.
    scratch.chmod(0o755)
    packages = [*image_content.packages(recipe.init), *recipe.packages]
    argv = [
        "mmdebstrap", f"--mode={'root' if root else 'unshare'}", "--variant=apt", f"--logfile={log}",
        '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Retries "3"', f"--dpkgopt={options}",
        f"--include={','.join(packages)}", f"--essential-hook=tar-in {overlay} /",
        recipe.suite, str(archive), *([recipe.mirror] if recipe.mirror else []),
    ]  # fmt: skip
    done = commands.run(argv, check=False)
    if done.status != 0 or not archive.is_file():
        raise CommandFailed(
            f"mmdebstrap failed with status {done.status}",
            found=_last_lines(log, done.stderr),
            remedy=f"The whole log is {log}. Nothing half-made was left.",
        )
    return archive


def _last_lines(log: Path, otherwise: str) -> str | None:
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = otherwise
    return "\n".join((text.strip() or otherwise.strip()).splitlines()[-_LAST_LINES:]) or None


def _overlay(init: str) -> bytes:
    """The collection's own files as an archive, the same at each build."""
    buffer = io.BytesIO()
    folders: set[str] = set()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for entry in image_content.entries(init):
            parts = entry.path.strip("/").split("/")
            for depth in range(1, len(parts)):
                folder = "/".join(parts[:depth])
                if folder not in folders:
                    folders.add(folder)
                    info = tarfile.TarInfo(folder)
                    info.type, info.mode = tarfile.DIRTYPE, 0o755
                    tar.addfile(info)
            info = tarfile.TarInfo("/".join(parts))
            if entry.link:
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.content, 0o777
                tar.addfile(info)
            else:
                data = entry.content.encode()
                info.size, info.mode = len(data), entry.mode
                tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _take_out(archive: Path, working: Path) -> tuple[str, dict[str, str]]:
    """Take the kernel out of the archive, make the initramfs, and read which packages there are.

    Returns:
        The kernel's release and the version of each package.

    Raises:
        InvalidInput: the archive lacks what a guest needs to boot.
    """
    with tarfile.open(archive, mode="r:") as tar:
        members = {member.name.removeprefix("./"): member for member in tar if member.isfile()}

        def content(name: str) -> bytes:
            source = tar.extractfile(members[name]) if name in members else None
            if source is None:
                raise InvalidInput(f"the packages of the recipe made no {name}")
            return source.read()

        kernels = sorted(name for name in members if fnmatch.fnmatchcase(name, "boot/vmlinuz-*"))
        if len(kernels) != 1:
            raise InvalidInput("an image has one kernel", found=", ".join(kernels) or "none")
        release = kernels[0].partition("-")[2]
        (working / KERNEL).write_bytes(content(kernels[0]))
        top = next((top for top in ("usr/lib", "lib") if f"{top}/modules/{release}/modules.dep" in members), "lib")
        folder = f"{top}/modules/{release}"
        order = initramfs.load_order(content(f"{folder}/modules.dep").decode())
        modules = [_module(file, content(f"{folder}/{file}")) for file in order]
        busybox = content("usr/bin/busybox" if "usr/bin/busybox" in members else "bin/busybox")
        (working / RAMDISK).write_bytes(initramfs.archive(initramfs.members(busybox, modules)))
        return release, _packages(content("var/lib/dpkg/status").decode())


def _module(file: str, content: bytes) -> tuple[str, bytes]:
    """A kernel module's name and plain content."""
    name = f"{initramfs.module_name(file)}.ko"
    if file.endswith(".xz"):
        return name, lzma.decompress(content)
    if file.endswith(".ko"):
        return name, content
    raise InvalidInput(f"the kernel module {file} is compressed in a way that is not known", expected=".ko or .ko.xz")


def _packages(status: str) -> dict[str, str]:
    """Name and version of each installed package in dpkg's status file."""
    found = {}
    for stanza in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and not line.startswith(" "))
        if fields.get("Status") == "install ok installed":
            found[fields["Package"]] = fields["Version"]
    return found


def _file_system(commands: Commands, recipe: ImageRecipe, archive: Path, image: Path, *, root: bool) -> None:
    """The archive's content as an ext4 file system."""
    # Inside the namespace the files may belong to whom they shall, without being root outside.
    become = [] if root else ["unshare", "--map-root-user", "--map-auto", "--"]
    tree = archive.with_name("tree")
    tree.mkdir(mode=0o755)
    try:
        commands.run(
            [*become, "tar", "--extract", "--file", str(archive), "--directory", str(tree), "--numeric-owner"]
            + ["--same-permissions", "--xattrs", "--xattrs-include=*"]
            + [f"--exclude={pattern}" for pattern in image_content.LEFT_OUT]
        )
        content = int(commands.run([*become, "du", "--summarize", "--block-size=1", str(tree)]).stdout.split()[0])
        size = recipe.size.bytes if recipe.size else -(-(content * 5 // 4 + 64 * MIB) // (16 * MIB)) * 16 * MIB
        if recipe.size and content * 11 // 10 > recipe.size.bytes:
            raise InvalidInput(
                "size is too small for the image's content",
                found=str(recipe.size),
                expected=f"{content * 11 // 10 // MIB + 1} MiB or more",
            )
        commands.run(
            [
                *become,
                "mke2fs",
                "-q",
                "-t",
                "ext4",
                "-b",
                "4096",
                "-i",
                "16384",
                "-I",
                "256",
                "-J",
                "size=16",
                "-m",
                "1",
                "-L",
                "root",
                "-E",
                "lazy_itable_init=1,root_owner=0:0",
                "-d",
                str(tree),
                str(image),
                f"{size // 1024}k",
            ]
        )
    finally:
        commands.run([*become, "rm", "-rf", "--", str(tree)], check=False)
