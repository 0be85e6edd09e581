/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest whose disks are a DRBD resource: primary where it starts, which 8.4 does not do by
 * itself, and secondary where it has ended. */
#include <unistd.h>

#include "hawd/base/clock.h"
#include "hawd/guest/job.h"
#include "replication/driver_drbd.h"

#define END_USEC (10 * USEC_PER_SEC)
#define END_SLACK_USEC (2 * USEC_PER_SEC) /* left of the job's own time */

static bool go_on(void *userdata) {
        return job_wanted(userdata);
}

int job_drbd(struct job *j, char *err) {
        struct drbd_driver d = {.deadline = j->deadline, .go_on = go_on, .userdata = j};
        char here[NAME_LEN] = "", why[TEXT_LEN];
        int r;

        (void)gethostname(here, sizeof(here) - 1); /* for the text alone */
        d.here = here;
        r = drbd_take(&d, j->replica.resource, j->peer,
                      j->promote == 0 ? DRBD_TAKE_OWN
                      : j->older      ? DRBD_TAKE_ANYHOW
                                      : DRBD_TAKE_OVER,
                      why);
        if (r < 0)
                text_fmt(err, TEXT_LEN, "DRBD: %.180s", why);
        return r;
}

static bool not_given_up(void *userdata) {
        return !job_stopped(userdata);
}

int job_drbd_end(struct job *j, char *err) {
        usec_t until =
                MIN(usec_add(now_boottime(), END_USEC), usec_sub(j->deadline, END_SLACK_USEC));
        struct drbd_driver d = {.deadline = until, .go_on = not_given_up, .userdata = j};
        char here[NAME_LEN] = "";
        bool equal = false;
        int r;

        if (j->replica.mode != REPLICA_MODE_DRBD)
                return 0;
        (void)gethostname(here, sizeof(here) - 1); /* for the text alone */
        d.here = here;
        /* Who looks at disks as they are closed has it open for a moment. */
        while ((r = drbd_release(&d, j->replica.resource, j->peer, &equal, err)) == -EBUSY &&
               now_boottime() < until && !job_stopped(j))
                job_sleep(j, 200 * USEC_PER_MSEC);
        if (r == 0 && equal)
                j->out.final = j->in_step;
        return r;
}
