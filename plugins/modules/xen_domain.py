#!/usr/bin/python
# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One guest to what is declared of it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xen_domain
short_description: Make a Xen guest what is declared of it
version_added: 0.1.0
author: xenfleet contributors (@xenfleet)
description:
  - Compares what is declared of a guest (a domain, in Xen's terms) with its stored and its running configuration,
    and does what is needed, no more.
  - What can be changed in the running guest is changed there - memory within O(memory_max), VCPUs within O(vcpus_max), O(cpus),
    O(cpu_weight), O(cpu_cap), devices that come and go, autostart; what cannot is stored for its next boot and named in
    RV(restart_required).
  - What is not named is not touched. A guest that does not exist yet gets the defaults that each option names.
  - Before anything is touched it is checked that the host has the kernel, the disks and the bridges, that no other
    guest has a MAC address, and that no other running guest has a disk.
  - What Xen still has of a start in the middle of which libvirtd died, a guest that was made and never ran, is ended before the next
    start. Any other guest of that name that Xen has and libvirt does not know is an error; nothing runs twice.
extends_documentation_fragment:
  - xenfleet.xen.attributes
  - xenfleet.xen.attributes.actiongroup_xen
  - xenfleet.xen.connection
  - xenfleet.xen.pending
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  name:
    description: The guest's name on its host. Letters, digits and C(. _ + -).
    type: str
    required: true
  state:
    description:
      - V(present) - it is defined; whether it runs is not managed.
      - V(running) - it is defined and runs. A paused guest is resumed, and one woken that is suspended, by itself or by a save that broke
        off. A saved one is restored. It comes back with what it was saved with, which is seen only then - what has changed meanwhile is
        named in RV(restart_required), and the next run brings it what it can be given at once.
      - V(restarted) - as V(running), and a guest that runs already goes down and up again, each time this is asked for. It comes
        back with what is stored, so that nothing waits for its next boot any more.
      - V(paused) - it is defined and stands still in memory. One that does not run is started so.
      - V(saved) - it is defined, and its memory is on the host's disk until it is started again. Only a running guest can be
        saved. Libvirt deletes the saved memory when it restores it, so Xen's free memory is looked at first. What a save that
        broke off has left of a guest that goes on is forgotten by the next run, for libvirt would restore it at the guest's next start.
      - V(stopped) - it is defined and does not run. It is asked to shut down and waited for; see O(timeout), O(force).
      - V(absent) - it does not run and is not defined. Its disks are kept but those in O(remove_disks), its saved memory is not.
    type: str
    choices: [present, running, restarted, paused, saved, stopped, absent]
    default: running
  uuid:
    description:
      - Its UUID. Made by libvirt when not given. A guest of that name with another UUID is an error.
    type: str
  type:
    description:
      - V(pv) - paravirtual. V(pvh) - in hardware virtualisation without emulated devices; needs O(kernel). V(hvm) - in
        hardware virtualisation, with an emulated machine around it.
      - A new guest is V(pvh).
    type: str
    choices: [pv, pvh, hvm]
  memory:
    description:
      - Its memory, such as V(2 GiB) or V(512M); a bare number is MiB. Rounded up to whole MiB.
      - In a running guest it is changed by ballooning, up to the maximum that it was started with.
      - Needed for a new guest.
    type: str
  memory_max:
    description:
      - What it can be given while it runs. Follows O(memory) when that is more.
    type: str
  vcpus:
    description: How many virtual CPUs it has. A new guest has 1.
    type: int
  vcpus_max:
    description: How many it can be given while it runs. Follows O(vcpus) when that is more.
    type: int
  cpus:
    description:
      - The host's CPUs that its VCPUs may run on (pinning, or hard affinity). A text such as V(0-3,6) or V(0-7,^3) holds for all
        VCPUs; in a list the first entry is that of the first VCPU, and so on, up to O(vcpus_max). The entry of a VCPU that it
        has not been given counts when it gets it.
      - An empty text lets it run on all CPUs; a running guest does so after its next boot. Any other change is made at once.
    type: raw
  cpu_weight:
    description:
      - Its share of the CPUs when they are short, 2 to 65535. A guest without has 256. Changed at once.
    type: int
  cpu_cap:
    description:
      - What it gets of the CPUs at the most, in percent of one CPU. V(0) is no limit. Changed at once.
      - Libvirt does not store it. It is kept in the definition's metadata and set at each start by this collection. After a
        start by somebody else, such as with the host or when the guest reboots, the next run sets it again.
    type: int
  cpu_features:
    description:
      - Features of the CPU by libvirt's names (C(virsh cpu-models), C(/usr/share/libvirt/cpu_map)), each with V(force), V(require),
        V(optional), V(disable) or V(forbid). C(vmx) or C(svm) is nested virtualisation, which the host's C(libxl.conf) has to allow.
      - Replaces all features that it has. PVH and HVM only.
    type: dict
  numa_nodes:
    description: The NUMA nodes that it sees. Their memory has to be O(memory_max) together. An empty list takes them away.
    type: list
    elements: dict
    suboptions:
      vcpus:
        description: The guest's VCPUs in it, such as V(0-1).
        type: str
        required: true
      memory:
        description: The memory in it.
        type: str
        required: true
      distances:
        description: How far each node is from it, in order; 10 is itself. For all nodes or for none.
        type: list
        elements: int
  kernel:
    description: Path on the host of the kernel it boots. Empty takes it away.
    type: path
  ramdisk:
    description: Path on the host of its initial RAM disk. Empty takes it away.
    type: path
  cmdline:
    description: The kernel's command line. Empty takes it away.
    type: str
  bootloader:
    description:
      - The program on the host that finds the kernel in a PV guest's disk, such as C(pygrub). A PV guest with neither O(kernel) nor
        this gets C(pygrub) from libvirt. Empty takes it away.
      - C(pygrub) reads what the guest has written, in the host; PVH with a kernel of the host's, or HVM, are the safer choice.
    type: str
  bootloader_args:
    description: What the boot loader is called with. Empty takes it away.
    type: str
  boot:
    description: What an HVM guest boots from, in this order.
    type: list
    elements: str
    choices: [disk, cdrom, network]
  firmware:
    description:
      - V(bios) - SeaBIOS. V(uefi) - OVMF, of which the host needs Debian's package C(ovmf); its variables are not
        stored. HVM only.
    type: str
    choices: [bios, uefi]
  acpi:
    description:
      - Whether it has ACPI, by which an HVM guest without drivers of Xen is asked to shut down. A new HVM guest has it, and does not
        start without it where Xen's QEMU is newer than 9.0 (as Debian 13's). HVM only.
    type: bool
  apic:
    description: Whether it has an APIC. A new HVM guest has it. HVM only.
    type: bool
  pae:
    description: Whether it has physical address extension. libvirt always gives it to HVM guests. HVM only.
    type: bool
  hap:
    description:
      - Whether its page tables are the hardware's business (hardware assisted paging). Without, Xen shadows them. Not named, Xen
        uses it where there is. PVH and HVM only.
    type: bool
  viridian:
    description:
      - Whether it is shown the interfaces of Hyper-V, which Windows makes use of. HVM only.
      - Libvirt 11.3 stores it, and its Xen driver does not hand it to Xen yet.
    type: bool
  e820_host:
    description: Whether it sees the host's memory map. Linux needs that for PCI devices, so it is turned on with O(pci_devices). PV only.
    type: bool
  passthrough:
    description:
      - Whether PCI devices can be given to it, and how the tables of the IOMMU are made for that. Turned on by itself for a guest
        with O(pci_devices); needed only for one that shall get them while it runs. Without an IOMMU the guest does not start.
    type: str
    choices: [disabled, sync_pt, share_pt]
  clock:
    description: What the clock of its machine shows at its start.
    type: str
    choices: [utc, localtime]
  disks:
    description:
      - Its disks and CD-ROM drives, told apart by their O(disks[].target).
      - Disks on the xen bus (V(xvda), ...) are plugged into a running guest and out of it, and of the CD-ROM drives of a running
        HVM guest the medium is changed. All else waits for its next boot.
    type: list
    elements: dict
    suboptions:
      target:
        description:
          - The device in the guest, a whole disk. Given out in order (V(xvda), V(xvdb), ...) when not named.
          - HVM guests can also have V(hda) to V(hdd) (IDE) and V(sda) to V(sdp) (SCSI), which QEMU emulates. It shows them
            V(xvda) to V(xvdd) on its IDE controller too, so these and V(hda) to V(hdd) exclude each other, and cannot be
            read-only disks.
        type: str
      device:
        description:
          - V(cdrom) is a CD-ROM drive. It is always read-only. In an HVM guest it can be empty (no O(disks[].source)), and is one
            of the first four devices, such as V(hdc).
        type: str
        choices: [disk, cdrom]
        default: disk
      source:
        description:
          - The file or block device on the host, by its absolute path. It has to be there.
          - Or C(rbd:POOL/IMAGE), an image in a Ceph cluster. Whether that is there is not looked at.
          - Needed for a disk.
        type: path
      format:
        description: What the source holds.
        type: str
        choices: [raw, qcow, qcow2, qed, vhd]
        default: raw
      driver:
        description:
          - What serves it on the host. V(phy) - Xen's own, for raw block devices. V(qemu) - QEMU, for all. V(file) - QEMU too,
            raw only.
          - When not named, the one that is there stays as long as it can serve the disk. A new disk has V(phy) when it is a raw
            block device, and V(qemu) otherwise and for CD-ROM drives.
        type: str
        choices: [phy, qemu, file]
      readonly:
        description: Whether the guest may only read it.
        type: bool
        default: false
      shareable:
        description: Whether other running guests may have it too. The guests have to be made for that.
        type: bool
        default: false
      discard:
        description:
          - Whether the guest may give back blocks that it does not use any more (TRIM). A new disk lets it.
        type: bool
      monitors:
        description:
          - Of an image in Ceph, where the cluster's monitors are, each as V(host), V(host:port) or V([IPv6]:port).
          - When not named, those that are there stay. Without any, the host's own configuration of Ceph says.
        type: list
        elements: str
      auth_user:
        description:
          - Of an image in Ceph, the user of the cluster. Without one libvirt logs in as nobody (C(auth_supported=none)).
          - When not named, the one that is there stays. An empty text takes it away.
        type: str
      auth_secret:
        description:
          - The UUID of the secret in the host's libvirt that has the key of O(disks[].auth_user) (C(virsh secret-define)).
        type: str
  unlisted_disks:
    description:
      - What becomes of disks that the guest has and O(disks) does not name. Detaching never deletes the data.
    type: str
    choices: [keep, detach]
    default: keep
  networks:
    description:
      - Its network interfaces, told apart by their O(networks[].mac). Each hangs on a O(networks[].bridge), on a
        O(networks[].network), or, with neither, where its O(networks[].script) puts it.
      - Interfaces are plugged into a running guest and out of it. A change of one waits for the guest's next boot.
    type: list
    elements: dict
    suboptions:
      bridge:
        description: The host's bridge that it hangs on. It has to be there.
        type: str
      network:
        description:
          - A network of the host's libvirt that it hangs on. It has to be active, where libvirt can tell.
        type: str
      script:
        description:
          - The program that puts it into the host's network, by its absolute path or its name in C(/etc/xen/scripts). It has to
            be there.
          - On a bridge it goes before Xen's own. Without O(networks[].bridge) it alone says where the interface hangs, such as
            V(vif-route). Networks of libvirt have none.
          - When not named, the one that is there stays, as long as the interface stays on the same kind of place. An empty text
            takes it away.
        type: str
      openvswitch:
        description:
          - Whether O(networks[].bridge) is one of Open vSwitch.
          - When not named, this and the VLANs stay as they are, as long as the bridge stays. When named, the VLANs are those that
            are named with it.
        type: bool
      vlan:
        description:
          - The VLAN that it is a member of. Open vSwitch only, for libvirt's Xen driver ignores VLANs on a plain bridge.
        type: int
      trunks:
        description:
          - The VLANs that it carries with their tags. Open vSwitch only, and instead of O(networks[].vlan).
        type: list
        elements: int
      model:
        description:
          - In an HVM guest the device that QEMU emulates, by QEMU's name, such as V(e1000) or V(rtl8139), or V(netfront) for none
            besides Xen's own. PV and PVH guests can only have V(netfront).
          - When not named, the one that is there stays, and a new one gets Xen's default. An empty text takes it away.
        type: str
      rate:
        description:
          - How much the guest may send, such as V(10 MB/s), V(512 KiB/s) or (in bits) V(100 Mb/s). Rounded up to whole KiB/s.
          - When not named, the limit that is there stays. An empty text takes it away.
        type: str
      mac:
        description:
          - Its MAC address. When not given, the interface at this position keeps the one it has, and a new one gets
            an address made of the guest's name and the position, the same at every run.
        type: str
      addresses:
        description:
          - The addresses that the guest uses on it, as C(address/prefix). They are kept with the definition, so
            that the inventory knows them. The guest's own configuration is the image's business.
          - When not given, those that are kept with the interface stay. An empty list takes them away.
        type: list
        elements: str
      guest_ips:
        description:
          - Addresses without prefix that its script is told, which xl.cfg(5) calls C(ip). C(vif-route) and C(vif-nat) make routes of
            them, C(vif-bridge) filters by them. Xen acts on these, and only the inventory reads O(networks[].addresses).
          - When not given, those that are there stay. An empty list takes them away.
        type: list
        elements: str
  unlisted_networks:
    description: What becomes of interfaces that the guest has and O(networks) does not name.
    type: str
    choices: [keep, detach]
    default: keep
  tsc_mode:
    description:
      - How the guest reads the CPU's time stamp counter, by the names of xl.cfg(5). A new guest has V(default).
      - With V(default) Xen lets the guest read the counter itself only when all of the host's CPUs keep the same reliable time,
        and steps in at each reading otherwise, which costs much where a step into Xen is slow, as on nested virtualisation.
      - V(native) never steps in. The guest then sees what the CPU says, so it should move only between hosts of the same
        frequency.
    type: str
    choices: [default, native, always_emulate, native_paravirt]
  hpet:
    description:
      - Whether it has a high precision event timer. HVM only. Xen gives one unless it is told otherwise, and libvirt 11.3 does not
        tell it so.
    type: bool
  event_channels_max:
    description: How many event channels it may have.
    type: int
  grant_frames_max:
    description: How many frames its grant table may have. A guest with many disks and interfaces needs more than Xen's 64.
    type: int
  graphics:
    description: How its screen is shown. V(spice) for HVM only; PVH has no screen.
    type: str
    choices: [vnc, spice, none]
  graphics_listen:
    description: The host's address on which the screen can be reached. Without it only from the host itself.
    type: str
  graphics_port:
    description: Its port. V(0) lets Xen choose.
    type: int
  graphics_password:
    description:
      - What one has to know to see the screen. Empty takes it away. VNC heeds only eight characters of it, and sends it with little
        protection. It is stored on the host in libvirt's definition, which only C(root) can read.
      - The QEMU of Debian 13's Xen cannot do it for VNC and refuses to start; let the screen be shown on V(127.0.0.1) only, and
        reach it through SSH.
    type: str
  graphics_keymap:
    description: The layout of the keyboard, such as V(de).
    type: str
  video:
    description: Its graphics card. HVM only.
    type: str
    choices: [vga, cirrus, qxl, xen]
  video_memory:
    description: That card's memory, such as V(16 MiB), together with O(video). Rounded up to a power of two, as libvirt does.
    type: str
  serials:
    description:
      - Its serial ports, in the words of xl.cfg(5) - V(pty), V(null), V(/dev/ttyS0), V(file:/path), V(pipe:/path), V(unix:/path),
        V(tcp:host:port). HVM only; PV and PVH guests have Xen's console anyhow.
    type: list
    elements: str
  channels:
    description: Its channels to programs on the host.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name by which the guest finds it, such as V(org.qemu.guest_agent.0).
        type: str
        required: true
      path:
        description: The unix socket on the host. Without it a pseudo terminal is made.
        type: path
  usb_inputs:
    description: Its input devices on the USB. A V(tablet) keeps the pointer where it is on the screen. HVM only.
    type: list
    elements: str
    choices: [mouse, tablet]
  usb_controllers:
    description: Its USB controllers.
    type: list
    elements: dict
    suboptions:
      version:
        description: Of USB.
        type: int
        choices: [1, 2]
        default: 2
      ports:
        description: How many devices fit, 1 to 31.
        type: int
        default: 8
  sound:
    description: Its sound card. HVM only.
    type: str
    choices: [sb16, es1370, ac97, pcspk, none]
  pci_devices:
    description:
      - The host's PCI devices that it has, such as V(0000:03:00.0). They come and go while it runs, and it cannot migrate with them.
        PV and HVM only. An empty list takes them away.
    type: list
    elements: str
  usb_devices:
    description:
      - The host's USB devices that it has, as V(vendor:product). They come and go while it runs.
      - Xen's device model (QEMU) hands them over, and the guest needs a driver for Xen's USB (Linux's C(xen-hcd), which Debian's
        kernels lack). With the QEMU of Debian 13's Xen the device model ends when it is to do that, and an HVM guest with it.
    type: list
    elements: str
  autostart:
    description: Whether it starts with its host.
    type: bool
  on_poweroff:
    description: What Xen does when it powers off. A new guest has V(destroy).
    type: str
    choices: [destroy, restart, preserve, rename-restart]
  on_reboot:
    description: What Xen does when it reboots. A new guest has V(restart).
    type: str
    choices: [destroy, restart, preserve, rename-restart]
  on_crash:
    description: What Xen does when it crashes. A new guest has V(restart).
    type: str
    choices: [destroy, restart, preserve, rename-restart, coredump-destroy, coredump-restart]
  labels:
    description:
      - Keys and values that are kept with the definition, such as the group or the owner. Replaces all labels.
    type: dict
  xml:
    description:
      - A part of libvirt's XML, for what no option has, such as
        C(<domain><devices><emulator>/usr/local/bin/qemu-xen</emulator></devices></domain>). It is put into the
        definition where the definition does not contain it already; what is left out of it later stays. A running guest has it after its
        next boot.
      - What an option is there for is refused, and what libvirt drops is an error. What libvirt stores and its Xen driver does not
        heed cannot be told from what it heeds.
    type: str
  timeout:
    description: Seconds that the guest is given to shut down.
    type: float
    default: 120.0
  force:
    description:
      - Destroy a guest that has not shut down in time. Without it that is an error.
      - A guest that cannot shut down (it is paused, or runs with O(on_poweroff=restart)) is refused without it, before anything is done.
    type: bool
    default: false
  remove_disks:
    description:
      - With O(state=absent), the targets of the disks that go with it, such as V(xvda); nothing of them comes back. Files and LVM
        volumes are removed, before the definition goes, so that a run that broke off can be taken up again.
      - Never removed, but an error before anything is touched, are a medium of a CD-ROM drive, a disk that is shareable or that
        another guest of the host has, stored or running, a device that is no LVM volume, a volume with snapshots, a symbolic link,
        and what is in Ceph. Guests of other hosts are not looked at.
      - A file that something else has open is left, with an error.
    type: list
    elements: str
    default: []
  restart:
    description:
      - What is done for fields that a running guest can only have after its next boot, with O(state=running).
      - V(never) - they are stored and named in RV(restart_required).
      - V(if_needed) - the guest is restarted. Where nothing would wait, it is left running.
    type: str
    choices: [never, if_needed]
    default: never
  wait_for:
    description:
      - What the task waits for once the guest was started (with O(state=running) and O(state=restarted) only).
      - V(running) - Xen runs it, and it is not paused.
      - V(address) - it answers at one of its addresses (O(networks[].addresses)), if only to refuse a connection to O(wait_port).
        Where none is declared, those are tried that a network of libvirt (O(networks[].network)) has leased to it.
      - V(ssh) - its SSH server takes a connection there. The host has to be able to reach one of the addresses.
      - V(stopped) - it ends by itself, such as one that installs something and powers off.
      - A guest that goes off meanwhile and stays off for ten seconds, as one that reboots does not, is an error.
    type: str
    choices: [running, address, ssh, stopped]
  wait_port:
    description: The TCP port of its SSH server, or the one at which it is asked whether it is there.
    type: int
    default: 22
  wait_timeout:
    description: Seconds that the guest is given to get ready. One that did not is an error, and goes on running.
    type: float
    default: 300.0
seealso:
  - module: xenfleet.xen.xen_domains
  - module: xenfleet.xen.xen_image
"""

EXAMPLES = r"""
- name: A web server
  xenfleet.xen.xen_domain:
    name: web1
    type: pvh
    memory: 2 GiB
    memory_max: 4 GiB
    vcpus: 2
    kernel: /srv/guests/images/debian-13/vmlinuz
    ramdisk: /srv/guests/images/debian-13/initrd.img
    cmdline: root=/dev/xvda ro console=hvc0
    disks:
      - source: /srv/guests/web1/root.img
    networks:
      - bridge: xenbr10
        addresses: [10.10.0.31/24]
      - bridge: xenbr20
    autostart: true
    labels: {group: web}

- name: A disk in Ceph for it, and an interface in a VLAN of Open vSwitch that sends 100 Mb/s at the most
  xenfleet.xen.xen_domain:
    name: web1
    disks:
      - target: xvdb
        source: rbd:guests/web1-data
        monitors: ["10.30.0.1:6789", "10.30.0.2:6789"]
        auth_user: xen
        auth_secret: 6695eb01-f6a4-8304-79aa-97f2502e193f
    networks:
      - mac: 00:16:3e:0a:00:1f
        bridge: ovsbr0
        openvswitch: true
        vlan: 10
        rate: 100 Mb/s

- name: Another medium in the drive of an HVM guest, now
  xenfleet.xen.xen_domain:
    name: win1
    disks:
      - target: hdc
        device: cdrom
        source: /srv/iso/drivers.iso

- name: An empty drive
  xenfleet.xen.xen_domain:
    name: win1
    disks:
      - target: hdc
        device: cdrom

- name: More memory for it, now
  xenfleet.xen.xen_domain:
    name: web1
    memory: 3 GiB

- name: See that it runs and can be logged in to
  xenfleet.xen.xen_domain:
    name: web1
    wait_for: ssh

- name: A new kernel, and the restart that it takes
  xenfleet.xen.xen_domain:
    name: web1
    kernel: /srv/guests/images/debian-13-new/vmlinuz
    restart: if_needed

- name: Put its memory on the disk while its host is serviced
  xenfleet.xen.xen_domain:
    name: web1
    state: saved

- name: Shut it down, in five minutes at the most
  xenfleet.xen.xen_domain:
    name: web1
    state: stopped
    timeout: 300
    force: true

- name: Forget it, and keep its disk
  xenfleet.xen.xen_domain:
    name: web1
    state: absent

- name: Forget another one, and its first disk with it
  xenfleet.xen.xen_domain:
    name: web2
    state: absent
    remove_disks: [xvda]

- name: Run one that installs something and ends
  xenfleet.xen.xen_domain:
    name: installer
    wait_for: stopped
    wait_timeout: 3600
"""

RETURN = r"""
changes:
  description: The fields that changed, or would in check mode.
  returned: success
  type: list
  elements: dict
  sample: [{"field": "memory", "before": "2 GiB", "after": "3 GiB", "effect": "live"}]
restart_required:
  description: The fields of the running guest that wait for its next boot.
  returned: success
  type: list
  elements: str
  sample: [vcpus_max]
domain:
  description: The guest afterwards, in the options' own names; in check mode as it is. Empty when there is none.
  returned: success
  type: dict
  sample:
    name: web1
    state: running
    type: pvh
    memory: 2 GiB
    vcpus: 2
address:
  description: Where it answered.
  returned: success, with O(wait_for=address) and O(wait_for=ssh)
  type: str
  sample: 10.10.0.31
obstacles:
  description: All that stood in the way. Nothing was touched.
  returned: failure, when the host or another guest stands in the way
  type: list
  elements: str
applied:
  description: The fields that had been changed before the failure.
  returned: failure
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xenfleet.xen.plugins.module_utils.argspec import (
    PENDING_SPEC,
    URI_SPEC,
    domain_spec,
    read_declaration,
)
from ansible_collections.xenfleet.xen.plugins.module_utils.commands import HostCommands
from ansible_collections.xenfleet.xen.plugins.module_utils.domain_edge import done_result, require_libvirt
from ansible_collections.xenfleet.xen.plugins.module_utils.edge import run
from ansible_collections.xenfleet.xen.plugins.module_utils.host.doors import LocalDoors
from ansible_collections.xenfleet.xen.plugins.module_utils.host.guest_disks import LocalGuestDisks
from ansible_collections.xenfleet.xen.plugins.module_utils.host.local import LocalHost, PromisedHost
from ansible_collections.xenfleet.xen.plugins.module_utils.host.xl import XlGuests
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.connection import connected
from ansible_collections.xenfleet.xen.plugins.module_utils.libvirt.hypervisor import LibvirtHypervisor
from ansible_collections.xenfleet.xen.plugins.module_utils.ops.domains import ensure_domains
from ansible_collections.xenfleet.xen.plugins.module_utils.ports.guest import GuestHost, HostFacts


def work(module: AnsibleModule) -> dict[str, Any]:
    """Make the guest what is declared of it."""
    declared = read_declaration(module.params)
    facts: HostFacts = LocalHost()
    if module.check_mode:
        facts = PromisedHost(facts, module.params["pending_paths"], module.params["pending_bridges"])
    with connected(module.params["uri"]) as connection:
        hypervisor, commands = LibvirtHypervisor(connection), HostCommands()
        host = GuestHost(hypervisor, facts, LocalGuestDisks(commands), XlGuests(commands))
        [result] = ensure_domains(host, LocalDoors(), [declared], check=module.check_mode)
    if result.error is not None:
        raise result.error
    return done_result(result)


def main() -> None:
    """Start here."""
    module = AnsibleModule(argument_spec={**domain_spec(), **URI_SPEC, **PENDING_SPEC}, supports_check_mode=True)
    require_libvirt(module)
    run(module, work)


if __name__ == "__main__":
    main()
