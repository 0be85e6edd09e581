#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 67
# A guest with a synchronous mirror: its host dies, and it starts from the copy with every write that it had
# been told was done. The old host comes back and is copied to, by itself; then it takes over again. Out of
# step, a copy is not started from, until a person says so.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence qemu-nbd

CTL=node3
local_disk() { printf '%s/hosts/%s/local/vm1.raw\n' "$LAB_STATE" "$1"; }

case_cluster 3
local_guest vm1 node1 raw
wait_for 90 'vm1 is healthy' healthy vm1
assert 'a copy on node2 is wished for' ctl replica add vm1 node2 sync
wait_for 120 'in step' in_step vm1 node1 node2
refute 'its disk is no copy' test -e "$(local_disk node2)"

note 'hawd is restarted on both hosts: the mirror goes on'
serial=$(ctl --json replica list vm1 | jq '.replicas[0].serial')
for host in node1 node2; do lab daemon "$host" hawd restart; done
wait_for 60 'both are online again' status_says '[.hosts[] | select(.state == "online")] | length == 3'
wait_for 60 'in step' in_step vm1 node1 node2
assert 'it was never copied anew' replica_says vm1 ".serial == $serial"

note 'the host dies'
lost=$(now_msec)
lab power node1 off
wait_for 90 'vm1 beats on node2' beats vm1 node2 "$lost"
assert 'started once' once_started "$lost" vm1
wait_for 60 'it is healthy, its incident closed' healthy vm1
assert 'the incident names both' incident_says vm1 '.host == "node1" and .to_host == "node2"'
assert 'nothing was lost, nothing ran twice' sound vm1

note 'it comes back: copied to, from node2, and nobody had to say so'
wait_for 120 'node1 is online' host_is node1 online
wait_for 180 'in step, the other way round' in_step vm1 node2 node1
assert 'vm1 was left alone' once_started "$lost" vm1
lost=$(now_msec)
lab power node2 off
wait_for 90 'vm1 beats on node1 again' beats vm1 node1 "$lost"
wait_for 60 'it is healthy, its incident closed' healthy vm1
assert 'nothing was lost, nothing ran twice' sound vm1
