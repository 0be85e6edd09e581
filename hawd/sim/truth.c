/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The promises about the ledger and about hosts, held against what is true. What a core believes is
 * read from its model; what is true is power, disks and what was really done, which no core can
 * see.
 */
#include "hawd/sim/truth.h"

#define FLOOD_USEC (10 * USEC_PER_SEC)
#define FLOOD_ENTRIES 1000
#define HASH_EACH 8 /* a ledger that has parted from the others does not meet them again */

struct truth *truth_new(void) {
        return xcalloc(1, sizeof(struct truth));
}

struct truth *truth_free(struct truth *k) {
        if (k)
                free(k->at);
        free(k);
        return NULL;
}

static struct seen_version *at_version(struct truth *k, uint64_t version) {
        if (version >= k->cap) {
                size_t cap = MAX(2 * k->cap, version + 256);

                k->at = xreallocarray(k->at, cap, sizeof(k->at[0]));
                memset(k->at + k->cap, 0, (cap - k->cap) * sizeof(k->at[0]));
                k->cap = cap;
        }
        return &k->at[version];
}

const struct model *truth_newest(const struct sim *s) {
        const struct model *m = NULL;

        for (size_t i = 0; i < s->n_hosts; i++)
                if (s->hosts[i].core && (!m || core_model(s->hosts[i].core)->version > m->version))
                        m = core_model(s->hosts[i].core);
        return m;
}

/* ---- entries ---- */

void truth_stored(struct sim *s, const struct sim_host *h, uint64_t version, uint64_t print) {
        struct seen_version *v = at_version(s->truth, version);

        for (size_t i = 0; i < STORED_MAX; i++) {
                if (v->stored[i].hosts && v->stored[i].print != print)
                        continue;
                v->stored[i].print = print;
                v->stored[i].hosts |= 1U << h->index;
                return;
        }
}

static uint32_t voters_of(const struct sim *s, const struct model *m) {
        uint32_t mask = 0;

        for (size_t i = 0; i < m->n_hosts; i++) {
                int k = sim_host_index(s, m->hosts[i].name);

                if (k >= 0 && !m->hosts[i].no_vote)
                        mask |= 1U << k;
        }
        return mask;
}

static bool majority(uint32_t hosts, uint32_t voters) {
        return 2 * __builtin_popcount(hosts & voters) > __builtin_popcount(voters);
}

/* Those whose stores count in the configuration that it is in: with changes not yet stable, and
 * without whom half of them have proven off (checked there). */
static uint32_t voters_now(const struct sim *s, const struct core_status *st) {
        uint32_t mask = 0;

        for (uint32_t i = 0; i < st->n_voters; i++)
                for (size_t k = 0; k < s->n_hosts; k++)
                        if (s->hosts[k].nodeid == st->voters[i])
                                mask |= 1U << k;
        return mask;
}

/* The list follows the nodelist one host at a time, and counts as changed from the moment on that
 * the change is in the log. */
static bool about_majority(const struct sim *s, uint32_t hosts, uint32_t voters) {
        bool ret = majority(hosts, voters);

        for (size_t i = 0; i < s->n_hosts; i++)
                if ((voters ^ s->listed) >> i & 1)
                        ret |= majority(hosts, voters ^ 1U << i);
        return ret;
}

/* S4: what is applied was stored by a majority of the ledger's own list, as it was or is. */
static void check_stable(struct sim *s, struct sim_host *h, const struct model *m,
                         const struct core_status *st) {
        struct truth *k = s->truth;
        uint32_t voters = voters_of(s, m), now = voters_now(s, st);

        for (uint64_t v = k->top + 1; v <= m->version; v++) {
                struct seen_version *at = at_version(k, v);
                bool stable = at->applied; /* the list of those who vote was another then */
                int most = 0;

                at->applied = true;
                for (size_t i = 0; i < STORED_MAX; i++) {
                        stable |= about_majority(s, at->stored[i].hosts, voters) ||
                                  majority(at->stored[i].hosts, now);
                        most = MAX(most, __builtin_popcount(at->stored[i].hosts & voters));
                }
                if (!stable && voters)
                        sim_violate(s, "S4",
                                    "%s applies entry %" PRIu64 ", which %d of %d voters have "
                                    "stored",
                                    h->name, v, most, __builtin_popcount(voters));
        }
}

/* All who applied version n have the same model then (S5), and nobody goes back (S10). */
static void check_history(struct sim *s, struct sim_host *h, const struct model *m,
                          const struct core_status *st) {
        struct truth *k = s->truth;
        struct seen_version *at = at_version(k, m->version);
        uint64_t hash;

        /* It may apply again what it knows; it may not forget. */
        if (m->version < h->seen_version && st->version < h->seen_version && !k->given_up)
                sim_violate(s, "S10", "%s goes back from version %" PRIu64 " to %" PRIu64, h->name,
                            h->seen_version, st->version);
        k->top = k->given_up ? m->version : MAX(k->top, m->version);
        if (m->version % HASH_EACH != 0 && !s->on_trace)
                return;
        hash = model_hash(m);
        if (at->hash == 0 || k->given_up)
                at->hash = hash;
        else if (at->hash != hash)
                sim_violate(s, "S5", "%s has another ledger at version %" PRIu64 " than others",
                            h->name, m->version);
}

void truth_loss_accepted(struct sim *s) {
        s->truth->given_up = true;
}

/* Two who undo what the other did would go on for ever. */
static void check_flood(struct sim *s) {
        struct truth *k = s->truth;

        if (s->now - k->flood_at > FLOOD_USEC) {
                k->flood_at = s->now;
                k->flood = k->top;
        }
        if (k->top > k->flood + FLOOD_ENTRIES)
                sim_violate(s, "flood", "%" PRIu64 " entries within %" PRIu64 " s",
                            k->top - k->flood, FLOOD_USEC / USEC_PER_SEC);
}

/* ---- hosts ---- */

/* It reads off since long enough that somebody must have seen it while the host was in the ring. */
static bool should_be_distrusted(const struct sim *s, const struct sim_host *t) {
        usec_t at = MIN(s->truth->loss[t->index].at, t->part_at);
        const struct config *c = &s->conf->config;
        usec_t bound = 3 * c->fence_check_usec + 60 * USEC_PER_SEC;

        for (int k = 0; k < SIM_DEVICES; k++)
                if (t->bmc[k].lies_since && at > t->bmc[k].lies_since &&
                    at - t->bmc[k].lies_since > bound)
                        return true;
        return false;
}

/* What a half decided before it fell itself may come to light much later. */
static usec_t lost_at(const struct sim *s, const struct sim_host *by, const struct host *mh,
                      const struct sim_host *t) {
        usec_t ago = usec_sub(sim_wall(s, by), mh->lost_wall);

        return MIN(s->truth->loss[t->index].at, usec_sub(s->now, ago));
}

static void false_proof(struct sim *s, const struct sim_host *by, const struct host *mh,
                        const struct sim_host *t) {
        bool liar = false;

        if (mh->proof == PROOF_LEASE) { /* no device said so */
                sim_violate(s, "S7", "%s counts %s as reset by its watchdog, which it was not (%s)",
                            by->name, t->name, mh->proof_text);
                return;
        }
        for (int k = 0; k < SIM_DEVICES; k++)
                liar |= t->bmc[k].lies_since != 0 || t->bmc[k].lied_until > lost_at(s, by, mh, t);
        /* Who confirms falsely breaks the promise, not hawd; nor can it see through a device that
         * has begun to lie a moment ago. */
        if (mh->proof == PROOF_OPERATOR ||
            (s->conf->excuse_lies && liar && !should_be_distrusted(s, t))) {
                s->stats.fooled++;
                s->truth->loss[t->index].false_at = s->now;
                s->truth->given_up |= mh->no_vote;
                sim_trace(s, t, "counts as off, which is not true");
                return;
        }
        sim_violate(s, "S2", "%s counts %s as proven off (%s), but it was never off since",
                    by->name, t->name, mh->proof_text);
}

/* A host that counts as off was off at some time since its hawd last took part (S2, S3): what it
 * was allowed to do then has ended, and nobody has allowed it anything since. */
static void check_proof(struct sim *s, const struct sim_host *by, const struct host *mh) {
        int i = sim_host_index(s, mh->name);
        struct truth *k = s->truth;
        const struct sim_host *t;

        if (i < 0)
                return;
        t = &s->hosts[i];
        if (mh->losses > k->loss[i].losses) {
                k->loss[i].losses = mh->losses;
                k->loss[i].at = s->now;
        }
        if (host_serves(mh) && mh->losses == k->loss[i].losses)
                k->loss[i].false_at = 0; /* it has settled all that it had */
        if (mh->proof == PROOF_NONE || mh->losses != k->loss[i].losses ||
            k->loss[i].proven == mh->losses)
                return;
        k->loss[i].proven = mh->losses;
        s->stats.lease_proofs += mh->proof == PROOF_LEASE;
        if (t->powered && t->back_at <= t->part_at)
                false_proof(s, by, mh, t);
}

/* A host comes online only when nothing that was begun before can switch it off any more (S3). */
static void check_online(struct sim *s, const struct sim_host *by, const struct host *mh) {
        int i = sim_host_index(s, mh->name);
        const struct sim_host *who;

        if (i < 0 || s->truth->top > s->hosts[by->index].seen_version)
                return;
        if (!host_serves(mh))
                s->truth->loss[i].online_at = 0;
        else if (s->truth->loss[i].online_at == 0)
                s->truth->loss[i].online_at = s->now;
        who = bmc_may_switch_off(s, i, s->truth->loss[i].online_at);
        if (who)
                sim_violate(s, "S3", "%s is online, but a hawd-fence on %s may still switch it off",
                            mh->name, who->name);
}

/* It decides with others, and not as one that is lost: what it may do, it may still do. */
static bool present(const struct sim_host *h, const struct model *m) {
        for (size_t i = 0; i < m->n_hosts; i++)
                if (m->hosts[i].nodeid == h->nodeid)
                        return host_present(&m->hosts[i]);
        return false;
}

void truth_core(struct sim *s, struct sim_host *h) {
        const struct model *m = core_model(h->core);
        struct core_status st;

        if (m->version == h->seen_version)
                return;
        core_status(h->core, &st);
        if (st.operational && present(h, m))
                h->part_at = s->now;
        if (st.operational)
                truth_decides(s, h);
        for (size_t i = 0; i < m->n_hosts;
             i++) /* first: what follows of a false one is its fault */
                check_proof(s, h, &m->hosts[i]);
        check_stable(s, h, m, &st);
        check_history(s, h, m, &st);
        h->seen_version = m->version;
        check_flood(s);
        for (size_t i = 0; i < m->n_hosts; i++)
                check_online(s, h, &m->hosts[i]);
        truth_guests(s, h);
}

void truth_switch_off(struct sim *s, struct sim_host *by, int target) {
        const struct sim_host *t = &s->hosts[target];
        const struct model *m = truth_newest(s);
        struct core_status st;

        if (!m || !t->core || t->frozen)
                return;
        core_status(by->core, &st);
        if (st.split) /* before its ledger can say that it is lost */
                return;
        for (size_t i = 0; i < m->n_hosts; i++)
                if (m->hosts[i].nodeid == t->nodeid && host_serves(&m->hosts[i]))
                        sim_violate(s, "S3", "%s switches %s off, which is online", by->name,
                                    t->name);
}
