# SPDX-License-Identifier: GPL-3.0-or-later
# check.awk: verdict over one guest (-v guest=NAME -v json=0|1), read from watch.log:
#
#   MSEC HOST GUEST BOOT <counter read> <boot>
#   MSEC HOST GUEST HB <counter> <boot> <guest monotonic ms> <guest real ms>
#   MSEC HOST GUEST QEMU+ <pid> start|incoming     MSEC HOST GUEST QEMU- <pid>
#   MSEC HOST GUEST CLASH <counter> <boot> <other's text>
#
# 1 lost    a boot read less than had been written before
# 2 twice   a boot is heard again after a later one had begun; or two hosts wrote the same beat of one boot
#           (migration moves a boot between hosts, but each beat comes from one of them)
# 3 copies  a QEMU was started, other than by a migration, while another host had one: paused ones and
#           those of frozen hosts count
# 4 clash   a copy found another's text on its disk
# A guest's clock stands while it is paused, but not while it is merely slow: by how much it fell behind
# ours since its first beat is "stood".
# Exit status: 0 nothing violated, 1 violated.

function violation(kind, text) {
        kinds[kind]++
        if (kinds[kind] <= 5)
                violations[++n_violations] = kind ": " text
}

$3 != guest { next }

$4 == "BOOT" {
        boot = $6
        order[++n_boots] = boot
        number[boot] = newest = n_boots
        read[boot] = $5
        hosts[boot] = $2
        began[boot] = $1
        if ($5 + 0 < written)
                violation("lost", "boot " boot " on " $2 " read " $5 ", but " written " had been written")
        next
}

$4 == "HB" {
        boot = $6
        if (!(boot in number)) { # its BOOT line was split by one of the kernel's
                order[++n_boots] = boot
                number[boot] = newest = n_boots
        }
        if (number[boot] < newest)
                violation("twice", "boot " boot " beats on " $2 " at " $1 ", after boot " order[newest] " had begun on " hosts[order[newest]])
        if ((boot, $5) in from && from[boot, $5] != $2)
                violation("twice", "beat " $5 " of boot " boot " came from " from[boot, $5] " and from " $2)
        from[boot, $5] = $2
        if (index(" " hosts[boot] " ", " " $2 " ") == 0)
                hosts[boot] = hosts[boot] (hosts[boot] == "" ? "" : " ") $2
        if (!(boot in beats)) {
                first[boot] = $5
                ahead[boot] = $1 - $7
        } else if ($1 - last_time[boot] > gap[boot])
                gap[boot] = $1 - last_time[boot]
        beats[boot]++
        stood[boot] = $1 - $7 - ahead[boot]
        last[boot] = $5
        last_time[boot] = $1
        if ($5 + 0 > written)
                written = $5 + 0
        next
}

$4 == "QEMU+" {
        if ($6 == "start")
                for (host in qemu)
                        if (host != $2)
                                violation("copies", "a QEMU was started on " $2 " at " $1 ", while " host " has one since " qemu[host])
        qemu[$2] = $1
}

$4 == "QEMU-" { delete qemu[$2] }
$4 == "CLASH" { violation("clash", "boot " $6 " on " $2 " found another's writing: " $7 " " $8 " " $9) }
$4 == "EIO" { errors++ }

function list(words,    parts, n, i, out) {
        n = split(words, parts, " ")
        for (i = 1; i <= n; i++)
                out = out (i > 1 ? ", " : "") "\"" parts[i] "\""
        return "[" out "]"
}

function print_json(    i, b) {
        printf "{\"guest\": \"%s\", \"ok\": %s, \"written\": %d, \"io_errors\": %d, ", guest, n_violations ? "false" : "true", written, errors
        printf "\"lost\": %d, \"twice\": %d, \"copies\": %d, \"clash\": %d, \"boots\": [", kinds["lost"], kinds["twice"], kinds["copies"], kinds["clash"]
        for (i = 1; i <= n_boots; i++) {
                b = order[i]
                printf "%s\n  {\"boot\": \"%s\", \"hosts\": %s, \"began_msec\": %s, \"last_msec\": %s, ", (i > 1 ? "," : ""), b, list(hosts[b]), began[b] + 0, last_time[b] + 0
                printf "\"read\": %d, \"first\": %d, \"last\": %d, \"beats\": %d, \"longest_gap_msec\": %d, \"stood_msec\": %d}", read[b], first[b], last[b], beats[b], gap[b], stood[b]
        }
        printf "],\n \"violations\": ["
        for (i = 1; i <= n_violations; i++) {
                gsub(/["\\]/, "'", violations[i])
                printf "%s\n  \"%s\"", (i > 1 ? "," : ""), violations[i]
        }
        printf "]}\n"
}

function print_text(    i, b) {
        printf "guest %s: %d boots, %d written, %d I/O errors\n", guest, n_boots, written, errors
        for (i = 1; i <= n_boots; i++) {
                b = order[i]
                printf "  boot %s on %s: read %d, beats %d to %d, longest gap %d ms\n", b, hosts[b], read[b], first[b], last[b], gap[b]
        }
        for (i = 1; i <= n_violations; i++)
                printf "  VIOLATED %s\n", violations[i]
        print (n_violations ? "violated" : "ok")
}

END {
        if (json)
                print_json()
        else
                print_text()
        exit (n_violations > 0)
}
