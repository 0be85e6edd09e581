#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 52
# The server that receives a copy ends a second before the host of the guest dies: what was written in that
# second is not in the copy, so nobody starts from it but by a person's word.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence jq qemu-nbd

CTL=node3
blocked() { guest_says vm1 ".state == \"blocked\" and (.reason | test(\"$1\"))"; }

case_cluster 3 --set cluster.after-fence=off
local_guest vm1 node1
wait_for 90 'vm1 is healthy' healthy vm1
assert 'a copy on node2 is wished for' ctl replica add vm1 node2 sync
wait_for 120 'in step' in_step vm1 node1 node2

lost=$(now_msec)
lab exec node2 -- sh -c "kill -9 \$(awk '/^disk/ { print \$5 }' /var/lib/hawd/replicas/*.[0-9])"
sleep 1
lab power node1 off
wait_for 90 'blocked: what may be done is said' blocked 'accept-loss'
assert 'the veto is on the disk' grep -q ended "$LAB_STATE"/hosts/node2/lib/hawd/replicas/*.veto
holds 5 'nothing is started' none_started "$lost" '.*' vm1
refute 'no start that loses nothing' ctl replica promote vm1
assert 'a person accepts the loss' ctl replica promote vm1 --accept-loss --yes
wait_for 90 'vm1 beats on node2' beats vm1 node2 "$lost"
wait_for 60 'it is healthy' healthy vm1
