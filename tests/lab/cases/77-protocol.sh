#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 45
# A hawd of a later minor version works with the others, one of another major version is refused by name,
# as is garbage, and holds nobody up.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

online() {
        status_says '.operational and (.hosts | length == 3 and all(.state == "online"))'
}
refused() { # REGEXP: so the others say of node3
        local host
        for host in node1 node2; do
                lab logs "$host" hawd | grep -Eq "node3 is refused: $1" || return
        done
}
not_refused() {
        ! lab logs node1 hawd | grep -q 'is refused'
}
recovers() { # GUEST: its QEMU is killed
        local since
        since=$(now_msec)
        lab guest kill "$1"
        wait_for 60 "$1 is started" once_started "$since" "$1"
        wait_for 60 "$1 is healthy" healthy "$1"
}

case_cluster 3
add_guest vm1 node1
add_guest vm3 node3
wait_for 60 'two guests are healthy' healthy vm1 vm3

note 'node3 has a later minor version'
lab wire node3 newer
wait_for 40 'all hosts are online' online
recovers vm3
assert 'nobody refused it' not_refused

note 'node3 speaks garbage now and then'
lab wire node3 garbage
wait_for 30 'it is refused by name' refused '.'
wait_for 60 'and all hosts are online' online
recovers vm1

note 'node3 has another major version'
lab wire node3 major
since=$(now_msec)
wait_for 30 'it is refused by name, and what mends it' refused 'speaks version 2 .* upgrade the older'
wait_for 30 'the others go on without it' status_says '.operational and ([.group[].name] == ["node1", "node2"])'
recovers vm1
assert 'its host is unsupervised' host_is node3 unsupervised
CTL=node3
assert 'it says itself that it decides nothing' status_says '.operational == false and .missing != null'
ctl status | sed -n 2p
CTL=node1
assert 'its guest was left alone' none_started "$since" '.*' vm3

note 'node3 is like the others again'
lab wire node3 plain
wait_for 60 'all hosts are online' online
for host in node1 node2 node3; do assert "$host was not fenced" switched "$host" off 0; done
assert 'nothing was lost, nothing ran twice' sound vm1 vm3
