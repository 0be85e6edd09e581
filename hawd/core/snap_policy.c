/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/core/snap_policy.h"
#include "snapshots/schedule.h"

struct retention snap_retention(const struct conf_guest *c) {
        return (struct retention){.last = c->snapshot_keep.last,
                                  .hourly = c->snapshot_keep.hourly,
                                  .daily = c->snapshot_keep.daily,
                                  .weekly = c->snapshot_keep.weekly,
                                  .left_usec = c->snapshot_left_usec,
                                  .space_mib = c->snapshot_space_mib};
}

static struct schedule_past past(const struct model *m, const struct guest *g, usec_t wall) {
        usec_t first = g->recovery.healthy_wall ? g->recovery.healthy_wall : wall;
        struct schedule_past p = {.cost = g->snaps ? g->snaps->pause_usec : 0};

        for (size_t i = 0; i < m->n_incidents; i++) {
                const struct incident *x = &m->incidents[i];

                if (x->kind != INCIDENT_GUEST || x->gid != g->gid)
                        continue;
                p.n_failures++;
                first = MIN(first, x->at[STEP_DETECTED]);
        }
        p.up = usec_sub(wall, first);
        return p;
}

usec_t snap_next(const struct model *m, const struct guest *g, usec_t wall) {
        usec_t last = g->snaps ? g->snaps->taken_wall : 0;
        struct schedule_past p;
        struct schedule s;
        char err[TEXT_LEN];

        if (!g->spec->conf.snapshot[0] || schedule_parse(g->spec->conf.snapshot, &s, err) < 0 ||
            s.kind == SCHEDULE_OFF)
                return USEC_INFINITY;
        if (last == 0)
                return wall;
        p = past(m, g, wall);
        return schedule_next(&s, last, wall, &p);
}
