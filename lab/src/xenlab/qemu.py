"""QEMU's command line for a machine, relative to the lab's run folder (its working directory).

Relative, because socket paths are limited to 108 characters and QEMU's lists are split at commas.
"""

from __future__ import annotations

from xenlab.state import MachineState, State
from xenlab.topology import ALL_LINKS, CORE, Link, Machine, mac

BINARY = "qemu-system-x86_64"

# The one model on which both Xen and PVH guests run under software emulation.
# RDRAND spares the kernel minutes of waiting for randomness, on which SSH and NFS servers wait in turn.
_CPU = "qemu64,+svm,+npt,+rdrand"
# Mitigations protect nobody here, and each costs time.
_XEN_ARGS = "console=com1 com1=115200,8n1 dom0_mem=1024M,max:1024M dom0_max_vcpus=1 loglvl=info guest_loglvl=info spec-ctrl=no xpti=no"
# CMPXCHG16B: QEMU 7.2 leaves arbitrary bits in the flags after it, and kernels, whose memory allocator uses it, crash of
# that. It is hidden from them only, for libvirt's Xen driver does not start on a processor without it.
# What hardens or tests the kernel costs time for nothing here, too: pages cleared twice, ciphers tried at the start.
_LINUX_ARGS = (
    "root=/dev/vda rw net.ifnames=0 loglevel=4 clearcpuid=cx16"
    " mitigations=off init_on_alloc=0 randomize_kstack_offset=off cryptomgr.notests"
)


def process_name(lab: str, machine: str) -> str:
    """How a machine's process is recognised in the process table."""
    return f"xenlab-{lab}-{machine}"


def command(lab: str, machine: Machine, state: State) -> list[str]:
    own = state.machines[machine.name]
    return [
        BINARY,
        *("-name", process_name(lab, machine.name)),
        *("-no-user-config", "-nodefaults", "-display", "none"),
        *("-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", _CPU),
        *("-smp", str(machine.cpus), "-m", str(machine.memory_mib), "-rtc", "base=utc"),
        *("-pidfile", f"{machine.name}.pid"),
        *(
            "-chardev",
            f"socket,id=console,path={machine.name}.console,server=on,wait=off,logfile={machine.name}.console.log",
        ),
        *("-serial", "chardev:console"),
        *("-qmp", f"unix:{machine.name}.qmp,server=on,wait=off"),
        *_boot(machine, own),
        *_drives(machine),
        *_network(lab, machine, state, own),
        *(_spare(machine) if machine.spare else []),
    ]


def _boot(machine: Machine, own: MachineState) -> list[str]:
    image = f"../../../images/{own.image}"
    if machine.kind == "xen":
        # The hypervisor is a multiboot kernel; dom0's kernel and initramfs are its modules.
        modules = f"{image}/vmlinuz {_LINUX_ARGS} console=hvc0,{image}/initrd.img"
        return ["-kernel", f"{image}/xen", "-append", _XEN_ARGS, "-initrd", modules]
    if machine.kind == "core":
        append = f"{_LINUX_ARGS} console=ttyS0,115200"
        return ["-kernel", f"{image}/vmlinuz", "-append", append, "-initrd", f"{image}/initrd.img"]
    return []


def _drives(machine: Machine) -> list[str]:
    # Nothing here outlives the machine it runs on, so no flush has to reach the real disk; a killed QEMU loses
    # nothing by it, what the guest flushed is with the kernel.
    drives = []
    for number, (name, form, more) in enumerate(
        (
            (f"{machine.name}.qcow2", "qcow2", "discard=unmap"),
            (f"{machine.name}.data.img", "raw", "discard=unmap"),
            (f"{machine.name}.seed.tar", "raw", "read-only=on"),
        )
    ):
        drives += ["-drive", f"file=../disks/{name},if=none,id=disk{number},format={form},cache=unsafe,{more}"]
        serial = ("root", "data", "seed")[number]
        boot = ",bootindex=0" if number == 0 and machine.kind == "plain" else ""
        drives += ["-device", f"virtio-blk-pci,drive=disk{number},serial=xenlab-{serial}{boot}"]
    return drives


def _spare(machine: Machine) -> list[str]:
    """What can be handed to guests, each at a place of its own, whatever else the machine has."""
    found = ["-device", "amd-iommu,intremap=on"]
    for name in machine.spare:
        found += ["-drive", f"file=../disks/{machine.name}.{name}.img,if=none,id={name},format=raw,cache=unsafe"]
    found += ["-device", "nvme,drive=nvme,serial=xenlab-nvme,addr=0x10"]
    found += ["-device", "qemu-xhci,id=usb,addr=0x11"]
    return [*found, "-device", "usb-storage,bus=usb.0,drive=stick,serial=xenlab-stick"]


def _network(lab: str, machine: Machine, state: State, own: MachineState) -> list[str]:
    found = ["-netdev", f"user,id=management,ipv6=off,hostfwd=tcp:127.0.0.1:{own.ssh_port}-:22"]
    found += ["-device", f"virtio-net-pci,netdev=management,mac={mac(lab, machine.name, 'eth0')}"]
    if machine.name == CORE:
        ends = [(link, link.core_nic, _ports(state, link)) for link in ALL_LINKS]
    else:
        ends = [(link, link.host_nic, _ports(state, link)[::-1]) for link in machine.links]
    for link, nic, (here, there) in ends:
        # Datagrams on the loopback: there is no connection, so each end may go and come back as it likes, and to an end
        # that does not listen they are simply lost, as on a cable.
        found += [
            "-netdev",
            f"dgram,id={link.name},local.type=inet,local.host=127.0.0.1,local.port={here}"
            f",remote.type=inet,remote.host=127.0.0.1,remote.port={there}",
            "-device",
            # 802.3ad wants to know the speed.
            f"virtio-net-pci,netdev={link.name},mac={mac(lab, machine.name, nic)},speed=1000,duplex=full",
        ]
    return found


def _ports(state: State, link: Link) -> tuple[int, int]:
    """The loopback ports of core's end and of the host's end."""
    first = state.link_ports + 2 * link.number
    return first, first + 1
