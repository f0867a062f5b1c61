# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The guests that a host should have: inventory variables put together into what the modules take. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.xenfleet.xen.plugins.module_utils.argspec_fields import FIELDS
from ansible_collections.xenfleet.xen.plugins.module_utils.errors import InvalidInput
from ansible_collections.xenfleet.xen.plugins.module_utils.model.image import Interface, Personality
from ansible_collections.xenfleet.xen.plugins.module_utils.model.names import derived_mac
from ansible_collections.xenfleet.xen.plugins.module_utils.plan.personality import writes
from ansible_collections.xenfleet.xen.plugins.plugin_utils.addresses import AddressPlan

Variables = Mapping[str, Any]

# A variable guest_X becomes the option X of xen_domain. A password takes a way of its own, on which nothing is shown.
_OPTIONS = (
    *(name for name in FIELDS if name not in ("labels", "graphics_password")),
    "autostart",
    "xml",
    "timeout",
    "force",
    "remove_disks",
    "restart",
    "wait_for",
    "wait_port",
    "wait_timeout",
)
# Keys of guest_disks and guest_networks that are options of xen_domain's disks and networks by the same name.
_OF_A_DISK = (
    "target",
    "device",
    "format",
    "driver",
    "readonly",
    "shareable",
    "discard",
    "monitors",
    "auth_user",
    "auth_secret",
)
_OF_A_NETWORK = ("script", "openvswitch", "vlan", "trunks", "model", "rate", "guest_ips")
_OF_A_MADE_DISK = ("image", "size", "filesystem", "volume_group")
_OF_A_SIZE = ("memory", "memory_max", "vcpus", "vcpus_max")


@dataclass(frozen=True)
class Site:
    """What all guests of a host share.

    Attributes:
        host: the host's inventory name.
        networks: the host's bridge for each network's name.
        sizes: the named sizes, each with ``memory``, ``vcpus`` and so on.
        store: the folder on the host that has a folder of disks for each guest.
        image_store: the folder on the host that has the images.
        unreachable: hosts that did not answer, on which a guest may be running unseen.
        plan: the park's addresses.
    """

    host: str
    networks: Mapping[str, str]
    sizes: Mapping[str, Mapping[str, Any]]
    store: str
    image_store: str
    unreachable: tuple[str, ...] = ()
    plan: AddressPlan = field(default_factory=AddressPlan)


def place_of(variables: Variables) -> str | None:
    """The host a guest belongs on: where it is goes before where it was declared."""
    place = variables.get("xen_host") or variables.get("guest_host")
    return str(place) if place else None


def guests_on(site: Site, guests: Mapping[str, Variables]) -> dict[str, Any]:
    """What a host's guests need.

    Args:
        site: the host.
        guests: the variables of all declared guests of the park.

    Returns:
        ``domains`` for xen_domains, ``clones`` for xen_image, ``pending_paths``; ``readdressed``: files for running guests
        that are to have other addresses; and ``problems``: what keeps a guest of this host from being worked on, in words.

    Raises:
        InvalidInput: a variable makes no sense.
        Refused: an address is not in the park's plan, or something is there twice.
    """
    site.plan.check_guests(guests)
    domains: list[dict[str, Any]] = []
    clones: list[dict[str, Any]] = []
    promised: list[str] = []
    readdressed: list[dict[str, Any]] = []
    problems: list[str] = []
    for name, variables in guests.items():
        if place_of(variables) != site.host:
            continue
        problem = _problem(site, name, variables)
        if problem is not None:
            problems.append(problem)
            continue
        try:
            nics = _nics(site, name, variables)
            if variables.get("guest_state", "running") != "absent":
                made = _made_disks(variables)
                clones += _clones(site, name, variables, made, nics)
                readdressed += _readdressed(name, variables, made, nics)
                promised += [_disk_path(site, name, disk) for disk in made]
            domains.append(_domain(site, name, variables, nics))
        except InvalidInput as error:
            error.guest = name
            error.host = site.host
            raise
    return {
        "domains": domains,
        "clones": clones,
        "pending_paths": promised,
        "readdressed": readdressed,
        "problems": problems,
    }


def unplaced(guests: Mapping[str, Variables]) -> list[str]:
    """Declared guests that are on no host and say none."""
    return [name for name, variables in guests.items() if place_of(variables) is None]


def _problem(site: Site, name: str, variables: Variables) -> str | None:
    conflict = variables.get("xen_conflict")
    if conflict:
        return f"{name} runs on {' and '.join(conflict)} at the same time; destroy one of them"
    if not variables.get("xen_host") and site.unreachable:
        silent = ", ".join(site.unreachable)
        return f"{name} was found on no host, but {silent} did not answer and may run it; it is not started twice"
    return None


def _nics(site: Site, name: str, variables: Variables) -> list[dict[str, Any]]:
    given: Mapping[str, Any] = variables.get("guest_addresses") or {}
    nics = []
    absent = variables.get("guest_state", "running") == "absent"
    # One default route: the one that the guest declares, or else that of its first network that has a gateway.
    routed = any(entry.get("gateway") for entry in variables.get("guest_networks") or ())
    for index, entry in enumerate(variables.get("guest_networks") or ()):
        planned = {} if absent else site.plan.interface(name, entry.get("network"))
        addresses = _listed(entry.get("addresses")) or _listed(given.get(_key(entry)))
        nic = {
            **_place(site, entry),
            **{key: entry[key] for key in _OF_A_NETWORK if entry.get(key) is not None},
            "mac": planned.get("mac") or entry.get("mac") or derived_mac(name, index),
            "addresses": planned.get("addresses") or [_address(text) for text in addresses],
            "gateway": entry.get("gateway") or (None if routed else planned.get("gateway")),
            "dns": _listed(entry.get("dns")) or planned.get("dns", []),
            "dhcp": planned.get("dhcp", False),
        }
        routed = routed or nic["gateway"] is not None
        nics.append(nic)
    unknown = set(given) - {_key(entry) for entry in variables.get("guest_networks") or ()}
    if unknown:
        raise InvalidInput(f"guest_addresses names {', '.join(sorted(unknown))}, which is not in guest_networks")
    return nics


def _key(entry: Mapping[str, Any]) -> str:
    """By what guest_addresses names an entry of guest_networks."""
    return str(entry.get("network") or entry.get("bridge") or entry.get("libvirt_network") or "")


def _place(site: Site, entry: Mapping[str, Any]) -> dict[str, str]:
    """What an interface hangs on, as options of xen_domain: to them a network is one of libvirt."""
    network, bridge = entry.get("network"), entry.get("bridge")
    if network and not bridge:
        bridge = site.networks.get(str(network))
        if bridge is None:
            raise InvalidInput(
                f"the host {site.host} has no bridge for the network {network}",
                found=", ".join(f"{known} on {bridge}" for known, bridge in site.networks.items()) or "none",
                remedy="Give one of its network_bridges that network's name.",
            )
    places = {"bridge": bridge, "network": entry.get("libvirt_network")}
    if not any(places.values()) and not entry.get("script"):
        raise InvalidInput(
            "guest_networks has an entry that hangs nowhere",
            found=str(dict(entry)),
            expected="network, bridge, libvirt_network or script",
        )
    return {key: str(place) for key, place in places.items() if place}


def _listed(value: Any) -> list[str]:
    if not value:
        return []
    return [value] if isinstance(value, str) else [str(entry) for entry in value]


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_interface(text))
    except ValueError as error:
        raise InvalidInput("an address is none", found=repr(text), expected="such as 10.10.0.11/24") from error


def _disk_path(site: Site, name: str, disk: Mapping[str, Any]) -> str:
    if disk.get("volume_group"):
        return f"/dev/{disk['volume_group']}/{name}-{disk['name']}"
    return f"{site.store}/{name}/{disk['name']}.img"


def _source(site: Site, name: str, disk: Mapping[str, Any]) -> str | None:
    """Where a disk is; None for an empty drive."""
    return _disk_path(site, name, disk) if _is_made(disk) else disk.get("source")


def _is_made(disk: Mapping[str, Any]) -> bool:
    """Whether a disk is made for the guest: not one that has a source of its own, and no CD-ROM drive."""
    return not disk.get("source") and disk.get("device", "disk") != "cdrom"


def _made_disks(variables: Variables) -> list[Mapping[str, Any]]:
    """The disks that are made for a guest.

    Raises:
        InvalidInput: one that is not made says how it should be, or one that is has no name or another format than raw.
    """
    disks = list(variables.get("guest_disks") or ())
    for disk in disks:
        wrong = [key for key in _OF_A_MADE_DISK if disk.get(key)]
        if wrong and not _is_made(disk):
            raise InvalidInput(
                f"guest_disks has {', '.join(wrong)} of a disk that is not made",
                found=str(dict(disk)),
                remedy="A disk with source is taken as it is, and a CD-ROM drive is not made: leave them out.",
            )
        if _is_made(disk) and (not disk.get("name") or disk.get("format", "raw") != "raw"):
            raise InvalidInput(
                "guest_disks has a disk that cannot be made",
                found=str(dict(disk)),
                expected="name, and no format but raw",
                remedy="Name source for a disk that is there already.",
            )
    return [disk for disk in disks if _is_made(disk)]


def _clones(
    site: Site, name: str, variables: Variables, made: Iterable[Mapping[str, Any]], nics: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    clones = []
    for disk in made:
        clone: dict[str, Any] = {"size": disk["size"]} if disk.get("size") else {}
        if disk.get("volume_group"):
            clone["volume"] = {"group": disk["volume_group"], "name": f"{name}-{disk['name']}"}
        else:
            clone["path"] = _disk_path(site, name, disk)
        if disk.get("image"):
            clone["image"] = disk["image"]
            clone["personality"] = {
                "hostname": name,
                "authorized_keys": _listed(variables.get("guest_authorized_keys")),
                "interfaces": [_settings(nic) for nic in nics],
            }
        elif disk.get("filesystem"):
            clone["filesystem"] = disk["filesystem"]
        clones.append(clone)
    return clones


def _settings(nic: Mapping[str, Any]) -> dict[str, Any]:
    """What is written into a guest's disk of an interface; one that asks by DHCP is just named."""
    keys = ("mac",) if nic["dhcp"] else ("mac", "addresses", "gateway", "dns")
    return {key: nic[key] for key in keys if nic[key]}


def _readdressed(
    name: str, variables: Variables, made: Iterable[Mapping[str, Any]], nics: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The files of a guest that would start with addresses that it is not to have any more, and where it can be told.

    Only of one whose disk was made here, and which runs: what its disk says of its network is what was written into it.
    """
    has = [str(address) for address in variables.get("xen_addresses") or () if _is_address(address)]
    wanted = {address.partition("/")[0] for nic in nics for address in nic["addresses"]}
    ours = any(disk.get("image") for disk in made) and variables.get("guest_readdress", True)
    if not ours or not has or variables.get("xen_state") != "running" or set(has) == wanted:
        return []
    interfaces = tuple(
        Interface(said["mac"], tuple(said.get("addresses", ())), said.get("gateway"), tuple(said.get("dns", ())))
        for said in map(_settings, nics)
    )
    files = [{"path": file.path, "content": file.content} for file in writes(Personality(interfaces=interfaces))]
    return [{"name": name, "address": has[0], "files": files}]


def _is_address(text: Any) -> bool:
    """Whether what a host told is an address, and not an option of ssh's."""
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return True


def _domain(site: Site, name: str, variables: Variables, nics: list[dict[str, Any]]) -> dict[str, Any]:
    domain: dict[str, Any] = {"name": name, "state": variables.get("guest_state", "running")}
    size = variables.get("guest_size")
    if size is not None:
        if size not in site.sizes:
            raise InvalidInput(f"there is no size '{size}'", expected=", ".join(site.sizes))
        domain.update({key: value for key, value in site.sizes[size].items() if key in _OF_A_SIZE})
    for option in _OPTIONS:
        value = variables.get(f"guest_{option}")
        if value is not None:
            domain[option] = value
    disks = list(variables.get("guest_disks") or ())
    image = next((disk["image"] for disk in disks if disk.get("image")), None)
    if image is not None:
        domain.setdefault("kernel", f"{site.image_store}/{image}/vmlinuz")
        domain.setdefault("ramdisk", f"{site.image_store}/{image}/initrd.img")
        domain.setdefault("cmdline", "root=/dev/xvda ro console=hvc0 net.ifnames=0")
    domain["disks"] = [
        {
            **({"source": source} if (source := _source(site, name, disk)) else {}),
            **{key: disk[key] for key in _OF_A_DISK if disk.get(key) is not None},
        }
        for disk in disks
    ]
    options = ("bridge", "network", *_OF_A_NETWORK, "mac", "addresses")
    domain["networks"] = [{key: nic[key] for key in options if key in nic} for nic in nics]
    groups = [
        group for group in variables.get("group_names") or () if not str(group).startswith(("on_", "state_", "xen_"))
    ]
    labels = {
        "groups": ",".join(sorted(str(group) for group in groups if group != "guests")),
        **(variables.get("guest_labels") or {}),
    }
    domain["labels"] = {key: str(value) for key, value in labels.items() if value != ""}
    return domain


def bridges_by_network(bridges: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The bridge of each network, from a host's ``network_bridges``."""
    return {str(bridge["network"]): str(bridge["name"]) for bridge in bridges if bridge.get("network")}
