#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 300
# A guest on DRBD, kept by hawd on two machines. The machine where it runs is killed: the other side is promoted, with
# all that the guest was told is written; the first comes back, is resynced from there, and is its replica. It is moved
# back as planned. Then a split brain is made: hawd names both sides and the mend, and starts nothing from the side that
# is not the guest's, though its machine is lost again; when that is back, so is the guest, and the mend ends it.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../drbd.sh
. "$(dirname "$0")/../drbd.sh"

# Where the guest has got to on its disk, as HOST reads it: each number was on both disks when the next was begun.
count_on() { # HOST
        inside "$1" 'dd if=/dev/drbd0 bs=512 skip=1 count=1 iflag=direct status=none | od -An -tu4 -N4 | tr -d " "'
}

goes_on() { # HOST COUNT
        local now
        now=$(count_on "$1") && [[ $now =~ ^[0-9]+$ ]] && ((now > $2))
}

guest_on() { # HOST
        guest_says beat ".state == \"running\" and .host == \"$1\" and .health == \"healthy\""
}

copied() { # DATA-HOST COPY-HOST
        in_step beat "$1" "$2"
}

drbd_is() { # HOST CONNECTION ROLES DISKS
        inside "$1" "grep -q 'cs:$2 ro:$3 ds:$4' /proc/drbd"
}

drbd_tree /usr/local/libexec/hawd/drbd-fence-peer
case_up --hosts 2 --set cluster.fence-check=10s --lay "$tree"
rm -rf "$tree"
for host in node1 node2; do
        assert "a resource on $host" inside "$host" 'drbdadm create-md --force r0 >/dev/null 2>&1 && drbdadm up r0'
done
assert 'node1 has the data: a guest that counts' inside node1 \
        'drbdadm primary --force r0 && dd if=/dev/vdc of=/dev/drbd0 bs=64k count=1 oflag=direct status=none && drbdadm secondary r0'
wait_for 300 'both sides are in step' drbd_is node1 Connected Secondary/Secondary UpToDate/UpToDate
wait_for 180 'both hosts are online, their fence devices known' status_says '
        [.hosts[] | select(.state == "online" and (.devices | length > 0 and all(.seen_on)))] | length == 2'
inside node1 "cat >/root/beat.xml <<'X'
$(guest_xml /dev/drbd0)
X"
assert 'a guest with a replica on node2' inside node1 "hawctl guest create /root/beat.xml --set 'replica=node2 drbd r0' \
        --set start-timeout=5min --set stop-timeout=1s --set boot-time=5s --timeout 6min" 400
wait_for 240 'it runs on node1, and is healthy' guest_on node1
wait_for 300 'its replica is in step' copied node1 node2
wait_for 120 'it counts' goes_on node1 0

note 'the machine of the guest loses its power'
# shellcheck disable=SC2034 # read by ctl
CTL=node2
before=$(count_on node1)
lab power node1 off
wait_for 400 'the guest is healthy on node2' guest_on node2
after=$(count_on node2)
assert "it went on where it was: at $before then, at $after now" test "$after" -ge "$before"
wait_for 120 'and goes on' goes_on node2 "$after"
wait_for 120 'the incident says so' incident_says beat '.outcome | test("replica")'

note 'the first machine comes back'
wait_for 400 'it is switched on, boots, and is online' host_is node1 online
wait_for 400 'it is resynced, by itself, and is the replica now' copied node2 node1
assert 'from node2' drbd_is node1 Connected Secondary/Primary UpToDate/UpToDate
assert 'the guest did not notice' goes_on node2 "$after"

note 'moved back, as planned'
before=$(count_on node2)
assert 'hawctl guest move' inside node2 'hawctl guest move beat node1 --timeout 6min' 400
wait_for 240 'the guest is healthy on node1' guest_on node1
after=$(count_on node1)
assert "with all that it wrote: at $before then, at $after now" test "$after" -ge "$before"
wait_for 400 'node2 is its replica again' copied node1 node2
assert 'from node1' drbd_is node2 Connected Secondary/Primary UpToDate/UpToDate

note 'a split brain: node2 is cut off from DRBD, and written to by force'
assert 'node2 is told to stay apart' inside node2 'drbdadm disconnect r0'
wait_for 120 'the ledger has it: the replica is behind' replica_says beat '.state != "in-step"'
before=$(count_on node1)
wait_for 120 'the guest goes on without it' goes_on node1 "$before"
refute 'without force node2 does not become primary' inside node2 'drbdadm primary r0'
assert 'by force it does' inside node2 \
        'drbdadm primary --force r0 && dd if=/dev/zero of=/dev/drbd0 bs=512 seek=100 count=1 oflag=direct status=none && drbdadm secondary r0'
inside node2 'drbdadm connect r0'
wait_for 180 'DRBD drops the connection' drbd_is node2 StandAlone Secondary/Unknown 'UpToDate/.*'
wait_for 400 'hawd says split brain, names both sides, and the mend' replica_says beat \
        '.state != "in-step" and ((.error // "") | test("split brain.*node2 and node1.*discard-my-data r0, .*drbdadm connect r0"))'
assert 'in the journal, too' inside node2 'journalctl -q -u hawd -o cat | grep -q "replica-failed:.*split brain"'
before=$(count_on node1)
wait_for 120 'the guest runs on' goes_on node1 "$before"

note 'and the machine of the guest loses its power, too'
before=$(count_on node1)
lab power node1 off
blocked() { # it may be short: node1 is switched on again
        [[ $(history_of '[.[] | select(.guest == "beat") | .text] | last // empty' --event guest-blocked) == *"bring node1 back"* ]]
}
wait_for 400 'the guest is blocked, with what would mend it' blocked
assert 'nothing was made primary on node2' drbd_is node2 '.*' Secondary/Unknown 'UpToDate/.*'
wait_for 400 'node1 is back, and the guest on it' guest_on node1
after=$(count_on node1)
assert "with what it wrote: at $before then, at $after now" test "$after" -ge "$before"
assert 'still nothing is primary on node2' drbd_is node2 '.*' Secondary/Unknown 'UpToDate/.*'
assert 'as hawd says: the data of node2 are discarded' inside node2 'drbdadm connect --discard-my-data r0'
assert 'those of node1 are kept' inside node1 'drbdadm connect r0 >/dev/null 2>&1 || drbdadm cstate r0 | grep -qE "Connect|Sync"'
assert 'hawctl replica resync' ctl replica resync beat
wait_for 400 'node2 is its replica again' copied node1 node2
