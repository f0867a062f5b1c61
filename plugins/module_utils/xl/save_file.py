# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The heads of saved guests: that of ``xl save``, and that of libvirt's Xen driver. What follows them is the same stream.

xl (``struct save_file_header`` in Xen's ``tools/xl/xl.h``, written by ``save_domain_core_writeconfig`` in ``xl_saverestore.c``): 32 bytes
of magic, then in the machine's byte order a mark for that order, mandatory flags (1: the configuration is JSON, 2: the
stream is of version 2), optional flags, and the length of the optional data (the configuration), which come next.

libvirt (``libxlSavefileHeader`` in ``src/libxl/libxl_conf.h``, read by ``libxlDomainSaveImageOpen`` in ``libxl_domain.c``): 16 bytes of
magic, the stream's version, the length of the XML with the zero at its end, 40 bytes unused; then the XML. The version goes to libxl
as it is (``params.stream_version`` in ``libxlDomainStartPerform``).

The stream begins with ``LibxlFmt`` and its version, both big-endian (Xen's ``docs/specs/libxl-migration-stream.pandoc``).
"""

from __future__ import annotations

import struct

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput

_XL = struct.Struct("=32s4I")
_XL_MAGIC = b"Xen saved domain, xl format\n \0 \r"
_BYTE_ORDER = 0x01020304
_STREAM_2 = 2
_KNOWN_FLAGS = 1 | _STREAM_2
_LIBVIRT = struct.Struct("=16s2I40x")
_LIBVIRT_MAGIC = b"libvirt-xml\n \0 \r"
_STREAM = struct.Struct(">8sI")
_STREAM_MAGIC = b"LibxlFmt"

XL_HEAD_BYTES = _XL.size
STREAM_HEAD_BYTES = _STREAM.size


def stream_offset(head: bytes) -> int:
    """Where the stream begins in a file of ``xl save``.

    Args:
        head: the file's first `XL_HEAD_BYTES` bytes.

    Raises:
        InvalidInput: it is no such file, or one of an xl that does otherwise.
    """
    if len(head) < XL_HEAD_BYTES:
        raise InvalidInput("the saved memory is cut off", found=f"{len(head)} bytes")
    magic, order, mandatory, _optional, data_length = _XL.unpack(head[:XL_HEAD_BYTES])
    if magic != _XL_MAGIC or order != _BYTE_ORDER:
        raise InvalidInput("this is no memory that xl saved on this machine", found=repr(magic))
    if mandatory & ~_KNOWN_FLAGS or not mandatory & _STREAM_2:
        raise InvalidInput(
            "xl saved the memory in a form that is not known here",
            found=f"flags {mandatory:#x}",
            expected=f"{_STREAM_2:#x} or {_KNOWN_FLAGS:#x}",
        )
    return XL_HEAD_BYTES + int(data_length)


def check_stream(head: bytes) -> None:
    """See that a stream is one that libvirt's header names.

    Args:
        head: the stream's first `STREAM_HEAD_BYTES` bytes.

    Raises:
        InvalidInput: it is none, or of another version.
    """
    found = _STREAM.unpack(head) if len(head) == STREAM_HEAD_BYTES else None
    if found != (_STREAM_MAGIC, _STREAM_2):
        raise InvalidInput("what follows xl's header is not the stream that was expected", found=repr(head))


def libvirt_head(xml: str) -> bytes:
    """What stands before the stream in a saved guest of libvirt's.

    Args:
        xml: the guest's definition, as it runs.
    """
    text = xml.encode() + b"\0"
    return _LIBVIRT.pack(_LIBVIRT_MAGIC, _STREAM_2, len(text)) + text
