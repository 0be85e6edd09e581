#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 61
# Two hosts, two_node. Cut apart, the one with the more important guests goes on, and the other is fenced,
# once. Who was left alone may start alone, the other may not; both together may.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

online() { # N: so many hosts are
        status_says ".operational and ([.hosts[] | select(.state == \"online\")] | length == $1)"
}
never_switched() {
        switched node2 off 0
}

case_cluster 2 --set cluster.after-fence=off
add_guest vm1 node1
add_guest vm2 node2 --priority 300
wait_for 60 'two guests are healthy' healthy vm1 vm2
CTL=node2

note 'the link is cut'
since=$(now_msec)
lab net node1 cut ring
wait_for 60 'node1 is switched off' switched node1 off 1
wait_for 60 'vm1 is started' once_started "$since" vm1
assert 'on node2' none_started "$since" node1 '.*'
wait_for 30 'node2 decides' online 1
wait_for 60 'both guests are healthy' healthy vm1 vm2
assert 'vm2 was not touched' untouched vm2

note 'node1 is switched on, and still cut off'
since=$(now_msec)
lab power node1 on
holds 12 'it fences nobody and starts nothing' none_started "$since" '.*' '.*'
assert 'node2 was never switched off' never_switched
lab net node1 restore ring
wait_for 60 'with the link it is online again' online 2
assert 'it started nothing' none_started "$since" '.*' '.*'

note 'node1 loses its power, then node2'
lab power node1 off
wait_for 60 'node1 is proven off' host_is node1 off
assert 'found so' switched node1 off 1
since=$(now_msec)
lab power node2 off
lab power node2 on
wait_for 60 'node2 decides, alone' online 1
wait_for 60 'it starts each guest once' once_started "$since" vm1 vm2

note 'the wrong one starts'
lab power node2 off
since=$(now_msec)
lab power node1 on
CTL=node1
wait_for 60 'node1 says what it waits for' status_says '.operational == false and (.missing | test("node2"))'
holds 8 'it starts nothing, and fences nobody' none_started "$since" '.*' '.*'
assert 'node2 was never switched off' never_switched
ctl status | head -n 3
lab power node2 on
wait_for 60 'with node2 there both are online' online 2
wait_for 60 'each guest is started once' once_started "$since" vm1 vm2
wait_for 90 'they are healthy' healthy vm1 vm2

note 'both lose their power'
lab power node1 off
lab power node2 off
since=$(now_msec)
lab power node1 on
lab power node2 on
wait_for 60 'both are online' online 2
wait_for 60 'each guest is started once' once_started "$since" vm1 vm2
wait_for 90 'they are healthy' healthy vm1 vm2
assert 'nobody was fenced but at first' switched node1 off 1
assert 'node2 never' never_switched
assert 'nothing was lost, nothing ran twice' sound vm1 vm2
