/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs: driver */
/*
 * drbdprobe HERE VERB RESOURCE [ARGUMENT...]: the driver of DRBD by itself, on the host HERE.
 *
 *   look RESOURCE PEER                   "STATE ROLE BEHIND-KIB may-promote|may-not", and the text
 *   take RESOURCE PEER own|over|anyhow   release RESOURCE PEER ("equal" or "differs")
 *   up, rely, connect, discard, disconnect RESOURCE
 *
 * Ends with 1 and the cause on standard error; calls have DRBDPROBE_SEC seconds (60).
 */
#include <stdio.h>

#include "hawd/base/clock.h"
#include "replication/driver_drbd.h"

static char err[TEXT_LEN];

static int look(const struct drbd_driver *d, const char *resource, const char *peer) {
        static const char *const roles[] = {"unknown", "primary", "secondary"};
        struct drbd_status s;
        struct drbd_verdict v;
        int r = drbd_look(d, resource, &s, err);

        if (r < 0)
                return r;
        drbd_judge(&s, d->here, peer, &v);
        printf("%s %s %" PRIu64 " %s\n%s\n%s\n", drbd_state_name(v.state), roles[s.role],
               v.behind_kib, v.may_promote ? "may-promote" : "may-not", v.text, v.mend);
        return 0;
}

static int take(const struct drbd_driver *d, const char *resource, const char *peer,
                const char *how) {
        return drbd_take(d, resource, peer,
                         strcmp(how, "own") == 0    ? DRBD_TAKE_OWN
                         : strcmp(how, "over") == 0 ? DRBD_TAKE_OVER
                                                    : DRBD_TAKE_ANYHOW,
                         err);
}

static int release(const struct drbd_driver *d, const char *resource, const char *peer) {
        bool equal = false;
        int r = drbd_release(d, resource, peer, &equal, err);

        if (r == 0)
                printf("%s\n", equal ? "equal" : "differs");
        return r;
}

int main(int argc, char **argv) {
        const char *sec = getenv("DRBDPROBE_SEC");
        struct drbd_driver d = {.here = argc > 1 ? argv[1] : "",
                                .deadline = now_boottime() +
                                            (sec ? strtoull(sec, NULL, 10) : 60) * USEC_PER_SEC};
        const char *verb = argc > 3 ? argv[2] : "", *resource = argc > 3 ? argv[3] : "";
        int r = -EINVAL;

        text_set(err, sizeof(err), "what? see tests/lab/drbdprobe.c");
        if (strcmp(verb, "look") == 0 && argc == 5)
                r = look(&d, resource, argv[4]);
        else if (strcmp(verb, "take") == 0 && argc == 6)
                r = take(&d, resource, argv[4], argv[5]);
        else if (strcmp(verb, "release") == 0 && argc == 5)
                r = release(&d, resource, argv[4]);
        else if (strcmp(verb, "up") == 0)
                r = drbd_up(&d, resource, err);
        else if (strcmp(verb, "rely") == 0)
                r = drbd_rely(&d, resource, err);
        else if (strcmp(verb, "connect") == 0)
                r = drbd_connect(&d, resource, false, err);
        else if (strcmp(verb, "discard") == 0)
                r = drbd_connect(&d, resource, true, err);
        else if (strcmp(verb, "disconnect") == 0)
                r = drbd_disconnect(&d, resource, err);
        if (r < 0)
                (void)fprintf(stderr, "%s\n", err);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
