# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Hosts: power, freeze, commands inside. A host is the namespaces under one init (host/init.c).

host_pid() {
        pid_of "$(host_dir "$1")/pid"
}

host_is_frozen() {
        [[ -e $(host_dir "$1")/frozen ]] && host_pid "$1" >/dev/null
}

make_disk() { # HOST
        local dir
        dir=$(host_dir "$1")
        [[ ! -d $dir/etc ]] || return 0
        mkdir -p "$dir"/{lib/{corosync,libvirt,hawd,misc},log/{corosync,libvirt/qemu},cache,local}
        [[ ! -d $LAB_CACHE/libvirt ]] || cp -a "$LAB_CACHE/libvirt/." "$dir/cache" 2>/dev/null # else it probes
        write_etc "$1"
}

start_watchdog() { # DIRECTORY PID
        : >"$1/watchdog"
        (
                close_fds
                exec "$LAB_PROGRAMS/wdfuse" "$2" "$1/watchdog" "$1/watchdog.log"
        ) </dev/null >>"$1/boot.log" 2>&1
}

power_on() { # HOST; call with its lock held
        local host=$1 dir pid
        dir=$(host_dir "$host")
        if host_pid "$host" >/dev/null; then return 0; fi
        unplug "$host"
        rm -f "$dir/pid" "$dir/frozen"
        env -i LC_ALL=C PATH="$PATH" \
                "$LAB_PROGRAMS/host-init" "$dir/pid" "$LAB_HERE/lib/boot.sh" "$LAB_DIR" "$host" \
                </dev/null >>"$dir/boot.log" 2>&1 ||
                die "$host does not start: $(tail -n 1 "$dir/boot.log")"
        pid=$(host_pid "$host") || die "$host ended at once; see lab console $host"
        # Before the ports: boot.sh waits for these, and so hawd finds it.
        ((!WATCHDOGS)) || start_watchdog "$dir" "$pid" || die "$host gets no watchdog"
        plug "$host" "$pid" || die "cannot connect $host to its switches"
}

power_off() { # HOST; call with its lock held
        local host=$1 pid
        unplug "$host" # first: a dying kernel would end its connections, and no power cut tells anybody
        if pid=$(host_pid "$host"); then
                kill_and_wait "$pid" || return 1
        fi
        rm -f "$(host_dir "$host")"/{pid,frozen}
}

verb_power() {
        local host=${1:-}
        need_host "$host"
        case ${2:-status} in
        on)
                supplies_on "$host"
                with_lock "$(host_dir "$host")" power_on "$host"
                ;;
        off) with_lock "$(host_dir "$host")" power_off "$host" ;;
        status) power_state "$host" ;;
        *) usage_error "power: 'on', 'off' or 'status', not '$2'" power ;;
        esac
}

power_state() {
        if ! host_pid "$1" >/dev/null; then
                printf 'off\n'
        elif host_is_frozen "$1"; then
                printf 'frozen\n'
        else
                printf 'on\n'
        fi
}

# host_pids HOST [COMM]: its processes, by their pids out here; "PID STATE" a line
host_pids() {
        local init ns
        init=$(host_pid "$1") || return 1
        ns=$(readlink "/proc/$init/ns/pid")
        ns=${ns//[^0-9]/}
        ps -eo pid=,pidns=,state=,comm= |
                awk -v ns="$ns" -v comm="${2:-}" '$2 == ns && (comm == "" || $4 == comm) { print $1, $3 }'
}

# Stopping one process may let another fork before its turn, so until none runs any more.
freeze() { # HOST
        local host=$1 end=$((SECONDS + 20)) pids
        touch "$(host_dir "$host")/frozen"
        while :; do
                pids=$(host_pids "$host" | awk '$2 !~ /[TZ]/ { print $1 }')
                [[ -n $pids ]] || return 0
                ((SECONDS < end)) || die "$host: processes do not stop: $pids"
                # shellcheck disable=SC2086 # one argument each
                kill -STOP $pids 2>/dev/null
        done
}

thaw() { # HOST
        local pids
        pids=$(host_pids "$1" | awk '{ print $1 }')
        rm -f "$(host_dir "$1")/frozen"
        # shellcheck disable=SC2086 # one argument each
        kill -CONT $pids 2>/dev/null
        return 0
}

need_power() {
        case $(power_state "$1") in
        off) die "$1 is off (lab power $1 on)" ;;
        frozen) die "$1 is frozen (lab thaw $1)" ;;
        esac
}

verb_freeze() {
        need_host "${1:-}"
        need_power "$1"
        with_lock "$(host_dir "$1")" freeze "$1"
}

verb_thaw() {
        need_host "${1:-}"
        [[ $(power_state "$1") != off ]] || die "$1 is off (lab power $1 on)"
        with_lock "$(host_dir "$1")" thaw "$1"
}

# in_host HOST COMMAND...: inside, in the caller's directory if the host has it. fd 0 to 2 only.
in_host() {
        local host=$1 pid
        shift
        pid=$(host_pid "$host") || return 1
        # shellcheck disable=SC2016 # for the shell inside
        nsenter -t "$pid" -p -m -n -u -i -- env PATH="$HAWD_BIN:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
                /bin/sh -c 'cd "$0" 2>/dev/null || cd /; exec "$@"' "$PWD" "$@"
}

verb_exec() {
        local host=${1:-}
        need_host "$host"
        shift
        [[ ${1:-} != -- ]] || shift
        (($# > 0)) || usage_error 'exec: no command given' exec
        need_power "$host"
        in_host "$host" "$@"
}
