"""QEMU's monitor: one question, one answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from xenlab.errors import LabError
from xenlab.sockets import connect


def ask(path: Path, machine: str, command: str, **arguments: Any) -> Any:
    """Send one command to a machine's monitor and return what it says."""
    try:
        with connect(path, timeout=10) as client, client.makefile("rwb") as stream:
            stream.readline()  # the greeting
            for request in ({"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}):
                stream.write(json.dumps(request).encode() + b"\n")
                stream.flush()
                answer = _answer(stream)
    except (OSError, ValueError) as error:
        raise LabError(
            f"{machine}: its QEMU monitor does not answer ({error}). 'kill' and 'start' renew the machine."
        ) from error
    if "error" in answer:
        raise LabError(f"{machine}: QEMU refused '{command}': {answer['error'].get('desc', answer['error'])}")
    return answer["return"]


def _answer(stream: Any) -> dict[str, Any]:
    while True:
        line = stream.readline()
        if not line:
            raise OSError("connection closed")
        found: dict[str, Any] = json.loads(line)
        if "event" not in found:
            return found
