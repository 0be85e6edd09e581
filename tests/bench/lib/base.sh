# shellcheck shell=bash disable=SC2034 # its variables are used by the other parts
# SPDX-License-Identifier: GPL-3.0-or-later
# The two labs, messages, waiting, and samples: what the other parts of the bench share.

HOSTS=3
TOKEN_MSEC=1000
GUEST=vm1
SETTLE_SEC=5 # after everything says it is ready, before the next power loss
LIMIT_SEC=120 # a failover that takes longer has failed
READY_SEC=180
BENCH_BEGAN=$EPOCHSECONDS

die() {
        printf 'bench: %s\n' "$*" >&2
        exit 1
}

note() {
        printf '[%4d s] %s\n' $((EPOCHSECONDS - BENCH_BEGAN)) "$*"
}

lab_name() { # hawd|peer
        printf 'bench-%s-%d\n' "$1" "$$"
}

lab_state() {
        printf '%s/%s\n' "${HAWD_LAB_DIR:-/var/tmp/hawd-lab}" "$(lab_name "$1")"
}

lab() { # hawd|peer VERB...
        local which=$1
        shift
        "$BENCH_HERE/../lab/lab" --lab "$(lab_name "$which")" "$@" </dev/null
}

all_hosts() {
        local n
        for ((n = 1; n <= HOSTS; n++)); do printf 'node%d\n' "$n"; done
}

survivors() { # VICTIM
        all_hosts | grep -vx "$1"
}

# wait_until SECONDS COMMAND...: polls until it succeeds
wait_until() {
        local end=$((SECONDS + $1 + 1))
        shift
        until "$@"; do
                ((SECONDS < end)) || return 1
                sleep 0.2
        done
}

sample() { # NAME VALUE
        printf '%s %s\n' "$1" "$2" >>"$WORK/samples"
}

# samples NAME: "MEDIAN WORST COUNT" of what was measured, or nothing
samples() {
        [[ -e $WORK/samples ]] || return 0
        awk -v name="$1" '$1 == name { print $2 }' "$WORK/samples" | sort -g | awk '
                { v[NR] = $1 }
                END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2, v[NR], NR }'
}
