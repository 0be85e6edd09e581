/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "policy/placement.h"

/** struct reasons - "node2 (too little memory), node3 (rule apart)" */
struct reasons {
        char buf[TEXT_LEN];
        size_t used;
};

static void lost(struct reasons *r, const char *host, const char *fmt, ...) PRINTF_LIKE(3, 4);

static void lost(struct reasons *r, const char *host, const char *fmt, ...) {
        char why[96];
        va_list ap;
        int n;

        va_start(ap, fmt);
        (void)vsnprintf(why, sizeof(why), fmt, ap); /* cut is fine */
        va_end(ap);
        n = snprintf(r->buf + r->used, sizeof(r->buf) - r->used, "%s%s (%s)", r->used ? ", " : "",
                     host, why);
        if (n > 0 && (size_t)n < sizeof(r->buf) - r->used)
                r->used += (size_t)n;
        else
                r->buf[r->used] = '\0';
}

static bool rule_names(const struct place_rule *r, uint32_t g) {
        for (size_t i = 0; i < r->n_guests; i++)
                if (r->guests[i] == g)
                        return true;
        return false;
}

/* Is another guest of the rule on host @h; and is any anywhere? */
static bool others_on(const struct place_problem *p, const struct place_rule *r, uint32_t g,
                      size_t h, bool *ret_anywhere) {
        bool here = false;

        *ret_anywhere = false;
        for (size_t i = 0; i < r->n_guests; i++) {
                int32_t at = p->guests[r->guests[i]].host;

                if (r->guests[i] == g || at < 0)
                        continue;
                *ret_anywhere = true;
                here |= (size_t)at == h;
        }
        return here;
}

static bool rule_broken(const struct place_problem *p, const struct place_rule *r, uint32_t g,
                        size_t h) {
        bool anywhere, here;

        switch (r->kind) {
        case PLACE_SEPARATE:
                return others_on(p, r, g, h, &anywhere);
        case PLACE_TOGETHER:
                here = others_on(p, r, g, h, &anywhere);
                return anywhere && !here;
        case PLACE_REQUIRE:
        case PLACE_PREFER:
                return r->hosts && !r->hosts[h];
        case PLACE_AVOID:
                return r->hosts && r->hosts[h];
        }
        return false;
}

/* require is strict by nature; prefer and avoid only when they say so. */
static bool rule_strict(const struct place_rule *r) {
        return r->kind == PLACE_REQUIRE || r->strict;
}

static bool fits(const struct place_host *h, const struct place_guest *g) {
        return h->memory_used_mib + g->memory_mib <= h->memory_mib &&
               (uint64_t)h->vcpus_used + g->vcpus <= h->vcpus;
}

/* Squared distance of what would be left from a full host, both resources as shares. */
static double residual(const struct place_host *h, const struct place_guest *g) {
        double m = 1 - (double)(h->memory_used_mib + g->memory_mib) / (double)h->memory_mib;
        double v = 1 - (double)(h->vcpus_used + g->vcpus) / (double)h->vcpus;

        return m * m + v * v;
}

struct score {
        bool ailing;
        uint32_t soft_broken;
        bool last;
        double residual;
        uint32_t id;
};

static bool better(const struct score *a, const struct score *b) {
        if (a->ailing != b->ailing)
                return b->ailing;
        if (a->soft_broken != b->soft_broken)
                return a->soft_broken < b->soft_broken;
        if (a->last != b->last)
                return a->last;
        if (a->residual < b->residual || a->residual > b->residual)
                return a->residual < b->residual;
        return a->id < b->id;
}

/* Steps 1 to 3 for one host; the error it fails with, and why. */
static enum place_error admissible(const struct place_problem *p, uint32_t g, size_t h,
                                   const bool *excluded, struct reasons *r) {
        const struct place_host *host = &p->hosts[h];

        if (host->unusable) {
                lost(r, host->name, "%s", host->unusable);
                return PLACE_E_NO_HOST;
        }
        if (excluded && excluded[h]) {
                lost(r, host->name, "its start failed there");
                return PLACE_E_NO_HOST;
        }
        for (size_t i = 0; i < p->n_rules; i++)
                if (rule_strict(&p->rules[i]) && rule_names(&p->rules[i], g) &&
                    rule_broken(p, &p->rules[i], g, h)) {
                        lost(r, host->name, "rule %s", p->rules[i].name);
                        return PLACE_E_RULE;
                }
        if (!fits(host, &p->guests[g])) {
                lost(r, host->name, "%" PRIu64 " MiB and %" PRIu32 " vCPU free",
                     host->memory_mib - MIN(host->memory_mib, host->memory_used_mib),
                     host->vcpus - MIN(host->vcpus, host->vcpus_used));
                return PLACE_E_NO_CAPACITY;
        }
        return PLACE_OK;
}

static const char *decided_by(const struct score *best, const struct score *second) {
        if (!second)
                return "the only host possible";
        if (best->ailing != second->ailing)
                return "healthy";
        if (best->soft_broken != second->soft_broken)
                return "fewest soft rules broken";
        if (best->last != second->last)
                return "it ran there last";
        if (best->residual < second->residual || best->residual > second->residual)
                return "best fit";
        return "lowest id among equals";
}

static void write_why(struct place_result *ret, const char *by, const struct reasons *r,
                      const struct place_host *best, const struct place_host *second) {
        const char *ails = second && second->ailing ? second->ailing : NULL;

        text_fmt(ret->why, sizeof(ret->why), "%s%s%s%s%s%s%s%s%s%s", by, second ? " before " : "",
                 second ? second->name : "", ails ? " (" : "", ails ? ails : "", ails ? ")" : "",
                 best && best->ailing ? "; itself " : "", best && best->ailing ? best->ailing : "",
                 r->used ? "; not " : "", r->buf);
}

int place_guest(const struct place_problem *p, uint32_t g, const bool *excluded,
                struct place_result *ret) {
        struct reasons reasons = {0};
        struct score best = {0}, second = {0};
        size_t best_h = SIZE_MAX, second_h = SIZE_MAX;
        enum place_error worst = PLACE_E_NO_HOST;

        for (size_t h = 0; h < p->n_hosts; h++) {
                enum place_error e = admissible(p, g, h, excluded, &reasons);
                struct score s = {.id = p->hosts[h].id};

                if (e != PLACE_OK) {
                        worst = MAX(worst, e);
                        continue;
                }
                for (size_t i = 0; i < p->n_rules; i++)
                        if (!rule_strict(&p->rules[i]) && rule_names(&p->rules[i], g))
                                s.soft_broken += rule_broken(p, &p->rules[i], g, h);
                s.ailing = p->hosts[h].ailing != NULL;
                s.last = p->guests[g].last == (int32_t)h;
                s.residual = residual(&p->hosts[h], &p->guests[g]);
                if (best_h == SIZE_MAX || better(&s, &best)) {
                        second = best;
                        second_h = best_h;
                        best = s;
                        best_h = h;
                } else if (second_h == SIZE_MAX || better(&s, &second)) {
                        second = s;
                        second_h = h;
                }
        }
        if (best_h == SIZE_MAX) {
                write_why(ret,
                          worst == PLACE_E_NO_CAPACITY ? "no host has room"
                          : worst == PLACE_E_RULE      ? "rules leave no host"
                                                       : "no host can be used",
                          &reasons, NULL, NULL);
                return (int)worst;
        }
        ret->host = (uint32_t)best_h;
        write_why(ret, decided_by(&best, second_h == SIZE_MAX ? NULL : &second), &reasons,
                  &p->hosts[best_h], second_h == SIZE_MAX ? NULL : &p->hosts[second_h]);
        return PLACE_OK;
}

void place_charge(struct place_problem *p, uint32_t g, uint32_t host) {
        p->guests[g].host = (int32_t)host;
        p->hosts[host].memory_used_mib += p->guests[g].memory_mib;
        p->hosts[host].vcpus_used += p->guests[g].vcpus;
}
