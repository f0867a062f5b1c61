"""What Xen's own command prints, as Debian 13's Xen 4.20 printed it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.host.xl import XlGuests, has_shadow_paging
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult

HEADING = "Name                                        ID   Mem VCPUs\tState\tTime(s)\n"


class Recorded:
    """A host's programs that answer with what was recorded."""

    def __init__(self, output: str, *, installed: bool = True) -> None:
        self.output = output
        self.installed = installed
        self.calls: list[Sequence[str]] = []

    def has(self, program: str) -> bool:
        return self.installed

    def run(
        self, argv: Sequence[str], *, stdin: str | None = None, timeout: float | None = None, check: bool = True
    ) -> CommandResult:
        self.calls.append(argv)
        return CommandResult(0, self.output, "")


@pytest.mark.parametrize(
    ("line", "suspended"),
    [
        ("smtp1                                        4   256     1     ---ss-     136.8\n", True),
        ("smtp1                                        4   256     1     ------     142.1\n", False),
        ("smtp1                                        4   256     1     r-----     142.1\n", False),
        ("smtp1                                        4   256     1     --p---     142.1\n", False),
        ("", False),
    ],
)
def test_a_suspended_guest_is_known_by_its_state(line: str, suspended: bool) -> None:
    assert XlGuests(Recorded(HEADING + line)).is_suspended("smtp1") is suspended


def test_waking_names_the_guest() -> None:
    commands = Recorded("")
    XlGuests(commands).wake("smtp1")
    assert commands.calls == [["xl", "resume", "smtp1"]]


@pytest.mark.parametrize(
    ("abilities", "has"),
    [("pv hvm hap gnttab-v1 gnttab-v2", False), ("pv hvm hap shadow gnttab-v1", True), ("", False)],
)
def test_shadow_paging_is_read_from_xens_abilities(abilities: str, has: bool) -> None:
    told = f"host                   : xen1\nvirt_caps              : {abilities}\nfree_memory            : 2014\n"
    assert has_shadow_paging(Recorded(told)) is has
