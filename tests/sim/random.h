/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random clusters and what goes wrong in them, by seed; and a run of one, held to the promises.
 *
 * A plan is a whole schedule, and can be cut down: faults, hosts and guests are dropped by their
 * number, and what is left keeps its number (shrink.c). Its luck is the seed of all that is not in
 * the schedule: who answers first, what was sent last.
 */
#pragma once

#include "hawd/sim/fault.h"

#define PLAN_FAULTS_MAX 64
#define SETTLE_MAX (400 * USEC_PER_SEC) /* L1: after the faults all is well within this */

struct plan {
        uint64_t seed;
        struct sim_conf conf; /* conf.seed: its luck */
        struct fault faults[PLAN_FAULTS_MAX];
        size_t n_faults;
        usec_t faults_end;
};

/** struct keep - what of a plan is left, bit per fault, host and guest */
struct keep {
        uint64_t faults;
        uint64_t hosts;
        uint64_t guests;
};

#define KEEP_ALL ((struct keep){UINT64_MAX, UINT64_MAX, UINT64_MAX})

struct outcome {
        bool failed;
        char promise[8];
        char text[SIM_VIOLATION_LEN];
        usec_t at;      /* of the violation */
        usec_t settled; /* time from the end of all faults until all was well */
        usec_t virtual_usec;
        struct sim_stats stats;
};

/* random_cluster.c, random_faults.c */
void plan_make(uint64_t seed, struct plan *ret);
void plan_faults(struct plan *p, struct prng *r);
/** plan_dog_faults() - where hosts have watchdogs: BMCs are dead, hawd is restarted. */
void plan_dog_faults(struct plan *p, struct prng *r);
/** plan_copy_faults() - where guests have replicas: servers, links, hosts, and people */
void plan_copy_faults(struct plan *p, struct prng *r);

/** plan_health_faults() - hosts that measure that they are degraded, one or all. */
void plan_snap_faults(struct plan *p, struct prng *r);
void plan_health_faults(struct plan *p, struct prng *r);

/* plan.c */
/** plan_cut() - @ret becomes @p without what @keep does not have. */
void plan_cut(const struct plan *p, const struct keep *keep, struct plan *ret);
/** plan_print() - for people: the cluster, and each fault behind its number. */
void plan_print(const struct plan *p, const struct keep *keep);
/** plan_ini() - the same as a scenario, as far as a scenario can say it. */
void plan_ini(const struct plan *p, FILE *out);

/* run.c */
/** settle() - go on until all is well and stays so. Return: false: it does not; @o says why. */
bool settle(struct sim *s, struct outcome *o);
/** plan_run() - @trace: every line, or NULL. */
void plan_run(const struct plan *p,
              void (*trace)(struct sim *, const struct sim_host *, const char *),
              struct outcome *ret);
