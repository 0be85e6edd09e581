#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 115
# hawctl snapshot of a guest that runs and of one that does not; a start on another host follows the disk;
# a rollback finds what was on the disk then, and what it left is kept. And a boot loop after a bad write:
# restarted, relocated, then back to the snapshot that is known good; the bad disk is where the incident says.
# And no start on a disk below an overlay that the ledger does not know.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence qemu-img qemu-io

create() { # NAME SETTING...
        local name=$1 set sets=()
        shift
        for set in "$@"; do sets+=(--set "$set"); done
        lab guest xml "$name" >"$LAB_STATE/$name.xml" &&
                ctl guest create "$LAB_STATE/$name.xml" "${sets[@]}" --no-wait >/dev/null
}
snaps_say() { # GUEST JQ-CONDITION
        { ctl --json snapshot list "$1" || :; } 2>/dev/null | jq -e "$2" >/dev/null
}
has() { snaps_say "$1" ".snapshots | any(.name == \"$2\")"; }
has_no() { snaps_say "$1" ".snapshots | all(.name != \"$2\")"; }
# What the guest's QEMU writes, as libvirt there says.
disk_of() { virsh_in "$(ctl --json guest show "$1" | jq -r .guest.host)" domblklist "$1" | awk '$1 == "vda" { print $2 }'; }
writes() { [[ $(disk_of "$1") == "$2" ]]; }
console_of() { console_file "$(ctl --json guest show "$1" | jq -r .guest.host)" "$1"; } # on the host where it is
counter() { # GUEST: of the last line that it said
        grep '^HB [0-9]* [0-9a-f]* [0-9]* [0-9]' "$(console_of "$1")" | tail -n 1 | awk '{ print $2 }'
}
booted_with() { # GUEST: the counter that it found when it booted last
        grep '^BOOT ' "$(console_of "$1")" | tail -n 1 | awk '{ print $2 }'
}

# What `lab guest boot-loop` writes, in the file and what it rests on.
is_bad() { [[ $(qemu-io -r -U -f qcow2 -c 'read -v 4096 512' "$1" 2>&1) == *'62 61 64 2d 62 6f 6f 74'* ]]; }

test_taken() { [[ $(history_of 'map(select(.event == "snapshot-taken" and .guest == "vm3")) | length') -ge $1 ]]; }

case_cluster 2
# shellcheck disable=SC2034 # for the lab's parts, which are asked here, too
LAB_NAME=$CASE_LAB
set_lab_paths
d1=$(guest_disk vm1)
overlay() { printf '%s.hawd-%d.qcow2\n' "${d1%.qcow2}" "$1"; }
assert 'create' create vm1
assert 'one that is taken by schedule' create vm3 snapshot=1min snapshot-keep='last 1'
assert 'one with a policy' create vm2 restart-limit=1 relocate-limit=1 recovery='restart relocate rollback'
assert 'one with snapshots inside of its disk' create vm4 snapshot-kind=internal
for guest in vm1 vm2 vm3 vm4; do wait_for 90 "$guest is healthy" healthy "$guest"; done

note 'boot loop after a bad write'
assert 'a good one' ctl snapshot create vm2 good --timeout 1min
good=$(counter vm2)
assert 'and one more' ctl snapshot create vm2 newest --timeout 1min
since=$(now_msec)
home2=$(ctl --json guest show vm2 | jq -r .guest.host)
assert 'a bad write' lab guest boot-loop vm2
rolled_back() { history_of 'map(select(.event == "snapshot-rolled-back" and .guest == "vm2")) | length' | grep -qx 1; }
wait_for 150 'it goes back' rolled_back

note 'of a guest that runs'
assert 'one' ctl snapshot create vm1 one --timeout 1min
assert 'known good' snaps_say vm1 '.snapshots[0].good and .snapshots[0].current and .taking == null'
assert 'it writes the overlay' writes vm1 "$(overlay 2)"
refute 'no two of a name' ctl snapshot create vm1 one
counted=$(counter vm1)
assert 'two, without its agent' ctl snapshot create vm1 two --no-quiesce --timeout 1min
assert 'it writes the next' writes vm1 "$(overlay 3)"

note 'a move, which is a start elsewhere: from the overlay'
home=$(ctl --json guest show vm1 | jq -r .guest.host)
assert 'moved' ctl guest move vm1 "$(another_than "$home")" --timeout 2min
wait_for 90 'healthy there' healthy vm1
assert 'it writes the same' writes vm1 "$(overlay 3)"
((($(booted_with vm1)) >= counted)) || fail "it found $(booted_with vm1), and had written $counted"

note 'a definition that somebody changes there: with overlays, which are not taken for its disks'
home=$(ctl --json guest show vm1 | jq -r .guest.host)
lab exec "$home" -- sh -c 'virsh -q dumpxml --inactive --security-info vm1 |
        sed "s|</name>|</name><title>changed</title>|" >/tmp/vm1.xml && virsh -q define /tmp/vm1.xml' || fail 'not defined'
taken_over() { # as it was given, with the title
        [[ $(ctl export | grep -c "<title>changed</title>") == 1 ]]
}
wait_for 30 'it is taken over' taken_over
assert 'with its disk as it was given' grep -q "source file=.$d1." <(ctl export)
ctl export >"$LAB_STATE/other.hawd"
sed -i "s|$d1|${d1%.qcow2}-other.qcow2|" "$LAB_STATE/other.hawd"
said=$(ctl apply "$LAB_STATE/other.hawd" --yes 2>&1) && fail 'it has another disk under its snapshots'
[[ $said == *'delete them first'* ]] || fail "another disk: $said"

note 'deleted while it runs: what is over it goes into its files'
assert 'one goes' ctl snapshot delete vm1 one --yes --timeout 2min
assert 'its file is gone' test ! -e "$(overlay 2)"
assert 'and it writes what it wrote' writes vm1 "$(overlay 3)"
assert 'which rests on the first' snaps_say vm1 '.snapshots | length == 1 and .[0].name == "two" and .[0].current'

note 'of a guest that does not run; a rollback'
assert 'stop' ctl guest stop vm1 --timeout 2min
assert 'three' ctl snapshot create vm1 three
assert 'start' ctl guest start vm1 --timeout 2min
wait_for 90 'healthy' healthy vm1
assert 'from its overlay' writes vm1 "$(overlay 4)"
before=$(counter vm1)
assert 'back to two, while it runs' ctl snapshot rollback vm1 two --yes --timeout 2min
wait_for 90 'healthy' healthy vm1
found=$(booted_with vm1)
((found < before)) || fail "it found $found, and had written $before"
assert 'what it left is kept' snaps_say vm1 '.snapshots | any(.name == "left-5" and .kind == "kept")'
assert 'its file, too' test -e "$(overlay 4)"
assert 'and whole' qemu-img check -q -U -f qcow2 "$(overlay 4)"
refute 'what it rests on stays' ctl snapshot delete vm1 two --yes
assert 'deleted, it is gone' ctl snapshot delete vm1 left-5 --yes --timeout 2min
assert 'with its file' test ! -e "$(overlay 4)"

note 'the newest: another one is taken first'
assert 'three goes' ctl snapshot delete vm1 three --yes --timeout 2min
assert 'two goes' ctl snapshot delete vm1 two --yes --timeout 2min
assert 'a base is left' snaps_say vm1 '.snapshots | length == 1 and (.[0].name | test("^base-"))'
wait_for 30 'it counts on' beats vm1 '.*'

note 'deleted and created again: no start below what it wrote last, of which the ledger knows no more'
before=$(counter)
newest=$(disk_of vm1)
assert 'deleted' ctl guest delete vm1 --yes --timeout 2min
assert 'created anew' ctl guest create "$LAB_STATE/vm1.xml" --no-wait
wait_for 60 'its reason names the file and the mend' guest_says vm1 \
        ".reason | test(\"${newest##*/} is unknown to the ledger: name it as disk vda, or move it away\")"
assert 'deleted again' ctl guest delete vm1 --yes --timeout 2min
sed -i "0,\\|<source file=|s|<source file='[^']*'/>|<source file='$newest'/>|" "$LAB_STATE/vm1.xml"
assert 'and created with that as its disk' ctl guest create "$LAB_STATE/vm1.xml" --timeout 2min
wait_for 90 'it is healthy' healthy vm1
found=$(booted_with)
((found >= before)) || fail "it found $found, and had written $before"

note 'inside of the disk, which stays its only file'
d4=$(guest_disk vm4)
inside() { qemu-img snapshot -U -l "$d4" | awk 'NR > 2 { sub(/-[0-9]+$/, "", $2); printf "%s ", $2 }'; }
has_inside() { [[ $(inside) == "$1" ]]; }
assert 'one' ctl snapshot create vm4 one --timeout 1min
assert 'known good' snaps_say vm4 '.snapshots[0].good and .snapshots[0].current and .taking == null'
assert 'it is there' has_inside 'hawd-2 '
assert 'two' ctl snapshot create vm4 two --timeout 1min
beat4() { grep '^HB ' "$(console_file "$(ctl --json guest show vm4 | jq -r .guest.host)" vm4)" | tail -n 1 | awk '{ print $2 }'; }
before=$(beat4)
counts4() { (($(beat4) > before + 3)); }
wait_for 20 'it counts on' counts4
before=$(beat4)
assert 'back to one, while it runs' ctl snapshot rollback vm4 one --yes --timeout 2min
wait_for 90 'healthy' healthy vm4
found=$(grep '^BOOT ' "$(console_file "$(ctl --json guest show vm4 | jq -r .guest.host)" vm4)" | tail -n 1 | awk '{ print $2 }')
((found < before)) || fail "it found $found, and had written $before"
assert 'it writes its disk' writes vm4 "$d4"
assert 'what it left is kept' snaps_say vm4 '.snapshots | any(.name == "left-4" and .kind == "kept")'
assert 'inside' has_inside 'hawd-2 hawd-3 hawd-4 hawd-at-4 '
for name in one left-4; do assert "$name goes" ctl snapshot delete vm4 "$name" --yes --timeout 2min; done
assert 'back to two' ctl snapshot rollback vm4 two --yes --timeout 2min
assert 'two goes' ctl snapshot delete vm4 two --yes --timeout 2min
assert 'and what was left then' ctl snapshot delete vm4 left-5 --yes --timeout 2min
assert 'stop' ctl guest stop vm4 --timeout 2min
assert 'nothing is inside' has_inside 'hawd-at-4 hawd-at-5 '
assert 'its disk is whole' qemu-img check -q -f qcow2 "$d4"

note 'what became of the boot loop'
wait_for 120 'vm2 runs, and is healthy' healthy vm2
assert 'first it was tried in place, then elsewhere' test "$(qemus "$since" '.*' vm2 | head -n 2 | paste -sd' ')" = \
        "vm2 $home2 vm2 $(another_than "$home2")"
found=$(booted_with vm2)
((found >= good)) || fail "vm2 found $found on its good disk, and had written $good before the snapshot"
wait_for 30 'the incident names the snapshot and the disk that was left' incident_says vm2 \
        '.outcome | test("went back to its snapshot newest, the disk that it left is kept as left-4")'
bad=$(guest_disk vm2)
bad=${bad%.qcow2}.hawd-3.qcow2
assert 'which is there, as it was' is_bad "$bad"
refute 'it runs on a good one' is_bad "$(disk_of vm2)"
assert 'it is listed' snaps_say vm2 '.snapshots | any(.name == "left-4" and .kind == "kept")'
wait_for 30 'it counts' beats vm2 '.*'

note 'by schedule, and which stays'
wait_for 150 'two were taken of vm3' test_taken 2
wait_for 60 'and the older one went' snaps_say vm3 '(.snapshots | length == 1) and .snapshots[0].good and .next != null'
