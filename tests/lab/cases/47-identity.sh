#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 42
# Who is who: a domain that runs without hawd is enrolled, never created beside itself; let go of, it runs
# on. A host is renamed. A clock jumps by a day, forth and back.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

v() { # HOST VIRSH-ARGUMENT...
        local host=$1
        shift
        lab exec "$host" -- virsh -q "$@" </dev/null
}
defined_on() { # HOSTS: vm1 is, and nowhere else
        local host hosts=()
        for host in node1 node2 node3; do
                ! v "$host" domstate vm1 >/dev/null 2>&1 || hosts+=("$host")
        done
        [[ ${hosts[*]} == "$1" ]]
}
refused() { # REGEXP HAWCTL-ARGUMENT...
        local regexp=$1 said
        shift
        if said=$(ctl "$@" 2>&1); then return 1; fi
        grep -Eq -- "$regexp" <<<"$said" || { printf '%s\n' "$said" && false; }
}
known_as() { # NAME: the first host, online, its device sound
        status_says "(.hosts[0].name == \"$1\") and (.hosts | length == 3 and all(.state == \"online\"))" &&
                host_says "$1" '.devices | length == 1 and all(.seen_on and .error == null)'
}
all_well() { status_says '.operational and (.hosts | length == 3 and all(.state == "online"))' && healthy vm1; }

case_cluster 3
xml=$LAB_STATE/vm1.xml

note 'it runs on node1, and hawd does not know it'
lab guest create vm1 --host node1 || fail 'vm1 does not start'
v node1 dumpxml vm1 --inactive >"$xml"
sed 's|<uuid>.*</uuid>|<uuid>00000000-1111-4222-8333-444444444444</uuid>|' "$xml" >"$xml.other"
{
        printf '[guest vm1]\nxml =\n'
        sed 's/^/  /' "$xml"
} >"$LAB_STATE/vm1.conf"
v node3 define "$xml"
began=$(now_msec)
CTL=node2
assert 'create is refused' refused 'vm1 runs on node1 already, without hawd: hawctl guest add vm1 --host node1' guest create "$xml"
assert 'stopped, too' refused 'runs on node1 already' guest create "$xml" --stopped
assert 'apply' refused 'runs on node1 already' apply "$LAB_STATE/vm1.conf" --yes
assert 'one of its name' refused 'another domain of the name vm1 .* runs on node1' guest create "$xml.other"
assert 'its definition on another host' refused 'runs on node1 already' guest add vm1 --host node3
v node1 managedsave vm1
assert 'saved memory is not lost' refused 'saved memory image, which would be lost' guest add vm1 --host node1
v node1 start vm1
assert 'nobody else started it' none_started "$began" 'node[23]' vm1
assert 'where it runs, it is taken' ctl guest add vm1 --host node1
wait_for 20 'it is defined there, and nowhere else' defined_on node1

note 'hawd lets go of it'
wait_for 60 'it is healthy' healthy vm1
wait_for 20 'it beats' beats vm1 node1
began=$(now_msec)
assert 'remove' ctl guest remove vm1
assert 'it is defined there, and nowhere else' defined_on node1
assert 'and runs on' beats vm1 node1
assert 'again' ctl guest add vm1 --host node1
assert 'a preference for its host' ctl rule add home prefer --guests vm1 --hosts node1
assert 'and no third one' ctl rule add two require --guests vm1 --hosts node1,node3 --strict
wait_for 60 'it is healthy' healthy vm1
v node2 define "$xml"
wait_for 20 'defined by hand elsewhere, it is undefined again' defined_on node1
assert 'and that is said' grep -q 'vm1: somebody defined it here, where it is not to run' <(lab logs node2 hawd)

note 'node1 is called alpha'
for host in node1 node2 node3; do
        lab exec "$host" -- sed -i 's/name: node1$/name: alpha/' /etc/corosync/corosync.conf
        lab exec "$host" -- sed -i 's/^host = node1$/host = alpha/; s/^\[host node1\]$/[host alpha]/' /etc/hawd/hawd.conf
done
lab corosync reload
for host in node1 node2 node3; do assert "$host reads it" lab exec "$host" -- hawctl reload; done
wait_for 60 'everybody calls it so' known_as alpha
assert 'vm1 is there' guest_says vm1 '.host == "alpha" and .claims == ["alpha"]'
assert 'rules follow' test "$(ctl --json rule list | jq -c '[.rules[].hosts] | sort')" = '[["alpha"],["alpha","node3"]]'
assert 'no name of before is known' refused 'node1' host show node1

note 'the clock of node3 jumps by a day'
lab clock node3 1
wait_for 60 'node3 is online' host_is node3 online
lab clock node3 86400000 step
wait_for 30 'that is seen' host_says node3 '.clock_offset_ms > 86000000'
holds 5 'nothing comes of it' all_well
assert 'no QEMU was started' none_started "$began" '.*' vm1
lost=$(now_msec)
lab power node1 off
wait_for 90 'alpha is lost: vm1 starts on node3, once' once_started "$lost" vm1
wait_for 60 'and is healthy' healthy vm1
wait_for 20 'its incident is no day long' incident_says vm1 '.host == "alpha" and .to_host == "node3" and
        (.started_usec - .detected_usec | . > -1000000 and . < 120000000)'

note 'and back'
lab clock node3 -86400000 step
wait_for 30 'that is seen' host_says node3 '.clock_offset_ms < -86000000'
killed=$(now_msec)
lab guest kill vm1
wait_for 60 'killed, it is started again, once' once_started "$killed" vm1
wait_for 60 'and is healthy' healthy vm1
wait_for 20 'its incident is no day long' incident_says vm1 '.host == "node3" and
        (.started_usec - .detected_usec | . > -1000000 and . < 120000000)'
wait_for 90 'alpha is back' host_is alpha online
assert 'nothing was lost, nothing ran twice' sound vm1
