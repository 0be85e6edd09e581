#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 45
# A host whose guests' network has no carrier, and then one that loses the storage: degraded, with the reason;
# new guests start elsewhere; it is well again by itself, and nobody was fenced.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence jq

degraded_by() { # HOST REASON TEXT
        host_says "$1" ".state == \"degraded\" and (.degraded_by | any(.reason == \"$2\" and (.text | test(\"$3\"))))"
}
starts_on() { # HOST GUEST
        lab guest xml "$2" >"$LAB_STATE/$2.xml" && ctl guest create "$LAB_STATE/$2.xml" --no-wait >/dev/null || return
        wait_for 60 "$2 starts on $1" guest_says "$2" ".host == \"$1\""
}
said() { # PATTERN COMMAND...
        ctl "${@:2}" | grep -q -- "$1"
}

case_cluster 2 --set "cluster.storage-paths=$LAB_STATE/shared/.here" --set cluster.uplink=brguest \
        --set cluster.degraded-after=2s

note 'the guests'"'"' network of node1 has no carrier'
lab net node1 cut guest
wait_for 30 'degraded, with the reason' degraded_by node1 uplink 'no port of brguest has a carrier'
assert 'status says so' said 'node1: degraded by uplink: no port' status
assert 'explain says what follows' said 'only where no other host can take them' explain host node1
starts_on node2 vm1 || fail 'vm1 is not taken'
assert 'it says why' guest_says vm1 '.placed_why | test("healthy before node1 .degraded: uplink.")'

note 'and it loses the storage'
lab storage node1 lose
wait_for 30 'degraded by that, too' degraded_by node1 storage 'shared/.here: No such file'
lab net node1 restore guest
wait_for 60 'the network is good again' host_says node1 '.state == "degraded" and [.degraded_by[].reason] == ["storage"]'
starts_on node2 vm2 || fail 'vm2 is not taken'
assert 'it says why' guest_says vm2 '.placed_why | test("not node1 .degraded: storage.")'
lab storage node1 restore
wait_for 60 'it is well again' host_is node1 online
assert 'history has when it began' test "$(history_of 'map(select(.host == "node1")) | length' --event host-degraded)" = 2
assert 'and when it ended' test "$(history_of 'map(select(.host == "node1")) | length' --event host-well)" = 2
wait_for 90 'both guests are healthy' healthy vm1 vm2
for host in node1 node2; do assert "$host was not switched" switched "$host" off 0; done
assert 'nothing was lost, nothing ran twice' sound vm1 vm2
