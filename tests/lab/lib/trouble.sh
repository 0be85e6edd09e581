# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Guests in trouble, each as it comes in real life.

# guest_does NAME COMMAND: begun through its agent, and nobody waits for it; prints its host
guest_does() {
        local name=$1 host command
        host=$(guest_alive "$name") || die "guest '$name' is not alive on one host (lab guest alive $name)"
        command=$(printf '%s' "$2" | base64 -w 0)
        agent "$host" "$name" '{"execute": "guest-exec", "arguments": {"path": "/bin/sh", "arg": ["-c", "echo '"$command"' | base64 -d | sh"]}}' \
                >/dev/null || die "the agent of '$name' does not answer"
        printf '%s\n' "$host"
}

# The command goes with its console: nothing answers.
guest_panic() { # NAME
        guest_does "$1" 'echo c >/proc/sysrq-trigger' >/dev/null
}

guest_crash() { # NAME
        local pids
        pids=$(qemu_pids "$1")
        [[ -n $pids ]] || die "guest '$1' runs nowhere"
        # shellcheck disable=SC2086 # one argument each
        kill -ABRT $pids
}

guest_hang() { # NAME [spin|idle]
        [[ ${2:-spin} == spin || ${2:-spin} == idle ]] ||
                usage_error "guest hang: 'spin' or 'idle', not '$2'" guest
        guest_does "$1" "hang ${2:-spin}" >/dev/null
}

guest_agent() { # NAME kill|stop
        case ${2:-} in
        kill) guest_does "$1" '(sleep 1; killall -9 qemu-ga) >/dev/null 2>&1 &' >/dev/null ;;
        stop) guest_does "$1" '(sleep 1; killall -STOP qemu-ga) >/dev/null 2>&1 &' >/dev/null ;;
        *) usage_error "guest agent: 'kill' or 'stop', not '${2:-}'" guest ;;
        esac
}

guest_io_error() { # NAME [begin|end]
        local host
        case ${2:-begin} in
        begin)
                host=$(guest_alive "$1") || die "guest '$1' is not alive on one host (lab guest alive $1)"
                with_lock "$(host_dir "$host")" failing "$host" begin "$(guest_disk "$1")"
                ;;
        end)
                for host in $(all_hosts); do
                        with_lock "$(host_dir "$host")" failing "$host" end "$(guest_disk "$1")"
                done
                ;;
        *) usage_error "guest io-error: 'begin' or 'end', not '$2'" guest ;;
        esac
}

guest_boot_loop() { # NAME
        guest_does "$1" 'printf bad-boot | dd of=/dev/vda bs=512 seek=8 conv=sync,notrunc 2>/dev/null
                sync; echo c >/proc/sysrq-trigger' >/dev/null
}
