"""Hosts that reach each other by SSH: refused values, plans, and the files of a host in a folder of its own."""

from __future__ import annotations

import base64
import os
import pwd
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import (
    CommandFailed,
    InvalidInput,
    NotFound,
    XenfleetError,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.files import write_whole
from ansible_collections.xenfleet.xen.plugins.module_utils.host.ssh_files import SshFiles
from ansible_collections.xenfleet.xen.plugins.module_utils.model.peers import (
    MODES,
    Entry,
    FoundPeers,
    Peer,
    Place,
    host_label,
    key_directory,
    make_peers,
    public_key,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.peers import PeersOutcome, ensure_peers
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.peers import (
    HEAD,
    PeersPlan,
    authorized_line,
    plan_peers,
    ssh_config,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult

DIRECTORY = "/etc/xenfleet/migration"
CONFIG = "etc/ssh/ssh_config.d/xenfleet-migration.conf"
HOME = pwd.getpwuid(0).pw_dir.lstrip("/")


def key_of(seed: int, kind: str = "ssh-ed25519") -> str:
    """A public key that is none of anybody's."""
    parts = (kind.encode(), bytes([seed]) * 32)
    return f"{kind} " + base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()


def told(number: int, **more: str | None) -> dict[str, str | None]:
    """A peer as the role tells it."""
    return {
        "name": f"xen{number}",
        "address": f"10.30.0.{number}",
        "key": f"{key_of(number)} xenfleet-migration@xen{number}",
        "host_key": f"{key_of(100 + number)} root@xen{number}",
        **more,
    }


def peers(*numbers: int) -> tuple[Peer, ...]:
    return make_peers([told(number) for number in numbers])


def line(number: int, seed: int | None = None) -> str:
    """The line of authorized_keys for a peer, as the documentation shows it."""
    return (
        f'restrict,from="10.30.0.{number}",command="virt-ssh-helper xen:///system" '
        f"{key_of(number if seed is None else seed)} xenfleet-migration@xen{number}"
    )


def known(number: int, seed: int | None = None) -> str:
    return f"10.30.0.{number} {key_of(100 + (number if seed is None else seed))}"


def found(**texts: str) -> FoundPeers:
    """A host with its own key, and with these files."""
    entries = {place: Entry(MODES[place]) for place in (Place.DIRECTORY, Place.PRIVATE_KEY, Place.ROOT_SSH)}
    for name, text in texts.items():
        entries[Place(name)] = Entry(MODES[Place(name)], text=text)
    return FoundPeers(entries)


def plan(found: FoundPeers, others: tuple[Peer, ...] | None) -> PeersPlan:
    return plan_peers("xen1", DIRECTORY, others, found)


def fields(plan: PeersPlan) -> list[str]:
    return [change.field for change in plan.changes]


@dataclass
class Keygen:
    """Programs of a host whose ssh-keygen is quick, and can be missing or fail. The world, not the code."""

    status: int | None = 0
    ran: list[list[str]] = field(default_factory=list)

    def has(self, program: str) -> bool:
        return self.status is not None

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float | None = None, check: bool = True
    ) -> CommandResult:
        self.ran.append(list(argv))
        if self.status is None:
            raise NotFound("the program 'ssh-keygen' is not installed")
        if self.status:
            raise CommandFailed("'ssh-keygen' failed with status 1", found="no space left")
        if "-y" in argv:
            return CommandResult(0, f"{key_of(1)} xenfleet-migration@xen1\n", "")
        private, comment = Path(argv[argv.index("-f") + 1]), argv[argv.index("-C") + 1]
        private.write_text("secret\n")
        private.chmod(0o600)
        Path(f"{private}.pub").write_text(f"{key_of(1)} {comment}\n")
        return CommandResult(0, "", "")


@dataclass
class Host:
    """A host's file system in a folder."""

    root: Path
    commands: Any = field(default_factory=Keygen)

    def ensure(self, others: tuple[Peer, ...] | None, *, check: bool = False) -> PeersOutcome:
        files = SshFiles(self.commands, DIRECTORY, self.root)
        return ensure_peers(files, "xen1", DIRECTORY, others, check=check)

    def put(self, path: str, content: str | bytes, mode: int = 0o600) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        file.chmod(mode)
        return file

    def shape(self) -> dict[str, tuple[int, bytes | None]]:
        """All files and folders, with permissions and content."""
        return {
            str(path.relative_to(self.root)): (
                stat.S_IMODE(path.stat().st_mode),
                path.read_bytes() if path.is_file() else None,
            )
            for path in sorted(self.root.rglob("*"))
        }


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host on which nothing has been done yet."""
    made = Host(tmp_path)
    made.put("etc/ssh/ssh_host_ed25519_key.pub", f"{key_of(101)} root@xen1\n", 0o644)
    return made


# --- values


BAD: list[tuple[dict[str, str | None], str]] = [
    ({"name": ""}, "name"),
    ({"name": "xen 2"}, "'xen 2'"),
    ({"name": "xen2\n"}, r"'xen2\\n'"),
    ({"name": '"'}, "name of a host"),
    ({"name": "-xen2"}, "'-xen2'"),
    ({"name": "x" * 254}, "name of a host"),
    ({"address": ""}, r"peers\[xen2\].address"),
    ({"address": '10.30.0.2",command="sh'}, r"peers\[xen2\].address .*found: .*command"),
    ({"address": "10.30.0.2 *"}, r"peers\[xen2\].address"),
    ({"address": "*"}, r"peers\[xen2\].address"),
    ({"address": "!xen2"}, r"peers\[xen2\].address"),
    ({"address": "xen2,xen3"}, r"peers\[xen2\].address"),
    ({"address": "10.30.0.2\n"}, r"peers\[xen2\].address"),
    ({"address": "10.30.0.0/24"}, r"peers\[xen2\].address"),
    ({"address": "10.30.0.300"}, r"peers\[xen2\].address"),
    ({"address": "-oProxyCommand=sh"}, r"peers\[xen2\].address"),
    ({"address": "fe80::1%eth0"}, r"peers\[xen2\].address"),
    ({"address": 'fe80::1%" x'}, r"peers\[xen2\].address"),
    ({"key": f"{key_of(2)}\n{key_of(3)}"}, r"peers\[xen2\].key is no public key; found: .*\\n"),
    ({"key": f"{key_of(2)} a\n"}, r"peers\[xen2\].key"),
    ({"key": f"{key_of(2)} a\x00"}, r"peers\[xen2\].key"),
    ({"key": f"{key_of(2)} a\u2028b"}, r"peers\[xen2\].key"),
    ({"key": f'{key_of(2)} "'}, r"peers\[xen2\].key"),
    ({"key": f"{key_of(2)} it's"}, r"peers\[xen2\].key"),
    ({"key": f'command="sh" {key_of(2)}'}, r"peers\[xen2\].key"),
    ({"key": "ssh-ed25519"}, r"peers\[xen2\].key"),
    ({"key": f" {key_of(2)}"}, r"peers\[xen2\].key"),
    ({"key": key_of(2).replace(" ", "\t")}, r"peers\[xen2\].key"),
    ({"key": key_of(2, "ssh-dss")}, r"unknown type; found: 'ssh-dss'"),
    ({"key": key_of(2, "ssh-ed25519-cert-v01@openssh.com")}, "unknown type"),
    ({"key": "ssh-ed25519 AAAAB"}, r"peers\[xen2\].key is damaged"),
    ({"key": f"ssh-rsa {key_of(2).split()[1]}"}, "expected: a key of the type ssh-rsa"),
    ({"key": "x" * 5000}, r"x{100}\.\.\."),
    ({"host_key": f"{key_of(2)}\n"}, r"peers\[xen2\].host_key"),
    ({"host_key": "@cert-authority * x"}, r"peers\[xen2\].host_key"),
    ({"name": "xen3"}, r"the same name; found: xen3 \(10.30.0.2\) and xen3 \(10.30.0.3\)"),
    ({"address": "10.30.0.3"}, r"the same address; found: xen2 .* and xen3 "),
]


@pytest.mark.parametrize(("changed", "words"), BAD)
def test_bad_values_are_refused_by_the_name_of_the_peer(changed: dict[str, str | None], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        make_peers([told(2, **changed), told(3)])


@pytest.mark.parametrize(
    ("one", "other"), [("fd00::1", "FD00:0::1"), ("Xen.example.org", "xen.example.org"), ("10.0.0.1", "10.0.0.1")]
)
def test_one_address_in_two_forms_is_one(one: str, other: str) -> None:
    with pytest.raises(InvalidInput, match="same address"):
        make_peers([told(2, address=one), told(3, address=other)])


@pytest.mark.parametrize("address", ["10.30.0.2", "fd00::2", "xen2", "xen2.migration.example.org", "2.a"])
@pytest.mark.parametrize("missing", [None, ""])
def test_good_values(address: str, missing: str | None) -> None:
    (peer,) = make_peers([told(2, address=address, key=missing, host_key=missing)])
    assert peer == Peer("xen2", address)
    (peer,) = make_peers([told(2, address=address, key=f"{key_of(2, 'ssh-rsa')} some one@where", host_key=key_of(3))])
    assert (str(peer.key), str(peer.host_key)) == (key_of(2, "ssh-rsa"), key_of(3))


@pytest.mark.parametrize("name", ["xen1", "xen1.example.org", "10.0.0.1", "fd00::1", "xen_1"])
def test_names_of_hosts(name: str) -> None:
    assert host_label(name) == name


@pytest.mark.parametrize("path", ["etc", "/", "//", "/etc/../root", "/etc/a b", "/etc/%h", '/etc/"', "/etc/a\nb"])
def test_folders_that_ssh_would_read_otherwise(path: str) -> None:
    with pytest.raises(InvalidInput, match="directory"):
        key_directory(path)
    assert key_directory("/etc/a.b/c-d/") == "/etc/a.b/c-d"


# --- plans


FOREIGN = [
    "",
    "# xenfleet-migration@xen2",
    f"#{line(2, 9)}",
    f"{key_of(9)} admin",
    f"{key_of(9)} xenfleet-migration@xen22",
    f"{key_of(9)} my-xenfleet-migration@xen2",
    f"{key_of(9)} xenfleet-migration@xen2 of old",
    "xenfleet-migration@xen2",
]

MERGES: list[tuple[str, list[str], list[str], list[str]]] = [
    ("none yet", [], ["2", "3"], ["peers[xen2].key", "peers[xen3].key"]),
    ("all there", ["2", "3"], ["2", "3"], []),
    ("in the order that they have", ["3", "a", "2"], ["3", "a", "2"], []),
    ("another key, in its place", ["a", "2old", "b", "3"], ["a", "2", "b", "3"], ["peers[xen2].key"]),
    ("one is added at the end", ["3", "a"], ["3", "a", "2"], ["peers[xen2].key"]),
    ("twice becomes once", ["2old", "a", "2", "3"], ["2", "a", "3"], ["peers[xen2].key"]),
    ("a host that is no longer named stays", ["4", "2", "3"], ["4", "2", "3"], []),
]
LINES = {"a": f"{key_of(9)} admin", "b": "# b", "2": line(2), "2old": line(2, 8), "3": line(3), "4": line(4)}


@pytest.mark.parametrize(("what", "before", "after", "changed"), MERGES)
@pytest.mark.parametrize("end", ["\n", ""])
def test_lines_of_authorized_keys(what: str, before: list[str], after: list[str], changed: list[str], end: str) -> None:
    text = "\n".join(LINES[name] for name in before) + (end if before else "")
    config = ssh_config(DIRECTORY, peers(2, 3))
    host = found(authorized_keys=text, known_hosts=f"{known(2)}\n{known(3)}\n", ssh_config=config)
    done = plan(host, peers(2, 3))
    assert fields(done) == changed
    if changed:
        ((place, new),) = done.texts
        assert place is Place.AUTHORIZED_KEYS
        assert new.splitlines() == [LINES[name] for name in after]
    else:
        assert done == PeersPlan()


@pytest.mark.parametrize("foreign", FOREIGN)
def test_lines_of_others_are_not_taken_for_a_peers(foreign: str) -> None:
    done = plan(found(authorized_keys=foreign), peers(2))
    assert dict(done.texts)[Place.AUTHORIZED_KEYS] == (f"{foreign}\n" if foreign else "") + f"{line(2)}\n"


@pytest.mark.parametrize(
    "ours", [f"{line(2)} ", f"{line(2)}\r", f"  {line(2, 9)}", f"{key_of(9)} xenfleet-migration@xen2"]
)
def test_what_ends_with_a_peers_comment_is_its_line(ours: str) -> None:
    done = plan(found(authorized_keys=f"{ours}\n"), peers(2))
    assert dict(done.texts)[Place.AUTHORIZED_KEYS] == f"{line(2)}\n"


def test_a_former_line_is_shown_without_control_characters() -> None:
    done = plan(found(authorized_keys=f"\x1b[31m\udc80 {line(2)}"), peers(2))
    assert done.changes[0].before == f"\ufffd[31m\ufffd {line(2)}"


def test_hosts_are_known_by_their_address() -> None:
    text = f"# mine\n{known(2, 9)}\n|1|abc|def {key_of(7)}\n10.30.0.22 {key_of(7)}"
    done = plan(found(known_hosts=text, authorized_keys=f"{line(2)}\n{line(3)}\n"), peers(2, 3))
    assert dict(done.texts)[Place.KNOWN_HOSTS] == text.replace(known(2, 9), known(2)) + f"\n{known(3)}\n"
    assert fields(done) == ["peers[xen2].host_key", "peers[xen3].host_key", "ssh_config"]
    assert (done.changes[0].before, done.changes[0].after) == (known(2, 9), known(2))


def test_a_peer_that_was_not_reached_keeps_its_lines() -> None:
    before = found(authorized_keys=f"{line(2)}\n", known_hosts=f"{known(2)}\n")
    done = plan(before, make_peers([told(2, key="", host_key=None), told(3)]))
    written = dict(done.texts)
    assert written[Place.AUTHORIZED_KEYS] == f"{line(2)}\n{line(3)}\n"
    assert written[Place.KNOWN_HOSTS] == f"{known(2)}\n{known(3)}\n"
    assert written[Place.SSH_CONFIG] == ssh_config(DIRECTORY, peers(2, 3))

    silent = plan(before, make_peers([told(2, key="", host_key="")]))
    assert [place for place, _text in silent.texts] == [Place.SSH_CONFIG]


def test_the_configuration_of_ssh() -> None:
    done = plan(found(), make_peers([told(3, key="", host_key=""), told(2, key="", host_key=None)]))
    host = """    User root
    IdentityFile /etc/xenfleet/migration/id_ed25519
    IdentitiesOnly yes
    UserKnownHostsFile /etc/xenfleet/migration/known_hosts
    StrictHostKeyChecking yes
    BatchMode yes
    ConnectTimeout 10
"""
    text = f"{HEAD}Host 10.30.0.2\n{host}Host 10.30.0.3\n{host}"
    assert done.texts == ((Place.SSH_CONFIG, text),)
    assert fields(done) == ["ssh_config"]
    assert done.changes[0].after == "10.30.0.2, 10.30.0.3"
    assert plan(found(), ()).texts == ((Place.SSH_CONFIG, HEAD),)


@pytest.mark.parametrize(
    ("text", "before"),
    [
        (ssh_config(DIRECTORY, peers(2)), "10.30.0.2"),
        (ssh_config("/etc/other", peers(2)), "10.30.0.2, with other text"),
        (HEAD, "no hosts"),
        ("", "no hosts, with other text"),
    ],
)
def test_how_a_former_configuration_is_told(text: str, before: str) -> None:
    (change,) = plan(found(ssh_config=text), make_peers([told(2, key=""), told(3, key="")])).changes[-1:]
    assert (change.field, change.before, change.after) == ("ssh_config", before, "10.30.0.2, 10.30.0.3")


def test_permissions_are_told_and_repaired() -> None:
    good = found(authorized_keys=f"{line(2)}\n")
    odd = {
        **good.entries,
        Place.DIRECTORY: Entry(0o755),
        Place.AUTHORIZED_KEYS: replace(good.entries[Place.AUTHORIZED_KEYS], owned=False),
    }
    done = plan(FoundPeers(odd), None)
    assert done.permissions == (Place.DIRECTORY,)
    assert [(change.field, change.before, change.after) for change in done.changes] == [
        ("directory.mode", "0755", "0700")
    ]
    done = plan(FoundPeers(odd), peers(2))
    assert done.permissions == (Place.DIRECTORY, Place.AUTHORIZED_KEYS)
    assert done.changes[-1].before == "0600, not of root"


def applied(before: FoundPeers, done: PeersPlan) -> FoundPeers:
    """What a host has after a plan."""
    entries = dict(before.entries)
    for place in (*done.folders, *done.permissions, *([Place.PRIVATE_KEY] if done.key_comment else [])):
        entries[place] = replace(entries.get(place, Entry(0)), mode=MODES[place], owned=True)
    for place, text in done.texts:
        entries[place] = Entry(MODES[place], text=text)
    return FoundPeers(entries)


_NUMBERS = st.lists(st.integers(2, 6), unique=True).map(lambda numbers: peers(*numbers))
_OURS = st.builds(line, st.integers(2, 9), st.integers(2, 9)) | st.builds(known, st.integers(2, 9), st.integers(2, 9))
_ANY_LINE = st.text(st.characters(exclude_characters="\n")) | _OURS | st.sampled_from(FOREIGN)
_TEXT = st.lists(_ANY_LINE, max_size=8).flatmap(
    lambda lines: st.sampled_from(["\n".join(lines), "\n".join([*lines, ""])])
)


@given(
    st.dictionaries(st.sampled_from(Place), st.builds(Entry, st.sampled_from([0o600, 0o644]), st.booleans(), _TEXT)),
    _NUMBERS,
)
def test_a_plan_of_a_plan_is_empty(entries: dict[Place, Entry], others: tuple[Peer, ...]) -> None:
    before = FoundPeers(entries)
    done = plan(before, others)
    assert bool(done.changes) == bool(done.texts or done.folders or done.permissions or done.key_comment)
    assert plan(applied(before, done), others) == PeersPlan()


@given(_TEXT, _NUMBERS)
def test_foreign_lines_never_change(text: str, others: tuple[Peer, ...]) -> None:
    comments = tuple(f" xenfleet-migration@{peer.name}" for peer in others)

    def foreign(content: str) -> list[str]:
        lines = content.split("\n")
        lines = lines[:-1] if lines[-1] == "" else lines
        return [one for one in lines if one.lstrip(" \t").startswith("#") or not one.rstrip(" \t\r").endswith(comments)]

    new = dict(plan(found(authorized_keys=text), others).texts).get(Place.AUTHORIZED_KEYS, text)
    assert foreign(new) == foreign(text)
    for peer in others:
        assert new.split("\n").count(authorized_line(peer)) == 1


# --- a host


def test_a_host_from_nothing(host: Host) -> None:
    bare = host.shape()
    said = host.ensure(None, check=True)
    assert (said.key, said.host_key) == ("", key_of(101))
    assert fields(said.plan) == ["key"]
    assert said.plan.changes[0].after == "ssh-ed25519, xenfleet-migration@xen1"
    both = host.ensure(peers(2, 3), check=True)
    assert host.shape() == bare
    assert host.commands.ran == []

    done = host.ensure(None)
    assert done.plan == said.plan
    assert done.key == f"{key_of(1)} xenfleet-migration@xen1"
    assert done.host_key == key_of(101)
    assert "secret" not in repr(done)

    others = host.ensure(peers(2, 3))
    assert others.plan.changes == both.plan.changes[1:]
    assert others.plan.texts == both.plan.texts
    after = host.shape()
    assert {name: content for name, content in after.items() if name not in bare} == {
        "etc/ssh/ssh_config.d": (0o755, None),
        CONFIG: (0o644, ssh_config(DIRECTORY, peers(2, 3)).encode()),
        "etc/xenfleet": (0o755, None),
        "etc/xenfleet/migration": (0o700, None),
        "etc/xenfleet/migration/id_ed25519": (0o600, b"secret\n"),
        "etc/xenfleet/migration/id_ed25519.pub": (0o644, f"{done.key}\n".encode()),
        "etc/xenfleet/migration/known_hosts": (0o600, f"{known(2)}\n{known(3)}\n".encode()),
        HOME: (0o755, None),
        f"{HOME}/.ssh": (0o700, None),
        f"{HOME}/.ssh/authorized_keys": (0o600, f"{line(2)}\n{line(3)}\n".encode()),
    }

    assert host.ensure(peers(2, 3)).plan == PeersPlan()
    assert host.shape() == after
    assert len(host.commands.ran) == 1


def test_bytes_that_are_no_text_stay(host: Host) -> None:
    foreign = b"# caf\xe9 \xff\x00\r\n\r\nssh-ed25519 AAAA \xc3\xa9\x85x\x0b"
    keys = host.put(f"{HOME}/.ssh/authorized_keys", foreign, 0o644)
    assert fields(host.ensure(peers(2)).plan)[-2:] == [".ssh.mode", "authorized_keys.mode"]
    assert keys.read_bytes() == foreign + f"\n{line(2)}\n".encode()
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600


def test_only_what_differs_is_written(host: Host) -> None:
    host.ensure(peers(2, 3))
    before = {path: path.stat().st_ino for path in host.root.rglob("*")}
    host.ensure((*peers(2), *make_peers([told(3, key=key_of(7))])))
    changed = [path.name for path in host.root.rglob("*") if path.stat().st_ino != before[path]]
    assert changed == ["authorized_keys"]


def test_permissions_are_repaired_and_nothing_is_written(host: Host) -> None:
    host.ensure(peers(2))
    good = host.shape()
    for path in (DIRECTORY.lstrip("/"), f"{DIRECTORY.lstrip('/')}/id_ed25519", f"{HOME}/.ssh", CONFIG):
        (host.root / path).chmod(0o777)
    done = host.ensure(peers(2))
    assert fields(done.plan) == ["directory.mode", "id_ed25519.mode", ".ssh.mode", "ssh_config.mode"]
    assert done.plan.texts == ()
    assert host.shape() == good


def test_a_link_stays_a_link(host: Host) -> None:
    elsewhere = host.put("srv/keys", "# mine\n")
    link = host.root / HOME / ".ssh/authorized_keys"
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    host.ensure(peers(2))
    assert link.is_symlink()
    assert elsewhere.read_text() == f"# mine\n{line(2)}\n"


def test_a_key_is_never_written_over(host: Host) -> None:
    private = host.put(f"{DIRECTORY.lstrip('/')}/id_ed25519", "older\n")
    done = host.ensure(None)
    assert done.key == f"{key_of(1)} xenfleet-migration@xen1"
    assert fields(done.plan) == ["directory.mode"]
    SshFiles(host.commands, DIRECTORY, host.root).make_key("xenfleet-migration@xen1")
    assert private.read_text() == "older\n"
    assert [path.name for path in private.parent.iterdir()] == ["id_ed25519"]


def test_without_a_host_key(host: Host) -> None:
    (host.root / "etc/ssh/ssh_host_ed25519_key.pub").unlink()
    assert host.ensure(None).host_key == ""


@pytest.mark.parametrize("content", ["", "-----BEGIN OPENSSH PRIVATE KEY-----\nq8Zr\n"])
def test_a_damaged_key_of_its_own_is_named_but_not_shown(host: Host, content: str) -> None:
    host.ensure(None)
    public = host.put(f"{DIRECTORY.lstrip('/')}/id_ed25519.pub", content)
    before = host.shape()
    with pytest.raises(InvalidInput, match=f"{public} has no public key in it.*Remove") as error:
        host.ensure(peers(2))
    assert "BEGIN" not in str(error.value)
    assert host.shape() == before


@pytest.mark.parametrize(
    ("status", "error"), [(None, "the program 'ssh-keygen' is not installed"), (1, "failed with status 1")]
)
def test_a_key_that_cannot_be_made(host: Host, status: int | None, error: str) -> None:
    host.commands.status = status
    with pytest.raises(XenfleetError, match=error) as failure:
        host.ensure(peers(2))
    assert failure.value.applied == ("directory", ".ssh")
    assert list((host.root / DIRECTORY.lstrip("/")).iterdir()) == []
    assert not (host.root / CONFIG).exists()


def test_something_else_in_the_way(host: Host) -> None:
    host.put("etc/xenfleet/migration", "a file")
    with pytest.raises(InvalidInput, match="etc/xenfleet/migration is no folder"):
        host.ensure(None)
    (host.root / HOME / ".ssh/authorized_keys").mkdir(parents=True)
    (host.root / "etc/xenfleet/migration").unlink()
    with pytest.raises(InvalidInput, match="authorized_keys is no file"):
        host.ensure(peers(2))


def test_a_file_that_cannot_be_written_is_named(host: Host) -> None:
    host.ensure(None)
    (host.root / "etc/ssh/ssh_config.d").write_text("a file")
    with pytest.raises(CommandFailed, match=r"xenfleet-migration\.conf cannot be"):
        host.ensure(peers(2))


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    write_whole(file, b"one", 0o640)
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"one", 0o640)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(file, b"two", 0o600)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert file.read_bytes() == b"one"


@pytest.mark.skipif(not HostCommands().has("ssh-keygen"), reason="needs ssh-keygen")
def test_the_real_ssh_keygen(host: Host) -> None:
    host.commands = HostCommands()
    done = host.ensure(None)
    folder = host.root / DIRECTORY.lstrip("/")
    assert public_key(done.key, what="it").type == "ssh-ed25519"
    assert done.key.endswith(" xenfleet-migration@xen1")
    assert sorted(path.name for path in folder.iterdir()) == ["id_ed25519", "id_ed25519.pub"]
    assert stat.S_IMODE((folder / "id_ed25519").stat().st_mode) == 0o600
    assert host.ensure(None) == PeersOutcome(PeersPlan(), done.key, done.host_key)
    # The public key is in the private one, too.
    (folder / "id_ed25519.pub").unlink()
    assert host.ensure(None).key.split()[:2] == done.key.split()[:2]
