/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * S7: whoever decides without a host may count from when its group last changed: nothing that the
 * host sent later has renewed its lease. What a host has renewed by its clock is held against when,
 * in truth, that group came about.
 */
#include "hawd/sim/truth.h"

static uint32_t group_mask(const struct sim *s, const struct core_status *st) {
        uint32_t mask = 0;

        for (size_t i = 0; i < st->n_group; i++)
                for (size_t k = 0; k < s->n_hosts; k++)
                        if (s->hosts[k].nodeid == st->group[i].nodeid)
                                mask |= 1U << k;
        return mask;
}

void truth_group(struct sim *s, struct sim_host *h) {
        struct core_status st;

        core_status(h->core, &st);
        h->group = group_mask(s, &st);
        h->group_at = s->now;
}

/* The clocks of hosts are compared in virtual time, which rounds a little. */
static void check(struct sim *s, const struct sim_host *by, const struct sim_host *h) {
        struct core_status st;
        usec_t renewed;

        core_status(h->core, &st);
        renewed = sim_virtual(h, st.lease_renewed);
        if (st.lease_renewed == 0 || renewed <= by->group_at + 5)
                return;
        s->truth->lease_said |= 1U << h->index;
        sim_violate(s, "S7",
                    "%s has renewed its lease as of %.6f s, and %s decides without it since %.6f s",
                    h->name, (double)(renewed - s->zero) / 1e6, by->name,
                    (double)(by->group_at - s->zero) / 1e6);
}

/* One that stood still while the others went on believes so too, and decides nothing: most of those
 * who vote must be in its epoch. */
static bool decides(const struct sim *s, const struct sim_host *h) {
        struct core_status st, other;
        uint32_t n = 0;

        core_status(h->core, &st);
        for (uint32_t i = 0; i < st.n_voters && st.operational; i++)
                for (size_t k = 0; k < s->n_hosts; k++) {
                        if (s->hosts[k].nodeid != st.voters[i] || !s->hosts[k].core)
                                continue;
                        core_status(s->hosts[k].core, &other);
                        n += other.operational && other.epoch == st.epoch;
                }
        return 2 * n > st.n_voters;
}

static bool left_out(const struct sim *s, const struct sim_host *by, const struct sim_host *h) {
        return by != h && by->core && h->core && by->group && !(by->group >> h->index & 1) &&
               h->booted_at <= by->group_at && !(s->truth->lease_said >> h->index & 1);
}

void truth_decides(struct sim *s, const struct sim_host *by) {
        for (size_t i = 0; i < s->n_hosts && !s->truth->given_up; i++)
                if (left_out(s, by, &s->hosts[i]) && decides(s, by))
                        check(s, by, &s->hosts[i]);
}

void truth_heartbeat(struct sim *s, const struct sim_host *h) {
        for (size_t i = 0; i < s->n_hosts && !s->truth->given_up; i++)
                if (left_out(s, &s->hosts[i], h) && decides(s, &s->hosts[i]))
                        check(s, &s->hosts[i], h);
}
