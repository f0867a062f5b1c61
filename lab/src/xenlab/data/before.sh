# Before anything is installed: $1 is the empty root.
# A small initramfs (only what a virtio disk needs) is unpacked seconds faster under emulation.
set -eu
root=$1
mkdir -p "$root/etc/initramfs-tools/conf.d" "$root/etc/initramfs-tools/hooks"
cat > "$root/etc/initramfs-tools/conf.d/xenlab" <<'EOF'
MODULES=list
COMPRESS=zstd
FSTYPE=ext4
EOF
cat > "$root/etc/initramfs-tools/hooks/xenlab" <<'EOF'
#!/bin/sh
[ "${1:-}" = prereqs ] && exit 0
. /usr/share/initramfs-tools/hook-functions
manual_add_modules virtio_pci virtio_blk ext4
EOF
chmod 0755 "$root/etc/initramfs-tools/hooks/xenlab"
