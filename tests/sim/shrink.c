/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/shrink.h"
#include "hawd/sim/scenario.h"

#define LUCKS 6
#define SAME_CHARS 45

struct shrinking {
        const struct plan *from;
        const struct outcome *like;
        struct small best;
        struct plan *cut;
};

/* The same promise, and for the same reason as far as the beginning of the text says: names and
 * numbers may be others. */
static bool same(const struct outcome *a, const struct outcome *b) {
        const char *x = a->text, *y = b->text;

        if (strcmp(a->promise, b->promise) != 0)
                return false;
        for (int i = 0; i < SAME_CHARS; i++, x++, y++) {
                x += strspn(x, "0123456789");
                y += strspn(y, "0123456789");
                if (*x != *y)
                        return false;
                if (*x == '\0')
                        break;
        }
        return true;
}

static bool breaks(struct shrinking *sh, const struct keep *keep, uint64_t luck) {
        struct outcome o;

        plan_cut(sh->from, keep, sh->cut);
        sh->cut->conf.seed = luck;
        board_try(sh->cut, false, &o);
        if (!o.failed || !same(&o, sh->like))
                return false;
        sh->best = (struct small){.keep = *keep, .luck = luck, .o = o};
        return true;
}

static bool try_keep(struct shrinking *sh, const struct keep *keep) {
        if (breaks(sh, keep, sh->best.luck))
                return true;
        for (uint64_t luck = 1; luck <= LUCKS; luck++)
                if (luck != sh->best.luck && breaks(sh, keep, luck))
                        return true;
        return false;
}

/* First many at once, then fewer, then one by one. */
static bool drop_some(struct shrinking *sh, size_t offset, size_t n, size_t at_least) {
        bool smaller = false;

        for (size_t chunk = MAX(n / 2, (size_t)1);; chunk /= 2) {
                for (size_t i = 0; i < n; i += chunk) {
                        struct keep keep = sh->best.keep;
                        uint64_t *mask = (uint64_t *)((char *)&keep + offset), before = *mask;

                        for (size_t k = i; k < i + chunk && k < n; k++)
                                *mask &= ~(UINT64_C(1) << k);
                        if (*mask == before || (size_t)__builtin_popcountll(*mask) < at_least)
                                continue;
                        smaller |= try_keep(sh, &keep);
                }
                if (chunk == 1)
                        return smaller;
        }
}

static uint64_t first_bits(size_t n) {
        return n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

void shrink(const struct plan *p, const struct outcome *like, struct small *ret) {
        struct shrinking sh = {.from = p, .like = like};
        bool smaller = true;

        sh.best.luck = p->conf.seed;
        sh.best.keep = (struct keep){.faults = first_bits(p->n_faults),
                                     .hosts = first_bits(p->conf.n_hosts),
                                     .guests = first_bits(p->conf.n_guests)};
        sh.cut = xcalloc(1, sizeof(*sh.cut));
        while (smaller) {
                smaller = drop_some(&sh, offsetof(struct keep, faults), p->n_faults, 0);
                smaller |= drop_some(&sh, offsetof(struct keep, guests), p->conf.n_guests, 0);
                smaller |= drop_some(&sh, offsetof(struct keep, hosts), p->conf.n_hosts, 1);
        }
        free(sh.cut);
        *ret = sh.best;
}

/* ---- shown ---- */

static void list(const char *option, uint64_t mask, size_t n) {
        bool first = true;

        if ((mask & first_bits(n)) == first_bits(n))
                return;
        (void)printf(" %s ", option);
        for (size_t i = 0; i < n; i++) {
                if (!(mask >> i & 1))
                        continue;
                (void)printf("%s%zu", first ? "" : ",", i);
                first = false;
        }
        if (first)
                (void)printf("none");
}

/* A scenario knows no lost second line, no wire, and is never excused. */
static void show_ini(const struct plan *cut) {
        char path[64];
        FILE *f, *null = fopen("/dev/null", "we");

        text_fmt(path, sizeof(path), "/tmp/simtest-%" PRIu64 ".ini", cut->seed);
        f = fopen(path, "we");
        if (f) {
                plan_ini(cut, f);
                (void)fclose(f); /* what is missing shows below */
        }
        if (null) {
                (void)printf("as a scenario: hawctl simulate %s%s\n", path,
                             simulate_main(path, false, null) == 1
                                     ? ""
                                     : " (but it keeps the promises there)");
                (void)fclose(null); /* nothing is in it */
        }
}

void shrink_show(const char *self, const struct plan *p, const struct small *small) {
        struct plan *cut = xcalloc(1, sizeof(*cut));
        struct outcome o;

        plan_print(p, &small->keep);
        (void)printf("the last lines of the shortest run:\n");
        plan_cut(p, &small->keep, cut);
        cut->conf.seed = small->luck;
        board_try(cut, true, &o);
        (void)printf("%s: %s\n", o.promise, o.text);
        show_ini(cut);
        (void)printf("again: %s --seed %" PRIu64, self, p->seed);
        if (small->luck != p->seed)
                (void)printf(" --luck %" PRIu64, small->luck);
        list("--keep", small->keep.faults, p->n_faults);
        list("--hosts", small->keep.hosts, p->conf.n_hosts);
        list("--guests", small->keep.guests, p->conf.n_guests);
        (void)printf(" --trace\n");
        free(cut);
}
