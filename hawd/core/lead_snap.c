/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The leader's decisions about snapshots. Pure. One thing at a time, and only of a guest that runs
 * well:
 *
 * 1 a snapshot that is wanted  2 what was begun to be deleted, a while at a time; the newest one
 * is under the guest's disks and can go only when there is another one over it
 */
#include "hawd/core/priv.h"

struct lead_snap lead_snap(const struct guest *g) {
        const struct guest_snaps *s = g->snaps;
        struct lead_snap next = {.job = JOB_NONE};
        enum snap_way way = SNAP_WAY_NONE;
        char why[TEXT_LEN];
        int i;

        if (!s || (g->state != GUEST_RUNNING &&
                   (g->state != GUEST_PAUSED || g->desired != DESIRED_PAUSED)))
                return next;
        if (s->wish.act == SNAP_ACT_TAKE) {
                next.job = JOB_SNAPSHOT;
                return next;
        }
        i = snaps_due(s, &way);
        if (i < 0)
                return next;
        if (way == SNAP_WAY_OVERLAY) {
                text_fmt(next.take, sizeof(next.take), "base-%" PRIu32, s->next);
                if (!snap_allowed(g, why) || !snap_take_ok(s->list, s->n, next.take, why))
                        next.take[0] = '\0';
                return next;
        }
        next.job = JOB_SNAP_DELETE;
        next.id = s->list[i].id;
        return next;
}

uint32_t lead_snap_key(const struct guest *g) {
        struct lead_snap next = lead_snap(g);

        if (!g->snaps)
                return 0;
        return g->snaps->wish.act == SNAP_ACT_NONE ? next.id
                                                   : g->snaps->wish.id + g->snaps->wish.target;
}

uint32_t lead_known_good(const struct guest *g) {
        const struct guest_snaps *s = g->snaps;
        int i = s ? snap_known_good(s->list, s->n) : -1;
        char why[TEXT_LEN];

        return i >= 0 && snap_rollback_ok(s->list, s->n, (size_t)i, why) ? s->list[i].id : 0;
}
