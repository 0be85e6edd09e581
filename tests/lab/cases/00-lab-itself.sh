#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 39
# The lab does what it says: without hawd, so that a failure of the others is not the lab's.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
requires ipmitool

ring_is() { # HOST 'ID ID'
        [[ $(lab status --json | jq -r ".hosts[] | select(.name == \"$1\") | .ring | map(tostring) | join(\" \")") == "$2" ]]
}

alive_on() { # GUEST [HOST]
        [[ $(lab guest alive "$1") == "${2:-}" ]]
}

alarm() { # GUEST
        lab guest alive "$1" >/dev/null 2>&1
        (($? == 3))
}

power_is() { # HOST on|off|frozen
        [[ $(lab power "$1" status) == "$2" ]]
}

# ipmi HOST COMMAND...: to HOST's BMC, from node1, with one short try
ipmi() {
        local n=${1#node}
        shift
        lab exec node1 -- ipmitool -I lanplus -N 1 -R "${TRIES:-3}" -C 3 -U admin -P labsecret \
                -H "10.77.1.$((100 + n))" "$@" 2>&1
}

ipmi_reads() { # HOST on|off
        [[ $(ipmi "$1" chassis power status) == "Chassis Power is $2" ]]
}

mgmt_reaches() { # node1 to node2 by the management net
        lab exec node1 -- busybox ping -q -c 1 -W 1 10.77.1.2 >/dev/null
}

knows() { # HOST GUEST
        lab exec "$1" -- virsh -q domstate "$2" >/dev/null 2>&1
}

verdict() { # GUEST JQ-CONDITION
        jq -e "$2" <<<"$(lab guest check "$1" --json)" >/dev/null
}

# What a lab leaves is told by its name, and by the namespaces that it had.
namespaces_of_lab() {
        local file
        stat -Lc %i "/run/netns/hawd-lab-$CASE_LAB" 2>/dev/null
        for file in "$state"/hosts/*/pid; do
                stat -Lc %i "/proc/$(cut -d' ' -f1 "$file")/ns/pid" "/proc/$(cut -d' ' -f1 "$file")/ns/net" \
                        2>/dev/null
        done
}

# The kernel gives the number of a namespace that has ended to a new one, perhaps of another lab.
namespaces_of_others() {
        local f
        for f in "${state%/*}"/*/hosts/*/pid; do
                [[ $f == "$state"/* ]] || stat -Lc %i "/proc/$(cut -d' ' -f1 "$f")/ns/"{pid,net}
        done 2>/dev/null
        stat -Lc %i /run/netns/hawd-lab-* 2>/dev/null
}

left_behind() { # NAMESPACE...
        local others
        others=$(namespaces_of_others)
        {
                ip netns | grep -w "hawd-lab-$CASE_LAB"
                grep -l "$CASE_LAB" /proc/self/mountinfo
                [[ ! -e $state ]] || printf '%s\n' "$state"
                pgrep -af "$state/"
                ps -eo pid=,pidns=,netns=,args= |
                        awk -v ids="$*" -v others="$others" 'BEGIN {
                                        split(ids, a, " "); for (i in a) known[a[i]]
                                        split(others, b, "[ \n]"); for (i in b) delete known[b[i]]
                                } $2 in known || $3 in known'
        } | grep .
}

state=${HAWD_LAB_DIR:-/var/tmp/hawd-lab}/$CASE_LAB
links_before=$(ip -o link | cut -d: -f2 | sort)
case_up --hosts 2 --no-hawd
namespaces=$(namespaces_of_lab)
assert 'ring of two' ring_is node1 '1 2'

note 'guests'
assert 'a guest is created' lab guest create vm1 --host node1
assert 'it is alive on node1' alive_on vm1 node1
lab exec node1 -- virsh -q migrate --live --p2p --unsafe vm1 qemu+tcp://node2/system >/dev/null || fail 'migration'
wait_for 10 'it migrates to node2' alive_on vm1 node2
assert 'nothing is violated by that' lab guest check vm1
lab exec node2 -- virsh -q migrate --live --p2p --unsafe vm1 qemu+tcp://node1/system >/dev/null || fail 'migration'
wait_for 10 'and back' alive_on vm1 node1

note 'power'
lab power node1 off
assert 'node1 is off' power_is node1 off
assert 'vm1 is alive nowhere' alive_on vm1
lab power node1 on
wait_for 30 'the ring forms again' ring_is node2 '1 2'
wait_for 30 'libvirtd of node1 is back and knows vm1' knows node1 vm1
assert 'vm1 starts on node2' lab guest create vm1 --host node2
assert 'vm1 lost nothing' lab guest check vm1

note 'freeze'
lab freeze node2
assert 'vm1 is not alive on a frozen host' alive_on vm1
refute 'nothing can be run on a frozen host' lab exec node2 -- true
assert 'its BMC goes on' ipmi_reads node2 on
lab thaw node2
wait_for 10 'vm1 goes on after thaw' alive_on vm1 node2

note 'two copies'
wait_for 30 'the ring forms after the thaw' ring_is node1 '1 2'
lab exec node1 -- virsh -q start vm1 >/dev/null || fail 'a second copy does not start'
wait_for 30 'two copies are an alarm' alarm vm1
refute 'and in the verdict' verdict vm1 .ok
assert 'by overlap' verdict vm1 '.twice > 0'
assert 'by QEMUs' verdict vm1 '.copies == 1'
assert 'by what is on the disk' verdict vm1 '.clash > 0'
lab guest delete vm1

note 'net'
lab net node2 cut ring
wait_for 30 'the ring splits: node1' ring_is node1 '1'
wait_for 30 'the ring splits: node2' ring_is node2 '2'
assert 'other packets pass' mgmt_reaches
assert 'the BMC is reached' ipmi_reads node2 on
lab net node2 restore ring
wait_for 30 'the ring heals' ring_is node1 '1 2'
lab net node2 cut mgmt
refute 'mgmt cut: node1 does not reach node2 there' mgmt_reaches
assert 'the other link carries the ring' ring_is node1 '1 2'
lab net node2 restore all

note 'BMC'
lab bmc node2 dead
TRIES=1 refute 'dead: no answer' ipmi_reads node2 on
lab bmc node2 alive
assert 'alive again' ipmi_reads node2 on
lab bmc node2 lie
assert 'lie: off is accepted' ipmi node2 chassis power off
assert 'lie: the power stays on' power_is node2 on
assert 'lie: and reads on' ipmi_reads node2 on
lab bmc node2 lie-off
assert 'lie-off: reads off' ipmi_reads node2 off
assert 'lie-off: the power is on' power_is node2 on
lab bmc node2 slow 2
assert 'slow: off is accepted' ipmi node2 chassis power off
assert 'slow: and reads on meanwhile' ipmi_reads node2 on
wait_for 8 'slow: it is off later' ipmi_reads node2 off
lab bmc node2 alive
assert 'on is accepted' ipmi node2 chassis power on
wait_for 30 'node2 is in the ring again' ring_is node2 '1 2'
lab bmc node2 hang 3
TRIES=1 refute 'hang: off has no answer' ipmi node2 chassis power off
wait_for 12 'hang: but happens' power_is node2 off

note 'down'
lab down
# shellcheck disable=SC2086 # one argument each
nothing_left() { ! left_behind $namespaces; }
wait_for 5 'nothing is left' nothing_left
assert 'no link either' test "$links_before" = "$(ip -o link | cut -d: -f2 | sort)"
assert 'down can be repeated' lab down
