#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 50
# The libvirt adapter by itself: an idle guest, whose agent is the only sign of its life, on a host that is
# starved of CPU and memory bandwidth, and one that stands still as a whole: neither is a guest that hangs.
# Proof that it was judged meanwhile: its agent is stopped, and it does hang.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
probe=$HAWD_BIN/lab/guestprobe
requires mkfifo
[[ -x $probe ]] || skip "$probe is not built (make tests)"

said() { grep -Eq "$1" "$dir/out"; }
# Only its agent moves: nothing is written or sent.
is_idle() {
        local before
        before=$(operations)
        sleep 1
        [[ -n $before && $(operations) == "$before" ]]
}
operations() { lab exec node1 -- virsh -q domstats vm1 --block --interface </dev/null | grep -E '(reqs|tx.pkts)='; }

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
mkfifo "$dir/in"
lab exec node1 -- "$probe" qemu:///system 10 <"$dir/in" >"$dir/out" 2>&1 &
exec 9>"$dir/in"
assert 'a guest' lab guest create vm1 --host node1
wait_for 60 'its agent answers' said ' healthy '
assert 'its agent will stop in 38 s' lab guest exec vm1 -- '(sleep 38; killall -STOP qemu-ga) >/dev/null 2>&1 &'
assert 'it has nothing to do' lab guest exec vm1 -- 'killall -STOP beat'
wait_for 20 'it is idle' is_idle

note 'CPU and memory are taken'
for _ in 1 2 3 4; do
        dd if=/dev/zero of=/dev/null bs=128M 2>/dev/null &
        hogs+=($!)
done
sleep 13
kill "${hogs[@]}"
hogs=()
refute 'it does not hang' said ' domain vm1 .* hang '

note 'the whole host stands still'
assert 'freeze' lab freeze node1
sleep 12
assert 'thaw' lab thaw node1
pkill -CONT -g 0 -x nsenter # it stops with what it runs
sleep 4
refute 'it does not hang' said ' domain vm1 .* hang '

note 'its agent stops'
wait_for 120 'now it hangs' said ' domain vm1 running hang \[agent silent, no disk I/O, nothing sent for 1[0-9]s; CPUs idle'
