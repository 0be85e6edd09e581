/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scenario from a file, run and printed. */
#include "hawd/sim/scenario.h"

#define FILE_MAX ((size_t)4 << 20)

static char *read_all(const char *path, char *err) {
        FILE *f = fopen(path, "re");
        char *text;
        size_t n;

        if (!f) {
                text_set(err, TEXT_LEN, strerror(errno));
                return NULL;
        }
        text = xcalloc(FILE_MAX + 1, 1);
        n = fread(text, 1, FILE_MAX + 1, f);
        if (ferror(f) || n > FILE_MAX) {
                text_set(err, TEXT_LEN, n > FILE_MAX ? "longer than 4 MiB" : strerror(errno));
                free(text);
                text = NULL;
        }
        (void)fclose(f); /* read only */
        return text;
}

static void due(struct sim *s, const struct call *c) {
        const struct fault *f = (const struct fault *)(uintptr_t)c->a;

        report_did(s->observer, f);
        fault_apply(s, f);
}

/* Where everything was mended, all must be well in the end (L1 to L3). */
static void check_end(struct sim *s) {
        char promise[8], why[SIM_VIOLATION_LEN];

        if (s->peace && !truth_settled(s, promise, why))
                sim_violate(s, promise, "%s", why);
}

static int run(const struct scenario *sc, const char *path, bool json, FILE *out) {
        struct sim *s = sim_new(&sc->conf);
        struct report *r = report_new(s, json ? NULL : out);
        char err[SIM_VIOLATION_LEN];
        int status;

        s->keep_going = true;
        if (sim_setup(s, err) < 0) {
                (void)fprintf(stderr, "%s: %s\n", path, err);
                report_free(r);
                sim_free(s);
                return 2;
        }
        for (size_t i = 0; i < sc->n_faults; i++)
                sim_at(s, sc->faults[i].at, OWNER_WORLD, -1, due,
                       (uint64_t)(uintptr_t)&sc->faults[i], 0);
        (void)sim_run(s, s->zero + sc->end_usec); /* violations are in the report */
        check_end(s);
        status = s->n_violations ? 1 : 0;
        if (json) {
                char *text = report_json(r);

                (void)fprintf(out, "%s\n", text);
                free(text);
        } else {
                report_finish(r);
        }
        report_free(r);
        sim_free(s);
        return status;
}

int simulate_main(const char *path, bool json, FILE *out) {
        struct conf_errors errors = {0};
        struct scenario *sc;
        char err[TEXT_LEN];
        char *text = read_all(path, err);
        int status = 2;

        if (!text) {
                (void)fprintf(stderr, "%s: %s\n", path, err);
                return 2;
        }
        sc = xcalloc(1, sizeof(*sc));
        if (scenario_parse(path, text, sc, &errors) == 0)
                status = run(sc, path, json, out);
        for (size_t i = 0; i < errors.n; i++)
                (void)fprintf(stderr, "%s\n", errors.lines[i]);
        conf_errors_clear(&errors);
        scenario_clear(sc);
        free(sc);
        free(text);
        if (fflush(out) != 0)
                return 1;
        return status;
}
