#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 85
# A guest whose disk was written to badly dies at each boot: restarted, then relocated, then blocked with
# the reason and what to do; with a good disk and asked for, it runs. Beside it: the storage of all hosts
# is lost at once: nobody is fenced, guests are paused, and go on when it is back.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence jq

create() { # NAME SETTING...
        local name=$1 set sets=()
        shift
        for set in "$@"; do sets+=(--set "$set"); done
        lab guest xml "$name" >"$LAB_STATE/$name.xml" &&
                ctl guest create "$LAB_STATE/$name.xml" "${sets[@]}" --no-wait >/dev/null
}
paused_by_it() { guest_says "$1" '.state == "paused" and .desired == "running" and (.reason | test("io-error|I/O error"))'; }

case_cluster 2
assert 'create' create vm1 restart-limit=2 relocate-limit=1
assert 'create' create vm2
assert 'create' create vm3
for guest in vm1 vm2 vm3; do wait_for 90 "$guest is healthy" healthy "$guest"; done
home=$(ctl --json guest show vm1 | jq -r .guest.host)

note 'all hosts lose the storage at once'
since=$(now_msec)
for host in node1 node2; do assert "$host loses it" lab storage "$host" lose; done
for guest in vm1 vm2 vm3; do wait_for 30 "$guest is paused" paused_by_it "$guest"; done
for host in node1 node2; do assert "$host gets it back" lab storage "$host" restore; done
for guest in vm1 vm2 vm3; do wait_for 90 "$guest goes on" healthy "$guest"; done
assert 'none was started anew' none_started "$since" '.*' '.*'
for host in node1 node2; do
        assert "$host was not switched" switched "$host" off 0
        assert "$host stays online" host_is "$host" online
done

note 'boot loop'
since=$(now_msec)
assert 'a bad write' lab guest boot-loop vm1
wait_for 150 'it is blocked' guest_says vm1 '.state == "blocked" and (.reason | test("boot loop.*hawctl guest recover"))'
assert 'it was tried in place' test -n "$(qemus "$since" "$home" vm1)"
assert 'and elsewhere' test -n "$(qemus "$since" "$(another_than "$home")" vm1)"
assert 'its incident says why, and is open' guest_says vm1 '.incident != null'
assert 'its disk is mended' lab exec "$home" -- qemu-io -f qcow2 -c 'write -z 4096 512' "$LAB_STATE/shared/vm1.qcow2"
assert 'recover' ctl guest recover vm1
wait_for 90 'it runs and is healthy' healthy vm1
wait_for 30 'the incident says boot loop' incident_says vm1 '.cause | test("boot loop: failed . times before it was healthy; crashed")'
assert 'the others were left alone' none_started "$since" '.*' 'vm[23]'
assert 'nothing was lost, nothing ran twice' sound vm1 vm2 vm3
