# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The lab's parts, and `lab [--lab NAME] VERB ...`. Sourced by lab itself, and by cases, which call
# lab_main in a subshell: they ask often, and reading all of this again takes longer than most answers.
# LAB_HERE is the folder above this one.

for part in base help net ring conf cache bmc host storage daemon guest trouble check status cluster; do
        # shellcheck source=/dev/null
        . "$LAB_HERE/lib/$part.sh"
done

lab_main() {
        local verb arg
        if [[ ${1:-} == --lab ]]; then
                (($# >= 2)) || usage_error '--lab wants a name'
                # shellcheck disable=SC2034 # used by set_lab_paths
                LAB_NAME=$2
                shift 2
        fi
        set_lab_paths
        verb=${1:-help}
        (($# == 0)) || shift
        for arg in "$@"; do
                [[ $arg != -- ]] || break
                if [[ $arg == --help ]]; then
                        verb_help "$verb"
                        return
                fi
        done
        case $verb in
        cache | up | down | status | exec | power | freeze | thaw | storage | net | bmc | corosync | qnetd | clock | wire | daemon | guest | console | logs)
                need_root
                "verb_$verb" "$@"
                ;;
        help | -h | --help) verb_help "$@" ;;
        *) usage_error "no verb '$verb'" ;;
        esac
}
