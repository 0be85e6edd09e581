#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 28
# hawd dies and comes back: nobody is touched. QEMU dies: restarted in place. corosync dies: fenced.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

runs_anew() { # HOST PID
        local pid
        pid=$(lab daemon "$1" hawd pid)
        [[ -n $pid && $pid != "$2" ]]
}

kill_hawd() { # HOST
        local pid
        pid=$(lab daemon "$1" hawd pid)
        lab daemon "$1" hawd kill
        wait_for 20 "hawd on $1 runs anew" runs_anew "$1" "$pid"
        wait_for 40 'all hosts are online' status_says '.operational and ([.hosts[] | select(.state == "online")] | length == 3)'
        wait_for 40 'vm1 is healthy' healthy vm1
}

nobody_switched() {
        switched node1 off 0 && switched node2 off 0 && switched node3 off 0
}

case_cluster 3
add_guest vm1 node2
wait_for 60 'vm1 is healthy' healthy vm1

note 'hawd is killed: where the guest runs, then on the leader'
kill_hawd node2
leader=$(leader)
CTL=$(another_than "$leader")
kill_hawd "$leader"
CTL=node1
assert 'nobody was fenced' nobody_switched
assert 'its QEMU is the same' once_started 0 vm1
assert 'its heart never stopped' untouched vm1

note 'QEMU is killed'
killed=$(now_msec)
lab guest kill vm1
wait_for 60 'it is started once' once_started "$killed" vm1
wait_for 60 'vm1 beats again on node2' beats vm1 node2
wait_for 40 'it is healthy' healthy vm1
wait_for 20 'the incident says what happened, and where it came to' incident_says vm1 '
        .kind == "guest" and .host == "node2" and .to_host == "node2" and (.cause | length > 0)
        and .fenced == null and (.outcome | length > 0) and .parts.total_ms > 0'
assert 'it is a restart in place' guest_says vm1 '.restarts == 1 and .claims == ["node2"]'
assert 'nobody was fenced' nobody_switched

note 'corosync is killed'
killed=$(now_msec)
lab daemon node2 corosync kill
wait_for 60 'node2 is switched off' switched node2 off 1
wait_for 60 'vm1 beats elsewhere' beats vm1 'node1|node3'
assert 'it was started once' once_started "$killed" vm1
wait_for 60 'node2 is online again' host_is node2 online
wait_for 40 'vm1 is healthy' healthy vm1
assert 'nothing was lost, nothing ran twice' sound vm1
