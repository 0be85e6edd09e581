/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random clusters and what goes wrong in them, by seed; and a run of one, held to the promises.
 */
#pragma once

#include "hawd/sim/fault.h"

#define PLAN_FAULTS_MAX 64
#define SETTLE_MAX                                                                                 \
        (400 * USEC_PER_SEC) /* L1: within this all is well after the last fault ended             \
                              */

struct plan {
        struct sim_conf conf;
        struct fault faults[PLAN_FAULTS_MAX];
        size_t n_faults;
        usec_t faults_end;
};

struct outcome {
        bool failed;
        char promise[8];
        char text[SIM_VIOLATION_LEN];
        usec_t at;      /* of the violation */
        usec_t settled; /* time from the end of all faults until all was well */
        usec_t virtual_usec;
        struct sim_stats stats;
};

void plan_make(uint64_t seed, struct plan *ret);
/** plan_run() - @keep: bit per fault that is done; @trace: every line, or NULL. */
void plan_run(const struct plan *p, uint64_t keep,
              void (*trace)(struct sim *, const struct sim_host *, const char *),
              struct outcome *ret);
