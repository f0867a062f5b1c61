"""The initramfs: its modules in order, its archive readable, its script a shell's."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.image import INITS
from ansible_collections.xenfleet.xen.plugins.module_utils.plan import image_content, initramfs

if TYPE_CHECKING:
    from pathlib import Path

DEPENDENCIES = """\
kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2/jbd2.ko.xz kernel/fs/mbcache.ko.xz kernel/lib/crc16.ko.xz
kernel/fs/jbd2/jbd2.ko.xz:
kernel/fs/mbcache.ko.xz:
kernel/lib/crc16.ko.xz:
kernel/crypto/crc32c_generic.ko.xz:
kernel/drivers/block/xen-blkfront.ko.xz:
kernel/drivers/net/xen-netfront.ko.xz:
kernel/sound/soundcore.ko.xz:
"""


def test_each_module_comes_after_what_it_needs() -> None:
    names = [initramfs.module_name(file) for file in initramfs.load_order(DEPENDENCIES)]
    assert names == ["crc32c_generic", "xen_blkfront", "xen_netfront", "crc16", "mbcache", "jbd2", "ext4"]


def test_a_kernel_without_xen_is_refused() -> None:
    with pytest.raises(InvalidInput, match="xen-netfront"):
        initramfs.load_order(DEPENDENCIES.replace("xen-netfront", "other"))


def test_the_archive_is_what_cpio_writes() -> None:
    data = initramfs.archive(initramfs.members(b"BUSYBOX", [("ext4.ko", b"MODULE")]))
    plain = gzip.decompress(data)
    assert data == initramfs.archive(initramfs.members(b"BUSYBOX", [("ext4.ko", b"MODULE")]))
    found: dict[str, tuple[int, bytes]] = {}
    place = 0
    while True:
        assert plain[place : place + 6] == b"070701"
        fields = [int(plain[place + 6 + 8 * n : place + 14 + 8 * n], 16) for n in range(13)]
        name = plain[place + 110 : place + 110 + fields[11] - 1].decode()
        start = place + (110 + fields[11] + 3) // 4 * 4
        if name == "TRAILER!!!":
            break
        found[name] = (fields[1], plain[start : start + fields[6]])
        place = start + (fields[6] + 3) // 4 * 4
    assert found["init"] == (0o100755, initramfs.INIT.encode())
    assert found["bin/busybox"] == (0o100755, b"BUSYBOX")
    assert found["modules/order"] == (0o100644, b"ext4.ko\n")
    assert found["modules/ext4.ko"] == (0o100644, b"MODULE")
    assert found["root"] == (0o040755, b"")


def test_the_script_is_good_shell(tmp_path: Path) -> None:
    script = tmp_path / "init"
    script.write_text(initramfs.INIT.replace("#!/bin/busybox sh", "#!/bin/sh"))
    subprocess.run(["sh", "-n", str(script)], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", str(script)], check=True)


@pytest.mark.parametrize("init", INITS)
def test_what_is_put_into_images_has_no_secret_and_no_identity(init: str) -> None:
    paths = {entry.path for entry in image_content.entries(init)}
    assert len(paths) == len(image_content.entries(init))
    assert not paths & {"/etc/hostname", "/etc/machine-id", "/etc/resolv.conf"}
    assert "./etc/ssh/ssh_host_*" in image_content.LEFT_OUT
    assert image_content.digest(init) == image_content.digest(init)


def test_the_first_program_changes_the_image() -> None:
    assert image_content.digest("systemd") != image_content.digest("busybox")
    links = {entry.path: entry.content for entry in image_content.entries("busybox") if entry.link}
    assert links["/usr/sbin/init"] == "/usr/bin/busybox"
    assert "systemd-sysv" in image_content.packages("systemd")
    assert "systemd-sysv" not in image_content.packages("busybox")


def test_the_scripts_of_busybox_are_good_shell(tmp_path: Path) -> None:
    scripts = [entry for entry in image_content.entries("busybox") if entry.content.startswith("#!")]
    assert {entry.mode for entry in scripts} == {0o755}
    for entry in scripts:
        script = tmp_path / entry.path.rpartition("/")[2]
        script.write_text(entry.content.replace("#!/bin/busybox sh", "#!/bin/sh"))
        subprocess.run(["sh", "-n", str(script)], check=True)
        if shutil.which("shellcheck"):
            subprocess.run(["shellcheck", str(script)], check=True)
