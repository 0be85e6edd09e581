#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 58
# The libvirt adapter by itself: how ends show, a libvirtd that dies or stops, a start that hangs.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
probe=$HAWD_BIN/lab/guestprobe
requires mkfifo
[[ -x $probe ]] || skip "$probe is not built (make tests)"

from=0
said() { # REGEXP: a line since the last `say` or `mark`
        grep -Eq "$1" < <(tail -n "+$((from + 1))" "$dir/out")
}
mark() { from=$(wc -l <"$dir/out"); }
say() {
        mark
        printf '%s\n' "$*" >&9
}
job_ends() { # SECONDS REGEXP
        wait_for "$1" "job: $2" said "^[0-9.]+ job [0-9]+ $2"
}
run() { # without waiting for its system
        say start "$dir/vm1.xml"
        job_ends 40 'done running'
        mark
}
start() {
        say start "$dir/vm1.xml"
        job_ends 40 'done running'
        wait_for 60 'its agent answers' said ' healthy '
        mark
}
qemu() { # SIGNAL
        lab exec node1 -- pkill "-$1" -f -- "-uuid $uuid"
}
qemu_is_gone() { ! lab exec node1 -- pgrep -f -- "-uuid $uuid" >/dev/null; }
ends() { # SECONDS END-WHY: and clears it away
        wait_for "$1" "seen as $2" said " domain vm1 gone $2 "
        say settle "$uuid"
        job_ends 40 'done gone'
}

case_up --hosts 1 --no-hawd
dir=$(mktemp -d)
end_probe() {
        local rc=$?
        exec 9>&-
        ((rc == 0)) || cat "$dir/out"
        rm -rf "$dir"
        (exit "$rc")
        case_end
}
trap end_probe EXIT
lab guest xml vm1 >"$dir/vm1.xml"
uuid=$(sed -n 's|.*<uuid>\(.*\)</uuid>.*|\1|p' "$dir/vm1.xml")
mkfifo "$dir/in"
lab exec node1 -- "$probe" <"$dir/in" >"$dir/out" 2>&1 &
exec 9>"$dir/in"
wait_for 20 'connected' said ' up 0'

start
qemu KILL
ends 20 failed
run
qemu TERM
ends 20 host-shutdown
start
lab exec node1 -- virsh -q shutdown vm1 --mode agent
ends 40 guest-shutdown
run
lab exec node1 -- virsh -q destroy vm1
ends 40 destroyed
start
lab guest panic vm1
ends 20 crashed

note 'libvirtd dies: no end of a guest'
start
lab daemon node1 libvirtd kill
wait_for 20 'down' said ' down: '
lab daemon node1 libvirtd start
wait_for 40 'up again' said ' up 1 vm1=running'
refute 'an end was reported' said ' gone '

note 'a stopped QEMU hears no shutdown'
qemu STOP
say stop "$uuid" 4
job_ends 60 'done gone'
assert 'its process is gone' qemu_is_gone

note 'a start that hangs in libvirtd, and a settle'
pid=$(lab daemon node1 libvirtd pid | head -n 1)
for delay in 0.01 0.1 0.3; do
        say start "$dir/vm1.xml" 1
        sleep "$delay"
        kill -STOP "$pid"
        job_ends 20 '(unsettled|done)'
        say settle "$uuid" 60
        sleep 0.5
        kill -CONT "$pid"
        job_ends 60 'done gone'
        sleep 1
        assert 'nothing of it came later' qemu_is_gone
done

note 'libvirtd stops for longer than it may'
say pause "$uuid" 2
job_ends 20 failed
kill -STOP "$pid"
say dump vm1 5
job_ends 30 unsettled
wait_for 90 'down' said ' down: libvirtd does not answer'
kill -CONT "$pid"
wait_for 60 'up again' said ' up 0'

refute 'hawd took its own definitions for somebody else'"'"'s' grep -q ' redefined ' "$dir/out"

say quit
wait_for 20 'no thread hangs on' said 'closed threads=2'
