#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 60
# Hosts with watchdogs: hawd stopped in order disarms; hawd killed and held back, the host is reset; a host
# that stands still, with a dead BMC, is reset all the same, and its guests start after that.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
# shellcheck source=../dog.sh
. "$(dirname "$0")/../dog.sh"
requires hawd hawctl hawd-fence hawd-facts pkg-config

held_back() { # HOST: nobody starts hawd there any more
        lab exec "$1" -- touch /run/hawd-lab/hawd.stopped
}

case_cluster 3 --watchdogs --set "cluster.lease=$((LEASE / 1000))s" --set "cluster.watchdog-timeout=$((TIMEOUT / 1000))s" \
        --set cluster.after-fence=off --set 'fence bmc2.timeout=3s'
add_guest vm1 node3
add_guest vm2 node2
wait_for 60 'the watchdogs are known to be armed' armed node1 node2 node3
assert 'doctor finds them so' grep -q '^ok .*node3: /.*/watchdog is armed: 4 s, lease 8 s \[watchdog\]' <(ctl doctor --all)

note 'hawd on node1 is stopped in order'
CTL=node2
since=$(now_msec)
lab daemon node1 hawd term
assert 'its watchdog is disarmed' dog_says node1 disarmed "$since"
assert 'and the others know that' host_says node1 '.watchdog_ms == null'
wait_for 60 'vm1 and vm2 are healthy' healthy vm1 vm2
lab daemon node1 hawd start
wait_for 60 'hawd is back, and it is armed again' armed node1
refute 'node1 was not reset' dog_says node1 expired 0

note 'hawd on node3 is killed, and not started again'
killed=$(now_msec)
held_back node3
lab daemon node3 hawd kill
wait_for 60 'its watchdog resets node3' dog_says node3 expired "$killed"
wait_for 60 'vm1 beats elsewhere' beats vm1 'node1|node2'
assert 'it was started once' once_started "$killed" vm1
assert 'after the reset' test "$(first_start "$killed" vm1)" -gt "$(dog_said node3 expired "$killed")"
lab power node3 on
wait_for 60 'node3 is online again, armed' armed node3
CTL=node3
wait_for 60 'vm1 and vm2 are healthy' healthy vm1 vm2

note 'node2 stands still, and its BMC is dead'
frozen=$(now_msec)
lab bmc node2 dead
lab freeze node2
wait_for 90 'it is proven off' host_says node2 '.proof == "lease"'
wait_for 60 'vm2 beats elsewhere' beats vm2 'node1|node3'
assert 'it was started once' once_started "$frozen" vm2
reset_first node2 vm2 "$frozen"
wait_for 60 'vm1 and vm2 are healthy' healthy vm1 vm2
assert 'nothing was lost, nothing ran twice' sound vm1 vm2
