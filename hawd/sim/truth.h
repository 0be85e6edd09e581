/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Between the files of the truth: what it has seen of the ledger, of losses and of copies.
 * Internal.
 */
#pragma once

#include "hawd/sim/parts.h"

#define STORED_MAX 4 /* different entries of one version, of different epochs */

struct truth {
        /* By version: */
        struct seen_version {
                bool applied;  /* by somebody: it was looked at whether it is stable */
                uint64_t hash; /* of the model, by whoever came there first; 0: not looked at */
                struct {
                        uint64_t print;
                        uint32_t hosts; /* that have stored it at some time */
                } stored[STORED_MAX];
        } * at;
        size_t cap;
        uint64_t top;    /* newest version that anybody applied */
        usec_t flood_at; /* begin of a while, */
        uint64_t flood;  /* and the newest version then */
        bool given_up; /* somebody said that what only others have stored is lost, or that they are
                          off when they were not: then they may have another ledger */
        uint32_t lease_said; /* bit per host: once is enough */
        struct {
                uint32_t losses;
                usec_t at;        /* when the first member knew of it */
                uint32_t proven;  /* number of the loss whose proof was looked at */
                usec_t online_at; /* when it came online; 0: it is not */
                usec_t false_at;  /* a person or a device said falsely that it was off; 0: nobody */
        } loss[SIM_HOSTS_MAX];
        struct {
                usec_t stopped_at; /* a copy of a person, by hawd */
                int host;
                uint32_t hawd_life;
                usec_t noted_at; /* in the ledger */
        } rogue[SIM_GUESTS_MAX];
};

/** truth_newest() - of all members, also those that do not decide just now; NULL: no hawd runs. */
const struct model *truth_newest(const struct sim *s);
const struct guest *truth_guest(const struct sim *s, const struct model *m, int g);
bool truth_claims(const struct sim *s, const struct guest *mg, int host);
