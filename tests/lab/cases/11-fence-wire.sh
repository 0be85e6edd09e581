#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 10
# hawd-fence against BMCs that fail in ways that ipmi_sim cannot (bmc/fakebmc.py), and against agents
# that misbehave: each fault has its message, nothing but two readings is off, nothing is sent late
# (S2, S3), and no password is seen outside. Needs no lab: a network of its own, without a way out.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
requires hawd-fence python3 cc unshare
[[ -n ${WIRE_NET:-} ]] || WIRE_NET=1 exec unshare --net -- "$0"
ip link set lo up || fail 'no loopback'

secret=labsecret
work=$(mktemp -d)
bmcs=() names=() port=7100
declare -A port_of status_of

wire_end() {
        local rc=$?
        trap - EXIT
        ((${#bmcs[@]} == 0)) || kill "${bmcs[@]}" 2>/dev/null
        wait
        rm -rf "$work"
        note "$CASE_NAME: $( ((rc == 0)) && echo passed || echo FAILED)"
        exit "$rc"
}
trap wire_end EXIT

device() { # NAME PASSWORD KEY=VALUE...: on a host of its own
        printf '[fence %s]\nhost = h-%s\n' "$1" "$1" >>"$work/hawd.conf"
        printf '%s\n' "${@:3}" | sed 's/=/ = /' >>"$work/hawd.conf"
        [[ -z $2 ]] || printf '[%s]\npassword = %s\n' "$1" "$2" >>"$work/fencing.conf"
}

fault() { # NAME FAULTS [KEY=VALUE...]: a BMC of its own
        port_of[$1]=$((++port))
        specs+=("${port_of[$1]}:$2")
        device "$1" "$secret" address=127.0.0.1 "port=${port_of[$1]}" user=admin "${@:3}"
}

# fence NAME DEVICE ACTION [OPTION...]: in the background; its line and exit status by NAME
fence() {
        names+=("$1")
        {
                "$HAWD_BIN/hawd-fence" --config "$work/hawd.conf" --secrets "$work/fencing.conf" --cache '' \
                        --agent-dir "$work" --device "$2" --action "$3" "${@:4}" </dev/null >"$work/$1.line" 2>"$work/$1.err"
                echo $? >"$work/$1.status"
        } &
}

join() {
        local name
        for name in "${names[@]}"; do
                until [[ -s $work/$name.status ]]; do sleep 0.05; done
                status_of[$name]=$(<"$work/$name.status")
                note "$name: ${status_of[$name]} $(<"$work/$name.line")"
        done
        names=()
}

says() { # NAME STATUS JQ-CONDITION
        [[ ${status_of[$1]} == "$2" && $(wc -l <"$work/$1.line") == 1 && ! -s $work/$1.err ]] &&
                jq -e "$3" "$work/$1.line" >/dev/null
}

orders() { # DEVICE N: so many orders were carried out
        [[ $(grep -c "^${port_of[$1]} " "$work/orders") == "$2" ]]
}

agent() { # NAME: its script on standard input has $action, $secret and $community
        {
                cat <<'EOF'
#!/bin/bash
while read -r l; do
        case $l in
        action=*) action=${l#*=} ;;
        password=*) secret=${l#*=} ;;
        community=*) community=${l#*=} ;;
        esac
done
if [[ $action == metadata ]]; then
        echo '<resource-agent><actions><action name="on"/><action name="off"/><action name="status"/>'
        echo '</actions></resource-agent>'
        exit 0
fi
EOF
                cat
        } >"$work/fence_$1"
        chmod +x "$work/fence_$1"
        device "$1" "$secret" driver=agent "agent=fence_$1"
}

boottime_usec() { awk -v ms="$1" '{ printf "%.0f", $1 * 1e6 + ms * 1000 }' /proc/uptime; }
state_of() { awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null; }
stopped() { [[ $(state_of "$1") == T ]]; }
passed() { (($(boottime_usec 0) > $1)); }
gone() { [[ ! -d /proc/$1 ]]; }
no_sleepers() { ! pgrep -f 'sleep 88[0-9][0-9]' >/dev/null; }

: >"$work/hawd.conf"
: >"$work/orders"
touch "$work/fencing.conf"
chmod 600 "$work/fencing.conf"
specs=()

fault both ''
fault only3 suites=3
fault only17 suites=17
fault fixed17 suites=3 cipher-suite=17
fault none open=status:0x11
fault full open=status:1
fault role open=status:0x0a
fault nouser rakp1=status:0x0d
fault lowrole rakp1=status:0x0a
fault badkey key=bad
fault wrongkey rakp3=status:0x0f
fault lowpriv priv=cc:0x81
fault noswitch control=cc:0xd4
fault busy status=cc:0xc0
fault mid-open rakp1=mute
fault mid-session status=mute
fault noise noise
fault junk-open open=junk
fault junk-rakp rakp1=junk,rakp3=junk
fault short-status status=short
fault short-auth auth=short
fault unspecified status=cc:0xff
fault forgets drop=3
fault liar lie
fault after control=mute
fault late ''
fault early ''
fault credential ''
sed -i '/^\[credential\]/,+1d' "$work/fencing.conf"
(umask 077 && mkdir "$work/creds" && printf '%s\n' "$secret" >"$work/creds/fence_credential")
device silent "$secret" address=127.0.0.1 port=7099 user=admin
device refused "$secret" address=127.0.0.1 port=7098 user=admin
device noroute "$secret" address=192.0.2.1 user=admin
device unresolved "$secret" address=bmc.invalid user=admin
python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 7099)); time.sleep(600)' &
bmcs+=($!)
python3 "$CASE_DIR/bmc/fakebmc.py" "$work/orders" "${specs[@]}" >"$work/bmc.out" 2>"$work/bmc.err" &
bmcs+=($!)
wait_for 20 'the BMCs listen' grep -q ready "$work/bmc.out"

agent slow <<'EOF'
sleep 8801 & sleep 8801
EOF
agent echo <<'EOF'
echo "logging in as admin with $secret" >&2
echo "ERROR: cannot log in as admin with '${secret}' and ${community}" >&2
exit 1
EOF
printf 'community = another%%secret\n' >>"$work/fencing.conf"
agent flood <<'EOF'
yes "$secret" | head -c 5000000; yes x | head -c 2000000 >&2
exit 1
EOF
agent stays <<'EOF'
setsid sleep 8802 >/dev/null 2>&1 &
exit 0
EOF
agent stubborn <<'EOF'
trap '' TERM INT HUP; trap 'sleep 8803' EXIT
setsid sleep 8803 & while :; do sleep 1; done
EOF
agent fabric </dev/null
sed -i 's/name="on"/name="on" automatic="1"/' "$work/fence_fabric"

note 'readings and refusals, all at once'
for name in both only3 only17 fixed17 none full role nouser lowrole badkey wrongkey lowpriv busy mid-open mid-session \
        noise junk-open junk-rakp short-status short-auth unspecified forgets silent refused noroute unresolved \
        echo flood stays fabric; do
        fence "$name" "$name" status --timeout 7000
done
fence lie liar off --timeout 7000
fence noswitch noswitch off --timeout 7000
fence after after off --timeout 7000
fence stubborn stubborn off --timeout 2000
fence action both cycle
fence without credential status
CREDENTIALS_DIRECTORY=$work/creds fence credential credential status
join
assert 'cipher suite 17 where the BMC has it' says both 0 '.result == "on" and .cipher == 17'
assert 'and where it has nothing else' says only17 0 '.result == "on" and .cipher == 17'
assert 'else 3, found by itself' says only3 0 '.result == "on" and .cipher == 3'
assert '17 asked for, and unknown to the BMC' says fixed17 1 '.error == "cipher" and (.message | test("suite 17.*leave out cipher-suite"))'
assert 'neither' says none 1 '.error == "cipher" and (.message | test("17 or 3: enable"))'
assert 'out of sessions' says full 1 '.error == "timeout" and (.message | test("busy: out of sessions"))'
assert 'busy' says busy 1 '.error == "timeout" and (.message | test("busy"))'
assert 'an undefined refusal' says role 1 '.error == "protocol" and (.message | test("refused the session.*rights.*cipher suites"))'
assert 'no such user' says nouser 1 '.error == "auth" and (.message | test("no such user .admin.*correct user ="))'
assert 'a role not given' says lowrole 1 '.error == "privilege" and (.message | test("give it the operator privilege"))'
assert 'a privilege not given' says lowpriv 1 '.error == "privilege" and (.message | test("log in as operator"))'
assert 'a BMC that has another password' says badkey 1 '.error == "auth" and (.message | test("wrong password.*fencing.conf"))'
assert 'and one that says so' says wrongkey 1 '.error == "auth" and (.message | test("wrong password"))'
assert 'may read, not switch' says noswitch 1 '.error == "privilege" and .result == "on" and (.message | test("may not switch power"))'
assert 'silent in the middle of opening a session' says mid-open 1 '.error == "timeout" and (.message | test("in the middle of a session"))'
assert 'silent in the middle of one' says mid-session 1 '.error == "timeout" and (.message | test("in the middle of a session"))'
assert 'noise' says noise 1 '.error == "protocol" and (.message | test("is no BMC: check address and port"))'
for name in junk-open junk-rakp short-status short-auth unspecified; do
        assert "$name: no reading" says "$name" 1 '.result == "unknown" and .reads == 0 and .error != "" and .message != ""'
done
assert 'a session forgotten now and then' says forgets 0 '.result == "on"'
assert 'silence' says silent 1 '.error == "timeout" and (.message | test("no answer"))'
assert 'a closed port' says refused 1 '.error == "refused" and (.message | test("check the port"))'
assert 'no route' says noroute 1 '.error == "no-route" and (.message | test("check this host.s network"))'
assert 'a name without address' says unresolved 1 '.error == "resolve" and (.message | test("cannot resolve bmc.invalid"))'
assert 'success that is none is not believed' says lie 1 '.result == "on" and .error == "still-on" and .switched'
assert 'silence behind an order: it may have worked' says after 1 '.result == "unknown" and .switched'
refute 'and did' orders after 0
assert 'an order that does not exist' test "${status_of[action]}" = 2 -a ! -s "$work/action.line"

assert 'no password anywhere' says without 2 '.error == "no-secret" and (.message | test("no section .credential.: add it"))'
assert 'one from systemd' says credential 0 '.result == "on"'

note 'agents'
assert 'an agent repeats its secrets: hawd-fence does not' says echo 1 \
        ".error == \"agent-failed\" and (.message | test(\"log in as admin with .[*]{3}. and [*]{3}\"))"
assert 'a flood is bounded' says flood 1 '.error == "agent-failed"'
assert 'one that leaves a process behind reads on' says stays 0 '.result == "on"'
assert 'one that heeds no signal' says stubborn 1 '.error == "timeout" and .elapsed_ms < 4000'
assert 'one that cuts storage or network is refused' says fabric 2 '.result == "error" and .error == "no-status"'
wait_for 10 'all that they started is gone' no_sleepers

note 'what is wrong before any device is asked'
"$HAWD_BIN/hawd-fence" --check --config "$work/hawd.conf" --secrets "$work/fencing.conf" --cache '' \
        --agent-dir "$work" >"$work/check.line" 2>&1
assert 'something is' test $? = 1
checked() { jq -es "$1" "$work/check.line" >/dev/null; }
assert 'a line for each device' checked "length == $(grep -c '^.fence ' "$work/hawd.conf")"
assert 'an agent that proves nothing' checked '.[] | select(.device == "fabric") | .error == "no-status" and (.message | test("proves nothing"))'
assert 'a password that is missing' checked '.[] | select(.device == "credential") | .error == "no-secret"'
assert 'an agent that says of itself what it must' checked '.[] | select(.device == "stays") | .error == "" and .warning == ""'
assert 'and BMCs that would fail' checked '[.[] | select(.device == "silent" or .device == "both") | .error] == ["", ""]'
sed 's/^agent = fence_stays/agent = fence_ipmilan/' "$work/hawd.conf" >"$work/other.conf"
warned() { grep -qE "^$work/other.conf: warning: .fence $1.*$2" "$work/check.err"; }
"$HAWD_BIN/hawd" --check-config "$work/other.conf" --secrets "$work/fencing.conf" 2>"$work/check.err"
assert 'hawd --check-config calls these no mistakes' test $? = 0
assert 'but warns of an agent that is not there' warned fabric 'is not installed on this host'
assert 'of a password' warned credential 'add it with its password'
assert 'and of an agent that shows one' warned stays 'driver = ipmi'

note 'stopped right before the order leaves'
cc -shared -fPIC -o "$work/stop.so" "$CASE_DIR/bmc/stop.c" -ldl || fail 'no hook'
export ASAN_OPTIONS=verify_asan_link_order=0
# stop_at DEVICE DEADLINE: hawd-fence stops in front of the packet; its pid in $stopped
stop_at() {
        LD_PRELOAD=$work/stop.so fence "$1" "$1" off --timeout 20000 --deadline-boottime-usec "$2"
        wait_for 20 "$1 stops" stopper "$1"
        orders "$1" 0 || fail 'the hook is behind the packet'
}
stopper() {
        stopped_pid=$(pgrep -f -- "--device $1 --action off" | head -n 1)
        stopped "$stopped_pid"
}
deadline=$(boottime_usec 3000)
stop_at early "$(boottime_usec 60000)"
kill -CONT "$stopped_pid"
stop_at late "$deadline"
wait_for 20 'the deadline passes' passed "$deadline"
kill -CONT "$stopped_pid"
join
assert 'continued in time: off' says early 0 '.result == "off" and .switched'
assert 'continued after the deadline: unknown' says late 1 '.result == "unknown" and .error == "deadline" and .switched'
assert 'and nothing was sent' orders late 0

note 'passwords'
# shown WHERE...: which of these files hold one
shown() { grep -lsaF -e "$secret" -e 'another%secret' -- "$@"; }
fence hidden slow off --timeout 60000
fence hidden-bmc silent off --timeout 60000
running() { pgrep -f 'sleep 880[1]' >/dev/null && pgrep -f -- '--device silent' >/dev/null; }
wait_for 20 'an agent and a BMC are slow' running
mapfile -t pids < <(pgrep -f -- "$work|sleep 880[1]")
assert 'there is something to look at' test ${#pids[@]} -ge 6
for pid in "${pids[@]}"; do
        refute "no password in what /proc shows of $pid ($(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c 1-40))" \
                shown "/proc/$pid/cmdline" "/proc/$pid/environ"
done
assert 'the search finds what is there' shown "$work/fencing.conf"
wait_for 5 'nor in any answer' eval "! shown $work/*.line $work/*.err"

# crash SIGNAL PATTERN: with core files allowed
mkdir "$work/dump"
crash() { # COMMAND...
        (cd "$work/dump" && ulimit -c unlimited && HAWD_BIN=$HAWD_BIN exec "$@") &
        crashed=$!
}
cores() { find "$work/dump" / -maxdepth 1 -name 'core*' -newer "$work/bmc.out" -type f | grep -q .; }
for pid in $(pgrep -f -- '--device (slow|silent)'); do kill -KILL "$pid"; done
names=()
wait_for 10 'their agents end with them' no_sleepers
crash sleep 100
wait_for 5 'the other one runs' test -d "/proc/$crashed"
sleep 0.2
kill -SEGV "$crashed"
wait "$crashed" 2>/dev/null
if cores; then
        rm -f "$work"/dump/*
        for signal in SEGV ABRT; do
                crash "$HAWD_BIN/hawd-fence" --config "$work/hawd.conf" --secrets "$work/fencing.conf" --cache '' \
                        --agent-dir "$work" --device slow --action off --timeout 60000 </dev/null >/dev/null
                wait_for 20 'an agent runs' pgrep -f 'sleep 880[1]'
                kill "-$signal" "$(pgrep -f "$work/fence_slow" | head -n 1)" "$crashed"
                wait "$crashed" 2>/dev/null
                wait_for 10 'and ends with hawd-fence' no_sleepers
        done
        refute 'neither leaves a core' cores
else
        note "core files go elsewhere here ($(cat /proc/sys/kernel/core_pattern)): not looked for"
fi
