# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What all labs share and is built once: the lab's small programs, and the guest's kernel and initramfs.
# Kernel and guest agent are taken out of their Debian packages, which are not installed.

GUEST_MODULES='drivers/virtio/virtio_ring drivers/virtio/virtio drivers/virtio/virtio_pci_legacy_dev
        drivers/virtio/virtio_pci_modern_dev drivers/virtio/virtio_pci drivers/block/virtio_blk
        net/core/failover drivers/net/net_failover drivers/net/virtio_net drivers/char/virtio_console
        drivers/misc/pvpanic/pvpanic drivers/misc/pvpanic/pvpanic-mmio drivers/input/evdev
        drivers/acpi/button'
GUEST_APPLETS='sh mount insmod sleep echo cat dd ls mkdir cut uname poweroff reboot date ip ping sync
        kill killall pidof ps tail head sed ln rm setsid nc stty grep awk acpid base64'

# stamp FILE...: changes when one of them does
stamp() {
        cat "$@" | sha256sum | cut -c1-16
}

build_program() { # OUTPUT SOURCE CC-ARGUMENT...
        local out=$1 source=$2
        shift 2
        ${CC:-cc} -O2 -o "$out.new" "$source" "$@" || die "cannot compile $source"
        mv "$out.new" "$out"
}

cache_programs() {
        local want
        want=$(stamp "$LAB_HERE"/host/*.[ch] "$LAB_HERE"/guest/*.c)
        [[ $(cat "$LAB_PROGRAMS/stamp" 2>/dev/null) != "$want" ]] || return 0
        mkdir -p "$LAB_PROGRAMS"
        build_program "$LAB_PROGRAMS/host-init" "$LAB_HERE/host/init.c" -static
        build_program "$LAB_PROGRAMS/watch" "$LAB_HERE/host/watch.c" "$LAB_HERE/host/qemus.c"
        build_program "$LAB_PROGRAMS/nolock.so" "$LAB_HERE/host/nolock.c" -shared -fPIC
        build_program "$LAB_PROGRAMS/lostdisk.so" "$LAB_HERE/host/lostdisk.c" -shared -fPIC -ldl
        build_program "$LAB_PROGRAMS/wire.so" "$LAB_HERE/host/wire.c" -shared -fPIC
        build_program "$LAB_PROGRAMS/skew.so" "$LAB_HERE/host/skew.c" -shared -fPIC
        build_program "$LAB_PROGRAMS/tsc" "$LAB_HERE/host/tsc.c"
        # shellcheck disable=SC2046 # a word each
        build_program "$LAB_PROGRAMS/wdfuse" "$LAB_HERE/host/wdfuse.c" $(pkg-config --cflags --libs fuse3)
        build_program "$LAB_PROGRAMS/beat" "$LAB_HERE/guest/beat.c" -static
        build_program "$LAB_PROGRAMS/hang" "$LAB_HERE/guest/hang.c" -static
        build_program "$LAB_PROGRAMS/petter" "$LAB_HERE/guest/petter.c" -static
        printf '%s\n' "$want" >"$LAB_PROGRAMS/stamp"
}

fetch_package() { # PACKAGE DIRECTORY: unpacked into DIRECTORY
        local tmp=$2.download
        rm -rf "$tmp" "$2"
        mkdir -p "$tmp" "$2"
        (cd "$tmp" && apt-get download -qq -o APT::Sandbox::User=root "$1" >/dev/null &&
                dpkg-deb -x ./*.deb "$2") || die "cannot fetch package $1 (apt-get update?)"
        rm -rf "$tmp"
}

# Uncompressed, the kernel boots by its PVH entry: no unpacking under TCG. Debian packs the cloud kernel by
# lz4, and the generic one by xz.
extract_kernel() { # VMLINUZ OUTPUT
        local at tool magic
        for tool in lz4 xz; do
                if [[ $tool == lz4 ]]; then magic=$'\x02\x21\x4c\x18'; else magic=$'\xfd7zXZ'; fi
                at=$(grep -abo -m 1 -F "$magic" "$1" | head -n 1 | cut -d: -f1)
                [[ -n $at ]] || continue
                [[ $tool != xz ]] || tool='xz --single-stream'
                $tool -dc < <(tail -c +$((at + 1)) "$1") >"$2" 2>/dev/null
                [[ $(head -c 4 "$2") == $'\x7fELF' ]] && return 0
        done
        cp "$1" "$2"
}

cache_kernel() {
        local dir=$LAB_CACHE/kernel package
        [[ ! -e $dir/done ]] || return 0
        warn 'building the guest: fetching the cloud kernel and the guest agent (once)'
        package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends:/ { print $2; exit }')
        fetch_package "${package:-linux-image-cloud-amd64}" "$dir"
        fetch_package qemu-guest-agent "$LAB_CACHE/agent"
        extract_kernel "$dir"/boot/vmlinuz-* "$LAB_CACHE/vmlinux"
        : >"$dir/done"
}

make_initramfs() { # DIRECTORY
        local root=$1 name file agent=$LAB_CACHE/agent/usr/sbin/qemu-ga
        mkdir -p "$root"/{bin,sbin,etc/acpi/PWRF,proc,sys,dev,tmp,run,var/run,lib/modules,lib64,lib/x86_64-linux-gnu,etc}
        cp /bin/busybox "$root/bin/busybox"
        for name in $GUEST_APPLETS; do ln -s busybox "$root/bin/$name"; done
        for name in $GUEST_MODULES; do
                file=$(echo "$LAB_CACHE"/kernel/lib/modules/*/kernel/"$name.ko")
                [[ -f $file ]] || continue # built into this kernel
                strip --strip-debug -o "$root/lib/modules/${name##*/}.ko" "$file"
                printf '%s\n' "${name##*/}.ko" >>"$root/lib/modules/order"
        done
        install -m 0755 "$agent" "$root/bin/qemu-ga"
        ldd "$agent" | awk '$3 ~ /^\// { print $3 }' | xargs -I{} cp -L {} "$root/lib/x86_64-linux-gnu/"
        cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
        install -m 0755 "$LAB_HERE/guest/init" "$root/init"
        install -m 0755 "$LAB_PROGRAMS/beat" "$LAB_PROGRAMS/hang" "$LAB_PROGRAMS/petter" "$root/bin"
        # What the agent's shutdown and the power button call.
        install -m 0755 "$LAB_HERE/guest/shutdown" "$root/sbin/shutdown"
        ln -s /sbin/shutdown "$root/etc/acpi/PWRF/00000080"
}

# Named by its contents: a new one does not pull the file from under guests of another lab.
cache_initramfs() {
        local name root
        name=initrd-$(stamp "$LAB_HERE"/guest/* "$LAB_HERE/lib/cache.sh")
        LAB_INITRD=$LAB_CACHE/$name
        [[ ! -e $LAB_INITRD ]] || return 0
        root=$LAB_CACHE/root.new
        rm -rf "$root"
        make_initramfs "$root"
        (cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$LAB_INITRD.new"
        mv "$LAB_INITRD.new" "$LAB_INITRD"
        rm -rf "$root"
}

build_cache() {
        cache_programs
        cache_kernel
        cache_initramfs
}
