# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a personality means in files of the guest, pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.image import Interface, Personality
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.image_content import FSTAB

_FOLDER_MODES = {"/root/.ssh": 0o700}


@dataclass(frozen=True)
class Write:
    """A file to be written into a guest's file system, owned by its root.

    Attributes:
        path: where.
        content: the text; never shown.
        mode: permissions.
        folder_mode: permissions of the folder, should it have to be made.
    """

    path: str
    content: str = field(repr=False)
    mode: int = 0o644
    folder_mode: int = 0o755


def writes(personality: Personality) -> tuple[Write, ...]:
    """The files that make a clone one guest's own, in a fixed order.

    Raises:
        InvalidInput: two parts of the personality want the same file.
    """
    made: list[Write] = []
    if personality.hostname is not None:
        short = personality.hostname.split(".", 1)[0]
        names = short if short == personality.hostname else f"{personality.hostname} {short}"
        made += [
            Write("/etc/hostname", f"{personality.hostname}\n"),
            Write("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {names}\n::1 localhost ip6-localhost ip6-loopback\n"),
        ]
    made += [
        Write(f"/etc/systemd/network/20-{interface.mac.replace(':', '')}.network", _network(interface))
        for interface in personality.interfaces
    ]
    servers = list(dict.fromkeys(server for interface in personality.interfaces for server in interface.dns))
    if servers:
        made.append(Write("/etc/resolv.conf", "".join(f"nameserver {server}\n" for server in servers)))
    if personality.authorized_keys:
        keys = "".join(f"{key}\n" for key in personality.authorized_keys)
        made.append(Write("/root/.ssh/authorized_keys", keys, 0o600, 0o700))
    if personality.mounts:
        made.append(Write("/etc/fstab", FSTAB + "".join(f"{mount}\n" for mount in personality.mounts)))
    made += [
        Write(file.path, file.content, file.mode, _FOLDER_MODES.get(file.path.rpartition("/")[0], 0o755))
        for file in personality.files
    ]
    seen: set[str] = set()
    for write in made:
        if write.path in seen:
            raise InvalidInput(f"the personality wants the file {write.path} twice")
        seen.add(write.path)
    return tuple(made)


def _network(interface: Interface) -> str:
    """The interface's systemd-networkd file, matched by its MAC address."""
    lines = ["[Match]", f"MACAddress={interface.mac}", ""]
    if interface.mtu is not None:
        lines += ["[Link]", f"MTUBytes={interface.mtu}", ""]
    lines += ["[Network]"]
    lines += [f"Address={address}" for address in interface.addresses] or ["DHCP=yes"]
    if interface.gateway is not None:
        lines.append(f"Gateway={interface.gateway}")
    lines += [f"DNS={server}" for server in interface.dns]
    if interface.addresses:
        lines += ["IPv6AcceptRA=no"] if not any(":" in address for address in interface.addresses) else []
    return "\n".join([*lines, ""])
