# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The ring's configuration and its third party. What `up` and `lab corosync` were asked for is in lab.env:
#   RING_KIND   corosync, or solo: no corosync at all
#   RING_HOSTS  hosts in corosync's nodelist
#   RING_SETS   'section.key=value', a line each, of corosync.conf
#   QDEVICE     1: each host runs corosync-qdevice, and corosync-qnetd runs in the switches

QNETD_ADDRESS=10.77.1.254

ring_hosts() {
        # shellcheck disable=SC2086 # a line each
        printf '%s\n' ${RING_HOSTS:-}
}

ring_ids() { # "1 2 3", as ring_members prints it
        ring_hosts | sed 's/node//' | sort -n | paste -sd' '
}

conf_quorum() {
        printf 'quorum {\n  provider: corosync_votequorum\n'
        if ((QDEVICE)); then
                cat <<EOF
  device {
    model: net
    votes: 1
    timeout: 3000
    sync_timeout: 4000
    net {
      host: $QNETD_ADDRESS
      tls: off
      algorithm: ffsplit
    }
  }
EOF
        elif (($(ring_hosts | wc -l) == 2)); then
                printf '  two_node: 1\n'
        fi
        printf '}\n'
}

# corosync_set 'section.key=value': filter that sets it in that section, which is there
corosync_set() {
        local name=${1%%=*}
        awk -v section="${name%.*} {" -v key="${name##*.}:" -v value="${1#*=}" '
                $0 == section { here = 1; print; next }
                here && $1 == key { next }
                here && $0 == "}" { print "  " key " " value; here = 0 }
                { print }'
}

conf_corosync() {
        local host text set
        text=$(
                cat <<EOF
totem {
  version: 2
  cluster_name: $LAB_NAME
  transport: knet
  crypto_cipher: aes256
  crypto_hash: sha256
  token: $TOKEN
  token_coefficient: 0
}
nodelist {
EOF
                for host in $(ring_hosts); do
                        cat <<EOF
  node {
    ring0_addr: $(ring_address "$host")
    ring1_addr: $(mgmt_address "$host")
    name: $host
    nodeid: ${host#node}
  }
EOF
                done
                printf '}\n'
                conf_quorum
                cat <<EOF
logging {
  to_stderr: no
  to_syslog: no
  to_logfile: yes
  logfile: /var/log/corosync/corosync.log
  timestamp: hires
  debug: off
}
system {
  sched_rr: yes
  allow_knet_handle_fallback: yes
}
EOF
        )
        while read -r set; do
                [[ -z $set ]] || text=$(corosync_set "$set" <<<"$text")
        done <<<"${RING_SETS:-}"
        printf '%s\n' "$text"
}

need_ring_set() { # 'section.key=value'
        [[ $1 =~ ^(totem|quorum|logging|system)\.[a-z0-9_]+=.+$ ]] ||
                usage_error "'$1' is no setting of corosync.conf: totem|quorum|logging|system.key=value" "${2:-corosync}"
}

# ---- changes while it runs -----------------------------------------------------------------------

# etc_corosync ETC: what a host's /etc/corosync holds
etc_corosync() {
        mkdir -p "$1/corosync" && conf_corosync >"$1/corosync/corosync.conf.new" &&
                mv "$1/corosync/corosync.conf.new" "$1/corosync/corosync.conf" &&
                install -m 0400 "$LAB_DIR/authkey" "$1/corosync/authkey" || die "cannot write $1/corosync"
}

# All hosts get the file, as an operator would give it to them; also those that are off.
write_corosync_conf() {
        local host
        for host in $(all_hosts); do etc_corosync "$(host_dir "$host")/etc"; done
}

# A solo lab becomes one with a ring: nothing is started or restarted.
leave_solo() {
        local host
        RING_KIND=corosync
        for host in $(all_hosts); do
                sed -i '/^ring = solo$/d' "$(host_dir "$host")/etc/hawd/hawd.conf"
        done
}

reload_corosync() {
        local host
        for host in $(all_hosts); do
                [[ $(power_state "$host") == on && $(daemon_state "$host" corosync) == yes ]] || continue
                in_host "$host" corosync-cfgtool -R >/dev/null ||
                        die "$host: corosync does not take the new configuration (lab logs $host corosync)"
                return
        done
        die 'corosync runs on no host (lab daemon HOST corosync start)'
}

corosync_change() { # hosts HOST... | set S.K=VALUE...
        local verb=$1 arg
        shift
        for arg in "$@"; do
                if [[ $verb == hosts ]]; then need_host "$arg"; else need_ring_set "$arg"; fi
        done
        if [[ $verb == hosts ]]; then
                RING_HOSTS=$*
        else
                RING_SETS=$(printf '%s\n' ${RING_SETS:+"$RING_SETS"} "$@")
        fi
        if [[ $RING_KIND == solo ]]; then
                leave_solo
                write_env
                write_corosync_conf
                return
        fi
        write_env
        write_corosync_conf
        reload_corosync
}

verb_corosync() {
        local verb=${1:-}
        need_lab
        [[ $RING_KIND == corosync || $verb == hosts ]] || die 'this lab is solo: lab corosync hosts HOST... ends that'
        case $verb in
        hosts | set)
                shift
                (($# > 0)) || usage_error "corosync $verb: what?" corosync
                with_lock "$LAB_DIR" corosync_change "$verb" "$@"
                ;;
        reload) reload_corosync ;;
        show) conf_corosync ;;
        *) usage_error "corosync: no verb '$verb' (hosts set reload show)" corosync ;;
        esac
}

# ---- qnetd ---------------------------------------------------------------------------------------

qnetd_start() {
        if pid_of "$LAB_DIR/qnetd.pid" >/dev/null; then return 0; fi
        (
                cd / || exit 1
                close_fds
                exec setsid nsenter --net="/run/netns/$LAB_SWITCH" -- corosync-qnetd -f -d \
                        -l "$QNETD_ADDRESS" -s off \
                        -S "lock_file=$LAB_DIR/qnetd.lock,local_socket_file=$LAB_DIR/qnetd.sock" \
                        </dev/null >"$LAB_DIR/qnetd.log" 2>&1
        ) &
        write_pid "$LAB_DIR/qnetd.pid" $!
}

verb_qnetd() {
        local pid
        need_lab
        ((QDEVICE)) || die 'this lab was made without --qdevice'
        case ${1:-} in
        start) with_lock "$LAB_DIR" qnetd_start ;;
        kill)
                pid=$(pid_of "$LAB_DIR/qnetd.pid") || die 'qnetd does not run (lab qnetd start)'
                kill_and_wait "$pid"
                ;;
        *) usage_error "qnetd: 'start' or 'kill', not '${1:-}'" qnetd ;;
        esac
}
