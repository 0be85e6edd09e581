#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 35
# Five hosts with two supplies each: every device is looked at from every host; a supply that does not
# switch leaves its level unproven and the next is tried; a device that takes 30 s delays nobody else;
# who fences may die; no password is seen anywhere (S2, S3).
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

secret=labsecret other=notthatone

test_says() { # JQ-CONDITION OPTION...: of hawctl's answer, whatever its exit status
        local condition=$1
        shift
        { ctl --json fence test "$@" || :; } | jq -e "$condition" >/dev/null
}

devices() { # CONDITION: how many devices are seen on
        status_says "[.hosts[].devices[] | select(.seen_on)] | length == $1"
}

fence_pids() { # HOST: hawd-fence that switches, by the pids out here
        host_pids_of "$1" 'hawd-fence.*--action off'
}

host_pids_of() { # HOST PATTERN
        local ns
        ns=$(lab exec "$1" -- readlink /proc/self/ns/pid)
        pgrep -f -- "$2" | while read -r pid; do
                [[ $(readlink "/proc/$pid/ns/pid") != "$ns" ]] || printf '%s\n' "$pid"
        done
}

others_fence() { # HOST PID...: a new hawd-fence, and none of those
        local pid
        for pid in "${@:2}"; do [[ ! -d /proc/$pid ]] || return 1; done
        [[ -n $(fence_pids "$1") ]]
}

shown_on() { # HOST WHERE...: which of these hold a password, seen from inside
        lab exec "$1" -- grep -rlsaF -e "$secret" -e "$other" --exclude=fencing.conf -- "${@:2}"
}

case_up --hosts 5 --supplies --set cluster.after-fence=off --set cluster.fence-check=5s \
        --set 'fence psu3a.timeout=8s' --set 'fence psu3b.timeout=8s' \
        --set 'fence psu2a.timeout=5s' --set 'fence psu2b.timeout=5s' --set 'fence bmc2.timeout=5s' \
        --set 'fence psu4a.timeout=90s' --set 'fence psu4b.timeout=90s'
wait_for 90 'five hosts are online, their fifteen devices known' devices 15
add_guest vm1 node3
wait_for 60 'vm1 is healthy' healthy vm1

note 'every device, from every host'
assert 'all are read on, and could be a proof' test_says '(.readings | length == 15) and
        all(.readings[]; .power == "on" and .proof and .in_ring and .by == "node1") and .error == null' --all
assert 'and so it ends with 0' ctl fence test --all
assert 'from everywhere' test_says '[.readings[].by] | group_by(.) | map(length) == [15, 15, 15, 15, 15]' --all --from all
lab bmc node2 dead
lab net node4 cut mgmt
lab exec node5 -- sed -i "/^\[psu2a\]/,/^\[psu2b\]/s/= $secret/= $other/" /etc/hawd/fencing.conf
ctl --json fence test node2 --from all >"$LAB_STATE/test.json"
assert 'something is wrong now' test "$?" = 1
tested() { jq -e "$1" "$LAB_STATE/test.json" >/dev/null; }
assert 'the dead BMC is reached by nobody' tested '[.readings[] | select(.device == "bmc2")] |
        length == 5 and all(.power == null and (.proof | not) and (.error | test("no answer|no route")))'
assert 'a host that is cut off reaches none' tested '[.readings[] | select(.by == "node4")] | length == 3 and all(.power == null)'
assert 'a wrong password is known where it is' tested '[.readings[] | select(.device == "psu2a" and .power == null) | .by] | sort == ["node4", "node5"]'
assert 'and said' tested '.readings[] | select(.device == "psu2a" and .by == "node5") | .why | test("wrong password.*correct .psu2a. in fencing.conf")'
assert 'the others read all the same' tested '[.readings[] | select(.power == "on" and .proof)] | length == 3 + 4'
lab net node4 restore mgmt
lab exec node5 -- sed -i "s/$other/$secret/" /etc/hawd/fencing.conf
grep -q 'bmc2, read by node1, proves nothing' <(ctl fence test --all)
assert 'a table for people says it too' test "$?" = 0
lab bmc node2 alive

note 'a supply that does not switch, and supplies that take 30 s'
lab bmc node3.b lie
lab bmc node4.a slow 30
lab bmc node4.b slow 30
lost=$(now_msec)
lab freeze node4
lab freeze node3
wait_for 40 'both are lost' status_says '[.hosts[] | select(.name == "node3" or .name == "node4") | .state] | all(. == "lost" or . == "fencing")'
wait_for 40 'supply a of node3 is off' grep -q 0 "$LAB_STATE/bmc/node3.a/power"
assert 'b is not, and node3 is frozen, not off' power_is node3 frozen
assert 'nothing is started' none_started "$lost" '.*' vm1
wait_for 60 'level 2 is tried, and proves it' host_says node3 '.state == "off" and .proof == "devices" and (.proof_text | test("bmc3"))'
assert 'node3 is off' power_is node3 off
assert 'the first level was no proof' history_of 'map(select(.event == "fence-result" and .host == "node3" and (.text | test("psu3b.*on"))) ) | length > 0 or error'
assert 'meanwhile node4 is still being fenced' host_is node4 fencing
assert 'devices of others are read' test_says '.readings | length == 3 and all(.power == "on" and .took_ms < 10000)' node1

note 'the passwords, while a fence is under way'
executor=$({ ctl --json host show node4 || :; } | jq -r '.host.fence_job.executor // empty')
mapfile -t pids < <(fence_pids "$executor")
assert "hawd-fence runs on $executor" test "${#pids[@]}" -ge 1
for host in node1 node2 node5; do
        refute "$host: no password in ledger, logs, state" shown_on "$host" /var/lib/hawd /var/log /run/hawd /run/hawd-lab
done
# Arguments and environment of all processes of that host but those that look for it.
# shellcheck disable=SC2016 # for the shell inside
seen_in_proc() {
        lab exec "$executor" -- sh -c 'for p in /proc/[0-9]*; do
                tr "\0" " " <$p/cmdline; tr "\0" " " <$p/environ; echo; done 2>/dev/null' | grep -F "$secret"
}
refute 'nor in any argument or environment' seen_in_proc
refute 'nor in what hawctl says' grep -F -e "$secret" -e "$other" <(ctl --json status; ctl --json history --limit 2000; cat "$LAB_STATE/test.json")

note 'who fences dies'
lab daemon "$executor" hawd kill
wait_for 20 'its children end with it; it comes back and goes on' others_fence "$executor" "${pids[@]}"
wait_for 120 'node4 is proven off' host_says node4 '.state == "off" and .proof == "devices"'
assert 'and is' power_is node4 off
wait_for 60 'vm1 beats elsewhere' beats vm1 'node1|node2|node5'
assert 'started once' once_started "$lost" vm1
assert 'nothing was lost, nothing ran twice' sound vm1
