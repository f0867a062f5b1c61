"""Connect to a unix socket whatever the length of its path."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def connect(path: Path, timeout: float | None = None) -> socket.socket:
    """The kernel limits socket paths to 108 bytes; through the folder's descriptor they are short."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.settimeout(timeout)
        client.connect(f"/proc/self/fd/{folder}/{path.name}")
    except BaseException:
        client.close()
        raise
    finally:
        os.close(folder)
    return client
