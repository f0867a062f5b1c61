# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""One disk as xl-disk-configuration(5) writes it, and as xm did."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput

# vmdk is xm's alone.
FORMATS = ("raw", "qcow", "qcow2", "vhd", "qed", "vmdk")
_FLAGS: dict[str, tuple[str, bool]] = {
    "direct-io-safe": ("direct-io-safe", True),
    "discard": ("discard", True),
    "no-discard": ("discard", False),
    "colo": ("colo", True),
    "no-colo": ("colo", False),
    "trusted": ("trusted", True),
    "untrusted": ("trusted", False),
}
_FLAG_WORDS = {meaning: word for word, meaning in _FLAGS.items()}
# What stands before the colons of the old form, and is more than a hint how to serve the disk.
_SCRIPT_PREFIXES = ("iscsi", "nbd", "enbd", "drbd")
_IGNORED_PREFIXES = ("tapdisk", "tap", "tap2", "aio", "sync", "ioemu", "file", "phy")
# access -> read-only, shareable; the ones with '!' are xm's alone.
_ACCESS = {
    "": (False, False),
    "w": (False, False),
    "rw": (False, False),
    "r": (True, False),
    "ro": (True, False),
    "w!": (False, True),
    "rw!": (False, True),
    "!": (False, True),
    "r!": (True, True),
}
_ACCESS_WORDS = {(False, False): "rw", (True, False): "ro", (False, True): "w!", (True, True): "r!"}
_KEY = re.compile(r"[a-z][a-z0-9_-]*", re.ASCII)
_PREFIX = re.compile(r"([a-z][a-z0-9]*):", re.ASCII)
_VDEV = re.compile(r"[A-Za-z0-9]+", re.ASCII)
_FORM = "target, format, vdev, access, such as '/dev/vg0/web1,raw,xvda,rw'"


@dataclass(frozen=True)
class XlDisk:
    """A disk.

    Attributes:
        vdev: the device in the guest.
        source: the file or block device on the host, or what the script makes of it; None for an empty drive.
        format: one of `FORMATS`.
        readonly: the guest may not write it.
        shareable: other guests may have it at the same time.
        cdrom: it is a CD-ROM drive, which can only be read.
        extra: all else, key to value, or to whether a flag is set, in the file's order.
    """

    vdev: str
    source: str | None
    format: str = "raw"
    readonly: bool = False
    shareable: bool = False
    cdrom: bool = False
    extra: tuple[tuple[str, str | bool], ...] = ()


def parse_disk(spec: str) -> XlDisk:
    """Read a disk.

    Raises:
        InvalidInput: it is no disk.
    """
    parts = _Parts(spec)
    rest = spec.lstrip()
    while rest:
        if rest.startswith("target="):
            # The rest as it is, with all its commas, but for one that ends it.
            parts.set_source(rest.removeprefix("target=").removesuffix(","))
            break
        word, _comma, rest = rest.partition(",")
        parts.take(word.rstrip())
        rest = rest.lstrip()
    return parts.disk()


def render_disk(disk: XlDisk) -> str:
    """Write a disk with the names of its parameters, its source last because that may have commas.

    Raises:
        InvalidInput: a part cannot be written.
    """
    words = [f"format={disk.format}", f"vdev={disk.vdev}", f"access={_ACCESS_WORDS[disk.readonly, disk.shareable]}"]
    if disk.cdrom:
        words.append("devtype=cdrom")
    for key, value in disk.extra:
        word = f"{key}={value}" if isinstance(value, str) else _FLAG_WORDS.get((key, value), "")
        if not word or "," in word or word != word.strip() or not _KEY.fullmatch(key):
            raise InvalidInput(f"the disk's {key} cannot be written", found=repr(value))
        words.append(word)
    if disk.source is not None:
        words.append(f"target={disk.source}" + ("," if disk.source.endswith(",") else ""))
    spec = ",".join(words)
    if parse_disk(spec) != disk:
        # Such as a path that does not begin with a slash, which xl would look for in /dev.
        raise InvalidInput(f"the disk {disk.vdev} cannot be written", found=spec)
    return spec


class _Parts:
    """What was found so far of one disk."""

    def __init__(self, spec: str) -> None:
        self._spec = spec
        self._source: str | None = None
        self._format: str | None = None
        self._vdev: str | None = None
        self._access: str | None = None
        self._cdrom = False
        self._prefixes: list[str] = []
        self._extra: dict[str, str | bool] = {}

    def take(self, word: str) -> None:
        """Take one of the parts between the commas."""
        key, equals, value = word.partition("=")
        if word == "cdrom":
            self._cdrom = True
        elif word in _FLAGS:
            self._set_extra(*_FLAGS[word])
        elif equals and _KEY.fullmatch(key):
            self._keyword(key, value)
        elif equals:
            raise self._wrong(f"{word!r} is no parameter", "a source with '=' in it as target=..., at the end")
        else:
            self._positional(word)

    def set_source(self, value: str) -> None:
        if self._source:
            raise self._wrong("the source is given twice", _FORM)
        self._source = value

    def disk(self) -> XlDisk:
        """All of them together."""
        if any(ord(char) < 32 or ord(char) == 127 for char in self._spec):
            raise self._wrong("a disk has control characters", _FORM)
        if not self._vdev:
            raise self._wrong("the disk has no device in the guest", _FORM)
        if not self._source and not self._cdrom:
            raise self._wrong("the disk has no source, and is no CD-ROM drive", _FORM)
        readonly, shareable = _ACCESS[self._access or ""]
        return XlDisk(
            vdev=self._vdev,
            source=self._absolute(self._source) if self._source else None,
            format=self._format or "raw",
            readonly=readonly or self._cdrom,
            shareable=shareable,
            cdrom=self._cdrom,
            extra=tuple(self._extra.items()),
        )

    def _absolute(self, source: str) -> str:
        bare = not source.startswith("/") and ":" not in source and "script" not in self._extra
        # Block devices are looked for in /dev. A file that was named without its folder could be anywhere.
        return f"/dev/{source}" if bare and (not self._prefixes or "phy" in self._prefixes) else source

    def _keyword(self, key: str, value: str) -> None:
        if key == "format":
            self._set_format(value)
        elif key == "vdev":
            self._set_vdev(value)
        elif key == "access":
            self._set_access(value)
        elif key == "devtype":
            self._set_type(value)
        else:
            self._set_extra(key, value)

    def _positional(self, word: str) -> None:
        if self._source is None:
            self._source = self._without_prefixes(word)
        elif not self._prefixes and self._format is None:
            if self._source == "" and ":" in word:
                # xm's way to write an empty drive: ',hdc:cdrom,r'.
                self._set_format("empty")
                self._take_vdev(word)
            else:
                self._set_format(word)
        elif self._vdev is None:
            self._take_vdev(word)
        elif self._access is None:
            self._set_access(word)
        else:
            raise self._wrong(f"{word!r} is one part too many", _FORM)

    def _take_vdev(self, word: str) -> None:
        """A device in the guest as xm wrote it too: ``ioemu:hda``, ``/dev/sda1``, ``hdc:cdrom``."""
        vdev, colon, kind = word.removeprefix("ioemu:").removeprefix("/dev/").partition(":")
        self._set_vdev(vdev)
        if colon:
            self._set_type(kind)

    def _without_prefixes(self, word: str) -> str:
        while match := _PREFIX.match(word):
            prefix, rest = match[1], word[match.end() :]
            if prefix in FORMATS:
                self._set_format(prefix)
            elif prefix in _SCRIPT_PREFIXES:
                self._set_extra("script", f"block-{prefix}")
            elif prefix not in _IGNORED_PREFIXES:
                if rest[:1].isalnum():
                    # Such as rbd:pool/image, which is a source of its own kind.
                    break
                raise self._wrong(f"{prefix}: is no known prefix", _FORM)
            self._prefixes.append(prefix)
            word = rest
        return word

    def _set_format(self, value: str) -> None:
        # xl's own word for a drive without a medium.
        value = {"": "raw", "empty": "raw"}.get(value, value)
        if value not in FORMATS:
            raise self._wrong(f"{value!r} is no format of a disk", ", ".join(FORMATS))
        if self._format not in (None, value):
            raise self._wrong("the format is given twice", _FORM)
        self._format = value

    def _set_vdev(self, value: str) -> None:
        if not _VDEV.fullmatch(value):
            raise self._wrong(f"{value!r} is no device in the guest", "xvda, hda, sda1, ...")
        if self._vdev not in (None, value):
            raise self._wrong("the device in the guest is given twice", _FORM)
        self._vdev = value

    def _set_access(self, value: str) -> None:
        if value not in _ACCESS:
            raise self._wrong(f"{value!r} is no access", "r, ro, w, rw, or xm's w!")
        self._access = value

    def _set_type(self, value: str) -> None:
        if value not in ("cdrom", "disk"):
            raise self._wrong(f"{value!r} is no type of a disk", "cdrom, disk")
        self._cdrom = value == "cdrom"

    def _set_extra(self, key: str, value: str | bool) -> None:
        if self._extra.get(key, value) != value:
            raise self._wrong(f"{key} is given twice", _FORM)
        self._extra[key] = value

    def _wrong(self, message: str, expected: str) -> InvalidInput:
        return InvalidInput(message, found=repr(self._spec[:160]), expected=expected)
