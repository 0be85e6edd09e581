# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by lab test cases: a lab of their own, gone when they end, and evidence when they fail.
#
#   . "$(dirname "$0")/../case.sh"
#   requires hawd
#   case_up --hosts 3
#   note 'guest on node1'
#   assert 'guest runs' lab guest create vm1 --host node1
#   wait_for 30 'vm1 on another host' moved
#
# Exit status: 0 passed, 1 failed, 77 skipped. Time-outs are four times what a quiet machine needs.
set -uo pipefail

CASE_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CASE_NAME=$(basename "$0" .sh)
CASE_LAB=${CASE_LAB:-$(printf 'case-%s-%d' "${CASE_NAME%%-*}" "$$")}
CASE_BEGAN=${EPOCHREALTIME/[.,]/}
export HAWD_BIN=${HAWD_BIN:-$(cd "$CASE_DIR/../.." && pwd)/build/release}

# shellcheck disable=SC2034 # for the lab's parts
LAB_HERE=$CASE_DIR
# shellcheck source=lib/verbs.sh
. "$CASE_DIR/lib/verbs.sh"
# Fewer than of a lab for people: they tell as much, and each costs what is tested its processor.
export LAB_BEAT_MSEC=250

lab() {
        (lab_main --lab "$CASE_LAB" "$@")
}

note() {
        local msec=$(((${EPOCHREALTIME/[.,]/} - CASE_BEGAN) / 1000))
        printf '[%3d.%d s] %s\n' $((msec / 1000)) $((msec % 1000 / 100)) "$*"
}

skip() {
        note "SKIPPED: $*"
        exit 77
}

# requires NAME...: programs; hawd, hawctl and hawd-fence are looked for in $HAWD_BIN
requires() {
        local name
        ((EUID == 0)) || skip 'needs root'
        for name in "$@" gojq corosync libvirtd qemu-system-x86_64 ipmi_sim nft; do
                case $name in
                hawd | hawctl | hawd-fence | hawd-facts)
                        [[ -x $HAWD_BIN/$name ]] || skip "$HAWD_BIN/$name is not built (make)"
                        ;;
                *) PATH=$PATH:/usr/sbin:/sbin command -v "$name" >/dev/null || skip "$name is not installed" ;;
                esac
        done
}

# A case asks some hundred times, and to start jq 1.6 takes a processor ten times as long; it also ends
# with 0, by -e, when there was nothing to judge, as when hawd gives no answer yet.
jq() { gojq "$@"; }

evidence() {
        local host n
        note 'status:'
        lab status
        for n in 1 2 3 4 5 6 7 8; do
                host=node$n
                [[ -d ${HAWD_LAB_DIR:-/var/tmp/hawd-lab}/$CASE_LAB/hosts/$host ]] || break
                printf -- '--- guests on %s, as its libvirt says, and their last words\n' "$host"
                lab exec "$host" -- timeout 10 sh -c 'for i in $(virsh -q list --all --name); do
                        echo "$i: $(virsh domstate --reason "$i" | head -n 1)"; done
                        tail -qn 2 /var/log/libvirt/qemu/*.console' 2>&1 </dev/null
                printf -- '--- last lines of hawd on %s\n' "$host"
                lab logs "$host" hawd 2>/dev/null | tail -n 30
        done
}

fail() {
        note "FAILED: $*"
        exit 1
}

# Keeps the lab for a look with CASE_KEEP=1.
case_end() {
        local rc=$?
        trap - EXIT
        ((rc == 0 || rc == 77)) || evidence
        if ((rc != 0 && rc != 77)) && [[ -n ${CASE_KEEP:-} ]]; then
                note "kept: $CASE_DIR/lab --lab $CASE_LAB status"
        else
                lab down
        fi
        ((rc == 77)) || note "$CASE_NAME: $( ((rc == 0)) && echo passed || echo FAILED)"
        exit "$rc"
}

case_up() { # UP-OPTION...
        trap case_end EXIT
        trap 'exit 130' INT TERM
        # The token rests sooner when nobody has anything to say: half of what an idle host costs.
        lab up --corosync totem.seqno_unchanged_const=5 "$@" || fail 'the lab does not come up'
}

# assert DESCRIPTION COMMAND...: the command succeeds; what is asked of a hawd or of its log may take a
# moment on a busy machine to get from one host, or from one process, to another
assert() {
        local what=$1
        shift
        case $1 in
        ?*_says | logged | host_is | same_history)
                wait_for 4 "$what" "$@"
                return
                ;;
        esac
        "$@" || fail "$what ($*: status $?)"
        note "ok: $what"
}

# refute DESCRIPTION COMMAND...: the command fails
refute() {
        local what=$1
        shift
        if "$@"; then fail "$what ($*: succeeded)"; fi
        note "ok: $what"
}

# wait_for SECONDS DESCRIPTION COMMAND...: polls until the command succeeds, more and more seldom: to ask a hawd
# costs a processor that the others wait for
wait_for() {
        local seconds=$1 what=$2 began=${EPOCHREALTIME/[.,]/} passed pause
        shift 2
        until "$@"; do
                passed=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
                ((passed < seconds * 1000)) || fail "$what: not within $seconds s ($*)"
                pause=$((passed < 1000 ? 100 : passed > 9000 ? 900 : passed / 10))
                sleep "0.$pause"
        done
        passed=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
        note "ok: $what (after $passed ms)"
}
