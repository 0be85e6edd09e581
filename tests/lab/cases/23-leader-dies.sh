#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The host that leads loses its power: the next one leads, and recovers its guest.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence jq

case_cluster 3 --set cluster.after-fence=off
add_guest vm1 node1
wait_for 60 'vm1 is healthy' healthy vm1
assert 'node1 leads' status_says '.leader == "node1"'

CTL=node2
lost=$(now_msec)
lab power node1 off
wait_for 60 'vm1 beats elsewhere' beats vm1 'node2|node3'
assert 'node2 leads' status_says '.operational and .leader == "node2"'
assert 'vm1 was started once' once_started "$lost" vm1
assert 'node1 was found off' switched node1 off 0
assert 'that was proof' host_says node1 '.proof == "devices"'
wait_for 60 'vm1 is healthy' healthy vm1
lab power node1 on
wait_for 60 'node1 is online again' host_is node1 online
wait_for 30 'and leads again' status_says '.leader == "node1"'
assert 'nothing was lost, nothing ran twice' sound vm1
