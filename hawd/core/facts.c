/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a host says of itself, for hawctl doctor: gathered there by a child of its hawd, and carried
 * in the ring. Needs no ledger: it matters most when little works. Pure.
 */
#include "hawd/core/priv.h"

#define ASKERS_MAX 256

/* Who asks while a child runs is answered by it. */
void facts_serve(struct core *c, uint32_t asker, uint64_t request) {
        if (c->n_facts_askers == ASKERS_MAX) {
                request_answer(c, asker, request, REPLY_BUSY, "too many ask for it", NULL);
                return;
        }
        c->facts_askers = core_grow(c->facts_askers, &c->cap_facts_askers, c->n_facts_askers,
                                    sizeof(*c->facts_askers));
        c->facts_askers[c->n_facts_askers++] = (struct facts_asker){asker, request};
        if (c->facts_action)
                return;
        c->facts_action = ++c->next_action;
        actions_add(c->out, ACT_FACTS)->facts.id = c->facts_action;
}

void facts_done(struct core *c, const struct event *ev) {
        if (ev->facts.id != c->facts_action)
                return;
        c->facts_action = 0;
        for (size_t i = 0; i < c->n_facts_askers; i++)
                request_answer(c, c->facts_askers[i].asker, c->facts_askers[i].request,
                               ev->facts.facts ? REPLY_OK : REPLY_FAILED,
                               ev->facts.text ? ev->facts.text : "", ev->facts.facts);
        c->n_facts_askers = 0;
}

/* Why there is no use in asking @h; empty: there is. */
static void no_use(struct core *c, const struct host *h, char text[TEXT_LEN]) {
        const struct peer *p = core_peer(c, h->nodeid);

        text[0] = '\0';
        if (!p && silent_left_out(c, h->nodeid)) {
                text_fmt(text, TEXT_LEN, "its hawd hangs: systemctl restart hawd on %s", h->name);
                return;
        }
        if (!p)
                text_fmt(text, TEXT_LEN,
                         core_in_ring(c, h->nodeid)
                                 ? "hawd does not run there: systemctl start hawd on %s"
                                 : "%s is not in corosync's ring",
                         h->name);
}

void facts_ask(struct core *c, const struct request *r) {
        const struct host *h = model_host_named(&c->model, r->host);
        char text[TEXT_LEN];
        struct msg *m;

        if (!h) {
                core_reply(c, r->id, REPLY_USAGE, "there is no host %s: see hawctl host list",
                           r->host);
                return;
        }
        if (h->nodeid == c->nodeid) {
                request_wait(c, r->id, NULL);
                facts_serve(c, c->nodeid, r->id);
                return;
        }
        no_use(c, h, text);
        if (text[0]) {
                core_reply(c, r->id, REPLY_FAILED, "%s", text);
                return;
        }
        request_wait(c, r->id, NULL);
        m = msg_new(MSG_ASK);
        m->ask.kind = ASK_FACTS;
        m->ask.to = h->nodeid;
        m->ask.origin = c->nodeid;
        m->ask.request = r->id;
        core_send(c, m);
}
