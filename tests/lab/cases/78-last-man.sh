#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 24
# last_man_standing: four hosts, of which three are lost one after the other. The rest goes on each time.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

expects() { # VOTES: corosync on node1 does, and is quorate
        lab exec node1 -- corosync-quorumtool -s | grep -q "^Expected votes: *$1\$" &&
                lab exec node1 -- corosync-quorumtool -s | grep -q '^Quorate: *Yes'
}

case_cluster 4 --set cluster.after-fence=off --corosync quorum.last_man_standing=1 \
        --corosync quorum.last_man_standing_window=1500 --corosync quorum.wait_for_all=1 \
        --corosync quorum.auto_tie_breaker=1
add_guest vm1 node1
add_guest vm2 node4
ctl rule add next prefer --guests vm2 --hosts node3 >/dev/null || fail 'no rule'
wait_for 60 'two guests are healthy' healthy vm1 vm2
left=3
for lost in node4 node3 node2; do
        note "$lost loses its power"
        since=$(now_msec)
        on=$(ctl --json guest show vm2 | jq -r .guest.host)
        lab power "$lost" off
        wait_for 60 "$lost is known to be off" host_is "$lost" off
        [[ $on != "$lost" ]] || wait_for 60 'vm2 is started once' once_started "$since" vm2
        ((left < 2)) || wait_for 60 "corosync expects $left votes" expects "$left"
        assert 'decisions are made' status_says '.operational'
        left=$((left - 1))
done
wait_for 60 'both guests are healthy, on node1' healthy vm1 vm2
assert 'vm1 was not touched' untouched vm1
for host in node2 node3 node4; do
        assert "$host was found off" switched "$host" off 0
        lab power "$host" on
done
wait_for 90 'all hosts are online again' status_says '.operational and (.hosts | length == 4 and all(.state == "online"))'
assert 'nothing was lost, nothing ran twice' sound vm1 vm2
