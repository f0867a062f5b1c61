"""Core as the site's switch: systemd-networkd files for a VLAN-filtering bridge and its trunk ports."""

from __future__ import annotations

from xenlab.state import LACP, State
from xenlab.topology import CORE_MACHINE, HOSTS, VLANS, Machine

FOLDER = "etc/systemd/network"

_TRUNK = "".join(f"\n[BridgeVLAN]\nVLAN={vlan}\n" for vlan in VLANS)
_PORT = f"[Network]\nBridge=br0\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n\n[Link]\nRequiredForOnline=no\n{_TRUNK}"


def bridge_files() -> dict[str, str]:
    """The bridge and core's own address in each VLAN."""
    vlans = "".join(f"VLAN=vlan{vlan}\n" for vlan in VLANS)
    files = {
        "20-br0.netdev": "[NetDev]\nName=br0\nKind=bridge\n\n"
        "[Bridge]\nVLANFiltering=yes\nDefaultPVID=none\nSTP=no\nMulticastSnooping=no\n",
        "20-br0.network": "[Match]\nName=br0\n\n[Network]\nLinkLocalAddressing=no\nConfigureWithoutCarrier=yes\n"
        f"{vlans}\n[Link]\nRequiredForOnline=no\n{_TRUNK}",
    }
    for vlan in VLANS:
        files[f"25-vlan{vlan}.netdev"] = f"[NetDev]\nName=vlan{vlan}\nKind=vlan\n\n[VLAN]\nId={vlan}\n"
        files[f"25-vlan{vlan}.network"] = (
            f"[Match]\nName=vlan{vlan}\n\n[Network]\nAddress={CORE_MACHINE.address(vlan)}/24\nLinkLocalAddressing=no\n"
            "ConfigureWithoutCarrier=yes\n\n[Link]\nRequiredForOnline=no\n"
        )
    return files


def host_files(host: Machine, mode: str) -> dict[str, str]:
    """Core's side of one host's two links: a bond, or each link a bridge port of its own."""
    if mode != LACP:
        return {f"40-{link.name}.network": f"[Match]\nName={link.core_nic}\n\n{_PORT}" for link in host.links}
    bond = f"bond-{host.name}"
    files = {
        f"30-{bond}.netdev": f"[NetDev]\nName={bond}\nKind=bond\n\n"
        "[Bond]\nMode=802.3ad\nLACPTransmitRate=fast\nMIIMonitorSec=100ms\nTransmitHashPolicy=layer2+3\n",
        f"30-{bond}.network": f"[Match]\nName={bond}\n\n{_PORT}",
    }
    for link in host.links:
        files[f"40-{link.name}.network"] = (
            f"[Match]\nName={link.core_nic}\n\n[Network]\nBond={bond}\nLinkLocalAddressing=no\n\n[Link]\nRequiredForOnline=no\n"
        )
    return files


def all_files(state: State) -> dict[str, str]:
    """Every file of the switch: sockets are wired for hosts that are not there yet."""
    files = bridge_files()
    for host in HOSTS:
        files.update(host_files(host, state.mode(host.name)))
    return {f"{FOLDER}/{name}": text for name, text in files.items()}


def switch_script(host: Machine, mode: str) -> str:
    """Shell text that makes a running core treat a host's links in another way, now and after a restart."""
    nics = [link.core_nic for link in host.links]
    bond = f"bond-{host.name}"
    lines = ["set -eu", f"cd /{FOLDER}", f"rm -f 30-{bond}.* 40-{host.name}-*"]
    for name, text in sorted(host_files(host, mode).items()):
        lines.append(f"cat > {name} <<'END'\n{text}END")
    lines += [f"ip link set {nic} down; ip link set {nic} nomaster" for nic in nics]
    lines.append(f"if [ -e /sys/class/net/{bond} ]; then ip link del {bond}; fi")
    # Not 'networkctl reload': that goes by way of D-Bus, on which networkd is not to be found after a very slow boot.
    # A restart leaves alone what is as it should be.
    lines.append("systemctl restart systemd-networkd")
    # Wait until networkd has done what it was told, so that the next command finds it so.
    master = bond if mode == LACP else "br0"
    test = " && ".join(f'[ "$(basename "$(readlink /sys/class/net/{nic}/master)")" = {master} ]' for nic in nics)
    lines.append(f"for _ in $(seq 60); do if {test}; then exit 0; fi; sleep 0.5; done")
    lines += ["echo 'core did not rearrange its ports within 30 s' >&2", "exit 1"]
    return "\n".join(lines) + "\n"
