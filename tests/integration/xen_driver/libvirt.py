"""libvirt's binding, refusing what its Xen driver refuses, and reading saved guests as that driver does.

Put before the real one in PYTHONPATH of a module that works against libvirt's test driver: that driver can do more than the
Xen driver, and a module must not come to lean on it. The refusals are those of src/libxl/libxl_driver.c of libvirt 11.3.
"""

from __future__ import annotations

import importlib.util
import struct
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree


def _real() -> Any:
    """The binding that this file hides."""
    here = Path(__file__).resolve().parent
    for folder in sys.path:
        candidate = Path(folder or ".").resolve() / "libvirt.py"
        if candidate.parent != here and candidate.is_file():
            specification = importlib.util.spec_from_file_location("_real_libvirt", candidate)
            if specification is not None and specification.loader is not None:
                module = importlib.util.module_from_spec(specification)
                specification.loader.exec_module(module)
                return module
    raise ImportError("the real libvirt binding is missing")


_binding = _real()
_binding_domain = _binding.virDomain


def _refuse(what: str) -> Any:
    raise _binding.libvirtError(f"this function is not supported by the connection driver: {what}")


def _missing(name: str) -> None:
    setattr(_binding_domain, name, lambda *_a, **_k: _refuse(name))


def _only_flags(name: str, position: int, allowed: int, *, some: bool = False) -> None:
    """Let a call pass only with the flags that the Xen driver takes; with some=True 0 is refused too."""
    call = getattr(_binding_domain, name)

    def checked(self: Any, *arguments: Any) -> Any:
        flags = arguments[position] if len(arguments) > position else 0
        if flags & ~allowed or (some and not flags):
            _refuse(f"{name} with flags {flags:#x}")
        return call(self, *arguments)

    setattr(_binding_domain, name, checked)


for _name in (
    "abortJob",
    "rename",
    "reset",
    "snapshotCreateXML",
    "checkpointCreateXML",
    "blockResize",
    "migrateSetMaxSpeed",
):
    _missing(_name)
_only_flags("destroyFlags", 0, 0)
_only_flags("createWithFlags", 0, _binding.VIR_DOMAIN_START_PAUSED)
_only_flags("undefineFlags", 0, _binding.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE)
_only_flags("updateDeviceFlags", 1, _binding.VIR_DOMAIN_AFFECT_LIVE | _binding.VIR_DOMAIN_AFFECT_CONFIG)
_only_flags(
    "setVcpusFlags",
    1,
    _binding.VIR_DOMAIN_AFFECT_LIVE | _binding.VIR_DOMAIN_AFFECT_CONFIG | _binding.VIR_DOMAIN_VCPU_MAXIMUM,
    some=True,
)


def _restore(self: Any, path: str) -> int:
    """Read a saved guest as libxlDomainSaveImageOpen does, and the stream after it; the guest runs on as the test driver's."""
    with Path(path).open("rb") as image:
        magic, version, length = struct.unpack("=16s2I40x", image.read(64))
        xml, stream = image.read(length), image.read()
    if magic != b"libvirt-xml\n \0 \r" or version != 2 or not stream.startswith(b"LibxlFmt"):
        _refuse("restore of this image")
    if b"cannot be restored" in stream:
        _refuse("restore of this guest")
    self.createXML(xml.rstrip(b"\0").decode())
    return 0


def _define(self: Any, xml: str) -> Any:
    """VCPUs that a guest does not have yet are not pinned: the driver has no VIR_DOMAIN_DEF_FEATURE_OFFLINE_VCPUPIN."""
    root = ElementTree.fromstring(xml)
    for tune in root.findall("cputune"):
        for pin in tune.findall("vcpupin"):
            vcpu = root.find("vcpu")
            if vcpu is not None and int(pin.get("vcpu", 0)) >= int(vcpu.get("current") or vcpu.text or 1):
                tune.remove(pin)
    return _defined(self, ElementTree.tostring(root, encoding="unicode"))


def _block_stats(self: Any, target: str) -> Any:
    """Only Xen's own backend counts."""
    for disk in ElementTree.fromstring(self.XMLDesc()).iterfind("devices/disk"):
        names = {part.tag: part.get("name") or part.get("dev") for part in disk}
        if names.get("target") == target and names.get("driver") == "phy":
            return _counted(self, target)
    return _refuse(f"blockStats of {target}")


_counted = _binding_domain.blockStats
_binding_domain.blockStats = _block_stats
_defined = _binding.virConnect.defineXML
_binding.virConnect.defineXML = _define
_binding.virConnect.restore = _restore
_binding.virConnect.getAllDomainStats = lambda *_a, **_k: _refuse("getAllDomainStats")

globals().update({name: value for name, value in vars(_binding).items() if not name.startswith("__")})
