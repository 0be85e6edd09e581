# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Guests: small real QEMU machines that count (guest/beat.c). Disk: $LAB_DIR/shared/NAME.qcow2.

need_guest_name() {
        [[ ${1:-} =~ ^[a-zA-Z0-9][a-zA-Z0-9_-]{0,39}$ && ! $1 =~ ^node[0-9]+$ ]] ||
                usage_error "'${1:-}' cannot name a guest: letters, digits, '-' and '_', not like a host" guest
}

# Milliseconds from one heartbeat to the next; under half a second.
: "${LAB_BEAT_MSEC:=20}"

guest_disk() { printf '%s/shared/%s.qcow2\n' "$LAB_DIR" "$1"; }

guest_uuid() {
        printf '%s/%s' "$LAB_NAME" "$1" | md5sum |
                sed 's/^\(.\{8\}\)\(.\{4\}\).\(...\).\(...\)\(.\{12\}\).*/\1-\2-4\3-8\4-\5/'
}

guest_mac() {
        printf '%s/%s' "$LAB_NAME" "$1" | md5sum | sed 's/^\(..\)\(..\)\(..\).*/52:54:00:\1:\2:\3/'
}

# What the kernel does at boot and nobody here needs: a quarter of the time until the first heartbeat.
GUEST_BOOT="noreplace-smp cryptomgr.notests rcupdate.rcu_expedited=1"
GUEST_BOOT+=" initcall_blacklist=load_system_certificate_list,init_encrypted,init_blk_tracer,init_evm"

guest_xml() { # NAME MEMORY_MIB [WATCHDOG-ACTION: it is armed]; LAB_BEAT_MSEC says how often it beats
        cat <<EOF
<domain type='qemu'>
  <name>$1</name>
  <uuid>$(guest_uuid "$1")</uuid>
  <memory unit='MiB'>$2</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$LAB_CACHE/vmlinux</kernel>
    <initrd>$LAB_INITRD</initrd>
    <cmdline>console=ttyS0 quiet panic=0 no_timer_check tsc=reliable tsc_early_khz=$TSC_KHZ $GUEST_BOOT hawd.beat=$LAB_BEAT_MSEC${3:+ hawd.watchdog=4}</cmdline>
  </os>
  <features><acpi/><tcg><tb-cache unit='MiB'>32</tb-cache></tcg></features>
  <cpu mode='custom'><model>qemu64</model></cpu>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none' error_policy='stop' rerror_policy='stop'/>
      <source file='$(guest_disk "$1")'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <controller type='usb' model='none'/>
    <interface type='bridge'>
      <mac address='$(guest_mac "$1")'/>
      <source bridge='$GUEST_BRIDGE'/>
      <model type='virtio'/>
    </interface>
    <serial type='pty'>
      <log file='/var/log/libvirt/qemu/$1.console' append='on'/>
      <target port='0'/>
    </serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <memballoon model='none'/>
    <watchdog model='i6300esb' action='${3:-reset}'/>
    <panic model='isa'/>
  </devices>
</domain>
EOF
}

make_guest_disk() { # NAME
        local disk
        disk=$(guest_disk "$1")
        [[ -e $disk ]] || qemu-img create -q -f qcow2 "$disk" 64M || die "cannot create $disk"
}

parse_guest() { # VERB ARGUMENT...
        local verb=$1
        shift
        GUEST='' GUEST_HOST='' GUEST_MIB=96 GUEST_START=1 GUEST_WAIT=1 GUEST_WATCHDOG=''
        while (($# > 0)); do
                case $1 in
                --host | --memory | --watchdog)
                        (($# >= 2)) || usage_error "guest $verb: $1 wants a value" guest
                        case $1 in
                        --host) GUEST_HOST=$2 ;;
                        --memory) GUEST_MIB=$2 ;;
                        --watchdog) GUEST_WATCHDOG=$2 ;;
                        esac
                        shift
                        ;;
                --no-start) GUEST_START=0 ;;
                --no-wait) GUEST_WAIT=0 ;;
                -*) usage_error "guest $verb: unknown option '$1'" guest ;;
                *)
                        [[ -z $GUEST ]] || usage_error "guest $verb: one guest at a time" guest
                        GUEST=$1
                        ;;
                esac
                shift
        done
        need_guest_name "$GUEST"
        [[ $GUEST_MIB =~ ^[0-9]+$ && $GUEST_MIB -ge 80 ]] ||
                usage_error "guest $verb: --memory takes 80 or more MiB, not '$GUEST_MIB'" guest
        [[ $GUEST_WATCHDOG =~ ^(none|pause|reset|poweroff|shutdown|inject-nmi)?$ ]] ||
                usage_error "guest $verb: --watchdog takes none, pause, reset, poweroff, shutdown or inject-nmi, not '$GUEST_WATCHDOG'" guest
}

virsh_in() { # HOST VIRSH-ARGUMENT...
        local host=$1
        shift
        in_host "$host" virsh -q -c qemu:///system "$@" </dev/null
}

guest_create() {
        local xml
        parse_guest create "$@"
        need_host "$GUEST_HOST"
        need_power "$GUEST_HOST"
        make_guest_disk "$GUEST"
        xml=$LAB_DIR/shared/.$GUEST.xml
        guest_xml "$GUEST" "$GUEST_MIB" "$GUEST_WATCHDOG" >"$xml"
        virsh_in "$GUEST_HOST" define "$xml" >/dev/null || die "$GUEST_HOST: libvirt does not take guest '$GUEST'"
        rm -f "$xml"
        ((GUEST_START)) || return 0
        virsh_in "$GUEST_HOST" start "$GUEST" >/dev/null || die "$GUEST_HOST: guest '$GUEST' does not start"
        ((GUEST_WAIT)) || return 0
        wait_until 60 beats_on "$GUEST_HOST" "$GUEST" ||
                die "guest '$GUEST' shows no heartbeat on $GUEST_HOST after 60 s (lab console $GUEST $GUEST_HOST)"
}

console_file() { # HOST GUEST
        printf '%s/log/libvirt/qemu/%s.console\n' "$(host_dir "$1")" "$2"
}

# last_beat HOST GUEST: the last whole heartbeat line, or nothing
last_beat() {
        tail -c 600 "$(console_file "$1" "$2")" 2>/dev/null | sed '$d' | grep '^HB ' | tail -n 1
}

beats_on() { # HOST GUEST: heartbeats come, now
        local before
        before=$(last_beat "$1" "$2")
        sleep "0.$(printf '%03d' $((LAB_BEAT_MSEC < 100 ? 200 : LAB_BEAT_MSEC * 2)))"
        [[ $(last_beat "$1" "$2") != "$before" ]]
}

guest_alive() {
        local host window=${LAB_ALIVE_WINDOW:-1.0} alive=()
        local -A before
        need_guest_name "${1:-}"
        for host in $(all_hosts); do before[$host]=$(last_beat "$host" "$1"); done
        sleep "$window"
        for host in $(all_hosts); do
                [[ $(last_beat "$host" "$1") == "${before[$host]}" ]] || alive+=("$host")
        done
        case ${#alive[@]} in
        0) return 1 ;;
        1) printf '%s\n' "${alive[0]}" ;;
        *)
                printf '%s\n' "${alive[*]}"
                warn "ALARM: guest '$1' runs on ${#alive[@]} hosts: ${alive[*]}"
                return 3
                ;;
        esac
}

# qemu_pids GUEST: of its QEMUs on all hosts, by their pids out here
qemu_pids() {
        local host pid
        for host in $(all_hosts); do
                for pid in $(host_pids "$host" 2>/dev/null | awk '{ print $1 }'); do
                        grep -qsaz "^guest=$1," "/proc/$pid/cmdline" && printf '%s\n' "$pid"
                done
        done
}

guest_kill() {
        local pids pid
        need_guest_name "${1:-}"
        pids=$(qemu_pids "$1")
        [[ -n $pids ]] || die "guest '$1' runs nowhere"
        for pid in $pids; do kill_and_wait "$pid"; done
}

guest_delete() {
        local host
        need_guest_name "${1:-}"
        for host in $(all_hosts); do
                [[ $(power_state "$host") == on ]] || continue
                virsh_in "$host" destroy "$1" >/dev/null 2>&1
                virsh_in "$host" undefine "$1" --managed-save --snapshots-metadata --checkpoints-metadata \
                        >/dev/null 2>&1
                rm -f "$(console_file "$host" "$1")"
        done
        rm -f "$(guest_disk "$1")"
}

# agent HOST GUEST JSON: what the guest's agent answers
agent() {
        virsh_in "$1" qemu-agent-command "$2" "$3"
}

guest_exec() { # NAME -- COMMAND...: run by the guest's shell through its agent; its output and exit status
        local name=${1:-} host pid answer command end=$((SECONDS + 60))
        need_guest_name "$name"
        shift
        [[ ${1:-} != -- ]] || shift
        (($# > 0)) || usage_error 'guest exec: no command given' guest
        host=$(guest_alive "$name") || die "guest '$name' is not alive on one host (lab guest alive $name)"
        command=$(printf '%s' "$*" | base64 -w 0)
        pid=$(agent "$host" "$name" '{"execute": "guest-exec", "arguments": {"path": "/bin/sh", "arg": ["-c", "echo '"$command"' | base64 -d | sh"], "capture-output": true}}' |
                grep -o '[0-9]*') || die "the agent of '$name' does not answer"
        while :; do
                answer=$(agent "$host" "$name" '{"execute": "guest-exec-status", "arguments": {"pid": '"$pid"'}}') ||
                        die "the agent of '$name' does not answer any more"
                [[ $answer != *'"exited":true'* ]] || break
                ((SECONDS < end)) || die "the command does not end within 60 s"
                sleep 0.1
        done
        sed -n 's/.*"out-data":"\([^"]*\)".*/\1/p' <<<"$answer" | base64 -d
        sed -n 's/.*"err-data":"\([^"]*\)".*/\1/p' <<<"$answer" | base64 -d >&2
        return "$(sed -n 's/.*"exitcode":\([0-9]*\).*/\1/p' <<<"$answer")"
}

guest_names() {
        local host
        {
                for host in $(all_hosts); do
                        find "$(host_dir "$host")/log/libvirt/qemu" -name '*.console' -printf '%f\n' 2>/dev/null
                done
                find "$LAB_DIR/shared" -name '*.qcow2' -printf '%f\n'
        } | sed 's/\.[a-z0-9]*$//' | sort -u
}

guest_list() {
        local name
        for name in $(guest_names); do
                printf '%-20s %s\n' "$name" "$(guest_alive "$name" 2>/dev/null || :)"
        done
}

verb_guest() {
        local verb=${1:-}
        need_lab
        (($# == 0)) || shift
        case $verb in
        create) guest_create "$@" ;;
        xml)
                parse_guest xml "$@"
                make_guest_disk "$GUEST"
                guest_xml "$GUEST" "$GUEST_MIB" "$GUEST_WATCHDOG"
                ;;
        alive) guest_alive "$@" ;;
        check) guest_check "$@" ;;
        exec) guest_exec "$@" ;;
        kill) guest_kill "$@" ;;
        crash | hang | panic | agent | io-error | boot-loop)
                need_guest_name "${1:-}"
                "guest_${verb//-/_}" "$@"
                ;;
        delete) guest_delete "$@" ;;
        list) guest_list ;;
        *) usage_error "guest: no verb '$verb' (create xml alive check exec kill crash hang panic io-error boot-loop agent delete list)" guest ;;
        esac
}
