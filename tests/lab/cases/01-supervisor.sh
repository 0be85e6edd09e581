#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 5
# The hosts keep hawd running as systemd would. A stand-in plays hawd, so a failure is the lab's.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
requires grep

# In the lab's own folder, so that it goes with it; made late: hawd need not be there at boot.
export HAWD_BIN=${HAWD_LAB_DIR:-/var/tmp/hawd-lab}/$CASE_LAB/bin

make_stand_in() {
        mkdir "$HAWD_BIN"
        cat >"$HAWD_BIN/hawd.new" <<'EOF'
#!/bin/bash
trap 'exit 0' TERM
echo "hawd $*"
while :; do sleep 0.05; done
EOF
        chmod +x "$HAWD_BIN/hawd.new"
        mv "$HAWD_BIN/hawd.new" "$HAWD_BIN/hawd"
}

runs() { [[ -n $(lab daemon node1 hawd pid) ]]; }
runs_anew() { runs && [[ $(lab daemon node1 hawd pid) != "$pid" ]]; }
never_runs() { # SECONDS
        local end=$((SECONDS + $1))
        while ((SECONDS < end)); do
                if runs; then return 1; fi
                sleep 0.1
        done
}
conf() { lab exec node1 -- grep -qx "$1" /etc/hawd/hawd.conf; }
mode() { [[ $(lab exec node1 -- stat -c %a "$1") == "$2" ]]; }

case_up --hosts 1 --set 'cluster.heartbeat=500ms' --set 'web.port=9000'
assert 'without hawd the hosts wait' never_runs 1
make_stand_in
wait_for 10 'hawd runs' runs
assert '--set reaches a section that is there' conf 'heartbeat = 500ms'
assert '--set makes a new section' conf '\[web\]'
assert 'the passwords are private' mode /etc/hawd/fencing.conf 600
assert 'started with --foreground' grep -qx 'hawd --foreground' <(lab logs node1 hawd)

pid=$(lab daemon node1 hawd pid)
lab daemon node1 hawd kill
wait_for 10 'killed: runs anew' runs_anew
lab daemon node1 hawd term
assert 'term: stays down' never_runs 2
lab daemon node1 hawd start
wait_for 10 'start: runs' runs

lab daemon node1 corosync kill
lab daemon node1 hawd kill
assert 'without corosync it is not started' never_runs 2
lab daemon node1 corosync restart
wait_for 10 'with corosync it is' runs

lab power node1 off
refute 'off: nothing runs' lab daemon node1 hawd pid
lab power node1 on
wait_for 20 'power on: runs' runs
