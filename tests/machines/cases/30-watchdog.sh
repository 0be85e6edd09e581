#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 70
# The machine's watchdog device, which everything about watchdogs rests on: armed and closed with 'V', nothing
# happens; armed and left alone, it resets the machine.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"

case_up --hosts 1 --no-hawd
assert 'it is an i6300esb' inside node1 'grep -qx "i6300ESB timer" /sys/class/watchdog/watchdog0/identity'
id=$(boot_id node1)
assert 'armed, and closed with V' inside node1 'exec 5>/dev/watchdog0; printf V >&5; exec 5>&-'
assert 'it is not armed any more' inside node1 'grep -qx inactive /sys/class/watchdog/watchdog0/state'
timeout=$(inside node1 'cat /sys/class/watchdog/watchdog0/timeout')
note "its time-out is $timeout s"
sleep "$((timeout + 10))" # the absence of a reset has no sign that could be waited for
assert 'the machine runs on' test "$(boot_id node1)" = "$id"
inside node1 'exec 5>/dev/watchdog0; printf x >&5; exec 5>&-'
assert 'armed, and closed without V' inside node1 'grep -qx active /sys/class/watchdog/watchdog0/state'
armed=$SECONDS
wait_for "$((timeout * 4 + 200))" 'the machine is reset, and boots' booted_anew node1 "$id"
assert 'not before the time-out' test "$((SECONDS - armed))" -ge "$((timeout - 1))"
