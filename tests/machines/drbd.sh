# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by cases: the DRBD resource r0 on the own disks of node1 and node2.

# drbd_tree HANDLER: a folder for `up --lay`, in $tree; the caller removes it
drbd_tree() {
        tree=$(mktemp -d) || fail 'no temporary folder'
        mkdir -p "$tree/etc/drbd.d" "$tree/usr/local/sbin"
        printf 'global { usage-count no; }\ncommon { }\n' >"$tree/etc/drbd.d/global_common.conf"
        cat >"$tree/etc/drbd.d/r0.res" <<EOF
resource r0 {
        net {
                protocol C;
                ping-int 2;
                ping-timeout 50;
                timeout 60;
                connect-int 2;
                ko-count 3;
        }
        disk {
                c-plan-ahead 0;
                resync-rate 100M;
                fencing resource-and-stonith;
        }
        handlers { fence-peer $1; }
        device /dev/drbd0;
        disk /dev/vdb;
        meta-disk internal;
        on node1 { address 10.77.0.1:7788; }
        on node2 { address 10.77.0.2:7788; }
}
EOF
}

other() {
        if [[ $1 == node1 ]]; then echo node2; else echo node1; fi
}
