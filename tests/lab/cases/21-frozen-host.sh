#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 17
# All processes of a host stop, its BMC lives: fenced for real, then recovered; it rejoins clean.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

case_cluster 3 --set cluster.after-fence=off
add_guest vm1 node3
wait_for 60 'vm1 is healthy' healthy vm1

frozen=$(now_msec)
lab freeze node3
wait_for 60 'the frozen host is switched off' power_is node3 off
assert 'by its BMC, once' switched node3 off 1
wait_for 60 'vm1 beats elsewhere' beats vm1 'node1|node2'
assert 'it was started once' once_started "$frozen" vm1
wait_for 30 'node3 is known to be off' host_is node3 off
assert 'proven by its devices' host_says node3 '.proof == "devices"'
assert 'it stays off' switched node3 on 0

again=$(now_msec)
lab power node3 on
wait_for 60 'node3 is online again' host_is node3 online
holds 5 'it starts nothing of its own accord' none_started "$again" '.*' '.*'
assert 'it holds no claim' host_says node3 '.claims == 0 and .guests == 0'
assert 'libvirt there knows no vm1' test -z "$(lab exec node3 -- virsh -q list --all --name | grep -x vm1)"
wait_for 60 'vm1 is healthy' healthy vm1
assert 'nothing was lost, nothing ran twice' sound vm1
