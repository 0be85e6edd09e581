#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 54
# hawd is stopped and goes on: on a follower, on the leader. The others decide without it meanwhile; the
# guests of its host are left alone for daemon-grace, and then recovered.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

online() {
        status_says '.operational and (.hosts | length == 3 and all(.state == "online"))'
}
decided_without() { # HOST
        status_says ".operational and ([.group[].name] | index(\"$1\") | not)"
}
nobody_switched() {
        switched node1 off 0 && switched node2 off 0 && switched node3 off 0
}
third() { # HOST HOST
        printf 'node1\nnode2\nnode3\n' | grep -vx "$1" | grep -vx "$2"
}

case_cluster 3 --set cluster.daemon-grace=16s
leader=$(leader)
follower=$(another_than "$leader")
CTL=$(third "$leader" "$follower")
note "$leader leads, hawctl asks $CTL"
add_guest vm1 "$leader"
add_guest vm2 "$follower"
add_guest vm3 "$CTL"
declare -A guest_of=(["$leader"]=vm1 ["$follower"]=vm2 ["$CTL"]=vm3)
wait_for 90 'three guests are healthy' healthy vm1 vm2 vm3

note "hawd stops for 3 s on $follower"
lab daemon "$follower" hawd stop
sleep 3
lab daemon "$follower" hawd cont
wait_for 30 'all hosts are online' online

note "and until the others go on without it"
lab daemon "$follower" hawd stop
wait_for 30 'they do' decided_without "$follower"
lab daemon "$follower" hawd cont
wait_for 30 'it is one of them again' online
assert 'it says that it was left out' grep -q 'joins them anew' < <(lab logs "$follower" hawd)
assert 'its guest was not touched' untouched vm2

leader=$(leader)
[[ $leader != "$CTL" ]] || CTL=$(third "$leader" "$follower")
victim=${guest_of[$CTL]}
note "hawd stops on the leader, $leader, and QEMU dies elsewhere"
since=$(now_msec)
lab daemon "$leader" hawd stop
lab guest kill "$victim"
wait_for 30 'another leads' decided_without "$leader"
wait_for 30 "$victim is started" once_started "$since" "$victim"
lab daemon "$leader" hawd cont
wait_for 30 'all hosts are online' online
wait_for 60 'the guests are healthy' healthy vm1 vm2 vm3
assert 'its guest was not touched' untouched "${guest_of[$leader]}"
assert 'nobody was fenced' nobody_switched

note "hawd stops on $follower for longer than daemon-grace"
since=$(now_msec)
lab daemon "$follower" hawd stop
wait_for 60 "$follower is switched off" switched "$follower" off 1
wait_for 60 'vm2 is started' once_started "$since" vm2
assert 'elsewhere' none_started "$since" "$follower" vm2
wait_for 60 'all hosts are online' online
wait_for 60 'the guests are healthy' healthy vm1 vm2 vm3
assert 'nothing was lost, nothing ran twice' sound vm1 vm2 vm3
