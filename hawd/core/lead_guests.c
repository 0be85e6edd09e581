/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The leader's decisions about guests: what starts, where and in which order; what stops. Pure.
 */
#include <stdio.h>

#include "hawd/core/lease.h"
#include "hawd/core/plan.h"
#include "hawd/core/priv.h"
#include "hawd/core/promote.h"

#define RETRY_MIN_USEC (10 * USEC_PER_SEC)
#define RETRY_MAX_USEC (5 * USEC_PER_MINUTE)

static struct op *decide(struct core *c, struct entry *e, enum op_kind kind,
                         const struct guest *g) {
        struct op *op = entry_add(e, kind);

        op->gid = g->gid;
        op->guest_version = g->version;
        op->wall = c->wall;
        return op;
}

/* What somebody wants anew is tried at once; what failed anew rests first, by how often it did. */
static struct retry retry_new(struct core *c, const struct guest *g, uint64_t wish) {
        uint32_t failures = g->recovery.why ? g->recovery.failures + g->recovery.resumes : 0;

        return (struct retry){
                .gid = g->gid,
                .wish = wish,
                .rest = usec_add(c->now, recovery_pause(failures, c->seed ^ g->gid)),
        };
}

static struct retry *retry_get(struct core *c, const struct guest *g) {
        uint64_t wish = (uint64_t)g->desired | (uint64_t)g->deleting << 3 |
                        (uint64_t)g->move_to << 4 |
                        (uint64_t)(g->recovery.failures + g->recovery.resumes) << 36;

        wish ^= (uint64_t)lead_snap_key(g) << 44;
        for (size_t i = 0; i < c->n_retries; i++) {
                if (c->retries[i].gid != g->gid)
                        continue;
                if (c->retries[i].wish != wish)
                        c->retries[i] = retry_new(c, g, wish);
                return &c->retries[i];
        }
        c->retries = core_grow(c->retries, &c->cap_retries, c->n_retries, sizeof(*c->retries));
        c->retries[c->n_retries] = retry_new(c, g, wish);
        return &c->retries[c->n_retries++];
}

/* True when the pause after the last failure is over; the pause doubles with each use. */
static bool retry_due(struct core *c, const struct guest *g) {
        struct retry *r = retry_get(c, g);

        if (r->next && c->now < r->next) {
                wake_at(c, r->next);
                return false;
        }
        return true;
}

static bool rested(struct core *c, const struct guest *g) {
        const struct retry *r = retry_get(c, g);

        if (c->now < r->rest)
                wake_at(c, r->rest);
        return c->now >= r->rest;
}

static void retry_later(struct core *c, const struct guest *g) {
        struct retry *r = retry_get(c, g);
        usec_t pause = RETRY_MIN_USEC << MIN(r->n, 5u);

        r->n++;
        r->next = usec_add(c->now, MIN(pause, RETRY_MAX_USEC));
        wake_at(c, r->next);
}

static void retry_forget(struct core *c, uint32_t gid) {
        for (size_t i = 0; i < c->n_retries; i++)
                if (c->retries[i].gid == gid) {
                        c->retries[i] = c->retries[--c->n_retries];
                        return;
                }
}

void pass_over_silent(const struct core *c, struct plan *p) {
        for (size_t i = 0; i < c->model.n_hosts; i++) {
                usec_t heard;
                const struct heartbeat *hb = core_heartbeat(c, c->model.hosts[i].nodeid, &heard);

                if (core_operational(c) && !core_in_group(c, c->model.hosts[i].nodeid) &&
                    !p->hosts[i].unusable)
                        p->hosts[i].unusable = "it is not here";
                if (hb && !hb->libvirt_ok && !p->hosts[i].unusable)
                        p->hosts[i].unusable = "its libvirt does not answer";
                if (hb && hb->store_error[0] && !p->hosts[i].unusable)
                        p->hosts[i].unusable = "its disk does not store the ledger";
                if (hb) /* before it was so for long enough to be degraded */
                        plan_ails(p, (uint32_t)i, hb->ills);
        }
}

/* The host that holds the only claim, if it can be told what to do; or NULL. */
static const struct host *holder(struct core *c, const struct guest *g) {
        for (size_t i = 0; i < c->model.n_hosts; i++)
                if (g->claims == (1u << i)) {
                        const struct host *h = &c->model.hosts[i];

                        return host_present(h) && h->state != HOST_JOINING ? h : NULL;
                }
        return NULL;
}

/* At once, and after a growing pause when it is still to be done: one that failed, or that never
 * began since libvirt does not answer, would do so again. */
static struct op *job(struct core *c, struct entry *e, const struct guest *g, const struct host *h,
                      enum guest_job_kind kind, const char *why) {
        struct op *op;

        if (!retry_due(c, g))
                return NULL;
        retry_later(c, g);
        op = decide(c, e, OP_GUEST_JOB, g);
        op->host = h->nodeid;
        op->job_kind = kind;
        text_set(op->text, sizeof(op->text), why);
        return op;
}

static void give_reason(struct core *c, struct entry *e, const struct guest *g,
                        enum guest_state state, const char *text) {
        struct op *op;

        bool paused = g->state == GUEST_PAUSED && g->recovery.why == END_IO_ERROR;

        if ((g->state == state || paused) && strcmp(g->reason, text) == 0)
                return;
        if (g->state != GUEST_FAILED && g->state != GUEST_BLOCKED && !paused)
                return;
        op = decide(c, e, OP_GUEST_REASON, g);
        op->guest_state = state;
        text_set(op->text, sizeof(op->text), text);
}

/* With a watchdog nobody has to do anything, but may. */
static void not_proven(const struct host *h, char text[TEXT_LEN]) {
        char whole[32];

        if (!lease_gone_text(h, whole, sizeof(whole))) {
                text_fmt(text, TEXT_LEN,
                         "%s is lost and not proven off (hawctl host show %s says why); mend its "
                         "fence device, or make sure it is off: hawctl fence confirm %s --yes",
                         h->name, h->name, h->name);
                return;
        }
        text_fmt(text, TEXT_LEN,
                 "%s is lost and not proven off (hawctl host show %s); its watchdog does that %s "
                 "after it left; or make sure, and hawctl fence confirm %s --yes",
                 h->name, h->name, whole, h->name);
}

/* A guest whose claim is held by a host that is not proven off: say what it waits for (L2). */
static void waits_for_proof(struct core *c, struct entry *e, const struct guest *g) {
        char text[TEXT_LEN];

        for (size_t i = 0; i < c->model.n_hosts; i++) {
                const struct host *h = &c->model.hosts[i];

                if (!(g->claims & (1u << i)) || (h->state != HOST_LOST && h->state != HOST_FENCING))
                        continue;
                if (h->fence_error[0] == '\0')
                        return;
                not_proven(h, text);
                give_reason(c, e, g, GUEST_BLOCKED, text);
                return;
        }
}

/* Of one with a replica: it moves to that only, and without a loss. */
static bool copy_is_there(struct core *c, const struct guest *g, struct place_result *r) {
        const struct replica *copy = &g->replica;

        if (!replica_wanted(g) || g->move_to == copy->data)
                return true;
        if (g->move_to == copy->host && replica_equal(g))
                return true;
        text_fmt(r->why, sizeof(r->why), "its disks are on %.64s, and its copy on %.64s is %s",
                 model_host_name(&c->model, copy->data), model_host_name(&c->model, copy->host),
                 replica_state_name(copy->state));
        return false;
}

/* Stopped only when it can start on the target: a rule or too little room calls the move off. */
static void lead_move(struct core *c, struct entry *e, const struct guest *g,
                      const struct host *h) {
        int target = model_host_index(&c->model, g->move_to);
        uint32_t gi = (uint32_t)(g - c->model.guests);
        struct place_result r = {.why = "its target is no host of the cluster any more"};
        struct plan plan;
        struct op *op;
        bool ok;

        plan_init(&plan, &c->model, c->config);
        pass_over_silent(c, &plan);
        ok = target >= 0 && plan_place_on(&plan, gi, (uint32_t)target, &r) == PLACE_OK &&
             copy_is_there(c, g, &r);
        plan_free(&plan);
        if (ok) {
                (void)job(c, e, g, h, JOB_STOP, "moves to another host");
                return;
        }
        op = decide(c, e, OP_GUEST_MOVE, g);
        text_set(op->text, sizeof(op->text), r.why);
}

/* PEERS 16: guests of several hosts at once: the storage is gone for all, and moving helps nobody.
 */
static bool others_have_io_errors(const struct core *c, const struct guest *g) {
        for (size_t i = 0; i < c->model.n_guests; i++) {
                const struct guest *x = &c->model.guests[i];

                if (x->recovery.why == END_IO_ERROR && x->claims && x->host != g->host)
                        return true;
        }
        return false;
}

/* Has the host of its copy room for it? */
static bool on_copy(struct core *c, struct plan *p, uint32_t gi, struct place_result *ret) {
        int host = model_host_index(&c->model, c->model.guests[gi].replica.host);

        return host >= 0 && plan_place_on(p, gi, (uint32_t)host, ret) == PLACE_OK;
}

/* Could it start on another host, by its policy too? */
static bool relocatable(struct core *c, const struct guest *g, char why[TEXT_LEN]) {
        bool excluded[HOSTS_MAX] = {false};
        struct recovery_case there = {.here = false};
        struct place_result r;
        enum rung rung;
        struct plan plan;

        for (size_t i = 0; i < c->model.n_hosts; i++)
                excluded[i] = (g->claims | g->tried) >> i & 1;
        plan_init(&plan, &c->model, c->config);
        pass_over_silent(c, &plan);
        if (g->spec->conf.replica.mode == REPLICA_MODE_NONE)
                there.elsewhere = place_guest(&plan.problem, (uint32_t)(g - c->model.guests),
                                              excluded, &r) == PLACE_OK;
        else
                there.replica = g->replica.state == REPLICA_IN_STEP &&
                                on_copy(c, &plan, (uint32_t)(g - c->model.guests), &r);
        plan_free(&plan);
        switch (recovery_next(&g->spec->conf, &g->recovery, &there, c->wall, &rung)) {
        case RECOVERY_TAKE:
                return true;
        case RECOVERY_WAIT:
                text_set(why, TEXT_LEN, "no other host can take it");
                return false;
        case RECOVERY_END:
                break;
        }
        text_set(why, TEXT_LEN, "its recovery has no relocate left");
        return false;
}

/*
 * 1 resumed, again and again with growing pauses: QEMU does anew what had failed  2 relocated when
 * that was in vain, unless guests of other hosts have I/O errors too  3 it stays paused, and says
 * so
 */
static void lead_io_error(struct core *c, struct entry *e, const struct guest *g,
                          const struct host *h) {
        char text[TEXT_LEN], why[TEXT_LEN];

        if (g->recovery.resumes >= IO_RESUMES) {
                if (others_have_io_errors(c, g)) {
                        text_set(why, sizeof(why), "guests of other hosts have I/O errors too");
                } else if (relocatable(c, g, why)) {
                        (void)job(c, e, g, h, JOB_SETTLE,
                                  "I/O error: its storage did not come back");
                        return;
                }
                text_fmt(text, sizeof(text),
                         "paused by an I/O error of its disk on %.60s; resumed with growing pauses "
                         "until its storage answers: mend that; not relocated: %.80s",
                         h->name, why);
                give_reason(c, e, g, GUEST_PAUSED, text);
        }
        if (rested(c, g))
                (void)job(c, e, g, h, JOB_RESUME, "its disk is tried again");
}

/* Return: is there anything to do about its snapshots? */
static bool lead_disks(struct core *c, struct entry *e, const struct guest *g,
                       const struct host *h) {
        struct lead_snap next = lead_snap(g);
        struct op *op;

        if (next.job != JOB_NONE) {
                op = job(c, e, g, h, next.job, "its snapshots");
                if (op)
                        op->snap = next.id;
        } else if (next.take[0]) {
                op = decide(c, e, OP_SNAP_TAKE, g);
                text_set(op->name, sizeof(op->name), next.take);
        }
        return next.job != JOB_NONE;
}

/* One with a claim on an online host: what is wanted against what is. */
static void lead_held(struct core *c, struct entry *e, const struct guest *g,
                      const struct host *h) {
        bool unsettled = g->state == GUEST_FAILED || g->state == GUEST_BLOCKED ||
                         g->state == GUEST_STARTING || g->state == GUEST_STOPPING;

        if (unsettled) {
                (void)job(c, e, g, h, JOB_SETTLE, "its last job's end is unknown");
        } else if (g->deleting || g->desired == DESIRED_STOPPED) {
                (void)job(c, e, g, h, JOB_STOP, g->deleting ? "to be deleted" : "wanted stopped");
        } else if (g->snaps && g->snaps->wish.act == SNAP_ACT_ROLLBACK) {
                (void)job(c, e, g, h, JOB_STOP, "goes back to a snapshot");
        } else if (g->move_to && g->move_to != h->nodeid) {
                lead_move(c, e, g, h);
        } else if (g->desired == DESIRED_PAUSED && g->state == GUEST_RUNNING) {
                (void)job(c, e, g, h, JOB_PAUSE, "wanted paused");
        } else if (g->desired == DESIRED_RUNNING && g->recovery.why == END_IO_ERROR &&
                   g->state == GUEST_PAUSED) {
                lead_io_error(c, e, g, h);
        } else if (g->desired == DESIRED_RUNNING && g->state == GUEST_PAUSED) {
                (void)job(c, e, g, h, JOB_RESUME, "wanted running");
        } else if (g->recovery.why == END_NONE && !lead_disks(c, e, g, h)) {
                retry_forget(c, g->gid);
        }
}

/* 13 of PEERS: B starts when A is reachable, not when A was started. */
static const char *waits_for(struct core *c, const struct guest *g) {
        for (uint32_t i = 0; i < g->spec->n_after; i++) {
                const struct guest *on = model_guest_named(&c->model, g->spec->after[i]);

                if (on && on->desired != DESIRED_IGNORED &&
                    (on->state != GUEST_RUNNING || on->health != HEALTH_HEALTHY ||
                     !holder(c, on))) /* its host may not have reported yet */
                        return g->spec->after[i];
        }
        return NULL;
}

static bool wants_start(const struct guest *g) {
        return g->claims == 0 && g->job_kind == JOB_NONE && !g->deleting &&
               (g->desired == DESIRED_RUNNING || g->desired == DESIRED_PAUSED);
}

/* By priority, then the larger one, then the older one: a total order. */
static bool before(const struct guest *a, const struct guest *b) {
        if (a->spec->conf.priority != b->spec->conf.priority)
                return a->spec->conf.priority > b->spec->conf.priority;
        if (a->spec->memory_mib != b->spec->memory_mib)
                return a->spec->memory_mib > b->spec->memory_mib;
        return a->gid < b->gid;
}

static size_t candidates(struct core *c, struct entry *e, uint32_t *ret) {
        size_t n = 0;

        for (size_t i = 0; i < c->model.n_guests; i++) {
                const struct guest *g = &c->model.guests[i];
                const char *on;
                char text[TEXT_LEN];
                size_t k;

                if (!wants_start(g))
                        continue;
                on = waits_for(c, g);
                if (on) {
                        text_fmt(text, sizeof(text), "waits for %s to be healthy (after = %s)", on,
                                 on);
                        give_reason(c, e, g, GUEST_FAILED, text);
                        continue;
                }
                for (k = n++; k > 0 && before(g, &c->model.guests[ret[k - 1]]); k--)
                        ret[k] = ret[k - 1];
                ret[k] = (uint32_t)i;
        }
        return n;
}

/* By @rung, or by none; if there is a slot. */
static bool start(struct core *c, struct entry *e, struct plan *p, uint32_t gi,
                  const struct place_result *r, enum rung rung, bool again) {
        const struct guest *g = &c->model.guests[gi];
        const struct host *h = &c->model.hosts[r->host];
        struct op *op;

        if (!plan_slot(p, r->host, c->config)) {
                give_reason(c, e, g, GUEST_FAILED, "waits for a start slot");
                return false;
        }
        place_charge(&p->problem, gi, r->host);
        op = decide(c, e, OP_GUEST_START, g);
        op->host = h->nodeid;
        op->host_version = h->version;
        op->rung = rung;
        op->flag = again;
        if (rung == RUNG_ROLLBACK)
                op->snap = lead_known_good(g);
        if (h->nodeid == g->replica.host)
                op->serial = g->replica.serial;
        if (rung == RUNG_NONE)
                text_set(op->text, sizeof(op->text), r->why);
        else
                text_fmt(op->text, sizeof(op->text), "%s %u of %u: %.150s", rung_name(rung),
                         recovery_count(&g->spec->conf, &g->recovery, rung, c->wall) + 1,
                         rung_limit(&g->spec->conf, rung), r->why);
        return true;
}

static void not_placed(struct core *c, struct entry *e, const struct guest *g, const char *why) {
        char text[TEXT_LEN];

        for (size_t i = 0; i < c->model.n_hosts; i++)
                if (c->model.hosts[i].state == HOST_JOINING) {
                        text_fmt(text, sizeof(text), "waits for %s, which is joining: %.120s",
                                 c->model.hosts[i].name, why);
                        give_reason(c, e, g, GUEST_FAILED, text);
                        return;
                }
        if (g->start_failures)
                text_fmt(text, sizeof(text),
                         "no start on %.100s; no other host (hawctl explain); tried again with "
                         "growing pauses",
                         g->start_error);
        else
                text_fmt(text, sizeof(text),
                         "%s; it starts as soon as a host comes back or room is made", why);
        give_reason(c, e, g, GUEST_BLOCKED, text);
}

/* Where the ladder ends (L2): until the window is over, or somebody asks. */
static void ladder_ends(struct core *c, struct entry *e, const struct guest *g) {
        const struct conf_guest *conf = &g->spec->conf;
        char text[TEXT_LEN], window[32];

        format_duration(conf->restart_window_usec, window, sizeof(window));
        text_fmt(
                text, sizeof(text),
                "%s: %u restarts, %u relocations and %u rollbacks within %s did not help; see why, "
                "then hawctl guest recover %.64s; tried again when that time is over",
                g->recovery.early >= BOOT_LOOP ? "boot loop" : end_why_name(g->recovery.why),
                g->recovery.taken[RUNG_RESTART], g->recovery.taken[RUNG_RELOCATE],
                g->recovery.taken[RUNG_ROLLBACK], window, g->spec->name);
        give_reason(c, e, g, GUEST_BLOCKED, text);
        if (recovery_left(conf, &g->recovery, c->wall) > 0) /* else only what others do helps */
                wake_at(c, usec_add(c->now, recovery_left(conf, &g->recovery, c->wall)));
}

/* May it start from its replica, now, and has that host room? @ret: its reason, or why not. */
static bool promoted(struct core *c, struct plan *p, uint32_t gi, struct place_result *ret) {
        const struct guest *g = &c->model.guests[gi];
        struct promotion judged = replica_judge(&c->model, g, false);

        if (!promotion_allowed(&judged)) {
                promotion_text(&c->model, g, &judged, ret->why);
                return false;
        }
        if (!on_copy(c, p, gi, ret))
                return false;
        promotion_text(&c->model, g, &judged, ret->why);
        return true;
}

/* One that failed by itself: by the rungs of its policy. */
static void recover(struct core *c, struct entry *e, struct plan *p, uint32_t gi) {
        const struct guest *g = &c->model.guests[gi];
        int last = model_host_index(&c->model, g->host);
        bool excluded[HOSTS_MAX] = {false};
        struct place_result here, there;
        struct recovery_case may;
        enum recovery_verdict verdict;
        enum rung rung = RUNG_NONE;
        bool ailing;
        bool in_place;

        if (!rested(c, g)) {
                give_reason(c, e, g, GUEST_FAILED, "failed again; rests before it is recovered");
                return;
        }
        for (size_t i = 0; i < c->model.n_hosts; i++)
                excluded[i] = (int)i == last || (g->tried >> i & 1);
        may.here = last >= 0 && plan_place_on(p, gi, (uint32_t)last, &here) == PLACE_OK;
        text_set(here.why, sizeof(here.why), "in place");
        if (g->spec->conf.replica.mode == REPLICA_MODE_NONE) {
                may.elsewhere = place_guest(&p->problem, gi, excluded, &there) == PLACE_OK;
                may.replica = false;
        } else { /* its disks are nowhere else */
                may.elsewhere = false;
                may.replica = promoted(c, p, gi, &there);
        }
        /* Where it failed is degraded, and elsewhere is not: elsewhere, if its policy has that. */
        ailing = may.here && may.elsewhere && p->hosts[last].ailing && !p->hosts[there.host].ailing;
        may.here &= !ailing;
        may.known_good = !ailing && lead_known_good(g) != 0; /* not only for its host's sake */
        verdict = recovery_next(&g->spec->conf, &g->recovery, &may, c->wall, &rung);
        if (verdict != RECOVERY_TAKE && ailing) {
                may.here = true;
                may.known_good = lead_known_good(g) != 0;
                verdict = recovery_next(&g->spec->conf, &g->recovery, &may, c->wall, &rung);
        }
        switch (verdict) {
        case RECOVERY_TAKE:
                in_place = rung == RUNG_RESTART || (rung == RUNG_ROLLBACK && may.here);
                (void)start(c, e, p, gi, in_place ? &here : &there, rung, false);
                return;
        case RECOVERY_WAIT:
                if (!may.here) {
                        not_placed(c, e, g, there.why);
                        return;
                }
                break;
        case RECOVERY_END:
                break;
        }
        ladder_ends(c, e, g);
}

static bool forced(const struct guest *g) {
        return g->replica.forced && g->replica.forced == g->replica.serial;
}

/* One with a replica has its disks on one host only, once it has them anywhere. */
static bool may_have_disks(const struct guest *g, const struct host *h) {
        if (g->spec->conf.replica.mode == REPLICA_MODE_NONE)
                return true;
        if (g->replica.data)
                return g->replica.data == h->nodeid;
        return strcmp(g->spec->conf.replica.host, h->name) != 0;
}

/*
 * 1 the host of a cold move, once  2 any host where its start has not failed  3 where it failed
 * too, after a growing pause
 */
static void place_anywhere(struct core *c, struct entry *e, struct plan *p, uint32_t gi) {
        const struct guest *g = &c->model.guests[gi];
        bool excluded[HOSTS_MAX] = {false};
        struct place_result r;
        bool again = false;
        int code;

        for (size_t i = 0; i < c->model.n_hosts; i++)
                excluded[i] = (g->tried & (1u << i)) != 0 || !may_have_disks(g, &c->model.hosts[i]);
        if (g->move_to) {
                int target = model_host_index(&c->model, g->move_to);

                if (target >= 0 && !excluded[target] &&
                    plan_place_on(p, gi, (uint32_t)target, &r) == PLACE_OK) {
                        text_set(r.why, sizeof(r.why), "asked for by a move");
                        (void)start(c, e, p, gi, &r, RUNG_NONE, false);
                        return;
                }
        }
        code = place_guest(&p->problem, gi, excluded, &r);
        if (code != PLACE_OK && g->tried) {
                if (retry_get(c, g)->next == 0)
                        retry_later(c, g);
                if (!retry_due(c, g)) {
                        not_placed(c, e, g, r.why);
                        return;
                }
                again = true;
                for (size_t i = 0; i < c->model.n_hosts; i++)
                        excluded[i] = !may_have_disks(g, &c->model.hosts[i]);
                code = place_guest(&p->problem, gi, excluded, &r);
        }
        if (code != PLACE_OK)
                not_placed(c, e, g, r.why);
        else if (start(c, e, p, gi, &r, RUNG_NONE, again) && again)
                retry_later(c, g);
}

/* Where its disks are; from its copy when a person wants that, or they cannot be had (S9). */
static void place(struct core *c, struct entry *e, struct plan *p, uint32_t gi) {
        const struct guest *g = &c->model.guests[gi];
        int data = model_host_index(&c->model, g->replica.data);
        struct place_result here = {.why = "its host is not in the cluster any more"}, there = {0};
        bool usable = data >= 0 && plan_place_on(p, gi, (uint32_t)data, &here) == PLACE_OK;
        bool present = data >= 0 && host_present(&c->model.hosts[data]);
        struct promotion judged;

        if (!replica_wanted(g) || (usable && !forced(g) && g->move_to != g->replica.host)) {
                place_anywhere(c, e, p, gi);
                return;
        }
        if (promoted(c, p, gi, &there)) {
                (void)start(c, e, p, gi, &there, RUNG_NONE, false);
                return;
        }
        judged = replica_judge(&c->model, g, false);
        if (usable) /* the move is over */
                place_anywhere(c, e, p, gi);
        else if (present && !forced(g))
                not_placed(c, e, g, here.why);
        else
                give_reason(c, e, g, judged.verdict == PROMOTE_WAIT ? GUEST_FAILED : GUEST_BLOCKED,
                            there.why);
}

/* What keeps one that failed from its host is its host's failure now, if that is not here. */
static bool by_itself(struct core *c, const struct guest *g) {
        return g->recovery.why != END_NONE && core_in_group(c, g->host) && !forced(g);
}

void lead_guests(struct core *c, struct entry *e) {
        uint32_t *order;
        struct plan plan;
        size_t n;

        for (size_t i = 0; i < c->model.n_guests; i++) {
                const struct guest *g = &c->model.guests[i];
                const struct host *h = holder(c, g);

                if (g->job_kind != JOB_NONE || g->desired == DESIRED_IGNORED)
                        continue;
                if (g->deleting && g->claims == 0)
                        decide(c, e, OP_GUEST_FORGET, g);
                else if (h)
                        lead_held(c, e, g, h);
                else if (g->claims)
                        waits_for_proof(c, e, g);
        }
        order = xcalloc(c->model.n_guests + 1, sizeof(*order));
        n = candidates(c, e, order);
        if (n) {
                plan_init(&plan, &c->model, c->config);
                pass_over_silent(c, &plan);
                for (size_t i = 0; i < n; i++)
                        if (by_itself(c, &c->model.guests[order[i]]))
                                recover(c, e, &plan, order[i]);
                        else
                                place(c, e, &plan, order[i]);
                plan_free(&plan);
        }
        free(order);
}

/* What this member saw begin while it led says nothing once it did not: others, or nobody, saw the
 * rest. Counted anew, a pause only gets longer. */
static void lead_clocks_reset(struct core *c) {
        if (c->clocks_hosts != c->model.n_hosts) /* indexes may have moved */
                memset(c->heard_wall, 0, sizeof(c->heard_wall));
        c->clocks_hosts = c->model.n_hosts;
        memset(c->gone_since, 0, sizeof(c->gone_since));
        memset(c->fence_next, 0, sizeof(c->fence_next));
        memset(c->fence_seen_tries, 0, sizeof(c->fence_seen_tries));
        memset(c->fence_looks, 0, sizeof(c->fence_looks));
        memset(c->relieved, 0, sizeof(c->relieved));
        memset(c->advised, 0, sizeof(c->advised));
        memset(c->executor_gone_job, 0, sizeof(c->executor_gone_job));
}

/* One batch at a time: what is decided next rests on what this one will have changed. */
void lead_tick(struct core *c) {
        struct entry *e;

        if (!core_leader(c))
                return;
        /* Epochs that follow each other: nobody else can have led in between. */
        if ((c->number != c->led_number && c->number != c->led_number + 1) ||
            c->clocks_hosts != c->model.n_hosts)
                lead_clocks_reset(c);
        c->led_number = c->number;
        if (c->decision_inflight || c->n_tail)
                return;
        e = entry_new();
        e->decision = true;
        if (!lead_hosts(c, e)) {
                lead_fencing(c, e);
                lead_guests(c, e);
                lead_advise(c);
                lead_evacuate(c, e);
                lead_snapshots(c, e);
                lead_replicas(c, e);
        }
        if (e->n_ops == 0) {
                entry_unref(e);
                return;
        }
        c->decision_inflight = log_propose(c, e);
}
