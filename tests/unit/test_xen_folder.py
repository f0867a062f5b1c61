"""The files of /etc/xen: which are a guest's, what starts them, how they are read, and what of them has no option."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed
from ansible_collections.xenfleet.xen.plugins.module_utils.host.xen_folder import XenFolder
from ansible_collections.xenfleet.xen.plugins.module_utils.model.domain import TargetState
from ansible_collections.xenfleet.xen.plugins.module_utils.model.takeover import FoundFile, GuestFile, Start
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.losses import losses
from ansible_collections.xenfleet.xen.plugins.modules.xen_takeover import read_file

FILES = Path(__file__).parent / "xl_files"
STOCK = ("xl.conf", "xlexample.cfg", "xmexample1", "xend-config.sxp", "cpupool", "README", "oxenstored.conf")
LEFTOVERS = (".ldap1.cfg.swp", "ldap1.cfg~", "ldap1.cfg.bak", "ldap1.cfg.dpkg-old", "ldap2.save")
PATTERNS = ("*.cfg", "*.xm")


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """A folder as Debian makes it, with guests of different ages in it."""
    folder = tmp_path / "xen"
    (folder / "auto").mkdir(parents=True)
    (folder / "scripts").mkdir()
    (folder / "scripts/block.cfg").touch()
    (folder / "folder.cfg").mkdir()
    for name in (*STOCK, *LEFTOVERS, "ldap1.cfg", "mail2.xm", "old3", "notes.txt"):
        (folder / name).write_text(f"name = '{name}'\n")
    (folder / "twin.cfg").symlink_to("ldap1.cfg")
    (folder / "gone.cfg").symlink_to("nowhere.cfg")
    return folder


def read(etc: Path, patterns: tuple[str, ...] = PATTERNS) -> dict[str, FoundFile]:
    files = XenFolder([str(etc)], str(etc / "auto"), patterns).read()
    return {str(Path(file.path).relative_to(etc)): file for file in files}


def test_guests_files_are_told_from_all_else(etc: Path) -> None:
    assert list(read(etc)) == ["ldap1.cfg", "mail2.xm"]
    assert list(read(etc, ("*",))) == ["ldap1.cfg", "mail2.xm", "notes.txt", "old3"]


def test_links_are_what_they_lead_to_and_files_in_auto_count_whatever_their_name(etc: Path) -> None:
    auto = etc / "auto"
    (auto / "01-ldap1").symlink_to("../ldap1.cfg")
    (auto / "old3").symlink_to(etc / "old3")
    (auto / "web4").write_text("name = 'web4'\n")
    (auto / "lost.cfg").symlink_to("../nowhere.cfg")
    (auto / ".hidden").touch()
    files = read(etc)
    assert list(files) == ["ldap1.cfg", "mail2.xm", "auto/lost.cfg", "auto/old3", "auto/web4"]
    taken = etc / "auto.taken"
    assert files["ldap1.cfg"].starts == (Start(str(auto / "01-ldap1"), str(taken / "01-ldap1")),)
    assert files["mail2.xm"].starts == ()
    assert files["auto/web4"].starts == (Start(str(auto / "web4"), str(taken / "web4")),)
    assert files["auto/lost.cfg"].text is None
    assert "it cannot be read: No such file" in str(files["auto/lost.cfg"].trouble)


def test_what_is_retired_starts_nothing_and_nothing_is_overwritten(etc: Path) -> None:
    link = etc / "auto/ldap1.cfg"
    folder = XenFolder([str(etc)], str(etc / "auto"), PATTERNS)
    for backup in ("ldap1.cfg", "ldap1.cfg.2"):
        link.symlink_to("../ldap1.cfg")
        (start,) = read(etc)["ldap1.cfg"].starts
        assert start == Start(str(link), str(etc / "auto.taken" / backup))
        folder.retire(start)
        assert list((etc / "auto").iterdir()) == []
        assert Path(start.backup).read_text() == "name = 'ldap1.cfg'\n"  # the link leads where it led
    with pytest.raises(CommandFailed, match="still starts the guest by xl"):
        folder.retire(start)


def test_a_folder_that_is_missing_or_none(tmp_path: Path) -> None:
    folder = XenFolder([str(tmp_path), str(tmp_path / "none")], str(tmp_path / "auto"), PATTERNS)
    assert (folder.read(), folder.missing()) == ((), (str(tmp_path / "none"),))
    (tmp_path / "file").touch()
    with pytest.raises(CommandFailed, match="cannot be read"):
        XenFolder([str(tmp_path / "file")], str(tmp_path / "auto"), PATTERNS).read()


def test_older_texts_are_read_too(etc: Path) -> None:
    (etc / "ldap1.cfg").write_bytes("name = 'ldap1' # f\u00fcr alle\n".encode("latin-1"))
    file = read(etc)["ldap1.cfg"]
    assert file.text == "name = 'ldap1' # f\u00fcr alle\n"
    assert "Latin-1" in str(file.trouble)


def guest_file(text: str, trouble: str | None = None) -> GuestFile:
    return read_file(FoundFile("/etc/xen/ldap1.cfg", text, (), trouble))


def test_a_file_as_it_is_understood() -> None:
    text = (FILES / "ldap1-xl-pv.cfg").read_text().replace("vfb =", "irqs = [4] #")
    file = guest_file(text, "odd")
    assert (file.guest, file.declared, file.understood[0]) == ("ldap1", None, "odd")
    assert str(file.refusal).startswith("without irqs it would be another machine")
    file = guest_file(text.replace("irqs = [4]", "irqs = []"))
    assert file.refusal is None
    assert file.declared is not None
    assert (file.declared.state, file.declared.autostart) == (TargetState.PRESENT, None)
    assert file.declared.domain.on_crash == "coredump-restart"
    assert "on_soft_reset" in file.left_behind


@pytest.mark.parametrize(
    ("text", "guest", "refusal"),
    [
        ("name = 'a'\nimport os\n", "ldap1", "line 2 cannot be read"),
        ("memory = 5\n", "ldap1", "the file names no guest"),
        ("name = 'a b'\nmemory = 5\n", "ldap1", "names no guest, or none with a name that can be used"),
        ("name = 'a'\nmemory = 64\nvcpus = 1\nirqs = [4]\nioports = ['2f8']\n", "a", "without irqs, ioports it"),
    ],
)
def test_a_file_that_is_not_taken_says_why(text: str, guest: str, refusal: str) -> None:
    file = guest_file(text)
    assert (file.guest, file.declared) == (guest, None)
    assert refusal in str(file.refusal)
    assert "\n" not in str(file.refusal)


def test_a_file_that_was_not_read() -> None:
    file = read_file(FoundFile("/etc/xen/auto/ldap1", None, (), "it cannot be read: gone"))
    assert (file.guest, file.refusal) == ("ldap1", "it cannot be read: gone")


def test_what_xl_does_when_a_file_is_silent() -> None:
    file = guest_file("name = 'a'\nmemory = 64\n")
    assert file.declared is not None
    assert (file.declared.domain.on_crash, file.declared.domain.on_reboot) == ("destroy", None)


@pytest.mark.parametrize(
    ("options", "unknown", "unfelt", "felt"),
    [
        ({}, {"cpus": "2-7", "cpu_weight": 512}, ["cpus", "cpu_weight"], []),
        ({"type": "pv"}, {"vnc": 1, "boot": "dc", "acpi": 1, "bios": "ovmf"}, ["vnc", "boot", "acpi", "bios"], []),
        ({"type": "pvh"}, {"apic": 1, "stdvga": 0, "nestedhvm": 1}, ["apic", "stdvga"], ["nestedhvm"]),
        ({"type": "pv"}, {"hap": 0, "nestedhvm": 1, "spice": 1}, ["hap", "nestedhvm", "spice"], []),
        ({"type": "hvm"}, {"bios": "rombios", "acpi": 2}, [], ["bios", "acpi"]),
        (
            {"type": "hvm"},
            {"kernel": "/usr/lib/xen/boot/hvmloader", "device_model": "/qemu-dm", "device_model_version": "qemu-xen"},
            ["kernel", "device_model"],
            [],
        ),
        (
            {"type": "hvm"},
            {"device_model_version": "qemu-xen-traditional", "xen_platform_pci": 0, "acpi_s3": 1},
            [],
            ["device_model_version", "xen_platform_pci"],
        ),
        # How a screen is shown, and what is in the guest for it.
        (
            {"type": "hvm", "graphics": "spice"},
            {"vnc": 1, "vncpasswd": "s3cret", "sdl": 1},
            ["vnc", "vncpasswd", "sdl"],
            [],
        ),
        ({"type": "hvm", "graphics": "spice"}, {"spicevdagent": 1, "spiceport": 1}, ["spiceport"], ["spicevdagent"]),
        (
            {"type": "hvm", "graphics": "vnc"},
            {"spicevdagent": 1, "sdl": 0, "nographic": 1},
            ["spicevdagent", "nographic"],
            [],
        ),
        ({"type": "hvm", "graphics": "none"}, {"vga": "none", "videoram": 8}, ["vga", "videoram"], []),
        ({"type": "hvm", "graphics": "vnc"}, {"vga": "none", "vfb": ["vnc=1"]}, [], ["vga", "vfb"]),
        ({"type": "pv"}, {"vfb": ["vnc=0"]}, [], ["vfb"]),
        ({}, {"pci": [], "vfb": [], "localtime": 0, "bootargs": ""}, [], []),
        ({}, {"localtime": 1, "pci": ["03:00.0"]}, [], ["localtime", "pci"]),
        (
            {},
            {"disks[xvda].discard": True, "disks[xvda].script": "block-iscsi"},
            ["disks[xvda].discard"],
            ["disks[xvda].script"],
        ),
        ({}, {"networks[0].rate": "1Mb/s", "networks[0].vlan": "10"}, ["networks[0].rate"], ["networks[0].vlan"]),
        ({}, {"disk[0]": "x,raw,hda,w", "vif[1]": ""}, [], ["disk[0]", "vif[1]"]),
        ({"type": "pv"}, {"bootloader": "/usr/bin/pygrub"}, ["bootloader"], []),
        ({"type": "pv", "kernel": "/k"}, {"bootloader": "pygrub"}, [], ["bootloader"]),
        ({"type": "pv"}, {"bootloader": "pypxeboot"}, [], ["bootloader"]),
    ],
)
def test_what_the_guest_feels(
    options: dict[str, Any], unknown: dict[str, Any], unfelt: list[str], felt: list[str]
) -> None:
    lost = losses(options, unknown)
    assert (list(lost.unfelt), list(lost.felt)) == (unfelt, felt)
