#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# boot.sh LABDIR HOST: the boot of a lab host, first program under its init, inside its namespaces.
# Its output is the host's boot console.
set -u
LAB_HERE=$(cd "${0%/*}/.." && pwd)
LAB_DIR=$1
host=$2
n=${host#node}
disk=$LAB_DIR/hosts/$host
export LC_ALL=C HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck source=/dev/null
. "$LAB_DIR/lab.env"
# shellcheck source=conf.sh
. "$LAB_HERE/lib/conf.sh"

say() { printf '%s %s: %s\n' "$(date +%T.%3N)" "$host" "$*"; }
say 'boot'

hostname "$host"
mount -t proc proc /proc
mount -t sysfs sysfs /sys # of this network namespace; hides the cgroups too
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t mqueue mqueue /dev/mqueue 2>/dev/null
for dir in $ETC_SHARED; do
        [[ ! -d /etc/$dir ]] || { mkdir -p "$disk/etc/$dir" && mount --bind -o ro "/etc/$dir" "$disk/etc/$dir"; }
done
mount --rbind "$disk/etc" /etc
mount --bind "$disk/lib" /var/lib
mount --bind "$disk/log" /var/log
mount --bind "$disk/cache" /var/cache/libvirt
mount --bind "$disk/local" "$LAB_DIR/local"
mkdir -p /run/lock /run/libvirt /run/hawd-lab
ln -s "$disk/failing" /run/hawd-lab/failing # lib/storage.sh
! grep -qsx "$LAB_DIR/shared/" "$disk/failing" || mount -t tmpfs none "$LAB_DIR/shared"

tries=0
until [[ -e /sys/class/net/eth2 || $tries -ge 500 ]]; do
        sleep 0.01
        tries=$((tries + 1))
done
ip -batch - <<EOF || say 'network: failed'
link set lo up
link set eth0 up
addr add 10.77.0.$n/24 dev eth0
link set eth1 up
addr add 10.77.1.$n/24 dev eth1
link add $GUEST_BRIDGE address 52:54:77:0$n:ff:02 type bridge forward_delay 0
link set eth2 master $GUEST_BRIDGE up
addr add 10.77.2.$n/24 dev $GUEST_BRIDGE
link set $GUEST_BRIDGE up
EOF
say 'network up'

"$LAB_HERE/lib/service.sh" "$LAB_DIR" start libvirtd &
if [[ $RING_KIND == corosync ]]; then
        "$LAB_HERE/lib/service.sh" "$LAB_DIR" start corosync &
fi
wait
if ((WITH_HAWD)); then
        "$LAB_HERE/lib/supervise.sh" "$LAB_DIR" </dev/null >>/var/log/hawd-supervisor.log 2>&1 &
fi
say 'booted'
