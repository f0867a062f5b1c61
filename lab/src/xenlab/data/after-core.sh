
# --- core: the site's switch and filer ---
chroot "$root" systemctl mask rpcbind.service rpcbind.socket rpc-statd.service rpc-statd-notify.service \
    systemd-networkd-wait-online.service
mkdir -p "$root/srv/guests" "$root/etc/nfs.conf.d" "$root/etc/exports.d"
echo '/srv/guests 10.20.0.0/24(rw,no_root_squash,async,no_subtree_check)' > "$root/etc/exports.d/xenlab.exports"
# Version 4 alone needs no port mapper, and no mount daemon on the wire.
printf '[nfsd]\nvers3=n\nvers4=y\nvers4.2=y\nthreads=8\ngrace-time=10\nlease-time=10\n' > "$root/etc/nfs.conf.d/xenlab.conf"

cat > "$root/etc/systemd/system/xenlab-filer.service" <<'EOF'
[Unit]
Description=Make and mount the file system that is exported
RequiresMountsFor=/srv
Before=nfs-server.service nfs-mountd.service
After=xenlab-seed.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/xenlab-filer

[Install]
WantedBy=multi-user.target
RequiredBy=nfs-server.service
EOF
cat > "$root/usr/local/sbin/xenlab-filer" <<'EOF'
#!/bin/sh
set -eu
mountpoint -q /srv/guests && exit 0
blkid -p -s TYPE -o value /dev/vdb | grep -qx xfs || mkfs.xfs -q -K -m reflink=1 -L guests /dev/vdb
mount -o noatime /dev/vdb /srv/guests
EOF
chmod 0755 "$root/usr/local/sbin/xenlab-filer"
chroot "$root" systemctl enable xenlab-filer.service nfs-server.service
