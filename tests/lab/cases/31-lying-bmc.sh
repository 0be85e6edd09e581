#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 70
# A BMC that says "done" and does nothing, one that says "off" of a host that is on, one that is slow:
# nothing starts on their word.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence jq

waits() { none_started "$frozen" '.*' vm1 && ! host_is node3 off; }

case_cluster 3 --set cluster.after-fence=off --set cluster.fence-check=2s
add_guest vm1 node3
wait_for 60 'vm1 is healthy' healthy vm1

note 'reads off while its host is up'
lab bmc node3 lie-off
wait_for 30 'it is distrusted' host_says node3 '.devices[0].distrusted'
assert 'nobody was fenced for that' host_is node3 online
frozen=$(now_msec)
lab freeze node3
wait_for 40 'node3 is lost' host_says node3 '.state == "lost" or .state == "fencing"'
holds 5 'its word is no proof' waits

note 'accepts off and does not switch'
lab bmc node3 lie
holds 5 'nor is that' waits
assert 'node3 is frozen, not off' power_is node3 frozen

note 'does what it is told, a while later'
lab bmc node3 slow 2
wait_for 120 'node3 is off' power_is node3 off
assert 'nothing had been started before' none_started "$frozen" '.*' vm1
holds 3 'a device that lied proves nothing any more' waits
assert 'status says so' status_says '.hosts[] | select(.name == "node3") | .not_proven_why | length > 0'
assert 'a person confirms' ctl fence confirm node3 --yes
wait_for 60 'vm1 beats elsewhere' beats vm1 'node1|node2'
assert 'nothing was lost, nothing ran twice' sound vm1
