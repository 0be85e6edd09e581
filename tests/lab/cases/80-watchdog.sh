#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 65
# A host is cut off, and its BMC answers nobody. With an armed watchdog it resets itself, and the others start
# its guests when the lease has surely run out, not before. With self-fence = never it runs on: nothing
# starts twice, and hawd says why, and what helps.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
# shellcheck source=../dog.sh
. "$(dirname "$0")/../dog.sh"
requires hawd hawctl hawd-fence pkg-config

confirm='hawctl fence confirm node2 --yes'
cut_off() { # HOST
        lab bmc "$1" dead
        lab net "$1" cut ring
}
waits() { none_started "$cut" '.*' vm2 && host_says node2 '.proof == null'; }

case_cluster 3 --watchdogs --set "cluster.lease=$((LEASE / 1000))s" --set "cluster.watchdog-timeout=$((TIMEOUT / 1000))s" \
        --set 'host node2.self-fence=never' --set cluster.after-fence=off --set 'fence bmc2.timeout=3s' --set 'fence bmc3.timeout=3s'
add_guest vm1 node3
add_guest vm2 node2
wait_for 60 'the watchdogs of node1 and node3 are known to be armed' armed node1 node3
wait_for 60 'vm1 and vm2 are healthy' healthy vm1 vm2
assert 'that of node2 is not' host_says node2 '.watchdog_ms == null'
assert 'and never was' test ! -s "$(dog_log node2)"

note 'node3, which fences itself'
cut=$(now_msec)
cut_off node3
wait_for 90 'it is proven off' host_says node3 '.proof == "lease"'
assert 'with the arithmetic' host_says node3 '.proof_text | test("lease '"$((LEASE / 1000))"'s, watchdog '"$((TIMEOUT / 1000))"'s twice")'
wait_for 60 'vm1 beats elsewhere' beats vm1 'node1|node2'
assert 'it was started once' once_started "$cut" vm1
reset_first node3 vm1 "$cut"
wait_for 60 'vm1 is healthy' healthy vm1
assert 'vm1 said what it waited for' test "$(history_of 'any(.event == "guest-blocked" and .guest == "vm1" and (.text | test("its watchdog does that 18s after")))')" = true
assert 'history has the proof' test "$(history_of 'any(.host == "node3" and (.text | test("reset by its watchdog: out of the group")))')" = true
lab bmc node3 alive
lab net node3 restore ring
lab power node3 on
wait_for 60 'node3 is online again, armed' armed node3
assert 'nothing was lost, nothing ran twice' sound vm1

note 'node2, which does not'
cut=$(now_msec)
cut_off node2
wait_for 60 'vm2 is blocked' guest_says vm2 '.state == "blocked"'
assert 'its reason names the host and the mend' guest_says vm2 ".reason | test(\"node2\") and test(\"$confirm\")"
assert 'and status names them' grep -q "$confirm" <(ctl status)
left=$((PROVEN + 2000 - ($(now_msec) - cut)))
holds "$((left < 3000 ? 3 : left / 1000))" 'nothing starts' waits
assert 'vm2 beats where it was' beats vm2 node2
lab net node2 restore ring
lab bmc node2 alive
wait_for 90 'node2 is online again' host_is node2 online
wait_for 60 'vm2 is healthy' healthy vm2
assert 'it was not touched' untouched vm2
