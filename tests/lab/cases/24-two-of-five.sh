#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 40
# Two hosts of five lose their power one after the other: both are recovered.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence

lose() { # HOST GUEST...
        local host=$1 since guest
        shift
        since=$(now_msec)
        lab power "$host" off
        wait_for 60 "$host is known to be off" host_is "$host" off
        for guest in "$@"; do wait_for 60 "$guest beats elsewhere" beats "$guest" "$left"; done
        assert 'each was started once' once_started "$since" "$@"
        assert "nobody switched $host off" switched "$host" off 0
        wait_for 60 'they are healthy' healthy "$@"
}

case_cluster 5 --set cluster.after-fence=off
add_guest vm1 node5
add_guest vm2 node4
# So that vm1 dies twice.
ctl rule add next prefer --guests vm1 --hosts node4 >/dev/null || fail 'no rule'
wait_for 60 'two guests are healthy' healthy vm1 vm2
left='node[1-4]'
lose node5 vm1
assert 'vm1 went where it was preferred' guest_says vm1 '.host == "node4"'
left='node[1-3]'
lose node4 vm1 vm2
assert 'three of five decide' status_says '.operational and ([.hosts[] | select(.state == "off")] | length == 2)'
assert 'nothing was lost, nothing ran twice' sound vm1 vm2
