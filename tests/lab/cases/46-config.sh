#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# weight: 31
# hawd.conf with mistakes is refused, at a reload and at a start; one that differs is named. Those who
# may look only are told so. Guests and rules go out as text and come back, and no guest notices.
# shellcheck source=../case.sh
. "$(dirname "$0")/../case.sh"
# shellcheck source=../hawd.sh
. "$(dirname "$0")/../hawd.sh"
requires hawd hawctl hawd-fence setpriv

conf=/etc/hawd/hawd.conf
said=$LAB_STATE/said
text=$LAB_STATE/cluster.conf

at() { # HOST COMMAND...
        local host=$1
        shift
        lab exec "$host" -- "$@" </dev/null
}
status_of() { # WANTED COMMAND...: the exit status; what it says is in $said
        local wanted=$1 rc
        shift
        "$@" >"$said" 2>&1
        rc=$?
        ((rc == wanted)) || { cat "$said" && echo "exit status $rc" && false; }
}
says() { # PATTERN
        grep -qE -- "$1" "$said" || { cat "$said" && false; }
}
mistakes() { # N: lines of that kind, of hawd.conf
        (($(grep -cE "^$conf:[0-9]+: " "$said") == $1)) || { cat "$said" && false; }
}
logged() { # HOST N: so many mistakes since the mark
        (($(lab logs "$1" hawd | tail -n +"$mark" | grep -cE "error: $conf:[0-9]+: ") == $2))
}
differing() { # HOST NAMES: as HOST sees it
        [[ $(at "$1" hawctl --json host list | jq -r '[.hosts[] | select(.config_differs) | .name] | join(" ")') == "$2" ]]
}
everywhere() { # COMMAND ARGUMENT...: with each host in front
        "$1" node1 "${@:2}" && "$1" node2 "${@:2}" && "$1" node3 "${@:2}"
}
viewer() { # [GROUPS] COMMAND...: on node1, as nobody; hawctl may lie where nobody may not go
        at node1 setpriv --reuid 65534 --regid 65534 "$@"
}
exported() { # HOST: equals $text
        at "$1" hawctl export | cmp -s - "$text"
}
same_qemus() { once_started 0 vm1 vm2; }
unknown() { ! ctl guest show "$1" >/dev/null 2>&1; }

case_cluster 3
add_guest vm1 node1 --priority 200
add_guest vm2 node2 --after vm1
ctl rule add apart separate --guests vm1,vm2 >/dev/null || fail 'no rule'
wait_for 60 'two guests are healthy' healthy vm1 vm2

note 'five mistakes in hawd.conf of node2'
at node2 cp "$conf" /etc/hawd/good.conf
at node2 cp /run/hawd/running.conf /run/hawd/before.conf
at node2 sh -c "printf '%s\n' '[host x y]' '[fences]' '[host node8]' 'vcpus = many' labels 'memory = 5GB' >>$conf"
assert 'the check ends with 78' status_of 78 at node2 hawd --check-config
assert 'and tells all five' mistakes 5
mark=$(($(lab logs node2 hawd | wc -l) + 1))
assert 'the reload fails' status_of 1 at node2 hawctl reload
assert 'and tells all five' mistakes 5
assert 'so does the log' logged node2 5
assert 'SIGHUP' kill -HUP "$(lab daemon node2 hawd pid)"
wait_for 10 'tells the log as well' logged node2 10
assert 'what was in force is so' at node2 cmp /run/hawd/running.conf /run/hawd/before.conf
assert 'and nobody differs' everywhere differing ''

mark=$(($(lab logs node2 hawd | wc -l) + 1))
lab daemon node2 hawd restart
wait_for 20 'hawd does not start with it' ends_for_good node2
assert 'the log has all five' logged node2 5
assert 'and the sum' grep -q "hawd does not start: 5 mistakes in $conf" <(lab logs node2 hawd)
assert 'its guest runs on' beats vm2 node2
at node2 cp /etc/hawd/good.conf "$conf"
lab daemon node2 hawd start
wait_for 60 'mended, it is online' host_is node2 online
wait_for 60 'the guests are healthy' healthy vm1 vm2

note 'another hawd.conf on node2'
at node2 sed -i 's/^\[cluster\]$/&\nrestart-limit = 1/' "$conf"
assert 'a key of another section is told' status_of 1 at node2 hawctl reload
assert 'with its line' says "^$conf:2: \[cluster\] has no key 'restart-limit'"
at node2 sed -i '2s/.*/daemon-grace = 31s/' "$conf"
assert 'the reload is done' status_of 0 at node2 hawctl reload
assert 'it says where another one is in force' says 'another one is in force on node1, node3'
wait_for 20 'every host names node2' everywhere differing node2
assert 'status' status_of 0 ctl status
assert 'names it, with the mend' says '^node2: its hawd.conf is not that of node1, node3: make it equal, then hawctl reload on node2'
at node2 cp /etc/hawd/good.conf "$conf"
assert 'mended' status_of 0 at node2 hawctl --json reload
assert 'it says so' jq -e '.changed and .differs == [] and .restart == []' "$said"
wait_for 20 'nobody differs' everywhere differing ''

at node2 sed -i 's/^name = .*/name = other/' "$conf"
assert 'another cluster is not taken' status_of 1 at node2 hawctl reload
assert 'since hawd would not start with it' says "'name' cannot be changed to other: the ledger is of cluster"
at node2 cp /etc/hawd/good.conf "$conf"

note 'those who may look only'
at node1 install -m 0755 "$HAWD_BIN/hawctl" /run/hawctl
assert 'a member of hawd-view only looks' status_of 0 viewer --groups 64078 /run/hawctl guest show vm1
assert 'exports' status_of 0 viewer --groups 64078 /run/hawctl export
assert 'changes nothing' status_of 1 viewer --groups 64078 /run/hawctl guest stop vm1
assert 'and is told what, and why' says 'GuestStop changes something, and /run/hawd/view.sock is for looking only'
assert 'a stranger' status_of 3 viewer --clear-groups /run/hawctl status
assert 'is told which group' says 'no permission .*hawd-view'
assert 'a member of hawd may' status_of 0 viewer --groups 64077 /run/hawctl guest set vm1 priority=201

note 'out and in again'
assert 'export' ctl export "$text"
assert 'every host exports the same' everywhere exported
assert 'as it is' status_of 0 ctl apply "$text" --prune
assert 'there is nothing to change' says '^nothing to change$'
sed -i 's/^priority = 201/priority = 7/; s/^after = vm1/after =/; s/^strict = no/strict = yes/
        s|^    <name>vm1</name>|&\n    <title>first</title>|; s|^  *<name>vm2</name>|&\n    <title>second</title>|' "$text"
assert 'changed, looked at' status_of 0 ctl apply "$text" --dry-run
assert 'a setting' says '^  priority: 201 -> 7$'
assert 'a list' says '^  after: vm1 -> \(none\)$'
assert 'a rule' says '^  strict: no -> yes$'
assert 'XML' says '^    \+ .*<title>first</title>$'
refute 'nothing is done' exported node1
sed 's/^strict = yes/strict = perhaps/; s/^priority = 7/prio = 7/; s|</memory>|</mem>|' "$text" >"$text.bad"
assert 'with mistakes' status_of 2 ctl apply "$text.bad" --yes
assert 'all are told' says '^hawctl: 4 mistakes in .*: nothing is done$'
refute 'nothing is done' exported node1
assert 'applied' status_of 0 ctl apply "$text"
assert 'every host has it' everywhere exported
assert 'again' status_of 0 ctl apply "$text" --prune
assert 'there is nothing to change' says '^nothing to change$'
assert 'no guest was started for that' same_qemus
assert 'nor stood still' untouched vm1

note 'into an empty ledger'
assert 'asks before it deletes' status_of 2 ctl apply /dev/null --prune
assert 'what' says '2 guests are stopped, undefined and forgotten .*: vm1, vm2. 1 rule is deleted: apart'
assert 'all is deleted' status_of 0 ctl apply /dev/null --prune --yes
assert 'both are gone' unknown vm1
wait_for 10 'really' silent vm1 vm2
refute 'the ledger is empty' exported node1
assert 'and made anew' status_of 0 ctl apply "$text" --yes
assert 'it is as it was' everywhere exported
wait_for 60 'both are healthy' healthy vm1 vm2
assert 'nothing was lost, nothing ran twice' sound vm1 vm2
