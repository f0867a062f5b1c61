# After all packages are in: $1 is the root. What every machine of the lab has in common.
set -eu
root=$1

# Management: eth0 only. eth1 and eth2 are the data links; nobody has configured them yet.
mkdir -p "$root/etc/systemd/network"
cat > "$root/etc/systemd/network/10-management.network" <<'EOF'
[Match]
Name=eth0

[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
IPv6AcceptRA=no
LinkLocalAddressing=no
EOF
# Linux 6.12.118 crashed in its joining of received packets (dev_gro_receive) while it took a guest's memory from another host.
cat > "$root/etc/systemd/network/05-virtio.link" <<'EOF'
[Match]
Driver=virtio_net

[Link]
GenericReceiveOffload=no
EOF
rm -f "$root/etc/resolv.conf"
echo 'nameserver 10.0.2.3' > "$root/etc/resolv.conf"
mkdir -p "$root/etc/systemd/system/systemd-networkd-wait-online.service.d"
cat > "$root/etc/systemd/system/systemd-networkd-wait-online.service.d/xenlab.conf" <<'EOF'
[Service]
ExecStart=
ExecStart=/lib/systemd/systemd-networkd-wait-online --interface=eth0 --timeout=30
EOF
chroot "$root" systemctl enable systemd-networkd.service

# What makes a machine itself (name, keys, addresses) is a tar file on a small disk, unpacked at its first boot.
cat > "$root/etc/systemd/system/xenlab-seed.service" <<'EOF'
[Unit]
Description=Unpack what makes this machine itself
DefaultDependencies=no
ConditionPathExists=!/var/lib/xenlab/seeded
Wants=systemd-udev-trigger.service
After=local-fs.target systemd-udev-trigger.service
Before=sysinit.target network-pre.target systemd-networkd.service ssh.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/xenlab-seed
StandardOutput=journal+console

[Install]
WantedBy=sysinit.target
EOF
cat > "$root/usr/local/sbin/xenlab-seed" <<'EOF'
#!/bin/sh
set -eu
for disk in /sys/block/vd*; do
    [ "$(cat "$disk/serial" 2>/dev/null || :)" = xenlab-seed ] && seed=/dev/${disk##*/}
done
tar -xpf "$seed" -C / --numeric-owner
hostname -F /etc/hostname
mkdir -p /var/lib/xenlab
touch /var/lib/xenlab/seeded
EOF
chmod 0755 "$root/usr/local/sbin/xenlab-seed"
chroot "$root" systemctl enable xenlab-seed.service

# SSH: keys only, the machine's own host key comes with the seed.
rm -f "$root"/etc/ssh/ssh_host_*
mkdir -p "$root/etc/ssh/sshd_config.d" "$root/root/.ssh"
chmod 0700 "$root/root/.ssh"
cat > "$root/etc/ssh/sshd_config.d/xenlab.conf" <<'EOF'
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
PermitRootLogin prohibit-password
UseDNS no
MaxSessions 64
MaxStartups 64
EOF

# The console is for the day the network is broken: it asks no password.
mkdir -p "$root/etc/systemd/system/serial-getty@.service.d"
cat > "$root/etc/systemd/system/serial-getty@.service.d/xenlab.conf" <<'EOF'
[Service]
ExecStart=
ExecStart=-/sbin/agetty --autologin root --keep-baud 115200 - $TERM
EOF

# Nothing that only costs time under emulation: each unit of a booting machine takes seconds there.
chroot "$root" systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer man-db.timer \
    e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-timesyncd.service getty@tty1.service nfs-blkmap.service \
    modprobe@configfs.service modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service \
    modprobe@dm_mod.service modprobe@loop.service sys-kernel-config.mount sys-fs-fuse-connections.mount \
    sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount \
    systemd-network-generator.service systemd-udev-load-credentials.service systemd-random-seed.service \
    systemd-binfmt.service proc-sys-fs-binfmt_misc.automount systemd-networkd-persistent-storage.service \
    systemd-pcrphase.service systemd-pcrphase-sysinit.service systemd-hibernate-clear.service systemd-pstore.service

# A user manager for each login would be the most expensive part of it, and without it nobody needs logind.
if [ -e "$root/usr/share/pam-configs/systemd" ]; then
    chroot "$root" env DEBIAN_FRONTEND=noninteractive pam-auth-update --remove systemd
fi
chroot "$root" systemctl mask systemd-logind.service

# At its start udev would look at every device and load a driver for each. Disks, networks and consoles are all there is to
# know of these machines; a driver that is never used costs as much as one that is.
mkdir -p "$root/etc/systemd/system/systemd-udev-trigger.service.d"
cat > "$root/etc/systemd/system/systemd-udev-trigger.service.d/xenlab.conf" <<'EOF'
[Service]
ExecStart=
ExecStart=-/bin/udevadm trigger --action=add --subsystem-match=block --subsystem-match=net --subsystem-match=tty --subsystem-match=virtio
EOF

echo localhost > "$root/etc/hostname"
printf '127.0.0.1 localhost\n' > "$root/etc/hosts"
echo 'LANG=C.UTF-8' > "$root/etc/default/locale"
printf '%s / ext4 noatime,noinit_itable 0 0\n' /dev/vda > "$root/etc/fstab"
: > "$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"
