# shellcheck shell=bash disable=SC2034 # its variables are used by the other parts
# SPDX-License-Identifier: GPL-3.0-or-later
# Names, messages, locks and processes: what the other parts of the lab share.
#
# State of a lab, below $LAB_DIR:
#   lab.env                 what `up` was asked for (N_HOSTS, TOKEN, WITH_HAWD ...)
#   hosts/HOST/             a host's disk (etc lib log cache local), its pid, console and cuts of its net;
#                           watchdog, its device, and watchdog.log (host/wdfuse.c)
#   bmc/HOST/               its BMC: configuration, mode, logs
#   shared/                 the guests' disks: the same path on all hosts
#   watch.log               every guest's heartbeats, by one clock (host/watch.c)

LAB_NAME=${HAWD_LAB:-lab}
LAB_ROOT=${HAWD_LAB_DIR:-/var/tmp/hawd-lab}
LAB_CACHE=${HAWD_LAB_CACHE:-/var/cache/hawd-lab}
LAB_TREE=$(cd "$LAB_HERE/../.." && pwd)
HOSTS_MAX=8
BMC_USER='admin'
BMC_PASSWORD=labsecret
export LC_ALL=C
export PATH=$PATH:/usr/sbin:/sbin

die() {
        printf 'lab: %s\n' "$*" >&2
        exit 1
}

usage_error() {
        printf 'lab: %s\n' "$1" >&2
        printf "Try 'lab help %s'.\n" "${2:-}" >&2
        exit 2
}

warn() {
        printf 'lab: %s\n' "$*" >&2
}

now_msec() {
        local t=${EPOCHREALTIME/[.,]/}
        printf '%s\n' "${t%???}"
}

# wait_until SECONDS COMMAND...: polls until it succeeds
wait_until() {
        local end=$((SECONDS + $1 + 1))
        shift
        until "$@"; do
                ((SECONDS < end)) || return 1
                sleep 0.05
        done
}

# Call once the name is known.
set_lab_paths() {
        [[ $LAB_NAME =~ ^[a-zA-Z0-9][a-zA-Z0-9-]{0,30}$ ]] ||
                usage_error "'$LAB_NAME' cannot name a lab: letters, digits and '-', at most 31"
        LAB_DIR=$LAB_ROOT/$LAB_NAME
        LAB_SWITCH=hawd-lab-$LAB_NAME
        LAB_PROGRAMS=$LAB_CACHE/bin
        if [[ -r $LAB_DIR/lab.env ]]; then
                # shellcheck source=/dev/null
                . "$LAB_DIR/lab.env"
        fi
}

need_root() {
        ((EUID == 0)) || die 'needs root: namespaces, bridges and QEMU disks belong to it'
}

need_tools() {
        local tool missing=()
        for tool in "$@"; do
                command -v "$tool" >/dev/null || missing+=("$tool")
        done
        ((${#missing[@]} == 0)) ||
                die "missing: ${missing[*]} (Debian: apt-get install --no-install-recommends corosync" \
                        'libvirt-daemon libvirt-daemon-system libvirt-clients libvirt-daemon-driver-qemu' \
                        'qemu-system-x86 qemu-utils busybox-static openipmi ipmitool nftables cpio lz4' \
                        'gcc libc6-dev libfuse3-dev pkg-config iproute2 util-linux procps)'
}

labs_up() {
        local names=("$LAB_ROOT"/*/lab.env)
        [[ -e ${names[0]} ]] || names=('none/.')
        names=("${names[@]%/*}")
        printf '%s\n' "${names[*]##*/}"
}

need_lab() {
        [[ -r $LAB_DIR/lab.env ]] ||
                die "lab '$LAB_NAME' is not up (lab --lab $LAB_NAME up; labs up: $(labs_up))"
}

# hosts, in order
all_hosts() {
        local n
        for ((n = 1; n <= ${N_HOSTS:-0}; n++)); do
                printf 'node%d\n' "$n"
        done
}

need_host() {
        need_lab
        [[ ${1:-} =~ ^node[1-9]$ && ${1#node} -le $N_HOSTS ]] ||
                die "no such host '${1:-}' (hosts: $(all_hosts | paste -sd' '))"
}

host_dir() {
        printf '%s\n' "$LAB_DIR/hosts/$1"
}

# proc_start PID: its start time in ticks; nothing when it does not exist or is a zombie
proc_start() {
        local stat fields
        { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
        stat=${stat##*) }
        read -ra fields <<<"$stat"
        [[ ${fields[0]} != [ZX] ]] || return 1
        printf '%s\n' "${fields[19]}"
}

# pid_of PIDFILE ("PID START"): the pid, if that process still is the one meant
pid_of() {
        local pid start
        { read -r pid start <"$1"; } 2>/dev/null || return 1
        [[ $(proc_start "$pid") == "$start" ]] || return 1
        printf '%s\n' "$pid"
}

write_pid() { # PIDFILE PID
        local start
        start=$(proc_start "$2") || return 1
        printf '%s %s\n' "$2" "$start" >"$1"
}

# kill_and_wait PID: SIGKILL, and it is gone when this returns
kill_and_wait() {
        local end=$((SECONDS + 20))
        kill -KILL "$1" 2>/dev/null
        while [[ -d /proc/$1 ]] && proc_start "$1" >/dev/null; do
                ((SECONDS < end)) || {
                        warn "process $1 does not die (blocked in the kernel?)"
                        return 1
                }
                sleep 0.005
        done
}

# with_lock DIRECTORY COMMAND...: one at a time. The directory itself is locked, nothing stays behind.
with_lock() {
        local dir=$1 fd rc
        shift
        exec {fd}<"$dir" || return 1
        flock -w 120 "$fd" || die "$dir stays locked: another lab command hangs (fuser -v $dir)"
        [[ $dir -ef /proc/$BASHPID/fd/$fd ]] || {
                warn "$dir was removed meanwhile"
                exec {fd}<&-
                return 1
        }
        "$@"
        rc=$?
        exec {fd}<&-
        return "$rc"
}

# close_fds: keeps 0 to 2. For whatever outlives this command: it must not hold a caller's pipes and locks.
close_fds() {
        local fd
        for fd in "/proc/$BASHPID/fd"/*; do
                fd=${fd##*/}
                ((fd <= 2 || fd == 255)) || eval "exec $fd>&-"
        done
}

json_list() { # ITEM... : ["a", "b"]
        local item sep=''
        printf '['
        for item in "$@"; do
                printf '%s"%s"' "$sep" "$item"
                sep=', '
        done
        printf ']'
}
