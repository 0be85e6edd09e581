/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs that answer as DRBD's did on two machines (tests/machines has the real ones), in a
 * folder that comes first in PATH: drbdsetup says what is in "events", drbdadm notes what it was
 * asked and does what "on-VERB" says.
 */
#pragma once

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hawd/base/clock.h"
#include "replication/driver_drbd.h"
#include "tests/unit/unit.h"

#define EVENTS(role, disk, conn, peer_role, repl, peer_disk)                                       \
        "exists resource name:r0 role:" role " suspended:no\n"                                     \
        "exists connection name:r0 peer-node-id:0 conn-name:peer connection:" conn                 \
        " role:" peer_role "\n"                                                                    \
        "exists device name:r0 volume:0 minor:0 disk:" disk " size:65496\n"                        \
        "exists peer-device name:r0 peer-node-id:0 conn-name:peer volume:0 replication:" repl      \
        " peer-disk:" peer_disk " out-of-sync:0\n"                                                 \
        "exists -\n"
#define DOWN "exists -\n"
#define IN_STEP(role, peer_role)                                                                   \
        EVENTS(role, "UpToDate", "Connected", peer_role, "Established", "UpToDate")
#define ALONE(role) EVENTS(role, "UpToDate", "Connecting", "Unknown", "Off", "DUnknown")
#define APART(role) EVENTS(role, "UpToDate", "StandAlone", "Unknown", "Off", "DUnknown")
/* A verb's script: what the kernel says from then on. */
#define THEN(events) "cat >\"$D/events\" <<'X'\n" events "X\n"
#define REFUSED(n, why)                                                                            \
        "echo '0: State change failed: (" n ") " why "' >&2\n"                                     \
        "echo \"Command 'drbdsetup-84 primary 0' terminated with exit code 11\" >&2\nexit 11\n"

static char drbd_dir[64], drbd_err[TEXT_LEN];

static void put(const char *name, const char *text, unsigned mode) {
        char path[128];
        FILE *f;

        text_fmt(path, sizeof(path), "%s/%s", drbd_dir, name);
        f = fopen(path, "we");
        ck_assert(f && fputs(text, f) >= 0 && fclose(f) == 0 && chmod(path, mode) == 0);
}

static void drbd_set_up(void) {
        char path[512];

        text_fmt(drbd_dir, sizeof(drbd_dir), "/tmp/hawd-drbd-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(drbd_dir));
        put("drbdsetup", "#!/bin/sh\ncat \"${0%/*}/events\"\n", 0755);
        put("drbdadm",
            "#!/bin/sh\nD=${0%/*}\necho \"$*\" >>\"$D/log\"\n[ ! -e \"$D/on-$1\" ] || . "
            "\"$D/on-$1\"\n",
            0755);
        put("log", "", 0644);
        text_fmt(path, sizeof(path), "%s:/usr/bin:/bin", drbd_dir);
        ck_assert_int_eq(setenv("PATH", path, 1), 0);
        drbd_err[0] = '\0';
}

static void drbd_tear_down(void) {
        char command[128];

        text_fmt(command, sizeof(command), "/bin/rm -rf %s", drbd_dir);
        ck_assert_int_eq(system(command), 0);
}

static void kernel_says(const char *events) {
        put("events", events, 0644);
}

static const char *asked(void) {
        static char log[1024];
        char path[128];
        size_t n;
        FILE *f;

        text_fmt(path, sizeof(path), "%s/log", drbd_dir);
        f = fopen(path, "re");
        ck_assert_ptr_nonnull(f);
        n = fread(log, 1, sizeof(log) - 1, f);
        log[n] = '\0';
        (void)fclose(f);
        return log;
}
