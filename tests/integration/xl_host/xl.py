"""A stand-in for xl, as far as a takeover uses it: a folder ($XL_HOST) has a file for each guest that it runs.

It lists the guests of the libvirt daemon ($XL_LIBVIRT) too, for Xen knows all.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

import libvirt

GUESTS = Path(os.environ["XL_HOST"])


def configs() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(GUESTS.glob("*.json"))}


def of_libvirt() -> list[str]:
    connection = libvirt.openReadOnly(os.environ["XL_LIBVIRT"])
    return [guest.name() for guest in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)]


def numbered() -> list[tuple[int, str]]:
    return list(enumerate([*configs(), *of_libvirt()], start=1))


def show() -> None:
    print("Name                                        ID   Mem VCPUs\tState\tTime(s)")
    print("Domain-0                                     0  1024     1     r-----     142.1")
    for number, name in numbered():
        print(f"{name:<40} {number:>5}    16     1     -b----       1.0")


def show_long() -> None:
    known = configs()
    print(json.dumps([{"domid": number, "config": known[name]} for number, name in numbered() if name in known]))


def save(number: int, path: str) -> None:
    name = dict(numbered())[number]
    config = (GUESTS / f"{name}.json").read_bytes() + b"\0"
    data = struct.pack("=I", len(config)) + config
    head = b"Xen saved domain, xl format\n \0 \r" + struct.pack("=4I", 0x01020304, 3, 0, len(data))
    memory = b"LibxlFmt" + struct.pack(">2I", 2, 0) + os.environ.get("XL_MEMORY", "memory").encode() * 50000
    Path(path).write_bytes(head + data + memory)
    (GUESTS / f"{name}.json").unlink()


def restore(path: str) -> None:
    content = Path(path).read_bytes()
    length = struct.unpack("=I", content[48:52])[0]
    config = json.loads(content[52 : 52 + length - 1])
    (GUESTS / f"{config['c_info']['name']}.json").write_text(json.dumps(config))


def main(arguments: list[str]) -> None:
    if arguments == ["list"]:
        show()
    elif arguments == ["list", "--long"]:
        show_long()
    elif arguments[0] == "save":
        save(int(arguments[1]), arguments[2])
    elif arguments[0] == "restore":
        restore(arguments[1])
    else:
        sys.exit(f"xl: {arguments}")


if __name__ == "__main__":
    main(sys.argv[1:])
