#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 120
# The host of three guests dies when no copy of their disks is in step: the servers of two had ended a second
# before, the third is made from time to time. None is started from, and each guest says why, and what may be
# accepted. One is, by the policy; one, by a person; the third waits, and when the host is back it goes on from its
# own disk, which is copied anew: nobody has to say so, and nothing is lost.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence qemu-img qemu-nbd

CTL=node3
lag=20 # seconds
blocked() { # GUEST TEXT
        guest_says "$1" ".state == \"blocked\" and (.reason | test(\"$2\"))"
}
as_of() { { ctl --json replica list vm2 || :; } 2>/dev/null | jq -r '.replicas[0] | select(.state == "in-step").as_of_usec // 0'; }
newer() { (($(as_of) > first)); }
console() { printf '%s/hosts/%s/log/libvirt/qemu/%s.console\n' "$LAB_STATE" "$1" "$2"; }
told() { # HOST GUEST: how often it has said that a write is done; whole lines only
        grep '^HB [0-9]* [0-9a-f]* [0-9]* [0-9]' "$(console "$1" "$2")" | tail -n 1 | awk '{ print $2 }'
}
found() { # HOST GUEST: what it found when it booted there last
        grep '^BOOT ' "$(console "$1" "$2")" | tail -n 1 | awk '{ print $2 }'
}
said_at() { # GUEST [COUNTER]: when the witness heard that from node1, or the last from there (ms)
        awk -v guest="$1" -v counter="${2:-}" '$2 == "node1" && $3 == guest && $4 == "HB" {
                if (counter == "" || $5 == counter) at = $1 } END { print at + 0 }' "$LAB_STATE/watch.log"
}
usec() { # DURATION, as hawd writes it
        awk '{ for (i = 1; i <= NF; i++) { u = $i; sub(/^[0-9]*/, "", u)
                sum += $i * (u == "ms" ? 1000 : u == "s" ? 1000000 : u == "min" ? 60000000 : 1) } print sum }' <<<"$1"
}

case_cluster 3 --set cluster.after-fence=off
# shellcheck disable=SC2034 # for the lab's parts, which are asked here, too
LAB_NAME=$CASE_LAB
for guest in vm1 vm3; do local_guest "$guest" node1 raw; done
local_guest vm2 node1 qcow2 --set replica-lag="${lag}s"
for guest in vm1 vm2 vm3; do wait_for 90 "$guest is healthy" healthy "$guest"; done
for guest in vm1 vm3; do assert "$guest: a copy on node2 is wished for" ctl replica add "$guest" node2 sync; done
assert 'vm2: one that is made from time to time' ctl replica add vm2 node2 async
for guest in vm1 vm2 vm3; do wait_for 120 "$guest: in step" in_step "$guest" node1 node2; done
first=$(as_of)
wait_for 120 'vm2: a newer one' newer
for guest in vm1 vm3; do assert "$guest: its disk is no copy" test ! -e "$LAB_STATE/hosts/node2/local/$guest.raw"; done

note 'the servers of two copies end, and a second later the host is dead'
lost=$(now_msec)
for guest in vm1 vm3; do
        lab exec node2 -- sh -c "kill -9 \$(awk '/^disk/ { print \$5 }' /var/lib/hawd/replicas/$(guest_uuid "$guest").[0-9])"
done
sleep 1
lab power node1 off
for guest in vm1 vm3; do
        wait_for 90 "$guest is blocked: why, and what may be done" blocked "$guest" \
                '(the host of the copy saw its mirror end before|had gone on without the copy).*hawctl replica promote '"$guest"' --accept-loss'
done
wait_for 90 'so is vm2: why, and what may be done' blocked vm2 \
        'the copy is made from time to time .lost: [0-9].*hawctl replica promote vm2 --accept-loss'
for guest in vm1 vm3; do
        assert "$guest: the veto is on the disk" grep -q ended "$LAB_STATE/hosts/node2/lib/hawd/replicas/$(guest_uuid "$guest")".*.veto
done
holds 3 'nothing is started' none_started "$lost" '.*' 'vm[123]'
refute 'no start that loses nothing' ctl replica promote vm1

note 'an older copy is allowed: by the policy, and by a person'
assert 'by the policy' ctl guest set vm2 replica-loss=10min
assert 'by a person' ctl replica promote vm3 --accept-loss --yes
for guest in vm2 vm3; do
        wait_for 90 "$guest beats on node2" beats "$guest" node2 "$lost"
        wait_for 60 "$guest is healthy" healthy "$guest"
        assert "$guest: the incident says that something is lost" incident_says "$guest" \
                '.outcome | test("from its replica; what was written last is lost: ")'
done
is=$(found node2 vm2) had=$(told node1 vm2)
((is > 0 && is <= had + 1)) || fail "vm2 found $is, and had counted to $had"
loses=$(($(said_at vm2) - $(said_at vm2 "$is")))
states=$(history_of 'map(select(.event == "replica-promoted" and .guest == "vm2")) | last.text | capture("is lost: (?<t>[^:]*)").t')
note "vm2 found $is, and had counted to $had: $loses ms are lost, and hawd says $states"
assert 'that is within the bound of its copy' test "$loses" -le $((lag * 1000))
assert 'and hawd has said no less' test "$(($(usec "$states") / 1000))" -ge "$loses"
assert 'vm1 waits' none_started "$lost" '.*' vm1

note 'the host comes back: vm1 goes on from its own disk, and is copied anew'
serial=$(ctl --json replica list vm1 | jq '.replicas[0].serial')
lab power node1 on
wait_for 90 'vm1 beats on node1' beats vm1 node1 "$lost"
wait_for 60 'it is healthy' healthy vm1
assert 'it was started once' once_started "$lost" vm1
assert 'nothing of it was lost, it never ran twice' sound vm1
wait_for 180 'vm3 is copied back' in_step vm3 node2 node1
assert 'and was left alone' once_started "$lost" vm3
wait_for 180 'vm1 is in step again' in_step vm1 node1 node2
assert 'by a new copy' replica_says vm1 ".serial > $serial"
serial=$(ctl --json replica list vm1 | jq '.replicas[0].serial') had=$(told node1 vm1)
is=$(head -c 40 "$LAB_STATE/hosts/node2/local/vm1.raw.hawd-replica-$serial" | tr -d '\0' | awk '{ print $2 }')
((is >= had)) || fail "the copy of vm1 has $is, and it had been told $had"
note "ok: the copy has $is, and vm1 had been told $had"
