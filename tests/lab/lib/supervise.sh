#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# supervise.sh LABDIR: what systemd does for hawd on a real host (After=corosync, Restart=always,
# RestartSec=200ms, RestartPreventExitStatus=78, KillMode=control-group, StateDirectory= and
# RuntimeDirectory=hawd), inside a host.
# /run/hawd-lab/hawd.stopped stands for `systemctl stop`, /run/hawd-lab/skew for a clock that is wrong,
# /run/hawd-lab/wire for another protocol.
set -u
LAB_DIR=$1
export LC_ALL=C HOME=/root
# shellcheck source=/dev/null
. "$LAB_DIR/lab.env"
export PATH=$HAWD_BIN:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

say() { printf '%s %s\n' "$(date +%T.%3N)" "$*"; }

may_run() {
        local pid comm
        [[ ! -e /run/hawd-lab/hawd.stopped && -x $HAWD_BIN/hawd ]] || return 1
        [[ $RING_KIND == corosync ]] || return 0
        { read -r pid </run/corosync.pid && read -r comm <"/proc/$pid/comm"; } 2>/dev/null || return 1
        [[ $comm == corosync ]]
}

[[ -x $HAWD_BIN/hawd ]] || say "no $HAWD_BIN/hawd yet: waiting for it"
while :; do
        until may_run; do sleep 0.05; done
        mkdir -p /run/hawd /var/lib/hawd
        changed=()
        [[ ! -s /run/hawd-lab/skew ]] ||
                changed=(env "LD_PRELOAD=$LAB_PROGRAMS/skew.so")
        [[ ! -s /run/hawd-lab/wire ]] ||
                changed=(env "LD_PRELOAD=$LAB_PROGRAMS/wire.so" "LAB_WIRE=$(</run/hawd-lab/wire)")
        setsid "${changed[@]}" hawd --foreground </dev/null >>/var/log/hawd.log 2>&1 &
        pid=$!
        printf '%d\n' "$pid" >/run/hawd-lab/hawd.pid
        say "hawd started, pid $pid"
        { wait "$pid"; } 2>/dev/null
        rc=$?
        rm -f /run/hawd-lab/hawd.pid
        pkill -KILL -s "$pid" # its session: fence children that it left behind
        ((rc != 78)) || touch /run/hawd-lab/hawd.stopped
        say "hawd ended: $rc"
        sleep 0.2
done
