#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 47
# The ring of one host is cut, once of node3 and once of the leader: fenced, and never twice.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

orders() { # HOST: to switch it off, that reached its BMC
        grep -cs 'switching off' "$LAB_STATE/bmc/$1/chassis.log"
}

one_more() { # HOST N
        (($(orders "$1") == $2 + 1))
}

# A pattern of the hosts other than HOST
others() {
        printf 'node1|node2|node3\n' | sed "s/$1|\\||$1//"
}

cut_off() { # HOST GUEST: it runs there, and CTL is one of the others
        local since before
        since=$(now_msec)
        before=$(orders "$1")
        lab net "$1" cut ring
        wait_for 60 "$1 is switched off" one_more "$1" "${before:-0}"
        wait_for 60 "$2 beats on another host" beats "$2" "$(others "$1")"
        assert "$2 was started once" once_started "$since" "$2"
        wait_for 60 "$1 is switched on again" power_is "$1" on
        holds 5 'still cut off, it starts nothing' none_started "$since" "$1" '.*'
        lab net "$1" restore ring
        wait_for 60 "$1 is online again" host_is "$1" online
        wait_for 60 "$2 is healthy" healthy "$2"
        assert 'nothing was lost, nothing ran twice' sound "$2"
}

case_cluster 3
add_guest vm1 node3
wait_for 60 'vm1 is healthy' healthy vm1
note 'node3 is cut off'
cut_off node3 vm1

leader=$(leader)
note "the leader is cut off: $leader"
add_guest vm2 "$leader"
wait_for 60 'vm2 is healthy there' healthy vm2
CTL=$(another_than "$leader")
cut_off "$leader" vm2
wait_for 30 'vm1 is healthy too' healthy vm1
assert 'and sound' sound vm1
