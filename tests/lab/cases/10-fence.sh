#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 24
# hawd-fence against real BMCs (ipmi_sim) that work, lie, are slow or dead: node1 fences node2 (S2, S3).
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
requires hawd-fence fence_ipmilan

work=${HAWD_LAB_DIR:-/var/tmp/hawd-lab}/$CASE_LAB/fence # gone with the lab
bmc=10.77.1.102
line='' status=0 level=0

device() { # NAME PASSWORD KEY=VALUE...: one [fence NAME], of a level of its own
        printf '[fence %s]\nhost = node2\nlevel = %d\n' "$1" $((++level)) >>"$work/hawd.conf"
        printf '%s\n' "${@:3}" | sed 's/=/ = /' >>"$work/hawd.conf"
        printf '[%s]\npassword = %s\n' "$1" "$2" >>"$work/fencing.conf"
}

make_agent() {
        cat >"$work/agents/fence_hang" <<'EOF'
#!/bin/bash
while read -r l; do case $l in action=*) action=${l#*=} ;; esac done
if [[ $action == metadata ]]; then
        echo '<resource-agent name="fence_hang"><actions><action name="on"/><action name="off"/>'
        echo '<action name="status"/></actions></resource-agent>'
        exit 0
fi
trap '' TERM
sleep 7777 & sleep 7777
EOF
        chmod +x "$work/agents/fence_hang"
}

configure() {
        mkdir -p "$work/agents"
        : >"$work/hawd.conf"
        : >"$work/fencing.conf"
        chmod 600 "$work/fencing.conf"
        device good labsecret "address=$bmc" user=admin
        device wrong letmein "address=$bmc" user=admin
        device nouser labsecret "address=$bmc" user=nobody
        device c17 labsecret "address=$bmc" user=admin cipher-suite=17
        device agent labsecret driver=agent agent=fence_ipmilan \
                "options=ip=$bmc username=admin lanplus=1 cipher=3 power_wait=0"
        device scsi none driver=agent agent=fence_scsi 'options=devices=/dev/null'
        device absent none driver=agent agent=fence_nosuch
        device hang none driver=agent agent=fence_hang
        make_agent
}

# fence DEVICE ACTION [OPTION...]: its line in $line, its exit status in $status
fence() {
        local device=$1 action=$2
        shift 2
        line=$(lab exec node1 -- "$HAWD_BIN/hawd-fence" --config "$work/hawd.conf" \
                --secrets "$work/fencing.conf" --cache /run/hawd-fence --device "$device" \
                --action "$action" "$@" </dev/null)
        status=$?
        note "hawd-fence $device $action: $status $line"
}

says() { # STATUS JQ-CONDITION: the last line, one line of JSON
        ((status == $1)) && [[ $(wc -l <<<"$line") == 1 ]] && jq -e "$2" <<<"$line" >/dev/null
}

power_is() { [[ $(lab power node2 status) == "$1" ]]; }
boottime_usec() { awk -v ms="$1" '{ printf "%.0f", $1 * 1e6 + ms * 1000 }' /proc/uptime; }
no_sleepers() { ! pgrep -f 'sleep 777[7]' >/dev/null; }
private() { [[ $(lab exec node1 -- stat -c %a "/run/hawd-fence/$1") == 600 ]]; }
switched_times() { [[ $(grep -c 'switching off' "$work/../bmc/node2/chassis.log") == "$1" ]]; }

case_up --hosts 2 --no-hawd
configure

note 'a BMC that works'
fence good status
assert 'status reads on' says 0 '.result == "on" and .reads == 1 and .switched == false'
assert 'by cipher suite 3 and a workaround found by itself' says 0 '.cipher == 3 and .workarounds != ""'
assert 'with the System GUID' says 0 '.guid | length == 36'
assert 'what worked is remembered, private' private good
fence good off
assert 'off is read twice' says 0 '.result == "off" and .found == "on" and .switched and .reads >= 2'
assert 'node2 is off' power_is off
fence good off
assert 'found off: nothing is sent' says 0 '.result == "off" and .found == "off" and (.switched | not) and .reads >= 2'
assert 'its BMC saw one order' switched_times 1
fence good on
assert 'on' says 0 '.result == "on" and .found == "off" and .switched'
assert 'node2 is on' power_is on

note 'the deadline'
fence good off --deadline-boottime-usec "$(boottime_usec -1)"
assert 'passed: no order' says 1 '.result == "on" and .error == "deadline" and (.switched | not)'
assert 'node2 is on' power_is on
assert 'its BMC saw no order' switched_times 1

note 'wrong settings'
fence wrong off
assert 'wrong password' says 1 '.result == "unknown" and .error == "auth"'
refute 'no password in the answer' grep -q letmein <<<"$line"
fence nouser status
assert 'no such user' says 1 '.error == "auth"'
fence c17 status
assert 'cipher suite 17 is unknown to it' says 1 '.error == "cipher"'
fence nosuch status
assert 'no such device' says 2 '.result == "error" and .error == "bad-config"'
chmod 640 "$work/fencing.conf"
fence good off
assert 'passwords that others can read are refused' says 2 '.error == "bad-config" and (.message | test("chmod 600"))'
chmod 600 "$work/fencing.conf"
assert 'node2 is still on' power_is on

note 'BMCs that fail'
lab bmc node2 lie
fence good off --timeout 7000
assert 'accepted is not off' says 1 '.result == "on" and .error == "still-on" and .switched'
assert 'node2 is on' power_is on
lab bmc node2 slow 2
fence good off
assert 'slow to switch: polled until off' says 0 '.result == "off" and .switched and .elapsed_ms > 1500'
assert 'node2 is off' power_is off
lab bmc node2 alive
fence good on
assert 'on again' says 0 '.result == "on"'
lab bmc node2 hang 3
fence good off --timeout 30000
assert 'slow to answer: heard all the same' says 0 '.result == "off"'
lab bmc node2 alive
fence good on
assert 'on again' says 0 '.result == "on"'
lab bmc node2 hang 5
fence good off --deadline-boottime-usec "$(boottime_usec 1000)"
assert 'the deadline passes while sending: unknown, and said so' says 1 \
        '.result == "unknown" and .error == "deadline" and .switched and .elapsed_ms < 1500'
wait_for 20 'that order takes effect late' power_is off
lab bmc node2 alive
fence good on
assert 'on again' says 0 '.result == "on"'
lab bmc node2 dead
fence good off --timeout 5000
assert 'dead: unknown, in time' says 1 '.result == "unknown" and .error == "timeout" and .elapsed_ms <= 5500'
lab bmc node2 alive
assert 'node2 is on' power_is on

note 'fence agents'
fence agent status
assert 'status by fence_ipmilan' says 0 '.result == "on"'
fence agent off
assert 'off by fence_ipmilan, read again' says 0 '.result == "off" and .found == "on" and .switched and .reads >= 2'
assert 'node2 is off' power_is off
fence agent on
assert 'on by fence_ipmilan' says 0 '.result == "on"'
fence scsi off
assert 'storage fencing is no proof' says 2 '.result == "error" and .error == "no-status"'
fence absent status
assert 'an agent that is not there' says 2 '.error == "agent-missing"'
fence hang off --agent-dir "$work/agents" --timeout 2000
assert 'an agent that hangs' says 1 '.result == "unknown" and .error == "timeout" and .elapsed_ms <= 2500'
wait_for 5 'is killed with its children' no_sleepers

note 'cancelled'
line=$(lab exec node1 -- timeout -s TERM 1 "$HAWD_BIN/hawd-fence" --config "$work/hawd.conf" \
        --secrets "$work/fencing.conf" --cache '' --device hang --agent-dir "$work/agents" \
        --action off </dev/null)
status=1
assert 'SIGTERM ends it at once' says 1 '.result == "unknown" and .error == "cancelled" and .elapsed_ms < 4000'
wait_for 5 'and its agent' no_sleepers
