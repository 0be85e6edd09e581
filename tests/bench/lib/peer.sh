# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The peer: Pacemaker on the same kind of lab, as fast as it goes at this token: stonith-action off instead
# of reboot, fence_ipmilan without its wait after switching, the same guest by VirtualDomain.

PEER_PACKAGES=(pacemaker pacemaker-cli-utils resource-agents fence-agents)
PEER_PROCESSES='pacemaker.*'

peer_installed() {
        local program
        for program in pacemakerd crm_mon crm_attribute cibadmin fence_ipmilan; do
                PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || return 1
        done
        [[ -x /usr/lib/ocf/resource.d/heartbeat/VirtualDomain ]]
}

apt_get() {
        DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 \
                -o Acquire::Retries=3 "$@" >>"$WORK/apt.log" 2>&1
}

peer_install() {
        if peer_installed; then return 0; fi
        note "installing ${PEER_PACKAGES[*]}"
        apt_get install --no-install-recommends "${PEER_PACKAGES[@]}" ||
                { apt_get update && apt_get install --no-install-recommends "${PEER_PACKAGES[@]}"; }
        if peer_installed; then return 0; fi
        tail -n 5 "$WORK/apt.log"
        note 'Pacemaker cannot be installed: it is left out'
        return 1
}

peer_start() { # HOST: what its unit and its package's scripts do on a real host
        wait_until "$READY_SEC" lab peer exec "$1" -- sh -c 'corosync-quorumtool -s >/dev/null 2>&1' || return 1
        # shellcheck disable=SC2016 # for the shell inside
        lab peer exec "$1" -- sh -c '
                for dir in blackbox cib cores pengine; do
                        install -d -m 0750 -o hacluster -g haclient "/var/lib/pacemaker/$dir"
                done
                install -d -m 0770 -o hacluster -g haclient /var/log/pacemaker
                setsid -f pacemakerd </dev/null >>/var/log/pacemaker/pacemakerd.out 2>&1'
}

nvpairs() { # PREFIX NAME=VALUE...
        local prefix=$1 pair
        shift
        for pair in "$@"; do
                printf '<nvpair id="%s-%s" name="%s" value="%s"/>' "$prefix" "${pair%%=*}" "${pair%%=*}" "${pair#*=}"
        done
}

peer_resources() { # DOMAIN-XML-FILE
        local host id
        echo '<resources>'
        for host in $(all_hosts); do
                id=fence-$host
                cat <<END
<primitive id="$id" class="stonith" type="fence_ipmilan">
 <instance_attributes id="$id-attributes">
  $(nvpairs "$id" "ip=10.77.1.$((100 + ${host#node}))" username=admin password=labsecret lanplus=1 cipher=3 \
                        power_wait=0 "pcmk_host_list=$host")
 </instance_attributes>
 <operations><op id="$id-monitor" name="monitor" interval="60s" timeout="20s"/></operations>
</primitive>
END
        done
        cat <<END
<primitive id="$GUEST" class="ocf" provider="heartbeat" type="VirtualDomain">
 <instance_attributes id="$GUEST-attributes">
  $(nvpairs "$GUEST" "config=$1" hypervisor=qemu:///system)
 </instance_attributes>
 <operations>
  <op id="$GUEST-start" name="start" interval="0" timeout="90s"/>
  <op id="$GUEST-stop" name="stop" interval="0" timeout="90s"/>
  <op id="$GUEST-monitor" name="monitor" interval="10s" timeout="30s"/>
 </operations>
</primitive>
</resources>
END
}

peer_online() {
        local all
        all=$(all_hosts | paste -sd' ')
        lab peer exec node1 -- crm_mon -1 2>/dev/null | grep -qF "Online: [ $all ]"
}

# All hosts are there, the guest beats, and the controller has nothing left to do.
peer_ready() {
        local dc
        peer_online && beats peer || return 1
        dc=$(lab peer exec node1 -- crmadmin -q -D 2>/dev/null | awk '{ print $NF }')
        [[ -n $dc ]] && lab peer exec node1 -- crmadmin -S "$dc" 2>/dev/null | grep -q S_IDLE
}

peer_up() {
        local host dir option
        lab peer up --hosts "$HOSTS" --token "$TOKEN_MSEC" --no-hawd || die "the peer's lab does not come up"
        for host in $(all_hosts); do peer_start "$host" || die "$host: corosync does not get ready"; done
        wait_until "$READY_SEC" peer_online || die 'Pacemaker does not get its hosts online'
        for option in stonith-enabled=true stonith-action=off no-quorum-policy=stop; do
                lab peer exec node1 -- crm_attribute -t crm_config -n "${option%=*}" -v "${option#*=}" || die "crm_attribute $option"
        done
        # A host that comes back does not draw the guest to it.
        lab peer exec node1 -- crm_attribute -t rsc_defaults -n resource-stickiness -v 100 || die 'crm_attribute resource-stickiness'
        dir=$(lab_state peer)/shared
        lab peer guest xml "$GUEST" >"$dir/$GUEST.xml" || die "no domain XML for $GUEST"
        peer_resources "$dir/$GUEST.xml" >"$dir/resources.xml"
        lab peer exec node1 -- cibadmin --replace -o resources --xml-file "$dir/resources.xml" || die 'cibadmin'
        wait_until "$READY_SEC" peer_ready || die "Pacemaker does not start $GUEST"
        note "the peer's lab is up: $(lab peer exec node1 -- pacemakerd --version | head -n 1), one guest, running"
}

peer_footprint() {
        local pss dirty rss n
        sleep "$SETTLE_SEC"
        read -r pss dirty rss n < <(memory peer node1 "$PEER_PROCESSES") || die 'Pacemaker does not run on node1'
        sample peer.pss_mib "$pss"
        sample peer.private_mib "$dirty"
        sample peer.rss_mib "$rss"
        sample peer.processes "$n"
        note "Pacemaker on node1: $n processes, $pss MiB PSS, $dirty MiB private dirty"
}

peer_failover() { # RUN
        local victim death changed qemu beat
        { wait_until "$READY_SEC" peer_ready && victim=$(guest_host peer); } || {
                note "peer, run $1: the cluster does not get ready"
                return 1
        }
        sleep "$SETTLE_SEC"
        death=$(cut_power peer "$victim") || return 1
        wait_until "$LIMIT_SEC" seen peer HB "$victim" "$death" || {
                note "peer, run $1: FAILED, no heartbeat elsewhere after $LIMIT_SEC s"
                lab peer exec "$(survivors "$victim" | head -n 1)" -- crm_mon -1
                return 1
        }
        changed=$(membership peer "$victim" "$death")
        qemu=$(first_seen peer QEMU+ "$victim" "$death")
        beat=$(first_seen peer HB "$victim" "$death")
        [[ -z $changed ]] || sample peer.kill_to_membership_ms $((changed - death))
        sample peer.kill_to_qemu_ms $((qemu - death))
        sample peer.kill_to_heartbeat_ms $((beat - death))
        note "peer, run $1: $victim died: +$((${changed:-death} - death)) ms membership, +$((qemu - death)) QEMU, +$((beat - death)) heartbeat"
        lab peer power "$victim" on && peer_start "$victim"
}
