/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The leader's decisions about replicas: when a guest's disks are copied (anew). Pure.
 */
#include "hawd/core/priv.h"
#include "hawd/core/promote.h"

#define AGAIN_MIN_USEC USEC_PER_MINUTE
#define AGAIN_MAX_USEC (60 * USEC_PER_MINUTE)
#define PROVEN_USEC (10 * USEC_PER_MINUTE) /* in step for so long: the pauses begin anew */

/** struct copying - how often a guest's disks were copied, by this leader */
struct copying {
        uint32_t gid, resyncs;
        uint32_t data; /* P, then */
        uint32_t n;
        bool asked; /* by a person, and not done yet */
        usec_t next;
};

static struct copying *copying(struct core *c, const struct guest *g) {
        struct copying *x = NULL;

        for (size_t i = 0; i < c->n_copyings && !x; i++)
                if (c->copyings[i].gid == g->gid)
                        x = &c->copyings[i];
        if (!x) {
                c->copyings = core_grow(c->copyings, &c->cap_copyings, c->n_copyings,
                                        sizeof(*c->copyings));
                x = &c->copyings[c->n_copyings++];
                *x = (struct copying){.gid = g->gid};
        }
        if (x->resyncs != g->replica.resyncs || x->data != g->replica.data)
                *x = (struct copying){.gid = g->gid,
                                      .resyncs = g->replica.resyncs,
                                      .asked = x->resyncs != g->replica.resyncs,
                                      .data = g->replica.data};
        return x;
}

/* A copy anew gives up the older one: not while the trouble that broke it off may go on, and take
 * the host of the disks next. */
static bool calm(struct core *c, const struct guest *g, const struct copying *x) {
        usec_t due = usec_add(g->replica.since_wall, AGAIN_MIN_USEC);

        if (x->asked ||
            (g->replica.state != REPLICA_BROKEN && g->replica.state != REPLICA_BEHIND) ||
            c->wall >= due || g->replica.since_wall > c->wall)
                return true;
        wake_at(c, usec_add(c->now, due - c->wall));
        return false;
}

/* 1 it runs where its disks are, and is healthy  2 both hosts are online  3 no job, no move and no
 * start from a copy is under way  4 after a pause that doubles */
static bool may_begin(struct core *c, const struct guest *g) {
        const struct host *p = model_host(&c->model, g->replica.data);
        const struct host *r = model_host(&c->model, g->replica.host);

        if (!p || !r || g->host != p->nodeid || g->claims != 1u << (p - c->model.hosts) ||
            g->state != GUEST_RUNNING || g->health != HEALTH_HEALTHY || g->deleting ||
            g->desired != DESIRED_RUNNING || g->recovery.why != END_NONE)
                return false;
        if (p->state != HOST_ONLINE || r->state != HOST_ONLINE || !core_in_group(c, p->nodeid) ||
            !core_in_group(c, r->nodeid))
                return false;
        return g->job_kind == JOB_NONE && g->move_to == 0 && g->promoting == 0;
}

static void lead_copy(struct core *c, struct entry *e, const struct guest *g) {
        struct copying *x = copying(c, g);
        struct op *op;

        if (g->replica.state == REPLICA_IN_STEP) {
                if (c->wall >= usec_add(g->replica.since_wall, PROVEN_USEC))
                        x->n = 0;
                return;
        }
        if (g->replica.state == REPLICA_COPYING || !may_begin(c, g) || !calm(c, g, x))
                return;
        if (c->now < x->next) {
                wake_at(c, x->next);
                return;
        }
        x->next = usec_add(c->now, MIN(AGAIN_MIN_USEC << MIN(x->n, 6u), AGAIN_MAX_USEC));
        x->n++;
        x->asked = false;
        op = entry_add(e, OP_REPLICA_BEGIN);
        op->gid = g->gid;
        op->guest_version = g->version;
        op->wall = c->wall;
        op->host = g->replica.host;
        op->budget_usec = c->config->replica_hold_usec;
}

void lead_replicas(struct core *c, struct entry *e) {
        for (size_t i = 0; i < c->model.n_guests; i++)
                if (replica_wanted(&c->model.guests[i]))
                        lead_copy(c, e, &c->model.guests[i]);
}
