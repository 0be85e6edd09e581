#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 52
# The libvirt adapter by itself: why a guest does not do its work, with the cause named; and who is left
# alone: a guest that works though its agent is gone, on a host that is starved; a QEMU that does not answer.
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
virsh_does() { lab exec node1 -- virsh -q "$@" </dev/null >/dev/null; }
healthy() { # GUEST
        said "healthy $(guest_uuid_of "$1")"
}
guest_uuid_of() { lab exec node1 -- virsh -q domuuid "$1" </dev/null; }
qemu() { # GUEST SIGNAL
        lab exec node1 -- pkill "-$2" -f -- "guest=$1,"
}

case_up --hosts 1 --no-hawd
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
assert 'a guest' lab guest create vm1 --host node1 --no-wait
assert 'another' lab guest create vm2 --host node1 --no-wait
assert 'one that does not run' lab guest create vm3 --host node1 --no-start
assert 'one with an armed watchdog' lab guest create wd1 --host node1 --watchdog poweroff --no-wait
for guest in vm1 vm2 wd1; do wait_for 60 "$guest: its agent answers" healthy "$guest"; done

note 'one disk fails'
mark
assert 'io-error' lab guest io-error vm1
wait_for 20 'the disk is named' said ' domain vm1 paused io-error .*I/O error of its disk virtio-disk0 \(.*/vm1.qcow2\)'
refute 'the others go on' said ' domain (vm2|wd1) '
assert 'the disk works again' lab guest io-error vm1 end
assert 'resume' virsh_does resume vm1
wait_for 20 'it goes on' said ' domain vm1 running none '

note 'the storage is lost'
mark
assert 'lose' lab storage node1 lose
for guest in vm1 vm2 wd1; do wait_for 20 "$guest is paused by it" said " domain $guest paused io-error "; done
refute 'nothing can be started from it' virsh_does start vm3
note 'whoever comes later is told so, too'
exec 9>&-
begin_probe
wait_for 20 'found so' said ' up 4( (vm1|vm2|wd1)=paused:io-error| vm3=gone:unknown){4}$'
assert 'restore' lab storage node1 restore
for guest in vm1 vm2 wd1; do assert "$guest: resume" virsh_does resume "$guest"; done
for guest in vm1 vm2 wd1; do wait_for 20 "$guest works" lab guest alive "$guest"; done

note 'one hangs, its watchdog sees it; one hangs without; one works, its agent is killed; all on a starved host'
mark
assert 'agent' lab guest agent vm1 kill
assert 'hang' lab guest hang wd1 spin
assert 'hang' lab guest hang vm2 idle
for _ in 1 2 3; do
        (while :; do :; done) &
        hogs+=($!)
done
wait_for 40 'the watchdog is named' said ' domain wd1 gone watchdog '
wait_for 90 'the hang is named' said ' domain vm2 running hang \[agent silent, no disk I/O, nothing sent for 1[0-9]s; CPUs idle'
kill "${hogs[@]}"
hogs=()
refute 'the one that works does not hang' said ' domain vm1 '

note 'a QEMU that does not answer is no guest that hangs'
assert 'stop' qemu vm1 STOP
sleep 14
assert 'continue' qemu vm1 CONT
wait_for 20 'it works' lab guest alive vm1
refute 'nothing was said of it' said ' domain vm1 '
