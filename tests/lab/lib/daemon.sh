# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Single daemons of a host: signals and restarts. A daemon is found by its name among the host's own
# processes only.

daemon_pids() { # HOST DAEMON
        host_pids "$1" "$2" | awk '$2 != "Z" { print $1 }'
}

signal_daemon() { # HOST DAEMON SIGNAL
        local pids
        pids=$(daemon_pids "$1" "$2")
        [[ -n $pids ]] || die "$1: no $2 runs there (lab daemon $1 $2 start)"
        # shellcheck disable=SC2086 # one argument each
        kill "-$3" $pids
}

daemon_gone() {
        [[ -z $(daemon_pids "$1" "$2") ]]
}

# end_daemon HOST DAEMON: asks, and insists after 10 s
end_daemon() {
        local host=$1 daemon=$2
        if daemon_gone "$host" "$daemon"; then return 0; fi
        signal_daemon "$host" "$daemon" TERM
        wait_until 10 daemon_gone "$host" "$daemon" && return 0
        signal_daemon "$host" "$daemon" KILL
        wait_until 10 daemon_gone "$host" "$daemon"
}

start_service() { # HOST corosync|libvirtd
        daemon_gone "$1" "$2" || die "$1: $2 runs already (lab daemon $1 $2 restart)"
        in_host "$1" "$LAB_HERE/lib/service.sh" "$LAB_DIR" start "$2" ||
                die "$1: $2 does not start (lab logs $1 $2)"
}

hawd_daemon() { # HOST VERB
        local host=$1 stopped
        ((WITH_HAWD)) || die "this lab was made with --no-hawd: it does not supervise hawd"
        stopped=/proc/$(host_pid "$host")/root/run/hawd-lab/hawd.stopped
        case $2 in
        term)
                touch "$stopped"
                end_daemon "$host" hawd
                ;;
        start) rm -f "$stopped" ;;
        restart)
                rm -f "$stopped"
                end_daemon "$host" hawd
                ;;
        esac
}

# corosync HOST term|restart|start as systemctl does it: hawd.service is bound to it, and ordered after it.
bound_hawd() { # HOST stop|start
        ((WITH_HAWD)) || return 0
        if [[ $2 == start ]]; then
                [[ -e $LAB_DIR/hosts/$1/bound ]] || return 0
                rm "$LAB_DIR/hosts/$1/bound"
                hawd_daemon "$1" start
        elif ! daemon_gone "$1" hawd; then
                touch "$LAB_DIR/hosts/$1/bound"
                hawd_daemon "$1" term
        fi
}

verb_daemon() {
        local host=${1:-} daemon=${2:-} verb=${3:-}
        need_host "$host"
        need_power "$host"
        [[ $daemon == hawd || $daemon == corosync || $daemon == libvirtd ]] ||
                usage_error "daemon: 'hawd', 'corosync' or 'libvirtd', not '$daemon'" daemon
        case $verb in
        kill) signal_daemon "$host" "$daemon" KILL ;;
        stop) signal_daemon "$host" "$daemon" STOP ;;
        cont) signal_daemon "$host" "$daemon" CONT ;;
        term | start | restart)
                if [[ $daemon == hawd ]]; then
                        hawd_daemon "$host" "$verb"
                        return
                fi
                [[ $daemon != corosync || $verb == start ]] || bound_hawd "$host" stop
                [[ $verb == start ]] || end_daemon "$host" "$daemon"
                [[ $verb == term ]] || start_service "$host" "$daemon"
                [[ $daemon != corosync || $verb == term ]] || bound_hawd "$host" start
                ;;
        pid) daemon_pids "$host" "$daemon" ;;
        *) usage_error "daemon: no verb '$verb' (kill stop cont term start restart pid)" daemon ;;
        esac
}

# All lab hosts have one kernel and so one clock: only hawd is shown another time of day, from its next start;
# one that was started so is shown the next one at once, with 'step'.
verb_clock() {
        local host=${1:-} msec=${2:-} how=${3:-restart} file
        need_host "$host"
        need_power "$host"
        [[ $msec =~ ^-?[0-9]+$ ]] || usage_error "clock: '$msec' is no number of milliseconds" clock
        [[ $how == restart || $how == step ]] || usage_error "clock: '$how' is not 'step'" clock
        file=/proc/$(host_pid "$host")/root/run/hawd-lab/skew
        if ((msec == 0)); then rm -f "$file"; else printf '%d\n' "$msec" >"$file.new" && mv "$file.new" "$file"; fi
        [[ $how == step ]] || hawd_daemon "$host" restart
}

verb_wire() {
        local host=${1:-} mode=${2:-} file
        need_host "$host"
        need_power "$host"
        file=/proc/$(host_pid "$host")/root/run/hawd-lab/wire
        case $mode in
        newer | major | garbage) printf '%s\n' "$mode" >"$file" ;;
        plain) rm -f "$file" ;;
        *) usage_error "wire: no mode '$mode' (plain newer major garbage)" wire ;;
        esac
        hawd_daemon "$host" restart
}

log_file() { # HOST WHAT
        case $2 in
        hawd) printf '%s/log/hawd.log\n' "$(host_dir "$1")" ;;
        supervisor) printf '%s/log/hawd-supervisor.log\n' "$(host_dir "$1")" ;;
        corosync) printf '%s/log/corosync/corosync.log\n' "$(host_dir "$1")" ;;
        libvirtd) printf '%s/log/libvirt/libvirtd.log\n' "$(host_dir "$1")" ;;
        bmc) printf '%s/chassis.log\n' "$(bmc_dir "$1")" ;;
        *) usage_error "logs: no log '$2' (hawd supervisor corosync libvirtd bmc)" logs ;;
        esac
}

show_file() { # FILE FOLLOW
        if (($2)); then
                exec tail -n 50 -F "$1"
        elif [[ -e $1 ]]; then
                cat "$1"
        else
                die "$1: nothing was logged yet"
        fi
}

verb_logs() {
        local arg follow=0 words=() file
        for arg in "$@"; do
                if [[ $arg == --follow ]]; then follow=1; else words+=("$arg"); fi
        done
        need_host "${words[0]:-}"
        file=$(log_file "${words[0]}" "${words[1]:-hawd}") || exit
        show_file "$file" "$follow"
}

# console HOST: its boot; console GUEST [HOST]: the guest's, of one host or of all where it ran
verb_console() {
        local arg follow=0 words=() files=()
        need_lab
        for arg in "$@"; do
                if [[ $arg == --follow ]]; then follow=1; else words+=("$arg"); fi
        done
        ((${#words[@]} > 0)) || usage_error 'console: which guest or host?' console
        if [[ ${words[0]} =~ ^node[0-9]+$ ]]; then
                need_host "${words[0]}"
                show_file "$(host_dir "${words[0]}")/boot.log" "$follow"
                return
        fi
        [[ -z ${words[1]:-} ]] || need_host "${words[1]}"
        for arg in "$LAB_DIR"/hosts/${words[1]:-*}/log/libvirt/qemu/"${words[0]}.console"; do
                [[ -e $arg ]] && files+=("$arg")
        done
        ((${#files[@]} > 0)) || die "guest '${words[0]}' has no console${words[1]:+ on ${words[1]}}: it never ran there"
        if ((follow)); then exec tail -n 50 -F "${files[@]}"; fi
        if ((${#files[@]} == 1)); then cat "${files[0]}"; else tail -n +1 "${files[@]}"; fi
}
