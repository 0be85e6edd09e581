# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced after hawd.sh by cases about the database of hawd: a disk of its own for it, and what is wrong with it.

on() { # HOST SHELL-COMMAND
        lab exec "$1" -- /bin/sh -c "$2" </dev/null
}

# own_disk HOST SIZE: hawd's state is on a small disk, which power-off destroys. hawd does not run.
own_disk() {
        on "$1" "cp -a /var/lib/hawd/. /run/ledger/ 2>/dev/null || cp -a /var/lib/hawd /run/ledger
                mount -t tmpfs -o size=$2,mode=0700 tmpfs /var/lib/hawd && cp -a /run/ledger/. /var/lib/hawd/"
}

fill() { # HOST
        on "$1" 'cat /dev/zero >/var/lib/hawd/filler 2>/dev/null; :'
}

make_room() { # HOST
        on "$1" 'rm -f /var/lib/hawd/filler'
}

# state_says HOST JQ-CONDITION: what its own hawd says
state_says() {
        { lab exec "$1" -- hawctl --json status </dev/null || :; } 2>/dev/null | jq -e ".status | $2" >/dev/null
}

# The version that says how hawd's tables are made.
schema_of() { # HOST
        on "$1" "python3 -c '
import sqlite3
print(sqlite3.connect(\"/var/lib/hawd/ledger.db\").execute(\"PRAGMA user_version\").fetchone()[0])'"
}

set_schema() { # HOST VERSION
        on "$1" "python3 -c '
import sqlite3
sqlite3.connect(\"/var/lib/hawd/ledger.db\").execute(\"PRAGMA user_version = $2\")'"
}

store_fails() { # HOST TEXT: the others know why, and it says so itself
        host_says "$1" "(.store_error // \"\") | contains(\"$2\")" &&
                state_says "$1" "(.store_error // \"\") | contains(\"$2\")"
}

store_works() { # HOST...
        local host
        for host in "$@"; do
                host_says "$host" '.store_error == null' && state_says "$host" '.store_error == null and .operational' || return
        done
}

logged() { # HOST PATTERN
        lab logs "$1" hawd | grep -q -- "$2"
}

# decides: something is decided and stored
decides() {
        ctl rule add "case-${EPOCHREALTIME/[.,]/}" separate --guests vm1,vm2 >/dev/null 2>&1
}

same_history() { # HOST HOST: every row of it
        local list=() host
        for host in "$1" "$2"; do
                list+=("$(lab exec "$host" -- hawctl --json history --limit 5000 </dev/null |
                        jq -c '[.rows[] | [.version, .seq, .event, .text]] | sort')")
        done
        [[ ${list[0]} == "${list[1]}" && ${list[0]} != '[]' ]]
}

nobody_switched() {
        local host
        for host in node1 node2 node3; do switched "$host" off 0 || return; done
}
