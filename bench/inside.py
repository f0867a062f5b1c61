"""One run of xen_domains out of the very payload that Ansible sends, with a stopwatch at its parts. Prints JSON.

    python inside.py PAYLOAD.zip ARGUMENTS

A program of its own, so that nothing has been imported before. On a host a module is imported out of a zip file, where Python
keeps nothing compiled: times of the checkout's own files would flatter.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from typing import Any

MODULES = "ansible_collections.xenfleet.xen.plugins"


class Stopwatch:
    """Seconds by part, each without the parts that were called inside of it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside = [0.0]

    def timed(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, with its time counted."""

        def measured(*arguments: Any, **options: Any) -> Any:
            self._inside.append(0.0)
            start = time.perf_counter()
            try:
                return call(*arguments, **options)
            finally:
                took = time.perf_counter() - start
                self.seconds[part] = self.seconds.get(part, 0.0) + took - self._inside.pop()
                self._inside[-1] += took

        return measured


def main() -> None:
    """Import, put the stopwatch in, run."""
    payload, arguments = sys.argv[1:]
    sys.path[0] = payload
    watch = Stopwatch()
    basic = watch.timed("imports of Ansible", importlib.import_module)("ansible.module_utils.basic")
    libvirt = watch.timed("imports of libvirt", importlib.import_module)("libvirt")
    module = watch.timed("imports of the collection", importlib.import_module)(f"{MODULES}.modules.xen_domains")
    hypervisor = importlib.import_module(f"{MODULES}.module_utils.libvirt.hypervisor")
    for owner, name, part in (
        (module, "AnsibleModule", "options"),
        (module, "read_declarations", "options"),
        (libvirt, "open", "connect"),
        (hypervisor.LibvirtHypervisor, "domains", "list and read the guests"),
        (module, "ensure_domains", "plan"),
    ):
        setattr(owner, name, watch.timed(part, getattr(owner, name)))

    import contextlib
    import io
    import json
    from pathlib import Path

    # What Ansible's own loader does before it runs a module.
    basic._ANSIBLE_ARGS = Path(arguments).read_bytes()  # noqa: SLF001
    basic._ANSIBLE_PROFILE = "legacy"  # noqa: SLF001
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        watch.timed("result", module.main)()
    said = json.loads(printed.getvalue())
    json.dump({"seconds": watch.seconds, "changed": said.get("changed"), "msg": said.get("msg")}, sys.stdout)


if __name__ == "__main__":
    main()
