"""What one lab remembers between commands. Processes are never remembered: those are looked at."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from xenlab.errors import LabError

LACP = "lacp"
PLAIN = "plain"


@dataclass
class MachineState:
    """What was decided for a machine when it was made."""

    debian: str
    image: str
    ssh_port: int = 0
    boots: list[float] = field(default_factory=list)
    """Seconds from QEMU's start to the first SSH answer, the latest boots last."""


@dataclass
class State:
    """One lab's memory."""

    link_ports: int = 0
    """First of the loopback ports that carry the links."""
    machines: dict[str, MachineState] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)
    port_modes: dict[str, str] = field(default_factory=dict)
    """Core's side of a host's links, where it is not an 802.3ad bond."""

    def mode(self, host: str) -> str:
        return self.port_modes.get(host, LACP)


def load(path: Path) -> State:
    """The lab's memory; an empty one when there is none yet."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        machines = {name: MachineState(**values) for name, values in found.pop("machines", {}).items()}
        return State(machines=machines, **found)
    except FileNotFoundError:
        return State()
    except (ValueError, TypeError, AttributeError) as error:
        raise LabError(f"{path} is damaged ({error}). 'down --discard' makes a new start.") from error


def save(path: Path, state: State) -> None:
    """Written whole or not at all, whenever the command is interrupted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(asdict(state), indent=1) + "\n", encoding="utf-8")
    os.replace(part, path)
