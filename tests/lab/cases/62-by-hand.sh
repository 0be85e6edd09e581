#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 23
# What somebody does with virsh behind hawd's back: suspend, autostart, undefine, edit, migrate; copies on
# the wrong host, started, created, started while hawd is down there. Only the claimed copy lives.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

v() { # HOST VIRSH-ARGUMENT...
        local host=$1
        shift
        lab exec "$host" -- virsh -q "$@" </dev/null
}
logged() { lab logs "$1" hawd | grep -q "$2"; } # HOST REGEXP
autostart_off() { v node1 dominfo vm1 | grep -Eq '^Autostart: +disable'; }
runs_not_on() { ! v "$1" list --name | grep -qx vm1; }
rogues() { history_of 'map(select(.guest == "vm1")) | length' --event guest-rogue; }
rogues_are() { [[ $(rogues) == "$1" ]]; }
copy_starts() { v "$1" "define $LAB_STATE/copy.xml; start vm1"; } # if hawd does not undefine it first
in_peace() { # since SECONDS it was left alone on node1
        beats vm1 node1 && guest_says vm1 '.state == "running" and .claims == ["node1"] and .incident == null'
}

case_cluster 3
add_guest vm1 node1
wait_for 60 'vm1 is healthy' healthy vm1
wait_for 20 'it beats' beats vm1 node1
v node1 dumpxml vm1 --inactive >"$LAB_STATE/copy.xml"

note 'autostart'
v node1 autostart vm1

note 'suspend and resume'
v node1 suspend vm1
wait_for 20 'it is wanted paused' guest_says vm1 '.state == "paused" and .desired == "paused"'
v node1 resume vm1
wait_for 20 'it is wanted running' guest_says vm1 '.state == "running" and .desired == "running"'

note 'a copy on another host, defined and started; then created'
wait_for 20 'it starts' copy_starts node2
wait_for 20 'it is stopped' runs_not_on node2
wait_for 20 'and recorded' rogues_are 1
refute 'nor is it defined there' v node2 domstate vm1
v node3 create "$LAB_STATE/copy.xml"
wait_for 20 'it is stopped' runs_not_on node3
wait_for 20 'and recorded' rogues_are 2
wait_for 5 'vm1 is left alone on node1' in_peace

note 'migrated to another host'
v node1 migrate vm1 qemu+tcp://10.77.0.2/system --live --p2p --unsafe --bandwidth 8
wait_for 20 'it does not run there' runs_not_on node2
wait_for 20 'and recorded' rogues_are 3
wait_for 20 'vm1 is left alone on node1' in_peace

note 'a copy started while hawd is down there'
lab daemon node3 hawd term
wait_for 40 'hawd of node3 has stopped' host_is node3 away
v node3 define "$LAB_STATE/copy.xml"
v node3 start vm1
lab daemon node3 hawd start
wait_for 60 'node3 is online' host_is node3 online
assert 'the copy is gone' runs_not_on node3
assert 'it was recorded before node3 was online' test "$(history_of 'map(select(.host == "node3" and (.event == "guest-rogue" or .event == "host-online"))) | .[-2:] | map(.event) | join(" ")')" = 'guest-rogue host-online'
wait_for 5 'vm1 is left alone on node1' in_peace

note 'its definition is changed, then removed'
wait_for 40 'autostart is off again' autostart_off
assert 'and that is said' logged node1 'vm1: somebody switched its autostart on'
sed 's|<memory unit=.KiB.>[0-9]*|<memory unit='"'KiB'"'>114688|; s|<currentMemory unit=.KiB.>[0-9]*|<currentMemory unit='"'KiB'"'>114688|' "$LAB_STATE/copy.xml" >"$LAB_STATE/edited.xml"
v node1 define "$LAB_STATE/edited.xml"
wait_for 20 'it is taken over' guest_says vm1 '.memory_mib == 112'
assert 'and that is said' logged node1 'vm1: somebody changed its definition'
v node1 undefine vm1
wait_for 20 'that it has none is said' logged node1 'vm1: somebody undefined it'
wait_for 5 'vm1 is left alone on node1' in_peace
assert 'its QEMU is the first' test "$(qemus 0 node1 vm1 | wc -l)" = 1
killed=$(now_msec)
lab guest kill vm1
wait_for 60 'killed, it is started again' once_started "$killed" vm1
wait_for 40 'it runs' guest_says vm1 '.state == "running"'
assert 'with the new definition' test "$(v node1 dominfo vm1 | awk '/^Max memory/ { print $3 }')" = 114688
