#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 66
# The ring of one host is cut, once of another and once of the leader: fenced, and never twice.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence jq

cut_off() { # HOST GUEST OTHERS: CTL is one of the others
        local since
        since=$(now_msec)
        lab net "$1" cut ring
        wait_for 60 "$1 is switched off" switched "$1" off 1
        wait_for 60 "$2 beats on another host" beats "$2" "$3"
        assert "$2 was started once" once_started "$since" "$2"
        wait_for 60 "$1 is switched on again" power_is "$1" on
        holds 5 "cut off, it starts nothing" none_started "$since" "$1" '.*'
        lab net "$1" restore ring
        wait_for 60 "$1 is online again" host_is "$1" online
        wait_for 60 "$2 is healthy" healthy "$2"
        assert 'nothing was lost, nothing ran twice' sound "$2"
}

case_cluster 3
add_guest vm1 node3
add_guest vm2 node1
wait_for 60 'two guests are healthy' healthy vm1 vm2
note 'node3 is cut off'
cut_off node3 vm1 'node1|node2'
assert 'vm2 was not touched' untouched vm2
note 'the leader is cut off'
assert 'node1 leads' status_says '.leader == "node1"'
CTL=node2
cut_off node1 vm2 'node2|node3'
wait_for 30 'vm1 is healthy too' healthy vm1
assert 'and sound' sound vm1
