#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 60
# A guest with an asynchronous replica: its host dies. Where no loss is allowed, it stays blocked, and that
# is the reason; where it is, the guest starts from the copy, and the incident says how much is lost.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence jq qemu-img qemu-nbd

CTL=node3
blocked() { guest_says vm1 ".state == \"blocked\" and (.reason | test(\"$1\"))"; }
replica() { # JQ
        { ctl --json replica list vm1 || :; } 2>/dev/null | jq -r ".replicas[0] | $1"
}
whole() { [[ $(replica 'select(.state == "in-step" and .data == "node1" and .host == "node2").as_of') =~ [1-9] ]]; }
newer() { [[ $(replica .as_of) != "$as_of" ]]; }
console() { printf '%s/hosts/%s/log/libvirt/qemu/vm1.console\n' "$LAB_STATE" "$1"; }
says_loss() { lab logs node3 hawd 2>/dev/null | grep -q 'from its replica; what was written last is lost: [0-9]'; }

case_cluster 3 --set cluster.after-fence=off
disk=$LAB_STATE/local/vm1.qcow2 xml=$LAB_STATE/shared/.vm1.xml
lab exec node1 -- qemu-img create -q -f qcow2 "$disk" 64M
lab guest xml vm1 | sed "0,/<source file=/s|<source file='[^']*'/>|<source file='$disk'/>|" >"$xml"
lab exec node1 -- virsh -q define "$xml" || fail 'vm1 is not defined'
lab exec node1 -- virsh -q start vm1 || fail 'vm1 does not start'
ctl guest add vm1 --host node1 >/dev/null || fail 'vm1 is not enrolled'
wait_for 90 'vm1 is healthy' healthy vm1
assert 'a bound of the lag' ctl guest set vm1 replica-lag=10s
assert 'a copy on node2 is wished for' ctl replica add vm1 node2 async
wait_for 120 'whole, as of a time' whole
as_of=$(replica .as_of)
wait_for 120 'a newer one' newer
refute 'its disk is no copy' test -e "$LAB_STATE/hosts/node2/local/vm1.qcow2"

note 'the host dies: no loss is allowed'
lost=$(now_msec)
lab power node1 off
wait_for 90 'blocked: what may be done is said' blocked 'loss'
holds 3 'nothing is started' none_started "$lost" '.*' vm1

note 'an older copy is allowed'
assert 'by the policy' ctl guest set vm1 replica-loss=10min
wait_for 90 'vm1 beats on node2' beats vm1 node2 "$lost"
wait_for 60 'it is healthy' healthy vm1
wait_for 30 'the incident says how much is lost' says_loss
had=$(grep '^HB [0-9]* [0-9a-f]* [0-9]* [0-9]' "$(console node1)" | tail -n 1 | awk '{ print $2 }')
found=$(grep '^BOOT ' "$(console node2)" | tail -n 1 | awk '{ print $2 }')
((found > 0 && found <= had + 1)) || fail "it found $found, and had counted to $had"
note "ok: it found $found, and had counted to $had"
