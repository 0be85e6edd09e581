# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# How long a guest's writes stand still in a snapshot that its agent quiesces.

SNAP_GUEST=snap
SNAP_RUNS=10
BEAT_MSEC=20 # of the guest: it writes by O_DIRECT, and says so when the write is done

snap_probe() {
        lab hawd exec node1 -- "$WORK/bin/snapprobe" "$@"
}

agent_answers() { # GUEST
        lab hawd exec node1 -- virsh -q qemu-agent-command "$1" '{"execute": "guest-ping"}' >/dev/null 2>&1
}

# longest_gap GUEST FROM TO: between two of its beats, as the witness saw them
longest_gap() {
        awk -v guest="$1" -v from="$2" -v to="$3" '
                $3 != guest || $4 != "HB" { next }
                last && $1 >= from && last <= to && $1 - last > gap { gap = $1 - last }
                { last = $1 }
                END { if (gap) print gap }' "$(lab_state hawd)/watch.log"
}

snapshot_pauses() {
        local run before gap disk now next
        disk=$(lab_state hawd)/shared/$SNAP_GUEST.qcow2 now=$disk
        lab hawd guest create "$SNAP_GUEST" --host node1 || return 1
        wait_until "$READY_SEC" agent_answers "$SNAP_GUEST" || return 1
        sleep "$SETTLE_SEC"
        for ((run = 1; run <= SNAP_RUNS; run++)); do
                next=${disk%.qcow2}.$run.qcow2
                before=$(now_msec)
                snap_probe make "$next" "$now" qcow2 || return 1
                snap_probe switch "$SNAP_GUEST" quiesce vda "$next" || return 1
                sleep 0.5
                gap=$(longest_gap "$SNAP_GUEST" "$before" "$(now_msec)")
                [[ -n $gap ]] || return 1
                sample snapshot.pause_ms $((gap > BEAT_MSEC ? gap - BEAT_MSEC : 0))
                now=$next
        done
        lab hawd guest delete "$SNAP_GUEST"
        rm -f "${disk%.qcow2}".*.qcow2
        note "a snapshot stops the guest's writes for $(samples snapshot.pause_ms | cut -d' ' -f1) ms, at worst" \
                "$(samples snapshot.pause_ms | cut -d' ' -f2) ms of $SNAP_RUNS"
}
