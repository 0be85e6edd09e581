/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest whose disks are a DRBD resource: primary where it starts. 8.4 does not do that by itself.
 */
#include <unistd.h>

#include "hawd/guest/job.h"
#include "replication/driver_drbd.h"

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
