#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 40
# An asynchronous replica by itself: either side killed at each step, and the copy is whole, as of the last
# whole cycle.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
probe=$HAWD_BIN/lab/pullprobe
requires qemu-img qemu-io qemu-nbd
[[ -x $probe ]] || skip "$probe is not built (make tests)"

pull() { # HOST [OPTION...] VERB [-- ARGUMENT...]
        local host=$1 before=()
        shift
        while [[ $1 == --* ]]; do
                before+=("$1" "$2")
                shift 2
        done
        lab exec "$host" -- "$probe" "${before[@]}" "$1" "$serial" "${disks[@]}" "${@:2}"
}
dies() { # as pull: ended by the signal that it sends itself
        pull "$@" >/dev/null 2>&1
        [[ $? == 137 ]]
}
counted() { last_beat node1 vm1 | awk '{ print $2 }'; }
copied() { # the counter in R's copy
        qemu-img dd -U -f qcow2 -O raw bs=512 count=1 if="$d1.hawd-replica-$serial" of="$dir/block" 2>/dev/null
        head -c 40 "$dir/block" | tr -d '\0' | awk '{ print $2 }'
}
offers() { grep -q '^where ' "$dir/serve"; }
serve() { # [OPTION...]: R offers cycles, in the background
        : >"$dir/serve"
        pull node2 "$@" serve -- "$address" >>"$dir/serve" 2>&1 &
        server=$!
        wait_for 20 'R serves' offers
        where=$(sed -n 's/^where //p' "$dir/serve")
}
ended() { ! kill -0 "$server" 2>/dev/null; }
unserve() {
        local pid
        for pid in $(lab exec node2 -- pgrep -f "$probe.* serve"); do lab exec node2 -- kill -9 "$pid"; done
        wait "$server" 2>/dev/null
        wait_for 20 'no server is left' no_server
}
no_server() { ! lab exec node2 -- pgrep qemu-nbd >/dev/null; }
cycle() { pull node1 cycle -- vm1 "$gen" "$where" "$@"; }
is_as_of() { [[ $(pull node2 settle 2>/dev/null | awk '{ print $2 }') == "$1" ]]; }
broken_off() { grep -q '^broken-off' "$dir/serve"; }
has_whole() { grep -q "^whole [0-9]* $as_of\$" "$dir/serve"; }
# A cycle that is whole: the copy's counter is one that the guest told in between.
whole_cycle() { # KIND [quiesce]
        local kind=$1 before after said is
        before=$(counted)
        said=$(cycle "${@:2}") || fail "no cycle: $said"
        after=$(counted)
        read -r as_of is bytes <<<"$said"
        [[ $is == "$kind" ]] || fail "a cycle that is $is, not $kind"
        wait_for 20 "R has it, $kind, $bytes bytes" has_whole
        found=$(copied)
        ((found >= before && found <= after + 2)) || fail "the copy has $found, not $before to $after"
}
same() { # as the disks are while the guest stands still
        qemu-img compare -q -U -f qcow2 -F qcow2 "$d1" "$d1.hawd-replica-$serial" &&
                qemu-img compare -q -U -f raw -F raw "$d2" "$d2.hawd-replica-$serial"
}
still() { virsh_in node1 suspend vm1 >/dev/null || fail 'vm1 is not paused'; }
moving() {
        virsh_in node1 resume vm1 >/dev/null || fail 'vm1 does not go on'
        wait_for 20 'it counts' beats_on node1 vm1
}
fill() { # SEED: 12 MiB of the second disk, by the guest
        lab guest exec vm1 -- "{ echo $1; for i in 1 2 3 4 5 6 7 8; do cat /bin/busybox; done; } |
                dd of=/dev/vdb bs=1M count=12 iflag=fullblock oflag=direct" >/dev/null 2>&1 || fail 'the guest does not write'
}
agent_answers() { agent node1 vm1 '{"execute": "guest-ping"}' >/dev/null 2>&1; }
thawed() { [[ $(agent node1 vm1 '{"execute": "guest-fsfreeze-status"}') == *thawed* ]]; }

case_up --hosts 2 --no-hawd
# shellcheck disable=SC2034 # for the lab's parts, which are asked here, too
LAB_NAME=$CASE_LAB
set_lab_paths
dir=$(mktemp -d -p "$LAB_DIR/shared")
d1=$(guest_disk vm1) d2=$dir/vm1.raw serial=1 gen=1
disks=("vda:qcow2:64:$d1" "vdb:raw:32:$d2")
address=$(lab exec node2 -- ip -4 -br addr show eth0 | awk '{ sub("/.*", "", $3); print $3 }')
truncate -s 32M "$d2"
lab guest xml vm1 >"$dir/vm1.xml"
sed -i "0,\\|</disk>|s||</disk><disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$d2'/><target dev='vdb' bus='virtio'/></disk>|" \
        "$dir/vm1.xml"
virsh_in node1 define "$dir/vm1.xml" >/dev/null || fail 'vm1 is not defined'
virsh_in node1 start vm1 >/dev/null || fail 'vm1 does not start'
wait_for 60 'it counts' beats_on node1 vm1
wait_for 60 'its agent answers' agent_answers

note 'cycles: in full, then what changed; the raw disk is compared'
serve
whole_cycle full
fill 1
whole_cycle incremental quiesce
assert 'thawed' thawed
((bytes > 12000000)) || fail "only $bytes bytes were written"
still
whole_cycle incremental
assert 'the same, byte for byte' same
moving

note 'P is killed at each step: the copy is as of the cycle before'
for step in freeze begin copy mark; do
        assert "cut off at $step" dies node1 --die-at "$step" cycle -- vm1 "$gen" "$where" quiesce
        wait_for 30 'R notices' broken_off
        [[ $(copied) == "$found" ]] || fail "the copy has $(copied) after $found"
        [[ $(grep '^whole' "$dir/serve" | tail -n 1) == "whole "*" $as_of" ]] || fail "R is not as of $as_of"
        assert 'cleared' pull node1 clear -- vm1 thaw
        assert 'thawed' thawed
        : >"$dir/serve"
        whole_cycle incremental
done
still
whole_cycle incremental
assert 'the same, byte for byte' same
moving

note 'R is killed at each step of a commit, and in the middle: whole as of the new cycle'
for step in commit whole clean; do
        unserve
        assert 'at rest' is_as_of "$as_of"
        serve --die-at "$step"
        fill "$step"
        still
        said=$(cycle) || fail "no cycle: $said"
        as_of=${said%% *}
        wait_for 20 "cut off at $step" ended
        wait_for 20 'no server is left' no_server
        for wait in 0.02 0.05 0.1; do # qemu-img ends with who started it
                lab exec node2 -- timeout -s KILL "$wait" "$probe" settle "$serial" "${disks[@]}" >/dev/null 2>&1
        done
        assert 'R is as of the cycle' is_as_of "$as_of"
        assert 'the same, byte for byte' same
        moving
        serve
done

note 'R is killed while it serves: the copy stays, and the next cycle goes on from it'
unserve
serve --die-at serve
refute 'no cycle' cycle
wait_for 20 'cut off' ended
assert 'R is as of the cycle before' is_as_of "$as_of"
serve
whole_cycle incremental

note 'QEMU is killed: its checkpoints count no more'
lab guest kill vm1
gone() { [[ $(virsh_in node1 domstate vm1) == 'shut off' ]]; }
wait_for 20 'it is gone' gone
virsh_in node1 start vm1 >/dev/null || fail 'vm1 does not start'
wait_for 60 'it counts' beats_on node1 vm1
whole_cycle full
gen=2
whole_cycle full
whole_cycle incremental
assert 'nothing is left in the disk' pull node1 forget -- vm1
[[ $(virsh_in node1 checkpoint-list vm1) != *hawd* ]] || fail 'checkpoints are left'

note 'P loses its power: the guest starts from the copy'
last=$(copied)
lab power node1 off || fail 'no power cut'
unserve
assert 'R is as of the last cycle' is_as_of "$as_of"
sed -e "s|'$d1'|'$d1.hawd-replica-$serial'|; s|'$d2'|'$d2.hawd-replica-$serial'|" "$dir/vm1.xml" >"$dir/now.xml"
virsh_in node2 create "$dir/now.xml" >/dev/null || fail 'vm1 does not start from the copy'
booted() { grep -q '^BOOT ' "$(console_file node2 vm1)"; }
wait_for 60 'it boots' booted
found=$(grep '^BOOT ' "$(console_file node2 vm1)" | tail -n 1 | awk '{ print $2 }')
((found == last)) || fail "it found $found, and the copy had $last"
note "ok: it found $found"
