/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>

#include "hawd/sim/parts.h"

void sim_at(struct sim *s, usec_t delay, enum owner owner, int host,
            void (*fn)(struct sim *, const struct call *), uint64_t a, uint64_t b) {
        struct call c = {
                .at = s->now + delay, .fn = fn, .owner = owner, .host = host, .a = a, .b = b};
        const struct sim_host *h = host >= 0 ? &s->hosts[host] : NULL;

        if (owner == OWNER_HOST)
                c.life = h->life;
        else if (owner == OWNER_COROSYNC)
                c.life = h->cs.life;
        else if (owner == OWNER_HAWD)
                c.life = h->hawd_life;
        else if (owner == OWNER_LIBVIRTD)
                c.life = h->lv.life;
        queue_add(&s->queue, c);
}

static bool owner_alive(const struct sim *s, const struct call *c) {
        const struct sim_host *h;

        if (c->owner == OWNER_WORLD)
                return true;
        h = &s->hosts[c->host];
        switch (c->owner) {
        case OWNER_HOST:
                return h->powered && h->life == c->life;
        case OWNER_COROSYNC:
                return h->cs.up && h->cs.life == c->life;
        case OWNER_HAWD:
                return h->core && h->hawd_life == c->life;
        case OWNER_LIBVIRTD:
                return h->lv.up && h->lv.life == c->life;
        default:
                return false;
        }
}

static void hold(struct sim_host *h, const struct call *c) {
        if (h->n_held == h->cap_held) {
                h->cap_held = h->cap_held ? 2 * h->cap_held : 32;
                h->held = xreallocarray(h->held, h->cap_held, sizeof(h->held[0]));
        }
        h->held[h->n_held++] = *c;
}

bool sim_still(const struct sim_host *h, enum owner owner) {
        return h->frozen || (owner == OWNER_HAWD && h->hawd_still) ||
               (owner == OWNER_COROSYNC && h->cs.still);
}

/* Each process goes on by itself; what one process had queued keeps its order. */
void sim_release(struct sim *s, struct sim_host *h) {
        usec_t at[OWNER_MAX_];
        size_t kept = 0;

        for (int o = 0; o < OWNER_MAX_; o++)
                at[o] = s->now + prng_below(&s->rng, 20 * USEC_PER_MSEC);
        for (size_t i = 0; i < h->n_held; i++) {
                struct call c = h->held[i];

                if (sim_still(h, c.owner)) {
                        h->held[kept++] = c;
                        continue;
                }
                at[c.owner] += prng_below(&s->rng, 500);
                c.at = at[c.owner];
                queue_add(&s->queue, c);
        }
        h->n_held = kept;
        h->deadline = MAX(h->deadline, s->now);
        /* What comes now on the same descriptors comes behind what waited there. */
        h->cs.quorum_at = MAX(h->cs.quorum_at, at[OWNER_HAWD]);
        h->lv.told_at = MAX(h->lv.told_at, at[OWNER_HAWD]);
}

void sim_trace(struct sim *s, const struct sim_host *h, const char *fmt, ...) {
        char line[1024];
        va_list ap;

        if (!s->on_trace)
                return;
        va_start(ap, fmt);
        (void)vsnprintf(line, sizeof(line), fmt, ap); /* a cut line is good enough */
        va_end(ap);
        s->on_trace(s, h, line);
}

void sim_violate(struct sim *s, const char *promise, const char *fmt, ...) {
        struct sim_violation *v;
        va_list ap;

        if (s->n_violations == ARRAY_SIZE(s->violations))
                return;
        v = &s->violations[s->n_violations++];
        v->at = s->now;
        text_set(v->promise, sizeof(v->promise), promise);
        va_start(ap, fmt);
        (void)vsnprintf(v->text, sizeof(v->text), fmt, ap); /* likewise */
        va_end(ap);
        sim_trace(s, NULL, "VIOLATION %s: %s", v->promise, v->text);
}

usec_t sim_delay(struct sim *s, usec_t typical) {
        usec_t d = prng_range(&s->rng, typical / 2, typical * 3 / 2);

        if (s->conf->calm)
                return d;
        switch (prng_below(&s->rng, 1000)) {
        case 0:
                return d * 200;
        case 1 ... 9:
                return d * 20;
        case 10 ... 59:
                return d * 5;
        default:
                return d;
        }
}

/* A core whose deadline stays in the past would spin: seen here as so many time-outs at one time.
 */
#define SPINS_MAX 1000

static void fire_deadline(struct sim *s, struct sim_host *h) {
        struct event ev = {.kind = EV_TIMEOUT};

        node_feed(s, h, &ev);
        h->spins = h->core && h->deadline <= s->now ? h->spins + 1 : 0;
        if (h->spins > SPINS_MAX)
                sim_violate(s, "core", "the deadline of %s does not move on after EV_TIMEOUT",
                            h->name);
}

static struct sim_host *next_deadline(struct sim *s, usec_t *ret) {
        struct sim_host *best = NULL;

        *ret = USEC_INFINITY;
        for (size_t i = 0; i < s->n_hosts; i++) {
                struct sim_host *h = &s->hosts[i];

                if (h->core && !sim_still(h, OWNER_HAWD) && h->deadline < *ret) {
                        *ret = h->deadline;
                        best = h;
                }
        }
        return best;
}

bool sim_run(struct sim *s, usec_t until) {
        for (;;) {
                usec_t at_deadline, at_call = queue_next(&s->queue);
                struct sim_host *h = next_deadline(s, &at_deadline);
                struct call c;

                if (s->n_violations > 0 && !s->keep_going)
                        return false;
                if (MIN(at_deadline, at_call) > until)
                        break;
                s->stats.events++;
                if (h && at_deadline < at_call) {
                        s->now = MAX(s->now, at_deadline);
                        fire_deadline(s, h);
                        continue;
                }
                (void)queue_pop(&s->queue, &c); /* there is one: at_call is finite */
                s->now = c.at;
                if (!owner_alive(s, &c))
                        continue;
                if (c.owner != OWNER_WORLD && sim_still(&s->hosts[c.host], c.owner)) {
                        hold(&s->hosts[c.host], &c);
                        continue;
                }
                c.fn(s, &c);
        }
        s->now = MAX(s->now, until);
        return s->n_violations == 0;
}

struct sim_host *sim_best_host(struct sim *s) {
        struct sim_host *best = NULL;
        uint64_t best_score = 0;

        for (size_t i = 0; i < s->n_hosts; i++) {
                struct sim_host *h = &s->hosts[i];
                struct core_status st;
                uint64_t score;

                if (!h->core || sim_still(h, OWNER_HAWD))
                        continue;
                core_status(h->core, &st);
                score = 1 + core_model(h->core)->version + (st.operational ? UINT64_C(1) << 62 : 0);
                if (score > best_score) {
                        best_score = score;
                        best = h;
                }
        }
        return best;
}

int sim_host_index(const struct sim *s, const char *name) {
        for (size_t i = 0; i < s->n_hosts; i++)
                if (strcmp(s->hosts[i].name, name) == 0)
                        return (int)i;
        return -1;
}

const char *sim_host_name(const struct sim *s, uint32_t nodeid) {
        return nodeid >= 1 && nodeid <= s->n_hosts ? s->hosts[nodeid - 1].name : "";
}

int sim_guest_index(const struct sim *s, const char *name) {
        for (size_t i = 0; i < s->n_guests; i++)
                if (strcmp(s->guests[i].conf->name, name) == 0 ||
                    strcmp(s->guests[i].uuid, name) == 0)
                        return (int)i;
        return -1;
}

static void host_init(struct sim *s, size_t i) {
        struct sim_host *h = &s->hosts[i];

        h->index = (int)i;
        h->nodeid = (uint32_t)i + 1;
        h->conf = &s->conf->hosts[i];
        text_set(h->name, sizeof(h->name), h->conf->name);
        for (int k = 0; k < SIM_DEVICES; k++)
                bmc_set(s, h, k, h->conf->bmc);
        if (!h->conf->unlisted)
                s->listed |= 1U << i;
        h->store.virgin = true;
        h->deadline = USEC_INFINITY;
        for (size_t g = 0; g < s->n_guests; g++)
                h->lv.dom[g].state = SEEN_GONE;
}

struct sim *sim_new(const struct sim_conf *conf) {
        struct sim *s = xcalloc(1, sizeof(*s));

        assert(conf->n_hosts > 0 && conf->n_hosts <= SIM_HOSTS_MAX);
        s->conf = conf;
        s->now = USEC_PER_SEC;
        s->next_pid = 1000;
        prng_init(&s->rng, conf->seed, 1);
        s->truth = truth_new();
        s->n_guests = conf->n_guests;
        for (size_t g = 0; g < s->n_guests; g++) {
                s->guests[g].conf = &conf->guests[g];
                s->guests[g].failures_left = conf->guests[g].start_failures;
                s->guests[g].home = conf->guests[g].host;
                text_fmt(s->guests[g].uuid, UUID_LEN, "00000000-0000-4000-8000-%012zx", g + 1);
        }
        s->n_hosts = conf->n_hosts;
        for (size_t i = 0; i < s->n_hosts; i++)
                host_init(s, i);
        copies_begin(s);
        return s;
}

struct sim *sim_free(struct sim *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < s->n_hosts; i++) {
                struct sim_host *h = &s->hosts[i];

                if (h->powered)
                        power_off(s, h);
                disk_free(&h->store);
                free(h->config);
                free(h->held);
                free(h->fences);
                free(h->lv.jobs);
                free(h->cs.in);
                free(h->cs.out);
        }
        for (size_t g = 0; g < s->n_guests; g++) {
                free(s->guests[g].starts);
                free(s->guests[g].acked);
                snaps_free(&s->guests[g]);
        }
        for (size_t i = 0; i < s->n_requests; i++)
                (void)guest_spec_unref(s->requests[i].rq.spec);
        free(s->requests);
        truth_free(s->truth);
        actions_free(&s->actions);
        queue_free(&s->queue);
        free(s);
        return NULL;
}
