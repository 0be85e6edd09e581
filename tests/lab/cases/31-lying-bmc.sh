#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 47
# A BMC that says "done" and does nothing, one that is slow, one that says "off" of a host that is on:
# nothing starts on their word.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

waits() { none_started "$frozen" '.*' vm1 && ! host_is node3 off; }
ordered() { grep -qs 'accepts off, and lies' "$LAB_STATE/bmc/node3/chassis.log"; }
failed_once() { # a fence of node3 ended without a proof
        [[ $(history_of 'map(select(.host == "node3")) | length' --event fence-result) != 0 ]]
}

case_cluster 3 --set cluster.after-fence=off --set cluster.fence-check=2s --set 'fence bmc3.timeout=6s'
add_guest vm1 node3
wait_for 60 'vm1 is healthy' healthy vm1

note 'accepts off and does not switch'
lab bmc node3 lie
frozen=$(now_msec)
lab freeze node3
wait_for 60 'it is told' ordered
wait_for 60 'that was no proof' failed_once
holds 3 'its word is none' waits
assert 'node3 is frozen, not off' power_is node3 frozen

note 'does what it is told, a while later'
lab bmc node3 slow 2
wait_for 90 'node3 is off' power_is node3 off
wait_for 60 'vm1 beats elsewhere' beats vm1 'node1|node2'
assert 'it was started once' once_started "$frozen" vm1
wait_for 30 'the proof is its devices' host_says node3 '.state == "off" and .proof == "devices"'

note 'reads off while its host is up'
lab bmc node3 alive
lab power node3 on
wait_for 60 'node3 is online again' host_is node3 online
wait_for 60 'vm1 is healthy' healthy vm1
assert 'vm1 moves there' ctl guest move vm1 node3
wait_for 30 'it beats there' beats vm1 node3
lab bmc node3 lie-off
wait_for 60 'it is distrusted' host_says node3 '.devices[0].distrusted'
assert 'nobody was fenced for that' host_is node3 online
frozen=$(now_msec)
lab freeze node3
wait_for 40 'node3 is lost' host_says node3 '.state == "lost" or .state == "fencing"'
lab bmc node3 alive # what lied proves nothing any more
wait_for 60 'vm1 is blocked' guest_says vm1 '.state == "blocked"'
holds 5 'nothing starts' waits
assert 'status says why, and what helps' status_says '.hosts[] | select(.name == "node3") |
        (.not_proven_why | test("bmc3")) and (.mend | test("hawctl fence confirm node3"))'
lab power node3 off
holds 3 'not even when it reads off rightly' waits
assert 'a person confirms' ctl fence confirm node3 --yes
wait_for 60 'vm1 beats elsewhere' beats vm1 'node1|node2'
assert 'it was started once' once_started "$frozen" vm1
assert 'nothing was lost, nothing ran twice' sound vm1
