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

/* For how long, in milliseconds; 0: until another fault ends it. */
static uint64_t how_long(struct sim *s, enum ambush_how how) {
        usec_t detect = s->conf->detect_usec / USEC_PER_MSEC;

        switch (how) {
        case AMBUSH_HAWD:
        case AMBUSH_RING:
                return prng_range(&s->rng, 100, 4000);
        case AMBUSH_FREEZE:
                return prng_chance(&s->rng, 70) ? prng_range(&s->rng, 10, 15000) : 0;
        case AMBUSH_FLAP:
                return detect + prng_below(&s->rng, detect / 5);
        case AMBUSH_STILL:
                return prng_range(&s->rng, 10, 12000);
        case AMBUSH_DEAF:
                return prng_range(&s->rng, 10, 3 * detect);
        case AMBUSH_HANG:
                return prng_range(&s->rng, 500, 90000);
        default:
                return 0;
        }
}

static void strike(struct sim *s, const struct call *c) {
        static const enum fault_kind kinds[AMBUSH_HOW_MAX_] = {
                [AMBUSH_POWER] = FAULT_POWER_OFF,  [AMBUSH_CUT] = FAULT_NET_CUT,
                [AMBUSH_FREEZE] = FAULT_FREEZE,    [AMBUSH_HAWD] = FAULT_HAWD_KILL,
                [AMBUSH_RING] = FAULT_RING_KILL,   [AMBUSH_FLAP] = FAULT_NET_CUT,
                [AMBUSH_ASLEEP] = FAULT_FREEZE,    [AMBUSH_STILL] = FAULT_HAWD_FREEZE,
                [AMBUSH_DEAF] = FAULT_RING_FREEZE, [AMBUSH_HANG] = FAULT_LIBVIRT_HANG,
        };
        struct fault f = {.kind = kinds[c->a], .host = c->host, .guest = -1};

        if (s->peace)
                return;
        f.arg = how_long(s, (enum ambush_how)c->a);
        fault_apply(s, &f);
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

static const char *const when_words[AMBUSH_WHEN_MAX_] = {
        "decision", "observation", "exchange", "promise", "state",
        "ack",      "persist",     "fence",    "start",   "settle"};
static const char *const how_words[AMBUSH_HOW_MAX_] = {
        "power-off", "network-cut", "freeze",        "daemon-kill", "ring-kill",
        "flap",      "sleep",       "daemon-freeze", "ring-freeze", "libvirt-hang"};

void ambush_text(uint64_t arg, char *buf, size_t size) {
        char time[32];

        format_duration(1 + (arg >> 24), time, sizeof(time));
        text_fmt(buf, size, "ambush %s on %s skip %" PRIu64 " within %s",
                 how_words[arg >> 8 & 0xff], when_words[arg & 0xff], arg >> 16 & 0xff, time);
}

static int find(const char *const *words, int n, const char *word) {
        for (int i = 0; i < n; i++)
                if (strcmp(words[i], word) == 0)
                        return i;
        return -1;
}

int ambush_parse(const char *how, const char *when, const char *skip, const char *within,
                 uint64_t *ret, char *err) {
        int h = find(how_words, AMBUSH_HOW_MAX_, how), w = find(when_words, AMBUSH_WHEN_MAX_, when);
        uint32_t n;
        usec_t t;

        if (h < 0 || w < 0) {
                text_fmt(err, TEXT_LEN, "'%.30s' on '%.30s' is no ambush", how, when);
                return -EINVAL;
        }
        if (parse_u32(skip, 0, 255, &n, err) < 0 || parse_duration(within, &t, err) < 0)
                return -EINVAL;
        *ret = (uint64_t)w | (uint64_t)h << 8 | (uint64_t)n << 16 | usec_sub(t, 1) << 24;
        return 0;
}
