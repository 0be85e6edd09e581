/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The promises about guests, held against the QEMU processes that really run. A copy that a person
 * started with virsh is no fault of hawd, but hawd stops it and says so; and what a person or a
 * device said falsely of a host excuses what comes of it, until that host was off or has settled.
 */
#include "hawd/sim/truth.h"

#define LOOK_USEC (3 * USEC_PER_SEC) /* a copy that ran for less may have gone unseen */

const struct guest *truth_guest(const struct sim *s, const struct model *m, int g) {
        for (size_t i = 0; m && i < m->n_guests; i++)
                if (strcmp(m->guests[i].spec->uuid, s->guests[g].uuid) == 0)
                        return &m->guests[i];
        return NULL;
}

bool truth_claims(const struct sim *s, const struct guest *mg, int host) {
        const struct model *m = truth_newest(s);
        int index = mg ? model_host_index(m, s->hosts[host].nodeid) : -1;

        return index >= 0 && mg->claims >> index & 1;
}

static bool excused(const struct sim *s, int host) {
        usec_t at = s->truth->loss[host].false_at;

        return s->conf->excuse_lies && at && s->hosts[host].off_at < at;
}

/* Started by a person, and hawd has not taken it on either. */
static bool of_a_person(const struct sim *s, int host, int g) {
        return s->hosts[host].lv.dom[g].by_person &&
               !truth_claims(s, truth_guest(s, truth_newest(s), g), host);
}

void truth_start(struct sim *s, struct sim_host *h, int g) {
        for (int i = qemu_where(s, g, 0); i >= 0; i = qemu_where(s, g, i + 1)) {
                if (of_a_person(s, i, g) || excused(s, i) || excused(s, h->index))
                        continue;
                sim_violate(s, "S1", "guest %s starts on %s while it is %s on %s%s",
                            s->guests[g].conf->name, h->name,
                            seen_state_name(s->hosts[i].lv.dom[g].state), s->hosts[i].name,
                            s->hosts[i].frozen ? " (frozen)" : "");
        }
}

/* For ever, that is: a disk may answer again just then. */
static bool qemu_fails(enum end_why why) {
        return why == END_HANG || why == END_WATCHDOG || why == END_CRASHED;
}

void truth_kill(struct sim *s, struct sim_host *by, int g) {
        const struct model *m = truth_newest(s);
        const struct guest *mg = truth_guest(s, m, g);
        const struct domain *d = &by->lv.dom[g];

        if (of_a_person(s, by->index, g) && s->now - d->since > LOOK_USEC) {
                s->truth->rogue[g].stopped_at = s->now;
                s->truth->rogue[g].host = by->index;
                s->truth->rogue[g].hawd_life = by->hawd_life;
        }
        if (mg && mg->claims == 1U << model_host_index(m, by->nodeid) &&
            mg->state == GUEST_RUNNING && mg->desired == DESIRED_RUNNING &&
            mg->job_kind == JOB_NONE && !mg->deleting)
                sim_violate(s, "kill", "%s ends guest %s, which rightly runs there", by->name,
                            mg->spec->name);
        if (mg && mg->claims == 1U << model_host_index(m, by->nodeid) &&
            mg->job_kind == JOB_SETTLE && qemu_fails(mg->recovery.why) &&
            d->state == SEEN_RUNNING && d->ails == END_NONE)
                sim_violate(s, "kill", "%s ends guest %s for its %s, but it is well", by->name,
                            mg->spec->name, end_why_name(mg->recovery.why));
}

void truth_rogue(struct sim *s, const char *guest) {
        int g = sim_guest_index(s, guest);

        if (g >= 0)
                s->truth->rogue[g].noted_at = s->now;
}

void truth_guests(struct sim *s, struct sim_host *h) {
        const struct model *m = core_model(h->core);

        for (size_t i = 0; i < m->n_guests; i++) {
                const struct guest *g = &m->guests[i];

                if (__builtin_popcount(g->claims) > 1)
                        sim_violate(s, "S1", "guest %s has claims of two hosts", g->spec->name);
                if (g->snaps && m->version >= s->truth->top &&
                    sim_guest_index(s, g->spec->uuid) >= 0)
                        snaps_check(s, sim_guest_index(s, g->spec->uuid), g);
                if ((g->state == GUEST_FAILED || g->state == GUEST_BLOCKED) && !g->reason[0])
                        sim_violate(s, "L2", "%s has guest %s %s without a reason", h->name,
                                    g->spec->name, guest_state_name(g->state));
        }
}
