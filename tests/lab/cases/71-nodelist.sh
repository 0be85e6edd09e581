#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 58
# corosync.conf changes while all runs: another token, a host more, a lost one less, one less in order.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

online() { # N: all N hosts of the ledger are
        status_says ".operational and (.hosts | length == $1 and all(.state == \"online\"))"
}
listed() { # NAMES
        status_says "[.hosts[].name] | sort | join(\" \") == \"$1\""
}
known() { # HOST: its device may prove something
        host_says "$1" '.devices | length == 1 and all(.seen_on)'
}
token_is() { # HOST MSEC
        lab exec "$1" -- corosync-cmapctl -g runtime.config.totem.token 2>/dev/null | grep -q "= $2\$"
}

case_up --hosts 4 --ring-hosts 3 --set cluster.after-fence=off
wait_for 60 'three hosts are online' online 3
add_guest vm1 node1
add_guest vm2 node2
wait_for 90 'two guests are healthy' healthy vm1 vm2

note 'the token changes'
lab corosync set totem.token=1500
for host in node1 node2 node3; do wait_for 20 "corosync of $host took it" token_is "$host" 1500; done
lab corosync set totem.token=1000
holds 3 'nobody left' online 3

note 'a fourth host'
lab corosync hosts node1 node2 node3 node4
wait_for 30 'it is listed' listed 'node1 node2 node3 node4'
assert 'as new' host_is node4 new
lab daemon node4 corosync start
wait_for 60 'it is online' online 4
wait_for 60 'its fence device is known' known node4
CTL=node4
assert 'it has the ledger' healthy vm1 vm2
assert 'and the history of before' test "$(history_of length --guest vm1)" -gt 0
ctl guest move vm1 node4 >/dev/null || fail 'vm1 does not move'
wait_for 60 'it takes a guest' beats vm1 node4
wait_for 60 'which is healthy there' healthy vm1

note 'it is lost, with its BMC, and taken out of the nodelist'
CTL=node1
since=$(now_msec)
lab bmc node4 dead
lab power node4 off
wait_for 60 'it is lost' host_says node4 '.state == "lost" or .state == "fencing"'
lab corosync hosts node1 node2 node3
holds 6 'it is not forgotten, and vm1 waits' listed 'node1 node2 node3 node4'
assert 'vm1 was not started' none_started "$since" '.*' vm1
lab bmc node4 alive
wait_for 90 'with the proof vm1 starts' once_started "$since" vm1
wait_for 30 'and the host is forgotten' listed 'node1 node2 node3'
wait_for 60 'vm1 is healthy' healthy vm1
assert 'the proof came first' test "$(history_of 'map(.event) | join(" ")' --event host-off,host-removed)" = 'host-off host-removed'
assert 'what became of it is told by its name' test "$(history_of 'map(.event == "host-removed") | any' --host node4)" = true
assert 'which each of its rows has' test "$(history_of 'map(.host) | unique | join(" ")' --host node4)" = node4

note 'it comes back'
since=$(now_msec)
lab corosync hosts node1 node2 node3 node4
lab power node4 on
wait_for 90 'it is online' online 4
assert 'it started nothing' none_started "$since" node4 '.*'

note 'it leaves in order'
lab daemon node4 hawd term
wait_for 30 'it is away' host_is node4 away
lab daemon node4 corosync term
lab corosync hosts node1 node2 node3
wait_for 30 'it is taken off the list' online 3
assert 'nobody was fenced for it' switched node4 off 0
holds 3 'three hosts go on' online 3
assert 'vm2 was not touched' untouched vm2
assert 'nothing was lost, nothing ran twice' sound vm1 vm2
