# Copyright: xenfleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images whose guests run busybox's init: file systems, name, network, SSH, the console, and no more. Text only.

For small guests with one task, and where systemd's start takes too long, as under emulation.
"""

from __future__ import annotations

from ansible_collections.xenfleet.xen.plugins.module_utils.plan.image_entry import Entry

# What asks for sysusers is content with it alone, so that systemd stays out.
PACKAGES = ("login", "mount", "systemd-standalone-sysusers", "udhcpc")

_FOLDER = "/etc/xen-guest"
_BUSYBOX = "/usr/bin/busybox"

_INITTAB = f"""\
::sysinit:{_FOLDER}/start
::respawn:{_BUSYBOX} syslogd -n -C128
::respawn:/usr/sbin/sshd -D
hvc0::respawn:{_BUSYBOX} getty -L 115200 hvc0 vt220
::once:{_FOLDER}/grow
::ctrlaltdel:/sbin/reboot
::shutdown:{_FOLDER}/stop
"""

_START = """\
#!/bin/busybox sh
# What init does first: file systems, the guest's name, its network, its SSH host key. Then comes /etc/inittab.
export PATH=/usr/sbin:/usr/bin
busybox mount -t tmpfs -o nosuid,nodev,mode=0755 run /run
busybox mkdir -p /run/lock /run/sshd /dev/pts /dev/shm
busybox mount -t devpts -o nosuid,noexec,gid=5,mode=0620,ptmxmode=0666 devpts /dev/pts
busybox mount -t tmpfs -o nosuid,nodev shm /dev/shm
busybox ln -sf /proc/self/fd /dev/fd
for number in 0:stdin 1:stdout 2:stderr; do
    busybox ln -sf "/proc/self/fd/${number%:*}" "/dev/${number#*:}"
done

# 1: repaired. 2 and 3: repaired, but the kernel must start again. From 4 on: not repaired, so nothing is written to it.
fsck -A -a -T
status=$?
if [ "$status" -lt 4 ]; then
    [ "$status" -lt 2 ] || exec busybox reboot -f
    busybox mount -o remount,rw /
else
    echo "The file systems have errors that fsck leaves to a person. The root file system stays read-only."
fi
mount -a
swapon -a

[ ! -s /etc/hostname ] || busybox hostname -F /etc/hostname
busybox ip link set lo up

# The files are systemd-networkd's, of which just the keys below are understood.
for file in /etc/systemd/network/*.network; do
    [ -e "$file" ] || continue
    mac='' mtu='' dhcp='' router='' addresses='' gateways=''
    while IFS='=' read -r key value; do
        case $key in
            MACAddress) mac=$value ;;
            MTUBytes) mtu=$value ;;
            DHCP) dhcp=$value ;;
            IPv6AcceptRA) router=$value ;;
            Address) addresses="$addresses $value" ;;
            Gateway) gateways="$gateways $value" ;;
        esac
    done < "$file"
    for folder in /sys/class/net/*; do
        read -r found < "$folder/address"
        [ "$found" = "$mac" ] || continue
        card=${folder##*/}
        [ "$router" != no ] || echo 0 > "/proc/sys/net/ipv6/conf/$card/accept_ra"
        [ -z "$mtu" ] || busybox ip link set dev "$card" mtu "$mtu"
        busybox ip link set dev "$card" up
        for address in $addresses; do
            busybox ip address add "$address" dev "$card"
        done
        for gateway in $gateways; do
            case $gateway in
                *:*) busybox ip -6 route add default via "$gateway" dev "$card" ;;
                *) busybox ip route add default via "$gateway" dev "$card" ;;
            esac
        done
        [ "$dhcp" != yes ] || busybox udhcpc -b -S -i "$card" -p "/run/udhcpc.$card"
    done
done

[ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -C '' -f /etc/ssh/ssh_host_ed25519_key
"""

_GROW = """\
#!/bin/busybox sh
# Lets the root file system fill its disk.
exec /usr/sbin/resize2fs /dev/xvda > /dev/null 2>&1
"""

_STOP = """\
#!/bin/busybox sh
# What init does last: nothing is left unwritten.
export PATH=/usr/sbin:/usr/bin
swapoff -a
busybox umount -a -r
"""


def entries() -> tuple[Entry, ...]:
    """Files and links that are put in before the packages are set up."""
    return (
        Entry("/etc/inittab", _INITTAB),
        Entry(f"{_FOLDER}/start", _START, 0o755),
        Entry(f"{_FOLDER}/grow", _GROW, 0o755),
        Entry(f"{_FOLDER}/stop", _STOP, 0o755),
        *(Entry(f"/usr/sbin/{name}", _BUSYBOX, link=True) for name in ("init", "halt", "poweroff", "reboot")),
    )
