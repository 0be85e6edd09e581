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

/* Left out of the group, or, where the others are too few for that, without a heartbeat. */
static bool hangs(const struct core *c, uint32_t nodeid, const struct peer *p) {
        if (!p)
                return silent_left_out(c, nodeid);
        return p->heartbeat_now &&
               c->now >= usec_add(MAX(p->heartbeat_now, c->listening_since), silent_limit(c));
}

void facts_no_use(struct core *c, uint32_t nodeid, char text[TEXT_LEN]) {
        const struct peer *p = core_peer(c, nodeid);
        const char *name = core_node_name(c, nodeid);

        text[0] = '\0';
        if (hangs(c, nodeid, p))
                text_fmt(text, TEXT_LEN, "its hawd hangs: systemctl restart hawd on %s", name);
        else if (!p)
                text_fmt(text, TEXT_LEN,
                         core_in_ring(c, nodeid)
                                 ? "hawd does not run there: systemctl start hawd on %s"
                                 : "%s is not in corosync's ring",
                         name);
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
        facts_no_use(c, h->nodeid, text);
        if (text[0]) {
                core_reply(c, r->id, REPLY_FAILED, "%s", text);
                return;
        }
        request_wait(c, r->id, NULL)->facts_of = h->nodeid;
        m = msg_new(MSG_ASK);
        m->ask.kind = ASK_FACTS;
        m->ask.to = h->nodeid;
        m->ask.origin = c->nodeid;
        m->ask.request = r->id;
        core_send(c, m);
}
