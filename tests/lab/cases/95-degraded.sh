#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 75
# A host whose guests' network has no carrier, and then one that loses the storage: degraded, with the reason;
# new guests start elsewhere, and one that runs there is moved; it is well again by itself, nobody was fenced.
# Beside it: hardware that is critical by its BMC.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence ipmitool

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

ipmi() { # HOST ARGUMENT...: as another host asks its BMC
        lab exec node1 -- ipmitool -I lanplus -N 1 -R 3 -C 3 -U "$BMC_USER" -P "$BMC_PASSWORD" \
                -H "$(bmc_address "$1")" "${@:2}" </dev/null >/dev/null
}

case_cluster 2 --set "cluster.storage-paths=$LAB_STATE/shared/.here" --set cluster.uplink=brguest \
        --set cluster.degraded-after=2s --set cluster.sensor-check=3s --set 'host node1.proactive=evacuate'
add_guest vm0 node1 --set stop-timeout=5s
wait_for 90 'vm0 is healthy' healthy vm0

note 'the guests'"'"' network of node1 has no carrier'
lab net node1 cut guest
wait_for 30 'degraded, with the reason' degraded_by node1 uplink 'no port of brguest has a carrier'
assert 'status says so' said 'node1: degraded by uplink: no port' status
assert 'explain says what follows' said 'only where no other host can take them' explain host node1
starts_on node2 vm1 || fail 'vm1 is not taken'
assert 'it says why' guest_says vm1 '.placed_why | test("healthy before node1 .degraded: uplink.")'
wait_for 90 'vm0 is moved there, since node1 is to be evacuated' healthy vm0
assert 'on node2' guest_says vm0 '.host == "node2" and .claims == ["node2"]'
assert 'as a relocation' test "$(history_of 'map(select(.guest == "vm0" and (.text | test("by hawd: node1 is degraded by uplink")))) | length')" = 1

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
note 'node2 gets hot, and has a memory error'
printf '92\n' >"$LAB_STATE/bmc/node2/celsius"
wait_for 60 'degraded, by the sensor and its reading' degraded_by node2 sensors 'CPU Temp is critical: 92 C'
printf '40\n' >"$LAB_STATE/bmc/node2/celsius"
wait_for 60 'it has cooled down' host_is node2 online
assert 'an uncorrectable ECC error' ipmi node2 raw 0x0a 0x44 0 0 0x02 0 0 0 0 0x20 0 0x04 0x0c 0x77 0x6f 0x01 0xff 0xff
wait_for 60 'degraded, by the log' degraded_by node2 sensors 'log: .*Uncorrectable memory error'
assert 'the log is cleared' ipmi node2 sel clear
wait_for 60 'it is well again' host_is node2 online
wait_for 90 'all guests are healthy' healthy vm0 vm1 vm2
for host in node1 node2; do assert "$host was not switched" switched "$host" off 0; done
assert 'nothing was lost, nothing ran twice' sound vm0 vm1 vm2
