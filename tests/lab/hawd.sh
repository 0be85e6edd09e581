# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by lab cases after case.sh: a cluster with hawd on it, what hawd says of it, and what the
# lab's witness saw. A verdict comes from the witness; hawd's word is asked for where it is the subject.

CTL=node1 # hawctl is run there
LAB_STATE=${HAWD_LAB_DIR:-/var/tmp/hawd-lab}/$CASE_LAB

# case_cluster HOSTS UP-OPTION...: returns when hawd has every host online and has seen every BMC read on
case_cluster() {
        local n=$1
        shift
        case_up --hosts "$n" "$@"
        wait_for 60 "$n hosts are online, their fence devices known" status_says "
                [.hosts[] | select(.state == \"online\" and (.devices | length > 0 and all(.seen_on)))] | length == $n"
}

# ---- what hawd says ------------------------------------------------------------------------------

ctl() {
        lab exec "$CTL" -- hawctl "$@" </dev/null
}

status_says() { # JQ-CONDITION
        { ctl --json status || :; } 2>/dev/null | jq -e ".status | $1" >/dev/null
}

host_says() { # HOST JQ-CONDITION
        { ctl --json host show "$1" || :; } 2>/dev/null | jq -e ".host | $2" >/dev/null
}

host_is() { # HOST STATE
        host_says "$1" ".state == \"$2\""
}

guest_says() { # GUEST JQ-CONDITION
        { ctl --json guest show "$1" || :; } 2>/dev/null | jq -e ".guest | $2" >/dev/null
}

healthy() { # GUEST...: run, are healthy, and have no incident open
        { ctl --json guest list || :; } 2>/dev/null | jq -e --args '.guests | map(select(
                .state == "running" and .health == "healthy" and .incident == null) | .name) as $are |
                $ARGS.positional - $are == []' "$@" >/dev/null
}

# leader: the host that decides now; set CTL to another before it is taken away
leader() {
        { ctl --json status || :; } 2>/dev/null | jq -r '.status.leader // empty'
}

another_than() { # HOST
        if [[ $1 == node1 ]]; then printf 'node2\n'; else printf 'node1\n'; fi
}

# history JQ-EXPRESSION OPTION...: of the array of its rows
history_of() {
        local expression=$1
        shift
        ctl --json history --limit 2000 "$@" | jq -r ".rows | $expression"
}

# incident_says HOST|GUEST JQ-CONDITION: of its newest incident, closed
incident_says() {
        local id select="select(.guest == \"$1\")"
        [[ $1 != node* ]] || select="select(.host == \"$1\" and .guest == null)"
        id=$(history_of "map($select) | last | .incident // empty" --event incident-closed)
        [[ -n $id ]] && ctl --json history --incident "$id" | jq -e ".incident | $2" >/dev/null
}

# add_guest NAME HOST OPTION...: a domain started by libvirt there, then enrolled
add_guest() {
        local name=$1 host=$2
        shift 2
        lab guest create "$name" --host "$host" --no-wait || fail "guest $name does not start"
        ctl guest add "$name" --host "$host" "$@" >/dev/null || fail "guest $name is not enrolled"
}

# ---- what the witness saw -------------------------------------------------------------------------

# beats GUEST HOST [SINCE-MSEC]: in the last 2 s, and since, 3 heartbeats, all from HOST (a pattern)
beats() {
        local since=$(($(now_msec) - 2000)) mark=${3:-0}
        since=$((since > mark ? since : mark))
        tail -n 4000 "$LAB_STATE/watch.log" | awk -v since="$since" -v guest="$1" -v host="^($2)\$" '
                $1 >= since && $3 == guest && $4 == "HB" { if ($2 ~ host) n++; else others++ }
                END { exit !(n >= 3 && !others) }'
}

silent() { # GUEST...: no heartbeat in the last second
        local guest
        for guest in "$@"; do
                tail -n 4000 "$LAB_STATE/watch.log" | awk -v since="$(($(now_msec) - 1000))" -v guest="$guest" '
                        $1 >= since && $3 == guest && $4 == "HB" { n++ } END { exit n > 0 }' || return
        done
}

# qemus SINCE-MSEC HOST GUEST: "GUEST HOST" of the QEMUs that were started since, in order (patterns)
qemus() {
        awk -v since="$1" -v host="^($2)\$" -v guest="^($3)\$" '
                $1 >= since && $4 == "QEMU+" && $2 ~ host && $3 ~ guest { print $3, $2 }' "$LAB_STATE/watch.log"
}

none_started() { # SINCE-MSEC HOST GUEST
        [[ -z $(qemus "$@") ]]
}

once_started() { # SINCE-MSEC GUEST...: each exactly once, anywhere
        local since=$1 guest
        shift
        for guest in "$@"; do
                [[ $(qemus "$since" '.*' "$guest" | wc -l) == 1 ]] || return
        done
}

sound() { # GUEST...: nothing lost, never twice
        local guest
        for guest in "$@"; do
                lab guest check "$guest" >"$LAB_STATE/verdict" || {
                        cat "$LAB_STATE/verdict"
                        return 1
                }
        done
}

# untouched GUEST: one QEMU, one boot, and it never stood still (a busy machine makes gaps, but does not
# stop the guest's clock)
untouched() {
        once_started 0 "$1" && lab guest check "$1" --json | jq -e '
                .ok and (.boots | length == 1) and .boots[0].stood_msec < 500 and .boots[0].longest_gap_msec < 5000' >/dev/null
}

# A mistake that a restart does not mend: systemd leaves hawd stopped, too.
ends_for_good() { # HOST
        lab logs "$1" supervisor | tail -n 1 | grep -q 'hawd ended: 78'
}

power_is() { # HOST on|off|frozen
        [[ $(lab power "$1" status) == "$2" ]]
}

# switched HOST on|off N: so many orders reached its BMC
switched() {
        local n
        n=$(grep -cs "switching $2" "$LAB_STATE/bmc/$1/chassis.log")
        ((${n:-0} == $3))
}

# holds SECONDS DESCRIPTION COMMAND...: the command succeeds all the time
holds() {
        local seconds=$1 what=$2 end=$((SECONDS + $1 + 1))
        shift 2
        while ((SECONDS < end)); do
                "$@" || fail "$what: not for $seconds s ($*)"
                sleep 0.5
        done
        note "ok: $what (for $seconds s)"
}

# ---- guests with their disks on one host ------------------------------------------------------------

# local_guest NAME HOST raw|qcow2 OPTION...: as add_guest, with a disk of 64 MiB that only HOST has
local_guest() {
        local name=$1 host=$2 format=$3 disk xml
        disk=$LAB_STATE/local/$name.$format xml=$LAB_STATE/shared/.$name.xml
        shift 3
        lab exec "$host" -- qemu-img create -q -f "$format" "$disk" 64M || fail "no disk for $name"
        lab guest xml "$name" | sed "0,/<source file=/s|<source file='[^']*'/>|<source file='$disk'/>|
                0,/type='qcow2'/s|type='qcow2'|type='$format'|" >"$xml"
        lab exec "$host" -- sh -c "virsh -q define $xml && virsh -q start $name" || fail "guest $name does not start"
        ctl guest add "$name" --host "$host" "$@" >/dev/null || fail "guest $name is not enrolled"
}

replica_says() { # GUEST JQ-CONDITION
        { ctl --json replica list "$1" || :; } 2>/dev/null | jq -e ".replicas[0] | $2" >/dev/null
}

# in_step GUEST DATA-HOST COPY-HOST
in_step() {
        replica_says "$1" ".state == \"in-step\" and .data == \"$2\" and .host == \"$3\""
}
