# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A machine: one QEMU, in the switches' namespace, with two ports to them, its disks in
# hosts/HOST, an i6300esb that resets it, and its agent. SIGKILL of that QEMU is the power cut. Sourced by
# the BMC's hand too (tests/lab/lib/chassis.sh), with nothing but base.sh and net.sh.

host_pid() {
        pid_of "$(host_dir "$1")/pid"
}

host_is_frozen() {
        [[ -e $(host_dir "$1")/frozen ]] && host_pid "$1" >/dev/null
}

plug_machine() { # HOST
        local host=$1 n=${1#node} k
        for k in 0 1; do
                printf 'tuntap add dev vh%d.%d mode tap\nlink set vh%d.%d master br%d up\n' "$n" "$k" "$n" "$k" "$k"
        done | ip -n "$LAB_SWITCH" -batch - || return 1
        apply_cuts "$host"
}

machine_args() { # HOST: a line each
        local host=$1 n=${1#node} dir k name format file
        dir=$(host_dir "$host")
        printf '%s\n' -name "$host" -uuid "$(machine_uuid "$host")" -nodefaults -no-user-config -display none \
                -M pc,hpet=off,vmport=off -accel tcg,thread=multi,tb-size=256 -cpu max,-la57 -smp 1 \
                -m "$MACHINE_MIB" -kernel "$MACHINE_KERNEL" -initrd "$dir/initrd" -append \
                "console=ttyS0 quiet loglevel=3 panic=5 mitigations=off nokaslr no_timer_check tsc=reliable tsc_early_khz=$MACHINE_TSC_KHZ net.ifnames=0 audit=0 apparmor=0 lab.id=$n" \
                -device virtio-rng-pci -device virtio-serial-pci \
                -chardev "socket,id=agent,path=$dir/agent.sock,server=on,wait=off" \
                -device virtserialport,chardev=agent,name=agent \
                -chardev "file,id=console,path=$dir/boot.log,append=on" -serial chardev:console \
                -device i6300esb -action watchdog=reset
        # Unsafe: what QEMU was given outlasts its end, as this machine itself does not fail here.
        for k in root:qcow2:root.qcow2 data:raw:data.img shared:raw:../../shared/disk.img; do
                IFS=: read -r name format file <<<"$k"
                printf '%s\n' -drive "file=$dir/$file,format=$format,if=none,id=$name,cache=unsafe,file.locking=off" \
                        -device "virtio-blk-pci,drive=$name,serial=$name,share-rw=on"
        done
        for k in 0 1; do
                printf '%s\n' -netdev "tap,id=net$k,ifname=vh$n.$k,script=no,downscript=no" \
                        -device "virtio-net-pci,netdev=net$k,mac=52:54:77:00:0$n:0$k,romfile="
        done
}

power_on() { # HOST; call with its lock held
        local host=$1 dir args
        dir=$(host_dir "$host")
        if host_pid "$host" >/dev/null; then return 0; fi
        unplug "$host"
        rm -f "$dir"/{pid,frozen,agent.sock}
        plug_machine "$host" || die "cannot connect $host to its switches"
        mapfile -t args < <(machine_args "$host")
        (
                cd / || exit 1
                close_fds
                exec setsid nsenter --net="/run/netns/$LAB_SWITCH" -- qemu-system-x86_64 "${args[@]}" \
                        </dev/null >>"$dir/qemu.log" 2>&1
        ) &
        write_pid "$dir/pid" $! || die "$host ended at once: $(tail -n 1 "$dir/qemu.log")"
        printf '%s on\n' "$(now_msec)" >>"$dir/power.log"
}

power_off() { # HOST; call with its lock held
        local host=$1 pid
        if pid=$(host_pid "$host"); then
                kill_and_wait "$pid" || return 1
                printf '%s off\n' "$(now_msec)" >>"$(host_dir "$host")/power.log"
        fi
        rm -f "$(host_dir "$host")"/{pid,frozen}
        unplug "$host"
}

machine_uuid() { # HOST: what its DMI and its BMC say
        printf '77770000-0000-4000-8000-%012d\n' "${1#node}"
}
