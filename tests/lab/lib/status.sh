# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What the lab looks like now.

# ring_members HOST: node ids of the ring as this host sees it, "1 2 3"; nothing without corosync
ring_members() {
        in_host "$1" timeout 2 corosync-quorumtool -i -l </dev/null 2>/dev/null |
                awk '$1 ~ /^[1-9][0-9]*$/ { print $1 }' | sort -n | paste -sd' '
}

daemon_state() { # HOST DAEMON
        local state
        state=$(host_pids "$1" "$2" | awk '$2 != "Z" { print $2; exit }')
        case $state in
        '') printf 'no\n' ;;
        T) printf 'stopped\n' ;;
        *) printf 'yes\n' ;;
        esac
}

host_status() { # HOST: power|ring|corosync|libvirtd|hawd|bmc|cuts
        local host=$1 power ring='' bmc
        power=$(power_state "$host")
        [[ $power != on ]] || ring=$(ring_members "$host")
        bmc=$(verb_bmc "$host" status)
        if [[ $power == off ]]; then
                printf 'off||no|no|no|%s|%s\n' "$bmc" "$(paste -sd' ' "$(host_dir "$host")/cuts" 2>/dev/null)"
                return
        fi
        printf '%s|%s|%s|%s|%s|%s|%s\n' "$power" "$ring" "$(daemon_state "$host" corosync)" \
                "$(daemon_state "$host" libvirtd)" "$(daemon_state "$host" hawd)" "$bmc" \
                "$(paste -sd' ' "$(host_dir "$host")/cuts" 2>/dev/null)"
}

status_table() {
        local host guest fields
        printf '%-6s %-7s %-12s %-9s %-9s %-8s %-10s %s\n' HOST POWER RING COROSYNC LIBVIRTD HAWD BMC CUT
        for host in $(all_hosts); do
                IFS='|' read -ra fields < <(host_status "$host")
                printf '%-6s %-7s %-12s %-9s %-9s %-8s %-10s %s\n' "$host" "${fields[0]}" "${fields[1]:--}" \
                        "${fields[2]}" "${fields[3]}" "${fields[4]}" "${fields[5]}" "${fields[6]:--}"
        done
        printf '\n%-20s %s\n' GUEST 'ALIVE ON'
        for guest in $(guest_names); do
                printf '%-20s %s\n' "$guest" "$(guest_alive "$guest" 2>/dev/null || :)"
        done
}

status_json() {
        local host guest fields sep='' members alive
        printf '{"lab": "%s", "hosts": [' "$LAB_NAME"
        for host in $(all_hosts); do
                IFS='|' read -ra fields < <(host_status "$host")
                members=${fields[1]// /, }
                printf '%s\n  {"name": "%s", "power": "%s", "ring": [%s], "corosync": "%s", "libvirtd": "%s", ' \
                        "$sep" "$host" "${fields[0]}" "$members" "${fields[2]}" "${fields[3]}"
                # shellcheck disable=SC2086 # words
                printf '"hawd": "%s", "bmc": "%s", "cut": %s}' "${fields[4]}" "${fields[5]}" \
                        "$(json_list ${fields[6]:-})"
                sep=,
        done
        printf '],\n "guests": ['
        sep=''
        for guest in $(guest_names); do
                alive=$(guest_alive "$guest" 2>/dev/null)
                # shellcheck disable=SC2086 # words
                printf '%s\n  {"name": "%s", "alive": %s}' "$sep" "$guest" "$(json_list $alive)"
                sep=,
        done
        printf ']}\n'
}

verb_status() {
        need_lab
        case ${1:-} in
        '') status_table ;;
        --json) status_json ;;
        *) usage_error "status: unknown option '$1'" status ;;
        esac
}
