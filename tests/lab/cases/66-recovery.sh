#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 110
# Each cause that is a guest's own: detected under its name, recovered by the rung that the policy says, an
# incident with its times. A guest whose disk was written to badly dies at each boot: restarted, then relocated,
# then blocked with the reason and what to do; with a good disk and asked for, it runs. Meanwhile one that works,
# with its agent killed, is left alone. And the storage of all hosts is lost at once: nobody is fenced, guests
# are paused, and go on when it is back.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

create() { # NAME LAB-OPTION... -- SETTING...
        local name=$1 options=() sets=()
        shift
        while [[ $1 != -- ]]; do
                options+=("$1")
                shift
        done
        shift
        for set in "$@"; do sets+=(--set "$set"); done
        lab guest xml "$name" "${options[@]}" >"$LAB_STATE/$name.xml" &&
                ctl guest create "$LAB_STATE/$name.xml" "${sets[@]}" --no-wait >/dev/null
}
home_of() { ctl --json guest show "$1" | jq -r .guest.host; }
# What is an incident's time is there, and they are in order.
timed() { # GUEST STEP...
        local guest=$1 steps
        shift
        printf -v steps '.%s_usec, ' "$@"
        assert "$guest: its incident has its times" incident_says "$guest" "[${steps%, }] | all(. != null) and . == sort"
}
recovered() { # GUEST CAUSE: its newest incident is closed, and says so
        incident_says "$1" ".cause | test(\"$2\")"
}
in_place() { # SINCE GUEST CAUSE: within 90 s it was started again, once, where it was, and is healthy
        wait_for 90 "$2: the cause is named" recovered "$2" "$3"
        assert "$2: restarted, once" once_started "$1" "$2"
        assert "$2: in place" test -n "$(qemus "$1" "${home[$2]}" "$2")"
        timed "$2" detected placed started healthy
}
paused_by_it() { # GUEST
        guest_says "$1" '.state == "paused" and .desired == "running" and (.reason | test("io-error|I/O error"))'
}
has_no_agent() { # GUEST
        ! virsh_in "${home[$1]}" qemu-agent-command "$1" --timeout 1 '{"execute": "guest-ping"}' >/dev/null 2>&1
}

case_cluster 2
# shellcheck disable=SC2034 # for the lab's parts, which are asked here, too
LAB_NAME=$CASE_LAB
set_lab_paths
assert 'one that will hang' create hang1 -- hang-after=10s
assert 'one with an armed watchdog' create wd1 --watchdog reset -- hang-after=10s
assert 'one that will work without its agent' create busy1 -- hang-after=10s
assert 'one whose disk will go bad' create loop1 -- restart-limit=2 relocate-limit=1
all=(hang1 wd1 busy1 loop1)
declare -A home
for guest in "${all[@]}"; do
        wait_for 90 "$guest is healthy" healthy "$guest"
        home[$guest]=$(home_of "$guest")
done

note 'all hosts lose the storage at once'
since=$(now_msec)
for host in node1 node2; do assert "$host loses it" lab storage "$host" lose; done
for guest in "${all[@]}"; do wait_for 30 "$guest is paused" paused_by_it "$guest"; done
for host in node1 node2; do assert "$host gets it back" lab storage "$host" restore; done
for guest in "${all[@]}"; do wait_for 90 "$guest goes on" healthy "$guest"; done
assert 'none was started anew' none_started "$since" '.*' '.*'
for host in node1 node2; do assert "$host stays online" host_is "$host" online; done

note 'a bad write; two hang, one with a watchdog; one works, its agent is killed'
assert 'its agent is killed' lab guest agent busy1 kill
looped=$(now_msec)
assert 'a bad write' lab guest boot-loop loop1
wait_for 30 'busy1 has no agent' has_no_agent busy1
since=$(now_msec)
assert 'hang, without a watchdog' lab guest hang hang1 spin
assert 'hang, with one' lab guest hang wd1 spin
in_place "$since" wd1 "watchdog on ${home[wd1]}: its watchdog ran out"
in_place "$since" hang1 "hang on ${home[hang1]}: agent silent, no disk I/O, nothing sent for 1"
assert 'and that it worked until then' incident_says hang1 '.detected_usec - .last_good_usec >= 10000000'
assert 'the one that works was left alone' none_started "$since" '.*' busy1

note 'a disk fails, a kernel panics, a QEMU aborts'
for guest in hang1 wd1; do wait_for 60 "$guest is healthy" healthy "$guest"; done
since=$(now_msec)
assert 'I/O error' lab guest io-error hang1
wait_for 20 'paused by it, and nobody wished so' paused_by_it hang1
assert 'its disk works again' lab guest io-error hang1 end
assert 'panic' lab guest panic wd1
assert 'QEMU aborts' lab guest crash busy1
in_place "$since" wd1 "crashed on ${home[wd1]}: the guest's kernel panicked"
in_place "$since" busy1 "failed on ${home[busy1]}: QEMU died"
wait_for 60 'hang1 is resumed, and healthy' healthy hang1
wait_for 30 'its incident names disk and cause' recovered hang1 "io-error on ${home[hang1]}: .*virtio-disk0"
assert 'in the same QEMU' none_started "$since" '.*' hang1
timed hang1 detected healthy

note 'what became of the bad disk'
wait_for 150 'it is blocked' guest_says loop1 '.state == "blocked" and (.reason | test("boot loop.*hawctl guest recover"))'
assert 'first it was tried in place, twice, then elsewhere, once' test "$(qemus "$looped" '.*' loop1 | paste -sd' ')" = \
        "loop1 ${home[loop1]} loop1 ${home[loop1]} loop1 $(another_than "${home[loop1]}")"
assert 'its incident says why, and is open' guest_says loop1 '.incident != null'
assert 'its disk is mended' lab exec node1 -- qemu-io -f qcow2 -c 'write -z 4096 512' "$LAB_STATE/shared/loop1.qcow2"
assert 'recover' ctl guest recover loop1
wait_for 90 'it runs and is healthy' healthy loop1
wait_for 30 'the incident says boot loop' recovered loop1 'boot loop: failed . times before it was healthy; crashed'
timed loop1 detected placed started healthy
for host in node1 node2; do assert "$host was not switched" switched "$host" off 0; done
assert 'nothing was lost, nothing ran twice' sound "${all[@]}"
