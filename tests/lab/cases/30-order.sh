#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 31
# A recovery keeps dependencies (what another waits for is healthy first) and `separate`.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

# The first heartbeat of GUEST since
first_beat() {
        awk -v since="$lost" -v guest="$1" '$1 >= since + 1500 && $3 == guest && $4 == "HB" { print $1; exit }' "$LAB_STATE/watch.log"
}
begun() { # GUEST: its QEMU
        awk -v since="$lost" -v guest="$1" '$1 >= since && $3 == guest && $4 == "QEMU+" { print $1; exit }' "$LAB_STATE/watch.log"
}
home() { qemus "$lost" '.*' "$1" | awk '{ print $2 }'; }

case_cluster 3
add_guest dns node3 --priority 10
add_guest app node3 --priority 300 --after dns
add_guest twin node3 --priority 100
ctl rule add apart separate --guests dns,twin --strict >/dev/null || fail 'no rule'
wait_for 90 'three guests on node3 are healthy' healthy dns app twin

lost=$(now_msec)
lab power node3 off
wait_for 60 'dns beats elsewhere' beats dns 'node1|node2'
wait_for 60 'twin too' beats twin 'node1|node2'
wait_for 60 'app too, by now perhaps on node3, which is back' beats app '.*' $((lost + 2000))
assert 'each was started once' once_started "$lost" dns app twin
assert 'app waited for dns to be healthy, though its priority is higher' test "$(begun app)" -gt "$(first_beat dns)"
assert 'dns and twin are apart' test "$(home dns)" != "$(home twin)"
wait_for 60 'all are healthy' healthy dns app twin
assert 'nothing was lost, nothing ran twice' sound dns app twin
