#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# chassis.sh LABDIR BMC get|set|check NAME [VALUE]...: a BMC's hand on its host, called by ipmi_sim,
# which waits for it and answers nothing meanwhile. BMC is a host, or a power supply of it, HOST.a: the
# host is off when all of its supplies are. bmc/BMC/mode:
#   alive        does and says the truth
#   lie          accepts off and does not switch; status is true
#   lie-off      status says off, always
#   slow N       accepts at once, switches N seconds later
#   hang N       switches N seconds later and answers only then
set -u
LAB_HERE=$(cd "${0%/*}/.." && pwd)
LAB_DIR=$1 unit=$2 host=${2%%.*} op=$3
shift 3
# shellcheck disable=SC2034 # read by base.sh
HAWD_LAB=${LAB_DIR##*/} HAWD_LAB_DIR=${LAB_DIR%/*}
# shellcheck source=base.sh
. "$LAB_HERE/lib/base.sh"
set_lab_paths
read -r mode seconds <"$LAB_DIR/bmc/$unit/mode"

log() { printf '%s %s: %s (%s)\n' "$(date +%T.%3N)" "$unit" "$*" "$mode" >>"$LAB_DIR/bmc/$unit/chassis.log"; }

# Whether that changes the power of the host.
supply() { # on|off|reset
        [[ $unit == *.* ]] || return 0
        if [[ $1 == off ]]; then printf '0\n'; else printf '1\n'; fi >"$LAB_DIR/bmc/$unit/power"
        [[ $1 != off ]] || ! grep -qsx 1 "$LAB_DIR/bmc/$host".[ab]/power
}

switch() { # on|off|reset
        # shellcheck source=net.sh
        . "$LAB_HERE/lib/net.sh"
        # shellcheck source=host.sh
        . "${LAB_POWER:-$LAB_HERE/lib/host.sh}" # what a host is: tests/machines has another
        # Asked again by one who got no answer while it was busy with the first.
        if [[ $1-$unit == off-$host ]] && ! pid_of "$LAB_DIR/hosts/$host/pid" >/dev/null; then
                log 'is off already'
                return
        fi
        log "switching $1"
        supply "$1" || return
        case $1 in
        on) with_lock "$LAB_DIR/hosts/$host" power_on "$host" ;;
        off) with_lock "$LAB_DIR/hosts/$host" power_off "$host" ;;
        reset)
                with_lock "$LAB_DIR/hosts/$host" power_off "$host"
                with_lock "$LAB_DIR/hosts/$host" power_on "$host"
                ;;
        esac
        log "switched $1"
}

act() { # on|off|reset
        close_fds # the BMC's sockets
        case $mode-$1 in
        lie-off) log 'accepts off, and lies' ;;
        slow-*) (sleep "$seconds" && switch "$1") </dev/null >/dev/null 2>&1 & ;;
        hang-*) sleep "$seconds" && switch "$1" >/dev/null 2>&1 ;;
        *) switch "$1" >/dev/null 2>&1 ;;
        esac
}

get() { # NAME
        local power=0
        case $1 in
        power)
                if [[ $mode == lie-off ]]; then
                        :
                elif [[ $unit == *.* ]]; then
                        power=$(<"$LAB_DIR/bmc/$unit/power")
                elif pid_of "$LAB_DIR/hosts/$host/pid" >/dev/null; then
                        power=1
                fi
                printf 'power:%d\n' "$power"
                ;;
        boot) printf 'boot:default\n' ;;
        *) exit 1 ;;
        esac
}

case $op in
get) for name in "$@"; do get "$name"; done ;;
check) ;;
set)
        while (($# >= 2)); do
                case $1-$2 in
                power-0 | shutdown-*) act off ;;
                power-*) act on ;;
                reset-*) act reset ;;
                esac
                shift 2
        done
        ;;
esac
exit 0
