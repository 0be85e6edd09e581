#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 75
# The libvirt adapter by itself: why a guest does not do its work, with the cause named; and who is left alone: a
# guest that works though its agent is gone, and an idle one, whose agent is the only sign of its life, on a host
# that is starved of CPU and memory bandwidth, and on one that stands still as a whole; a QEMU that does not answer.
# Proof that they were judged meanwhile: others hang, and the idle one does when its agent stops.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
probe=$HAWD_BIN/lab/guestprobe
requires mkfifo
[[ -x $probe ]] || skip "$probe is not built (make tests)"

said() { # REGEXP: a line since the last `mark`
        grep -Eq "$1" < <(tail -n "+$((from + 1))" "$dir/out")
}
mark() { from=$(wc -l <"$dir/out"); }
begin_probe() {
        mkfifo "$dir/in"
        from=0
        : >"$dir/out"
        lab exec node1 -- "$probe" qemu:///system 10 <"$dir/in" >>"$dir/out" 2>&1 &
        exec 9>"$dir/in"
        rm "$dir/in"
}
virsh_does() { virsh_in node1 "$@" >/dev/null; }
healthy() { # GUEST
        said "healthy $(virsh_in node1 domuuid "$1")"
}
qemu() { # GUEST SIGNAL
        lab exec node1 -- pkill "-$2" -f -- "guest=$1,"
}
operations() { virsh_in node1 domstats idle1 --block --interface | grep -E '(reqs|tx.pkts)='; }
is_idle() { # only its agent moves: nothing is written or sent
        local before
        before=$(operations)
        sleep 1
        [[ -n $before && $(operations) == "$before" ]]
}

case_up --hosts 1 --no-hawd
# shellcheck disable=SC2034 # for the lab's parts, which are asked here, too
LAB_NAME=$CASE_LAB
set_lab_paths
dir=$(mktemp -d)
hogs=()
end_case() {
        local rc=$?
        exec 9>&-
        ((${#hogs[@]} == 0)) || kill "${hogs[@]}" 2>/dev/null
        ((rc == 0)) || cat "$dir/out"
        rm -rf "$dir"
        (exit "$rc")
        case_end
}
trap end_case EXIT
begin_probe
wait_for 20 'connected' said ' up 0'
for guest in vm1 vm2 idle1; do assert "a guest: $guest" lab guest create "$guest" --host node1 --no-wait; done
assert 'one that does not run' lab guest create vm3 --host node1 --no-start
assert 'one with an armed watchdog' lab guest create wd1 --host node1 --watchdog poweroff --no-wait
for guest in vm1 vm2 idle1 wd1; do wait_for 60 "$guest: its agent answers" healthy "$guest"; done

note 'one disk fails'
mark
assert 'io-error' lab guest io-error vm1
wait_for 20 'the disk is named' said ' domain vm1 paused io-error .*I/O error of its disk virtio-disk0 \(.*/vm1.qcow2\)'
refute 'the others go on' said ' domain (vm2|idle1|wd1) '
assert 'the disk works again' lab guest io-error vm1 end
assert 'resume' virsh_does resume vm1
wait_for 20 'it goes on' said ' domain vm1 running none '

note 'the storage is lost'
mark
assert 'lose' lab storage node1 lose
for guest in vm1 vm2 idle1 wd1; do wait_for 20 "$guest is paused by it" said " domain $guest paused io-error "; done
refute 'nothing can be started from it' virsh_does start vm3
note 'whoever comes later is told so, too'
exec 9>&-
begin_probe
wait_for 20 'found so' said ' up 5( (vm1|vm2|idle1|wd1)=paused:io-error| vm3=gone:unknown){5}$'
assert 'restore' lab storage node1 restore
for guest in vm1 vm2 idle1 wd1; do assert "$guest: resume" virsh_does resume "$guest"; done
for guest in vm1 vm2 idle1 wd1; do wait_for 20 "$guest works" lab guest alive "$guest"; done

note 'one hangs, its watchdog sees it; one hangs without; one works, its agent is killed; one is idle; all on a starved host'
assert 'it has nothing to do' lab guest exec idle1 -- 'killall -STOP beat'
wait_for 20 'it is idle' is_idle
mark
assert 'agent' lab guest agent vm1 kill
assert 'hang' lab guest hang wd1 spin
assert 'hang' lab guest hang vm2 idle
for _ in 1 2 3 4; do
        dd if=/dev/zero of=/dev/null bs=128M 2>/dev/null &
        hogs+=($!)
done
wait_for 60 'the watchdog is named' said ' domain wd1 gone watchdog '
wait_for 120 'the hang is named' said ' domain vm2 running hang \[agent silent, no disk I/O, nothing sent for 1[0-9]s; CPUs idle'
kill "${hogs[@]}"
hogs=()
refute 'neither of the others hangs' said ' domain (vm1|idle1) '

note 'the whole host stands still'
assert 'freeze' lab freeze node1
sleep 12
assert 'thaw' lab thaw node1
pkill -CONT -g 0 -x nsenter # it stops with what it runs
wait_for 20 'one works' lab guest alive vm1
sleep 3
refute 'neither hangs' said ' domain (vm1|idle1) '

note 'a QEMU that does not answer is no guest that hangs; an idle guest whose agent stops is one'
assert 'stop' qemu vm1 STOP
# shellcheck disable=SC2016 # for its own shell
assert 'its agent will stop' agent node1 idle1 '{"execute": "guest-exec", "arguments": {"path": "/bin/sh", "arg": ["-c", "(sleep 1; killall -STOP qemu-ga) >/dev/null 2>&1 &"]}}'
wait_for 120 'it hangs' said ' domain idle1 running hang \[agent silent, no disk I/O, nothing sent for 1[0-9]s; CPUs idle'
assert 'continue' qemu vm1 CONT
wait_for 20 'the other works' lab guest alive vm1
refute 'nothing was said of it' said ' domain vm1 '
