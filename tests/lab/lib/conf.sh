# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What is written on the hosts' disks: libvirt and hawd (corosync: ring.sh).

conf_libvirtd() { # HOST
        cat <<EOF
listen_tls = 0
listen_tcp = 1
auth_tcp = "none"
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_group = "root"
tcp_port = "16509"
listen_addr = "0.0.0.0"
host_uuid = "$(host_uuid "$1")"
log_filters = "3:remote 4:event"
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
max_clients = 100
keepalive_interval = 1
keepalive_count = 3
EOF
}

conf_qemu() { # HOST
        cat <<EOF
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
security_default_confined = 0
cgroup_controllers = []
namespaces = []
seccomp_sandbox = 0
stdio_handler = "file"
migration_address = "0.0.0.0"
migration_host = "$(ring_address "$1")"
keepalive_interval = 1
keepalive_count = 3
set_process_name = 1
max_processes = 0
max_files = 0
EOF
}

conf_hawd() {
        local host supply
        printf '[cluster]\nname = %s\n' "$LAB_NAME"
        [[ $RING_KIND == corosync ]] || printf 'ring = %s\n' "$RING_KIND"
        # This machine may be a virtual one, which hawd tells from its CPU.
        ((!WATCHDOGS)) || printf 'allow-vm-watchdog = yes\n'
        # All hosts see the memory pressure of this machine.
        printf 'memory-pressure = 0%%\nwell-after = 5s\n'
        for host in $(all_hosts); do
                printf '\n[host %s]\n' "$host"
                ((!WATCHDOGS)) || printf 'watchdog = %s/watchdog\n' "$(host_dir "$host")"
        done
        for host in $(all_hosts); do
                conf_device "bmc${host#node}" "$host" "$((1 + SUPPLIES))" "$(bmc_address "$host")"
                ((SUPPLIES)) || continue
                for supply in a b; do
                        conf_device "psu${host#node}$supply" "$host" 1 "$(bmc_address "$host.$supply")"
                done
        done
}

conf_device() { # NAME HOST LEVEL ADDRESS
        printf '\n[fence %s]\ndriver = ipmi\nhost = %s\naddress = %s\nuser = %s\n' "$1" "$2" "$4" "$BMC_USER"
        (($3 == 1)) || printf 'level = %d\n' "$3"
}

conf_fencing() {
        local bmc name
        for bmc in $(all_bmcs); do
                name=${bmc#node}
                if [[ $name == *.* ]]; then name=psu${name/./}; else name=bmc$name; fi
                printf '[%s]\npassword = %s\n\n' "$name" "$BMC_PASSWORD"
        done
}

# conf_set 'section.key=value': filter that sets it in its section, or in a new one at the end
conf_set() {
        local name=${1%%=*}
        [[ $1 == *.*=* ]] || usage_error "--set wants 'section.key=value', not '$1'" up
        awk -v section="[${name%.*}]" -v key="${name##*.}" -v value="${1#*=}" '
                function set() { if (here && !done) { print key " = " value; done = 1 } }
                /^\[/ { if (here) set(); here = ($0 == section); print; next }
                here && $1 == key { set(); next }
                here && $0 == "" { set() }
                { print }
                END { set(); if (!done) printf "\n%s\n%s = %s\n", section, key, value }'
}

# Of this machine's /etc a host has the files; of its folders those below are seen in the host, read-only
# (boot.sh). The others are not missed, and copying thousands of files takes longer than to boot.
# shellcheck disable=SC2034 # used by boot.sh
ETC_SHARED='alternatives ssl'

# The service groups are what sysusers.d makes on a real host.
write_etc() { # HOST
        local host=$1 etc peer
        etc=$(host_dir "$host")/etc
        mkdir -p "$etc"/{libvirt/qemu/networks/autostart,hawd,pki,systemd/system}
        find /etc -maxdepth 1 ! -type d -exec cp -a -t "$etc" {} + 2>/dev/null # what cannot be read is not needed
        printf '7777%027d%d\n' 0 "${host#node}" >"$etc/machine-id"
        printf '%s\n' "$host" >"$etc/hostname"
        {
                printf '127.0.0.1 localhost\n'
                for peer in $(all_hosts); do
                        printf '%s %s\n%s %s-mgmt\n%s bmc%d\n' "$(ring_address "$peer")" "$peer" \
                                "$(mgmt_address "$peer")" "$peer" "$(bmc_address "$peer")" "${peer#node}"
                done
        } >"$etc/hosts"
        grep -q '^hawd:' "$etc/group" || printf 'hawd:x:64077:\n' >>"$etc/group"
        grep -q '^hawd-view:' "$etc/group" || printf 'hawd-view:x:64078:\n' >>"$etc/group"
        [[ $RING_KIND != corosync ]] || etc_corosync "$etc"
        conf_libvirtd "$host" >"$etc/libvirt/libvirtd.conf"
        conf_qemu "$host" >"$etc/libvirt/qemu.conf"
        : >"$etc/libvirt/libvirt.conf"
        install -m 0644 "$LAB_DIR/hawd.conf" "$etc/hawd/hawd.conf"
        (umask 077 && conf_fencing >"$etc/hawd/fencing.conf")
}

host_uuid() { # HOST: also its BMC's System GUID
        printf '77770000-0000-4000-8000-%012d\n' "${1#node}"
}
