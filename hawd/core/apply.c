/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "hawd/core/apply.h"

#define OPS_PER_ENTRY_MAX 4096 /* job ids are version * this + index */

void applied_clear(struct applied *out) {
        free(out->rows);
        *out = (struct applied){0};
}

void ledger_note(struct ledger *l, enum note_id id, uint32_t host, const struct guest *g,
                 uint64_t incident, const char *fmt, ...) {
        struct applied *o = l->out;
        const struct host *h = model_host(l->m, host);
        struct history_row *row;
        va_list ap;

        if (o->n == o->cap) {
                o->cap = MAX(4, o->cap * 2);
                o->rows = xreallocarray(o->rows, o->cap, sizeof(*o->rows));
        }
        row = &o->rows[o->n++];
        *row = (struct history_row){
                .version = l->version,
                .seq = l->seq++,
                .wall = l->op->wall,
                .note = {.id = id, .host = host, .incident = incident, .version = l->version},
        };
        if (h) /* it may leave the model, and its number come to another */
                text_set(row->host_name, sizeof(row->host_name), h->name);
        if (g)
                text_set(row->note.guest, sizeof(row->note.guest), g->spec->name);
        va_start(ap, fmt);
        (void)vsnprintf(row->note.text, sizeof(row->note.text), fmt, ap); /* cut is fine */
        va_end(ap);
}

void ledger_refuse(struct ledger *l, enum reply_code code, const char *fmt, ...) {
        va_list ap;

        if (l->out->code != REPLY_OK)
                return;
        l->out->code = code;
        va_start(ap, fmt);
        (void)vsnprintf(l->out->text, sizeof(l->out->text), fmt, ap); /* cut is fine */
        va_end(ap);
}

struct host *ledger_host(struct ledger *l) {
        struct host *h = model_host(l->m, l->op->host);

        if (!h) {
                ledger_refuse(l, REPLY_USAGE, "there is no such host");
                return NULL;
        }
        if (l->op->host_version && l->op->host_version != h->version) {
                ledger_refuse(l, REPLY_BUSY, "%s has changed meanwhile: try again", h->name);
                return NULL;
        }
        return h;
}

struct guest *ledger_guest(struct ledger *l) {
        struct guest *g = model_guest(l->m, l->op->gid);

        if (!g) {
                ledger_refuse(l, REPLY_USAGE, "there is no such guest any more");
                return NULL;
        }
        if (l->op->guest_version && l->op->guest_version != g->version) {
                ledger_refuse(l, REPLY_BUSY, "%s has changed meanwhile: try again", g->spec->name);
                return NULL;
        }
        return g;
}

uint64_t ledger_job_id(struct ledger *l) {
        return l->version * OPS_PER_ENTRY_MAX + (uint64_t)(l->op - l->entry->ops);
}

void guest_touch(struct ledger *l, struct guest *g) {
        g->version = l->version;
}

void guest_to(struct ledger *l, struct guest *g, enum guest_state s, const char *fmt, ...) {
        va_list ap;

        if (g->state != s)
                g->since_wall = l->op->wall;
        g->state = s;
        if (s != GUEST_RUNNING)
                g->health = HEALTH_UNKNOWN;
        if (g->snaps && (s == GUEST_RUNNING || s == GUEST_PAUSED))
                g->snaps->unmade = false;
        va_start(ap, fmt);
        (void)vsnprintf(g->reason, sizeof(g->reason), fmt, ap); /* cut is fine */
        va_end(ap);
        guest_touch(l, g);
}

/* What may follow what; the diagram is in model.h. Losing a host is possible in every state that
 * takes part, and so is joining again. */
static const uint32_t host_moves[HOST_STATE_MAX_] = {
#define TO(s) (1u << (s))
        [HOST_NEW] = TO(HOST_JOINING),
        [HOST_JOINING] = TO(HOST_JOINING) | TO(HOST_ONLINE) | TO(HOST_LOST) |
                         TO(HOST_UNSUPERVISED) | TO(HOST_AWAY) | TO(HOST_QUARANTINED),
        [HOST_ONLINE] = TO(HOST_JOINING) | TO(HOST_LOST) | TO(HOST_UNSUPERVISED) | TO(HOST_AWAY) |
                        TO(HOST_DRAINING) | TO(HOST_DEGRADED) | TO(HOST_ONLINE),
        [HOST_DRAINING] = TO(HOST_JOINING) | TO(HOST_ONLINE) | TO(HOST_LOST) |
                          TO(HOST_UNSUPERVISED) | TO(HOST_AWAY) | TO(HOST_MAINTENANCE),
        [HOST_MAINTENANCE] = TO(HOST_JOINING) | TO(HOST_ONLINE) | TO(HOST_LOST) |
                             TO(HOST_UNSUPERVISED) | TO(HOST_AWAY),
        [HOST_DEGRADED] = TO(HOST_JOINING) | TO(HOST_ONLINE) | TO(HOST_LOST) |
                          TO(HOST_UNSUPERVISED) | TO(HOST_AWAY) | TO(HOST_DRAINING) |
                          TO(HOST_DEGRADED),
        [HOST_UNSUPERVISED] = TO(HOST_JOINING) | TO(HOST_LOST) | TO(HOST_AWAY),
        [HOST_AWAY] = TO(HOST_JOINING) | TO(HOST_LOST),
        [HOST_LOST] = TO(HOST_FENCING) | TO(HOST_OFF) | TO(HOST_JOINING) | TO(HOST_LOST),
        [HOST_FENCING] = TO(HOST_LOST) | TO(HOST_OFF) | TO(HOST_JOINING),
        [HOST_OFF] = TO(HOST_JOINING) | TO(HOST_LOST),
        [HOST_QUARANTINED] = TO(HOST_JOINING) | TO(HOST_ONLINE) | TO(HOST_LOST) |
                             TO(HOST_UNSUPERVISED) | TO(HOST_AWAY),
#undef TO
};

void host_to(struct ledger *l, struct host *h, enum host_state s) {
        assert(host_moves[h->state] & (1u << s));
        if (h->state != s)
                h->since_wall = l->op->wall;
        h->state = s;
        h->version = l->version;
}

void host_serve(struct ledger *l, struct host *h) {
        if (h->state != HOST_DEGRADED)
                host_to(l, h, HOST_ONLINE);
        host_to(l, h, h->ills ? HOST_DEGRADED : HOST_ONLINE);
}

void guest_release(struct ledger *l, struct guest *g, uint32_t nodeid) {
        int i = model_host_index(l->m, nodeid);

        if (i >= 0) {
                g->claims &= ~(1u << i);
                g->claim[i] = (struct claim){0};
        }
        guest_touch(l, g);
        snap_ended(l, g);
}

void guest_down(struct ledger *l, struct guest *g, const char *why) {
        if (g->desired == DESIRED_STOPPED || g->deleting)
                guest_to(l, g, GUEST_STOPPED, "%s", why);
        else if (g->desired == DESIRED_IGNORED)
                guest_to(l, g, GUEST_STOPPED, "ignored; %s", why);
        else
                guest_to(l, g, GUEST_FAILED, "%s", why);
}

struct incident *incident_open(struct ledger *l, enum incident_kind kind, uint32_t host,
                               struct guest *g, const char *cause) {
        struct incident *x = model_incident_add(l->m);

        x->kind = kind;
        x->host = host;
        text_set(x->cause, sizeof(x->cause), cause);
        x->at[STEP_DETECTED] = l->op->wall;
        x->at[STEP_LAST_GOOD] = l->op->wall_last_good;
        if (g) {
                x->gid = g->gid;
                text_set(x->guest, sizeof(x->guest), g->spec->name);
                g->incident = x->id;
        }
        return x;
}

void incident_step(struct ledger *l, uint64_t id, enum incident_step step, usec_t wall) {
        struct incident *x = model_incident(l->m, id);

        if (x && x->open)
                x->at[step] = wall;
}

/* "detected +2.10 s, fenced +0.31 s, ...": each part from the one before it. */
static void incident_parts(const struct incident *x, char *buf, size_t size) {
        usec_t before = 0;
        size_t n = 0;

        buf[0] = '\0';
        for (enum incident_step s = 0; s < STEP_MAX_; s++) {
                int r;

                if (x->at[s] == 0)
                        continue;
                r = before == 0 ? 0
                                : snprintf(buf + n, size - n, "%s%s +%.3f s", n ? ", " : "",
                                           incident_step_name(s),
                                           (double)usec_sub(x->at[s], before) / 1e6);
                if (r < 0 || (size_t)r >= size - n)
                        return;
                n += (size_t)r;
                before = x->at[s];
        }
}

void incident_close(struct ledger *l, uint64_t *id, const char *outcome) {
        struct incident *x = model_incident(l->m, *id);
        char parts[TEXT_LEN];

        *id = 0;
        if (!x || !x->open)
                return;
        x->open = false;
        text_set(x->outcome, sizeof(x->outcome), outcome);
        snap_outcome(l->m, x, x->outcome, sizeof(x->outcome));
        incident_parts(x, parts, sizeof(parts));
        ledger_note(l, NOTE_INCIDENT_CLOSED, x->kind == INCIDENT_HOST ? x->host : x->to_host,
                    x->gid ? model_guest(l->m, x->gid) : NULL, x->id, "%s: %s%s%s", x->cause,
                    x->outcome, parts[0] ? ": " : "", parts);
}

static void apply_op(struct ledger *l) {
        switch (l->op->kind) {
        case OP_HOST_ADD:
        case OP_HOST_REMOVE:
        case OP_HOST_LOST:
        case OP_HOST_ONLINE:
        case OP_HOST_JOIN:
        case OP_HOST_REPORT:
        case OP_HOST_STOPPING:
                apply_host_op(l);
                break;
        case OP_HOST_VOTE:
        case OP_HOST_PROVEN:
        case OP_HOST_RENAME:
        case OP_HOST_FACTS:
        case OP_HOST_RELEASE:
        case OP_HOST_HEALTH:
        case OP_HOST_WATCHDOG:
                apply_member_op(l);
                break;
        case OP_FENCE_START:
        case OP_FENCE_CLOSE:
        case OP_FENCE_WAIT:
        case OP_FENCE_DONE:
        case OP_DEVICE_SEEN:
        case OP_DEVICE_OFF:
        case OP_DEVICE_FORGET:
        case OP_FENCE_CONFIRM:
        case OP_FENCE_REQUEST:
        case OP_FENCE_LEASE:
                apply_fence_op(l);
                break;
        case OP_GUEST_START:
        case OP_GUEST_JOB:
        case OP_GUEST_REASON:
        case OP_GUEST_FORGET:
        case OP_GUEST_DONE:
        case OP_GUEST_SEEN:
        case OP_GUEST_HEALTHY:
        case OP_GUEST_ROGUE:
                apply_guest_op(l);
                break;
        case OP_GUEST_ADD:
        case OP_GUEST_SET:
        case OP_GUEST_DESIRE:
        case OP_GUEST_MOVE:
        case OP_GUEST_DELETE:
        case OP_GUEST_RECOVER:
        case OP_RULE_SET:
        case OP_RULE_DELETE:
                apply_wish_op(l);
                break;
        case OP_SNAP_TAKE:
        case OP_SNAP_DELETE:
        case OP_SNAP_ROLLBACK:
                apply_snap_op(l);
                break;
        case OP_REPLICA_BEGIN:
        case OP_REPLICA_SAYS:
        case OP_REPLICA_STANDS:
        case OP_REPLICA_FORCE:
        case OP_REPLICA_RESYNC:
                apply_replica_op(l);
                break;
        case OP_NONE: /* of a newer minor version */
        case OP_KIND_MAX_:
                break;
        }
}

void ledger_apply(struct model *m, const struct entry *e, struct applied *out) {
        struct ledger l = {.m = m, .version = m->version + 1, .entry = e, .out = out};

        out->code = REPLY_OK;
        out->text[0] = '\0';
        m->version = l.version;
        for (size_t i = 0; i < e->n_ops && i < OPS_PER_ENTRY_MAX; i++) {
                l.op = &e->ops[i];
                apply_op(&l);
        }
}
