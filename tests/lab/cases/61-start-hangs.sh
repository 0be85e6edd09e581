#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 55
# libvirtd stops, or dies, right in the middle of a start, a settle and a stop: the guest starts elsewhere
# only when it is known not to have started here; there is never a second copy.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

# libvirtd calls its hook in the middle of its work; the hook signals libvirtd itself, once, where told to.
hook() { # HOST
        local etc=$LAB_STATE/hosts/$1/etc/libvirt
        mkdir -p "$etc/hooks"
        cat >"$etc/hooks/qemu" <<'HOOK'
#!/bin/sh
read -r when signal 2>/dev/null </etc/libvirt/trap && [ "$when" = "$2-$3" ] || exit 0
mv /etc/libvirt/trap /etc/libvirt/sprung
kill "-$signal" "$(cat /run/libvirtd.pid)"
sleep 0.2
HOOK
        chmod +x "$etc/hooks/qemu"
        lab daemon "$1" libvirtd restart
}
set_trap() { # WHEN SIGNAL: on all hosts
        local host
        for host in node1 node2 node3; do
                rm -f "$LAB_STATE/hosts/$host/etc/libvirt/sprung"
                printf '%s %s\n' "$1" "$2" >"$LAB_STATE/hosts/$host/etc/libvirt/trap"
        done
}
sprung() { # and only there: sets $home
        local host
        for host in node1 node2 node3; do
                [[ -e $LAB_STATE/hosts/$host/etc/libvirt/sprung ]] || continue
                home=$host
                rm -f "$LAB_STATE"/hosts/*/etc/libvirt/trap
                return 0
        done
        return 1
}
start_into() { # WHEN SIGNAL
        set_trap "$@"
        began=$(now_msec)
        ctl guest start vm1 --no-wait || fail 'start is not taken'
        wait_for 20 "libvirtd gets SIG$2 at $1" sprung
        CTL=$(another_than "$home")
}
unsettled() { guest_says vm1 ".claims == [\"$home\"] and .state != \"running\" and (.reason | test(\"end is unknown\"))"; }
only_here() { none_started "$began" "$(printf 'node1|node2|node3' | sed "s/$home//")" vm1; }
runs_once() {
        wait_for 60 'vm1 beats' beats vm1 '.*'
        wait_for 40 'it is healthy' healthy vm1
        assert 'one QEMU was started for it' once_started "$began" vm1
}
stop() {
        assert 'stop' ctl guest stop vm1 --timeout 60s
}

case_cluster 3
for host in node1 node2 node3; do hook "$host"; done
lab guest xml vm1 >"$LAB_STATE/vm1.xml"
ctl guest create "$LAB_STATE/vm1.xml" --stopped --set start-timeout=4s --set stop-timeout=10s >/dev/null || fail 'no guest'

note 'libvirtd stops in the middle of a start'
start_into prepare-begin STOP
wait_for 30 'its end is unknown, and said to be so' unsettled
holds 6 'it starts nowhere else' only_here
lab daemon "$home" libvirtd cont
runs_once
assert 'it runs where its claim is' guest_says vm1 ".host == \"$home\" and .claims == [\"$home\"]"
stop

note 'libvirtd stops in the middle of a start, and is killed in the middle of the settle'
start_into prepare-begin STOP
wait_for 30 'its end is unknown' unsettled
lab daemon "$home" libvirtd kill
holds 3 'it starts nowhere else' only_here
lab daemon "$home" libvirtd start
runs_once

note 'libvirtd is killed in the middle of a stop'
set_trap stopped-end KILL
ctl guest stop vm1 --no-wait || fail 'stop is not taken'
wait_for 30 'it dies' sprung
lab daemon "$home" libvirtd start
wait_for 60 'it is stopped' guest_says vm1 '.state == "stopped" and .claims == []'
wait_for 10 'it is silent' silent vm1

note 'libvirtd is killed when QEMU has just begun'
start_into started-begin KILL
lab daemon "$home" libvirtd start
runs_once
stop

note 'libvirtd stops in the middle of a start, and its host is fenced'
start_into prepare-begin STOP
wait_for 30 'its end is unknown' unsettled
ctl fence host "$home" --yes >/dev/null || fail 'fence host is not taken'
wait_for 60 'its host is switched off' switched "$home" off 1
runs_once
assert 'it runs elsewhere' guest_says vm1 ".host != \"$home\""
assert 'nothing was lost, nothing ran twice' sound vm1
