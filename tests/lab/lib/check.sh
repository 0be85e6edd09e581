# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The verdict over a guest's whole life, from what the watcher saw.

guest_check() {
        local name='' arg json=0
        for arg in "$@"; do
                if [[ $arg == --json ]]; then json=1; else name=$arg; fi
        done
        need_guest_name "$name"
        grep -qs "^[0-9]* [^ ]* $name " "$LAB_DIR/watch.log" ||
                die "guest '$name' never showed a heartbeat (lab console $name)"
        awk -v guest="$name" -v json="$json" -f "$LAB_HERE/lib/check.awk" "$LAB_DIR/watch.log"
}
