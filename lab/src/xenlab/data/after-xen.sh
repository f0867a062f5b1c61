
# --- Xen hosts ---
# Xen masks SEP on AMD, and libvirt's oldest CPU models demand it; without this its Xen driver does not start on the
# only CPU model that Xen can be emulated with.
for model in "$root"/usr/share/libvirt/cpu_map/x86_qemu64*.xml "$root"/usr/share/libvirt/cpu_map/x86_kvm64*.xml; do
    sed -i "/<feature name='sep'/d" "$model"
done

# xendomains would save and restore guests behind libvirt's back; libvirt-guests looks for QEMU guests.
for unit in xendomains libvirt-guests; do
    chroot "$root" systemctl disable "$unit"
done
chroot "$root" systemctl mask rpcbind.service rpcbind.socket rpc-statd.service
for unit in lvm2-monitor.service blk-availability.service; do
    chroot "$root" systemctl disable "$unit" || :
done

mkdir -p "$root/var/lib/libvirt/images"

# Debian's libvirtd waits for a unit of Xen's own name for it, not for Debian's xen.service. When it is the quicker one, it
# finds no Xen, and its Xen driver stays off until it is restarted.
mkdir -p "$root/etc/systemd/system/libvirtd.service.d"
printf '[Unit]\nWants=xen.service\nAfter=xen.service\n' > "$root/etc/systemd/system/libvirtd.service.d/xenlab.conf"
# By default it ends when it has had nothing to do for two minutes, and its next start takes ten seconds here.
echo 'LIBVIRTD_ARGS=' > "$root/etc/default/libvirtd"
sed -i 's/--timeout=30/--timeout=120/' "$root/etc/systemd/system/systemd-networkd-wait-online.service.d/xenlab.conf"

# A host has one emulated CPU. A guest that boots on it must not keep dom0 from plugging in the next guest's devices,
# for which Xen's tools wait 40 s.
cat > "$root/etc/systemd/system/xenlab-dom0-weight.service" <<'UNIT'
[Unit]
Description=dom0 goes before its guests
Requires=xen.service
After=xen.service
Before=libvirtd.service

[Service]
Type=oneshot
ExecStart=/usr/sbin/xl sched-credit2 -d Domain-0 -w 16384

[Install]
WantedBy=multi-user.target
UNIT
chroot "$root" systemctl enable xenlab-dom0-weight.service
