#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 13
# Hosts where a guest cannot start: its disk or bridge is missing, its name or its UUID is taken there. The
# next host is tried, the cause is said, and what is somebody else's stays as it is. Domains that are none.
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
failures() { history_of 'map(select(.guest == "vm1") | .host + ": " + .text) | join("\n")' --event guest-start-failed; }
failed_on() { failures | grep -q "^$1: .*$2"; } # HOST REGEXP
refused() { # REGEXP FILE
        local said
        if said=$(ctl guest create "$2" 2>&1); then return 1; fi
        grep -Eq "$1" <<<"$said" || {
                printf '%s\n' "$said"
                return 1
        }
}

case_cluster 3
dir=$LAB_STATE/local # of each host its own
lab guest xml vm1 | sed "s|$LAB_STATE/shared/vm1.qcow2|$dir/vm1.qcow2|; s|<source bridge='[^']*'|<source bridge='br-vm1'|" >"$LAB_STATE/vm1.xml"
uuid=$(sed -n 's|.*<uuid>\(.*\)</uuid>.*|\1|p' "$LAB_STATE/vm1.xml")
other=00000000-1111-4222-8333-444444444444

note 'node1 has no disk, node2 a domain of that name, node3 all it needs'
sed "s|$uuid|$other|" "$LAB_STATE/vm1.xml" >"$LAB_STATE/other.xml"
v node2 define "$LAB_STATE/other.xml"
v node2 autostart vm1
lab exec node3 -- qemu-img create -q -f qcow2 "$dir/vm1.qcow2" 64M
lab exec node1 -- ip link add br-vm1 type bridge
lab exec node3 -- ip link add br-vm1 type bridge
assert 'create' ctl guest create "$LAB_STATE/vm1.xml" --set stop-timeout=4s --timeout 60s
assert 'it runs on node3' guest_says vm1 '.host == "node3" and .state == "running" and .start_error == null'
wait_for 20 'node1: the disk is named' failed_on node1 "$dir/vm1.qcow2.*No such file"
wait_for 20 'node2: the other domain is named' failed_on node2 "another domain of the name vm1 .*$other"
refute 'nothing of it is defined on node1' v node1 domstate "$uuid"

note 'node3 has no bridge now, node1 its UUID under another name'
assert 'stop' ctl guest stop vm1 --timeout 60s
lab exec node3 -- ip link del br-vm1
sed "s|<name>vm1<|<name>theirs<|" "$LAB_STATE/vm1.xml" >"$LAB_STATE/theirs.xml"
v node1 define "$LAB_STATE/theirs.xml"
refute 'start' ctl guest start vm1 --timeout 60s
wait_for 20 'node3: the bridge is named' failed_on node3 'br-vm1'
wait_for 20 'node1: the other name is said' failed_on node1 'its UUID is defined here under another name, theirs'
assert 'it is blocked, and why is shown' guest_says vm1 '.state == "blocked" and .claims == [] and .start_failures == 3
        and (.reason | test("^no start on node[123]: ")) and (.start_error | test("^node[123]: "))'
assert 'hawctl says so' test "$(ctl guest show vm1 | grep -c 'failed start: *node[123]: ')" = 1
lab exec node3 -- ip link add br-vm1 type bridge
assert 'mended, it starts' ctl guest start vm1 --timeout 60s

note 'what is not hawd'"'"'s'
assert 'the domain of that name is as it was' test "$(v node2 domuuid vm1) $(v node2 domstate vm1 | head -n 1)" = "$other shut off"
assert 'it starts by itself, as somebody wanted' test "$(v node2 dominfo vm1 | awk '/^Autostart/ { print $2 }')" = enable
assert 'the one of that UUID too' test "$(v node1 domstate theirs | head -n 1)" = 'shut off'

note 'domains that are none'
sed "s|type='qemu'|type='xen'|; s|vm1|vm2|" "$LAB_STATE/vm1.xml" >"$LAB_STATE/bad.xml"
assert 'another kind' refused "type='xen'" "$LAB_STATE/bad.xml"
grep -v '<memory ' "$LAB_STATE/vm1.xml" >"$LAB_STATE/bad.xml"
assert 'no memory' refused '<memory> is missing' "$LAB_STATE/bad.xml"
assert 'a name that is taken' refused 'keeps a guest vm1 already' "$LAB_STATE/vm1.xml"
assert 'a UUID that is taken' refused "$uuid" "$LAB_STATE/theirs.xml"
head -c 700000 /dev/zero | tr '\0' '&' | sed '1s|^|<domain type="kvm"><name>big</name><memory>1024</memory><title><![CDATA[|; $s|$|]]></title></domain>|' >"$LAB_STATE/bad.xml"
assert 'one that grows' refused 'longer than 1024 KiB' "$LAB_STATE/bad.xml"
assert 'and no end' refused 'too long' /dev/zero
assert 'hawd is well' status_says '.operational'
