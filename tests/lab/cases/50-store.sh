#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 80
# The disk of hawd's database is full: on one host, on the leader, on all. Guests run on, whoever
# cannot store does not vote, and when there is room again it goes on by itself. A database that cannot
# be written at the start, is damaged, of a newer hawd, or older than what its host has acknowledged.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
# shellcheck source=../store.sh
. "$(dirname "$0")/../store.sh"
requires hawd hawctl hawd-fence

all_online() {
        status_says '.operational and ([.hosts[] | select(.state == "online")] | length == 3)'
}
undecided() { # HOST
        state_says "$1" '(.operational | not) and (.missing | contains("a majority of the hosts cannot store the ledger; guests run on"))'
}
pids() {
        lab daemon node1 hawd pid
        lab daemon node2 hawd pid
        lab daemon node3 hawd pid
}

case_cluster 3
for host in node1 node2 node3; do lab daemon "$host" hawd term; done
for host in node1 node2 node3; do own_disk "$host" 3m || fail "$host gets no disk"; done
for host in node1 node2 node3; do lab daemon "$host" hawd start; done
wait_for 60 'all are online, each with a small disk' all_online
add_guest vm1 node2
add_guest vm2 node3
wait_for 90 'two guests are healthy' healthy vm1 vm2
leader=$(leader)
follower=$(another_than "$leader")
before=$(pids)

note "the disk of $follower is full"
CTL=$leader
fill "$follower"
assert 'the others decide' decides
wait_for 20 'it is known everywhere, with the mend' store_fails "$follower" 'the disk is full: make room'
assert 'and in the journal' logged "$follower" 'store-failed: .*this host does not vote'
assert 'it is online, and the cluster decides' all_online
assert 'it follows' state_says "$follower" '.operational'
make_room "$follower"
wait_for 20 'with room it goes on' store_works "$follower"
assert 'as the journal says' logged "$follower" store-back

note "the disk of the leader, $leader, is full"
CTL=$follower
fill "$leader"
for _ in 1 2 3; do assert 'decisions go on' decides; done
wait_for 20 'it is known' store_fails "$leader" 'the disk is full'
make_room "$leader"
wait_for 20 'with room it goes on' store_works "$leader"
assert 'no hawd was restarted' test "$(pids)" == "$before"

note 'the disk of node2 is full, and its hawd dies'
CTL=node1
fill node2
assert 'something is decided' decides
wait_for 20 'it is known' store_fails node2 'the disk is full'
lab daemon node2 hawd kill
sleep 1
wait_for 60 'it is online again, and does not vote' store_fails node2 'the disk is full'
wait_for 60 'all are online' all_online
assert 'vm1 was not touched' untouched vm1
make_room node2
wait_for 60 'with room it votes again' store_works node2

note 'the disks of all are full'
for host in node1 node2 node3; do fill "$host"; done
decides &
asked=$!
for host in node1 node2 node3; do wait_for 20 "$host says so" undecided "$host"; done
ctl rule list >/dev/null || fail 'reading fails'
ctl guest stop vm1 >/dev/null 2>&1
assert 'who asks is told at once' test $? == 4
killed=$(now_msec)
lab guest kill vm2
holds 4 'vm1 runs on' beats vm1 node2
assert 'vm2 waits' none_started "$killed" '.*' '.*'
make_room node1
make_room node3
wait_for 40 'two with room decide, and vm2 is started' beats vm2 'node.' "$killed"
assert 'what was asked meanwhile is decided by now' wait "$asked"
make_room node2
wait_for 30 'all votes count' store_works node1 node2 node3
wait_for 60 'vm2 is healthy' healthy vm1 vm2
assert 'its start is stored everywhere' once_started "$killed" vm2

note 'the disk of node3 is mounted read-only when its hawd starts'
lab daemon node3 hawd term
on node3 'mount -o remount,ro /var/lib/hawd'
lab daemon node3 hawd start
wait_for 30 'it follows, and says what mends it' store_fails node3 'mount it for writing'
assert 'the others decide' decides
on node3 'mount -o remount,rw /var/lib/hawd'
wait_for 60 'mended, it goes on by itself' store_works node3

note 'the database of node3 is damaged'
lab daemon node3 hawd term
on node3 'dd if=/dev/urandom of=/var/lib/hawd/ledger.db bs=4096 seek=1 count=6 conv=notrunc 2>/dev/null'
lab daemon node3 hawd start
wait_for 60 'it is put aside, and taken from the others' state_says node3 \
        '.operational and .store_error == null and .store_lost == null and .store_kept != null'
wait_for 60 'it is online' all_online

note 'the database of node3 is from a newer hawd'
schema=$(schema_of node3)
lab daemon node3 hawd term
set_schema node3 99
lab daemon node3 hawd start
wait_for 20 'it is refused by name' logged node3 'from a newer hawd (schema 99'
wait_for 20 'and it ends' ends_for_good node3
assert 'the others decide' decides
set_schema node3 "$schema"
lab daemon node3 hawd start
wait_for 60 'as it was it is taken again' store_works node3

note 'node3 loses its power amid decisions, and its disk comes back as it was long ago'
for _ in 1 2 3 4 5 6 7 8; do decides; done &
writer=$!
sleep 0.2
lab power node3 off
wait "$writer"
lab power node3 on
wait_for 90 'all are online' all_online
wait_for 60 'it has the ledger again' state_says node3 '.operational and .store_error == null and .store_lost == null'

note 'what they wrote'
assert 'nobody was fenced' nobody_switched
assert 'vm1 was never touched' untouched vm1
wait_for 40 'node2 has the history of node1' same_history node1 node2
wait_for 40 'and node3' same_history node1 node3
