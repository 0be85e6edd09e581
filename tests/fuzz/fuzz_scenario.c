/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any text as a scenario of hawctl simulate: no crash; every mistake has its line. What is right
 * and small is played for a while, too.
 */
#include "hawd/sim/scenario.h"
#include "tests/fuzz/fuzz.h"

#define PLAY_USEC (5 * USEC_PER_SEC)

static void due(struct sim *s, const struct call *c) {
        fault_apply(s, (const struct fault *)(uintptr_t)c->a);
}

/* Up to the first fault, and a few seconds of what it leads to. */
static void play(struct scenario *sc) {
        struct sim *s = sim_new(&sc->conf);
        char err[SIM_VIOLATION_LEN];
        usec_t end = MIN(sc->end_usec, 20 * USEC_PER_SEC);

        s->keep_going = true; /* a scenario may well break promises: watchdogs off, lying BMCs */
        if (sim_setup(s, err) == 0) {
                for (size_t i = 0; i < sc->n_faults; i++)
                        if (sc->faults[i].at < end)
                                sim_at(s, sc->faults[i].at, OWNER_WORLD, -1, due,
                                       (uint64_t)(uintptr_t)&sc->faults[i], 0);
                (void)sim_run(s, s->zero + MIN(end, PLAY_USEC));
        }
        sim_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct scenario sc;
        _cleanup_(freep) char *text = input_text(data, size);
        struct conf_errors errors = {0};
        int r = scenario_parse("x.ini", text, &sc, &errors);

        must(r >= 0 && (size_t)r == errors.n);
        for (size_t i = 0; i < errors.n; i++)
                must(strncmp(errors.lines[i], "x.ini:", 6) == 0);
        if (r == 0 && sc.conf.n_hosts <= 3 && sc.conf.n_guests <= 4)
                play(&sc);
        scenario_clear(&sc);
        conf_errors_clear(&errors);
        return 0;
}
