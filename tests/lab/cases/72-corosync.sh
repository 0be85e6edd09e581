#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 39
# corosync is restarted: nobody is touched. It stops: its host leaves the ring, and is fenced if it can be;
# where not, it comes back with its guest as it was.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

online() {
        status_says '.operational and (.hosts | length == 3 and all(.state == "online"))'
}
events() { # HOST: since the start, those of its state
        history_of 'map(.event) | map(select(test("^host-|^fence-cancel"))) | join(" ")' --host "$1"
}
events_are() { # HOST EVENTS
        [[ $(events "$1") == "$2" ]]
}
lost() { # HOST
        host_says "$1" '.state == "lost" or .state == "fencing"'
}

# How long ago a majority last heard of it, as its own hawd says.
lease_is() { # HOST TEST
        CTL=$1 status_says ".lease_renewed_ms_ago $2"
}

case_cluster 3
add_guest vm1 node3
wait_for 60 'vm1 is healthy' healthy vm1

note 'corosync is restarted where the guest runs, then where hawctl asks'
before=$(events node3)
lab daemon node3 corosync restart
wait_for 60 'node3 is online again' host_is node3 online
wait_for 30 'it was unsupervised meanwhile, never lost' events_are node3 "$before host-unsupervised host-joining host-online"
lab daemon node1 corosync restart
wait_for 60 'all hosts are online' online

note 'corosync stops for 5 s, and the host cannot be fenced'
lab bmc node3 dead
lab daemon node3 corosync stop
wait_for 60 'node3 is lost' lost node3
wait_for 30 'nothing renews the lease of node3' lease_is node3 '> 4000'
assert 'node1 is heard by a majority' lease_is node1 '< 4000'
lab daemon node3 corosync cont
wait_for 90 'node3 is online again' host_is node3 online
wait_for 30 'node3 is heard by a majority' lease_is node3 '< 2000'
lab bmc node3 alive
wait_for 90 'all hosts are online' online
wait_for 60 'vm1 is healthy' healthy vm1
assert 'nobody was fenced in all this' switched node3 off 0
assert 'and vm1 never touched' untouched vm1

note 'corosync stops for 20 s'
CTL=node1
since=$(now_msec)
lab daemon node3 corosync stop
wait_for 60 'node3 is switched off' switched node3 off 1
wait_for 60 'vm1 beats elsewhere' beats vm1 'node1|node2'
assert 'it was started once' once_started "$since" vm1
wait_for 60 'node3 is online again' host_is node3 online
wait_for 60 'vm1 is healthy' healthy vm1
assert 'nothing was lost, nothing ran twice' sound vm1
