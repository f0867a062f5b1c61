"""The heads of saved guests, byte by byte as Xen's and libvirt's sources have them, and the pipe from the one to the other."""

from __future__ import annotations

import os
import struct
import threading
from pathlib import Path

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import CommandFailed, InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.host.save_files import SaveFiles
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.save_file import check_stream, libvirt_head, stream_offset

CONFIG = b'{"c_info": {"name": "ldap1"}}\0'
DATA = struct.pack("=I", len(CONFIG)) + CONFIG
HEAD = b"Xen saved domain, xl format\n \0 \r" + struct.pack("=4I", 0x01020304, 3, 0, len(DATA))
STREAM = b"LibxlFmt" + struct.pack(">2I", 2, 0) + bytes(range(256)) * 20000
XML = "<domain type='xen'><name>Jörg</name></domain>"


def saved(folder: Path, content: bytes = HEAD + DATA + STREAM) -> SaveFiles:
    files = SaveFiles(folder / "takeover")
    files.forget("ldap1")
    files.prepare("ldap1")
    Path(files.path("ldap1")).write_bytes(content)
    return files


def test_xls_head_says_where_the_stream_begins() -> None:
    assert len(HEAD) == 48
    assert stream_offset(HEAD) == 48 + len(DATA)
    check_stream(STREAM[:12])


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "cut off"),
        (HEAD[:47], "cut off"),
        (b"LinuxGuestRecord" + HEAD[16:], "no memory that xl saved"),
        (HEAD[:32] + struct.pack("=4I", 0x04030201, 3, 0, 0), "no memory that xl saved"),
        (HEAD[:32] + struct.pack("=4I", 0x01020304, 1, 0, 0), "a form that is not known here; found: flags 0x1"),
        (HEAD[:32] + struct.pack("=4I", 0x01020304, 7, 0, 0), "flags 0x7; expected: 0x2 or 0x3"),
    ],
)
def test_another_head_is_refused(head: bytes, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        stream_offset(head)
    assert words in str(caught.value)


@pytest.mark.parametrize("head", [b"", b"LibxlFmt", b"LibxlFmt" + struct.pack(">I", 3), b"XenCheck" + bytes(4)])
def test_another_stream_is_refused(head: bytes) -> None:
    with pytest.raises(InvalidInput, match="not the stream"):
        check_stream(head)


def test_libvirts_head_is_64_bytes_and_the_definition() -> None:
    head = libvirt_head(XML)
    magic, version, length = struct.unpack("=16s2I", head[:24])
    assert (magic, version, head[24:64]) == (b"libvirt-xml\n \0 \r", 2, bytes(40))
    assert head[64:] == XML.encode() + b"\0"
    assert length == len(head) - 64


def test_a_reader_gets_libvirts_image_and_the_file_stays(tmp_path: Path) -> None:
    files = saved(tmp_path)
    with files.as_image("ldap1", XML) as image:
        assert Path(image).is_fifo()
        assert Path(image).read_bytes() == libvirt_head(XML) + STREAM
    assert not Path(image).exists()
    assert Path(files.path("ldap1")).read_bytes() == HEAD + DATA + STREAM
    assert (tmp_path / "takeover").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("wanted", [None, 0, 100, 100_000])
def test_a_reader_that_stops_or_never_comes_holds_up_nothing(tmp_path: Path, wanted: int | None) -> None:
    files = saved(tmp_path)
    with files.as_image("ldap1", XML) as image:
        if wanted is not None:
            with Path(image).open("rb") as stream:
                stream.read(wanted)
    assert not Path(image).exists()
    assert threading.active_count() == 1


def test_what_cannot_be_read_is_an_error_of_ours(tmp_path: Path) -> None:
    for content, words in ((b"short", "cut off"), (HEAD + DATA + b"something else", "not the stream")):
        with pytest.raises(InvalidInput, match=words), saved(tmp_path, content).as_image("ldap1", XML):
            pass
    files = SaveFiles(tmp_path / "none")
    with pytest.raises(CommandFailed, match="could not be read"), files.as_image("ldap1", XML):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(CommandFailed, match="could not be made"):
        SaveFiles(tmp_path / "file/takeover").prepare("ldap1")


def test_room_is_that_of_the_file_system_to_come(tmp_path: Path) -> None:
    status = os.statvfs(tmp_path)
    room = SaveFiles(tmp_path / "not/there/yet").room().bytes
    assert abs(room - status.f_bavail * status.f_frsize) < 64 * 1024**2


def test_files_are_told_and_forgotten(tmp_path: Path) -> None:
    files = saved(tmp_path)
    assert (files.exists("ldap1"), files.exists("ldap2")) == (True, False)
    with pytest.raises(CommandFailed, match="has a memory in it already"):
        files.prepare("ldap1")
    assert files.exists("ldap1")
    files.forget("ldap1")
    files.forget("ldap1")
    files.prepare("ldap1")
    files.prepare("ldap1")
    assert not files.exists("ldap1")
    assert Path(files.path("ldap1")).stat().st_mode & 0o777 == 0o600
