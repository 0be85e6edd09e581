# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the cycles of an asynchronous replica cost a guest's writes, one cycle after the other without a pause:
# the most that they can cost. With write_msec of mirror.sh.

pull_probe() { # HOST VERB [-- ARGUMENT...]
        lab hawd exec "$1" -- "$WORK/bin/pullprobe" "$2" 1 "vda:qcow2:64:$PULL_DISK" "${@:3}"
}

pull_cycles() { # WHERE FILE: until FILE is gone, which says how many
        local n=0
        while [[ -e $2 ]]; do
                pull_probe node1 cycle -- "$MIRROR_GUEST" 1 "$1" >/dev/null 2>&1 && n=$((n + 1))
        done
        printf '%d\n' "$n" >"$2.cycles"
}

pull_costs() {
        local MIRROR_GUEST=pulled run alone both where cycles server xml served=$WORK/pull.served
        PULL_DISK=$(lab_state hawd)/local/$MIRROR_GUEST.qcow2
        xml=$(lab_state hawd)/shared/.$MIRROR_GUEST.xml
        lab hawd exec node1 -- qemu-img create -q -f qcow2 "$PULL_DISK" 64M || return 1
        lab hawd guest xml "$MIRROR_GUEST" | sed "0,/<source file=/s|<source file='[^']*'/>|<source file='$PULL_DISK'/>|" >"$xml"
        lab hawd exec node1 -- virsh -q define "$xml" && lab hawd exec node1 -- virsh -q start "$MIRROR_GUEST" || return 1
        wait_until "$READY_SEC" agent_answers "$MIRROR_GUEST" || return 1
        write_msec >/dev/null # the file's blocks are there
        pull_probe node2 serve -- 10.77.0.2 >"$served" 2>&1 &
        server=$!
        wait_until 30 grep -qs ^where "$served" || return 1
        where=$(sed -n 's/^where //p' "$served")
        for ((run = 1; run <= MIRROR_RUNS; run++)); do
                alone=$(write_msec)
                : >"$WORK/pulling"
                pull_cycles "$where" "$WORK/pulling" &
                cycles=$!
                both=$(write_msec)
                rm "$WORK/pulling"
                wait "$cycles"
                [[ $alone -gt 0 && $both -gt 0 && $(<"$WORK/pulling.cycles") -gt 0 ]] || return 1
                sample mirror.write_async_us $((both * 1000 / MIRROR_WRITES))
                sample mirror.async_write_ratio "$(ratio "$both" "$alone")"
        done
        lab hawd exec node2 -- sh -c "kill \$(pidof pullprobe)"
        wait "$server"
        lab hawd guest delete "$MIRROR_GUEST"
        note "a write takes $(samples mirror.async_write_ratio | cut -d' ' -f1) times as long while" \
                'cycles of an asynchronous replica follow each other'
}
