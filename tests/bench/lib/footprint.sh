# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Memory and CPU time of daemons on one host, by the kernel's own books.

# memory LAB HOST NAME: "PSS PRIVATE-DIRTY RSS PROCESSES", MiB, of all processes there whose name matches.
# Pages of libraries are shared with other processes of this machine, also those of the other hosts: RSS
# is what one host alone would have at most.
memory() {
        # shellcheck disable=SC2016 # for the shell inside
        lab "$1" exec "$2" -- sh -c 'for p in $(pgrep -x "$0"); do cat "/proc/$p/smaps_rollup"; done' "$3" |
                awk '/^Rss:/ { rss += $2; n++ } /^Pss:/ { pss += $2 } /^Private_Dirty:/ { dirty += $2 }
                     END { printf "%.2f %.2f %.2f %d\n", pss / 1024, dirty / 1024, rss / 1024, n; exit n == 0 }'
}

# cpu_ticks LAB HOST NAME: used so far, with children that have ended
cpu_ticks() {
        # shellcheck disable=SC2016 # for the shell inside
        lab "$1" exec "$2" -- sh -c 'for p in $(pgrep -x "$0"); do cat "/proc/$p/stat"; done' "$3" |
                sed 's/.*) //' | awk '{ n += $12 + $13 + $14 + $15 } END { print n + 0 }'
}

# cpu_pct LAB HOST NAME SECONDS: of one CPU
cpu_pct() {
        local ticks before
        before=$(now_msec)
        ticks=$(cpu_ticks "$1" "$2" "$3")
        sleep "$4"
        awk -v ticks="$(($(cpu_ticks "$1" "$2" "$3") - ticks))" -v msec="$(($(now_msec) - before))" \
                -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.3f\n", 100 * ticks / hz / (msec / 1000) }'
}
