/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Faults that wait for their moment: the next host that does a certain thing is struck within
 * milliseconds of it. Faults at random times hardly ever hit between a decision and its echo.
 */
#include "hawd/sim/fault.h"

static bool springs(enum ambush_when when, const struct action *a) {
        const struct msg *m = a->kind == ACT_SEND ? a->send : NULL;

        switch (when) {
        case AMBUSH_DECISION:
                return m && m->kind == MSG_ENTRY && m->entry->decision;
        case AMBUSH_OBSERVATION:
                return m && m->kind == MSG_ENTRY && !m->entry->decision;
        case AMBUSH_EXCHANGE:
                return m && m->kind == MSG_EXCHANGE;
        case AMBUSH_PROMISE:
                return m && m->kind == MSG_PROMISE;
        case AMBUSH_STATE:
                return m && m->kind == MSG_STATE;
        case AMBUSH_ACK:
                return m && m->kind == MSG_ACK;
        case AMBUSH_PERSIST:
                return a->kind == ACT_PERSIST;
        case AMBUSH_FENCE:
                return a->kind == ACT_FENCE && a->fence.action != FENCE_ACT_STATUS;
        case AMBUSH_START:
                return a->kind == ACT_GUEST_JOB && a->guest_job.op == GJOB_START;
        case AMBUSH_SETTLE:
                return a->kind == ACT_GUEST_JOB && a->guest_job.op == GJOB_SETTLE;
        default:
                return false;
        }
}

static void thaw(struct sim *s, const struct call *c) {
        power_thaw(s, &s->hosts[c->host]);
}

static void restore(struct sim *s, const struct call *c) {
        struct fault f = {.kind = FAULT_NET_RESTORE, .host = c->host, .guest = -1};

        fault_apply(s, &f);
}

static void strike(struct sim *s, const struct call *c) {
        static const enum fault_kind kinds[AMBUSH_HOW_MAX_] = {
                [AMBUSH_POWER] = FAULT_POWER_OFF, [AMBUSH_CUT] = FAULT_NET_CUT,
                [AMBUSH_FREEZE] = FAULT_FREEZE,   [AMBUSH_HAWD] = FAULT_HAWD_KILL,
                [AMBUSH_RING] = FAULT_RING_KILL,  [AMBUSH_FLAP] = FAULT_NET_CUT,
                [AMBUSH_ASLEEP] = FAULT_FREEZE,
        };
        struct fault f = {.kind = kinds[c->a], .host = c->host, .guest = -1};

        if (s->peace)
                return;
        if (f.kind == FAULT_HAWD_KILL || f.kind == FAULT_RING_KILL)
                f.arg = prng_range(&s->rng, 100, 4000);
        fault_apply(s, &f);
        if (c->a == AMBUSH_FLAP)
                sim_at(s, s->conf->detect_usec + prng_below(&s->rng, s->conf->detect_usec / 5),
                       OWNER_WORLD, c->host, restore, 0, 0);
        if (c->a == AMBUSH_FREEZE && prng_chance(&s->rng, 70))
                sim_at(s, prng_range(&s->rng, 10, 15000) * USEC_PER_MSEC, OWNER_WORLD, c->host,
                       thaw, 0, 0);
}

void ambush_look(struct sim *s, const struct sim_host *h, const struct action *a) {
        for (size_t i = 0; i < s->n_ambushes; i++) {
                struct ambush *am = &s->ambushes[i];

                if (!springs(am->when, a) || am->skip-- > 0)
                        continue;
                s->stats.ambushes++;
                sim_at(s, prng_below(&s->rng, am->within), OWNER_WORLD, h->index, strike,
                       (uint64_t)am->how, 0);
                *am = s->ambushes[--s->n_ambushes];
                return;
        }
}

void ambush_set(struct sim *s, uint64_t arg) {
        struct ambush *am;

        if (s->n_ambushes == ARRAY_SIZE(s->ambushes))
                return;
        am = &s->ambushes[s->n_ambushes++];
        am->when = (enum ambush_when)(arg & 0xff);
        am->how = (enum ambush_how)(arg >> 8 & 0xff);
        am->skip = (int)(arg >> 16 & 0xff);
        am->within = 1 + (arg >> 24);
}

void ambush_text(uint64_t arg, char *buf, size_t size) {
        static const char *const when[] = {"decision", "observation", "exchange", "promise",
                                           "state",    "ack",         "persist",  "fence",
                                           "start",    "settle"};
        static const char *const how[] = {"power off",      "network cut", "freeze",
                                          "daemon kill",    "ring kill",   "flap",
                                          "freeze for long"};

        text_fmt(buf, size, "ambush: %s within %" PRIu64 " us of a %s, the %" PRIu64 ". next",
                 how[arg >> 8 & 0xff], 1 + (arg >> 24), when[arg & 0xff], 1 + (arg >> 16 & 0xff));
}
