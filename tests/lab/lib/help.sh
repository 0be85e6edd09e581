# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# lab help [VERB], lab VERB --help

help_all() {
        cat <<'EOF'
lab [--lab NAME] VERB ...: a cluster on one machine: corosync, libvirt, QEMU and IPMI are real, its hosts
are namespaces node1 ... nodeN.

  up [--hosts N] [--ring-hosts N] [--solo] [--qdevice] [--token MS] [--corosync section.key=value]
     [--no-hawd] [--set section.key=value] [--conf FILE] [--disk-locks] [--supplies]
     [--watchdogs]
  down
  cache
  status [--json]
  exec HOST -- COMMAND...
  power HOST on|off|status
  freeze HOST | thaw HOST
  net HOST cut|restore [ring|ring0|mgmt|guest|all]
  storage HOST lose|restore
  bmc HOST|HOST.a|HOST.b alive|dead|lie|lie-off|slow [SECONDS]|hang [SECONDS]|status
  corosync hosts HOST... | set section.key=value... | reload | show
  qnetd start|kill
  clock HOST MSEC [step]
  wire HOST plain|newer|major|garbage
  daemon HOST hawd|corosync|libvirtd kill|stop|cont|term|start|restart|pid
  guest create NAME --host HOST [--memory MIB] [--watchdog ACTION] [--no-start] [--no-wait]
  guest xml NAME [--memory MIB] [--watchdog ACTION]
  guest alive|check|kill|delete NAME | guest list
  guest crash|panic|boot-loop NAME | guest hang NAME [spin|idle] | guest io-error NAME [begin|end]
  guest agent NAME kill|stop
  guest exec NAME -- COMMAND...
  console GUEST [HOST] [--follow] | console HOST [--follow]
  logs HOST [hawd|supervisor|corosync|libvirtd|bmc] [--follow]
  help [VERB]

Environment:
  HAWD_LAB        name of the lab (default lab); labs of different names do not disturb each other
  HAWD_LAB_DIR    where labs keep their state (/var/tmp/hawd-lab)
  HAWD_LAB_CACHE  guest kernel, initramfs and small programs, built once (/var/cache/hawd-lab)
  HAWD_BIN        folder with hawd, hawctl and hawd-fence (build/release of this tree); read by `up`

Exit status: 0 done, 1 failed, 2 wrong usage; guest alive: 1 nowhere, 3 on two hosts or more.
EOF
}

help_verb() {
        case $1 in
        up) cat <<'EOF' ;;
lab up [OPTION]...: starts a cluster and returns when its ring, libvirtd and BMCs answer.
  --hosts N          number of hosts, 1 to 8 (3)
  --ring-hosts N     so many of them are in corosync's nodelist (all); two get two_node
  --solo             no corosync: hawd with ring = solo
  --qdevice          corosync-qdevice on each host, and a corosync-qnetd (ffsplit)
  --corosync S.K=V   K: V in section S of corosync.conf; may be repeated
  --token MS         corosync's token time-out (1000)
  --no-hawd          no hawd on the hosts
  --set S.K=VALUE    K = VALUE in section [S] of hawd.conf; may be repeated
  --conf FILE        FILE appended to hawd.conf; may be repeated
  --supplies         two power supplies a host, HOST.a and HOST.b, each with a BMC; fence devices psuNa
                     and psuNb of level 1, bmcN of level 2
  --watchdogs        each host has a watchdog device, which hawd arms: what runs out ends its host, as
                     'power off' does; hosts/HOST/watchdog.log has the times
  --disk-locks       QEMU's image locks on. Without, a second copy of a guest can start, and is seen.
hawd does not need to exist yet: each host waits for $HAWD_BIN/hawd, and runs it as systemd would.
EOF
        cache) printf 'lab cache: builds what all labs share, once, as up does. It fetches two packages.\n' ;;
        down) printf 'lab down: ends everything the lab started and removes its state. Safe to repeat.\n' ;;
        status) printf 'lab status [--json]: hosts (power, ring, daemons, BMC, cuts) and where guests are alive.\n' ;;
        exec) cat <<'EOF' ;;
lab exec HOST -- COMMAND...: runs COMMAND inside the host, in the same folder; $HAWD_BIN is first in PATH.
EOF
        power) cat <<'EOF' ;;
lab power HOST on|off|status: the plug, not IPMI. off kills all processes of the host at once and takes
it from the net; its disk (/etc, /var/lib, /var/log) stays. status prints on, off or frozen.
EOF
        freeze | thaw) printf 'lab freeze|thaw HOST: SIGSTOP or SIGCONT to all its processes; its BMC goes on.\n' ;;
        net) cat <<'EOF' ;;
lab net HOST cut|restore [NET]: faults in the switch; they last over a power cycle.
  ring    corosync's packets on both of its links are dropped; all else passes (default)
  ring0   port of the ring net down (link 0 of corosync, migration)
  mgmt    port of the management net down (link 1 of corosync, the way to BMCs)
  guest   port of the guests' net down
  all     all three ports
EOF
        storage) cat <<'EOF' ;;
lab storage HOST lose|restore: the guests' disks fail there: reads and writes of its QEMUs end with EIO, and
the files are not to be seen. Lost storage stays lost over a power cycle. Other hosts see it.
EOF
        bmc) cat <<'EOF' ;;
lab bmc HOST MODE: how its BMC (10.77.1.(100+N), admin / labsecret, cipher suite 3) behaves, or that of a
power supply, HOST.a or HOST.b (10.77.1.(110+N) and (120+N)): the host is off when both are.
  alive           normally
  dead            answers nothing
  lie             accepts "off" with success, and does not switch; status is true
  lie-off         status says off, always; switches nothing
  slow [SECONDS]  accepts at once, switches SECONDS (30) later; status is true meanwhile
  hang [SECONDS]  switches SECONDS later, and answers nothing until then
  status          prints the mode
EOF
        corosync) cat <<'EOF' ;;
lab corosync VERB: changes corosync.conf on all hosts, and has corosync reload it.
  hosts HOST...      these are in the nodelist. One that is new there: lab daemon HOST corosync start.
                     In a lab made with --solo: hawd.conf gets no ring = solo any more; nothing is started
  set S.K=VALUE...   K: VALUE in section S (totem, quorum, logging, system)
  reload             without a change
  show               prints the file
EOF
        qnetd) printf 'lab qnetd start|kill: the corosync-qnetd of a lab made with --qdevice.\n' ;;
        wire) cat <<'EOF' ;;
lab wire HOST MODE: restarts hawd there, speaking to the others in another way until MODE is plain.
  newer    a later minor version: longer headers, fields that are not known yet
  major    another major version
  garbage  before each message something that is none
EOF
        clock) cat <<'EOF' ;;
lab clock HOST MSEC [step]: restarts hawd there with a time of day that is MSEC ahead (-MSEC: behind); 0: right
again. With 'step' the hawd that was so started sees the clock jump, and is not restarted.
EOF
        daemon) cat <<'EOF' ;;
lab daemon HOST hawd|corosync|libvirtd VERB
  kill, stop, cont  SIGKILL, SIGSTOP, SIGCONT. hawd is started anew 200 ms after it ended, as long as
                    corosync runs; the others stay down.
  term              SIGTERM, and it stays down until start. hawd ends before corosync, and starts with
                    it again, as systemctl has it
  start, restart
  pid               prints its pids, as seen from outside
EOF
        guest) cat <<'EOF' ;;
lab guest create NAME --host HOST [--memory MIB] [--watchdog ACTION] [--no-start] [--no-wait]
                  makes its disk, defines and starts it with that host's libvirtd, waits for its heartbeat.
                  With --watchdog its i6300esb is armed: 4 s without the guest, and QEMU does ACTION
lab guest xml NAME [--memory MIB] [--watchdog ACTION]
                  prints its domain XML; creates its disk when missing
lab guest alive NAME
                  prints where it beats now. Exit status 1 nowhere, 3 on two hosts or more
lab guest check NAME [--json]
                  verdict over its life: boots, beats, longest gap, writes lost, copies on two hosts (also
                  paused ones and those of frozen hosts). Exit status 0 ok, 1 violated
lab guest exec NAME -- COMMAND...
                  run by the guest's shell through its agent
lab guest kill NAME    SIGKILL to its QEMU, wherever it runs
lab guest crash NAME   its QEMU aborts
lab guest panic NAME   its kernel panics (pvpanic tells QEMU)
lab guest hang NAME [spin|idle]
                  in a second nothing in it runs any more, and its processor spins, or idles
lab guest io-error NAME [begin|end]
                  its disk fails on the host where it is now, until 'end'. Other disks there do not
lab guest boot-loop NAME
                  its disk is written to badly: it panics, now and at each boot, until it has another one
lab guest agent NAME kill|stop
                  its agent is gone, or answers no more, in a second; it does its work
lab guest delete NAME  from all hosts that are on, with its disk
lab guest list
EOF
        console) printf 'lab console GUEST [HOST] [--follow], lab console HOST [--follow]: serial or boot console.\n' ;;
        logs) printf 'lab logs HOST [hawd|supervisor|corosync|libvirtd|bmc] [--follow]\n' ;;
        *) usage_error "no verb '$1'" ;;
        esac
}

verb_help() {
        if [[ -n ${1:-} && $1 != help ]]; then help_verb "$1"; else help_all; fi
}
