# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Storage that is lost: hosts/HOST/failing lists what fails there (host/lostdisk.c), also after a power cycle.

failing() { # HOST begin|end PATH
        local list line
        list=$(host_dir "$1")/failing
        line=$(grep -svx -- "$3" "$list")
        if [[ $2 == begin ]]; then line+=${line:+$'\n'}$3; fi
        if [[ -z $line ]]; then
                rm -f "$list"
        else
                printf '%s\n' "$line" >"$list.new" && mv "$list.new" "$list"
        fi
}

storage_is_lost() { # HOST
        grep -qsx -- "$LAB_DIR/shared/" "$(host_dir "$1")/failing"
}

# Files that are open fail, and none can be opened any more, nor seen.
lose_storage() { # HOST; call with its lock held
        if storage_is_lost "$1"; then return; fi
        failing "$1" begin "$LAB_DIR/shared/"
        [[ $(power_state "$1") == off ]] || in_host "$1" mount -t tmpfs none "$LAB_DIR/shared"
}

restore_storage() { # HOST; call with its lock held
        storage_is_lost "$1" || return 0
        [[ $(power_state "$1") == off ]] || in_host "$1" umount "$LAB_DIR/shared"
        failing "$1" end "$LAB_DIR/shared/"
}

verb_storage() {
        local host=${1:-}
        need_host "$host"
        case ${2:-} in
        lose) with_lock "$(host_dir "$host")" lose_storage "$host" ;;
        restore) with_lock "$(host_dir "$host")" restore_storage "$host" ;;
        *) usage_error "storage: 'lose' or 'restore', not '${2:-}'" storage ;;
        esac
}
