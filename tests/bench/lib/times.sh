# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# When what happened: by the lab's witness (watch.log), corosync's and hawd's logs. All hosts of a lab have
# one clock, so times of different hosts compare. Milliseconds since 1970.

now_msec() {
        local t=${EPOCHREALTIME/[.,]/}
        printf '%s\n' "${t%???}"
}

# cut_power LAB HOST: prints the time of death. The guest beats every 20 ms: the last beat that the witness
# saw is nearer to it than the start of the command, and never later than the death.
cut_power() {
        local before beat
        before=$(now_msec)
        lab "$1" power "$2" off >&2 || return 1
        sleep 0.1
        beat=$(tail -n 2000 "$(lab_state "$1")/watch.log" |
                awk -v host="$2" -v guest="$GUEST" '$2 == host && $3 == guest && $4 == "HB" { t = $1 } END { print t + 0 }')
        printf '%s\n' $((beat > before ? beat : before))
}

# first_seen LAB EVENT DEAD-HOST SINCE: of the guest, on any other host, or nothing
first_seen() {
        awk -v event="$2" -v dead="$3" -v since="$4" -v guest="$GUEST" '
                $1 >= since && $2 != dead && $3 == guest && $4 == event { print $1; exit }' "$(lab_state "$1")/watch.log"
}

seen() {
        [[ -n $(first_seen "$@") ]]
}

# guest_host LAB: where the guest beats now; fails when it does not
guest_host() {
        tail -n 500 "$(lab_state "$1")/watch.log" |
                awk -v since=$(($(now_msec) - 1000)) -v guest="$GUEST" '
                        $1 >= since && $3 == guest && $4 == "HB" { host = $2 } END { print host; exit host == "" }'
}

beats() { # LAB
        guest_host "$1" >/dev/null
}

to_msec() { # DATE-AND-TIME
        date -d "$1" +%s%3N
}

# membership LAB DEAD-HOST SINCE: when the first survivor's corosync told its clients of the new membership.
# "[QUORUM] Members" is its last word on it: quorum comes with it, before it nobody may decide.
membership() {
        local host stamp msec first=''
        for host in $(survivors "$2"); do
                while read -r stamp; do
                        msec=$(to_msec "$stamp")
                        ((msec >= $3)) || continue
                        if [[ -z $first ]] || ((msec < first)); then first=$msec; fi
                        break
                done < <(lab "$1" logs "$host" corosync | grep -F "[QUORUM] Members[$((HOSTS - 1))]" |
                        tail -n 5 | awk '{ print $1, $2, $3 }')
        done
        printf '%s\n' "$first"
}

# logged HOST TEXT SINCE: when hawd on HOST logged the first line with TEXT since then
logged() {
        local since stamp
        since=$(date -d "@${3%???}.${3: -3}" '+%F %T.%3N')
        stamp=$(lab hawd logs "$1" hawd | grep -F -- "$2" | awk -v since="$since" '
                substr($0, 1, length(since)) >= since { print $1, $2; exit }')
        [[ -n $stamp ]] && to_msec "$stamp"
}
