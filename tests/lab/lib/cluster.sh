# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A whole lab: up and down.

parse_up() {
        local n ring_n=''
        N_HOSTS=3 TOKEN=1000 WITH_HAWD=1 DISK_LOCKS=0 UP_SETS=() UP_CONFS=()
        RING_KIND=corosync RING_SETS='' QDEVICE=0 SUPPLIES=0 WATCHDOGS=0
        HAWD_BIN=$(realpath -m "${HAWD_BIN:-$LAB_TREE/build/release}")
        while (($# > 0)); do
                case $1 in
                --hosts | --ring-hosts | --token | --set | --corosync | --conf)
                        (($# >= 2)) || usage_error "up: $1 wants a value" up
                        case $1 in
                        --hosts) N_HOSTS=$2 ;;
                        --ring-hosts) ring_n=$2 ;;
                        --token) TOKEN=$2 ;;
                        --set) UP_SETS+=("$2") ;;
                        --corosync)
                                need_ring_set "$2" up
                                RING_SETS+=$2$'\n'
                                ;;
                        --conf)
                                [[ -r $2 ]] || die "cannot read $2"
                                UP_CONFS+=("$2")
                                ;;
                        esac
                        shift
                        ;;
                --no-hawd) WITH_HAWD=0 ;;
                --disk-locks) DISK_LOCKS=1 ;;
                --solo) RING_KIND=solo ;;
                --qdevice) QDEVICE=1 ;;
                --supplies) SUPPLIES=1 ;;
                --watchdogs) WATCHDOGS=1 ;;
                *) usage_error "up: unknown option '$1'" up ;;
                esac
                shift
        done
        [[ $N_HOSTS =~ ^[1-9]$ && $N_HOSTS -le $HOSTS_MAX ]] ||
                usage_error "up: --hosts takes 1 to $HOSTS_MAX, not '$N_HOSTS'" up
        [[ $TOKEN =~ ^[1-9][0-9]*$ ]] || usage_error "up: --token takes milliseconds, not '$TOKEN'" up
        ring_n=${ring_n:-$N_HOSTS}
        [[ $ring_n =~ ^[1-9]$ && $ring_n -le $N_HOSTS ]] ||
                usage_error "up: --ring-hosts takes 1 to $N_HOSTS, not '$ring_n'" up
        RING_HOSTS=$(for ((n = 1; n <= ring_n; n++)); do printf 'node%d\n' "$n"; done | paste -sd' ')
        [[ $RING_KIND == corosync ]] || RING_HOSTS=''
}

# With it the lab exists.
write_env() {
        printf '%s=%q\n' N_HOSTS "$N_HOSTS" TOKEN "$TOKEN" WITH_HAWD "$WITH_HAWD" HAWD_BIN "$HAWD_BIN" \
                RING_KIND "$RING_KIND" RING_HOSTS "$RING_HOSTS" RING_SETS "$RING_SETS" QDEVICE "$QDEVICE" \
                SUPPLIES "$SUPPLIES" WATCHDOGS "$WATCHDOGS" DISK_LOCKS "$DISK_LOCKS" LAB_CACHE "$LAB_CACHE" LAB_INITRD "$LAB_INITRD" \
                LAB_PROGRAMS "$LAB_PROGRAMS" TSC_KHZ "${TSC_KHZ:-$("$LAB_PROGRAMS/tsc")}" GUEST_BRIDGE "$GUEST_BRIDGE" >"$LAB_DIR/lab.env.new"
        mv "$LAB_DIR/lab.env.new" "$LAB_DIR/lab.env"
}

write_state() {
        local line conf
        mkdir -p "$LAB_DIR"/{hosts,bmc,shared,local}
        : >"$LAB_DIR/shared/.here" # who sees it has the storage
        conf_hawd >"$LAB_DIR/hawd.conf"
        for line in "${UP_SETS[@]}"; do
                conf_set "$line" <"$LAB_DIR/hawd.conf" >"$LAB_DIR/hawd.conf.new" || exit
                mv "$LAB_DIR/hawd.conf.new" "$LAB_DIR/hawd.conf"
        done
        for conf in "${UP_CONFS[@]}"; do
                printf '\n' | cat - "$conf" >>"$LAB_DIR/hawd.conf"
        done
        corosync-keygen -k "$LAB_DIR/authkey" >/dev/null || die 'corosync-keygen failed'
        write_env
}

start_watch() {
        (
                close_fds
                exec setsid "$LAB_PROGRAMS/watch" "$LAB_DIR" "$LAB_DIR/watch.log" </dev/null >/dev/null \
                        2>"$LAB_DIR/watch.err"
        ) &
        write_pid "$LAB_DIR/watch.pid" $!
}

host_ready() {
        in_host "$1" virsh -q -c qemu:///system version </dev/null >/dev/null 2>&1 || return
        [[ " $RING_HOSTS " == *" $1 "* ]] || return 0
        ring_members "$1" | grep -qx "$(ring_ids)" || return
        ((!QDEVICE)) || in_host "$1" corosync-quorumtool -s </dev/null 2>/dev/null | grep -q '^Flags:.*Qdevice'
}

up_locked() {
        local host bmc t0
        t0=$(now_msec)
        [[ ! -e $LAB_DIR/lab.env ]] || die "lab '$LAB_NAME' is up already (lab down, or --lab NAME for another)"
        write_state
        net_up
        ((!QDEVICE)) || qnetd_start
        start_watch
        for bmc in $(all_bmcs); do (bmc_up "$bmc"); done
        for host in $(all_hosts); do
                (make_disk "$host") || die "cannot make the disk of $host"
                (power_on "$host") || die "$host does not start"
        done
        for host in $(all_hosts); do
                wait_until 60 host_ready "$host" ||
                        die "$host: libvirt or the ring is not ready after 60 s (lab console $host, lab logs $host corosync)"
        done
        for bmc in $(all_bmcs); do
                wait_until 60 bmc_answers "$bmc" ||
                        die "$bmc: its BMC does not answer after 60 s (lab logs ${bmc%%.*} bmc)"
        done
        with_lock "$LAB_CACHE" keep_capabilities
        printf "lab '%s' is up: %d hosts in %d ms\n" "$LAB_NAME" "$N_HOSTS" $(($(now_msec) - t0))
}

# libvirt's probe of QEMU takes seconds on each host; it stays valid until one of the two is installed anew.
keep_capabilities() {
        local mine
        mine=$(host_dir node1)/cache
        if diff -rq "$mine" "$LAB_CACHE/libvirt" >/dev/null 2>&1; then return 0; fi
        rm -rf "$LAB_CACHE"/libvirt{,.new}
        cp -a "$mine" "$LAB_CACHE/libvirt.new" && mv -T "$LAB_CACHE/libvirt.new" "$LAB_CACHE/libvirt"
}

verb_cache() {
        need_tools qemu-system-x86_64 busybox cpio lz4 cc pkg-config strip
        mkdir -p "$LAB_CACHE"
        with_lock "$LAB_CACHE" build_cache
}

verb_up() {
        parse_up "$@"
        need_root
        need_tools ip nft nsenter setsid flock corosync corosync-keygen libvirtd virsh qemu-system-x86_64 \
                qemu-img ipmi_sim ipmitool busybox cpio lz4 cc pkg-config ps pkill strip
        [[ -c /dev/fuse ]] || ((!WATCHDOGS)) || die 'there is no /dev/fuse, which watchdogs are made with'
        ((!QDEVICE)) || need_tools corosync-qdevice corosync-qnetd
        mkdir -p "$LAB_CACHE" "$LAB_DIR"
        with_lock "$LAB_CACHE" build_cache
        with_lock "$LAB_DIR" up_locked
}

# Also what a half-failed `up` left, of which no pid file tells: whatever names this lab's own directory.
stray_pids() {
        pgrep -f -- "^[^ ]*/host-init $LAB_DIR/hosts/"
        pgrep -f -- "^[^ ]*/watch $LAB_DIR $LAB_DIR/"
}

down_locked() {
        local pid file
        kill_in_switch # BMCs first: they switch hosts on
        for file in "$LAB_DIR"/hosts/*/pid "$LAB_DIR/watch.pid"; do
                if pid=$(pid_of "$file"); then kill_and_wait "$pid"; fi
        done
        for pid in $(stray_pids); do kill_and_wait "$pid"; done
        net_down
        rm -rf "$LAB_DIR"
}

verb_down() {
        need_root
        if [[ -d $LAB_DIR ]]; then
                with_lock "$LAB_DIR" down_locked
        else
                net_down
        fi
        rmdir "$LAB_ROOT" 2>/dev/null
        return 0
}
