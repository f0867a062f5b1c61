"""The lab at one glance."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from xenlab import process, ssh
from xenlab.fleet import Fleet
from xenlab.topology import ALL_MACHINES


def text(fleet: Fleet) -> str:
    """Machines and links as two tables."""
    state = fleet.state
    if not state.machines:
        return f"The lab '{fleet.paths.lab}' has no machines. 'xenlab up' makes some."
    rows: list[tuple[str, ...]] = [("MACHINE", "KIND", "DEBIAN", "STATE", "PID", "SSH PORT", "MEMORY", "LINKS AT CORE")]
    links: list[tuple[str, ...]] = [("LINK", "STATE")]
    with ThreadPoolExecutor(max_workers=8) as pool:
        # On a busy machine an emulated one takes seconds to say who it is.
        greets = dict(pool.map(lambda item: (item[0], ssh.greets(item[1].ssh_port, 10.0)), state.machines.items()))
    for one in ALL_MACHINES:
        own = state.machines.get(one.name)
        if own is None:
            continue
        pid = process.running(fleet.paths, one.name)
        condition = "down" if pid is None else "up" if greets[one.name] else "running, no SSH"
        mode = state.mode(one.name) if one.links else "-"
        rows.append(
            (
                one.name,
                one.kind,
                own.debian,
                condition,
                str(pid or "-"),
                str(own.ssh_port),
                f"{one.memory_mib} MiB",
                mode,
            )
        )
        links += [(link.name, "cut" if link.name in state.cut else "whole") for link in one.links]
    return f"Lab '{fleet.paths.lab}' in {fleet.paths.home}\n\n{columns(rows)}\n\n{columns(links)}"


def columns(rows: list[tuple[str, ...]]) -> str:
    """Rows with their columns aligned."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
