#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# service.sh LABDIR start corosync|libvirtd: what a unit file says, inside a host.
set -u
LAB_HERE=$(cd "${0%/*}/.." && pwd)
LAB_DIR=$1 verb=$2 service=$3
export LC_ALL=C HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck source=/dev/null
. "$LAB_DIR/lab.env"
exec </dev/null >>/var/log/boot.log 2>&1
# shellcheck source=base.sh
. "$LAB_HERE/lib/base.sh"
close_fds
[[ $verb == start ]] || exit 2

case $service in
corosync)
        rm -f /run/corosync.pid
        corosync
        rc=$?
        if ((rc == 0 && QDEVICE)); then
                mkdir -p /run/corosync-qdevice
                # Restart=on-failure: corosync answers a little after it has gone to the background
                wait_until 20 corosync-qdevice
                rc=$?
        fi
        ;;
libvirtd)
        rm -f /run/libvirtd.pid
        # see host/nolock.c, host/lostdisk.c
        export LD_PRELOAD=$LAB_PROGRAMS/lostdisk.so
        ((DISK_LOCKS)) || LD_PRELOAD+=:$LAB_PROGRAMS/nolock.so
        libvirtd -d -l
        rc=$?
        ;;
esac
printf '%s %s: started (%d)\n' "$(date +%T.%3N)" "$service" "$rc"
exit "$rc"
