/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ledger's log: proposed, delivered, stored, acknowledged, stable, applied. Pure.
 *
 * An entry gets its version from the leader, is stored where it is delivered, and is applied only
 * when a majority of the ledger's members have stored it in this configuration (S4). The model is
 * therefore always the stable one: whatever is decided or carried out rests on it.
 */
#include <stdio.h>

#include "hawd/core/priv.h"

#define ROWS_WAIT_USEC (50 * USEC_PER_MSEC)

uint64_t log_version(const struct core *c) {
        return c->model.version + c->n_tail;
}

static struct persist *persist_now(struct core *c) {
        if (!c->pending_persist)
                c->pending_persist = xcalloc(1, sizeof(*c->pending_persist));
        return c->pending_persist;
}

static void rows_keep(struct core *c, const struct history_row *rows, size_t n) {
        for (size_t i = 0; i < n; i++) {
                c->unsaved =
                        core_grow(c->unsaved, &c->cap_unsaved, c->n_unsaved, sizeof(*c->unsaved));
                c->unsaved[c->n_unsaved++] = rows[i];
        }
}

static struct history_row *rows_copy(const struct history_row *rows, size_t n) {
        struct history_row *copy = n ? xcalloc(n, sizeof(*copy)) : NULL;

        if (n)
                memcpy(copy, rows, n * sizeof(*copy));
        return copy;
}

/* While the store fails nothing is written but by store_again(), which holds all of it. */
static bool store_refuses(const struct core *c) {
        return c->store_failed && c->n_batches == 0 && c->store_retry != USEC_INFINITY;
}

static void persist_emit(struct core *c) {
        struct persist *p = TAKE_PTR(c->pending_persist);
        struct batch *b;

        if (!p)
                return;
        if (store_refuses(c)) {
                rows_keep(c, p->rows, p->n_rows);
                persist_free(p);
                return;
        }
        p->batch = ++c->next_batch;
        c->batches = core_grow(c->batches, &c->cap_batches, c->n_batches, sizeof(*c->batches));
        b = &c->batches[c->n_batches++];
        *b = (struct batch){.id = p->batch,
                            .promise = p->set_promised ? p->promised : 0,
                            .rows = rows_copy(p->rows, p->n_rows),
                            .n_rows = p->n_rows};
        if (p->install || p->n_entries) {
                b->epoch = c->epoch;
                b->version =
                        p->n_entries ? p->first_version + p->n_entries - 1 : p->install->version;
        } else if (p->install_epoch) {
                b->epoch = p->install_epoch;
                b->version = log_version(c);
        }
        actions_add(c->out, ACT_PERSIST)->persist = p;
}

static bool rows_alone(const struct persist *p) {
        return !p->set_promised && !p->install && !p->install_epoch && !p->n_entries && !p->compact;
}

/* What came before belongs to the old epoch; rows belong to no epoch. */
static void persist_emit_before(struct core *c) {
        if (c->pending_persist && !rows_alone(c->pending_persist))
                persist_emit(c);
}

void log_promise(struct core *c, uint64_t number) {
        struct persist *p;

        c->promised = number;
        persist_emit_before(c);
        p = persist_now(c);
        p->set_promised = true;
        p->promised = number;
}

/* Takes the reference. */
void log_tail(struct core *c, struct entry *e) {
        c->tail = core_grow(c->tail, &c->cap_tail, c->n_tail, sizeof(*c->tail));
        c->tail[c->n_tail++] = e;
        sync_tail(c);
}

static void tail_clear(struct core *c) {
        for (size_t i = 0; i < c->n_tail; i++)
                entry_unref(c->tail[i]);
        c->n_tail = 0;
}

/* Takes the reference. */
void log_append(struct core *c, struct entry *e) {
        struct persist *p = persist_now(c);

        for (size_t i = 0; i < e->n_ops; i++)
                if (e->ops[i].kind == OP_HOST_VOTE && e->ops[i].flag)
                        lone_voted(c, e->ops[i].host);
        log_tail(c, e);
        if (p->n_entries == 0)
                p->first_version = log_version(c);
        p->entries = xreallocarray(p->entries, p->n_entries + 1, sizeof(*p->entries));
        p->entries[p->n_entries++] = entry_ref(e);
}

struct state *log_state(const struct core *c) {
        struct state *s = state_new();

        s->epoch = c->epoch;
        s->version = log_version(c);
        model_copy(&s->model, &c->model);
        s->tail = c->n_tail ? xcalloc(c->n_tail, sizeof(*s->tail)) : NULL;
        for (size_t i = 0; i < c->n_tail; i++)
                s->tail[s->n_tail++] = entry_ref(c->tail[i]);
        return s;
}

/* One transaction: the winner's state and the new epoch. Ours equals it: only the epoch. */
void log_install(struct core *c, uint64_t number, struct state *s) {
        struct persist *p;

        persist_emit_before(c);
        p = persist_now(c);
        if (s) {
                model_copy(&c->model, &s->model);
                tail_clear(c);
                for (size_t i = 0; i < s->n_tail; i++)
                        log_tail(c, entry_ref(s->tail[i]));
                p->install = state_ref(s);
                c->base_version = s->model.version;
        }
        p->install_epoch = number;
        c->epoch = number;
        c->virgin = false;
        persist_emit(c);
}

/*
 * The leader gives every entry of a configuration its version, and is the only one who does, so
 * that each member's log is a beginning of the leader's: (epoch, version) says all of its content.
 * The ring's order alone is not enough: a member that is cut off may deliver what was sent after a
 * message that it lacks, and would then hold another entry at the same version.
 */
static void entry_send(struct core *c, struct entry *e) {
        struct msg *m = msg_new(MSG_ENTRY);

        if (c->leader == c->nodeid) {
                if (c->next_version == 0)
                        c->next_version = log_version(c) + 1;
                m->entry_version = c->next_version++;
        }
        m->entry = e;
        core_send(c, m);
}

/* Leader: all that it has numbered is applied. */
bool log_idle(const struct core *c) {
        return c->n_tail == 0 && (c->next_version == 0 || c->next_version == log_version(c) + 1);
}

static uint64_t expected_version(const struct core *c) {
        uint64_t base = c->installed ? log_version(c) : c->peers[c->winner].exchange.version;

        return base + c->n_held + 1;
}

void log_entry(struct core *c, struct ring_member from, const struct msg *m) {
        struct entry *e = m->entry;

        if (c->phase < SYNC_PROMISE || e->epoch != c->number)
                return; /* of another configuration: whoever sent it will say it again */
        if (m->entry_version == 0) {
                if (c->leader == c->nodeid && c->installed)
                        entry_send(c, entry_ref(e));
                return;
        }
        if (from.nodeid != c->leader || m->entry_version != expected_version(c))
                return; /* something before it is lacking: a change of the group is on its way */
        if (c->installed) {
                log_append(c, entry_ref(e));
                return;
        }
        c->held = core_grow(c->held, &c->cap_held, c->n_held, sizeof(*c->held));
        c->held[c->n_held++] = entry_ref(e);
}

static void emit_rows(struct core *c, struct applied *a) {
        struct persist *p;

        if (a->n == 0)
                return;
        p = persist_now(c);
        p->rows = xreallocarray(p->rows, p->n_rows + a->n, sizeof(*p->rows));
        for (size_t i = 0; i < a->n; i++) {
                p->rows[p->n_rows++] = a->rows[i];
                if (a->rows[i].version > c->noted_version) {
                        struct note *n = xcalloc(1, sizeof(*n));

                        *n = a->rows[i].note;
                        actions_add(c->out, ACT_NOTE)->note = n;
                }
        }
        c->noted_version = MAX(c->noted_version, c->model.version);
}

static void apply_next(struct core *c) {
        struct applied a = {0};
        struct entry *e = c->tail[0];

        memmove(c->tail, c->tail + 1, --c->n_tail * sizeof(*c->tail));
        ledger_apply(&c->model, e, &a);
        emit_rows(c, &a);
        if (e->decision && e->origin == c->nodeid && e->incarnation == c->incarnation)
                c->decision_inflight = false;
        request_applied(c, e, &a);
        applied_clear(&a);
        entry_unref(e);
}

/* The highest version that a majority of the members has stored in this configuration. */
static uint64_t stable_version(const struct core *c) {
        uint32_t members[HOSTS_MAX];
        uint32_t n = sync_voters(c, members);
        uint64_t acked[HOSTS_MAX] = {0};
        uint32_t need = n / 2 + 1;

        for (uint32_t i = 0; i < n; i++)
                for (size_t k = 0; k < c->n_peers; k++)
                        if (c->peers[k].id.nodeid == members[i] &&
                            c->peers[k].ack_epoch == c->number)
                                acked[i] = c->peers[k].ack_version + 1; /* 0: no ack at all */
        for (uint32_t i = 0; i < n; i++)                                /* the need-th highest */
                for (uint32_t k = i + 1; k < n; k++)
                        if (acked[k] > acked[i]) {
                                uint64_t t = acked[i];

                                acked[i] = acked[k];
                                acked[k] = t;
                        }
        return need <= n && acked[need - 1] ? acked[need - 1] - 1 : UINT64_MAX;
}

static void apply_stable(struct core *c) {
        uint32_t voters[HOSTS_MAX], n;
        bool voting = false;
        uint64_t stable;

        /* One whose disk fails goes by what the others have stored; it counts for nothing itself.
         */
        if (!c->installed || (c->stored_epoch != c->number && !c->store_failed))
                return;
        stable = stable_version(c);
        if (stable == UINT64_MAX)
                return;
        n = sync_voters(c, voters);
        for (uint32_t i = 0; i < n; i++)
                voting |= voters[i] == c->nodeid;
        c->phase = SYNC_DONE;
        c->continuous |= voting;
        while (c->n_tail && c->model.version < stable)
                apply_next(c);
}

void log_ack(struct core *c, struct ring_member from, const struct msg *m) {
        struct peer *p = core_peer(c, from.nodeid);

        if (!p || p->id.pid != from.pid || m->view != c->view || c->number == 0 ||
            m->ack.epoch != c->number)
                return;
        if (c->leader == 0)
                c->leader = from.nodeid;
        p->ack_epoch = m->ack.epoch;
        p->ack_version = MAX(p->ack_version, m->ack.version);
        apply_stable(c);
}

void log_persisted(struct core *c, uint64_t batch) {
        size_t done = 0;

        while (done < c->n_batches && c->batches[done].id <= batch) {
                struct batch *b = &c->batches[done++];

                free(b->rows);
                if (b->promise)
                        sync_promised(c, b->promise);
                if (b->epoch) {
                        c->stored_epoch = b->epoch;
                        c->stored_version = b->version;
                        if (b->epoch == c->number && c->installed)
                                c->ack_due = true;
                }
        }
        memmove(c->batches, c->batches + done, (c->n_batches - done) * sizeof(*c->batches));
        c->n_batches -= done;
        if (c->store_failed && c->repair_batch && batch >= c->repair_batch) {
                c->store_failed = false;
                c->repair_batch = 0;
                core_note(c, NOTE_STORE_BACK, c->nodeid, NULL, "the store can be written again");
        }
        apply_stable(c);
}

/* Nothing that was queued is on disk: from now on this member acknowledges nothing, until one
 * write of all that it holds has succeeded (S10). */
void log_persist_failed(struct core *c, const char *text) {
        if (!c->store_failed)
                core_note(c, NOTE_STORE_FAILED, c->nodeid, NULL,
                          "the ledger cannot be stored: %s; guests go on, this host does not vote",
                          text);
        c->store_failed = true;
        text_set(c->store_error, sizeof(c->store_error), text);
        for (size_t i = 0; i < c->n_batches; i++) {
                rows_keep(c, c->batches[i].rows, c->batches[i].n_rows);
                free(c->batches[i].rows);
        }
        c->n_batches = 0;
        c->repair_batch = 0;
        c->store_retry = usec_add(c->now, RESEND_USEC);
}

static void store_again(struct core *c) {
        struct persist *p;

        persist_emit(c); /* only keeps its rows */
        c->store_retry = USEC_INFINITY;
        p = persist_now(c);
        p->rows = rows_copy(c->unsaved, c->n_unsaved);
        p->n_rows = c->n_unsaved;
        c->n_unsaved = 0;
        p->set_promised = true;
        p->promised = c->promised;
        if (!c->virgin) {
                p->install = log_state(c);
                p->install_epoch = c->epoch;
                c->base_version = c->model.version;
        }
        persist_emit(c);
        c->repair_batch = c->next_batch;
}

void log_tick(struct core *c) {
        if (c->store_failed && c->n_batches == 0) {
                if (c->now >= c->store_retry)
                        store_again(c);
                else
                        wake_at(c, c->store_retry);
        }
        if (!c->store_failed && c->installed &&
            c->model.version >= c->base_version + COMPACT_ENTRIES) {
                struct persist *p = persist_now(c);

                p->compact = xcalloc(1, sizeof(*p->compact));
                model_init(p->compact);
                model_copy(p->compact, &c->model);
                c->base_version = c->model.version;
        }
}

/* Rows alone are no reason for a write of their own: they wait a little for the next one. A crash
 * loses none, since their entries are applied again after it. */
static bool only_rows(struct core *c) {
        if (!c->pending_persist || !rows_alone(c->pending_persist)) {
                c->rows_since = 0;
                return false;
        }
        if (c->rows_since == 0)
                c->rows_since = MAX(c->now, 1);
        if (c->now >= usec_add(c->rows_since, ROWS_WAIT_USEC)) {
                c->rows_since = 0;
                return false;
        }
        wake_at(c, usec_add(c->rows_since, ROWS_WAIT_USEC));
        return true;
}

void log_flush(struct core *c) {
        if (!only_rows(c))
                persist_emit(c);
        if (c->ack_due && !c->store_failed) {
                struct msg *m = msg_new(MSG_ACK);

                m->ack.epoch = c->stored_epoch;
                m->ack.version = c->stored_version;
                c->ack_due = false;
                core_send(c, m);
        }
}

bool log_propose(struct core *c, struct entry *e) {
        if (!core_operational(c)) {
                entry_unref(e);
                return false;
        }
        e->origin = c->nodeid;
        e->incarnation = c->incarnation;
        e->epoch = c->number;
        entry_send(c, e);
        return true;
}

struct entry *observation(struct core *c, enum op_kind kind, struct op **ret_op) {
        struct entry *e = entry_new();
        struct op *op = entry_add(e, kind);

        op->host = c->nodeid;
        op->wall = c->wall;
        *ret_op = op;
        return e;
}
