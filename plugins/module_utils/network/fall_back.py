# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts a host's former network back, because nobody has confirmed the change of it.

A program of its own: it lies on the host while a change waits, and systemd starts it when the time is over, or before the
network comes up at a start of the host. So it needs nothing but Python's standard library, and nothing of this collection.

    python3 fall_back.py FOLDER

What was there before is in FOLDER/waiting/before.json: files with their contents, and what ``ip`` said of the interfaces.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SERVICE = "xenfleet-network-fallback.service"
TIMER = "xenfleet-network-fallback.timer"
UNITS = (
    f"etc/systemd/system/sysinit.target.wants/{SERVICE}",
    f"etc/systemd/system/{SERVICE}",
    f"etc/systemd/system/{TIMER}",
)
BOOT_ID = "proc/sys/kernel/random/boot_id"
# Rules for guests behind the host's address, where ifupdown keeps the network (masquerade.py).
NAT_FILE = "/etc/network/xenfleet-nat.nft"
NAT_TABLE = "xenfleet_nat"
# Programs that ask for addresses where ifupdown keeps the network: where each notes its number, and how it is ended.
CLIENTS: Mapping[str, Sequence[str]] = {
    "run/dhcpcd/{}-4.pid": ("dhcpcd", "--exit", "--ipv4only", "{}"),
    "run/dhcpcd/{}.pid": ("dhcpcd", "--exit", "{}"),
    "run/dhclient.{}.pid": ("dhclient", "-x", "-pf", "/run/dhclient.{}.pid", "{}"),
}
PATIENCE_SECONDS = 30.0
_COMMAND_SECONDS = 20.0

Row = Mapping[str, Any]
Picture = Mapping[str, Sequence[Row]]
Run = Callable[[Sequence[str]], str]


def main(
    arguments: Sequence[str],
    *,
    root: Path = Path("/"),
    run: Run | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Put back what was, if a change waits; the exit status."""
    folder = Path(arguments[0])
    with locked(folder):
        waiting = folder / "waiting"
        try:
            before = json.loads((waiting / "before.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return 0
        end_worker(waiting / "worker")
        shown = unhidden(before["files"], root)
        put_files(before["files"], root)
        os.sync()
        at_start = before["boot"] != boot_id(root)
        left = [] if at_start else bring_back(before, shown, root, run or run_program, sleep)
        conclude(folder, before, {"stage": "restored", "at_start": at_start, "incomplete": left})
        retire(root, None if at_start else run or run_program)
    say("restored" if not left else "not restored: " + "; ".join(left))
    return 1 if left else 0


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Confirming and falling back do not happen at once."""
    with (folder / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def end_worker(file: Path) -> None:
    """Stop the process that applies the change, which holds a lock on its file while it lives."""
    if not file.exists():
        return
    with file.open() as handle:
        for _attempt in range(50):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                with contextlib.suppress(OSError, ValueError):
                    os.kill(int(file.read_text(encoding="utf-8")), signal.SIGKILL)
                time.sleep(0.1)
            else:
                return


def put_files(files: Mapping[str, Mapping[str, Any] | None], root: Path) -> None:
    """Give files their former contents; what was not there goes. What is right already is left alone."""
    for path, kept in files.items():
        file = root / path.lstrip("/")
        for rest in file.parent.glob(".xenfleet-*"):  # of a process that was stopped in the middle of writing
            rest.unlink()
        if kept is None:
            file.unlink(missing_ok=True)
        elif not file.is_file() or file.read_text(encoding="utf-8", errors="surrogateescape") != kept["text"]:
            file.parent.mkdir(parents=True, exist_ok=True)
            write(file, kept["text"], int(kept["mode"]))


def unhidden(files: Mapping[str, Mapping[str, Any] | None], root: Path) -> list[tuple[str, str]]:
    """The networks that are hidden by the files that are there, and not by their former contents."""
    found: set[tuple[str, str]] = set()
    for path, kept in files.items():
        with contextlib.suppress(OSError):
            now = (root / path.lstrip("/")).read_text(encoding="utf-8", errors="surrogateescape")
            found |= hidden(now) - hidden(kept["text"] if kept else "")
    return sorted(found)


def hidden(text: str) -> set[tuple[str, str]]:
    """The networks behind the host's address by a file of systemd-networkd: the bridge of each, and the host's address in it.

    While a network is hidden, that address has to go before systemd-networkd learns that it no longer is: only with the address does it
    forget what it had the kernel do.
    """
    pairs = [line.partition("=")[::2] for line in text.splitlines()]
    if ("IPMasquerade", "ipv4") not in pairs:
        return set()
    names = [value for key, value in pairs if key == "Name"]
    return {(name, value) for name in names for key, value in pairs if key == "Address" and ":" not in value}


def write(file: Path, text: str, mode: int) -> None:
    """Write a file whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=".xenfleet-")
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    Path(temporary).chmod(mode)
    Path(temporary).replace(file)


def bring_back(
    before: Mapping[str, Any],
    shown: Iterable[tuple[str, str]],
    root: Path,
    run: Run,
    sleep: Callable[[float], None],
) -> list[str]:
    """Bring the kernel to what it was, and who keeps the network to its former files; returns what is still otherwise.

    The kernel first, for that brings the connection back at once; again afterwards, until two looks in a row find nothing to do.
    """
    todo: list[list[str]] = []
    for name in sorted(set(before["names"]) - set(before["asking"])):
        for command in endings(root, name):
            run(command)
    for _round in range(3):  # a card that a bond has let go is down, and has to be up before it takes routes
        todo = repairs(before["names"], before, picture(run))
        for command in todo:
            run(command)
    for name, address in shown:
        run(["ip", "addr", "del", address, "dev", name])
    run(["networkctl", "reload"])
    if NAT_FILE in before["files"]:
        run(["nft", "-f", NAT_FILE] if before["files"][NAT_FILE] else ["nft", "delete", "table", "ip", NAT_TABLE])
    for name in before["asking"]:
        if not endings(root, name):
            run(["ifup", "--force", name])
    calm = 0
    for _second in range(int(PATIENCE_SECONDS)):
        todo = repairs(before["names"], before, picture(run))
        calm = 0 if todo else calm + 1
        if calm == 2:
            return []
        for command in todo:
            run(command)
        sleep(1.0)
    return [" ".join(command) for command in todo]


def endings(root: Path, name: str) -> list[list[str]]:
    """The commands that end what asks a DHCP server for an address of this interface, and runs."""
    found: list[list[str]] = []
    for file, command in CLIENTS.items():
        with contextlib.suppress(OSError):
            number = (root / file.format(name)).read_text(encoding="utf-8").strip()
            if number.isdigit() and (root / "proc" / number).exists():
                found.append([word.format(name) for word in command])
    return found


def conclude(folder: Path, before: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Note how it ended; from here on nothing waits any more."""
    waiting = folder / "waiting"
    notes = {key: before[key] for key in ("token", "begun", "until")}
    for name in ("applied", "failure"):
        with contextlib.suppress(FileNotFoundError, ValueError):
            notes.update(json.loads((waiting / f"{name}.json").read_text(encoding="utf-8")))
    write(folder / "last.json", json.dumps({**notes, **found, "ended": clock()}), 0o600)
    (waiting / "before.json").unlink()
    shutil.rmtree(waiting, ignore_errors=True)
    os.sync()


def retire(root: Path, run: Run | None) -> None:
    """Take the units away; at a start of the host systemd need not be told."""
    if run is not None:
        run(["systemctl", "stop", TIMER])
    for unit in UNITS:
        (root / unit).unlink(missing_ok=True)
    if run is not None:
        run(["systemctl", "daemon-reload"])


def picture(run: Run) -> Picture:
    """What the kernel has."""

    def ask(*argv: str) -> list[Row]:
        try:
            found = json.loads(run(argv) or "[]")
        except ValueError:
            return []
        return [row for row in found if row]

    links = ask("ip", "-json", "-details", "addr", "show")
    filters = any(_data(row).get("vlan_filtering") for row in links)
    return {
        "links": links,
        "vlans": ask("bridge", "-json", "vlan", "show") if filters else [],
        "routes4": ask("ip", "-json", "-4", "route", "show"),
        "routes6": ask("ip", "-json", "-6", "route", "show"),
    }


def repairs(names: Iterable[str], before: Picture, now: Picture) -> list[list[str]]:
    """The commands that give some interfaces back what they had, and take away what did not exist."""
    was = {str(row["ifname"]): row for row in before["links"]}
    has = {str(row["ifname"]): row for row in now["links"]}
    chosen = sorted(set(names))
    gone = [one for one in chosen if one in has and kind(has[one]) and not (one in was and same(was[one], has[one]))]
    made = [one for one in chosen if one in was and kind(was[one]) in _DEPTHS and (one not in has or one in gone)]
    commands = [["ip", "link", "del", "dev", one] for one in sorted(gone, key=lambda one: -_depth(has[one]))]
    commands += [creation(was[one]) for one in sorted(made, key=lambda one: _depth(was[one]))]
    there = [one for one in chosen if one in was and (one in has or one in made)]
    for one in there:
        commands += _ties(was[one], None if one in gone else has.get(one), was)
    for one in sorted(there, key=lambda one: _depth(was[one])):
        commands += _settings(was[one], None if one in gone else has.get(one))
    for one in there:
        commands += _addresses(was[one], None if one in gone else has.get(one))
    commands += _carried(before["vlans"], now["vlans"], {one for one in there if was[one].get("master")})
    commands += _routes("-4", before["routes4"], now["routes4"], set(there))
    commands += _routes("-6", before["routes6"], now["routes6"], set(there))
    return commands


_OF_BRIDGES = ("stp_state", "forward_delay", "ageing_time", "vlan_filtering", "vlan_default_pvid")
# In this order: with a spanning tree the kernel refuses the delay of a bridge without.
_SETTINGS = {"bond": ("miimon", "xmit_hash_policy", "primary"), "bridge": _OF_BRIDGES}
_DEPTHS = {"bond": 1, "vlan": 2, "bridge": 3}


def _depth(row: Row) -> int:
    """Lower interfaces have lower numbers."""
    return _DEPTHS.get(kind(row), 0)


def kind(row: Row) -> str:
    """``bond``, ``bridge``, ``vlan`` and so on; '' for hardware."""
    return str((row.get("linkinfo") or {}).get("info_kind") or "")


def _data(row: Row) -> Mapping[str, Any]:
    """What belongs to the kind."""
    found: Mapping[str, Any] = (row.get("linkinfo") or {}).get("info_data") or {}
    return found


def same(one: Row, other: Row) -> bool:
    """Whether one can become the other without being made anew."""
    if kind(one) != kind(other):
        return False
    if kind(one) == "vlan":
        return (one.get("link"), _data(one).get("id")) == (other.get("link"), _data(other).get("id"))
    return all(_data(one).get(key) == _data(other).get(key) for key in ("mode", "ad_lacp_rate"))


def creation(row: Row) -> list[str]:
    """The command that makes a virtual interface."""
    data = _data(row)
    command = ["ip", "link", "add"]
    if kind(row) == "vlan":
        return [*command, "link", str(row["link"]), "name", str(row["ifname"]), "type", "vlan", "id", str(data["id"])]
    command += ["name", str(row["ifname"])]
    if row.get("address"):
        command += ["address", str(row["address"])]
    if kind(row) == "bond":
        command += ["type", "bond", "mode", str(data.get("mode"))]
        return command + _options(data, ("miimon", "xmit_hash_policy"), {"ad_lacp_rate": "lacp_rate"})
    return [*command, "type", "bridge", *_options(data, _OF_BRIDGES)]


def _options(data: Mapping[str, Any], names: Sequence[str], others: Mapping[str, str] | None = None) -> list[str]:
    """Options of a kind as words, where they are known."""
    words: list[str] = []
    for name, option in {**{name: name for name in names}, **(others or {})}.items():
        if data.get(name) is not None:
            words += [option, str(data[name])]
    return words


def _ties(was: Row, has: Row | None, all_before: Mapping[str, Row]) -> list[list[str]]:
    """Leave the bond or bridge that it was not in, join the one that it was in; a bond takes only what is down."""
    name, wanted = str(was["ifname"]), was.get("master")
    found = None if has is None else has.get("master")
    if found == wanted:
        return []
    commands = [["ip", "link", "set", "dev", name, "nomaster"]] if found else []
    if wanted:
        if kind(all_before.get(wanted, {})) == "bond":
            commands.append(["ip", "link", "set", "dev", name, "down"])
        commands.append(["ip", "link", "set", "dev", name, "master", str(wanted)])
    return commands


def _settings(was: Row, has: Row | None) -> list[list[str]]:
    """What an interface is set to, and whether it is up."""
    name = str(was["ifname"])
    commands = []
    for key in _SETTINGS.get(kind(was), ()):
        if has is not None and _data(was).get(key) == _data(has).get(key):
            continue
        words = _options(_data(was), (key,))
        if key == "ageing_time" and any(_data(row or {}).get("topology_change") for row in (was, has)):
            continue  # while the spanning tree changes, it is not what was set
        if words:
            commands.append(["ip", "link", "set", "dev", name, "type", kind(was), *words])
        elif key == "primary" and has is not None:
            commands.append(["ip", "link", "set", "dev", name, "type", "bond", "primary", ""])
    if has is None or was.get("mtu") != has.get("mtu"):
        commands.append(["ip", "link", "set", "dev", name, "mtu", str(was.get("mtu") or 1500)])
    up = "UP" in (was.get("flags") or ())
    if has is None or up != ("UP" in (has.get("flags") or ())):
        commands.append(["ip", "link", "set", "dev", name, "up" if up else "down"])
    return commands


def _carried(before: Iterable[Row], now: Iterable[Row], names: set[str]) -> list[list[str]]:
    """The VLANs that ports of a bridge carry."""
    wanted, found = _own_vlans(before, names), _own_vlans(now, names)
    commands = [["bridge", "vlan", "del", *words[:4]] for words in found if words not in wanted]
    return commands + [["bridge", "vlan", "add", *words] for words in wanted if words not in found]


def _own_vlans(rows: Iterable[Row], names: set[str]) -> list[list[str]]:
    """VLANs of some ports as words."""
    options = {"PVID": "pvid", "Egress Untagged": "untagged"}
    return [
        [
            "dev",
            str(row["ifname"]),
            "vid",
            str(one["vlan"]),
            *(options[flag] for flag in one.get("flags") or () if flag in options),
        ]
        for row in rows
        if row.get("ifname") in names
        for one in row.get("vlans") or ()
    ]


def _addresses(was: Row, has: Row | None) -> list[list[str]]:
    """The host's own addresses; what routers and the link itself give comes by itself."""
    wanted, found = _own_addresses(was), _own_addresses(has or {})
    name = str(was["ifname"])
    commands = [["ip", "addr", "del", one, "dev", name] for one in found if one not in wanted]
    for one, row in wanted.items():
        if one in found:
            continue
        words = ["ip", "addr", "add", one]
        if row.get("broadcast"):
            words += ["broadcast", str(row["broadcast"])]
        if row.get("scope"):
            words += ["scope", str(row["scope"])]
        if row.get("dynamic"):
            words += ["valid_lft", str(row["valid_life_time"]), "preferred_lft", str(row["preferred_life_time"])]
        commands.append([*words, "dev", name])
    return commands


def _own_addresses(row: Row) -> dict[str, Row]:
    """The addresses of an interface with prefix length, in their order."""
    return {
        f"{one['local']}/{one['prefixlen']}": one
        for one in row.get("addr_info") or ()
        if "local" in one and not (one.get("family") == "inet6" and (one.get("scope") == "link" or one.get("dynamic")))
    }


def _routes(family: str, before: Iterable[Row], now: Iterable[Row], names: set[str]) -> list[list[str]]:
    """The routes over some interfaces, those to the neighbours first."""
    wanted, found = _own_routes(before, names), _own_routes(now, names)
    commands = [["ip", family, "route", "del", *words] for key, words in found.items() if key not in wanted]
    missing = [key for key in wanted if key not in found]
    return commands + [["ip", family, "route", "replace", *wanted[key]] for key in sorted(missing, key=_by_gateway)]


def _by_gateway(key: tuple[str, ...]) -> bool:
    """Routes with a gateway need those without."""
    return "via" in key


def _own_routes(rows: Iterable[Row], names: set[str]) -> dict[tuple[str, ...], list[str]]:
    """Routes as words; those that the kernel and routers make come by themselves."""
    found: dict[tuple[str, ...], list[str]] = {}
    for row in rows:
        if row.get("dev") not in names or row.get("protocol") in ("kernel", "ra") or "nexthops" in row:
            continue
        via = row.get("via") or {}
        words = [str(row["dst"])]
        if row.get("gateway"):
            words += ["via", str(row["gateway"])]
        elif via.get("host"):
            words += ["via", str(via.get("family")), str(via["host"])]
        words += ["dev", str(row["dev"])]
        for name, option in (("prefsrc", "src"), ("metric", "metric")):
            if row.get(name) is not None:
                words += [option, str(row[name])]
        key = tuple(words)
        if row.get("protocol"):
            words += ["proto", str(row["protocol"])]
        if row.get("scope") and row["scope"] != "global":
            words += ["scope", str(row["scope"])]
        found[key] = [*words, *(["onlink"] if "onlink" in (row.get("flags") or ()) else [])]
    return found


def boot_id(root: Path) -> str:
    """What is another after each start of the host."""
    return (root / BOOT_ID).read_text(encoding="utf-8").strip()


def clock() -> str:
    """The time, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def run_program(argv: Sequence[str]) -> str:
    """Run a program; whatever becomes of it, the next one is run. What it printed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/bin:/sbin:/bin"
    try:
        done = subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_COMMAND_SECONDS,
            env={**os.environ, "LC_ALL": "C", "PATH": path},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        say(f"{' '.join(argv)}: {error}")
        return ""
    if argv[1:2] != ["-json"]:
        say(f"{' '.join(argv)}: {done.returncode} {done.stderr.strip()}".rstrip())
    return done.stdout


def say(words: str) -> None:
    """A line for the journal."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
