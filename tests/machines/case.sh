# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Sourced by the machine lab's cases: tests/lab/case.sh and hawd.sh, with machines for hosts.
MACHINES_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=../lab/case.sh
. "$MACHINES_HERE/../lab/case.sh"
# shellcheck source=../lab/hawd.sh
. "$MACHINES_HERE/../lab/hawd.sh"
# shellcheck source=lib/verbs.sh
. "$MACHINES_HERE/lib/verbs.sh"

requires hawd hawctl hawd-fence mmdebstrap mke2fs qemu-img cpio xz as modprobe python3
[[ -c /dev/net/tun ]] || skip 'there is no /dev/net/tun, which connects the machines'
debian_release >/dev/null || skip 'this is no Debian: the machines are made of the same release'

# inside HOST BASH-LINE [SECONDS]
inside() {
        lab exec --timeout "${3:-120}" "$1" -- bash -c "$2"
}

# What the guest has counted on the disk that all machines share: seen from out here.
count() {
        od -An -tu4 -j512 -N4 "$LAB_STATE/shared/disk.img" | tr -d ' '
}

counts() { # and it goes on
        local before
        before=$(count)
        wait_until 60 more_than "$before"
}

more_than() { (($(count) > $1)); }

guest_xml() { # DISK
        cat <<EOF
<domain type='qemu'>
  <name>beat</name>
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <disk type='block' device='disk'>
      <driver name='qemu' type='raw' cache='none' error_policy='stop' rerror_policy='stop'/>
      <source dev='$1'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <memballoon model='none'/>
  </devices>
</domain>
EOF
}

# create_guest: beat, which counts on the shared disk, where hawd places it
create_guest() {
        inside node1 "cat >/root/beat.xml <<'X'
$(guest_xml /dev/vdc)
X
hawctl guest create /root/beat.xml" 120 || fail 'the guest beat is not created'
}

runs_on() { # HOST...: libvirt there, and nowhere else among the machines that answer, has it running
        local host on=''
        for host in $(all_names); do
                if inside "$host" 'virsh -q list --name | grep -qx beat' 30; then on+=" $host"; fi
        done
        [[ ${on# } == "$*" ]]
}

all_names() {
        (set_lab_names && all_hosts)
}

set_lab_names() {
        LAB_NAME=$CASE_LAB
        set_lab_paths
}

boot_id() { # HOST
        inside "$1" 'cat /proc/sys/kernel/random/boot_id' "${2:-30}"
}

booted_anew() { # HOST OLD-ID
        local id
        id=$(boot_id "$1" 5) && [[ -n $id && $id != "$2" ]]
}
