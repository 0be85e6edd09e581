# shellcheck shell=bash disable=SC2034 # GUEST_BRIDGE is used by other parts
# SPDX-License-Identifier: GPL-3.0-or-later
# The switches, a host's three ports on them, and cuts.
#
#   port  switch  what                                   in the host
#   0     br0     ring: 10.77.0.N/24                     eth0
#   1     br1     management and BMCs: 10.77.1.N, .10N   eth1 (supplies: .11N, .12N)
#   2     br2     guests                                 eth2, in bridge brguest (10.77.2.N)
#
# Everything has a fixed MAC: with a new one at each power-on, stale ARP entries stall things for seconds.

GUEST_BRIDGE=brguest

in_switch() {
        nsenter --net="/run/netns/$LAB_SWITCH" -- "$@"
}

ring_address() { printf '10.77.0.%d\n' "${1#node}"; }
mgmt_address() { printf '10.77.1.%d\n' "${1#node}"; }

bmc_address() { # BMC: node3, or a power supply of it, node3.a
        local n=${1#node}
        case $n in
        *.a) n=$((110 + ${n%.a})) ;;
        *.b) n=$((120 + ${n%.b})) ;;
        *) n=$((100 + n)) ;;
        esac
        printf '10.77.1.%d\n' "$n"
}

net_up() {
        local k bmc
        [[ ! -e /run/netns/$LAB_SWITCH ]] || return 0
        ip netns add "$LAB_SWITCH" || die "cannot make network namespace $LAB_SWITCH"
        {
                printf 'link set lo up\n'
                for k in 0 1 2; do
                        printf 'link add br%d address 52:54:77:ff:00:0%d type bridge %s\n' "$k" "$k" \
                                'stp_state 0 forward_delay 0 mcast_snooping 0'
                        printf 'link set br%d up\n' "$k"
                        printf 'addr add 10.77.%d.254/24 dev br%d\n' "$k" "$k"
                done
                for bmc in $(all_bmcs); do
                        printf 'addr add %s/24 dev br1\n' "$(bmc_address "$bmc")"
                done
        } | ip -n "$LAB_SWITCH" -batch - || die 'cannot set the switches up'
        in_switch nft -f "$LAB_HERE/lib/switch.nft" || die 'cannot set the packet filter up'
}

# All that runs in the switches is the lab's own: BMCs, and what they started.
kill_in_switch() {
        local pid
        [[ -e /run/netns/$LAB_SWITCH ]] || return 0
        for pid in $(ip netns pids "$LAB_SWITCH"); do
                kill_and_wait "$pid"
        done
}

net_down() {
        [[ -e /run/netns/$LAB_SWITCH ]] || return 0
        kill_in_switch
        ip netns del "$LAB_SWITCH"
}

# plug HOST PID: connects the ports of a host that has just got its network namespace
plug() {
        local host=$1 pid=$2 n=${1#node} k
        for k in 0 1 2; do
                printf 'link add name vh%d.%d netns %s type veth peer name eth%d address %s netns %d\n' \
                        "$n" "$k" "$LAB_SWITCH" "$k" "52:54:77:00:0$n:0$k" "$pid"
        done | ip -batch - || return 1
        for k in 0 1 2; do
                printf 'link set vh%d.%d master br%d up\n' "$n" "$k" "$k"
        done | ip -n "$LAB_SWITCH" -batch - || return 1
        apply_cuts "$host"
}

# The kernel takes a dead host's ports away, but late; its addresses must not answer until then.
unplug() {
        local n=${1#node} k
        for k in 0 1 2; do
                ip -n "$LAB_SWITCH" link del "vh$n.$k" 2>/dev/null
        done
        return 0
}

# A cut is a fault of the network: hosts/HOST/cuts lists them, and they outlast a power cycle.
is_cut() {
        grep -qsx "$2" "$(host_dir "$1")/cuts"
}

set_filter() { # add|delete SET ELEMENT
        in_switch nft "$1" element bridge lab "$2" "{ \"$3\" }" 2>/dev/null
        return 0
}

apply_cuts() {
        local host=$1 n=${1#node} k names=(ring0 mgmt guest)
        for k in 0 1 2; do
                if is_cut "$host" "${names[k]}"; then
                        ip -n "$LAB_SWITCH" link set "vh$n.$k" down 2>/dev/null
                else
                        ip -n "$LAB_SWITCH" link set "vh$n.$k" up 2>/dev/null
                fi
        done
        if is_cut "$host" ring; then k=add; else k=delete; fi
        set_filter "$k" ring_cut "vh$n.0"
        set_filter "$k" ring_cut "vh$n.1"
        return 0
}

cut_net() { # HOST cut|restore NET...
        local host=$1 verb=$2 net file
        file=$(host_dir "$host")/cuts
        shift 2
        for net in "$@"; do
                touch "$file"
                sed -i "/^$net\$/d" "$file"
                [[ $verb == restore ]] || printf '%s\n' "$net" >>"$file"
        done
        apply_cuts "$host"
}

verb_net() {
        local host=${1:-} verb=${2:-} net=${3:-ring}
        need_host "$host"
        [[ $verb == cut || $verb == restore ]] ||
                usage_error "net: 'cut' or 'restore', not '$verb'" net
        case $net in
        ring | ring0 | mgmt | guest) with_lock "$(host_dir "$host")" cut_net "$host" "$verb" "$net" ;;
        all)
                if [[ $verb == cut ]]; then
                        with_lock "$(host_dir "$host")" cut_net "$host" cut ring0 mgmt guest
                else
                        with_lock "$(host_dir "$host")" cut_net "$host" restore ring ring0 mgmt guest
                fi
                ;;
        *) usage_error "net: no net '$net' (ring ring0 mgmt guest all)" net ;;
        esac
}
