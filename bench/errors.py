"""What ends a benchmark."""

from __future__ import annotations


class BenchFailed(Exception):
    """Something could not be measured, or is not what was meant to be measured; the message says what."""
