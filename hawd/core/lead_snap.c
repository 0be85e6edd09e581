/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The leader's decisions about snapshots. Pure. One thing at a time, and only of a guest that runs
 * well:
 *
 * 1 a snapshot that is wanted  2 what was begun to be deleted, a while at a time; the newest one
 * is under the guest's disks and can go only when there is another one over it  3 one that is due
 * by its schedule  4 the first that retention lets go
 *
 * 3 and 4 are looked for now and then, and spread: each costs its storage something.
 */
#include "hawd/core/priv.h"
#include "hawd/core/snap_policy.h"

#define LOOK_USEC (5 * USEC_PER_SEC)
#define TAKES_MAX 4     /* begun in one look */
#define DELETIONS_MAX 2 /* under way in the cluster */

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

static bool may_take(const struct guest *g, const char *name) {
        const struct guest_snaps *s = g->snaps;
        char why[TEXT_LEN];

        if (g->state != GUEST_RUNNING || g->health != HEALTH_HEALTHY || g->incident ||
            g->recovery.why != END_NONE || g->job_kind != JOB_NONE || !snap_allowed(g, why))
                return false;
        return !s || (s->wish.act == SNAP_ACT_NONE && !s->unmade &&
                      snap_take_ok(s->list, s->n, name, why));
}

static struct op *decide(struct core *c, struct entry *e, enum op_kind kind, const struct guest *g,
                         const char *name) {
        struct op *op = entry_add(e, kind);

        op->gid = g->gid;
        op->guest_version = g->version;
        op->wall = c->wall;
        text_set(op->name, sizeof(op->name), name);
        return op;
}

/* Return: was one begun? */
static bool take_due(struct core *c, struct entry *e, const struct guest *g) {
        char name[NAME_LEN];

        text_fmt(name, sizeof(name), "auto-%" PRIu32, g->snaps ? g->snaps->next : 2u);
        if (snap_next(&c->model, g, c->wall) > c->wall || !may_take(g, name))
                return false;
        (void)decide(c, e, OP_SNAP_TAKE, g, name);
        return true;
}

/* The newest is not deleted by itself: that would need another one over it first. */
static bool let_go(struct core *c, struct entry *e, const struct guest *g) {
        const struct retention r = snap_retention(&g->spec->conf);
        struct retention_verdict v[SNAPSHOTS_MAX];
        const struct guest_snaps *s = g->snaps;
        char why[TEXT_LEN];
        uint32_t over;
        int i;

        if (!snap_allowed(g, why) || s->wish.act != SNAP_ACT_NONE)
                return false;
        (void)retention_judge(&r, s->list, s->n, c->wall, v);
        for (size_t k = 0; k < s->n; k++)
                if (v[k].go && !s->list[k].deleting &&
                    snap_delete_way(s->list, s->n, k, &over, why) == SNAP_WAY_OVERLAY)
                        v[k].go = false;
        i = retention_first(s->list, s->n, v);
        if (i < 0 || s->list[i].deleting)
                return false;
        text_set(decide(c, e, OP_SNAP_DELETE, g, s->list[i].name)->text, TEXT_LEN,
                 retention_why_text(v[i].why));
        return true;
}

static bool is_deleting(const struct guest *g) {
        for (size_t i = 0; g->snaps && i < g->snaps->n; i++)
                if (g->snaps->list[i].deleting)
                        return true;
        return false;
}

void lead_snapshots(struct core *c, struct entry *e) {
        size_t takes = 0, deletions = 0;
        bool any = false;

        if (c->now < c->snap_look) {
                wake_at(c, c->snap_look);
                return;
        }
        for (size_t i = 0; i < c->model.n_guests; i++)
                deletions += is_deleting(&c->model.guests[i]);
        for (size_t i = 0; i < c->model.n_guests; i++) {
                const struct guest *g = &c->model.guests[i];
                bool scheduled = snap_next(&c->model, g, c->wall) != USEC_INFINITY;

                any |= scheduled || snaps_many(g->snaps);
                if (scheduled && takes < TAKES_MAX && take_due(c, e, g))
                        takes++;
                else if (snaps_many(g->snaps) && deletions < DELETIONS_MAX && !is_deleting(g) &&
                         let_go(c, e, g))
                        deletions++;
        }
        c->snap_look = usec_add(c->now, any ? LOOK_USEC : 0);
        if (any)
                wake_at(c, c->snap_look);
}
