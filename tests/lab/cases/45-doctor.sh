#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 41
# hawctl doctor: a sound cluster has nothing bad; then one thing after the other is broken, named with
# its mend, and mended.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence hawd-facts

said=$LAB_STATE/doctor.json
doctor() { # its exit status
        ctl --json doctor >"$said" 2>"$said.err"
}
sound() { # nothing is bad, and doctor says so to scripts too; else what is shows in the case's output
        doctor && said_that '.bad == 0 and (.hosts | length == 3 and all(.error == null))'
}
said_that() { # JQ-CONDITION
        jq -e "$1" "$said" >/dev/null
}
found() { # HOST CHECK TEXT MEND: bad, with these patterns in text and mend
        jq -e --arg host "$1" --arg check "$2" --arg text "$3" --arg mend "$4" '.findings | any(
                .severity == "bad" and .check == $check and (.host // "") == $host and
                (.text | test($text)) and ((.mend // "") | test($mend)))' "$said" >/dev/null || {
                jq -c '.findings[] | select(.severity == "bad")' "$said"
                return 1
        }
}
finds() { # HOST CHECK TEXT MEND: doctor fails and found; for wait_for
        if doctor; then return 1; fi
        found "$@" >/dev/null
}
warns() { # CHECK TEXT MEND: of the cluster; for wait_for
        doctor && jq -e --arg check "$1" --arg text "$2" --arg mend "$3" '.findings | any(.severity == "warning" and
                .check == $check and (.text | test($text)) and ((.mend // "") | test($mend)))' "$said" >/dev/null
}
names() { # HOST CHECK TEXT MEND: now, the cluster being sound otherwise
        refute "with that on ${1:-the cluster} doctor fails" doctor
        assert "$2 is named on ${1:-the cluster}, with its mend" found "$@"
        assert 'and nothing else' said_that '.bad == 1'
}
at() { # HOST COMMAND...
        local host=$1
        shift
        lab exec "$host" -- "$@" </dev/null
}

case_cluster 3 --set cluster.fence-check=5s --set 'fence bmc2.timeout=5s'
add_guest vm1 node1
wait_for 60 'vm1 is healthy' healthy vm1
wait_for 30 'a sound cluster has nothing bad' sound
assert 'people read it' grep -q '^warning  node1, node2, node3: the clock\|^bad: 0, warnings: ' <(ctl doctor)
assert 'all that is fine, too' grep -q '^ok .*node1, node2, node3: messages are encrypted' <(ctl doctor --all)

lab guest xml vm2 | sed "s/ error_policy='stop' rerror_policy='stop'//" >"$LAB_STATE/vm2.xml"
assert 'a guest that runs on when its disk fails' ctl guest create "$LAB_STATE/vm2.xml" --stopped
wait_for 20 'it is named' warns io-errors 'vm2 is not paused when its disk vda fails' "error_policy='stop' rerror_policy='stop'"
assert 'and not the other' said_that '[.findings[] | select(.check == "io-errors")] | length == 1'
assert 'it goes' ctl guest delete vm2 --yes
wait_for 20 'all that are left stop' sound
assert 'which is said' grep -q '^ok .*guests are paused when a disk of theirs fails' <(ctl doctor --all)

lab bmc node2 dead # noticed when it is read next: looked for below

autostarts() { # hawd looks for it now and then, and switches it off
        at node1 virsh -q autostart vm1 && finds node1 autostart 'guest vm1 at boot' 'virsh autostart --disable vm1'
}
wait_for 20 'autostart is named' autostarts
at node1 virsh -q autostart --disable vm1

wait_for 60 'the dead BMC is named' finds node2 fencing 'bmc2 cannot be used' 'hawctl fence test node2'
lab bmc node2 alive
wait_for 60 'and sound when it answers' sound

at node3 sh -c 'ip link set brguest down && ip link set brguest name brother'
names node3 storage 'vm1 cannot start here: bridge brguest: there is no such interface' 'as on the other hosts'
at node3 sh -c 'ip link set brother name brguest && ip link set brguest up'

at node3 mount -t tmpfs none "$LAB_STATE/shared"
names node3 storage 'vm1 cannot start here: disk .*/vm1.qcow2: No such file' 'avoid --guests vm1 --hosts node3 --strict'
assert 'a strict rule keeps it off' ctl rule add off avoid --guests vm1 --hosts node3 --strict
assert 'and then nothing is bad' sound
ctl rule delete off >/dev/null
at node3 umount "$LAB_STATE/shared"

assert 'a recovery that cannot be' ctl guest set vm1 recovery='restart rollback replica'
assert 'is no reason to fail' sound
assert 'and is named' said_that '[.findings[] | select(.severity == "warning" and .check == "snapshots") | .text] |
        any(test("vm1 is to go back to a snapshot")) and any(test("vm1 is to start from a replica"))'
assert 'and mended' ctl guest set vm1 recovery='restart relocate'

assert 'a strict rule binds it' ctl rule add home require --guests vm1 --hosts node1 --strict
names node1 capacity '1 of its 1 guests would find no place, vm1 .*rule home' 'fewer strict rules'
ctl rule delete home >/dev/null

at node3 chmod 644 /etc/hawd/fencing.conf
refute 'doctor fails' doctor
assert 'secrets that others can read are named' found node3 secrets 'can be read by others' 'chmod 600'
at node3 chmod 600 /etc/hawd/fencing.conf
wait_for 30 'and sound again' sound # node3 may have tried a device meanwhile

at node3 sh -c 'mkdir -p /run/systemd/system /etc/systemd/system/multi-user.target.wants &&
        ln -sf /x /etc/systemd/system/multi-user.target.wants/libvirt-guests.service'
refute 'doctor fails' doctor
assert 'libvirt-guests is named' found node3 libvirt-guests 'suspends or shuts' 'systemctl mask libvirt-guests'
assert 'and that hawd does not start with the host' found node3 service 'hawd.service is not' 'systemctl .*enable hawd'
at node3 rm -r /run/systemd

at node3 sed -i 's/^\[cluster\]$/&\nmemory-reserve = 600MiB/' /etc/hawd/hawd.conf
assert 'a change that hawd has not read is only a warning' doctor
assert 'and named' said_that '.findings | any(.severity == "warning" and .check == "config" and .host == "node3" and
        (.mend | test("systemctl reload hawd")))'
at node3 pkill -HUP -x hawd
wait_for 20 'a configuration of its own is named' finds node3 config-equal 'not that of the others' 'the same hawd.conf'
at node3 sed -i '/^memory-reserve/d' /etc/hawd/hawd.conf
at node3 pkill -HUP -x hawd
wait_for 20 'and sound again' sound

lab clock node3 3000
wait_for 60 'a clock that is wrong is named' finds node3 clock 'is [23][.][0-9] s ahead of that of node1' 'time server'
lab clock node3 0
wait_for 60 'and sound again' sound

lab daemon node3 libvirtd stop
refute 'doctor fails' doctor
assert 'a hung libvirtd is named' found node3 libvirt 'no answer within 9 s' 'systemctl restart libvirtd'
assert 'the rest of node3 is known' said_that '.hosts[] | select(.name == "node3") | .facts.corosync.quorum.quorate'
lab daemon node3 libvirtd cont

lab daemon node2 hawd stop
wait_for 60 'a hung hawd is named' finds node2 answers 'its hawd hangs' 'doctor --local on node2'
lab daemon node2 hawd cont
wait_for 60 'and sound again' sound

lab daemon node3 hawd term
CTL=node3
refute 'without hawd doctor looks at its host' doctor
assert 'and says that nobody watches' found node3 hawd 'hawd does not run' 'systemctl restart hawd'
assert 'what it found there counts' said_that '.hosts[0].facts.libvirt.driver == "QEMU"'
assert 'as with --local' grep -q 'hawd does not run.*\[hawd\]' <(ctl doctor --local 2>&1)
CTL=node1
lab daemon node3 hawd start
wait_for 60 'sound at last' sound
assert 'vm1 was left alone' untouched vm1

# Last: corosync does not always find together when it is switched on again at once.
lab corosync set totem.crypto_cipher=none totem.crypto_hash=none
wait_for 60 'crypto off is named' finds node1 crypto 'not authenticated' 'corosync-keygen'
