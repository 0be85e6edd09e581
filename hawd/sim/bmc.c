/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hawd-fence processes and the BMCs they talk to.
 *
 *   begin -> connected (reads; checks its deadline; sends off or on) -> done (has read again,
 * twice)
 *
 * The process stands still with its host and ends with its power; what a BMC has accepted it does.
 */
#include "hawd/sim/parts.h"

static struct fence_run *run_find(struct sim_host *h, uint64_t seq) {
        for (size_t i = 0; i < h->n_fences; i++)
                if (h->fences[i].seq == seq)
                        return &h->fences[i];
        return NULL;
}

static void run_remove(struct sim_host *h, uint64_t seq) {
        struct fence_run *r = run_find(h, seq);

        if (!r)
                return;
        h->n_fences--;
        memmove(r, r + 1, (size_t)(h->fences + h->n_fences - r) * sizeof(*r));
}

/* ---- results ---- */

static void result(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct event ev = {.kind = EV_FENCE_DONE};

        ev.fence.id = c->a;
        ev.fence.reading = (enum power_reading)(c->b & 0xff);
        ev.fence.switched = c->b >> 8 & 1;
        ev.fence.text = ev.fence.reading == READING_NONE ? "no answer from the BMC in time" : "";
        ev.fence.wall = sim_wall(s, h);
        node_feed(s, h, &ev);
}

static void report(struct sim *s, struct sim_host *h, uint64_t seq, enum power_reading reading) {
        struct fence_run *r = run_find(h, seq);
        uint64_t what;

        if (!r)
                return;
        what = (uint64_t)reading | (uint64_t)r->switched << 8;
        if (r->action != FENCE_ACT_STATUS)
                sim_trace(s, h, "hawd-fence %s %s ends, reads %s",
                          r->action == FENCE_ACT_OFF ? "off" : "on", s->hosts[r->target].name,
                          reading == READING_NONE ? "nothing"
                          : reading == READING_ON ? "on"
                                                  : "off");
        if (!r->reported && h->core)
                sim_at(s, sim_delay(s, 500), OWNER_HAWD, h->index, result, r->id, what);
        run_remove(h, seq);
}

static void killed(struct sim *s, const struct call *c) {
        report(s, &s->hosts[c->host], c->a, READING_NONE);
}

/* ---- the BMC's side ---- */

static bool supplied(const struct sim_host *h) {
        return !h->bmc[0].outlet_off || (h->conf->second == SECOND_SUPPLY && !h->bmc[1].outlet_off);
}

static void switch_off(struct sim *s, const struct call *c) {
        struct sim_host *target = &s->hosts[c->host];

        /* Two ways to switch one supply, or one way each for two. */
        target->bmc[target->conf->second == SECOND_SUPPLY ? c->a : 0].outlet_off = true;
        if (!target->powered || supplied(target))
                return;
        s->stats.fences_off++;
        power_off(s, target);
}

static void switch_on(struct sim *s, const struct call *c) {
        struct sim_host *target = &s->hosts[c->host];

        target->bmc[target->conf->second == SECOND_SUPPLY ? c->a : 0].outlet_off = false;
        power_on(s, target);
}

void bmc_set(struct sim *s, struct sim_host *h, int device, enum bmc_mode mode) {
        struct bmc *b = &h->bmc[device];

        if (h->conf->bmc == BMC_NONE || (device > 0 && h->conf->second == SECOND_NONE))
                mode = BMC_NONE;
        b->mode = mode;
        if (b->lies_since)
                b->lied_until = s->now;
        if (mode != BMC_SAYS_OFF)
                b->lies_since = 0;
        else if (b->lies_since == 0)
                b->lies_since = MAX(s->now, 1);
}

static bool answers(struct sim *s, const struct sim_host *by, const struct fence_run *r) {
        const struct bmc *b = &s->hosts[r->target].bmc[r->device];

        return !by->mgmt_cut && !b->no_power && b->mode != BMC_DEAD && b->mode != BMC_NONE &&
               (b->mode != BMC_FLAP || prng_chance(&s->rng, 50));
}

static bool reads_on(const struct sim *s, const struct fence_run *r) {
        const struct sim_host *t = &s->hosts[r->target];

        if (t->bmc[r->device].mode == BMC_SAYS_OFF)
                return false;
        return t->powered && !(t->conf->second == SECOND_SUPPLY && t->bmc[r->device].outlet_off);
}

static void check_fence(struct sim *s, struct sim_host *h, const struct fence_run *r) {
        const struct model *m = core_model(h->core);
        uint32_t nodeid = s->hosts[r->target].nodeid;
        struct core_status st;

        core_status(h->core, &st);
        if (st.split && st.ring_quorate) /* half of the voters go on by proof, not by the ledger */
                return;

        for (size_t i = 0; i < m->n_fence_jobs; i++) {
                const struct fence_job *j = &m->fence_jobs[i];

                if (j->host == nodeid && j->executor == h->nodeid && j->kind == FENCE_OFF)
                        return;
        }
        sim_violate(s, "S4", "%s switches %s off, and its ledger has no job for it", h->name,
                    s->hosts[r->target].name);
}

/* ---- hawd-fence ---- */

static void done(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct fence_run *r = run_find(h, c->a);

        if (!r || !answers(s, h, r))
                return; /* until its time-out */
        report(s, h, c->a, reads_on(s, r) ? READING_ON : READING_OFF);
}

static void send_command(struct sim *s, struct sim_host *h, struct fence_run *r) {
        struct sim_host *t = &s->hosts[r->target];
        bool off = r->action == FENCE_ACT_OFF;
        usec_t f = s->conf->fence_usec;

        if (off)
                truth_switch_off(s, h, r->target);
        r->switched = true;
        sim_trace(s, h, "hawd-fence sends %s to the BMC of %s", off ? "off" : "on", t->name);
        if (t->bmc[r->device].mode == BMC_LYING)
                return;
        f = prng_range(&s->rng, f / 10, f * 6 / 10);
        if (t->bmc[r->device].mode == BMC_SLOW)
                f = s->conf->calm              ? s->conf->fence_usec * 4
                    : prng_chance(&s->rng, 50) ? f * 4
                                               : prng_range(&s->rng, 1, 30) * USEC_PER_SEC;
        sim_at(s, f, OWNER_WORLD, t->index, off ? switch_off : switch_on, (uint64_t)r->device, 0);
}

static void connected(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct fence_run *r = run_find(h, c->a);
        bool wanted;

        if (!r || !answers(s, h, r))
                return;
        wanted = reads_on(s, r) == (r->action == FENCE_ACT_ON);
        if (r->action == FENCE_ACT_STATUS || wanted) {
                sim_at(s, sim_delay(s, 20 * USEC_PER_MSEC), OWNER_HOST, h->index, done, c->a, 0);
                return;
        }
        if (r->cancelled || (r->deadline && sim_boottime(s, h) > r->deadline)) {
                sim_trace(s, h, "hawd-fence is past its deadline: does nothing");
                report(s, h, c->a, READING_NONE);
                return;
        }
        send_command(s, h, r);
        sim_at(s, s->conf->fence_usec, OWNER_HOST, h->index, done, c->a, 0);
}

/* A hawd.conf that differs may not have it. */
static void unknown_device(struct sim *s, struct sim_host *h, uint64_t id) {
        sim_at(s, 1, OWNER_HAWD, h->index, result, id, READING_NONE);
}

void bmc_begin(struct sim *s, struct sim_host *h, const struct action *a) {
        const struct conf_device *d = config_device(node_conf(s, h), a->fence.device);
        int target = d ? sim_host_index(s, d->host) : -1;
        usec_t connect = sim_delay(s, 40 * USEC_PER_MSEC);
        struct fence_run *r;

        if (target < 0) {
                unknown_device(s, h, a->fence.id);
                return;
        }
        if (h->n_fences == h->cap_fences) {
                h->cap_fences = h->cap_fences ? 2 * h->cap_fences : 8;
                h->fences = xreallocarray(h->fences, h->cap_fences, sizeof(h->fences[0]));
        }
        r = &h->fences[h->n_fences++];
        *r = (struct fence_run){.seq = ++s->next_id,
                                .id = a->fence.id,
                                .target = target,
                                .begun = s->now,
                                .device = strncmp(d->name, "bmc2-", 5) == 0,
                                .action = a->fence.action,
                                .deadline = a->fence.deadline_usec};
        if (s->hosts[target].bmc[r->device].mode == BMC_SLOW)
                connect += prng_range(&s->rng, 2, 30) * USEC_PER_SEC;
        if (r->action != FENCE_ACT_STATUS)
                sim_trace(s, h, "hawd-fence %s %s begins",
                          r->action == FENCE_ACT_OFF ? "off" : "on", s->hosts[target].name);
        if (r->action == FENCE_ACT_OFF)
                check_fence(s, h, r);
        sim_at(s, connect, OWNER_HOST, h->index, connected, r->seq, 0);
        sim_at(s, a->fence.timeout_usec ? a->fence.timeout_usec : 20 * USEC_PER_SEC, OWNER_HOST,
               h->index, killed, r->seq, 0);
}

static void cancelled(struct sim *s, const struct call *c) {
        report(s, &s->hosts[c->host], c->a, READING_NONE);
}

void bmc_cancel(struct sim *s, struct sim_host *h, uint64_t id) {
        for (size_t i = 0; i < h->n_fences; i++) {
                struct fence_run *r = &h->fences[i];

                if (r->id != id || r->cancelled)
                        continue;
                r->cancelled = true;
                sim_at(s, sim_delay(s, 5 * USEC_PER_MSEC), OWNER_HOST, h->index, cancelled, r->seq,
                       0);
        }
}

/* They end with hawd (PR_SET_PDEATHSIG); what a BMC was told before, it does. */
void bmc_hawd_gone(struct sim_host *h) {
        h->n_fences = 0;
}

/* Could one of them that began before @before still switch @target off? */
const struct sim_host *bmc_may_switch_off(const struct sim *s, int target, usec_t before) {
        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct sim_host *h = &s->hosts[i];

                for (size_t k = 0; k < h->n_fences; k++) {
                        const struct fence_run *r = &h->fences[k];

                        if (r->target == target && r->action == FENCE_ACT_OFF &&
                            r->begun < before && !r->cancelled && !r->switched &&
                            (!r->deadline || sim_boottime(s, h) <= r->deadline))
                                return h;
                }
        }
        return NULL;
}
