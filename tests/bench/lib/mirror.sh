# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a synchronous mirror to another host costs a guest's writes.

MIRROR_GUEST=mirror
MIRROR_RUNS=5
MIRROR_WRITES=1000 # of 4 KiB, each done before the next one

mirror_probe() { # HOST ARGUMENT...
        local host=$1
        shift
        lab hawd exec "$host" -- "$WORK/bin/mirrorprobe" "$@"
}

# Its agent writes behind the sector that it counts in.
write_msec() {
        lab hawd guest exec "$MIRROR_GUEST" -- \
                "time dd if=/dev/zero of=/dev/vda bs=4k seek=256 count=$MIRROR_WRITES oflag=direct" 2>&1 |
                awk '$1 == "real" { printf "%d\n", ($2 * 60 + $3) * 1000 }' # real 0m 2.45s
}

mirror_is_ready() {
        [[ $(mirror_probe node1 look "$MIRROR_GUEST") == *' ready '* ]]
}

# mirror_begin SERIAL: returns when each write goes to both
mirror_begin() {
        local served=$WORK/served place
        rm -f "$served"
        mirror_probe node2 serve /var/lib/hawd/replicas 10.77.0.2 "$MIRROR_UUID" "$1" vda raw "$MIRROR_DISK" >"$served" &
        wait_until 30 grep -qs ^where "$served" || return 1
        place=$(awk '/^where/ { print $2 }' "$served")
        mirror_probe node1 mirror "$MIRROR_GUEST" "$place" "$1" 60 vda raw "$MIRROR_DISK" &&
                wait_until 120 mirror_is_ready
}

mirror_costs() {
        local run alone both xml
        MIRROR_DISK=$(lab_state hawd)/local/$MIRROR_GUEST.raw
        xml=$(lab_state hawd)/shared/.$MIRROR_GUEST.xml
        truncate -s 64M "$(lab_state hawd)/hosts/node1/local/$MIRROR_GUEST.raw"
        lab hawd guest xml "$MIRROR_GUEST" | sed "0,/<source file=/s|<source file='[^']*'/>|<source file='$MIRROR_DISK'/>|
                0,/type='qcow2'/s|type='qcow2'|type='raw'|" >"$xml"
        MIRROR_UUID=$(sed -n 's|.*<uuid>\(.*\)</uuid>.*|\1|p' "$xml")
        lab hawd exec node1 -- virsh -q create "$xml" || return 1
        wait_until "$READY_SEC" agent_answers "$MIRROR_GUEST" || return 1
        write_msec >/dev/null # the file's blocks are there
        for ((run = 1; run <= MIRROR_RUNS; run++)); do
                alone=$(write_msec)
                mirror_begin "$run" || return 1
                both=$(write_msec)
                mirror_probe node1 cancel "$MIRROR_GUEST" "$run" || return 1
                [[ $alone -gt 0 && $both -gt 0 ]] || return 1
                sample mirror.write_alone_us $((alone * 1000 / MIRROR_WRITES))
                sample mirror.write_sync_us $((both * 1000 / MIRROR_WRITES))
                sample mirror.sync_write_ratio "$(ratio "$both" "$alone")"
        done
        lab hawd guest delete "$MIRROR_GUEST"
        note "a mirrored write takes $(samples mirror.sync_write_ratio | cut -d' ' -f1) times as long:" \
                "$(samples mirror.write_sync_us | cut -d' ' -f1) us, not $(samples mirror.write_alone_us | cut -d' ' -f1)"
}
