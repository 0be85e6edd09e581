#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 17
# hawd is stopped: its guests run on, unsupervised. Then the power of that host fails: recovered.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

runs_on() { beats vm1 node3 && none_started "$stopped" '.*' '.*'; }

case_cluster 3 --set cluster.daemon-grace=3s
add_guest vm1 node3
wait_for 60 'vm1 is healthy' healthy vm1
wait_for 20 'vm1 beats' beats vm1 node3

note 'hawd is stopped and started'
stopped=$(now_msec)
lab daemon node3 hawd term
wait_for 20 'node3 is unsupervised' host_is node3 unsupervised
holds 6 'vm1 runs on, beyond daemon-grace' runs_on
assert 'node3 was not fenced' switched node3 off 0
lab daemon node3 hawd start
wait_for 40 'node3 is online again' host_is node3 online
assert 'vm1 was not touched' untouched vm1

note 'hawd is stopped, and then the power fails'
lab daemon node3 hawd term
wait_for 20 'node3 is unsupervised' host_is node3 unsupervised
lost=$(now_msec)
lab power node3 off
wait_for 60 'vm1 beats elsewhere' beats vm1 'node1|node2'
assert 'it was started once' once_started "$lost" vm1
wait_for 60 'node3 is online again' host_is node3 online
wait_for 40 'vm1 is healthy' healthy vm1
assert 'nothing was lost, nothing ran twice' sound vm1
