# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A lab of machines: up, down, and commands in a machine.

MACHINE_CACHE=${HAWD_MACHINE_CACHE:-$LAB_TREE/build/machines}
export LAB_POWER=$MACHINES_HERE/lib/power.sh

machines_help() {
        cat <<'EOF'
machines [--lab NAME] VERB ...: whole Debian machines under QEMU (TCG), called node1, node2 ...

  image                         builds what they boot into build/machines, once (two minutes)
  up [--hosts N] [--no-hawd] [--token MSEC] [--set SECTION.KEY=VALUE]... [--lay DIR]
                                N machines (3), hawd installed by `make install`, in one ring; no hawd
                                and no ring with --no-hawd; what is in DIR is laid on their roots
  exec [--timeout SEC] HOST -- COMMAND...
                                in a machine, without its network (60 s); 75: it did not answer
  power HOST on|off|status      the plug: off ends QEMU at once
  freeze HOST, thaw HOST        stops QEMU, and lets it go on
  net HOST cut|restore [NET]    as in tests/lab/lab: ring ring0 mgmt all
  bmc HOST alive|dead|lie|...   as in tests/lab/lab
  logs HOST [hawd|boot|bmc|qemu]
  status, down

Disks of a machine: vda its root, vdb 64 MiB of its own, vdc 64 MiB that all machines share. beat.S is a
guest of 512 bytes that counts on its disk.
EOF
}

parse_up() {
        N_HOSTS=3 TOKEN=3000 WITH_HAWD=1 UP_SETS=() RING_KIND=corosync RING_SETS='' QDEVICE=0 SUPPLIES=0 WATCHDOGS=0 LAY=''
        while (($# > 0)); do
                case $1 in
                --hosts | --token | --set | --corosync | --lay)
                        (($# >= 2)) || usage_error "up: $1 wants a value" up
                        case $1 in
                        --hosts) N_HOSTS=$2 ;;
                        --token) TOKEN=$2 ;;
                        --lay) LAY=$2 ;;
                        --set) UP_SETS+=("$2") ;;
                        --corosync)
                                need_ring_set "$2" up
                                RING_SETS+=$2$'\n'
                                ;;
                        esac
                        shift
                        ;;
                --no-hawd) WITH_HAWD=0 ;;
                *) usage_error "up: unknown option '$1'" up ;;
                esac
                shift
        done
        [[ $N_HOSTS =~ ^[1-4]$ ]] || usage_error "up: --hosts takes 1 to 4, not '$N_HOSTS'" up
        [[ $TOKEN =~ ^[1-9][0-9]*$ ]] || usage_error "up: --token takes milliseconds, not '$TOKEN'" up
        RING_HOSTS=$(all_hosts | paste -sd' ')
}

# What power_on and the BMC's hand need to know.
write_env() {
        local tsc
        tsc=$(python3 "$MACHINES_HERE/lib/tsc.py") || die 'how fast the time stamp counter runs is not known'
        printf '%s=%q\n' N_HOSTS "$N_HOSTS" TOKEN "$TOKEN" WITH_HAWD "$WITH_HAWD" RING_KIND "$RING_KIND" \
                RING_HOSTS "$RING_HOSTS" RING_SETS "$RING_SETS" QDEVICE "$QDEVICE" SUPPLIES "$SUPPLIES" \
                MACHINE_KERNEL "$KERNEL_DIR/vmlinux" MACHINE_MIB 1024 MACHINE_TSC_KHZ "$tsc" >"$LAB_DIR/lab.env.new"
        mv "$LAB_DIR/lab.env.new" "$LAB_DIR/lab.env"
        # shellcheck source=/dev/null
        . "$LAB_DIR/lab.env"
}

write_state() {
        local line
        mkdir -p "$LAB_DIR"/{hosts,bmc,shared}
        conf_hawd >"$LAB_DIR/hawd.conf"
        for line in "${UP_SETS[@]}"; do
                conf_set "$line" <"$LAB_DIR/hawd.conf" >"$LAB_DIR/hawd.conf.new" || exit
                mv "$LAB_DIR/hawd.conf.new" "$LAB_DIR/hawd.conf"
        done
        corosync-keygen -k "$LAB_DIR/authkey" >/dev/null || die 'corosync-keygen failed'
        truncate -s 64M "$LAB_DIR/shared/disk.img"
        dd if="$MACHINE_GUEST" of="$LAB_DIR/shared/disk.img" conv=notrunc status=none
        write_env
        ((!WITH_HAWD)) || install_hawd
}

install_hawd() {
        "${MAKE:-make}" -s -C "$LAB_TREE" --no-print-directory install DESTDIR="$LAB_DIR/install" \
                >"$LAB_DIR/install.log" 2>&1 || die "make install failed: $(tail -n 3 "$LAB_DIR/install.log")"
        strip "$LAB_DIR"/install/usr/local/{sbin/hawd,bin/hawctl,libexec/hawd/hawd-*}
}

# What this lab lays on a machine's root at its first boot.
lay() { # HOST DIRECTORY
        local host=$1 etc=$2/lay/etc peer
        mkdir -p "$etc"
        printf '7777%027d%d\n' 0 "${host#node}" >"$etc/machine-id"
        printf '%s\n' "$host" >"$etc/hostname"
        {
                printf '127.0.0.1 localhost\n'
                for peer in $(all_hosts); do printf '%s %s\n' "$(ring_address "$peer")" "$peer"; done
        } >"$etc/hosts"
        if [[ -n $LAY ]]; then
                cp -a "$LAY/." "$2/lay/"
                chmod 0755 "$2/lay" # it becomes the mode of the machine's root
        fi
        if ((WITH_HAWD)); then
                cp -a "$LAB_DIR/install/." "$2/lay/"
                etc_corosync "$etc"
                install -m 0644 "$LAB_DIR/hawd.conf" "$etc/hawd/hawd.conf"
                (umask 077 && conf_fencing >"$etc/hawd/fencing.conf")
        fi
}

make_disk() { # HOST
        local dir
        dir=$(host_dir "$1")
        mkdir -p "$dir/tree"
        qemu-img create -q -f qcow2 -F raw -b "$MACHINE_ROOT" "$dir/root.qcow2" || return 1
        truncate -s 64M "$dir/data.img"
        lay "$1" "$dir/tree"
        pack "$dir/tree" "$dir/lay.cpio"
        cat "$MACHINE_INITRD" "$dir/lay.cpio" >"$dir/initrd"
        rm -rf "$dir/tree" "$dir/lay.cpio"
}

# in_machine SECONDS HOST COMMAND...
in_machine() {
        local seconds=$1 host=$2 line
        shift 2
        host_pid "$host" >/dev/null || return 75
        line=$(printf '%q ' "$@")
        python3 "$MACHINES_HERE/lib/ask.py" "$(host_dir "$host")/agent.sock" "$seconds" "$line"
}

booted() { # HOST
        in_machine 20 "$1" systemctl -q is-active multi-user.target
}

# What README tells people to do after `make install`.
enable_hawd() { # HOST
        in_machine 300 "$1" sh -ec 'systemd-sysusers; systemd-tmpfiles --create /usr/local/lib/tmpfiles.d/hawd.conf
                journalctl --update-catalog; systemctl daemon-reload; systemctl enable hawd 2>&1
                systemctl start --no-block hawd'
}

up_locked() {
        local host t0
        t0=$(now_msec)
        [[ ! -e $LAB_DIR/lab.env ]] || die "lab '$LAB_NAME' is up already (machines down)"
        write_state
        net_up
        for host in $(all_hosts); do
                (bmc_up "$host")
                (make_disk "$host") || die "cannot make the disk of $host"
                (power_on "$host") || die "$host does not start"
        done
        for host in $(all_hosts); do
                wait_until 600 booted "$host" || die "$host has not booted after 600 s (machines logs $host boot)"
                ((!WITH_HAWD)) || enable_hawd "$host" || die "$host: hawd cannot be enabled"
        done
        printf "lab '%s' is up: %d machines in %d ms\n" "$LAB_NAME" "$N_HOSTS" $(($(now_msec) - t0))
}

verb_image() {
        need_tools mmdebstrap mke2fs modprobe depmod busybox cpio xz as ld
        mkdir -p "$MACHINE_CACHE"
        with_lock "$MACHINE_CACHE" build_image
}

verb_up() {
        parse_up "$@"
        need_tools ip nft nsenter setsid flock corosync-keygen qemu-system-x86_64 qemu-img ipmi_sim ipmitool python3
        verb_image
        mkdir -p "$LAB_DIR"
        with_lock "$LAB_DIR" up_locked
}

down_locked() {
        local pid file
        kill_in_switch # BMCs, which switch machines on, and the machines themselves
        for file in "$LAB_DIR"/hosts/*/pid; do
                if pid=$(pid_of "$file"); then kill_and_wait "$pid"; fi
        done
        net_down
        rm -rf "$LAB_DIR"
}

verb_down() {
        if [[ -d $LAB_DIR ]]; then
                with_lock "$LAB_DIR" down_locked
        else
                net_down
        fi
        rmdir "$LAB_ROOT" 2>/dev/null
        return 0
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

verb_power() {
        need_host "${1:-}"
        case ${2:-status} in
        on | off) with_lock "$(host_dir "$1")" "power_$2" "$1" ;;
        status) power_state "$1" ;;
        *) usage_error "power: 'on', 'off' or 'status', not '$2'" power ;;
        esac
}

need_power() {
        [[ $(power_state "$1") != off ]] || die "$1 is off (machines power $1 on)"
}

verb_freeze() {
        need_host "${1:-}"
        need_power "$1"
        touch "$(host_dir "$1")/frozen"
        kill -STOP "$(host_pid "$1")"
}

verb_thaw() {
        need_host "${1:-}"
        need_power "$1"
        rm -f "$(host_dir "$1")/frozen"
        kill -CONT "$(host_pid "$1")"
}

verb_exec() {
        local seconds=60 host
        if [[ ${1:-} == --timeout ]]; then
                [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || usage_error "exec: '${2:-}' is no number of seconds" exec
                seconds=$2
                shift 2
        fi
        host=${1:-}
        need_host "$host"
        shift
        [[ ${1:-} != -- ]] || shift
        (($# > 0)) || usage_error 'exec: no command given' exec
        need_power "$host"
        in_machine "$seconds" "$host" "$@"
}

verb_logs() {
        local dir
        need_host "${1:-}"
        dir=$(host_dir "$1")
        case ${2:-hawd} in
        hawd) in_machine 30 "$1" journalctl -q -b -o short-precise -u hawd ;;
        boot) cat "$dir/boot.log" ;;
        qemu) cat "$dir/qemu.log" ;;
        bmc) cat "$(bmc_dir "$1")/chassis.log" ;;
        *) usage_error "logs: no log '$2' (hawd boot qemu bmc)" logs ;;
        esac
}

verb_status() {
        local host
        need_lab
        for host in $(all_hosts); do
                printf '%-6s %-7s %s\n' "$host" "$(power_state "$host")" "$(verb_bmc "$host" status)"
        done
}
