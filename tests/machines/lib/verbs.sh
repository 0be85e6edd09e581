# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The machine lab is tests/lab with machines for its hosts: names, nets, BMCs and configuration are that
# one's, and what a host is comes from here. Sourced with LAB_HERE and MACHINES_HERE set.

for part in base net ring conf cache bmc; do
        # shellcheck source=/dev/null
        . "$LAB_HERE/lib/$part.sh"
done
for part in image power machine; do
        # shellcheck source=/dev/null
        . "$MACHINES_HERE/lib/$part.sh"
done

lab_main() {
        local verb
        if [[ ${1:-} == --lab ]]; then
                (($# >= 2)) || usage_error '--lab wants a name'
                # shellcheck disable=SC2034 # used by set_lab_paths
                LAB_NAME=$2
                shift 2
        fi
        set_lab_paths
        verb=${1:-help}
        (($# == 0)) || shift
        case $verb in
        image | up | down | status | exec | power | freeze | thaw | net | bmc | logs)
                need_root
                "verb_$verb" "$@"
                ;;
        help | -h | --help) machines_help ;;
        *)
                printf "machines: no verb '%s' (machines help)\n" "$verb" >&2
                exit 2
                ;;
        esac
}
