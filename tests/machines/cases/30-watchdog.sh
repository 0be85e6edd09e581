#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 190
# The machine's watchdog device: armed and closed with 'V', nothing happens; armed and left alone, it resets the
# machine. Then hawd's: handed over by systemd, and never unarmed, when hawd is restarted, upgraded or dies;
# disarmed when it is stopped, or goes down with its machine; and what resets that when nobody starts hawd again.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"

sysfs=/sys/class/watchdog/watchdog0
timeout=40 # s: longer than hawd needs to come back on a machine that is emulated, and busy

dog_is() { # active|inactive
        inside node1 "grep -qx $1 $sysfs/state" 30
}
armed() { # hawd has it, and the ledger tells of it
        host_says node1 '.state == "online" and .watchdog_ms == '"$timeout"'000 and .lease_ms == 10000' && dog_is active
}
pid_of_hawd() { inside node1 'systemctl show hawd -P MainPID'; }
new_hawd() { # PID: another than that is up, has the watchdog, and has told so
        local pid
        pid=$(pid_of_hawd) && [[ $pid != 0 && $pid != "$1" ]] && armed
}
journal_says() { # REGEXP JOURNALCTL-OPTION...
        local what=$1
        shift
        inside node1 "journalctl -q -o cat -u hawd $* | grep -q '$what'"
}
doctor_says() { # REGEXP; on a machine that is busy, its parts may be late
        inside node1 "hawctl doctor --all >/run/doctor; grep -q '$1' /run/doctor"
}
held_by_systemd() {
        inside node1 'ls -l /proc/1/fd | grep -q watchdog'
}
hawd_says() { # REGEXP: of the hawd that runs
        journal_says "$1" "_PID=$(pid_of_hawd)"
}
# Every 50 ms, for as long as nobody ends it: was it ever unarmed?
watch_state() {
        inside node1 "systemd-run -q --unit=state sh -c 'while :; do cat $sysfs/state; sleep 0.05; done >/run/state'"
}
never_unarmed() {
        inside node1 'grep -q active /run/state && ! grep -q inactive /run/state'
}

case_up --hosts 1
wait_for 240 'node1 is online' host_is node1 online
assert 'the device is an i6300esb' inside node1 "grep -qx 'i6300ESB timer' $sysfs/identity"
assert 'its timeout can be set' inside node1 "wdctl --settimeout 10 /dev/watchdog0 && grep -qx 10 $sysfs/timeout"

note 'the device by itself'
id=$(boot_id node1)
assert 'armed, and closed with V' inside node1 'exec 5>/dev/watchdog0; printf V >&5; exec 5>&-'
assert 'it is not armed any more' dog_is inactive
sleep 13 # the absence of a reset has no sign that could be waited for
assert 'the machine runs on' test "$(boot_id node1)" = "$id"
began=$SECONDS
assert 'armed, and closed without V, it stays armed' inside node1 \
        "exec 5>/dev/watchdog0; printf x >&5; exec 5>&-; grep -qx active $sysfs/state"
wait_for 600 'the machine is reset, and boots' booted_anew node1 "$id"
assert 'not before the timeout' test "$((SECONDS - began))" -ge 9

note 'hawd takes it'
wait_for 240 'node1 is online' host_is node1 online
inside node1 "sed -i 's,^\[cluster\]\$,&\nwatchdog = /dev/watchdog0\nwatchdog-timeout = ${timeout}s\nallow-vm-watchdog = yes,' /etc/hawd/hawd.conf"
holder='exec 5>/dev/watchdog0; trap "printf V >&5; exit 0" TERM; while :; do echo >&5; sleep 0.2; done'
inside node1 "systemd-run -q --unit=holder bash -c '$holder'"
assert 'systemctl restart' inside node1 'systemctl restart hawd' 120
wait_for 150 'who has it instead is named' host_says node1 '.watchdog_ms == null and (.watchdog_error | test("bash .process [0-9]+. holds it"))'
wait_for 120 'by doctor, too' doctor_says 'not armed: .* holds it'
assert 'the other one leaves it' inside node1 'systemctl stop holder && grep -qx inactive /sys/class/watchdog/watchdog0/state'
wait_for 120 'it is armed, and announced' armed
wait_for 120 'doctor finds it so' doctor_says "^ok .*/dev/watchdog0 is armed: $timeout s, lease 10 s"
refute 'and nobody in the way' inside node1 'grep "holds it" /run/doctor'
inside node1 'mkdir /run/systemd/system.conf.d && printf "[Manager]\nRuntimeWatchdogSec=30s\n" >/run/systemd/system.conf.d/x.conf'
wait_for 120 'systemd would be, at the next boot' doctor_says 'RuntimeWatchdogSec=30s: systemd takes'
inside node1 'rm /run/systemd/system.conf.d/x.conf'
assert 'with the timeout of hawd.conf' inside node1 "grep -qx $timeout $sysfs/timeout"
assert 'systemd has the descriptor, too' held_by_systemd
id=$(boot_id node1)

note 'upgraded, killed: handed over, armed'
watch_state
old=$(pid_of_hawd)
assert 'a new binary, and a restart' inside node1 \
        'cd /usr/local/sbin && cp hawd hawd.new && mv hawd.new hawd && systemctl daemon-reload && systemctl restart hawd' 120
wait_for 150 'the new one has it' new_hawd "$old"
assert 'by hand-over' hawd_says 'is taken over, armed'
old=$(pid_of_hawd)
inside node1 "kill -9 $old"
wait_for 150 'killed, it is started again, and has it' new_hawd "$old"
assert 'by hand-over' hawd_says 'is taken over, armed'
assert 'it was never unarmed' never_unarmed
inside node1 'systemctl stop state'
assert 'the machine was not reset' test "$(boot_id node1)" = "$id"
assert 'systemd has the descriptor still' held_by_systemd

note 'restarted with a mistake in hawd.conf, after which none starts'
inside node1 'echo "[nonsense]" >>/etc/hawd/hawd.conf'
refute 'systemctl restart' inside node1 'systemctl restart hawd' 120
assert 'it is disarmed' dog_is inactive
assert 'mended, it starts' inside node1 'sed -i /nonsense/d /etc/hawd/hawd.conf; systemctl start hawd' 120
wait_for 150 'it is armed again' armed

note 'stopped'
assert 'systemctl stop' inside node1 'systemctl stop hawd' 120
assert 'it is disarmed' dog_is inactive
refute 'systemd has no descriptor' held_by_systemd
assert 'systemctl start' inside node1 'systemctl start hawd' 120
wait_for 150 'it is armed again' armed

note 'the machine goes down in order'
inside node1 'systemctl reboot'
wait_for 600 'it boots anew' booted_anew node1 "$id"
wait_for 240 'hawd has armed it' armed
assert 'before, it was disarmed' journal_says 'the watchdog is disarmed' -b -1
id=$(boot_id node1)

note 'hawd is killed, and systemd does not start it again'
inside node1 'mkdir -p /run/systemd/system/hawd.service.d && printf "[Service]\nRestart=no\n" \
        >/run/systemd/system/hawd.service.d/held-back.conf && systemctl daemon-reload'
inside node1 "kill -9 $(pid_of_hawd)"
wait_for 600 'the machine is reset' booted_anew node1 "$id"
refute 'nobody had disarmed it' journal_says 'the watchdog is disarmed' -b -1
wait_for 240 'hawd is back, and it is armed' armed
