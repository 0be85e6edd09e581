/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The disk of each host: batches complete in order, some time after they were given; what is not
 * complete when hawd dies is lost, but for the one that is being written, which may be there.
 */
#include "hawd/sim/parts.h"

static uint64_t base_version(const struct disk *st) {
        if (st->compact)
                return st->compact->version;
        return st->base ? st->base->version : 0;
}

uint64_t disk_version(const struct disk *st) {
        return base_version(st) + st->n_tail;
}

static uint64_t mix(uint64_t h, uint64_t x) {
        h = (h ^ x) * 0x9e3779b97f4a7c15ULL;
        return h ^ h >> 29;
}

static uint64_t mix_text(uint64_t h, const char *s) {
        uint64_t w;
        size_t n = strlen(s);

        for (; n >= sizeof(w); n -= sizeof(w), s += sizeof(w)) {
                memcpy(&w, s, sizeof(w));
                h = mix(h, w);
        }
        w = n;
        memcpy(&w, s, n);
        return mix(h, w);
}

static uint64_t entry_print(const struct entry *e) {
        uint64_t h = mix(mix(mix(e->epoch, e->origin), e->incarnation), e->request);

        for (size_t i = 0; i < e->n_ops; i++) {
                const struct op *o = &e->ops[i];
                uint64_t f[] = {o->kind,   o->host,          o->gid,  o->host_version,
                                o->gen,    o->guest_version, o->job,  o->incarnation,
                                o->loss,   o->executor,      o->wall, o->result,
                                o->n_seen, o->fence_kind,    o->seen, o->guest_state};

                for (size_t k = 0; k < ARRAY_SIZE(f); k++)
                        h = mix(h, f[k]);
                h = mix_text(h, o->text);
        }
        return h ? h : 1;
}

static void tail_add(struct sim *s, struct sim_host *h, struct entry *e) {
        struct disk *st = &h->store;

        if (st->n_tail == st->cap_tail) {
                st->cap_tail = st->cap_tail ? 2 * st->cap_tail : 64;
                st->tail = xreallocarray(st->tail, st->cap_tail, sizeof(st->tail[0]));
        }
        st->tail[st->n_tail++] = entry_ref(e);
        truth_stored(s, h, disk_version(st), entry_print(e));
}

static void tail_drop(struct disk *st, size_t n) {
        for (size_t i = 0; i < n; i++)
                (void)entry_unref(st->tail[i]);
        st->n_tail -= n;
        if (st->n_tail > 0)
                memmove(st->tail, st->tail + n, st->n_tail * sizeof(st->tail[0]));
}

static void drop_compact(struct disk *st) {
        if (st->compact) {
                model_clear(st->compact);
                free(st->compact);
                st->compact = NULL;
        }
}

/* The base stands for the entries of its own tail too, which are kept apart here so that what is
 * appended later goes behind them. */
static void install(struct sim *s, struct sim_host *h, const struct state *state) {
        struct disk *st = &h->store;

        tail_drop(st, st->n_tail);
        drop_compact(st);
        (void)state_unref(st->base);
        st->base = state_new();
        model_copy(&st->base->model, &state->model);
        st->base->version = state->model.version;
        for (size_t i = 0; i < state->n_tail; i++)
                tail_add(s, h, state->tail[i]);
}

static void write_batch(struct sim *s, struct sim_host *h, struct persist *p) {
        struct disk *st = &h->store;

        if (p->set_promised)
                st->promised = p->promised;
        if (p->install) {
                install(s, h, p->install);
                s->stats.installs++;
        }
        if (p->install_epoch) { /* without a state: the same ledger goes on in a new epoch */
                st->epoch = p->install_epoch;
                st->virgin = false;
        }
        if (p->n_entries > 0 && p->first_version != disk_version(st) + 1)
                sim_violate(s, "S10", "%s stores entry %" PRIu64 " behind %" PRIu64, h->name,
                            p->first_version, disk_version(st));
        for (size_t i = 0; i < p->n_entries; i++) {
                tail_add(s, h, p->entries[i]);
                s->stats.entries++;
        }
        if (p->compact && p->compact->version > base_version(st) &&
            p->compact->version <= disk_version(st)) {
                tail_drop(st, p->compact->version - base_version(st));
                drop_compact(st);
                st->compact = p->compact;
                p->compact = NULL;
        }
}

static void written(struct sim *s, const struct call *c);

static void write_later(struct sim *s, struct sim_host *h) {
        usec_t d = sim_delay(s, 2 * USEC_PER_MSEC);

        if (h->store.disk == DISK_SLOW)
                d = prng_range(&s->rng, 20, 3000) * USEC_PER_MSEC;
        sim_at(s, d, OWNER_HAWD, h->index, written, 0, 0);
}

static void drop_pending(struct disk *st) {
        for (size_t i = 0; i < st->n_pending; i++)
                persist_free(st->pending[i]);
        st->n_pending = 0;
}

static void written(struct sim *s, const struct call *c) {
        struct sim_host *h = &s->hosts[c->host];
        struct disk *st = &h->store;
        struct event ev = {.kind = EV_PERSISTED};

        if (st->n_pending == 0)
                return;
        ev.persist.batch = st->pending[0]->batch;
        ev.persist.text = "";
        if (st->disk == DISK_FULL || (st->disk == DISK_FAILING && prng_chance(&s->rng, 40))) {
                s->stats.disk_errors++;
                ev.kind = EV_PERSIST_FAILED;
                ev.persist.code = st->disk == DISK_FULL ? -ENOSPC : -EIO;
                ev.persist.text =
                        st->disk == DISK_FULL ? "No space left on device" : "Input/output error";
                /* It may be there after all, once it is read again. */
                if (st->disk == DISK_FAILING && prng_chance(&s->rng, 30))
                        write_batch(s, h, st->pending[0]);
                drop_pending(st);
        } else {
                write_batch(s, h, st->pending[0]);
                persist_free(st->pending[0]);
                st->n_pending--;
                memmove(st->pending, st->pending + 1, st->n_pending * sizeof(st->pending[0]));
                if (st->n_pending > 0)
                        write_later(s, h);
        }
        node_feed(s, h, &ev);
}

void disk_persist(struct sim *s, struct sim_host *h, struct persist *p) {
        struct disk *st = &h->store;

        if (st->n_pending == st->cap_pending) {
                st->cap_pending = st->cap_pending ? 2 * st->cap_pending : 8;
                st->pending = xreallocarray(st->pending, st->cap_pending, sizeof(st->pending[0]));
        }
        st->pending[st->n_pending++] = p;
        if (st->n_pending == 1)
                write_later(s, h);
}

void disk_crash(struct sim *s, struct sim_host *h) {
        struct disk *st = &h->store;

        s->stats.lost_writes += st->n_pending;
        if (st->n_pending > 0 && st->disk != DISK_FULL && prng_chance(&s->rng, 50))
                write_batch(s, h, st->pending[0]);
        drop_pending(st);
}

void disk_lose(struct sim *s, struct sim_host *h) {
        struct disk *st = &h->store;

        assert(!h->core);
        sim_trace(s, h, "its store is gone");
        s->stats.lost_disks++;
        drop_pending(st);
        tail_drop(st, st->n_tail);
        drop_compact(st);
        st->base = state_unref(st->base);
        st->epoch = st->promised = 0;
        st->virgin = true;
}

struct state *disk_load(struct sim_host *h) {
        const struct disk *st = &h->store;
        struct state *state;

        if (st->virgin)
                return NULL;
        state = state_new();
        if (st->compact || st->base)
                model_copy(&state->model, st->compact ? st->compact : &st->base->model);
        state->epoch = st->epoch;
        state->version = disk_version(st);
        state->n_tail = st->n_tail;
        state->tail = st->n_tail ? xcalloc(st->n_tail, sizeof(state->tail[0])) : NULL;
        for (size_t i = 0; i < st->n_tail; i++)
                state->tail[i] = entry_ref(st->tail[i]);
        return state;
}

void disk_free(struct disk *st) {
        drop_pending(st);
        tail_drop(st, st->n_tail);
        drop_compact(st);
        st->base = state_unref(st->base);
        free(st->tail);
        free(st->pending);
}
