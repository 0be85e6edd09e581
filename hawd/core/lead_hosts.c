/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The leader's decisions about hosts: who is lost, who is back, who must be fenced, by whom. Pure.
 */
#include "fencing/ladder.h"
#include "hawd/core/priv.h"

#define CLOSE_MARGIN_USEC (5 * USEC_PER_SEC) /* over a lost executor's budget, for clock drift */
#define POWER_ON_TRIES 5

static struct op *decide(struct core *c, struct entry *e, enum op_kind kind, const struct host *h) {
        struct op *op = entry_add(e, kind);

        op->host = h->nodeid;
        op->host_version = h->version;
        op->wall = c->wall;
        return op;
}

/* One change of the list of members at a time, alone in its entry, so that any two majorities of
 * neighbouring lists overlap. The first start has no list to overlap with. */
static bool lead_members(struct core *c, struct entry *e) {
        for (size_t i = 0; i < c->n_nodes; i++) {
                struct op *op;

                /* One that was there under another node id comes when that one has gone. */
                if (model_host(&c->model, c->nodes[i].nodeid) ||
                    model_host_named(&c->model, c->nodes[i].name))
                        continue;
                op = entry_add(e, OP_HOST_ADD);
                op->host = c->nodes[i].nodeid;
                op->wall = c->wall;
                text_set(op->name, sizeof(op->name), c->nodes[i].name);
                if (c->model.n_hosts > 0)
                        return true;
        }
        if (e->n_ops || c->n_nodes == 0)
                return e->n_ops > 0;
        for (size_t i = 0; i < c->model.n_hosts; i++) {
                const struct host *h = &c->model.hosts[i];
                bool listed = false;

                for (size_t k = 0; k < c->n_nodes; k++)
                        listed |= c->nodes[k].nodeid == h->nodeid;
                if (listed || core_in_group(c, h->nodeid) || fence_job_open(&c->model, h->nodeid) ||
                    (h->state != HOST_NEW && h->state != HOST_AWAY && h->state != HOST_OFF))
                        continue;
                decide(c, e, OP_HOST_REMOVE, h);
                return true;
        }
        return false;
}

/* Who carries it out: the member that reached the device last, then the others in turn. */
static uint32_t choose_executor(struct core *c, const struct host *h, const char *device,
                                uint32_t tries) {
        const struct device *d = model_device(&c->model, device);
        uint32_t able[HOSTS_MAX], n = 0, first = 0;

        for (size_t i = 0; i < c->model.n_hosts; i++) {
                const struct host *x = &c->model.hosts[i];
                struct peer *p = core_peer(c, x->nodeid);

                if (x->nodeid == h->nodeid || !p || p->ack_epoch != c->number ||
                    (x->state != HOST_ONLINE && x->state != HOST_JOINING &&
                     x->state != HOST_DRAINING && x->state != HOST_MAINTENANCE))
                        continue;
                if (d && d->reached_by == x->nodeid)
                        first = n;
                able[n++] = x->nodeid;
        }
        return n ? able[(first + tries) % n] : 0;
}

/* @tries: for this loss; @loss may be the one that the op before this one makes it. */
static void fence_try(struct core *c, struct entry *e, const struct host *h, uint32_t loss,
                      uint32_t tries, enum fence_kind kind, const struct ladder_step *s) {
        uint32_t executor = choose_executor(c, h, s->devices[0]->name, tries);
        usec_t longest = 0;
        struct op *op;

        if (!executor)
                return;
        op = decide(c, e, OP_FENCE_START, h);
        op->host_version = 0; /* the number of the loss says what it was decided on */
        op->loss = loss;
        op->fence_kind = kind;
        op->executor = executor;
        op->level = s->level;
        for (uint32_t k = 0; k < s->n_devices; k++) {
                text_set(op->devices[k], NAME_LEN, s->devices[k]->name);
                longest = MAX(longest, s->devices[k]->timeout_usec);
        }
        op->n_devices = s->n_devices;
        op->budget_usec = longest;
        text_fmt(op->text, sizeof(op->text), "level %u, try %u, by %s%s", s->level, tries + 1,
                 op->devices[0], s->n_devices > 1 ? " and others" : "");
}

/*
 * 1 not in the group and not in the ring: lost at once
 * 2 not in the group, but its corosync is there, and its hawd announced a stop: unsupervised
 * 3 the same without an announcement (crash): lost after daemon-grace
 */
static void lead_absent(struct core *c, struct entry *e, size_t i) {
        const struct host *h = &c->model.hosts[i];
        struct ladder_step s;
        usec_t due;
        struct op *op;

        if (core_in_group(c, h->nodeid)) {
                c->gone_since[i] = 0;
                return;
        }
        if (h->state == HOST_NEW || h->state == HOST_AWAY || h->state == HOST_LOST ||
            h->state == HOST_FENCING || h->state == HOST_OFF)
                return;
        if (c->gone_since[i] == 0)
                c->gone_since[i] = MAX(c->now, 1);
        due = usec_add(c->gone_since[i], c->config->daemon_grace_usec);
        if (core_in_ring(c, h->nodeid)) {
                if (h->state == HOST_UNSUPERVISED)
                        return;
                if (c->now < due) {
                        wake_at(c, due);
                        return;
                }
        }
        op = decide(c, e, OP_HOST_LOST, h);
        op->wall_last_good = MAX(h->since_wall, c->heard_wall[i]);
        text_set(op->text, sizeof(op->text),
                 core_in_ring(c, h->nodeid)
                         ? "its hawd ended and did not come back within daemon-grace"
                         : "it left the ring");
        if (!fence_job_open(&c->model, h->nodeid) && ladder_next(c->config, h->name, 0, &s) == 0)
                fence_try(c, e, h, h->losses + 1, 0, FENCE_OFF, &s);
}

static void lead_present(struct core *c, struct entry *e, const struct host *h) {
        if (h->state == HOST_JOINING && h->reported && core_in_group(c, h->nodeid) &&
            !fence_job_open(&c->model, h->nodeid))
                decide(c, e, OP_HOST_ONLINE, h);
}

void lead_hosts(struct core *c, struct entry *e) {
        if (lead_members(c, e))
                return;
        for (size_t i = 0; i < c->model.n_hosts; i++) {
                lead_absent(c, e, i);
                lead_present(c, e, &c->model.hosts[i]);
        }
}

/* The pause counts from when this leader saw the try before end. */
static bool pause_over(struct core *c, size_t i, usec_t pause) {
        const struct host *h = &c->model.hosts[i];

        if (c->fence_seen_tries[i] != h->fence_tries) {
                c->fence_seen_tries[i] = h->fence_tries;
                c->fence_next[i] = h->fence_tries ? usec_add(c->now, pause) : 0;
        }
        if (c->now >= c->fence_next[i])
                return true;
        wake_at(c, c->fence_next[i]);
        return false;
}

static void fence_nothing(struct core *c, struct entry *e, const struct host *h) {
        char text[TEXT_LEN];
        struct op *op;

        text_fmt(text, sizeof(text),
                 "has no fence device, so nothing can prove it off: look at it, then hawctl fence "
                 "confirm %s --yes",
                 h->name);
        if (strcmp(h->fence_error, text) == 0)
                return;
        op = decide(c, e, OP_FENCE_WAIT, h);
        text_set(op->text, sizeof(op->text), text);
}

static void lead_fence_host(struct core *c, struct entry *e, size_t i) {
        const struct host *h = &c->model.hosts[i];
        struct ladder_step s;

        if (fence_job_open(&c->model, h->nodeid))
                return;
        if (h->state == HOST_LOST) {
                if (core_in_group(c, h->nodeid) && !h->fence_forced)
                        return; /* it came back: it joins */
                if (ladder_next(c->config, h->name, h->fence_tries, &s) < 0)
                        fence_nothing(c, e, h);
                else if (pause_over(c, i, s.pause_usec))
                        fence_try(c, e, h, h->losses, h->fence_tries, FENCE_OFF, &s);
        } else if (h->state == HOST_OFF && h->power_on_wanted && !core_in_group(c, h->nodeid) &&
                   c->config->after_fence == AFTER_FENCE_ON && h->fence_tries < POWER_ON_TRIES) {
                bool was_on = h->fence_tries > 0 && h->fence_error[0] == '\0';

                if (ladder_next(c->config, h->name, h->fence_tries, &s) == 0 &&
                    pause_over(c, i, was_on ? c->config->fence_check_usec : s.pause_usec))
                        fence_try(c, e, h, h->losses, h->fence_tries, FENCE_ON, &s);
        }
}

/* A job whose executor is gone: its child may still run there until the budget has run out. */
static void lead_orphan(struct core *c, struct entry *e, size_t k) {
        const struct fence_job *j = &c->model.fence_jobs[k];
        usec_t due;
        struct op *op;

        if (c->executor_gone_job[k] != j->id) {
                c->executor_gone_job[k] = j->id;
                c->executor_gone[k] = 0;
        }
        if (core_in_group(c, j->executor)) {
                c->executor_gone[k] = 0;
                return;
        }
        if (c->executor_gone[k] == 0)
                c->executor_gone[k] = MAX(c->now, 1);
        due = usec_add(c->executor_gone[k], usec_add(j->budget_usec, CLOSE_MARGIN_USEC));
        if (c->now < due) {
                wake_at(c, due);
                return;
        }
        op = entry_add(e, OP_FENCE_CLOSE);
        op->job = j->id;
        op->host = j->host;
        op->wall = c->wall;
}

void lead_fencing(struct core *c, struct entry *e) {
        for (size_t k = 0; k < c->model.n_fence_jobs; k++)
                lead_orphan(c, e, k);
        for (size_t i = 0; i < c->model.n_hosts; i++)
                lead_fence_host(c, e, i);
}
