/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ledger: the copy of a guest's disks, by whose word it is what it is (S9). Pure.
 *
 * P says how far the copy is, since it knows what was written; R says where it takes it, and that
 * its end broke off, which counts against P's word until P has ended the guest in good order. A
 * host that is lost says nothing any more; what R says of P's loss carries the loss's number.
 * P ends a mirror only when this ledger says, stable, that it is in step no more: so what is
 * written without the copy is written after that.
 */
#include "hawd/core/apply.h"
#include "hawd/core/promote.h"

static void replica_to(struct ledger *l, struct guest *g, enum replica_state s, const char *why) {
        struct replica *r = &g->replica;

        if (r->state != s)
                r->since_wall = l->op->wall;
        r->state = s;
        text_set(r->error, sizeof(r->error), why);
        if (!replica_live(g)) {
                r->where = blob_unref(r->where);
                r->lag_bytes = 0;
        }
        guest_touch(l, g);
}

void replica_behind(struct ledger *l, struct guest *g, const char *why) {
        struct replica *r = &g->replica;

        if (r->state == REPLICA_COPYING) {
                replica_to(l, g, REPLICA_NONE, why);
        } else if (r->state != REPLICA_NONE && r->state != REPLICA_BEHIND) {
                bool said = r->state == REPLICA_IN_STEP;

                replica_to(l, g, REPLICA_BEHIND, why);
                if (said)
                        ledger_note(l, NOTE_REPLICA_BEHIND, r->host, g, 0,
                                    "the copy of %s on %s is no longer in step: %s", g->spec->name,
                                    model_host_name(l->m, r->host), why);
        }
}

static void forget_loss(struct replica *r) {
        r->off_wall = 0;
        r->stands_loss = 0;
        r->unsure = false;
        r->forced = 0;
}

void replica_follow(struct ledger *l, struct guest *g, const struct conf_replica *before) {
        const struct conf_replica *now = &g->spec->conf.replica;
        struct replica *r = &g->replica;
        const struct host *named = model_host_named(l->m, now->host);
        uint32_t to = named ? named->nodeid : 0;

        if (now->mode == REPLICA_MODE_NONE) {
                replica_to(l, g, REPLICA_NONE, "");
                *r = (struct replica){.serial = r->serial};
                g->promoting = 0;
                return;
        }
        if (r->data == 0 && g->host != to)
                r->data = g->host;
        if (to && r->data == to) /* since a promotion they have changed places */
                to = r->host;
        if (r->host == to && (!before || (before->mode == now->mode &&
                                          strcmp(before->resource, now->resource) == 0)))
                return;
        r->host = to;
        forget_loss(r);
        replica_to(l, g, REPLICA_NONE, "");
}

/* ---- starts ---- */

/* S9 once more, on the stable ledger: the copy becomes the guest's disks, and P's the next copy. */
static bool promoted(struct ledger *l, struct guest *g) {
        struct replica *r = &g->replica;
        struct promotion p = replica_judge(l->m, g, false);
        uint32_t before = r->data;
        char loss[64];

        if (l->op->serial != r->serial || l->op->host != r->host || !promotion_allowed(&p))
                return false;
        promotion_loss_text(p.loss_usec, loss, sizeof(loss));
        ledger_note(l, NOTE_REPLICA_PROMOTED, r->host, g, g->incident,
                    "%s starts from its replica on %s, %s%s: %s", g->spec->name,
                    model_host_name(l->m, r->host),
                    p.verdict == PROMOTE ? "nothing is lost" : "what was written last is lost: ",
                    p.verdict == PROMOTE ? "" : loss, promotion_why_text(p.why));
        g->promoting = r->serial;
        r->loss_usec = p.verdict == PROMOTE ? 0 : p.loss_usec;
        r->promoted_gen = g->gen + 1;
        r->data = r->host;
        r->host = before;
        forget_loss(r);
        r->as_of = 0;
        replica_to(l, g, REPLICA_NONE, "the guest started from the copy: it is copied back");
        return true;
}

bool replica_start(struct ledger *l, struct guest *g) {
        struct replica *r = &g->replica;
        const struct host *named;

        if (g->spec->conf.replica.mode == REPLICA_MODE_NONE)
                return l->op->serial == 0;
        if (r->data == 0) {
                named = model_host_named(l->m, g->spec->conf.replica.host);
                if (named && named->nodeid == l->op->host)
                        return false;
                r->data = l->op->host;
                r->host = named ? named->nodeid : 0;
        }
        if (l->op->serial)
                return promoted(l, g);
        if (l->op->host != r->data)
                return false;
        replica_behind(l, g, "the guest was started anew");
        forget_loss(r);
        return true;
}

void replica_runs(struct ledger *l, struct guest *g) {
        if (g->replica.state == REPLICA_FINAL)
                replica_behind(l, g, "the guest runs on");
}

void replica_outcome(const struct guest *g, char text[TEXT_LEN]) {
        const struct replica *r = &g->replica;
        char loss[64];

        text[0] = '\0';
        if (!r->promoted_gen || r->promoted_gen != g->gen)
                return;
        promotion_loss_text(r->loss_usec, loss, sizeof(loss));
        if (r->loss_usec)
                text_fmt(text, TEXT_LEN, " from its replica; what was written last is lost: %s",
                         loss);
        else
                text_set(text, TEXT_LEN, " from its replica; nothing is lost");
}

/* ---- hosts ---- */

void replica_host_lost(struct ledger *l, const struct host *h) {
        char why[TEXT_LEN];

        text_fmt(why, sizeof(why), "%s, with the copy, was lost", h->name);
        for (size_t i = 0; i < l->m->n_guests; i++) {
                struct guest *g = &l->m->guests[i];

                if (g->replica.host == h->nodeid && replica_live(g))
                        replica_behind(l, g, why);
        }
}

/* Lost, and back without a proof: its QEMU ran on, perhaps without the copy. */
void replica_host_back(struct ledger *l, const struct host *h) {
        uint32_t bit = 1u << model_host_index(l->m, h->nodeid);

        for (size_t i = 0; i < l->m->n_guests; i++) {
                struct guest *g = &l->m->guests[i];

                if (g->replica.data != h->nodeid || g->replica.state != REPLICA_IN_STEP ||
                    !(g->claims & bit))
                        continue;
                g->replica.unsure = true;
                guest_touch(l, g);
        }
}

void replica_proven(struct ledger *l, struct guest *g, const struct host *h) {
        struct replica *r = &g->replica;

        if (r->data != h->nodeid)
                return;
        r->off_wall = l->op->wall;
        if (r->state == REPLICA_FINAL) /* it had not ended then, by its host's word */
                replica_behind(l, g, "its host was lost before the guest had ended");
        guest_touch(l, g);
}

void replica_host_removed(struct ledger *l, uint32_t nodeid) {
        for (size_t i = 0; i < l->m->n_guests; i++) {
                struct guest *g = &l->m->guests[i];

                if (g->replica.host != nodeid)
                        continue;
                g->replica.host = 0;
                forget_loss(&g->replica);
                replica_to(l, g, REPLICA_NONE, "its host is no longer in the cluster");
        }
}

/* ---- what P and R say ---- */

static void begin(struct ledger *l) {
        struct guest *g = ledger_guest(l);
        struct replica *r = g ? &g->replica : NULL;
        const struct host *p, *copy;

        if (!g || !replica_wanted(g) || replica_live(g) || g->state != GUEST_RUNNING ||
            g->job_kind != JOB_NONE || g->promoting)
                return;
        p = model_host(l->m, r->data);
        copy = model_host(l->m, r->host);
        if (!p || !copy || g->host != p->nodeid || g->claims != 1u << (p - l->m->hosts) ||
            !host_present(p) || !host_serves(copy))
                return;
        r->serial++;
        r->gen = g->gen;
        r->hold_usec = l->op->budget_usec;
        r->as_of = 0;
        forget_loss(r);
        replica_to(l, g, REPLICA_COPYING, "");
        ledger_note(l, NOTE_REPLICA_BEGIN, copy->nodeid, g, 0, "%s is copied to %s (%s, serial %u)",
                    g->spec->name, copy->name, replica_mode_name(g->spec->conf.replica.mode),
                    r->serial);
}

/* It stood after P's loss, by its own word: what became of its end since then is no matter. */
static bool stood(const struct ledger *l, const struct replica *r) {
        const struct host *p = model_host(l->m, r->data);

        return p && !host_present(p) && r->stands_loss && r->stands_loss == p->losses;
}

/* Of one that is made: @l->op, of P or of R, says why it ends. */
static void not_copied(struct ledger *l, struct guest *g) {
        replica_to(l, g, REPLICA_NONE, l->op->text);
        ledger_note(l, NOTE_REPLICA_FAILED, g->replica.host, g, 0,
                    "the disks of %s are not copied to %s: %s", g->spec->name,
                    model_host_name(l->m, g->replica.host), l->op->text);
}

static void says_copy(struct ledger *l, struct guest *g) {
        const struct op *op = l->op;
        struct replica *r = &g->replica;

        if (op->replica_state == REPLICA_COPYING && r->state == REPLICA_COPYING && !r->where &&
            op->list) {
                r->where = blob_ref(op->list);
                guest_touch(l, g);
        }
        if (op->replica_state != REPLICA_BROKEN || !replica_live(g) || stood(l, r))
                return;
        if (r->state == REPLICA_COPYING) {
                not_copied(l, g);
        } else {
                replica_to(l, g, REPLICA_BROKEN, op->text);
                ledger_note(l, NOTE_REPLICA_BROKEN, r->host, g, 0,
                            "the copy of %s on %s broke off: %s", g->spec->name,
                            model_host_name(l->m, r->host), op->text);
        }
}

static void says_in_step(struct ledger *l, struct guest *g) {
        const struct op *op = l->op;
        struct replica *r = &g->replica;
        bool first = r->state == REPLICA_COPYING;
        int index = model_host_index(l->m, r->data);

        if (!(g->claims & (1u << index)) || (!first && r->state != REPLICA_IN_STEP) ||
            op->gen != g->gen || r->gen != g->gen || !r->where)
                return;
        r->as_of = MAX(r->as_of, op->as_of);
        r->lag_bytes = op->lag_bytes;
        r->unsure = false;
        replica_to(l, g, REPLICA_IN_STEP, "");
        if (first)
                ledger_note(l, NOTE_REPLICA_IN_STEP, r->host, g, 0,
                            "the copy of %s on %s is in step", g->spec->name,
                            model_host_name(l->m, r->host));
}

static void says_data(struct ledger *l, struct guest *g) {
        const struct op *op = l->op;
        struct replica *r = &g->replica;
        const struct host *p = model_host(l->m, r->data);

        if (!p || !host_present(p))
                return;
        switch (op->replica_state) {
        case REPLICA_IN_STEP:
                says_in_step(l, g);
                break;
        case REPLICA_BEHIND:
                if (r->state == REPLICA_COPYING)
                        not_copied(l, g);
                else
                        replica_behind(l, g, op->text);
                break;
        case REPLICA_FINAL: /* the source is the authority, while it lives */
                if (op->gen != g->gen || r->gen != g->gen ||
                    (r->state != REPLICA_IN_STEP && r->state != REPLICA_BROKEN))
                        break;
                r->as_of = MAX(r->as_of, op->as_of);
                r->unsure = false;
                replica_to(l, g, REPLICA_FINAL, "");
                break;
        default:
                break;
        }
}

static void says(struct ledger *l) {
        struct guest *g = ledger_guest(l);

        if (!g || l->op->serial == 0 || l->op->serial != g->replica.serial)
                return;
        if (l->op->host == g->replica.data)
                says_data(l, g);
        else if (l->op->host == g->replica.host)
                says_copy(l, g);
}

static void stands(struct ledger *l) {
        struct guest *g = ledger_guest(l);
        struct replica *r = g ? &g->replica : NULL;
        const struct host *p = g ? model_host(l->m, r->data) : NULL;

        if (!p || l->op->host != r->host || l->op->serial != r->serial ||
            r->state != REPLICA_IN_STEP || l->op->loss != p->losses || host_present(p))
                return;
        r->stands_loss = l->op->loss;
        guest_touch(l, g);
}

/* ---- what a person wants ---- */

/* The guest that is asked about; NULL: refused. */
static struct guest *replicated(struct ledger *l) {
        struct guest *g = ledger_guest(l);

        if (!g || replica_wanted(g))
                return g;
        ledger_refuse(l, REPLY_USAGE, "%s has no replica: hawctl replica add", g->spec->name);
        return NULL;
}

static void force(struct ledger *l) {
        struct guest *g = replicated(l);
        struct promotion p;
        char text[TEXT_LEN];

        if (!g)
                return;
        if (g->claims && (g->state == GUEST_RUNNING || g->state == GUEST_PAUSED)) {
                ledger_refuse(l, REPLY_USAGE, "%s runs on %s: hawctl guest move %s %s",
                              g->spec->name, model_host_name(l->m, g->host), g->spec->name,
                              model_host_name(l->m, g->replica.host));
                return;
        }
        p = replica_judge(l->m, g, l->op->flag);
        if (p.verdict == PROMOTE_NO) {
                promotion_text(l->m, g, &p, text);
                ledger_refuse(l, REPLY_FAILED, "%s", text);
                return;
        }
        if (!l->op->flag)
                return;
        g->replica.forced = g->replica.serial;
        guest_touch(l, g);
        ledger_note(l, NOTE_GUEST_DESIRED, g->replica.host, g, g->incident,
                    "%s is to start from its replica on %s whatever is lost, by %s", g->spec->name,
                    model_host_name(l->m, g->replica.host), l->op->text);
}

static void resync(struct ledger *l) {
        struct guest *g = replicated(l);
        char why[TEXT_LEN];

        if (!g)
                return;
        if (g->state != GUEST_RUNNING) {
                ledger_refuse(l, REPLY_USAGE, "%s is %s: it is copied while it runs", g->spec->name,
                              guest_state_name(g->state));
                return;
        }
        text_fmt(why, sizeof(why), "to be copied anew, by %.64s", l->op->text);
        g->replica.resyncs++;
        replica_behind(l, g, why);
        guest_touch(l, g);
}

void apply_replica_op(struct ledger *l) {
        switch (l->op->kind) {
        case OP_REPLICA_BEGIN:
                begin(l);
                break;
        case OP_REPLICA_SAYS:
                says(l);
                break;
        case OP_REPLICA_STANDS:
                stands(l);
                break;
        case OP_REPLICA_FORCE:
                force(l);
                break;
        case OP_REPLICA_RESYNC:
                resync(l);
                break;
        default:
                break;
        }
}
