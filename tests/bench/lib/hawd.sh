# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# hawd: its lab, its footprint, and a failover with its parts.

ENROLLED=30 # guests beside the one that fails over; defined, never started
IDLE_SEC=60

ctl() { # HOST ARGUMENT...
        local host=$1
        shift
        lab hawd exec "$host" -- hawctl "$@"
}

ask() { # HOST JQ-EXPRESSION ARGUMENT...
        local host=$1 expression=$2 said
        shift 2
        said=$({ ctl "$host" --json "$@" || :; } 2>/dev/null | jq -er "$expression") || return
        [[ -n $said ]] && printf '%s\n' "$said" # jq 1.6 ends with 0 without an answer, too
}

hosts_ready() {
        ask node1 "[.status.hosts[] | select(.state == \"online\" and (.devices | length > 0 and all(.seen_on and .reachable)))]
                | length == $HOSTS" status >/dev/null
}

hawd_ready() {
        hosts_ready && ask node1 '.guest.health == "healthy" and .guest.incident == null' guest show "$GUEST" >/dev/null
}

enrol() { # GUEST HOST CREATE-OPTION...
        local name=$1 host=$2
        shift 2
        { lab hawd guest create "$name" --host "$host" "$@" && ctl "$host" guest add "$name" >/dev/null; } ||
                die "guest $name is not enrolled"
}

# The dead host stays off until the bench switches it on, as with the peer.
hawd_up() {
        local n host
        lab hawd up --hosts "$HOSTS" --token "$TOKEN_MSEC" --set cluster.after-fence=off \
                --set cluster.fence-limit=0 || die "hawd's lab does not come up"
        wait_until "$READY_SEC" hosts_ready || die 'hawd does not get its hosts online'
        for ((n = 1; n <= ENROLLED; n++)); do
                host=node$((n % HOSTS + 1))
                enrol "idle$n" "$host" --no-start
        done
        enrol "$GUEST" "node$HOSTS"
        wait_until "$READY_SEC" hawd_ready || die "guest $GUEST does not get healthy"
        note "hawd's lab is up, $((ENROLLED + 1)) guests enrolled, one of them running"
}

# On the leader, which has most to do.
hawd_footprint() {
        local leader pss dirty rss n
        leader=$(ask node1 '.status.leader // "node1"' status) || leader=node1
        sleep "$SETTLE_SEC"
        sample hawd.idle_cpu_pct "$(cpu_pct hawd "$leader" hawd "$IDLE_SEC")"
        read -r pss dirty rss n < <(memory hawd "$leader" hawd) || die "hawd does not run on $leader"
        sample hawd.pss_mib "$pss"
        sample hawd.private_mib "$dirty"
        sample hawd.rss_mib "$rss"
        sample hawd.processes "$n"
        note "hawd on $leader: $pss MiB PSS, $dirty MiB private dirty, $(samples hawd.idle_cpu_pct | cut -d' ' -f1) % CPU"
}

# pause_of EXECUTOR DEVICE: what hawd-fence itself waits between the two readings that make a proof: an off
# of the host, which is off, makes two, a status one.
pause_of() {
        local off status
        status=$(lab hawd exec "$1" -- hawd-fence --device "$2" --action status | jq .elapsed_ms)
        off=$(lab hawd exec "$1" -- hawd-fence --device "$2" --action off | jq .elapsed_ms)
        printf '%s\n' $((${off:-0} - ${status:-0}))
}

history_row() { # EVENT JQ-CONDITION JQ-EXPRESSION: of $rows
        jq -r "map(select(.event == \"$1\" and $2)) | $3" <<<"$rows"
}

# hawd_parts VICTIM DEATH: sets the times of hawd's steps, from a survivor's history and the logs of those
# that acted.
#
#   changed   corosync's membership change (times.sh)
#   begun     the executor of the last fence job starts hawd-fence: it logs fence-start in that same step
#   proof     hawd-fence has ended, as its executor saw it: the time of host-off in the history. When the
#             entry that says so is stable is hawd's own time again.
#   plan      the leader decided where to start: the time of guest-placed in the history
#   start     that decision is stable, and the new host gives libvirt the job: it logs guest-placed in the
#             same step
#   agreed, lost, off   the new host logs: the ledger is agreed on anew, host-lost and host-off are stable
#   tries     fence jobs that it took
hawd_parts() {
        local victim=$1 death=$2 host rows executor decided
        host=$(survivors "$victim" | head -n 1)
        rows=$(ask "$host" "[.rows[] | select(.time_usec >= $death * 1000)]" history --limit 500) || return 1
        tries=$(history_row fence-start ".host == \"$victim\"" length)
        executor=$(history_row fence-start ".host == \"$victim\"" 'last | .text | split(" ")[0]')
        decided=$(history_row fence-start ".host == \"$victim\"" 'last | .time_usec / 1000 | floor')
        proof=$(history_row host-off ".host == \"$victim\"" 'first | .time_usec / 1000 | floor')
        plan=$(history_row guest-placed ".guest == \"$GUEST\"" 'first | .time_usec / 1000 | floor')
        host=$(history_row guest-placed ".guest == \"$GUEST\"" 'first | .host')
        changed=$(membership hawd "$victim" "$death")
        begun=$(logged "$executor" ": fence-start: $executor switches $victim off" "$decided") || return 1
        start=$(logged "$host" ": guest-placed: $GUEST starts on $host" "$death") || return 1
        agreed=$(logged "$host" ': operational: ' "$death") || return 1
        lost=$(logged "$host" ": host-lost: $victim " "$death") || return 1
        off=$(logged "$host" ": host-off: $victim " "$death") || return 1
        [[ -n $changed && -n $proof && -n $plan ]] || return 1
        pause=$(pause_of "$executor" "bmc${victim#node}")
}

# own = from the membership change to the start command, less the BMC's time, and that is
#
#         proof - begun
#
# the life of hawd-fence from the moment its executor starts it to the moment its end is seen. All else
# between is hawd's own: agreeing on the ledger anew, and the entries host-lost, fence-start, host-off and
# guest-placed, each stored by a majority before it counts. In the life of hawd-fence a pause of its own is
# hidden, between its two readings; own_share_with_pause counts that too.
hawd_sample() {
        local death=$1 own=$((start - changed - (proof - begun))) part
        for part in membership:$changed proof:$proof plan:$plan start:$start qemu:$2 heartbeat:$3; do
                sample "failover.kill_to_${part%:*}_ms" $((${part#*:} - death))
        done
        sample failover.own_share_ms "$own"
        sample failover.own_share_with_pause_ms $((own + pause))
        sample failover.bmc_ms $((proof - begun))
        for part in agree:$((agreed - changed)) lost:$((lost - agreed)) fence:$((begun - lost)) off:$((off - proof)) \
                place:$((start - off)); do
                sample "failover.own_${part%:*}_ms" "${part#*:}"
        done
}

hawd_failover() { # RUN
        local victim death qemu beat changed agreed lost begun proof off plan start pause tries leader
        { wait_until "$READY_SEC" hawd_ready && victim=$(guest_host hawd); } || {
                note "hawd, run $1: the cluster does not get ready"
                return 1
        }
        sleep "$SETTLE_SEC"
        leader=$(ask node1 '.status.leader // "-"' status)
        death=$(cut_power hawd "$victim") || return 1
        wait_until "$LIMIT_SEC" seen hawd HB "$victim" "$death" || {
                note "hawd, run $1: FAILED, no heartbeat elsewhere after $LIMIT_SEC s"
                ctl "$(survivors "$victim" | head -n 1)" status
                return 1
        }
        qemu=$(first_seen hawd QEMU+ "$victim" "$death")
        beat=$(first_seen hawd HB "$victim" "$death")
        if hawd_parts "$victim" "$death"; then
                hawd_sample "$death" "$qemu" "$beat"
                note "hawd, run $1: $victim died$([[ $leader != "$victim" ]] || echo ', the leader'): +$((changed - death)) ms" \
                        "membership, +$((proof - death)) proof, +$((plan - death)) plan, +$((start - death)) start command," \
                        "+$((qemu - death)) QEMU, +$((beat - death)) heartbeat; own $((start - changed - (proof - begun)))" \
                        "ms, fence tries $tries"
        else
                note "hawd, run $1: its parts cannot be told from history and logs"
                return 1
        fi
        lab hawd power "$victim" on
}
