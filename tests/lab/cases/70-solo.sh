#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 34
# One host without corosync: its guests are kept, over ends of QEMU, hawd and the host. A ring later.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl

log_says() { # HOST TEXT
        lab logs "$1" hawd | grep -qF "$2"
}
online() { # N: so many hosts are, as CTL sees it
        status_says ".operational and ([.hosts[] | select(.state == \"online\")] | length == $1)"
}

case_up --hosts 2 --solo --set cluster.host-start-slots=1
wait_for 60 'node1 is online, alone' online 1
assert 'status says solo' status_says '.ring == "solo" and (.hosts | length == 1)'
assert 'for people too' grep -q 'operational, solo, as node1 sees it' < <(ctl status)
add_guest vm1 node1 --priority 200
add_guest vm2 node1
wait_for 60 'two guests are healthy' healthy vm1 vm2

note 'hawd is restarted, then killed'
lab daemon node1 hawd restart
wait_for 40 'node1 is online' online 1
lab daemon node1 hawd kill
wait_for 40 'and again' online 1
assert 'no QEMU was started' test "$(qemus 0 '.*' '.*' | wc -l)" = 2

note 'QEMU is killed'
since=$(now_msec)
lab guest kill vm1
wait_for 60 'vm1 is started' once_started "$since" vm1
wait_for 60 'it is healthy' healthy vm1
wait_for 20 'the incident says so' incident_says vm1 '.host == "node1" and .to_host == "node1" and .fenced == null'
assert 'vm2 was left alone' untouched vm2

note 'the host loses its power'
lab power node1 off
since=$(now_msec)
lab power node1 on
wait_for 60 'node1 is online' online 1
wait_for 60 'each is started once' once_started "$since" vm1 vm2
wait_for 60 'both guests are healthy' healthy vm1 vm2
assert 'by priority' test "$(qemus "$since" '.*' '.*' | awk '{ print $1 }' | paste -sd' ')" = 'vm1 vm2'

note 'a ring of two: the ledger of node1 is kept, that of node2 does not fit'
lab daemon node1 hawd term
lab daemon node2 hawd term
lab corosync hosts node1 node2
lab daemon node1 corosync start
lab daemon node2 corosync start
lab daemon node1 hawd start
lab daemon node2 hawd start
wait_for 60 'node2 refuses to start as node 2' log_says node2 \
        "node2 is node 2 in corosync.conf and node 1 in this host's ledger: give it nodeid 1, or"
wait_for 20 'and it ends' ends_for_good node2
lab exec node2 -- sh -c 'rm /var/lib/hawd/*'
lab daemon node2 hawd start
wait_for 60 'then it joins' online 2
assert 'status says nothing of solo' status_says '.ring == "corosync"'
wait_for 60 'the guests are there' healthy vm1 vm2
assert 'nothing was lost, nothing ran twice' sound vm1 vm2
assert 'still those' once_started "$since" vm1 vm2

note 'solo again, on a ledger of two hosts'
lab daemon node1 hawd term
lab exec node1 -- sed -i '/^\[cluster\]/aring = solo' /etc/hawd/hawd.conf
lab daemon node1 hawd start
wait_for 40 'refused, and why' log_says node1 'ring = solo is for one host, and the ledger lists 2'
assert 'the guests run on' once_started "$since" vm1 vm2
