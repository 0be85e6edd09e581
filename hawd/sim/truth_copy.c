/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * S9, held against what is on the disks: a guest that starts finds every write that was
 * acknowledged to it; or its policy, or a person, allowed the loss, and the ledger says how much it
 * was.
 */
#include "hawd/sim/truth.h"

#define TOLERANCE_USEC (15 * USEC_PER_SEC) /* clocks differ, and writes come once a second */

static bool excused(const struct sim *s) {
        return s->stats.fooled || s->truth->given_up;
}

static bool clocks_wrong(const struct sim *s) {
        bool wrong = s->stats.clock_steps > 0;

        for (size_t i = 0; i < s->n_hosts; i++)
                wrong |= s->hosts[i].conf->wall_offset > (int64_t)USEC_PER_SEC ||
                         s->hosts[i].conf->wall_offset < -(int64_t)USEC_PER_SEC;
        return wrong;
}

static void check_loss(struct sim *s, const struct sim_host *h, int g) {
        const struct sim_guest *guest = &s->guests[g];
        const struct content *now = &guest->disk[h->index], *all = &guest->truth;
        const struct guest *mg = truth_guest(s, truth_newest(s), g);
        usec_t lost = now->n < all->n ? guest->acked[all->n - 1] - guest->acked[now->n] : 0;
        usec_t said = mg ? mg->replica.loss_usec : 0;

        if (now->story != all->story) {
                sim_violate(s, "S9", "guest %s starts on %s from a disk that was given up before",
                            guest->conf->name, h->name);
        } else if (!mg || mg->replica.promoted_gen == 0 || said == 0) {
                sim_violate(s, "S9",
                            "guest %s starts on %s without %" PRIu64
                            " of its writes, and nothing says so",
                            guest->conf->name, h->name, all->n - now->n);
        } else if (!guest->forced && said > guest->conf->conf.replica_loss_usec) {
                sim_violate(s, "S9", "guest %s starts on %s from a copy that is older than allowed",
                            guest->conf->name, h->name);
        } else if (!clocks_wrong(s) && said < lost && lost - said > TOLERANCE_USEC) {
                sim_violate(s, "S9", "guest %s starts on %s, and loses %" PRIu64 " s, not %" PRIu64,
                            guest->conf->name, h->name, lost / USEC_PER_SEC, said / USEC_PER_SEC);
        }
}

void truth_disk(struct sim *s, struct sim_host *h, int g) {
        struct sim_guest *guest = &s->guests[g];
        struct content *now = &guest->disk[h->index];

        if (guest->conf->conf.replica.mode == REPLICA_MODE_NONE ||
            memcmp(now, &guest->truth, sizeof(*now)) == 0)
                return;
        if (!excused(s))
                check_loss(s, h, g);
        s->stats.losses++;
        guest->truth =
                (struct content){.story = ++guest->stories, .n = MIN(now->n, guest->truth.n)};
        *now = guest->truth;
}

void truth_copied(struct sim *s, struct sim_host *h, int g) {
        const struct sim_guest *guest = &s->guests[g];

        if (memcmp(&guest->disk[h->index], &guest->truth, sizeof(guest->truth)) != 0 && !excused(s))
                sim_violate(s, "S9", "guest %s is copied from %s, where its disk is not the newest",
                            guest->conf->name, h->name);
}
