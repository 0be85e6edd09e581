#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 150
# hawd under a real systemd: groups and folders, start, restart, hang, wrong configuration, corosync's stop,
# journal and catalog, doctor's advice; and the order in which a machine goes down.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"

unit_is() { # PROPERTY VALUE
        [[ $(inside node1 "systemctl show hawd -P $1") == "$2" ]]
}

pid_of_hawd() { inside node1 'systemctl show hawd -P MainPID'; }
pid_of_guest() { inside node1 'pidof qemu-system-x86_64'; }

# untouched_by DESCRIPTION: the guest's QEMU is the one it was, and the guest counts
untouched_by() {
        assert "$1: the guest's QEMU is the same" test "$(pid_of_guest)" = "$guest"
        assert "$1: the guest counts" counts
}

new_hawd() { # PID: another than that is up, and has joined
        local pid
        pid=$(pid_of_hawd) && [[ $pid != 0 && $pid != "$1" ]] && host_is node1 online
}

as_user() { # USER COMMAND...
        local user=$1
        shift
        inside node1 "runuser -u $user -- hawctl $* 2>&1"
}

case_up --hosts 1
wait_for 240 'node1 is online' host_is node1 online

note 'what make install left, and what systemd made of it'
assert 'both groups are there' inside node1 'getent group hawd && getent group hawd-view'
modes=$(inside node1 'stat -c "%a %U %G" /run/hawd /var/lib/hawd /etc/hawd /etc/hawd/fencing.conf /run/hawd/admin.sock /run/hawd/view.sock')
assert 'folders and sockets belong to whom they should' test "$modes" = '755 root root
700 root root
755 root root
600 root root
660 root hawd
660 root hawd-view'
for pair in Type=notify WatchdogUSec=5s ActiveState=active FileDescriptorStoreMax=4; do
        assert "hawd.service has $pair" unit_is "${pair%=*}" "${pair#*=}"
done
assert 'its memory is locked, and it runs at real-time priority' inside node1 \
        'p=$(systemctl show hawd -P MainPID); [ "$(awk "/VmLck/ { print \$2 }" /proc/$p/status)" -gt 0 ] && chrt -p $p | grep -q SCHED_RR'
create_guest
wait_for 120 'the guest runs, and is healthy' healthy beat
wait_for 120 'the guest counts' counts
guest=$(pid_of_guest)

note 'by the groups'
inside node1 'useradd -G hawd-view ann; useradd -G hawd bob; useradd eve'
assert 'hawd-view may look' as_user ann status
refute 'and do nothing' as_user ann guest set beat priority=120
assert 'hawd may' as_user bob guest set beat priority=120
refute 'others may not even look' as_user eve status

note 'restart, reload, kill, hang'
old=$(pid_of_hawd)
assert 'systemctl restart' inside node1 'systemctl restart hawd' 120
wait_for 120 'another hawd has joined' new_hawd "$old"
untouched_by 'restart'
assert 'systemctl reload' inside node1 'systemctl reload hawd'
old=$(pid_of_hawd)
inside node1 "kill -9 $old"
wait_for 120 'systemd starts hawd again after a kill -9' new_hawd "$old"
untouched_by 'kill -9'
old=$(pid_of_hawd)
inside node1 "kill -STOP $old"
wait_for 150 'systemd ends a hawd that hangs, and starts it again' new_hawd "$old"
assert 'by its watchdog' inside node1 'journalctl -q -u hawd | grep -q "Failed with result .watchdog"'
untouched_by 'a hang'

note 'a mistake in hawd.conf'
inside node1 'echo "[nonsense]" >>/etc/hawd/hawd.conf'
refute 'reload says so' inside node1 'systemctl reload hawd'
assert 'and hawd goes on' host_is node1 online
refute 'restart says so' inside node1 'systemctl restart hawd'
assert 'and is not tried again' inside node1 'sleep 2; [ "$(systemctl show hawd -P ActiveState)" = failed ] && [ "$(systemctl show hawd -P NRestarts)" = 0 ]'
untouched_by 'that'
assert 'mended, it starts' inside node1 'sed -i /nonsense/d /etc/hawd/hawd.conf; systemctl start hawd' 120
wait_for 240 'node1 is online' host_is node1 online

note 'corosync stops and starts'
assert 'hawd stops with it' inside node1 'systemctl stop corosync && ! systemctl -q is-active hawd' 120
untouched_by 'that'
assert 'corosync starts' inside node1 'systemctl start corosync' 120
wait_for 120 'hawd comes back with it' host_is node1 online

note 'the journal'
assert 'messages have their fields' inside node1 \
        'journalctl -q -u hawd -o verbose HAWD_HOST=node1 | grep -q "MESSAGE_ID=" && journalctl -q HAWD_GUEST=beat -o cat | grep -q "beat runs on node1"'
assert 'the catalog explains a stop' inside node1 'journalctl -q -x -u hawd | grep -q "Subject: hawd was stopped on a host"'

note 'libvirt-guests, which Debian enables'
assert 'doctor names it' inside node1 'hawctl doctor | grep -A1 libvirt-guests.service | grep -q "systemctl mask libvirt-guests"'
assert 'its advice ends it' inside node1 'systemctl mask libvirt-guests && systemctl stop libvirt-guests && ! systemctl -q is-active libvirt-guests'
untouched_by 'it'
refute 'doctor names it no more' inside node1 'hawctl doctor | grep -q "libvirt-guests.service suspends"'

note 'the machine goes down and comes back'
id=$(boot_id node1)
before=$(count)
inside node1 'systemctl reboot'
wait_for 600 'it boots anew' booted_anew node1 "$id"
wait_for 300 'hawd starts by itself' host_is node1 online
wait_for 300 'the guest is healthy again' healthy beat
assert 'it went on where it was' more_than "$before"
order=$(inside node1 'journalctl -q -b -1 -o cat | grep -oE "^Stopped (hawd.service|libvirtd.service|corosync.service|machine-qemu)|Deactivated successfully: hawd" | tail -n 4 | paste -sd" "')
assert 'hawd was the first to go, the guest before libvirt, corosync the last' test "$order" = \
        'Stopped hawd.service Stopped machine-qemu Stopped libvirtd.service Stopped corosync.service'
