"""The one error of the lab: a message an operator can act on."""

from __future__ import annotations


class LabError(Exception):
    """Something the lab cannot go on from; its text says what, where and what to do."""
