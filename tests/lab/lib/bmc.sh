# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# BMCs: one ipmi_sim (OpenIPMI) per host, in the switches' namespace, so that it outlives its host.
# IPMI 2.0, cipher suite 3 only. bmc/HOST/mode says how it behaves; lib/chassis.sh acts on it.
# With `up --supplies` each host has two power supplies, HOST.a and HOST.b, with an ipmi_sim each: the host
# loses its power when both are off, and bmc/HOST.a/power says whether one is on.

all_bmcs() {
        local host
        for host in $(all_hosts); do
                printf '%s\n' "$host"
                ((!SUPPLIES)) || printf '%s\n' "$host.a" "$host.b"
        done
}

need_bmc() {
        need_host "${1%%.*}"
        [[ -d $(bmc_dir "$1") ]] || die "no such BMC '$1' (up --supplies makes ${1%%.*}.a and ${1%%.*}.b)"
}

# What the plug does to the supplies.
supplies_on() { # HOST
        local supply
        for supply in "$LAB_DIR/bmc/$1".[ab]; do
                [[ ! -d $supply ]] || printf '1\n' >"$supply/power"
        done
}

bmc_dir() {
        printf '%s\n' "$LAB_DIR/bmc/$1"
}

bmc_conf() { # BMC
        local guid name=bmc${1#node}
        guid=$(host_uuid "${1%%.*}")
        cat <<EOF
name "${name/./}"
set_working_mc 0x20
  startlan 1
    addr $(bmc_address "$1") 623
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid ${guid//-/}
  endlan
  chassis_control "$LAB_HERE/lib/chassis.sh $LAB_DIR $1"
  startnow false
  user 1 true "" "" user 10 none md2 md5 straight
  user 2 true "$BMC_USER" "$BMC_PASSWORD" admin 10 none md2 md5 straight
EOF
}

# A sensor, "CPU Temp": what bmc/HOST/celsius says, critical from 90.
bmc_emulation() { # BMC
        cat <<EOF
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
sensor_add 0x20 0 1 0x01 0x01 poll 1000 file "$(bmc_dir "$1")/celsius"
sensor_set_threshold 0x20 0 1 readable 111000 95 90 80 0 0 0
sensor_set_event_support 0x20 0 1 enable scanning per-state 000111111000000 000111111000000 000111111000000 000111111000000
main_sdr_add 0x20 0x00 0x00 0x51 0x01 0x33 0x20 0x00 0x01 0x03 0x01 0x7f 0x44 0x01 0x01 0x80 0x3a 0x80 0x3a 0x38 0x00 0x00 0x01 0x00 0x00 0x01 0x00 0x00 0x00 0x00 0x00 0x00 0x28 0x3c 0x14 0xff 0x00 0x5f 0x5a 0x50 0x00 0x00 0x00 0x02 0x02 0x00 0x00 0x00 0xc8 0x43 0x50 0x55 0x20 0x54 0x65 0x6d 0x70
mc_enable 0x20
EOF
}

bmc_up() { # BMC
        local host=$1 dir
        dir=$(bmc_dir "$host")
        mkdir -p "$dir/state"
        [[ $host != *.* ]] || printf '1\n' >"$dir/power"
        printf 'alive\n' >"$dir/mode"
        bmc_conf "$host" >"$dir/lan.conf"
        printf '40\n' >"$dir/celsius"
        bmc_emulation "$host" >"$dir/sim.emu"
        (
                cd / || exit 1
                close_fds
                exec setsid nsenter --net="/run/netns/$LAB_SWITCH" -- \
                        ipmi_sim -n -c "$dir/lan.conf" -f "$dir/sim.emu" -s "$dir/state" \
                        </dev/null >"$dir/sim.log" 2>&1
        ) &
        write_pid "$dir/pid" $!
}

# bmc_ask HOST COMMAND...: as another machine on the management net would
bmc_ask() {
        local host=$1
        shift
        in_switch ipmitool -I lanplus -N 1 -R "${BMC_TRIES:-3}" -C 3 -U "$BMC_USER" -P "$BMC_PASSWORD" \
                -H "$(bmc_address "$host")" "$@"
}

bmc_answers() {
        bmc_ask "$1" chassis power status >/dev/null 2>&1
}

verb_bmc() {
        local host=${1:-} mode=${2:-status} seconds=${3:-30} dir
        need_bmc "$host"
        [[ $seconds =~ ^[0-9]+$ ]] || usage_error "bmc: '$seconds' is no number of seconds" bmc
        dir=$(bmc_dir "$host")
        case $mode in
        alive | dead | lie | lie-off) printf '%s\n' "$mode" >"$dir/mode" ;;
        slow | hang) printf '%s %s\n' "$mode" "$seconds" >"$dir/mode" ;;
        status)
                pid_of "$dir/pid" >/dev/null || {
                        printf 'ended\n'
                        return 1
                }
                cat "$dir/mode"
                return
                ;;
        *) usage_error "bmc: no mode '$mode' (alive dead lie lie-off slow hang status)" bmc ;;
        esac
        mode=${mode/#dead/add}
        [[ $mode == add ]] || mode=delete
        in_switch nft "$mode" element inet lab bmc_dead "{ $(bmc_address "$host") }" 2>/dev/null
        return 0
}
