"""What goes wrong, and what the operator is told."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from xenlab import boot, command, disks, images, ports, process, topology
from xenlab.cli import main
from xenlab.errors import LabError
from xenlab.lock import locked
from xenlab.paths import Paths
from xenlab.recipe import recipe
from xenlab.state import State, save
from xenlab.topology import machine


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    made = folder / name
    made.write_text(f"#!/bin/sh\n{text}\n")
    made.chmod(0o755)


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


@pytest.fixture
def cached_images(paths: Paths) -> None:
    for kind in ("core", "xen"):
        folder = paths.images / recipe(kind, "13").key
        folder.mkdir(parents=True)
        (folder / "disk.img").touch()


def test_a_full_disk_is_noticed_before_anything_is_made(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(paths.root)._replace(free=100 * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(LabError, match=r"100 MiB free under .*5000 MiB wanted.*XDG_CACHE_HOME"):
        images.ensure(paths, recipe("core", "13"))
    assert not list(paths.images.glob("*.part"))


def test_a_broken_download_leaves_nothing_and_says_how_to_go_on(paths: Paths, fakes: Path) -> None:
    program(fakes, "mmdebstrap", "echo 'E: connection reset'; exit 25")
    with pytest.raises(LabError) as caught:
        images.ensure(paths, recipe("core", "13"))
    assert "E: connection reset" in str(caught.value)
    assert "run the same command again" in str(caught.value)
    assert not list(paths.images.glob("*.part"))


def test_an_interrupted_program_may_tidy_up(tmp_path: Path) -> None:
    script = (
        "import sys; from xenlab import cli; from xenlab.command import run\n"
        "import signal; signal.signal(signal.SIGTERM, cli._interrupt)\n"
        "run(['sh', '-c', 'trap \"touch tidy; exit 1\" TERM; touch begun; while :; do sleep 0.1; done'], what='it')"
    )
    source = str(Path(topology.__file__).parents[1])
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": source},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    child.terminate()
    child.wait(timeout=20)
    assert (tmp_path / "tidy").exists()


def test_a_missing_program_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(LabError, match="apt-get install mmdebstrap qemu-system-x86"):
        command.require("qemu-system-x86_64", "mmdebstrap")


@pytest.mark.usefixtures("cached_images")
def test_qemu_that_dies_is_reported_without_a_traceback(
    paths: Paths, fakes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program(fakes, "qemu-system-x86_64", "echo 'something is wrong'; exit 1")
    program(fakes, "qemu-img", 'for last; do :; done; touch "$last"')
    assert main(["--lab", "t1", "up", "--hosts", "1"]) == 1
    told = capsys.readouterr().err
    assert "core: QEMU ended at once with status 1" in told
    assert "xen1: QEMU ended at once with status 1" in told
    assert "| something is wrong" in told
    assert "Traceback" not in told
    assert disks.root_disk(paths, machine("core")).exists(), "the next 'up' goes on from here"


def test_a_lost_race_for_a_port_is_explained(paths: Paths, fakes: Path, state: State) -> None:
    program(
        fakes, "qemu-system-x86_64", "echo \"Could not set up host forwarding rule 'tcp:127.0.0.1:22001-:22'\"; exit 1"
    )
    with pytest.raises(LabError, match="taken by another program in that moment: run the command again"):
        boot.launch(paths, machine("xen1"), state)


def test_a_machine_that_goes_off_while_booting_shows_its_last_words(paths: Paths, state: State) -> None:
    paths.console_log("xen1").write_text("\n".join(f"line {n}" for n in range(40)) + "\n\x1b[0mpanic\r\n")
    with pytest.raises(LabError) as caught:
        boot.await_ssh(paths, machine("xen1"), state, 1, threading.Event(), "booting")
    told = str(caught.value)
    assert "xen1: the machine went off" in told
    assert "| panic" in told
    assert "line 39" in told
    assert "line 20\n" not in told


def test_a_host_that_does_not_answer_in_time(paths: Paths, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "running", lambda *_: 1)
    with pytest.raises(LabError, match=r"no SSH answer within 0 s.*xenlab console xen1"):
        boot.await_ssh(paths, machine("xen1"), state, 0, threading.Event(), "booting")


def test_a_taken_port_is_passed_over(paths: Paths) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        taken = holder.getsockname()[1]
        found = ports.ssh_port(taken, {1}, "t1", "xen1")
    assert found != taken
    assert ports.ssh_port(found, {found}, "t1", "xen1") != found


def test_a_taken_link_port_moves_the_whole_block() -> None:
    first = ports.link_block(0, "t1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", first + 3))
        assert not ports.links_free(first)
        assert ports.link_block(first, "t1") != first


def test_not_enough_memory(
    paths: Paths, fakes: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program(fakes, "qemu-system-x86_64", "exit 1")
    program(fakes, "qemu-img", "exit 1")
    monkeypatch.setattr(process, "memory_free_mib", lambda: 2000)
    assert main(["--lab", "t1", "up"]) == 1
    assert "Not enough memory" in capsys.readouterr().err


def test_a_second_command_is_told_who_holds_the_lab(paths: Paths) -> None:
    script = (
        "import sys, time; from pathlib import Path; from xenlab.lock import locked\n"
        "with locked(Path(sys.argv[1]), 'it'): print('held', flush=True); time.sleep(30)"
    )
    source = str(Path(topology.__file__).parents[1])
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(paths.lock)],
        env={**os.environ, "PYTHONPATH": source},
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(LabError, match=f"process {holder.pid}"), locked(paths.lock, "the lab", patience=0.3):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with locked(paths.lock, "the lab", patience=5):
        pass


def test_a_stale_pid_file_is_not_believed(paths: Paths) -> None:
    paths.pidfile("xen1").write_text(f"{os.getpid()}\n")
    assert process.running(paths, "xen1") is None
    assert process.kill(paths, "xen1") is False


def test_a_process_of_this_lab_is_recognised_and_ended(paths: Paths, state: State, fakes: Path) -> None:
    # A shell that has the machine's name among its arguments, as QEMU has, and does what QEMU does first.
    program(fakes, "qemu-system-x86_64", "echo $$ > xen1.pid; touch xen1.qmp; while :; do sleep 0.1; done")
    boot.launch(paths, machine("xen1"), state)
    assert process.running(paths, "xen1") is not None
    begin = time.monotonic()
    assert process.kill(paths, "xen1")
    assert process.running(paths, "xen1") is None
    assert time.monotonic() - begin < 5


def test_a_lab_with_damaged_memory_can_be_discarded(paths: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    paths.state.write_text("not JSON")
    assert main(["--lab", "t1", "status"]) == 1
    assert "damaged" in capsys.readouterr().err
    assert main(["--lab", "t1", "down", "--discard"]) == 0
    assert main(["--lab", "t1", "status"]) == 0


@pytest.mark.parametrize("verb", [["ssh", "xen1"], ["console", "xen1"], ["kill", "xen1"], ["port", "xen1", "plain"]])
def test_a_machine_that_is_not_there(
    paths: Paths, state: State, verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    save(paths.state, state)
    assert main(["--lab", "t1", *verb]) == 1
    assert "is not running" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../up", "Demo", "", "a b"])
def test_names_of_labs(name: str) -> None:
    with pytest.raises(LabError, match="is no name for a lab"):
        Paths.of(name)
