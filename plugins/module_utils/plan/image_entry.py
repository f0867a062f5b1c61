# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an image is given besides its packages: a file or a link."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A file or symbolic link of the image.

    Attributes:
        path: where.
        content: the text, or what the link points to.
        mode: permissions of a file.
        link: whether it is a symbolic link.
    """

    path: str
    content: str
    mode: int = 0o644
    link: bool = False
