#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 47
# Two hosts of four lose their power at once: no quorum, nothing starts, and status says why. With one
# of them back all is recovered.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

status_exit() {
        ctl status >"$LAB_STATE/status.txt" 2>&1
        (($? == $1))
}

# Nothing was started; what ran runs on.
nothing_moves() { none_started "$lost" '.*' '.*' && beats vm3 node1; }

case_cluster 4
add_guest vm1 node3
add_guest vm2 node4
add_guest vm3 node1
wait_for 90 'three guests are healthy' healthy vm1 vm2 vm3
assert 'status: exit status 0' status_exit 0

lost=$(now_msec)
lab power node3 off &
lab power node4 off
wait
wait_for 30 'the others know that they cannot decide' status_says '.operational | not'
assert 'status: exit status 4' status_exit 4
assert 'it names the missing hosts' grep -q 'node3.*node4' "$LAB_STATE/status.txt"
assert 'in JSON too' status_says '.missing | test("node3.*node4")'
refute 'hawctl changes nothing' ctl guest stop vm3 --no-wait
holds 15 'nothing starts, vm3 runs on' nothing_moves
assert 'nobody was fenced' switched node4 off 0
assert 'nobody was switched on' switched node4 on 0

lab power node3 on
wait_for 60 'with node3 they decide' status_says .operational
wait_for 90 'vm1 beats' beats vm1 '.*'
wait_for 60 'vm2 beats' beats vm2 'node[1-3]'
assert 'each was started once' once_started "$lost" vm1 vm2
wait_for 60 'all are healthy' healthy vm1 vm2 vm3
wait_for 60 'node4 is online again' host_is node4 online
assert 'vm3 was not touched' untouched vm3
assert 'nothing was lost, nothing ran twice' sound vm1 vm2
