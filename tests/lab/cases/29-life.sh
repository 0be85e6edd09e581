#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 35
# What a person does to a guest: create, pause, resume, move, ignore, stop, start, delete; from inside
# and by virsh too.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

xml=$LAB_STATE/vm1.xml
known_nowhere() { # GUEST
        local host
        for host in node1 node2; do
                if lab exec "$host" -- virsh -q domstate "$1" </dev/null >/dev/null 2>&1; then return 1; fi
        done
}
domstate_is() { [[ $(lab exec "$1" -- virsh -q domstate "$2" </dev/null 2>/dev/null | head -n 1) == "$3" ]]; }
gone() { ! ctl guest show vm1 >/dev/null 2>&1; }

case_cluster 2
lab guest xml vm1 >"$xml"
assert 'create' ctl guest create "$xml" --set stop-timeout=20s
wait_for 60 'it is healthy' healthy vm1
wait_for 10 'it beats on node1' beats vm1 node1

assert 'pause' ctl guest pause vm1
wait_for 10 'its heart stands still' silent vm1
assert 'libvirt says so' domstate_is node1 vm1 paused
assert 'resume' ctl guest resume vm1
wait_for 20 'it goes on' beats vm1 node1

assert 'move' ctl guest move vm1 node2
wait_for 60 'it beats on node2' beats vm1 node2
assert 'node1 no longer knows it' test -z "$(lab exec node1 -- virsh -q list --all --name | grep -x vm1)"
wait_for 60 'it is healthy' healthy vm1

assert 'ignore' ctl guest ignore vm1
ignored=$(now_msec)
lab guest kill vm1
holds 5 'ignored: it is left alone' none_started "$ignored" '.*' '.*'
assert 'start' ctl guest start vm1
wait_for 60 'it beats' beats vm1 '.*'
wait_for 60 'it is healthy' healthy vm1

assert 'stop' ctl guest stop vm1
wait_for 5 'it is silent' silent vm1
stopped=$(now_msec)
holds 3 'stopped: it stays so' none_started "$stopped" '.*' '.*'
assert 'start' ctl guest start vm1
wait_for 60 'it beats' beats vm1 '.*'
wait_for 60 'it is healthy' healthy vm1

lab guest exec vm1 -- poweroff -f >/dev/null 2>&1
wait_for 30 'shut down from inside: wanted stopped' guest_says vm1 '.desired == "stopped" and .state == "stopped"'
assert 'delete' ctl guest delete vm1 --yes
wait_for 20 'hawd does not know it' gone
assert 'nor does libvirt' known_nowhere vm1
assert 'its disk stays' test -e "$LAB_STATE/shared/vm1.qcow2"
assert 'nothing was lost, nothing ran twice' sound vm1
