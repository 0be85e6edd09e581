#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 51
# All hosts lose their power and come back: each guest runs once again, with no command. With one still
# missing nothing that could run there starts before that one is proven off.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

online() { # N: so many hosts are
        status_says ".operational and ([.hosts[] | select(.state == \"online\")] | length == $1)"
}
blackout() {
        for host in node1 node2 node3; do lab power "$host" off; done
        since=$(now_msec)
}

# A hawd that has not met the others yet shows what it knew before.
recovered() {
        status_says .operational && once_started "$since" vm1 vm2 vm3 && healthy vm1 vm2 vm3
}
decides() { # HOST
        CTL=$1 status_says .operational
}
nobody_switched() {
        switched node1 off 0 && switched node2 off 0 && switched node3 off 0
}
not_those_of_node3() {
        local n
        for n in 1 2 3; do
                [[ ${home[n]} != node3 ]] || none_started "$since" '.*' "vm$n" || return 1
        done
}

declare -a home
case_cluster 3 --set cluster.daemon-grace=15s
for n in 1 2 3; do add_guest "vm$n" "node$n"; done
wait_for 90 'three guests are healthy' healthy vm1 vm2 vm3

note 'all power is lost, and comes back, on node1 later than on the others'
blackout
for host in node3 node2; do lab power "$host" on; done
wait_for 60 'the two decide without node1' decides node2
sleep 2
lab power node1 on
wait_for 90 'all guests are healthy' recovered
wait_for 60 'all hosts are online' online 3
assert 'node1 was not fenced amid its boot' nobody_switched
assert 'nothing was lost, nothing ran twice' sound vm1 vm2 vm3
wait_for 20 'each has an incident that says so' incident_says vm1 '.host == "node1" and .outcome != null'

note 'all power is lost, node3 does not come back, and its BMC is dead'
for n in 1 2 3; do home[n]=$(ctl --json guest show "vm$n" | jq -r .guest.host); done
lab bmc node3 dead
blackout
lab power node1 on
lab power node2 on
wait_for 60 'node3 is lost' host_says node3 '.state == "lost" or .state == "fencing"'
for n in 1 2 3; do [[ ${home[n]} == node3 ]] || wait_for 60 "vm$n, which was on ${home[n]}, starts" once_started "$since" "vm$n"; done
holds 6 'those of node3 do not' not_those_of_node3
lab bmc node3 alive
wait_for 120 'with its proof they do: all are healthy' healthy vm1 vm2 vm3
assert 'each was started once' once_started "$since" vm1 vm2 vm3
wait_for 60 'node3 is switched on and online again' online 3
assert 'it started nothing' none_started "$since" node3 '.*'
assert 'nothing was lost, nothing ran twice' sound vm1 vm2 vm3
