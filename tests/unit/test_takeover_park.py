"""Guests in files of xl over a whole park: where else they are, and the table."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xenfleet.xen.plugins.plugin_utils.takeover import import_elsewhere, import_table


def entry(guest: str, result: str = "taken", *notes: str) -> dict[str, Any]:
    return {"guest": guest, "file": f"/etc/xen/{guest}.cfg", "result": result, "notes": list(notes)}


def look(*guests: dict[str, Any], running: dict[str, str] | None = None, defined: tuple[str, ...] = ()) -> Any:
    return {"import_look": {"guests": list(guests), "running": running or {}, "defined": list(defined)}}


@pytest.mark.parametrize(
    ("other", "taking", "words"),
    [
        (look(), None, {}),
        (look(running={"ldap1": "xl"}, defined=("ldap1",)), None, {"ldap1": "xen2 runs it"}),
        (look(defined=("ldap1",)), None, {"ldap1": "libvirt on xen2 has it"}),
        (look(entry("ldap1")), None, {"ldap1": "/etc/xen/ldap1.cfg on xen2 describes it, too"}),
        (look(entry("ldap1")), ["xen1"], {}),
        (look(entry("ldap1", "refused")), None, {}),
        ({}, None, {"ldap1": "xen2 did not answer and may run it", "web1": "xen2 did not answer and may run it"}),
        ({"import_look": {"unreachable": True, "msg": "no route"}}, ["xen1"], None),
    ],
)
def test_where_else_a_guest_is(other: Any, taking: list[str] | None, words: dict[str, str] | None) -> None:
    hostvars = {"xen1": look(entry("ldap1"), entry("web1", "moved")), "xen2": other}
    found = import_elsewhere("xen1", hostvars, ["xen1", "xen2"], taking)
    if words is None:
        assert set(found) == {"ldap1", "web1"}
    else:
        assert found == words


def test_all_hosts_are_named() -> None:
    hostvars = {"xen1": look(entry("ldap1")), "xen2": look(running={"ldap1": "libvirt"}), "xen3": {}}
    words = import_elsewhere("xen1", hostvars, hostvars)
    assert words == {"ldap1": "xen2 runs it; xen3 did not answer and may run it"}
    assert import_elsewhere("xen3", hostvars, hostvars) == {}


def test_the_table() -> None:
    hostvars = {
        "xen2": {
            "import_result": {
                "guests": [
                    entry("web1", "refused", "hvm: not made", "xl goes on\n  running it"),
                    {**entry("old1", "left", "no file"), "file": None},
                ]
            }
        },
        "xen1": {"import_result": {"guests": [entry("ldap1", "moved")]}},
        "xen3": {"import_result": {"unreachable": True, "msg": "no route"}},
        "xen4": {"import_result": {"msg": "libvirt does not answer"}},
        "xen5": {},
    }
    assert import_table(hostvars, hostvars) == [
        "HOST  GUEST  FILE                RESULT   NOTE",
        "xen1  ldap1  /etc/xen/ldap1.cfg  moved",
        "xen2  old1   -                   left     no file",
        "xen2  web1   /etc/xen/web1.cfg   refused  hvm: not made; xl goes on running it",
        "xen3  (did not answer: no route)",
        "xen4  (could not be looked at: libvirt does not answer)",
        "xen5  (could not be looked at: see above)",
    ]
    assert import_table(["xen1"], {"xen1": {"import_result": {"guests": []}}}) == ["no file of a guest"]
    assert import_table(["xen5"], hostvars)[0] == "no file of a guest on the hosts that answered"
