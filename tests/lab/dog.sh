# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by lab cases after hawd.sh: hosts with watchdogs, and what these did.

# ms. As short as hawd.conf allows for a lease, and a timeout that a busy machine keeps.
LEASE=8000 TIMEOUT=4000
PROVEN=$((LEASE + 2 * TIMEOUT + (LEASE + 2 * TIMEOUT) / 10))

dog_log() { # HOST
        printf '%s/hosts/%s/watchdog.log\n' "$LAB_STATE" "$1"
}

# dog_said HOST WHAT SINCE-MSEC: the time (ms) of the first such line since
dog_said() {
        awk -v what="$2" -v since="$3" '$1 >= since && $2 == what { print $1; found = 1; exit } END { exit !found }' \
                "$(dog_log "$1")"
}

dog_says() {
        dog_said "$@" >/dev/null
}

armed() { # HOST...: it is online, and the ledger tells of its watchdog
        local host
        for host in "$@"; do
                host_says "$host" ".state == \"online\" and .watchdog_ms == $TIMEOUT and .lease_ms == $LEASE" || return
        done
}

first_start() { # SINCE-MSEC GUEST
        awk -v since="$1" -v guest="$2" '$1 >= since && $4 == "QEMU+" && $3 == guest { print $1; exit }' "$LAB_STATE/watch.log"
}

# reset_first HOST GUEST SINCE-MSEC: the host was reset by its watchdog before the guest started
# elsewhere; and that was not before all of its time was over
reset_first() {
        local reset started
        reset=$(dog_said "$1" expired "$3") || fail "$1 was not reset by its watchdog"
        started=$(first_start "$3" "$2")
        note "$1 was reset after $((reset - $3)) ms, $2 started after $((started - $3)) ms"
        assert "$1 was reset first" test "$reset" -lt "$started"
        assert "$2 waited for $PROVEN ms" test "$((started - $3))" -ge "$PROVEN"
}
