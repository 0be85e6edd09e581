#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 72
# Each cause that is a guest's own: detected under its name, recovered by the rung that the policy says, an
# incident with its times. Meanwhile a guest that works, with its agent killed, is left alone.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence jq

create() { # NAME LAB-OPTION...
        local name=$1
        shift
        lab guest xml "$name" "$@" >"$LAB_STATE/$name.xml" &&
                ctl guest create "$LAB_STATE/$name.xml" --set hang-after=10s --no-wait >/dev/null
}
home_of() { ctl --json guest show "$1" | jq -r .guest.host; }
# The times are there, and in order; what was known good comes before what was detected.
timed='(.detected_usec != null and .started_usec >= .detected_usec and .healthy_usec >= .started_usec)'
recovered() { # GUEST CAUSE: its newest incident is closed, and says so
        incident_says "$1" ".cause | test(\"$2\")"
}

case_cluster 2
assert 'one that will hang' create hang1
assert 'one with an armed watchdog' create wd1 --watchdog reset
assert 'one whose disk will fail' create disk1
for guest in hang1 wd1 disk1; do wait_for 90 "$guest is healthy" healthy "$guest"; done
declare -A home
for guest in hang1 wd1 disk1; do home[$guest]=$(home_of "$guest"); done

since=$(now_msec)
assert 'hang, without a watchdog' lab guest hang hang1 spin
assert 'hang, with one' lab guest hang wd1 spin
assert 'I/O error' lab guest io-error disk1
wait_for 20 'paused by it, and nobody wished so' guest_says disk1 '.state == "paused" and .desired == "running" and (.reason | test("io-error"))'
assert 'its disk works again' lab guest io-error disk1 end
wait_for 60 'it is resumed, and healthy' healthy disk1
wait_for 30 'its incident names disk and cause' recovered disk1 "io-error on ${home[disk1]}: .*virtio-disk0"
assert 'in the same QEMU' none_started "$since" '.*' disk1
assert 'its agent is killed' lab guest agent disk1 kill

wait_for 60 'the watchdog is the cause' recovered wd1 "watchdog on ${home[wd1]}: its watchdog ran out"
assert 'restarted, once' once_started "$since" wd1
wait_for 90 'the hang is the cause' recovered hang1 "hang on ${home[hang1]}: agent silent, no disk I/O, nothing sent for 1"
assert 'restarted, once' once_started "$since" hang1
for guest in hang1 wd1; do
        assert "$guest: in place" test "$(home_of "$guest")" = "${home[$guest]}"
        assert "$guest: its incident has its times" incident_says "$guest" "$timed"
done

since=$(now_msec)
assert 'QEMU aborts' lab guest crash wd1
wait_for 60 'the crash is the cause' recovered wd1 "failed on ${home[wd1]}: QEMU died"
assert 'restarted, once' once_started "$since" wd1
assert 'the one that works was left alone' none_started "$since" '.*' disk1
assert 'nothing was lost, nothing ran twice' sound hang1 wd1 disk1
