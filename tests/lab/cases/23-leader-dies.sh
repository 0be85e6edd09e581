#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 14
# The host that leads loses its power: another leads, and recovers its guest.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

case_cluster 3 --set cluster.after-fence=off
old=$(leader)
note "$old leads"
add_guest vm1 "$old"
wait_for 60 'vm1 is healthy there' healthy vm1
assert 'nothing has changed that' test "$(leader)" = "$old"

CTL=$(another_than "$old")
lost=$(now_msec)
lab power "$old" off
wait_for 60 'vm1 is started' once_started "$lost" vm1
wait_for 60 'it beats' beats vm1 '.*'
assert 'not there' none_started "$lost" "$old" vm1
refute 'another leads' test "$(leader)" = "$old"
assert 'decisions are made' status_says '.operational and .leader != null'
assert "$old was found off" switched "$old" off 0
assert 'that was proof' host_says "$old" '.proof == "devices"'
wait_for 60 'vm1 is healthy' healthy vm1
lab power "$old" on
wait_for 60 "$old is online again" host_is "$old" online
assert 'one leads' status_says '.leader != null'
assert 'nothing was lost, nothing ran twice' sound vm1
