"""Disks and network interfaces as xl can have them, for the property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from ansible_collections.xenfleet.xen.plugins.module_utils.xl.disk import FORMATS, XlDisk
from ansible_collections.xenfleet.xen.plugins.module_utils.xl.vif import XlRate, XlVif

_WORDS = st.from_regex(r"[A-Za-z0-9._:/@-]{1,12}", fullmatch=True)
_PATHS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=12).map(
    lambda text: "/" + text
)
# Also in forms that become options, and in ones that nearly do.
_CEPH = st.sampled_from(
    [
        "rbd:pool/a",
        "rbd:pool/a:auth_supported=none",
        "rbd:pool/a:auth_supported=none:mon_host=mon1\\:6789\\;[fd00\\:\\:1]\\:6789",
        "rbd:pool/a:auth_supported=none:mon_host=mon1:6789",
        "rbd:pool/a:id=xen:key=secret:auth_supported=cephx",
    ]
)
_DISK_EXTRA = st.dictionaries(st.sampled_from(["backend", "backendtype", "script", "colo-host", "grant_usage"]), _WORDS)
_BACKEND = st.dictionaries(st.just("backendtype"), st.sampled_from(["phy", "qdisk", "tap"]))
_DISK_FLAGS = st.dictionaries(st.sampled_from(["discard", "colo", "trusted"]), st.booleans())


@st.composite
def xl_disks(draw: st.DrawFn) -> XlDisk:
    """Disks as xl can have them."""
    cdrom = draw(st.booleans())
    return XlDisk(
        vdev=draw(st.from_regex(r"(xvd|hd|sd)[a-z][0-9]?", fullmatch=True)),
        source=draw(_PATHS | _CEPH | st.none()) if cdrom else draw(_PATHS | _CEPH),
        format=draw(st.sampled_from(FORMATS)),
        readonly=cdrom or draw(st.booleans()),
        shareable=draw(st.booleans()),
        cdrom=cdrom,
        extra=tuple((draw(_DISK_EXTRA) | draw(_DISK_FLAGS) | draw(_BACKEND)).items()),
    )


_RATES = st.builds(
    XlRate,
    st.integers(1, 10**11),
    st.sampled_from(["B", "b", "KB", "Mb", "GB"]),
    st.sampled_from([None, "50ms", "9us"]),
)
_VIF_EXTRA = st.dictionaries(st.sampled_from(["script", "vifname", "model", "type", "gatewaydev", "backend"]), _WORDS)

_PORTS = st.sampled_from(["ovs0", "ovs0.10", "ovs0:20:30", "ovs0:30:20", "ovs0.10:20", "ovs0.9999", "ovs0.010"])
_SPECIAL = st.fixed_dictionaries(
    {},
    optional={
        "script": st.sampled_from(["vif-openvswitch", "vif-bridge", "vif-route", "/opt/vif"]),
        "type": st.sampled_from(["vif", "ioemu"]),
        "model": st.sampled_from(["e1000", "netfront"]),
    },
)


@st.composite
def xl_vifs(draw: st.DrawFn) -> XlVif:
    """Interfaces as xl can have them."""
    extra: dict[str, str | bool] = {**draw(_VIF_EXTRA), **draw(_SPECIAL)}
    if draw(st.booleans()):
        extra["trusted"] = draw(st.booleans())
    return XlVif(
        bridge=draw(st.none() | _WORDS | _PORTS),
        mac=draw(
            st.none()
            | st.integers(0, 2**24 - 1).map(lambda n: f"00:16:3e:{n >> 16:02x}:{n >> 8 & 255:02x}:{n & 255:02x}")
        ),
        ip=tuple(draw(st.lists(st.ip_addresses().map(str), max_size=3))),
        rate=draw(st.none() | _RATES),
        extra=tuple(extra.items()),
    )
