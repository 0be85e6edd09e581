/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Before a guest comes into the ledger: does its domain run where nobody has a claim on it? Pure.
 *
 * There it would be a copy without a claim, and be stopped, while it is started beside it (S1, S5).
 * So every member of the group says whether libvirt shows it running there, and where one does, the
 * guest is not taken. A member that says nothing in time (of an older version) is not waited for.
 */
#include "hawd/core/priv.h"

#define LOOK_PATIENCE_USEC (5 * USEC_PER_SEC)

bool look_is(uint64_t request) {
        return (request & LOOK_ID) != 0;
}

/*
 * What of it runs on this host: the domain, or another one of its name; NULL: nothing. One that the
 * ledger keeps is no concern here: that its name or UUID is taken is said when the entry comes.
 */
static const struct domain_seen *runs_here(struct core *c, const struct guest_spec *s) {
        for (size_t i = 0; i < c->n_domains; i++) {
                const struct domain_seen *d = &c->domains[i].seen;

                if (d->state != SEEN_GONE && !model_guest_named(&c->model, d->uuid) &&
                    (strcmp(d->uuid, s->uuid) == 0 || strcmp(d->name, s->name) == 0))
                        return d;
        }
        return NULL;
}

static void found_text(const struct core *c, const struct guest_spec *s,
                       const struct domain_seen *d, char text[TEXT_LEN]) {
        const char *host = core_node_name(c, c->nodeid);

        if (strcmp(d->uuid, s->uuid) != 0)
                text_fmt(text, TEXT_LEN,
                         "another domain of the name %s (UUID %s) runs on %s: stop or rename it",
                         s->name, d->uuid, host);
        else
                text_fmt(text, TEXT_LEN,
                         "%s runs on %s already, without hawd: hawctl guest add %s --host %s takes "
                         "it as it runs",
                         s->name, host, s->name, host);
}

static void look_remove(struct core *c, struct look *l) {
        size_t i = (size_t)(l - c->looks);

        entry_unref(l->entry);
        memmove(l, l + 1, (c->n_looks - i - 1) * sizeof(*l));
        c->n_looks--;
}

/* It runs nowhere, as far as anybody knows: into the ledger. */
static void look_passed(struct core *c, struct look *l) {
        struct entry *e = TAKE_PTR(l->entry);
        uint32_t asker = l->asker;
        uint64_t request = l->request;
        bool wish = l->wish;

        look_remove(c, l);
        if (wish)
                request_wish(c, request, e);
        else if (!log_propose(c, e))
                request_answer(c, asker, request, REPLY_NOT_QUORATE,
                               "no decisions are made just now: try again", NULL);
}

static void look_refused(struct core *c, struct look *l, const char *text) {
        request_answer(c, l->asker, l->request, REPLY_USAGE, text, NULL);
        look_remove(c, l);
}

/* What was asked in another configuration is not answered in this one. */
static void look_ask(struct core *c, struct look *l) {
        const struct guest_spec *s = l->entry->ops[0].spec;

        l->view = c->view;
        l->n_waits = 0;
        for (size_t i = 0; i < c->n_peers; i++) {
                struct msg *m;

                if (c->peers[i].id.nodeid == c->nodeid)
                        continue;
                l->waits[l->n_waits++] = c->peers[i].id.nodeid;
                m = msg_new(MSG_ASK);
                m->ask.kind = ASK_GUEST_RUNS;
                m->ask.to = c->peers[i].id.nodeid;
                m->ask.origin = c->nodeid;
                m->ask.request = l->id;
                m->ask.spec = guest_spec_new();
                m->ask.spec->conf = s->conf;
                text_set(m->ask.spec->name, NAME_LEN, s->name);
                text_set(m->ask.spec->uuid, UUID_LEN, s->uuid);
                core_send(c, m);
        }
}

void look_begin(struct core *c, struct entry *e, bool wish, uint32_t asker, uint64_t request) {
        const struct op *op = &e->ops[0];
        const struct domain_seen *d = op->host == c->nodeid ? NULL : runs_here(c, op->spec);
        char text[TEXT_LEN];
        struct look *l;

        c->looks = core_grow(c->looks, &c->cap_looks, c->n_looks, sizeof(*c->looks));
        l = &c->looks[c->n_looks++];
        *l = (struct look){.id = LOOK_ID | ++c->next_action,
                           .entry = e,
                           .wish = wish,
                           .asker = asker,
                           .request = request,
                           .since = c->now};
        if (d) {
                found_text(c, op->spec, d, text);
                look_refused(c, l, text);
                return;
        }
        look_ask(c, l);
        look_tick(c);
}

void look_serve(struct core *c, const struct msg *m) {
        const struct domain_seen *d = m->ask.spec ? runs_here(c, m->ask.spec) : NULL;
        char text[TEXT_LEN] = "";

        if (d)
                found_text(c, m->ask.spec, d, text);
        request_answer(c, m->ask.origin, m->ask.request, d ? REPLY_USAGE : REPLY_OK, text, NULL);
}

void look_told(struct core *c, uint32_t from, const struct msg *m) {
        for (size_t i = 0; i < c->n_looks; i++) {
                struct look *l = &c->looks[i];

                if (l->id != m->tell.request)
                        continue;
                if (m->tell.code == REPLY_USAGE) {
                        look_refused(c, l, m->tell.text);
                        return;
                }
                for (size_t k = 0; k < l->n_waits; k++)
                        if (l->waits[k] == from)
                                l->waits[k] = l->waits[--l->n_waits];
                return; /* the rest is look_tick()'s */
        }
}

void look_tick(struct core *c) {
        for (size_t i = 0; i < c->n_looks;) {
                struct look *l = &c->looks[i];
                usec_t due = usec_add(l->since, LOOK_PATIENCE_USEC);

                if (l->view != c->view)
                        look_ask(c, l);
                if (l->n_waits == 0 || c->now >= due) {
                        look_passed(c, l);
                } else {
                        wake_at(c, due);
                        i++;
                }
        }
}
