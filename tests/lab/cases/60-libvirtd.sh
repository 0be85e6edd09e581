#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 55
# libvirtd is restarted and killed, hangs for a minute, hangs under hawd's connect; a QEMU is stopped. No
# guest is called dead, no thread or descriptor stays behind, and all else goes on.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

used() { # HOST: threads and sockets of its hawd
        local pid
        pid=$(lab daemon "$1" hawd pid)
        printf '%d %d\n' "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)" \
                "$(find "/proc/$pid/fd" -lname 'socket:*' 2>/dev/null | wc -l)"
}
within() { # HOST ROOM: not more than in the beginning, and ROOM
        local now
        read -ra now < <(used "$1")
        ((now[0] > most_threads)) && most_threads=${now[0]}
        ((now[0] <= base[0] + $2 && now[1] <= base[1] + $2))
}
libvirt_is() { host_says "$1" ".libvirt_ok == $2"; }
back() { # HOST
        wait_for 60 "libvirt of $1 answers" libvirt_is "$1" true
        # A thread or two may still end behind a call that nobody waits for; more would be used up.
        wait_for 90 "$1: about ${base[0]} threads and ${base[1]} sockets, as before" within "$1" 2
}
# hawctl answers on each host, and nothing is used up
goes_on() {
        local host
        for host in node1 node2 node3; do
                within "$host" 8 || return
                timeout 5 "$CASE_DIR/lab" --lab "$CASE_LAB" exec "$host" -- hawctl status </dev/null >/dev/null || return
        done
}
qemu() { # SIGNAL HOST GUEST
        lab exec "$2" -- pkill "-$1" -f -- "guest=$3,"
}

case_cluster 3
add_guest vm1 node2
lab guest create vm2 --host node1 --no-wait || fail 'vm2 does not start'
ctl guest add vm2 --set stop-timeout=4s >/dev/null || fail 'vm2 is not enrolled'
wait_for 60 'both are healthy' healthy vm1 vm2
sleep 3
read -ra base < <(used node2)
most_threads=${base[0]}

note 'libvirtd is restarted, killed, and stops for a moment, again and again'
for how in restart kill stop restart kill; do
        lab daemon node2 libvirtd "$how"
        case $how in
        kill) lab daemon node2 libvirtd start ;;
        stop) sleep 1 && lab daemon node2 libvirtd cont ;;
        esac
done
back node2

note 'libvirtd of node2 hangs for a minute'
lab daemon node2 libvirtd stop
hung=$SECONDS

note 'that of node3 does when hawd there begins; the QEMU of vm2 on node1 is stopped'
lab daemon node3 libvirtd stop
lab daemon node3 hawd kill
qemu STOP node1 vm2
wait_for 20 'a pause is taken, as soon as the others have agreed without node3' ctl guest pause vm2 --no-wait
wait_for 40 'node3 is joining' host_is node3 joining
wait_for 60 'libvirt of node2 does not answer' libvirt_is node2 false
assert 'a new guest starts where one can, beside the stopped one' ctl guest create <(lab guest xml vm3) --timeout 60s
wait_for 40 'it beats on node1' beats vm3 node1
lab daemon node3 libvirtd cont
wait_for 60 'node3 is online' host_is node3 online
back node3
assert 'the stopped one is not called dead' guest_says vm2 '.state == "running" and .incident == null'
assert 'it can be stopped, behind the pause that hangs' ctl guest stop vm2 --timeout 60s
refute 'it is gone' qemu CONT node1 vm2
back node1
holds $((hung + 62 - SECONDS)) 'hawctl answers, nothing is used up' goes_on
lab daemon node2 libvirtd cont
back node2

note "at most $most_threads threads"
for host in node1 node2 node3; do assert "$host was not fenced" switched "$host" off 0; done
assert 'nothing was said to have failed' test "$(history_of length --event guest-failed)" = 0
wait_for 20 'vm1 is healthy' healthy vm1
assert 'its QEMU is the same, its heart never stopped' untouched vm1
