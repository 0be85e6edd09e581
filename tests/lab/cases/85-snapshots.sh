#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 34
# Snapshots of a real guest, cut off at each step: it boots with what it had written.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
probe=$HAWD_BIN/lab/snapprobe
requires qemu-img qemu-io
[[ -x $probe ]] || skip "$probe is not built (make tests)"

snap() { lab exec node1 -- "$probe" "$@"; }
qemu_pid() { lab exec node1 -- pgrep -f -- "-uuid $uuid" | head -n 1; }
runs() { lab exec node1 -- pgrep -f -- "-uuid $uuid" >/dev/null; }
gone() { ! runs && ! virsh_in node1 domid vm1 >/dev/null 2>&1; }
# The probe is ended by the signal that it sends itself: 137.
dies() { # ARGUMENT...
        snap "$@" >/dev/null 2>&1
        [[ $? == 137 ]]
}
says() { # WORDS VERB ARGUMENT...
        local words=$1
        shift
        said=$(snap "$@") || fail "$*: no answer"
        [[ $said == "$words" ]] || fail "$*: '$said', not '$words'"
        note "ok: $* says: ${words##*/}"
}
counted() { # the counter that was on the disk when it was told
        last_beat node1 vm1 | awk '{ print $2 }'
}
booted() { # the counter that it found when it booted last, after $boots boots
        [[ $(grep -c '^BOOT ' "$console") -gt $boots ]]
}
start() { # FILE
        sed "0,\\|<source file=|s|<source file='[^']*'/>|<source file='$1'/>|" "$dir/vm1.xml" >"$dir/now.xml"
        boots=$(grep -c '^BOOT ' "$console" 2>/dev/null)
        lab exec node1 -- virsh -q create "$dir/now.xml" || fail "vm1 does not start from $1"
        wait_for 60 "it boots from ${1##*/}" booted
        found=$(grep '^BOOT ' "$console" | tail -n 1 | awk '{ print $2 }')
        wait_for 20 'it counts' beats_on node1 vm1
}
wrote() { # whole lines only
        written=$(grep '^HB [0-9]* [0-9a-f]* [0-9]* [0-9]' "$console" | tail -n 1 | awk '{ print $2 }')
}
kill_guest() {
        lab guest kill vm1
        wait_for 20 'QEMU is gone' gone
        wrote
}
# What it said was on the disk is there; one more may be.
whole() {
        ((found >= written && found <= written + 1)) ||
                fail "it found $found where it had written $written"
        note "ok: it found $found, and had written $written"
}
fill() { # FILE: what takes a commit some time
        qemu-io -f qcow2 -c 'write -q -P 0x5a 8M 48M' "$1" || fail "$1 cannot be filled"
}

case_up --hosts 1 --no-hawd
# shellcheck disable=SC2034 # for the lab's parts, which are asked here, too
LAB_NAME=$CASE_LAB
set_lab_paths
dir=$(mktemp -d -p "$LAB_DIR/shared")
lab guest xml vm1 >"$dir/vm1.xml"
uuid=$(sed -n 's|.*<uuid>\(.*\)</uuid>.*|\1|p' "$dir/vm1.xml")
console=$(console_file node1 vm1)
s1=$(guest_disk vm1) s2=${s1%.qcow2}.2.qcow2 s3=${s1%.qcow2}.3.qcow2
s4=${s1%.qcow2}.4.qcow2 s5=${s1%.qcow2}.5.qcow2

start "$s1"
note 'a snapshot: cut off before and at the making of the overlay'
for step in create place; do
        assert "cut off at $step" dies --die-at "$step" make "$s2" "$s1" qcow2
        says "$s1 not-taken" take "$s1" - "$s2"
done
assert 'made, over one that was cut off' snap make "$s2" "$s1" qcow2
refute 'not made twice' snap make "$s2" "$s1" qcow2
note 'cut off before the switch, and QEMU killed: from the overlay, which is empty'
assert 'cut off at switch' dies --die-at switch switch vm1 vda "$s2"
kill_guest
says "$s2 taken" take "$s1" - "$s2"
start "$s2"
whole

note 'a switch, and QEMU killed after it: from the overlay, which is not'
assert 'made' snap make "$s3" "$s2" qcow2
assert 'switched' snap switch vm1 vda "$s3"
assert 'and again, as after a crash: nothing to do' snap switch vm1 vda "$s3"
refute 'not to one that rests on another file' snap switch vm1 vda "$s2"
assert 'its chain' snap chain "$s3" "$s1"
before=$(counted)
counts_on() { (($(counted) > before + 3)); }
wait_for 20 'it counts on in the overlay' counts_on
kill_guest
says "$s3 taken" take "$s2" "$s1" "$s3"
fill "$s2"
start "$s3"
whole

note 'a deletion: never of what the guest writes'
refute 'no commit of the active file' snap commit vm1 vda "$s3" "$s2"
assert 'cut off at commit-begin' dies --die-at commit-begin commit vm1 vda "$s2" "$s1"
says "$s3 commit" deleting "$s3" "$s2" "$s1"
note 'QEMU killed in a commit'
snap --kill "$(qemu_pid)" commit-wait commit vm1 vda "$s2" "$s1" 4 >/dev/null 2>&1
wait_for 20 'QEMU is gone' gone
wrote
says "$s3 commit" deleting "$s3" "$s2" "$s1"
start "$s3"
whole
note 'who began a commit is killed, and the next one joins it'
assert 'cut off at commit-wait' dies --die-at commit-wait commit vm1 vda "$s2" "$s1" 4
says "$s3 commit" deleting "$s3" "$s2" "$s1"
refute 'nothing that is needed goes' snap remove "$s2" "$s3"
assert 'it goes on, as fast as it can' snap commit vm1 vda "$s2" "$s1"
assert 'and again, as after a crash: nothing to do' snap commit vm1 vda "$s2" "$s1"
says "$s3 remove-top" deleting "$s3" "$s2" "$s1"
assert 'what is not needed goes' snap remove "$s2" "$s3" "$s1"
says "$s3 nothing" deleting "$s3" "$s2" "$s1"
refute 'a snapshot is not removed below the guest' snap remove "$s1" "$s3"

note 'a quiesced snapshot'
agent_answers() { agent node1 vm1 '{"execute": "guest-ping"}' >/dev/null 2>&1; }
thawed() { [[ $(agent node1 vm1 '{"execute": "guest-fsfreeze-status"}') == *thawed* ]]; }
wait_for 60 'its agent answers' agent_answers
assert 'made' snap make "$s4" "$s3" qcow2
assert 'switched' snap switch vm1 quiesce vda "$s4"
taken=$(counted)
assert 'thawed' thawed
before=$taken
wait_for 20 'it counts on' counts_on

note 'a rollback, cut off at each step, and what is left is kept'
kill_guest
left=$written
for step in create place; do
        says "$s5 make" rollback "$s3" "$s5"
        assert "cut off at $step" dies --die-at "$step" make "$s5" "$s3" qcow2
done
assert 'made' snap make "$s5" "$s3" qcow2
says "$s5 rolled-back" rollback "$s3" "$s5"
b1=${s1%.qcow2}.b.raw b2=${s1%.qcow2}.b.2.qcow2 s6=${s1%.qcow2}.6.qcow2
truncate -s 1M "$b1"
sed -i "0,\\|</disk>|s||</disk><disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$b1'/><target dev='vdb' bus='virtio'/></disk>|" \
        "$dir/vm1.xml"
start "$s5"
((found > 0 && found <= taken + 2 && found < left)) || # what it tells comes a little later
        fail "it found $found, the snapshot was taken at $taken, and it had written $left"
note "ok: it found $found of before the snapshot, taken at $taken; it had written $left"
refute 'the snapshot stays below both' snap remove "$s3" "$s4" "$s5"
kept=$(qemu-img dd -U -f qcow2 -O raw bs=512 count=1 if="$s4" of="$dir/kept" 2>/dev/null
        head -c 40 "$dir/kept" | tr -d '\0' | awk '{ print $2 }')
((kept >= left)) || fail "the kept disk has $kept, and $left was written"
note "ok: the kept disk has $kept"
assert 'its chain' snap chain "$s5" "$s1"

note 'two disks, one of them raw: both or none'
sources() { lab exec node1 -- virsh -q domblklist vm1 | awk '{ printf "%s ", $2 }'; }
assert 'made' snap make "$s6" "$s5" qcow2
assert 'made, the format written down' snap make "$b2" "$b1" raw
refute 'not one to the overlay of the other' snap switch vm1 vda "$s6" vdb "$s6"
refute 'not with a disk that it does not have' snap switch vm1 vda "$s6" vdc "$b2"
[[ $(sources) == "$s5 $b1 " ]] || fail "refused, and yet: $(sources)"
assert 'switched' snap switch vm1 vda "$s6" vdb "$b2"
[[ $(sources) == "$s6 $b2 " ]] || fail "switched, and yet: $(sources)"
before=$(counted)
wait_for 20 'it counts on' counts_on
[[ $(snap chain "$b2" "$b1") == "$b2 qcow2"*"$b1 raw" ]] || fail "$(snap chain "$b2" "$b1")"

note 'inside of both disks: cut off before, and QEMU killed'
inside() { # FILE: the snapshots inside of it
        lab exec node1 -- qemu-img snapshot -U -l "$1" | awk 'NR > 2 { printf "%s ", $2 }'
}
wait_for 60 'its agent answers' agent_answers
assert 'cut off at inside-take' dies --die-at inside-take inside-take vm1 hawd-7 vda vdb
snap --kill "$(qemu_pid)" inside-take inside-take vm1 hawd-7 vda vdb >/dev/null 2>&1
wait_for 20 'QEMU is gone' gone
wrote
[[ -z $(inside "$s6")$(inside "$b2") ]] || fail "taken of one that was killed: $(inside "$s6")"
sed -i "s|<source file='$b1'/>|<source file='$b2'/>|; /$(basename "$b2")/! b" "$dir/vm1.xml"
sed -i "s|type='raw'/><source file='$b2'|type='qcow2'/><source file='$b2'|" "$dir/vm1.xml"
start "$s6"
whole
wait_for 60 'its agent answers' agent_answers
refute 'not of a disk that it does not have' snap inside-take vm1 hawd-7 vda vdc
assert 'taken of both' snap inside-take vm1 hawd-7 vda vdb
taken=$(counted)
assert 'thawed' thawed
assert 'and again, as after a crash: nothing to do' snap inside-take vm1 hawd-7 vda vdb
[[ $(inside "$s6")$(inside "$b2") == 'hawd-7 hawd-7 ' ]] || fail "$(inside "$s6")$(inside "$b2")"
before=$taken
wait_for 20 'it counts on' counts_on
kill_guest
left=$written
for step in internal-keep internal internal-done; do
        assert "going back is cut off at $step" dies --die-at "$step" inside-back "$s6" hawd-7 hawd-8 hawd-at-8
done
for f in "$s6" "$b2"; do assert 'gone back' snap inside-back "$f" hawd-7 hawd-8 hawd-at-8; done
start "$s6"
((found > 0 && found <= taken + 2 && found < left)) ||
        fail "it found $found, the snapshot was taken at $taken, and it had written $left"
kill_guest
assert 'and again, as after a crash: nothing to do' snap inside-back "$s6" hawd-7 hawd-8 hawd-at-8
start "$s6"
whole
assert 'cut off at inside-delete' dies --die-at inside-delete inside-delete vm1 vda hawd-7
assert 'deleted while it runs' snap inside-delete vm1 vda hawd-7
assert 'and again' snap inside-delete vm1 vda hawd-7
kill_guest
assert 'what was left is there' snap inside-back "$s6" hawd-8 hawd-9 hawd-at-9
start "$s6"
((found >= left)) || fail "what was left has $found, and $left was written"
[[ $(inside "$s6") == 'hawd-8 hawd-at-8 hawd-9 hawd-at-9 ' ]] || fail "$(inside "$s6")"

note 'a folder without room, and one that is read-only'
small=$dir/small
mkdir "$small"
lab exec node1 -- mount -t tmpfs -o size=512k tmpfs "$small" || fail 'no small file system'
lab exec node1 -- qemu-img create -q -f qcow2 "$small/a" 1M
lab exec node1 -- dd if=/dev/zero of="$small/full" bs=4k status=none 2>/dev/null
said=$(snap make "$small/a.2" "$small/a" qcow2 2>&1) && fail 'made on a full disk'
[[ $said == *'No space left'* ]] || fail "a full disk: $said"
[[ $(lab exec node1 -- ls "$small" | xargs) == 'a full' ]] || fail 'something is left on the full disk'
lab exec node1 -- sh -c "rm $small/full; mount -o remount,ro $small"
said=$(snap make "$small/a.2" "$small/a" qcow2 2>&1) && fail 'made on a read-only disk'
[[ $said == *'Read-only'* ]] || fail "a read-only disk: $said"
note "ok: $said"
