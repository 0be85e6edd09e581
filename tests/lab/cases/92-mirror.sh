#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 34
# The mirror driver and a real guest on two hosts: nothing that its guest saw done is missing in the copy of its two
# disks, raw and qcow2; by TLS, too, and never without it when one side wants it.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
probe=$HAWD_BIN/lab/mirrorprobe
requires qemu-img qemu-nbd qemu-io openssl
[[ -x $probe ]] || skip "$probe is not built (make tests)"

on1() { lab exec node1 -- env ${tls1:+PROBE_TLS="$tls1"} "$probe" "$@"; }
on2() { lab exec node2 -- env ${tls2:+PROBE_TLS="$tls2"} "$probe" "$@"; }
told() { # how often the guest has said that a write is done; whole lines only
        grep '^HB [0-9]* [0-9a-f]* [0-9]* [0-9]' "$console" | tail -n 1 | awk '{ print $2 }'
}
holds() { # FILE: the counter that it holds
        head -c 40 "$1" | tr -d '\0' | awk '{ print $2 }'
}
is() { [[ $(on1 look vm1) == "$serial $1"* ]]; }
idle() { [[ $(on1 look vm1) == "0 "* ]]; }
counts_on() { (($(told) > before + 3)); }
lives() { on2 lives "$state" "$uuid" "$serial" >/dev/null 2>&1; }
start() {
        lab exec node1 -- virsh -q create "$dir/vm1.xml" || fail 'vm1 does not start'
        wait_for 60 'vm1 counts' beats_on node1 vm1
}
# The copy begins: node2 serves, node1 copies, a write waits 60 s for node2.
mirror() {
        serial=$((serial + 1))
        : >"$dir/serve" # nothing of the server before
        on2 serve "$state" 10.77.0.2 "$uuid" "$serial" "${disks[@]}" >>"$dir/serve" 2>&1 &
        server=$!
        wait_for 20 'node2 listens' grep -q ^where "$dir/serve"
        place=$(awk '/^where/ { print $2 }' "$dir/serve")
        on1 "$@" mirror vm1 "$place" "$serial" 60 "${disks[@]}" || return
        wait "$server" && grep -q ^serving "$dir/serve"
}
in_step() {
        assert 'copying begins' mirror
        wait_for 120 'in step' is ready
        lives || fail "no server of $serial lives"
}
begins() { mirror "$@" 2>"$dir/said"; }
# Neither copies nor serves any more.
ends() {
        kill "$server" 2>/dev/null
        wait "$server" 2>/dev/null
        on2 end "$state" "$uuid" "$serial" 2>/dev/null # had it come so far
        assert 'what it left ends' on1 cancel vm1 "$serial"
        idle || fail "it copies: $(on1 look vm1)"
}
# The copy has all that the guest has told: it may have one write more, which it had not told yet.
whole() {
        local copy=$disk2.hawd-replica-$serial found
        found=$(holds "$copy")
        ((found >= written && found <= written + 1)) || fail "the copy has $found, and $written was told"
        note "ok: the copy has $found, and $written was told"
}

case_up --hosts 2 --no-hawd
# shellcheck disable=SC2034 # for the lab's parts, which are asked here, too
LAB_NAME=$CASE_LAB
set_lab_paths
dir=$(mktemp -d -p "$LAB_DIR/shared")
disk=$LAB_DIR/local/vm1.raw disk1=$LAB_DIR/hosts/node1/local/vm1.raw disk2=$LAB_DIR/hosts/node2/local/vm1.raw
second=${disk%.raw}-2.qcow2 second1=${disk1%.raw}-2.qcow2 second2=${disk2%.raw}-2.qcow2
disks=(vda raw "$disk" vdb qcow2 "$second")
state=/var/lib/hawd/replicas serial=0 tls1='' tls2=''
truncate -s 64M "$disk1"
qemu-img create -q -f qcow2 "$second1" 8M || fail 'no second disk'
qemu-io -f qcow2 -c 'write -q -P 0x5a 1M 2M' "$second1" || fail 'nothing on the second disk'
lab guest xml vm1 | sed "0,/<source file=/s|<source file='[^']*'/>|<source file='$disk'/>|; s|type='qcow2'|type='raw'|" >"$dir/vm1.xml"
sed -i "0,\\|</disk>|s||</disk><disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$second'/><target dev='vdb' bus='virtio'/></disk>|" \
        "$dir/vm1.xml"
uuid=$(sed -n 's|.*<uuid>\(.*\)</uuid>.*|\1|p' "$dir/vm1.xml")
console=$(console_file node1 vm1)
lab exec node2 -- mkdir -p /var/lib/hawd

start
note 'cut off at each step, nothing is left that copies, and the next try works'
for step in connect mirror; do
        refute "cut off at $step" mirror --die-at "$step"
        ends
done

note 'certificates: none, of another authority, for another address'
mkdir "$dir"/{good,others,away}
for which in good others away; do
        address=10.77.0.2
        [[ $which != away ]] || address=10.77.0.9
        "$(dirname "$0")/../../certs" "$dir/$which" "$address" || fail "no certificates: $which"
done
refused() { # P'S R'S WORDS
        tls1=$1 tls2=$2
        refute "refused: $3" begins
        grep -q "$3" "$dir/said" || fail "it says: $(cat "$dir/said")"
        note "ok: $3"
        ends
}
refused '' "$dir/good" 'this one has no certificates'
refused "$dir/others" "$dir/good" 'known issuer'
refused "$dir/away" "$dir/away" 'not match the hostname'
note 'by TLS'
tls1=$dir/good tls2=$dir/good
in_step
[[ $place == nbds://* ]] || fail "no TLS: $place"
[[ $(stat -c %b "$disk2.hawd-replica-$serial") -ge 131072 ]] || fail 'the copy is not preallocated'

note 'the server is killed: no write is done that the copy has not'
before=$(told)
wait_for 20 'it counts while it is mirrored' counts_on
lab exec node2 -- sh -c "kill -9 \$(awk '/^disk/ { print \$5 }' $state/$uuid.$serial)"
stands_still() {
        local n
        n=$(told)
        sleep 1
        [[ $(told) == "$n" ]]
}
wait_for 20 'its writes wait' stands_still
written=$(told)
whole
refute 'the server does not live' lives
assert 'ended' on1 cancel vm1 "$serial"
before=$written
wait_for 20 'it goes on alone' counts_on
idle || fail "it copies: $(on1 look vm1)"

note 'the other host is silent: its writes wait, and an end is heard in time'
in_step
lab net node2 cut all
wait_for 20 'its writes wait' stands_still
written=$(told)
lives || fail 'the server did not see it and yet is gone'
whole
assert 'ended' on1 cancel vm1 "$serial"
before=$written
wait_for 20 'it goes on alone' counts_on
lab net node2 restore all

note 'suspended, and equal: what a guest that is destroyed leaves behind'
in_step
[[ $(on1 final vm1) == "final $serial" ]] || fail 'it does not come to its end'
cmp "$disk1" "$disk2.hawd-replica-$serial" || fail 'not equal'
qemu-img compare -q -U -f qcow2 -F qcow2 "$second1" "$second2.hawd-replica-$serial" || fail 'the second is not equal'
qemu-img check -q -U -f qcow2 "$second2.hawd-replica-$serial" || fail 'the second is not whole'
note 'ok: both are equal'
lab exec node1 -- virsh -q resume vm1

note 'the host loses its power, without TLS: the copy is promoted, cut off at each step'
tls1='' tls2=''
in_step
before=$(told)
wait_for 20 'it counts while it is mirrored' counts_on
lab power node1 off
written=$(told)
lives || fail 'a power cut looks like an end of the mirror'
assert 'the server ends' on2 end "$state" "$uuid" "$serial"
whole
for step in leave promote; do
        refute "cut off at $step" on2 --die-at "$step" promote "$serial" "${disks[@]}"
done
assert 'promoted' on2 promote "$serial" "${disks[@]}"
assert 'and again, as after a crash: nothing to do' on2 promote "$serial" "${disks[@]}"
for path in "$disk2" "$second2"; do
        [[ -e $path.hawd-left-$serial && ! -e $path.hawd-replica-$serial ]] || fail "$(ls "${disk2%/*}")"
done
qemu-io -r -f qcow2 -c 'read -P 0x5a 1M 2M' "$second2" | grep -q 'read 2097152/' || fail 'the second is not what it was'
lab exec node2 -- virsh -q create "$dir/vm1.xml" || fail 'vm1 does not start from its copy'
console2=$(console_file node2 vm1)
booted() { grep -q '^BOOT ' "$console2"; }
wait_for 60 'vm1 boots on node2' booted
found=$(awk '$1 == "BOOT" { print $2 }' "$console2")
((found >= written && found <= written + 1)) || fail "it found $found, and $written was told"
note "ok: it found $found, and $written was told"
