/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger: a guest's snapshots; what is asked for, what became of it. Pure.
 *
 *   wish TAKE:      its host's job ends, or the guest does -> a POINT, and CURRENT over it
 *   wish ROLLBACK:  the guest has ended -> CURRENT over the snapshot; what it leaves is LEFT (S8)
 *
 * A guest that ends while a snapshot of it is wanted may have been switched to the overlay already,
 * or not: both are right when the overlay counts as its disk, and is made if it is not there. The
 * same of one inside of its disks: it may be there already, or is made before the next start.
 */
#include "hawd/core/apply.h"

bool snap_allowed(const struct guest *g, char *why) {
        if (g->desired == DESIRED_IGNORED)
                text_fmt(why, TEXT_LEN, "%s is ignored: hawctl guest start %s", g->spec->name,
                         g->spec->name);
        else if (g->deleting)
                text_fmt(why, TEXT_LEN, "%s is being deleted", g->spec->name);
        else if (g->spec->conf.replica.mode != REPLICA_MODE_NONE)
                text_fmt(why, TEXT_LEN,
                         "%s has a replica, which is of its disk alone: hawctl replica remove %s",
                         g->spec->name, g->spec->name);
        else
                return true;
        return false;
}

static const char *name_of(const struct guest_snaps *s, uint32_t id) {
        int i = snap_find(s->list, s->n, id);

        return i < 0 || !s->list[i].name[0] ? "a snapshot that is gone" : s->list[i].name;
}

/* It works as far as its host can tell; one that was stopped did so until then. */
static bool works(const struct guest *g) {
        if (g->recovery.why != END_NONE || g->incident)
                return false;
        if (g->claims)
                return g->state == GUEST_RUNNING && g->health == HEALTH_HEALTHY;
        return g->state == GUEST_STOPPED && g->recovery.healthy_wall;
}

static struct snapshot *taken(struct ledger *l, struct guest *g, bool good) {
        struct guest_snaps *s = g->snaps;
        struct snapshot *p = snap_taken(s->list, &s->n, s->wish.id, s->wish.name, s->wish.wall);

        p->by_hand = s->wish.by_hand;
        p->good = good;
        s->wish = (struct snap_wish){0};
        s->error[0] = '\0';
        guest_touch(l, g);
        ledger_note(l, NOTE_SNAP_TAKEN, g->host, g, 0, "%s has a snapshot %s%s", g->spec->name,
                    p->name, good ? ", known good" : "");
        return p;
}

static void back_to(struct ledger *l, struct guest *g, size_t i) {
        struct guest_snaps *s = g->snaps;

        do
                text_fmt(s->left, sizeof(s->left), "left-%" PRIu32, s->next++);
        while (snap_find_name(s->list, s->n, s->left) >= 0);
        snap_rolled_back(s->list, &s->n, i, s->next - 1, s->left, l->op->wall);
        s->unmade = true;
        s->trial = s->list[i].id;
        s->incident = g->incident;
        s->wish = (struct snap_wish){0};
        s->error[0] = '\0';
        guest_touch(l, g);
        ledger_note(l, NOTE_SNAP_ROLLED_BACK, g->host, g, g->incident,
                    "%s goes back to its snapshot %s; the disk that it leaves is kept as %s",
                    g->spec->name, s->list[i].name, s->left);
}

void snap_ended(struct ledger *l, struct guest *g) {
        struct guest_snaps *s = g->snaps;
        int i;

        if (!s || g->claims)
                return;
        if (s->wish.act == SNAP_ACT_TAKE) {
                (void)taken(l, g, false);
                s->unmade = true;
        } else if (s->wish.act == SNAP_ACT_ROLLBACK) {
                i = snap_find(s->list, s->n, s->wish.target);
                if (i >= 0)
                        back_to(l, g, (size_t)i);
        }
}

/* Of an op that names a snapshot: the guest and the index, or refused. */
static struct guest *named(struct ledger *l, size_t *ret) {
        struct guest *g = ledger_guest(l);
        int i = g && g->snaps ? snap_find_name(g->snaps->list, g->snaps->n, l->op->name) : -1;
        char why[TEXT_LEN];

        if (!g)
                return NULL;
        if (i < 0)
                ledger_refuse(l, REPLY_USAGE, "%s has no snapshot %s: see hawctl snapshot list %s",
                              g->spec->name, l->op->name, g->spec->name);
        else if (!snap_allowed(g, why))
                ledger_refuse(l, REPLY_USAGE, "%s", why);
        else if (g->snaps->wish.act == SNAP_ACT_ROLLBACK)
                ledger_refuse(l, REPLY_BUSY, "%s is about to go back to %s: try again",
                              g->spec->name, name_of(g->snaps, g->snaps->wish.target));
        else {
                *ret = (size_t)i;
                return g;
        }
        return NULL;
}

/* Return: false with the reason in @why, and what it is for the one who asks. */
static bool take_ok(const struct guest *g, const struct guest_snaps *s, const char *name,
                    enum reply_code *ret, char *why) {
        *ret = REPLY_USAGE;
        if (s->wish.act != SNAP_ACT_NONE) {
                *ret = REPLY_BUSY;
                text_fmt(why, TEXT_LEN, "%s has another snapshot or rollback under way",
                         g->spec->name);
                return false;
        }
        if (s->unmade) {
                text_fmt(why, TEXT_LEN,
                         "%s has not run since its last snapshot or rollback: its disks are as "
                         "they were then",
                         g->spec->name);
                return false;
        }
        return snap_allowed(g, why) && snap_take_ok(s->list, s->n, name, why);
}

static void snap_take(struct ledger *l) {
        const struct op *op = l->op;
        struct guest *g = ledger_guest(l);
        struct guest_snaps *s = g && !g->snaps ? snaps_new() : g ? g->snaps : NULL;
        enum reply_code code;
        char why[TEXT_LEN];

        if (!g)
                return;
        if (!take_ok(g, s, op->name, &code, why)) {
                ledger_refuse(l, code, "%s", why);
                if (!g->snaps)
                        free(s);
                return;
        }
        g->snaps = s;
        if (s->n == 1 && s->list[0].file == 0)
                s->list[0].inside = g->spec->conf.snapshot_kind == SNAPSHOT_INTERNAL;
        s->wish = (struct snap_wish){.act = SNAP_ACT_TAKE,
                                     .id = s->next++,
                                     .by_hand = op->flag,
                                     .good = works(g),
                                     .no_quiesce = op->no_quiesce,
                                     .wall = op->wall};
        text_set(s->wish.name, sizeof(s->wish.name), op->name);
        s->error[0] = '\0';
        if (!op->flag)
                s->taken_wall = op->wall;
        guest_touch(l, g);
        if (g->claims == 0) {
                (void)taken(l, g, s->wish.good);
                s->unmade = true;
        }
}

static void snap_delete(struct ledger *l) {
        size_t i;
        struct guest *g = named(l, &i);
        struct snapshot *x = g ? &g->snaps->list[i] : NULL;
        char why[TEXT_LEN];
        uint32_t over;

        if (!g)
                return;
        if (x->deleting) {
                ledger_refuse(l, REPLY_USAGE, "%s of %s is being deleted already", x->name,
                              g->spec->name);
        } else if (snap_delete_way(g->snaps->list, g->snaps->n, i, &over, why) == SNAP_WAY_NONE) {
                ledger_refuse(l, REPLY_USAGE, "%s", why);
        } else {
                x->deleting = true; /* before the act: nothing goes back to it from now on */
                guest_touch(l, g);
        }
}

static void snap_rollback(struct ledger *l) {
        size_t i;
        struct guest *g = named(l, &i);
        char why[TEXT_LEN];

        if (!g)
                return;
        if (g->snaps->wish.act != SNAP_ACT_NONE) {
                ledger_refuse(l, REPLY_BUSY, "a snapshot of %s is under way: try again",
                              g->spec->name);
                return;
        }
        if (!snap_rollback_ok(g->snaps->list, g->snaps->n, i, why)) {
                ledger_refuse(l, REPLY_USAGE, "%s", why);
                return;
        }
        guest_ladder_anew(g);
        if (g->claims == 0) {
                back_to(l, g, i);
                guest_down(l, g, "it has gone back to a snapshot");
                return;
        }
        g->snaps->wish =
                (struct snap_wish){.act = SNAP_ACT_ROLLBACK, .target = g->snaps->list[i].id};
        guest_touch(l, g);
        ledger_note(l, NOTE_GUEST_DESIRED, g->host, g, 0,
                    "%s is to go back to its snapshot %s, by %s", g->spec->name, l->op->name,
                    l->op->text);
}

bool snap_job_ok(const struct guest *g, enum guest_job_kind kind, uint32_t id) {
        const struct guest_snaps *s = g->snaps;
        char why[TEXT_LEN];
        enum snap_way way;
        uint32_t over;
        int i;

        if (!s || (g->state != GUEST_RUNNING && g->state != GUEST_PAUSED))
                return false;
        if (kind == JOB_SNAPSHOT)
                return s->wish.act == SNAP_ACT_TAKE;
        i = snap_find(s->list, s->n, id);
        if (i < 0 || !s->list[i].deleting)
                return false;
        way = snap_delete_way(s->list, s->n, (size_t)i, &over, why);
        return way == SNAP_WAY_UNLINK || way == SNAP_WAY_COMMIT || way == SNAP_WAY_INSIDE;
}

static void job_failed(struct ledger *l, struct guest *g, const char *what) {
        const struct op *op = l->op;

        text_set(g->snaps->error, sizeof(g->snaps->error), op->text);
        if (op->result == RESULT_FAILED)
                ledger_note(l, NOTE_SNAP_FAILED, op->host, g, 0, "%s: %s: %s", g->spec->name, what,
                            op->text);
}

void snap_job_done(struct ledger *l, struct guest *g, enum guest_job_kind kind) {
        const struct op *op = l->op;
        struct guest_snaps *s = g->snaps;
        char what[TEXT_LEN];
        struct snapshot *x;

        if (!s)
                return;
        if (kind == JOB_SNAPSHOT && s->wish.act == SNAP_ACT_TAKE && op->result == RESULT_DONE) {
                x = taken(l, g, s->wish.good && works(g));
                x->mib = op->snap_mib;
                s->pause_usec = op->pause_usec;
        } else if (kind == JOB_SNAPSHOT) {
                text_fmt(what, sizeof(what), "its snapshot %s is not taken", s->wish.name);
                job_failed(l, g, what);
                /* Of one that has ended, this try or one before may have come so far that it wrote
                 * there: snap_ended() has the answer. */
                if (op->result == RESULT_FAILED && op->seen != SEEN_GONE &&
                    op->seen != SEEN_CRASHED)
                        s->wish = (struct snap_wish){0};
        } else {
                int i = snap_find(s->list, s->n, s->deleted);

                text_fmt(what, sizeof(what), "its snapshot %s is not deleted yet",
                         name_of(s, s->deleted));
                s->deleted = 0;
                if (op->result != RESULT_DONE || i < 0) {
                        job_failed(l, g, what);
                        return;
                }
                ledger_note(l, NOTE_SNAP_DELETED, op->host, g, 0, "%s has no snapshot %s any more",
                            g->spec->name, s->list[i].name);
                for (size_t k = 0; k < s->n; k++)
                        if (s->list[k].parent == s->list[i].id)
                                s->list[k].mib = op->snap_mib;
                snap_deleted(s->list, &s->n, (size_t)i);
                s->error[0] = '\0';
        }
}

bool snap_start_ok(const struct guest *g, uint32_t id) {
        const struct guest_snaps *s = g->snaps;
        int i = s ? snap_find(s->list, s->n, id) : -1;
        char why[TEXT_LEN];

        return i >= 0 && snap_rollback_ok(s->list, s->n, (size_t)i, why);
}

void snap_start(struct ledger *l, struct guest *g, uint32_t id) {
        back_to(l, g, (size_t)snap_find(g->snaps->list, g->snaps->n, id));
}

void snap_failed(struct guest *g, enum end_why why, usec_t wall) {
        struct guest_snaps *s = g->snaps;
        usec_t healthy = g->recovery.healthy_wall;
        int i;

        if (!s)
                return;
        /* A hang was there before it was seen. */
        if (why == END_HANG || why == END_WATCHDOG)
                (void)snap_doubt(s->list, s->n, usec_sub(wall, g->spec->conf.hang_after_usec),
                                 wall);
        i = snap_find(s->list, s->n, s->trial);
        if (i >= 0 && !(healthy && usec_sub(wall, healthy) >= g->spec->conf.healthy_after_usec))
                s->list[i].failed = true;
        s->trial = 0;
}

void snap_outcome(const struct model *m, const struct incident *x, char *text, size_t size) {
        for (size_t k = 0; k < m->n_guests && x->kind == INCIDENT_GUEST; k++) {
                const struct guest *g = &m->guests[k];
                const struct guest_snaps *s = g->snaps;
                size_t len = strlen(text);

                if (g->gid != x->gid || !s || s->incident != x->id)
                        continue;
                text_fmt(text + len, size - len,
                         "; it went back to its snapshot %s, the disk that it left is kept as %s",
                         name_of(s, s->list[snap_current(s->list, s->n)].parent), s->left);
        }
}

void apply_snap_op(struct ledger *l) {
        if (l->op->kind == OP_SNAP_TAKE)
                snap_take(l);
        else if (l->op->kind == OP_SNAP_DELETE)
                snap_delete(l);
        else if (l->op->kind == OP_SNAP_ROLLBACK)
                snap_rollback(l);
}
