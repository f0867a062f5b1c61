"""libvirt's test driver in this process, behind the refusals of xen_driver, doing with running guests what the Xen driver does.

The test driver keeps configurations, states and marks as any driver of libvirt. All that it lacks is added here, and nowhere else:

- of a running guest it changes its memory and its VCPUs only. For all else the guest is ended and put there anew with another
  running configuration: a device plugged in or out, another medium, a pinned VCPU. What the Xen driver refuses is refused;
- it suspends no guest to its memory, and has no saved memory of one that runs, which is what a save that broke off leaves behind;
- it has no scheduler. Xen's begins with what the configuration says and without a cap, and forgets at each start;
- it starts guests with what is stored, and never paused. A saved one comes back with what it ran with, as from Xen's image;
- it gives a PV guest with nothing to boot with no boot loader;
- it tells of no guests of type PVH, which it can run, and of no memory when its host is read from a file.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import libvirt
import pytest

from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt import hypervisor
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.hypervisor import LibvirtHypervisor
from ansible_collections.xenfleet.xen.plugins.module_utils.model.quantity import MIB
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.commands import CommandResult

from .playing import XEN_DRIVER

FREE_MIB = 640
_DEFAULT_WEIGHT = 256
_SECURE = libvirt.VIR_DOMAIN_XML_SECURE
_LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE
_PAUSED = libvirt.VIR_DOMAIN_START_PAUSED


@dataclass
class _Xen:
    """What Xen knows of the guests of one connection, by their UUIDs."""

    scheduled: dict[str, dict[str, int]] = field(default_factory=dict)
    saved: dict[str, str] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)
    torn: set[str] = field(default_factory=set)


def _binding() -> Any:
    """The binding that refuses; one of its own, so that other tests' stays as it is."""
    specification = importlib.util.spec_from_file_location("xen_driver", XEN_DRIVER / "libvirt.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    # What it raises has to be what the plugins catch.
    module._binding.libvirtError = libvirt.libvirtError
    return module._binding


_BINDING = _binding()
# What libvirt refuses is raised; it need not be printed, too.
libvirt.registerErrorHandler(lambda _context, _error: None, None)
_DOMAIN = _BINDING.virDomain
_CREATE = _DOMAIN.createWithFlags
_MANAGED_SAVE = _DOMAIN.managedSave
_STATE, _SHUTDOWN, _SUSPEND = _DOMAIN.state, _DOMAIN.shutdown, _DOMAIN.suspend
_HAS_SAVED, _FORGET_SAVED, _LIST = (
    _DOMAIN.hasManagedSaveImage,
    _DOMAIN.managedSaveRemove,
    _BINDING.virConnect.listAllDomains,
)
_CAPABILITIES = _BINDING.virConnect.getCapabilities
_DEFINE = _BINDING.virConnect.defineXML


def _refuse(what: str) -> libvirt.libvirtError:
    error = libvirt.libvirtError(what)
    # In place of what libvirt said last, which was about something else.
    error.err = (libvirt.VIR_ERR_OPERATION_UNSUPPORTED, 0, what, libvirt.VIR_ERR_ERROR, None, None, None, 0, 0)
    return error


def _running(domain: Any) -> ET.Element:
    """The running configuration of a guest.

    Raises:
        libvirt.libvirtError: it does not run.
    """
    if not domain.isActive():
        raise _refuse("domain is not running")
    return ET.fromstring(domain.XMLDesc(_SECURE))


def _anew(domain: Any, change: Callable[[ET.Element], None]) -> int:
    """End a guest, and put it there again with another running configuration, as a guest that was never away."""
    root = _running(domain)
    change(root)
    paused = domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED
    connection = domain.connect()
    domain.destroy()
    again = connection.createXML(ET.tostring(root, encoding="unicode"))
    if paused:
        again.suspend()
    return 0


def _create(domain: Any, flags: int = 0) -> int:
    """Start a guest, as libxlDomainStart does: from its saved memory when there is any, which is deleted first."""
    connection, uuid = domain.connect(), domain.UUIDString()
    saved = connection.xen.saved.pop(uuid, None)
    if saved is not None and domain.hasManagedSaveImage():
        domain.managedSaveRemove()
        connection.createXML(saved)
    else:
        _CREATE(domain, flags & ~_PAUSED)
    _schedule(domain)
    if flags & _PAUSED:
        domain.suspend()
    return 0


def _create_xml(connection: Any, xml: str) -> Any:
    """Start a guest of which nothing is stored."""
    domain = connection.createXML(xml)
    _schedule(domain)
    return domain


def _schedule(domain: Any) -> None:
    shares = _running(domain).findtext("cputune/shares")
    domain.connect().xen.suspended.discard(domain.UUIDString())
    domain.connect().xen.scheduled[domain.UUIDString()] = {"weight": int(shares or _DEFAULT_WEIGHT), "cap": 0}


def _scheduler(domain: Any) -> dict[str, int]:
    _running(domain)
    return dict(domain.connect().xen.scheduled[domain.UUIDString()])


def _set_scheduler(domain: Any, parameters: dict[str, int]) -> int:
    _running(domain)
    domain.connect().xen.scheduled[domain.UUIDString()].update(parameters)
    return 0


def _managed_save(domain: Any, flags: int = 0) -> int:
    if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
        raise _refuse("cannot save a paused domain")
    xml = domain.XMLDesc(_SECURE)
    result: int = _MANAGED_SAVE(domain, flags)
    domain.connect().xen.saved[domain.UUIDString()] = xml
    return result


def _is_torn(domain: Any) -> bool:
    return domain.UUIDString() in domain.connect().xen.torn


def _has_saved(domain: Any, flags: int = 0) -> bool:
    return _is_torn(domain) or bool(_HAS_SAVED(domain, flags))


def _forget_saved(domain: Any, flags: int = 0) -> int:
    if not _is_torn(domain):
        return int(_FORGET_SAVED(domain, flags))
    domain.connect().xen.torn.remove(domain.UUIDString())
    return 0


def _list(connection: Any, flags: int = 0) -> list[Any]:
    found: list[Any] = _LIST(connection, flags)
    if flags != libvirt.VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE:
        return found
    return found + [domain for domain in _LIST(connection, 0) if _is_torn(domain)]


def _is_suspended(domain: Any) -> bool:
    return bool(domain.isActive()) and domain.UUIDString() in domain.connect().xen.suspended


def _state(domain: Any, flags: int = 0) -> list[int]:
    state: list[int] = _STATE(domain, flags)
    return [libvirt.VIR_DOMAIN_PMSUSPENDED, 0] if _is_suspended(domain) else state


def _wake(domain: Any, flags: int = 0) -> int:
    if not _is_suspended(domain):
        raise _refuse("domain is not suspended")
    domain.connect().xen.suspended.remove(domain.UUIDString())
    return 0


def _awake(call: Any) -> Any:
    """A call that a suspended guest does not hear."""

    def checked(domain: Any, *arguments: Any) -> Any:
        if _is_suspended(domain):
            raise _refuse("domain is suspended")
        return call(domain, *arguments)

    return checked


def _same(devices: ET.Element, wanted: ET.Element) -> ET.Element | None:
    """The device that is meant by this one, found as the Xen driver finds it."""
    there = devices.findall(wanted.tag)
    return next((device for device in there if _key(device) == _key(wanted)), None)


def _key(device: ET.Element) -> Any:
    if device.tag == "disk":
        return device.find("target").get("dev")  # type: ignore[union-attr]  # each has one
    if device.tag == "interface":
        return device.find("mac").get("address")  # type: ignore[union-attr]
    return device.get("type"), sorted((part.tag, sorted(part.attrib.items())) for part in device.iterfind("source/*"))


def _check_plug(device: ET.Element, flags: int) -> None:
    """What libxlDomainAttachDeviceLive and libxlDomainDetachDeviceLive take."""
    if flags != _LIVE:
        raise _refuse("only of the running configuration, here")
    if device.tag == "disk":
        target = device.find("target")
        if device.get("device") != "disk" or target is None or target.get("bus") != "xen":
            raise _refuse("only disks on the xen bus can be plugged")
    elif device.tag not in ("interface", "hostdev"):
        raise _refuse(f"{device.tag} cannot be plugged")


def _attach(domain: Any, xml: str, flags: int = 0) -> int:
    device = ET.fromstring(xml)
    _check_plug(device, flags)

    def plug(root: ET.Element) -> None:
        devices = root.find("devices")
        assert devices is not None
        if _same(devices, device) is not None:
            raise _refuse(f"{device.tag} {_key(device)} already exists")
        devices.append(device)

    return _anew(domain, plug)


def _detach(domain: Any, xml: str, flags: int = 0) -> int:
    device = ET.fromstring(xml)
    _check_plug(device, flags)

    def unplug(root: ET.Element) -> None:
        devices = root.find("devices")
        assert devices is not None
        there = _same(devices, device)
        if there is None:
            raise _refuse(f"{device.tag} {_key(device)} not found")
        devices.remove(there)

    return _anew(domain, unplug)


def _update(domain: Any, xml: str, flags: int = 0) -> int:
    """Another medium, as libxlDomainChangeEjectableMedia changes it: the source and its type, and nothing else."""
    device = ET.fromstring(xml)

    def change(root: ET.Element) -> None:
        devices = root.find("devices")
        assert devices is not None
        drive = _same(devices, device) if device.tag == "disk" else None
        if flags != _LIVE or drive is None or device.get("device") != "cdrom" or drive.get("device") != "cdrom":
            raise _refuse("only the medium of a CD-ROM drive can be changed")
        drive.set("type", device.get("type", "file"))
        for source in drive.findall("source"):
            drive.remove(source)
        drive.extend(device.findall("source"))

    return _anew(domain, change)


def _define(connection: Any, xml: str) -> Any:
    """Store a configuration, as libxlDomainDefPostParse completes it."""
    root = ET.fromstring(xml)
    boots = root.find("os/kernel") is not None or root.find("bootloader") is not None
    if root.findtext("os/type") in ("linux", "xen") and not boots:
        ET.SubElement(root, "bootloader").text = "pygrub"
    return _DEFINE(connection, ET.tostring(root, encoding="unicode"))


def _capabilities(connection: Any) -> str:
    root = ET.fromstring(_CAPABILITIES(connection))
    ET.SubElement(ET.SubElement(root, "guest"), "os_type").text = "xenpvh"
    return ET.tostring(root, encoding="unicode")


_DOMAIN.createWithFlags = _create
_DOMAIN.managedSave = _awake(_managed_save)
_DOMAIN.shutdown = _awake(_SHUTDOWN)
_DOMAIN.suspend = _awake(_SUSPEND)
_DOMAIN.state = _state
_DOMAIN.hasManagedSaveImage = _has_saved
_DOMAIN.managedSaveRemove = _forget_saved
_BINDING.virConnect.listAllDomains = _list
_DOMAIN.pMWakeup = _wake
_DOMAIN.schedulerParameters = _scheduler
_DOMAIN.setSchedulerParameters = _set_scheduler
_DOMAIN.attachDeviceFlags = _attach
_DOMAIN.detachDeviceFlags = _detach
_DOMAIN.updateDeviceFlags = _update
_BINDING.virConnect.defineXML = _define
_BINDING.virConnect.getCapabilities = _capabilities
_BINDING.virConnect.getFreeMemory = lambda _connection: FREE_MIB * MIB


class _Virsh:
    """The program virsh, as it is called to pin a VCPU. Another process would see guests of its own."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def run(self, argv: Sequence[str]) -> CommandResult:
        """Pin a VCPU of a running guest, and nothing else."""
        name, vcpu, members, live = argv[argv.index("vcpupin") + 1 :]
        assert live == "--live"

        def pin(root: ET.Element) -> None:
            tune = root.find("cputune")
            tune = ET.SubElement(root, "cputune") if tune is None else tune
            for there in tune.findall(f"vcpupin[@vcpu='{vcpu}']"):
                tune.remove(there)
            ET.SubElement(tune, "vcpupin", vcpu=vcpu, cpuset=members)

        _anew(self._connection.lookupByName(name), pin)
        return CommandResult(0, "", "")


@contextmanager
def xen_host(file: Path) -> Iterator[LibvirtHypervisor]:
    """A host as its file says (https://libvirt.org/drvtest.html), private to whom it is given, and gone afterwards."""
    connection = _BINDING.open(f"test://{file}")
    connection.xen = _Xen()
    for domain in connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE):
        _schedule(domain)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hypervisor, "HostCommands", lambda: _Virsh(connection))
            yield LibvirtHypervisor(connection)
    finally:
        connection.close()


def suspend(host: LibvirtHypervisor, name: str) -> None:
    """Leave a running guest as a save that broke off does."""
    domain = host.connection.lookupByName(name)
    host.connection.xen.suspended.add(domain.UUIDString())


def tear(host: LibvirtHypervisor, name: str) -> None:
    """Leave a running guest as a save does that broke off before it was suspended, once libvirt has been started anew."""
    host.connection.xen.torn.add(host.connection.lookupByName(name).UUIDString())


def start_unstored(host: LibvirtHypervisor, xml: str) -> None:
    """Start a guest of which nothing is stored (a transient one)."""
    _create_xml(host.connection, xml)
