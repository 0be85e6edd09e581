#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 110
# The driver of DRBD on two machines with 8.4: taken by one, whose machine is killed; taken over by the other with all
# that was acknowledged; the first comes back, is resynced, and takes it again. A split brain is seen by both sides,
# promoted by none, and ended by the word of a person.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../drbd.sh
. "$(dirname "$0")/../drbd.sh"

probe() { # HOST VERB [ARGUMENT...]
        local host=$1 verb=$2
        shift 2
        inside "$host" "drbdprobe $host $verb r0 $* 2>&1" 90
}

says() { # HOST PATTERN: what its look begins with
        [[ $(probe "$1" look "$(other "$1")") == $2* ]]
}

# Record N is acknowledged when its number is printed: what has been printed must never be lost.
write_records() { # HOST FROM TO
        inside "$1" "for n in \$(seq $2 $3); do
                printf 'record %08d\n' \$n | dd of=/dev/drbd0 bs=512 seek=\$n conv=sync,notrunc oflag=direct status=none && echo \$n
        done | tail -n 1"
}

records() { # HOST TO: so many are there, from the first
        inside "$1" "cmp <(seq -f 'record %08.0f' 1 $2) <(dd if=/dev/drbd0 bs=512 skip=1 count=$2 iflag=direct status=none | tr -d '\\0')"
}

[[ -x $HAWD_BIN/lab/drbdprobe ]] || skip "$HAWD_BIN/lab/drbdprobe is not built (make tests)"
# The handler, here, is the word of the ledger that the peer's copy does not count any more.
drbd_tree /usr/local/sbin/drbd-fence-peer
install -m 0755 "$HAWD_BIN/lab/drbdprobe" "$tree/usr/local/sbin/drbdprobe"
printf '#!/bin/sh\necho "$DRBD_RESOURCE" >>/run/fenced\nexit 4\n' >"$tree/usr/local/sbin/drbd-fence-peer"
chmod 0755 "$tree/usr/local/sbin/drbd-fence-peer"
case_up --hosts 2 --no-hawd --lay "$tree"
rm -rf "$tree"
assert 'nothing is up' says node1 'down unknown'
for host in node1 node2; do
        assert "a resource on $host" inside "$host" 'drbdadm create-md --force r0 >/dev/null 2>&1'
        assert 'is brought up' probe "$host" up
done
assert 'its settings are such that hawd relies on them' probe node1 rely
wait_for 120 'both are connected, and neither has data' says node1 'inconsistent secondary'
refute 'neither is taken' probe node1 take node2 own
assert "a person's word: node1 has the data" inside node1 'drbdadm primary --force r0'
wait_for 300 'both sides are in step' says node1 'in-step primary 0 may-promote'
assert 'the other says so, too' says node2 'in-step secondary 0 may-promote'
assert 'node1 gives it up, and both are equal' test "$(probe node1 release node2)" = equal
assert 'node1 takes it' probe node1 take node2 own
assert 'node1 writes 60 records' test "$(write_records node1 1 60)" = 60

note 'the machine of the primary loses its power'
lab power node1 off
assert 'node2 takes it over, as soon as DRBD has noticed' probe node2 take node1 over
assert 'DRBD asked before' inside node2 'grep -qx r0 /run/fenced'
assert 'node2 is alone' says node2 'alone primary'
assert 'every record is there' records node2 60
assert 'node2 writes more' test "$(write_records node2 61 90)" = 90

note 'it comes back'
lab power node1 on
wait_for 600 'node1 boots' inside node1 'systemctl -q is-active multi-user.target'
assert 'its side is up again' probe node1 up
wait_for 300 'resynced, from node2' says node1 'in-step secondary 0'
assert 'node2 gives it up' test "$(probe node2 release node1)" = equal
assert 'node1 takes it' probe node1 take node2 own
assert 'with every record of both' records node1 90
assert 'and gives it up' test "$(probe node1 release node2)" = equal

note 'both sides write by themselves'
for host in node1 node2; do
        assert "$host is told to stay apart" probe "$host" disconnect
        refute 'which is not taken over' probe "$host" take "$(other "$host")" over
        assert 'but by the word of a person' probe "$host" take "$(other "$host")" anyhow
        assert 'and written' test "$(write_records "$host" 100 "10${host#node}")" = "10${host#node}"
        assert 'and given up' probe "$host" release "$(other "$host")"
done
for host in node1 node2; do assert "$host connects" probe "$host" connect; done
for host in node1 node2; do
        wait_for 120 "$host sees a split brain" says "$host" 'split-brain secondary'
done
says_what=$(probe node1 look node2)
assert 'which names both sides and the mend' test "${says_what#*$'\n'}" = 'split brain: node1 and node2 each wrote r0 by themselves
on the side to be discarded drbdadm connect --discard-my-data r0, then on the other drbdadm connect r0'
for host in node1 node2; do
        refute "nothing is taken on $host" probe "$host" take "$(other "$host")" own
        refute 'nor over' probe "$host" take "$(other "$host")" over
done
assert 'as it says: the data of node1 are discarded' probe node1 discard
assert 'those of node2 are kept' probe node2 connect
wait_for 300 'both are in step' says node1 'in-step secondary 0'
assert 'node1 has what node2 wrote' inside node1 'drbdprobe node1 take r0 node2 own && dd if=/dev/drbd0 bs=512 skip=102 count=1 iflag=direct status=none | grep -qa "record 00000102"'
