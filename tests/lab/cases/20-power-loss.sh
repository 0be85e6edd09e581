#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 28
# A host loses its power: found off, its guests start elsewhere once each, by priority; it comes back.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

elsewhere() { beats low 'node1|node2' && beats mid 'node1|node2' && beats high 'node1|node2'; }
order() { qemus "$lost" '.*' 'low|mid|high' | awk '{ print $1 }' | paste -sd' '; }

case_cluster 3 --set cluster.host-start-slots=1 --set cluster.cluster-start-slots=1
add_guest low node3 --priority 50
add_guest high node3 --priority 300
add_guest mid node3 --priority 200
wait_for 90 'three guests on node3 are healthy' healthy low mid high
assert 'bmc3 was seen to read on' host_says node3 '.devices[0].seen_on'

lab bmc node3 slow 15 # a host takes its time to boot: its guests do not wait for it
lost=$(now_msec)
lab power node3 off
wait_for 90 'their heartbeats come from other hosts' elsewhere
assert 'in the order of priority' test "$(order)" = 'high mid low'
assert 'each was started once' once_started "$lost" low mid high
assert 'on other hosts' none_started "$lost" node3 '.*'
assert 'node3 was found off: nobody switched it off' switched node3 off 0
assert 'that was proof, by its devices' host_says node3 '.proof == "devices" or .state == "online"'
wait_for 60 'it is switched on again, and online' host_is node3 online
refute 'by its BMC' switched node3 on 0 # a slow one may be told again
wait_for 60 'the guests are healthy, incidents closed' healthy low mid high
for guest in low mid high; do
        wait_for 20 "the incident of $guest has all its parts" incident_says "$guest" '
                .host == "node3" and (.cause | test("node3")) and .to_host != "node3" and
                ([.parts.detect_ms, .parts.fence_ms, .parts.place_ms, .parts.start_ms, .parts.healthy_ms] | all(. != null))
                and .parts.total_ms > 2000'
done
wait_for 20 'so has that of the host' incident_says node3 '.fenced != null and .healthy != null'
assert 'none is open' status_says '.incidents == []'
assert 'node3 started nothing when it came back' none_started "$lost" node3 '.*'
assert 'nothing was lost, nothing ran twice' sound low mid high
