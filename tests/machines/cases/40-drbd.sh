#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 90
# DRBD 8.4 between two machines: made, in sync, its primary's machine killed, promoted on the other with all that was
# acknowledged; the first comes back and is resynced.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"

resource() {
        cat <<'EOF'
resource r0 {
        net {
                protocol C;
                ping-int 2;
                ping-timeout 20;
                timeout 30;
                connect-int 2;
                ko-count 3;
        }
        disk { resync-rate 100M; }
        device /dev/drbd0;
        disk /dev/vdb;
        meta-disk internal;
        on node1 { address 10.77.0.1:7788; }
        on node2 { address 10.77.0.2:7788; }
}
EOF
}

drbd_up() { # HOST [create]
        inside "$1" "${2:+drbdadm create-md --force r0 >/dev/null 2>&1 &&} modprobe drbd && drbdadm up r0" 60
}

drbd_says() { # HOST PATTERN: its line of /proc/drbd
        inside "$1" "grep -q '$2' /proc/drbd"
}

# Record N is acknowledged when its number is printed: what has been printed must never be lost.
write_records() { # HOST FROM TO
        inside "$1" "for n in \$(seq $2 $3); do
                printf 'record %08d\n' \$n | dd of=/dev/drbd0 bs=512 seek=\$n conv=sync,notrunc oflag=direct status=none && echo \$n
        done | tail -n 1"
}

records() { # HOST TO: so many are there, from the first
        inside "$1" "cmp <(seq -f 'record %08.0f' 1 $2) <(dd if=/dev/drbd0 bs=512 skip=1 count=$2 iflag=direct status=none | tr -d '\\0')"
}

case_up --hosts 2 --no-hawd
for host in node1 node2; do
        inside "$host" "printf 'global { usage-count no; }\ncommon { }\n' >/etc/drbd.d/global_common.conf
cat >/etc/drbd.d/r0.res <<'X'
$(resource)
X
sync # its power will be cut"
        assert "a resource on $host" drbd_up "$host" create
done
assert 'node1 is its first primary' inside node1 'drbdadm primary --force r0'
wait_for 120 'both sides are in step' drbd_says node1 'ds:UpToDate/UpToDate'
assert 'node1 writes 60 records' test "$(write_records node1 1 60)" = 60

note 'the machine of the primary loses its power'
lab power node1 off
wait_for 60 'node2 notices' drbd_says node2 'cs:WFConnection'
assert 'node2 is UpToDate, and promoted' inside node2 'drbdadm primary r0'
assert 'every record is there' records node2 60
assert 'node2 writes more' test "$(write_records node2 61 90)" = 90

note 'it comes back'
lab power node1 on
wait_for 240 'node1 boots' inside node1 'systemctl -q is-active multi-user.target'
assert 'its side is up again' drbd_up node1
wait_for 120 'resynced, from node2' drbd_says node1 'ro:Secondary/Primary ds:UpToDate/UpToDate'
assert 'node2 gives it up' inside node2 'drbdadm secondary r0'
assert 'node1 takes it' inside node1 'drbdadm primary r0'
assert 'with every record of both' records node1 90
