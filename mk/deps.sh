#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Install what hawd is built and tested with, as far as it is missing. Asks nothing.
set -eu

build=(gcc make pkg-config protobuf-c-compiler libprotobuf-c-dev libinih-dev libjansson-dev
        libsqlite3-dev libqb-dev libcpg-dev libquorum-dev libvotequorum-dev libcmap-dev libcfg-dev
        libvirt-dev libnbd-dev libsystemd-dev libxml2-dev libfreeipmi-dev libsmartcols-dev)
check=(check openssl libsubunit-dev clang libclang-rt-dev clang-format git libfuse3-dev)
lab=(corosync corosync-qdevice corosync-qnetd libvirt-daemon libvirt-daemon-system libvirt-clients
        libvirt-daemon-driver-qemu
        qemu-system-x86 qemu-utils busybox-static mmdebstrap e2fsprogs xz-utils openipmi ipmitool fence-agents cpio iproute2
        nftables kmod util-linux procps jq gojq lz4 binutils python3)

if ! command -v dpkg-query >/dev/null; then
        echo "deps: this is no Debian or Ubuntu; see that the equivalents of these are installed:"
        printf '      %s\n' "${build[*]}" "${check[*]}" "${lab[*]}"
        exit 0
fi

all=("${build[@]}" "${check[@]}" "${lab[@]}")
# Names of libraries come back as they were asked for; dpkg-query fails when one is unknown.
mapfile -t missing < <({ dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${all[@]}" 2>/dev/null ||
        true; } | awk '$2 == "installed" { print $1 }' | sort -u |
        comm -13 - <(printf '%s\n' "${all[@]}" | sort -u))
if [ "${#missing[@]}" -eq 0 ]; then
        echo "deps: nothing is missing"
        exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
                echo "deps: missing, and only root can install them:"
                echo "      apt-get install --no-install-recommends ${missing[*]}"
                exit 1
        fi
        as_root=(sudo)
fi

run_apt() {
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -y -q \
                -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@"
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "deps: updating the package lists"
# apt-get update does not wait for its own lock.
for try in 1 2 3 4 5 6; do
        run_apt update >"$log" 2>&1 && break
        if ! grep -q 'Could not get lock' "$log" || [ "$try" -eq 6 ]; then
                cat "$log"
                echo "deps: the lists could not be updated; going on with those that are here"
                break
        fi
        sleep 10
done
echo "deps: installing ${#missing[@]} packages: ${missing[*]}"
if ! run_apt install --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
        cat "$log"
        echo "deps: the installation failed"
        exit 1
fi
echo "deps: done"
