"""The command line: words to deeds, errors to one message and status 1."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from xenlab import commands
from xenlab.errors import LabError
from xenlab.recipe import SUITES
from xenlab.state import LACP, PLAIN

_EPILOG = """\
A lab is one 'core' machine (plain Debian: the switch, and the filer 10.20.0.1:/srv/guests) and hosts 'xen1', 'xen2', ...
(Xen and libvirt), each with two links to core; 'plain1', ... are Debian machines without Xen that boot by GRUB.
Everything lies under ${XDG_CACHE_HOME:-~/.cache}/xenfleet/lab and runs without KVM and without privileges.

  xenlab up                       two Xen hosts and core
  xenlab ssh xen1 xl list         run something there
  xenlab link cut xen1-a          pull a cable
  xenlab inventory > lab.yml      for Ansible
"""


def parser() -> argparse.ArgumentParser:
    """Every command with all that it takes."""
    top = argparse.ArgumentParser(
        prog="xenlab",
        description="Real Xen hosts under QEMU's software emulation.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        "--lab", metavar="NAME", default=os.environ.get("XENLAB", "demo"), help="which lab (or $XENLAB; default: demo)"
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        made.set_defaults(do=getattr(commands, name))
        return made

    def debian(made: argparse.ArgumentParser) -> None:
        made.add_argument(
            "--debian",
            choices=sorted(SUITES),
            default=os.environ.get("XENLAB_DEBIAN", "13"),
            help="Debian release of the hosts and the plain machines (or $XENLAB_DEBIAN; default: 13)",
        )

    def host(made: argparse.ArgumentParser) -> None:
        made.add_argument("host", metavar="HOST", help="core, xen1, xen2, ..., plain1, ...")

    def timeout(made: argparse.ArgumentParser) -> None:
        made.add_argument(
            "--timeout", type=float, default=600.0, metavar="S", help="seconds to wait for each machine (default: 600)"
        )

    one = verb("build", "build the images that are not in the cache yet")
    debian(one)
    one.add_argument("--plain", action="store_true", help="also the image of the plain machines")

    one = verb("up", "bring up what is not up: images, disks, machines; returns when SSH answers everywhere")
    one.add_argument(
        "--hosts",
        type=int,
        default=int(os.environ.get("XENLAB_HOSTS", "2")),
        metavar="N",
        help="Xen hosts (or $XENLAB_HOSTS; default: 2, at most 4)",
    )
    debian(one)
    one.add_argument(
        "--plain",
        type=int,
        default=int(os.environ.get("XENLAB_PLAIN", "0")),
        metavar="N",
        help="machines without Xen that boot by GRUB (or $XENLAB_PLAIN; default: 0, at most 2)",
    )
    timeout(one)

    one = verb("down", "switch all machines of the lab off; their disks stay")
    one.add_argument("--discard", action="store_true", help="cut the power and remove the machines' disks; images stay")

    verb("clean", "remove all labs and everything the lab ever made, images too")
    verb("status", "machines, links and how core treats them")

    one = verb("ssh", "run a command on a machine (or a shell): input, output and exit status are passed through")
    host(one)
    one.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="COMMAND", help="as with ssh, the remote shell sees one string"
    )

    host(verb("console", "a machine's serial console; Ctrl-] leaves it"))

    one = verb("link", "cut or mend a cable between a host and core")
    one.add_argument("deed", choices=("cut", "mend"))
    one.add_argument("name", metavar="NAME", help="such as xen1-a; 'status' lists them")

    host(verb("kill", "cut a machine's power at once"))

    one = verb("start", "boot a machine again with its disks")
    host(one)
    timeout(one)

    one = verb("port", "how core treats a host's two links")
    host(one)
    one.add_argument(
        "mode", choices=(LACP, PLAIN), help="one 802.3ad bond, or two plain bridge ports (for active-backup bonds)"
    )

    one = verb("inventory", "the running lab for Ansible")
    one.add_argument(
        "--format",
        choices=("yaml", "json"),
        default="yaml",
        help="json is a dynamic inventory's --list (default: yaml)",
    )

    one = verb("logs", "the last lines of a machine's serial console")
    host(one)
    one.add_argument("-n", "--lines", type=int, default=50, help="how many (default: 50)")

    verb("bench", "the lab's own figures, as a table")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status."""
    chosen = parser().parse_args(arguments)
    # A lab that is told to stop leaves as tidily as one that is interrupted by hand.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        status: int = chosen.do(chosen)
        sys.stdout.flush()
        return status
    except LabError as error:
        print(f"xenlab: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read our output has seen enough. Nothing more can be said, nor flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        print(f"xenlab: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            "xenlab: interrupted; machines that run go on running, the same command again takes it from there",
            file=sys.stderr,
        )
        return 130


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
