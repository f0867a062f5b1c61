
# --- plain machines: boot from their disk by GRUB under SeaBIOS ---
# GRUB must use the serial line: without a VGA card its graphical terminal hangs.
cat > "$root/etc/default/grub" <<'EOF'
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="console=ttyS0,115200 net.ifnames=0"
GRUB_TERMINAL=serial
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
GRUB_DISABLE_OS_PROBER=true
EOF
printf '%s / ext4 noatime,noinit_itable 0 0\n' /dev/vda1 > "$root/etc/fstab"

# grub-install and update-grub want the real disk under them. The boot loader is put together here by hand, so that
# the image needs no boot of its own; inside the machine both commands then work as usual.
mkdir -p "$root/boot/grub/i386-pc"
cp "$root"/usr/lib/grub/i386-pc/*.mod "$root"/usr/lib/grub/i386-pc/*.lst "$root"/usr/lib/grub/i386-pc/boot.img \
    "$root/boot/grub/i386-pc/"
chroot "$root" grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' -o /boot/grub/i386-pc/core.img \
    biosdisk part_msdos ext2 serial
kernel=$(basename "$(ls -1 "$root"/boot/vmlinuz-* | sort -V | tail -n 1)")
cat > "$root/boot/grub/grub.cfg" <<EOF
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=0
menuentry 'Debian GNU/Linux' {
    insmod gzio
    linux /boot/$kernel root=/dev/vda1 ro console=ttyS0,115200 net.ifnames=0
    initrd /boot/initrd.img-${kernel#vmlinuz-}
}
EOF
echo 'grub-pc grub-pc/install_devices multiselect /dev/vda' | chroot "$root" debconf-set-selections
