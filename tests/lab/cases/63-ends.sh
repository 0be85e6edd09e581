#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 39
# How a guest ends, and what comes of it: told to end from the host side and panicked are failures, a
# reboot is no end, a destroy is a wish. Its agent hangs: a stop does not.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

agent_hangs() { ! lab exec "$home" -- virsh -q qemu-agent-command vm1 --timeout 1 '{"execute": "guest-ping"}' </dev/null >/dev/null 2>&1; }
recovers() { # SINCE CAUSE
        wait_for 60 'it is started again, once' once_started "$1" vm1
        wait_for 60 'and healthy' healthy vm1
        wait_for 20 "the incident says $2" incident_says vm1 ".cause | test(\"$2\")"
}

case_cluster 2
lab guest xml vm1 >"$LAB_STATE/vm1.xml"
assert 'create' ctl guest create "$LAB_STATE/vm1.xml" --set stop-timeout=40s
wait_for 60 'it is healthy' healthy vm1
home=$(ctl --json guest show vm1 | jq -r .guest.host)

note 'told to end from the host side'
since=$(now_msec)
lab exec "$home" -- pkill -TERM -f -- 'guest=vm1,'
recovers "$since" 'host-shutdown'

note 'kernel panic'
since=$(now_msec)
lab guest panic vm1
recovers "$since" 'crashed'

note 'reboot inside'
since=$(now_msec)
lab guest exec vm1 -- reboot -f >/dev/null 2>&1
sleep 1
wait_for 60 'it beats again' beats vm1 "$home" $((since + 2000))
assert 'in the same QEMU' none_started "$since" '.*' vm1
assert 'nothing was made of it' guest_says vm1 '.state == "running" and .desired == "running" and .restarts == 2'

note 'its agent hangs: it is asked by ACPI then'
# shellcheck disable=SC2016 # for the guest's own shell
lab guest exec vm1 -- '(sleep 1; kill -STOP $(pidof qemu-ga)) >/dev/null 2>&1 &'
wait_for 30 'the agent hangs' agent_hangs
since=$(now_msec)
assert 'stop' ctl guest stop vm1 --timeout 60s
assert 'it was waited for, and not destroyed' test $(($(now_msec) - since)) -lt 40000

note 'stopped while it is paused; then destroyed by hand'
assert 'start' ctl guest start vm1 --timeout 60s
assert 'pause' ctl guest pause vm1
since=$(now_msec)
assert 'stop' ctl guest stop vm1 --timeout 60s
assert 'at once: it can not hear' test $(($(now_msec) - since)) -lt 20000
assert 'start' ctl guest start vm1 --timeout 60s
lab exec "$home" -- virsh -q destroy vm1
wait_for 20 'that is a wish' guest_says vm1 '.state == "stopped" and .desired == "stopped" and (.reason | test("destroyed by somebody"))'
assert 'nothing was lost, nothing ran twice' sound vm1
