# shellcheck shell=bash disable=SC2034 # its variables are used by the other parts
# SPDX-License-Identifier: GPL-3.0-or-later
# What all machines boot: a kernel, an initramfs and the image of a root, below build/machines. Each is named by a
# hash of its recipe, so it is built when that changes, and only then. hawd is not in the image: the
# initramfs of each machine brings it (power.sh).
#
#   kernel-VERSION/     the generic kernel out of its .deb (never installed here), vmlinux beside it
#   root-HASH.img       Debian with systemd, corosync, libvirt, QEMU and drbd-utils, and what root/ adds
#   initrd-HASH         busybox, what mounts the root, and root/init

MACHINE_PACKAGES='systemd systemd-sysv systemd-container dbus udev kmod iproute2 iputils-ping procps util-linux
        e2fsprogs corosync libvirt-daemon-system libvirt-clients libvirt-daemon-driver-qemu
        qemu-system-x86 qemu-utils drbd-utils busybox-static libprotobuf-c1 libjansson4 libinih1
        libfreeipmi17 libnbd0 libsmartcols1 libsqlite3-0 libxml2 libqb100 libcfg7 libcmap4 libcpg4
        libquorum5 libvotequorum8'
INITRD_MODULES='virtio_pci virtio_blk crc32c_generic ext4'
MACHINE_MODULES="$INITRD_MODULES virtio_net virtio_console virtio_rng i6300esb softdog drbd bridge veth tun loop
        autofs4 configfs fuse libcrc32c crc32c-intel nf_tables dm-mod qemu_fw_cfg button pvpanic"

# Units that a lab has no use for, and that cost a machine under emulation its seconds at each boot.
MASKED_UNITS='apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service
        fstrim.timer logrotate.timer systemd-pstore.service getty@tty1.service serial-getty@ttyS0.service
        getty.target getty-static.service systemd-update-utmp.service
        systemd-update-utmp-runlevel.service systemd-random-seed.service systemd-hwdb-update.service
        ldconfig.service systemd-firstboot.service systemd-machine-id-commit.service
        systemd-boot-system-token.service systemd-timesyncd.service systemd-networkd.service
        systemd-binfmt.service systemd-tmpfiles-clean.timer drbd.service systemd-remount-fs.service
        dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount
        sys-fs-fuse-connections.mount modprobe@configfs.service modprobe@drm.service
        modprobe@efi_pstore.service modprobe@fuse.service modprobe@dm_mod.service
        modprobe@loop.service kmod-static-nodes.service'

# The file with this machine's own sources of Debian packages: the image is made from the same.
apt_sources() {
        local file
        for file in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
                if grep -qs '^\(deb\|URIs:\) ' "$file"; then
                        printf '%s\n' "$file"
                        return
                fi
        done
        return 1
}

debian_release() {
        (. /etc/os-release && [[ $ID == debian ]] && printf '%s\n' "$VERSION_CODENAME")
}

kernel_package() {
        apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image-/ { print $2; exit }'
}

# Offline the last one that was fetched serves.
image_kernel() {
        local package
        KERNEL_DIR=$(ls -1d "$MACHINE_CACHE"/kernel-*/done 2>/dev/null | sort -V | tail -n 1)
        KERNEL_DIR=${KERNEL_DIR%/done}
        [[ -z $KERNEL_DIR ]] || return 0
        package=$(kernel_package)
        [[ -n $package ]] || die 'apt knows no linux-image-amd64 (apt-get update?)'
        KERNEL_DIR=$MACHINE_CACHE/kernel-${package#linux-image-}
        warn "fetching $package (once)"
        fetch_package "$package" "$KERNEL_DIR"
        depmod -b "$KERNEL_DIR" "$(ls "$KERNEL_DIR/lib/modules")" || die 'depmod failed'
        extract_kernel "$KERNEL_DIR"/boot/vmlinuz-* "$KERNEL_DIR/vmlinux"
        : >"$KERNEL_DIR/done"
}

# modules_of NAME...: their files and those that they need, in the order of loading
modules_of() {
        local name version
        version=$(ls "$KERNEL_DIR/lib/modules")
        for name in "$@"; do
                modprobe -d "$KERNEL_DIR" -S "$version" --show-depends "$name" 2>/dev/null
        done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }'
}

root_debian() { # DIRECTORY
        local sources release packages
        sources=$(apt_sources) || die 'no sources of Debian packages in /etc/apt'
        release=$(debian_release) || die 'this is no Debian: the image is made of the same release'
        packages=$(echo $MACHINE_PACKAGES | tr ' ' ,)
        mmdebstrap --quiet --mode=root --variant=minbase --format=directory --include="$packages" \
                --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
                --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
                --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
                --dpkgopt=force-unsafe-io "$release" "$1" "$sources" || die 'mmdebstrap failed'
}

root_modules() { # DIRECTORY
        local file version
        version=$(ls "$KERNEL_DIR/lib/modules")
        # shellcheck disable=SC2086 # words
        for file in $(modules_of $MACHINE_MODULES); do
                install -D -m 0644 "$file" "$1${file#"$KERNEL_DIR"}"
        done
        cp "$KERNEL_DIR/lib/modules/$version"/modules.{builtin,builtin.modinfo,order} "$1/lib/modules/$version/"
        depmod -b "$1" "$version"
}

root_lab() { # DIRECTORY
        local root=$1 unit
        install -d "$root"/etc/systemd/{system,journald.conf.d,system.conf.d} "$root"/etc/modules-load.d "$root"/var/log/journal
        install -m 0755 "$MACHINES_HERE/root/agent" "$root/usr/local/sbin/lab-agent"
        install -m 0755 "$MACHINES_HERE/root/net" "$root/usr/local/sbin/lab-net"
        install -m 0644 "$MACHINES_HERE"/root/*.service "$root/etc/systemd/system/"
        for unit in lab-agent lab-net; do
                install -d "$root/etc/systemd/system/multi-user.target.wants"
                ln -sf "../$unit.service" "$root/etc/systemd/system/multi-user.target.wants/$unit.service"
        done
        for unit in $MASKED_UNITS; do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
        # The whole of udev's trigger takes half a minute here.
        install -d "$root/etc/systemd/system/systemd-udev-trigger.service.d"
        printf '[Service]\nExecStart=\nExecStart=-udevadm trigger --type=devices --action=add %s\n' \
                '--subsystem-match=block --subsystem-match=net --subsystem-match=virtio-ports --subsystem-match=watchdog --subsystem-match=misc' \
                >"$root/etc/systemd/system/systemd-udev-trigger.service.d/lab.conf"
        printf '[Manager]\nShowStatus=no\n' >"$root/etc/systemd/system.conf.d/lab.conf"
        printf '%s\n' virtio_net virtio_console i6300esb >"$root/etc/modules-load.d/lab.conf"
        rm -f "$root"/usr/lib/modules-load.d/*drbd*
        ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
        sed -i 's#^root:[^:]*:#root::#' "$root/etc/shadow"
        rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/etc/libvirt/qemu/networks/autostart/*
        : >"$root/etc/fstab"
        touch "$root/etc/.updated" "$root/var/.updated"
}

image_root() {
        local dir mib
        MACHINE_ROOT=$MACHINE_CACHE/root-$(printf '%s %s' "$KERNEL_DIR" "$(declare -f root_debian root_modules root_lab)" \
                "$MACHINE_PACKAGES $MACHINE_MODULES $MASKED_UNITS" | cat - "$MACHINES_HERE"/root/* |
                sha256sum | cut -c1-16).img
        [[ ! -e $MACHINE_ROOT ]] || return 0
        warn 'building the root of the machines (once; two minutes)'
        rm -f "$MACHINE_CACHE"/root-*.img
        dir=$MACHINE_CACHE/root.new
        rm -rf "$dir"
        root_debian "$dir"
        root_modules "$dir"
        root_lab "$dir"
        mib=$(($(du -sm --apparent-size "$dir" | cut -f1) * 13 / 10 + 400))
        mke2fs -q -t ext4 -O '^metadata_csum,^resize_inode' -J size=16 -m 0 -N 80000 -E lazy_itable_init=1 \
                -d "$dir" "$MACHINE_ROOT.new" "${mib}M" || die 'mke2fs failed'
        mv "$MACHINE_ROOT.new" "$MACHINE_ROOT"
        rm -rf "$dir"
}

image_initrd() {
        local dir file
        MACHINE_INITRD=$MACHINE_CACHE/initrd-$(printf '%s %s' "$KERNEL_DIR" "$INITRD_MODULES" |
                cat - "$MACHINES_HERE/root/init" | sha256sum | cut -c1-16)
        [[ ! -e $MACHINE_INITRD ]] || return 0
        dir=$MACHINE_CACHE/initrd.new
        rm -rf "$dir"
        mkdir -p "$dir"/{bin,lib,proc,sys,dev,newroot}
        cp /bin/busybox "$dir/bin/busybox"
        install -m 0755 "$MACHINES_HERE/root/init" "$dir/init"
        # shellcheck disable=SC2086 # words
        for file in $(modules_of $INITRD_MODULES); do
                cp "$file" "$dir/lib/"
                printf '%s\n' "${file##*/}" >>"$dir/lib/order"
        done
        pack "$dir" "$MACHINE_INITRD.new" && mv "$MACHINE_INITRD.new" "$MACHINE_INITRD"
        rm -rf "$dir"
}

pack() { # DIRECTORY FILE: as an initramfs
        (cd "$1" && find . | cpio -o -H newc -R 0:0 --quiet) >"$2" || die "cannot pack $1"
}

# The guest inside a machine: 512 bytes that boot in a second, where a kernel would take minutes.
image_guest() {
        MACHINE_GUEST=$MACHINE_CACHE/beat-$(stamp "$MACHINES_HERE/beat.S").img
        [[ ! -e $MACHINE_GUEST ]] || return 0
        as --32 "$MACHINES_HERE/beat.S" -o "$MACHINE_GUEST.o" &&
                ld -m elf_i386 -Ttext 0x7c00 --oformat binary "$MACHINE_GUEST.o" -o "$MACHINE_GUEST.new" &&
                truncate -s 64K "$MACHINE_GUEST.new" && mv "$MACHINE_GUEST.new" "$MACHINE_GUEST" ||
                die 'cannot assemble beat.S'
        rm -f "$MACHINE_GUEST.o"
}

build_image() {
        image_kernel
        image_root
        image_initrd
        image_guest
}
