/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The leader's decisions about hosts: who is lost, who is back, who must be fenced, by whom. Pure.
 */
#include "fencing/ladder.h"
#include "hawd/core/lease.h"
#include "hawd/core/priv.h"

#define POWER_ON_TRIES 5

static struct op *decide(struct core *c, struct entry *e, enum op_kind kind, const struct host *h) {
        struct op *op = entry_add(e, kind);

        op->host = h->nodeid;
        op->host_version = h->version;
        op->wall = c->wall;
        return op;
}

/* An even split went on without them (lone.c): before anything else, so that it is true after a
 * restart too. */
static bool lead_proven(struct core *c, struct entry *e) {
        for (uint32_t i = 0; i < c->lone.n_proven; i++) {
                const struct proven *p = &c->lone.proven[i];
                const struct host *h = model_host(&c->model, p->nodeid);
                struct op *op;

                if (!h || h->no_vote || (core_in_group(c, h->nodeid) && p->proof != PROOF_GONE))
                        continue;
                op = decide(c, e, OP_HOST_PROVEN, h);
                op->proof = p->proof;
                op->wall_last_good =
                        MAX(h->since_wall, c->heard_wall[model_host_index(&c->model, h->nodeid)]);
                text_set(op->text, sizeof(op->text), p->text);
        }
        return e->n_ops > 0;
}

/* Until the ledger knows it nothing else is decided: it would count them as lost only now. */
static bool proven_unsaid(struct core *c) {
        for (uint32_t i = 0; i < c->lone.n_proven; i++) {
                const struct host *h = model_host(&c->model, c->lone.proven[i].nodeid);

                if (h && !h->no_vote &&
                    (!core_in_group(c, h->nodeid) || c->lone.proven[i].proof == PROOF_GONE))
                        return true;
        }
        return false;
}

static bool in_nodelist(const struct core *c, uint32_t nodeid) {
        for (size_t k = 0; k < c->n_nodes; k++)
                if (c->nodes[k].nodeid == nodeid)
                        return true;
        return false;
}

/* A vote is given to who has stored the ledger of this configuration. It is taken from who is
 * proven off where the ring's own votes follow its members, and from one of two that says that it
 * leaves: the other goes on alone, with nothing to prove. */
static bool lead_votes(struct core *c, struct entry *e) {
        for (size_t i = 0; i < c->model.n_hosts; i++) {
                const struct host *h = &c->model.hosts[i];
                const struct peer *p = core_peer(c, h->nodeid);
                struct op *op;
                /* Another hawd that is here by now has not said so. */
                bool leaves =
                        h->left_announced && (!p || h->incarnation == p->exchange.incarnation);
                bool give = h->no_vote && p && p->ack_epoch == c->number &&
                            in_nodelist(c, h->nodeid) && !leaves;
                bool take = !h->no_vote && ((!p && h->state == HOST_OFF && c->last_man_standing) ||
                                            (leaves && ledger_voters(&c->model) == 2));

                if (!give && !take)
                        continue;
                op = decide(c, e, OP_HOST_VOTE, h);
                op->flag = give;
                return true;
        }
        return false;
}

/* One change of the list of members at a time, alone in its entry, so that any two majorities of
 * neighbouring lists overlap. The first start has no list to overlap with. */
static bool lead_members(struct core *c, struct entry *e) {
        for (size_t i = 0; i < c->n_nodes; i++) {
                struct op *op;

                /* Who waits for a name or for room is told by waiting.c. */
                if (model_host(&c->model, c->nodes[i].nodeid) ||
                    model_host_named(&c->model, c->nodes[i].name) || c->model.n_hosts == HOSTS_MAX)
                        continue;
                op = entry_add(e, OP_HOST_ADD);
                op->host = c->nodes[i].nodeid;
                op->wall = c->wall;
                text_set(op->name, sizeof(op->name), c->nodes[i].name);
                op->flag = c->model.n_hosts > 0;
                if (op->flag)
                        return true;
        }
        if (e->n_ops || c->n_nodes == 0)
                return e->n_ops > 0;
        for (size_t i = 0; i < c->model.n_hosts; i++) {
                const struct host *h = &c->model.hosts[i];

                if (in_nodelist(c, h->nodeid) || core_in_group(c, h->nodeid) ||
                    !host_removable(&c->model, h))
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

                if (x->nodeid == h->nodeid || !p || p->ack_epoch != c->number || !host_present(x))
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

static void look_at(struct core *c, struct entry *e, size_t i, uint32_t loss,
                    const struct ladder_step *s) {
        fence_try(c, e, &c->model.hosts[i], loss, c->fence_looks[i]++, FENCE_LOOK, s);
}

/* Lost and not back yet, the ones of this batch included. */
static uint32_t lost_lately(const struct core *c, const struct entry *e) {
        usec_t since = usec_sub(c->wall, c->config->fence_storm_window_usec);
        uint32_t n = 0;

        for (size_t i = 0; i < c->model.n_hosts; i++) {
                const struct host *h = &c->model.hosts[i];

                n += h->state == HOST_LOST || h->state == HOST_FENCING ||
                     (h->state == HOST_OFF && h->lost_wall >= since);
        }
        for (size_t i = 0; i < e->n_ops; i++)
                n += e->ops[i].kind == OP_HOST_LOST;
        return n;
}

static uint32_t storm_limit(const struct core *c) {
        return c->config->fence_storm_limit ? c->config->fence_storm_limit
                                            : MAX(2, (uint32_t)c->model.n_hosts / 4);
}

static bool storm(const struct core *c, const struct entry *e, const struct host *h) {
        return !h->fence_forced && lost_lately(c, e) > storm_limit(c);
}

static usec_t kdump_until(const struct core *c, size_t i) {
        return c->model.hosts[i].fence_forced
                       ? 0
                       : usec_add(c->gone_since[i], c->config->kdump_wait_usec);
}

/* One whose corosync came back has a hawd that is perhaps about to. */
static usec_t grace_until(const struct core *c, size_t i) {
        const struct host *h = &c->model.hosts[i];
        usec_t since = core_ring_since(c, h->nodeid);

        return since && !h->fence_forced ? usec_add(since, c->config->daemon_grace_usec) : 0;
}

/* One that reads off is proven as ever; nothing is switched while a storm, or kdump, holds it. */
static bool only_look(struct core *c, const struct entry *e, size_t i) {
        return c->now < kdump_until(c, i) || storm(c, e, &c->model.hosts[i]);
}

/*
 * 1 not in the group and not in the ring: lost at once; after a start of the whole cluster when
 *   daemon-grace has passed since
 * 2 not in the group, but its corosync is there, and its hawd announced a stop: unsupervised
 * 3 the same without an announcement (crash): lost after daemon-grace
 * 4 its hawd announced a stop, and its corosync went soon after, as both do when corosync is
 *   restarted: lost daemon-grace after the stop
 */
static void lead_absent(struct core *c, struct entry *e, size_t i) {
        const struct host *h = &c->model.hosts[i];
        usec_t due;
        struct op *op;

        if (core_in_group(c, h->nodeid)) {
                c->gone_since[i] = 0;
                return;
        }
        if (c->gone_since[i] == 0)
                c->gone_since[i] = MAX(c->now, 1);
        if (h->state == HOST_NEW || h->state == HOST_AWAY || h->state == HOST_LOST ||
            h->state == HOST_FENCING || h->state == HOST_OFF)
                return;
        due = usec_add(MAX(c->gone_since[i], core_ring_since(c, h->nodeid)),
                       c->config->daemon_grace_usec);
        if (core_in_ring(c, h->nodeid) && h->state == HOST_UNSUPERVISED)
                return;
        if (!core_in_ring(c, h->nodeid) && h->state != HOST_UNSUPERVISED)
                due = c->cold_until;
        if (c->now < due) {
                wake_at(c, due);
                return;
        }
        op = decide(c, e, OP_HOST_LOST, h);
        op->wall_last_good = MAX(h->since_wall, c->heard_wall[i]);
        text_set(op->text, sizeof(op->text),
                 core_in_ring(c, h->nodeid)
                         ? "its hawd ended and did not come back within daemon-grace"
                 : c->cold_until ? "it did not come back after a start of the whole cluster"
                                 : "it left the ring");
}

/* In the same entry, once it is known how many there are. */
static void fence_new_losses(struct core *c, struct entry *e) {
        size_t n = e->n_ops;

        for (size_t k = 0; k < n; k++) {
                int i = model_host_index(&c->model, e->ops[k].host);
                struct ladder_step s;
                const struct host *h;
                char why[TEXT_LEN];

                if (e->ops[k].kind != OP_HOST_LOST || i < 0)
                        continue;
                h = &c->model.hosts[i];
                c->fence_looks[i] = 0;
                if (fence_job_open(&c->model, h->nodeid) ||
                    level_to_try(&c->model, c->config, h, 0, &s, why, sizeof(why)) < 0)
                        continue;
                if (only_look(c, e, (size_t)i))
                        look_at(c, e, (size_t)i, h->losses + 1, &s);
                else
                        fence_try(c, e, h, h->losses + 1, 0, FENCE_OFF, &s);
        }
}

static bool fenced_too_often(const struct core *c, const struct host *h, char *why, size_t size) {
        uint32_t n = host_fences_since(h, usec_sub(c->wall, c->config->fence_window_usec));
        char window[32];

        if (c->config->fence_limit == 0 || n <= c->config->fence_limit)
                return false;
        format_duration(c->config->fence_window_usec, window, sizeof(window));
        text_fmt(why, size,
                 "fenced %u times within %s (fence-limit %u): find out why, then hawctl host "
                 "release %s",
                 n, window, c->config->fence_limit, h->name);
        return true;
}

static void lead_present(struct core *c, struct entry *e, const struct host *h) {
        char why[TEXT_LEN];
        struct op *op;

        if (h->state != HOST_JOINING || !h->reported || !core_in_group(c, h->nodeid) ||
            fence_job_open(&c->model, h->nodeid))
                return;
        op = decide(c, e, OP_HOST_ONLINE, h);
        op->flag = fenced_too_often(c, h, why, sizeof(why));
        if (op->flag)
                text_set(op->text, sizeof(op->text), why);
}

/* One whose new name is still another's waits until that one has given it up. */
static void lead_name(struct core *c, struct entry *e, const struct host *h) {
        for (size_t i = 0; i < c->n_nodes; i++) {
                struct op *op;

                if (c->nodes[i].nodeid != h->nodeid || strcmp(c->nodes[i].name, h->name) == 0 ||
                    model_host_named(&c->model, c->nodes[i].name))
                        continue;
                op = entry_add(e, OP_HOST_RENAME);
                op->host = h->nodeid;
                op->wall = c->wall;
                text_set(op->name, sizeof(op->name), c->nodes[i].name);
        }
}

/* Who decides is counted anew as soon as such an entry is stored, so it must not be found stale
 * when it is applied: it rests on all that was numbered before it. */
static bool lead_deciders(struct core *c, struct entry *e) {
        if (!log_idle(c))
                return false;
        /* An operator gave up all who voted: somebody must, before the last one goes. */
        if (sync_nobody_votes(c))
                return lead_votes(c, e);
        return lead_proven(c, e) || lead_votes(c, e) || lead_members(c, e);
}

/* Return: true when the entry changes who decides: it is alone in it, and nothing goes with it. */
bool lead_hosts(struct core *c, struct entry *e) {
        if (lead_deciders(c, e) || proven_unsaid(c))
                return true;
        for (size_t i = 0; i < c->model.n_hosts; i++) {
                lead_absent(c, e, i);
                lead_present(c, e, &c->model.hosts[i]);
                lead_name(c, e, &c->model.hosts[i]);
        }
        fence_new_losses(c, e);
        return false;
}

/* The pause counts from when this leader saw the try, or look, before end. */
static bool pause_over(struct core *c, size_t i, usec_t pause) {
        uint32_t tries = c->model.hosts[i].fence_tries + c->fence_looks[i];

        if (c->fence_seen_tries[i] != tries) {
                c->fence_seen_tries[i] = tries;
                c->fence_next[i] = tries ? usec_add(c->now, pause) : 0;
        }
        if (c->now >= c->fence_next[i])
                return true;
        wake_at(c, c->fence_next[i]);
        return false;
}

static void fence_wait(struct core *c, struct entry *e, const struct host *h, const char *text) {
        struct op *op;

        if (strcmp(h->fence_error, text) == 0)
                return;
        op = decide(c, e, OP_FENCE_WAIT, h);
        text_set(op->text, sizeof(op->text), text);
}

static bool storm_said(struct core *c, struct entry *e, const struct host *h) {
        char text[TEXT_LEN], window[32];

        format_duration(c->config->fence_storm_window_usec, window, sizeof(window));
        text_fmt(text, sizeof(text),
                 "not switched off: %u hosts lost within %s, more than fence-storm-limit %u; if "
                 "it is dead: hawctl fence host %s",
                 lost_lately(c, e), window, storm_limit(c), h->name);
        if (strcmp(h->fence_error, text) == 0)
                return true;
        fence_wait(c, e, h, text);
        return false;
}

static void lead_fence_lost(struct core *c, struct entry *e, size_t i) {
        const struct host *h = &c->model.hosts[i];
        bool look = only_look(c, e, i), guarded = storm(c, e, h);
        char text[TEXT_LEN], why[TEXT_LEN];
        struct ladder_step s;
        uint32_t tries;

        if (c->now < grace_until(c, i)) {
                wake_at(c, grace_until(c, i));
                return;
        }
        if (guarded && c->fence_looks[i] && !storm_said(c, e, h))
                return;

        tries = look ? c->fence_looks[i] : h->fence_tries;
        if (level_to_try(&c->model, c->config, h, tries, &s, why, sizeof(why)) < 0) {
                if (h->watchdog_usec && !core_in_group(c, h->nodeid))
                        text_fmt(text, sizeof(text), "%s: its watchdog is waited for", why);
                else
                        text_fmt(text, sizeof(text), NOTHING_PROVES, why, h->name);
                fence_wait(c, e, h, text);
                return;
        }
        if (look && !guarded) /* kdump: its end is waited for, not the ladder's pauses */
                s.pause_usec =
                        MIN(c->config->fence_retry_min_usec, usec_sub(kdump_until(c, i), c->now));
        if (!look && c->fence_looks[i]) { /* no pause between looks holds up the first off */
                c->fence_looks[i] = 0;
                c->fence_next[i] = 0;
                c->fence_seen_tries[i] = h->fence_tries;
        }
        if (!pause_over(c, i, s.pause_usec))
                return;
        if (look)
                look_at(c, e, i, h->losses, &s);
        else
                fence_try(c, e, h, h->losses, tries, FENCE_OFF, &s);
}

/* An off of a job that was called off came after all: one device at a time is switched on again. */
static void lead_on_again(struct core *c, struct entry *e, size_t i) {
        const struct host *h = &c->model.hosts[i];

        for (size_t k = 0; k < c->model.n_devices; k++) {
                const struct device *d = &c->model.devices[k];
                const struct conf_device *x = config_device(c->config, d->name);
                struct ladder_step s = {.devices = {x}, .n_devices = 1};

                if (!x || strcmp(x->host, h->name) != 0 || !fence_on_again(h, d))
                        continue;
                s.level = x->level;
                if (d->on_due > 1)
                        s.pause_usec = c->config->fence_check_usec << (d->on_due - 2);
                if (pause_over(c, i, s.pause_usec))
                        fence_try(c, e, h, h->losses, h->fence_tries, FENCE_ON, &s);
                return;
        }
}

static void lead_fence_host(struct core *c, struct entry *e, size_t i) {
        const struct host *h = &c->model.hosts[i];
        char text[TEXT_LEN];
        struct ladder_step s;

        if (fence_job_open(&c->model, h->nodeid))
                return;
        if (core_in_group(c, h->nodeid))
                lead_on_again(c, e, i);
        if (h->state == HOST_LOST) {
                if (core_in_group(c, h->nodeid) && !h->fence_forced)
                        return; /* it came back: it joins */
                lead_fence_lost(c, e, i);
        } else if (h->state == HOST_OFF && h->power_on_wanted && !core_in_group(c, h->nodeid) &&
                   c->config->after_fence == AFTER_FENCE_ON) {
                bool was_on = h->fence_tries > 0 && h->fence_error[0] == '\0';

                c->fence_looks[i] = 0;
                if (h->fence_tries >= POWER_ON_TRIES && !was_on) {
                        text_fmt(text, sizeof(text),
                                 "not switched on in %d tries, and not tried again: hawctl fence "
                                 "history --host %s says why; switch it on by hand",
                                 POWER_ON_TRIES, h->name);
                        fence_wait(c, e, h, text);
                        return;
                }
                if (fenced_too_often(c, h, text, sizeof(text)))
                        fence_wait(c, e, h, text);
                else if (ladder_next(c->config, h->name, h->fence_tries, &s) == 0 &&
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

static bool same_conf_everywhere(const struct core *c) {
        for (size_t i = 0; i < c->model.n_hosts; i++) {
                const struct host *h = &c->model.hosts[i];

                if (core_in_group(c, h->nodeid) && h->facts.config_hash != c->config->hash)
                        return false;
        }
        return true;
}

/* One that was taken out of hawd.conf would be said to fail for ever, and keep its place. */
static void lead_devices(struct core *c, struct entry *e) {
        if (!same_conf_everywhere(c))
                return;
        for (size_t i = 0; i < c->model.n_devices; i++) {
                const struct device *d = &c->model.devices[i];
                struct op *op;

                if (config_device(c->config, d->name) || !device_idle(&c->model, d))
                        continue;
                op = entry_add(e, OP_DEVICE_FORGET);
                op->host = d->host;
                op->wall = c->wall;
                text_set(op->name, sizeof(op->name), d->name);
                return; /* the next one when this is applied */
        }
}

/*
 * S7: a lost host whose watchdog is armed has been reset when its lease, which nobody has renewed
 * since this configuration of the group began without it, and the watchdog have surely run out. No
 * earlier time will do: it may have been back for a moment, or heard by one who came here since.
 */
static bool lead_lease(struct core *c, struct entry *e, const struct host *h) {
        usec_t length = lease_gone_after(h->lease_usec, h->watchdog_usec);
        usec_t due = usec_add(c->group_since, length);
        char gone[32], lease[32], timeout[32];
        struct op *op;

        if ((h->state != HOST_LOST && h->state != HOST_FENCING) || h->watchdog_usec == 0 ||
            core_in_group(c, h->nodeid))
                return false;
        if (c->now < due) {
                wake_at(c, due);
                return false;
        }
        op = decide(c, e, OP_FENCE_LEASE, h);
        op->loss = h->losses;
        format_duration(length, gone, sizeof(gone));
        format_duration(h->lease_usec, lease, sizeof(lease));
        format_duration(h->watchdog_usec, timeout, sizeof(timeout));
        text_fmt(op->text, sizeof(op->text),
                 "reset by its watchdog: out of the group for %s (lease %s, watchdog %s twice, and "
                 "a tenth)",
                 gone, lease, timeout);
        return true;
}

void lead_fencing(struct core *c, struct entry *e) {
        lead_devices(c, e);
        for (size_t k = 0; k < c->model.n_fence_jobs; k++)
                lead_orphan(c, e, k);
        for (size_t i = 0; i < c->model.n_hosts; i++)
                if (!lead_lease(c, e, &c->model.hosts[i]))
                        lead_fence_host(c, e, i);
}
