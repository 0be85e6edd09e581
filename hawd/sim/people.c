/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * People: their requests go to a host that decides, and again while it says that it is busy.
 */
#include "hawd/sim/parts.h"

struct sim_request *people_find(struct sim *s, uint64_t id) {
        for (size_t i = 0; i < s->n_requests; i++)
                if (s->requests[i].id == id)
                        return &s->requests[i];
        return NULL;
}

struct sim_request *people_new(struct sim *s, enum verb verb, const char *guest, const char *host) {
        struct sim_request *r;

        if (s->n_requests == s->cap_requests) {
                s->cap_requests = s->cap_requests ? 2 * s->cap_requests : 32;
                s->requests = xreallocarray(s->requests, s->cap_requests, sizeof(s->requests[0]));
        }
        r = &s->requests[s->n_requests++];
        *r = (struct sim_request){.id = ++s->next_id, .host = -1};
        r->until = s->now + 20 * USEC_PER_SEC;
        r->rq.id = r->id;
        r->rq.verb = verb;
        text_set(r->rq.guest, NAME_LEN, guest);
        text_set(r->rq.host, NAME_LEN, host);
        text_set(r->rq.who, NAME_LEN, "operator");
        return r;
}

static void ask(struct sim *s, const struct call *c) {
        people_send(s, c->a);
}

static void answered(struct sim *s, struct sim_request *r, enum reply_code code, const char *text) {
        r->done = true;
        r->code = code;
        text_set(r->text, sizeof(r->text), text);
        sim_trace(s, NULL, "reply to %s %s %s: %d %s", verb_name(r->rq.verb), r->rq.guest,
                  r->rq.host, (int)code, text);
        if (s->on_reply)
                s->on_reply(s, r);
}

/* The host that was asked may die with the request. */
static void unanswered(struct sim *s, const struct call *c) {
        struct sim_request *r = people_find(s, c->a);

        if (!r || r->done || !r->sent)
                return;
        answered(s, r, REPLY_FAILED, "no answer from hawd");
}

static void again(struct sim *s, struct sim_request *r) {
        r->sent = false;
        sim_at(s, 250 * USEC_PER_MSEC, OWNER_WORLD, -1, ask, r->id, 0);
}

/* What a half of a split is told needs no ledger, but the right host: they go from one to the next.
 */
static bool asks_around(const struct sim_request *r) {
        return r->rq.verb == VERB_FENCE_CONFIRM || r->rq.verb == VERB_ACCEPT_LOSS;
}

static struct sim_host *whom(struct sim *s, const struct sim_request *r) {
        struct sim_host *best = sim_best_host(s);

        for (size_t i = 0; r->asked && i < s->n_hosts; i++) {
                struct sim_host *h = &s->hosts[i];

                if (h->core && !sim_still(h, OWNER_HAWD) && !(r->asked >> i & 1))
                        return h;
        }
        return r->asked ? NULL : best;
}

void people_send(struct sim *s, uint64_t id) {
        struct sim_request *r = people_find(s, id);
        struct sim_host *h = r ? whom(s, r) : NULL;
        struct event ev = {.kind = EV_REQUEST};

        if (!r || r->done)
                return;
        if (r->only_true && s->hosts[sim_host_index(s, r->rq.host)].powered) {
                answered(s, r, REPLY_FAILED, "not said: it is on by now");
                return;
        }
        if (!h) {
                if (s->now < r->until)
                        again(s, r);
                else
                        answered(s, r, REPLY_FAILED, "no hawd runs");
                return;
        }
        r->sent = true;
        r->host = h->index;
        ev.request = r->rq;
        sim_at(s, 60 * USEC_PER_SEC, OWNER_WORLD, -1, unanswered, id, 0);
        node_feed(s, h, &ev);
}

void people_reply(struct sim *s, uint64_t id, enum reply_code code, const char *text) {
        struct sim_request *r = people_find(s, id);

        if (!r) {
                sim_violate(s, "core", "a reply to a request that nobody made: %" PRIu64, id);
                return;
        }
        if (r->done)
                return;
        if ((code == REPLY_BUSY || (code == REPLY_NOT_QUORATE && r->retry)) && s->now < r->until) {
                again(s, r);
                return;
        }
        if (asks_around(r) && (code == REPLY_USAGE || code == REPLY_NOT_QUORATE)) {
                r->asked |= 1U << r->host;
                if (whom(s, r)) {
                        again(s, r);
                        return;
                }
        }
        answered(s, r, code, text);
}
