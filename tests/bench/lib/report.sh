# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The table for people, bench.json for programs.

ratio() { # A B
        awk -v a="$1" -v b="$2" 'BEGIN { if (a != "" && b != "" && b > 0) printf "%.2f", a / b; else print "-" }'
}

row() { # TEXT HAWD-NAME [PEER-NAME]
        local text=$1 a=() b=()
        read -ra a < <(samples "$2")
        [[ -z ${3:-} ]] || read -ra b < <(samples "$3")
        printf '%-34s %8s %8s   %8s %8s   %6s\n' "$text" "${a[0]:--}" "${a[1]:--}" "${b[0]:--}" "${b[1]:--}" \
                "$(ratio "${a[0]:-}" "${b[0]:-}")"
}

goal() { # TEXT VALUE OPERATOR LIMIT
        awk -v text="$1" -v value="$2" -v op="$3" -v limit="$4" 'BEGIN {
                met = op == "<" ? value < limit : value <= limit
                printf "%-34s %8s   %2s %-6s %s\n", text, value == "" ? "-" : value, op, limit,
                        value == "" ? "not measured" : met ? "met" : "MISSED" }'
}

median() {
        samples "$1" | cut -d' ' -f1
}

report() {
        printf '\n%-34s %8s %8s   %8s %8s   %6s\n' "Failover, token $TOKEN_MSEC, ms" hawd worst peer worst ratio
        row 'death to membership change' failover.kill_to_membership_ms peer.kill_to_membership_ms
        row '  to proof' failover.kill_to_proof_ms
        row '  to plan' failover.kill_to_plan_ms
        row '  to start command' failover.kill_to_start_ms
        row '  to guest process' failover.kill_to_qemu_ms peer.kill_to_qemu_ms
        row '  to guest heartbeat' failover.kill_to_heartbeat_ms peer.kill_to_heartbeat_ms
        row "the BMC's time" failover.bmc_ms
        row 'own share, without it' failover.own_share_ms
        row '  ledger agreed on anew' failover.own_agree_ms
        row '  entry host-lost stable' failover.own_lost_ms
        row '  entry fence-start stable' failover.own_fence_ms
        row '  entry host-off stable' failover.own_off_ms
        row '  entry guest-placed stable' failover.own_place_ms
        row "own share and hawd-fence's pause" failover.own_share_with_pause_ms
        printf 'Medians of %d runs, of the peer %d; it has one guest, hawd %d.\n' \
                "$(samples failover.kill_to_qemu_ms | cut -d' ' -f3)" "$(samples peer.kill_to_qemu_ms | cut -d' ' -f3)" \
                $((ENROLLED + 1))
        printf '\n%-34s %8s %8s   %8s %8s   %6s\n' 'Footprint on one host' hawd '' peer '' ratio
        row 'PSS, MiB' hawd.pss_mib peer.pss_mib
        row 'private dirty, MiB' hawd.private_mib peer.private_mib
        row 'RSS, MiB (shared pages in full)' hawd.rss_mib peer.rss_mib
        row 'processes' hawd.processes peer.processes
        row "CPU, idle for $IDLE_SEC s, %" hawd.idle_cpu_pct
        printf '\n%-34s %8s %8s\n' 'Snapshot, quiesced, ms' hawd worst
        row 'writes of the guest stand still' snapshot.pause_ms
        printf '\n%-34s %8s %8s\n' 'Mirror, a write of 4 KiB' hawd worst
        row 'alone, us' mirror.write_alone_us
        row 'mirrored to another host, us' mirror.write_sync_us
        row 'times as long' mirror.sync_write_ratio
        row 'in a cycle of an asynchronous, us' mirror.write_async_us
        row 'times as long' mirror.async_write_ratio
        printf '\nGoals\n'
        goal 'own share, ms' "$(median failover.own_share_ms)" '<' 50
        goal 'guest process, of the peer' "$(ratio "$(median failover.kill_to_qemu_ms)" "$(median peer.kill_to_qemu_ms)" | tr -d -)" '<=' 0.7
        goal 'private dirty, MiB' "$(median hawd.private_mib)" '<' 8
        goal 'PSS, MiB' "$(median hawd.pss_mib)" '<' 24
        goal 'pause by a snapshot, ms' "$(median snapshot.pause_ms)" '<' 200
        goal 'idle CPU, %' "$(median hawd.idle_cpu_pct)" '<' 0.5
        printf '\n'
}

json_entry() { # NAME VALUE UNIT RUNS
        [[ -z $2 ]] || printf '%s\t%s\t%s\t%s\n' "$@"
}

json_entries() {
        local name unit value worst runs
        while read -r name; do
                read -r value worst runs < <(samples "$name")
                unit=${name##*_}
                unit=${unit/mib/MiB}
                unit=${unit/pct/%}
                [[ $name != *.processes ]] || continue
                json_entry "$name" "$value" "$unit" "$runs"
                [[ $name != *.kill_to_* ]] || json_entry "${name%_ms}_worst_ms" "$worst" "$unit" "$runs"
        done < <(cut -d' ' -f1 "$WORK/samples" | sort -u)
}

write_json() { # FILE
        [[ -s $WORK/samples ]] || die 'nothing was measured'
        mkdir -p "$(dirname "$1")"
        json_entries | jq -Rn '[inputs | split("\t") | {(.[0]): {value: (.[1] | tonumber), unit: .[2], runs: (.[3] | tonumber)}}] | add' \
                >"$1.new" && mv "$1.new" "$1" && echo "wrote $1"
}
