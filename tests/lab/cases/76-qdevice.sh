#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 53
# Two hosts and a quorum device. Cut apart, the one that has its vote goes on, and fences the other. The
# device counts votes, but stores no ledger: alone with it only that one starts which was left alone.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence corosync-qdevice corosync-qnetd

online() { # N: so many hosts are
        status_says ".operational and ([.hosts[] | select(.state == \"online\")] | length == $1)"
}
orders() { # HOST
        grep -cs 'switching off' "$LAB_STATE/bmc/$1/chassis.log"
}
one_fenced() {
        (($(orders node1) + $(orders node2) == 1))
}
with_qdevice() { # HOST
        lab exec "$1" -- corosync-quorumtool -s | grep -q '^Total votes: *3'
}

case_cluster 2 --qdevice --set cluster.after-fence=off
add_guest vm1 node1
add_guest vm2 node2 --priority 300
wait_for 60 'two guests are healthy' healthy vm1 vm2

note 'the quorum device goes away and comes back'
lab qnetd kill
wait_for 60 'corosync does without its vote' lab exec node1 -- sh -c 'corosync-quorumtool -s | grep -q "^Total votes: *2"'
holds 3 'hawd goes on' online 2
lab qnetd start
wait_for 60 'its vote is back' with_qdevice node1

note 'the ring is cut, both reach the quorum device'
lab net node1 cut ring
wait_for 60 'one of the two is switched off' one_fenced
if (($(orders node1) > 0)); then
        lost=node1 CTL=node2
else
        lost=node2 CTL=node1
fi
note "it is $lost"
wait_for 30 'the other decides' online 1
wait_for 90 'both guests are healthy there' healthy vm1 vm2
lab net node1 restore ring
lab power "$lost" on
wait_for 60 'with the ring it is online again' online 2
assert 'exactly one was switched off' one_fenced

note 'the host with the more important guest is cut off from all'
important=$(ctl --json guest show vm2 | jq -r .guest.host)
CTL=$(another_than "$important")
before=$(orders "$important")
since=$(now_msec)
lab net "$important" cut all
wait_for 60 "$important is switched off all the same" power_is "$important" off
wait_for 30 "$CTL decides" online 1
wait_for 60 'vm2 is started there' once_started "$since" vm2
wait_for 90 'both guests are healthy' healthy vm1 vm2
assert 'by one order' test "$(orders "$important")" = $((before + 1))
lab net "$important" restore all

note "$CTL loses its power, and starts alone with the quorum device"
since=$(now_msec)
lab power "$CTL" off
lab power "$CTL" on
wait_for 60 'it starts each guest once' once_started "$since" vm1 vm2

note "$important starts alone with the quorum device"
lab power "$CTL" off
since=$(now_msec)
lab power "$important" on
right=$CTL CTL=$important
wait_for 60 'the ring is quorate, nothing is decided, and it says what it waits for' status_says \
        ".quorate and .operational == false and (.missing | test(\"$right\"))"
ctl status | sed -n 2p
holds 8 'it starts nothing, and fences nobody' none_started "$since" '.*' '.*'
lab power "$right" on
wait_for 60 'with the other there both are online' online 2
wait_for 60 'each guest is started once' once_started "$since" vm1 vm2
wait_for 90 'they are healthy' healthy vm1 vm2
assert 'nothing was lost, nothing ran twice' sound vm1 vm2
