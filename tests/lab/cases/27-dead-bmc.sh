#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 30
# A BMC dies with its host: unknown is not off, so nothing starts; hawd says why, and what helps.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

confirm='hawctl fence confirm node3 --yes'
waits() { none_started "$lost" '.*' vm1 && ! host_is node3 off; }

# The start of the job follows the person's word, and not another try with the dead BMC.
# shellcheck disable=SC2016 # for jq
released() {
        [[ $(history_of '(map(.event) | rindex("fence-confirmed")) as $said | .[$said:] |
                (map(.event == "guest-placed" and .guest == "vm1") | index(true)) as $placed |
                $placed != null and (.[:$placed] | all((.event != "fence-start") or (.text | test("switches node3 off") | not)))') == true ]]
}

case_cluster 3
add_guest vm1 node3
wait_for 60 'vm1 is healthy' healthy vm1

lost=$(now_msec)
lab bmc node3 dead
lab power node3 off
wait_for 40 'node3 is lost' host_says node3 '.state == "lost" or .state == "fencing"'
holds 20 'nothing starts' waits
wait_for 40 'vm1 is blocked' guest_says vm1 '.state == "blocked"'
assert 'its reason names the host and the mend' guest_says vm1 ".reason | test(\"node3\") and test(\"$confirm\")"
assert 'status names both' grep -q "$confirm" <(ctl status)
assert 'and its JSON' status_says ".hosts[] | select(.name == \"node3\") | (.not_proven_why | length > 0) and (.mend | test(\"$confirm\"))"
assert 'explain guest names the host' grep -q 'node3 is lost' <(ctl explain guest vm1)
assert 'and the mend' grep -q "$confirm" <(ctl explain guest vm1)
assert 'explain host too' grep -q "$confirm" <(ctl explain host node3)
refute 'without --yes nothing is confirmed' ctl fence confirm node3
assert 'a person confirms' ctl fence confirm node3 --yes
wait_for 10 'that is proof' host_says node3 '.proof == "operator"'
wait_for 60 'vm1 beats elsewhere' beats vm1 'node1|node2'
assert 'the start followed at once' released
assert 'it was started once' once_started "$lost" vm1

lab bmc node3 alive
lab power node3 on
wait_for 60 'node3 is online again' host_is node3 online
wait_for 40 'vm1 is healthy' healthy vm1
assert 'nothing was lost, nothing ran twice' sound vm1
