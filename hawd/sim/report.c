/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What happened, for people and as JSON. The timeline is the core's own notes: those of the ledger
 * once, by whoever applied them first, and each host's own.
 */
#include <jansson.h>

#include "hawd/sim/scenario.h"

struct report {
        struct sim *s;
        FILE *live;
        json_t *timeline;
        uint32_t *owner; /* of each ledger version: the pid whose notes of it are taken */
        size_t cap;
};

static int64_t msec(const struct sim *s, usec_t at) {
        int64_t d = (int64_t)at - (int64_t)s->zero;

        return d / 1000;
}

static int64_t msec_of_wall(const struct sim *s, usec_t wall) {
        return msec(s, usec_sub(wall, SIM_EPOCH_WALL));
}

static void add(struct report *r, const char *by, const char *host, const char *guest,
                const char *event, const char *why) {
        int64_t ms = msec(r->s, r->s->now);
        json_t *o = json_object();

        json_object_set_new(o, "t_ms", json_integer(ms));
        json_object_set_new(o, "host", host[0] ? json_string(host) : json_null());
        json_object_set_new(o, "guest", guest[0] ? json_string(guest) : json_null());
        json_object_set_new(o, "event", json_string(event));
        json_object_set_new(o, "why", json_string(why));
        json_array_append_new(r->timeline, o);
        if (!r->live)
                return;
        (void)fprintf(r->live, "[%4" PRId64 ".%03" PRId64 " s] %-8s %-16s ", ms / 1000, ms % 1000,
                      by, event);
        if (guest[0])
                (void)fprintf(r->live, "%s%s%s: ", guest, host[0] ? " " : "", host);
        else if (host[0] && strcmp(host, by) != 0)
                (void)fprintf(r->live, "%s: ", host);
        (void)fprintf(r->live, "%s\n", why); /* a broken pipe shows when the stream is closed */
}

/* Is it @h whose notes of this version are taken? */
static bool owns(struct report *r, const struct sim_host *h, uint64_t version) {
        if (version >= r->cap) {
                size_t cap = MAX(2 * r->cap, version + 256);

                r->owner = xreallocarray(r->owner, cap, sizeof(r->owner[0]));
                memset(r->owner + r->cap, 0, (cap - r->cap) * sizeof(r->owner[0]));
                r->cap = cap;
        }
        if (r->owner[version] == 0)
                r->owner[version] = h->pid;
        return r->owner[version] == h->pid;
}

static void on_note(struct sim *s, const struct sim_host *h, const struct note *n) {
        struct report *r = s->observer;
        const char *host = n->host ? sim_host_name(s, n->host) : "";

        if (s->zero == 0 || (n->version && !owns(r, h, n->version)))
                return;
        if (!n->version && !host[0])
                host = h->name;
        add(r, h->name, host, n->guest, note_name(n->id), n->text);
}

static void on_reply(struct sim *s, const struct sim_request *q) {
        static const char *const codes[] = {[REPLY_OK] = "done",
                                            [REPLY_FAILED] = "failed",
                                            [REPLY_USAGE] = "refused",
                                            [REPLY_NOT_QUORATE] = "not quorate",
                                            [REPLY_BUSY] = "busy"};
        char why[2 * TEXT_LEN];

        if (s->zero == 0)
                return;
        text_fmt(why, sizeof(why), "%s: %s%s%s", verb_name(q->rq.verb), codes[q->code],
                 q->text[0] ? ", " : "", q->text);
        add(s->observer, "operator", q->rq.host, q->rq.guest, "reply", why);
}

struct report *report_new(struct sim *s, FILE *live) {
        struct report *r = xcalloc(1, sizeof(*r));

        r->s = s;
        r->live = live;
        r->timeline = json_array();
        s->observer = r;
        s->on_note = on_note;
        s->on_reply = on_reply;
        return r;
}

struct report *report_free(struct report *r) {
        if (!r)
                return NULL;
        json_decref(r->timeline);
        free(r->owner);
        free(r);
        return NULL;
}

void report_did(struct report *r, const struct fault *f) {
        const struct sim_conf *c = r->s->conf;
        char text[256];

        fault_text(c, f, text, sizeof(text));
        add(r, "--", f->host >= 0 ? c->hosts[f->host].name : "",
            f->guest >= 0 ? c->guests[f->guest].name : "", "do", text);
}

/* ---- the state in the end ---- */

static const struct model *last_model(struct sim *s) {
        struct sim_host *best = sim_best_host(s);

        return best ? core_model(best->core) : NULL;
}

static const struct host *model_host_of(const struct model *m, const char *name) {
        for (size_t i = 0; m && i < m->n_hosts; i++)
                if (strcmp(m->hosts[i].name, name) == 0)
                        return &m->hosts[i];
        return NULL;
}

static const struct guest *model_guest_of(const struct model *m, const char *name) {
        for (size_t i = 0; m && i < m->n_guests; i++)
                if (strcmp(m->guests[i].spec->name, name) == 0)
                        return &m->guests[i];
        return NULL;
}

static json_t *hosts_json(struct sim *s, const struct model *m) {
        json_t *all = json_object();

        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct sim_host *h = &s->hosts[i];
                const struct host *mh = model_host_of(m, h->name);
                json_t *o = json_object();

                json_object_set_new(o, "state",
                                    json_string(mh ? host_state_name(mh->state) : "unknown"));
                json_object_set_new(o, "power", json_string(h->powered ? "on" : "off"));
                json_object_set_new(o, "frozen", json_boolean(h->frozen));
                json_object_set_new(o, "losses", json_integer(mh ? mh->losses : 0));
                json_object_set_new(o, "proof", json_string(mh ? proof_name(mh->proof) : "none"));
                json_object_set_new(o, "fence_error", json_string(mh ? mh->fence_error : ""));
                json_object_set_new(all, h->name, o);
        }
        return all;
}

static json_t *starts_json(struct sim *s, const struct sim_guest *g) {
        json_t *all = json_array();

        for (size_t i = 0; i < g->n_starts; i++) {
                json_t *o = json_object();

                json_object_set_new(o, "t_ms", json_integer(msec(s, g->starts[i].at)));
                json_object_set_new(o, "host", json_string(s->hosts[g->starts[i].host].name));
                json_array_append_new(all, o);
        }
        return all;
}

static json_t *guests_json(struct sim *s, const struct model *m) {
        json_t *all = json_object();

        for (size_t i = 0; i < s->n_guests; i++) {
                const struct sim_guest *g = &s->guests[i];
                const struct guest *mg = model_guest_of(m, g->conf->name);
                json_t *o = json_object();

                json_object_set_new(o, "state",
                                    json_string(mg ? guest_state_name(mg->state) : "unknown"));
                json_object_set_new(o, "host",
                                    mg && mg->host ? json_string(model_host_name(m, mg->host))
                                                   : json_null());
                json_object_set_new(o, "desired",
                                    json_string(mg ? desired_name(mg->desired) : "unknown"));
                json_object_set_new(o, "health",
                                    json_string(mg ? health_name(mg->health) : "unknown"));
                json_object_set_new(o, "reason", json_string(mg ? mg->reason : ""));
                json_object_set_new(o, "placed", json_string(mg ? mg->placed_why : ""));
                json_object_set_new(o, "starts", starts_json(s, g));
                json_object_set_new(all, g->conf->name, o);
        }
        return all;
}

static json_t *incidents_json(struct sim *s, const struct model *m) {
        json_t *all = json_array();

        for (size_t i = 0; m && i < m->n_incidents; i++) {
                const struct incident *in = &m->incidents[i];
                json_t *o = json_object(), *at = json_object();

                for (int k = 0; k < STEP_MAX_; k++)
                        if (in->at[k])
                                json_object_set_new(at, incident_step_name((enum incident_step)k),
                                                    json_integer(msec_of_wall(s, in->at[k])));
                json_object_set_new(o, "id", json_integer((json_int_t)in->id));
                json_object_set_new(o, "kind",
                                    json_string(in->kind == INCIDENT_HOST ? "host" : "guest"));
                json_object_set_new(o, "host",
                                    in->host ? json_string(model_host_name(m, in->host))
                                             : json_null());
                json_object_set_new(o, "guest",
                                    in->guest[0] ? json_string(in->guest) : json_null());
                json_object_set_new(o, "cause", json_string(in->cause));
                json_object_set_new(o, "outcome", json_string(in->outcome));
                json_object_set_new(o, "to_host",
                                    in->to_host ? json_string(model_host_name(m, in->to_host))
                                                : json_null());
                json_object_set_new(o, "open", json_boolean(in->open));
                json_object_set_new(o, "t_ms", at);
                json_array_append_new(all, o);
        }
        return all;
}

static json_t *violations_json(struct sim *s) {
        json_t *all = json_array();

        for (size_t i = 0; i < s->n_violations; i++) {
                json_t *o = json_object();

                json_object_set_new(o, "t_ms", json_integer(msec(s, s->violations[i].at)));
                json_object_set_new(o, "promise", json_string(s->violations[i].promise));
                json_object_set_new(o, "text", json_string(s->violations[i].text));
                json_array_append_new(all, o);
        }
        return all;
}

char *report_json(struct report *r) {
        const struct model *m = last_model(r->s);
        json_t *o = json_object();
        char *text;

        json_object_set(o, "timeline", r->timeline);
        json_object_set_new(o, "hosts", hosts_json(r->s, m));
        json_object_set_new(o, "guests", guests_json(r->s, m));
        json_object_set_new(o, "incidents", incidents_json(r->s, m));
        json_object_set_new(o, "violations", violations_json(r->s));
        text = json_dumps(o, JSON_INDENT(2));
        json_decref(o);
        if (!text)
                abort(); /* out of memory, or text that is no UTF-8, which nothing here makes */
        return text;
}

void report_finish(struct report *r) {
        struct sim *s = r->s;
        const struct model *m = last_model(s);

        if (!r->live)
                return;
        (void)fputs("\n", r->live);
        for (size_t i = 0; i < s->n_hosts; i++) {
                const struct host *mh = model_host_of(m, s->hosts[i].name);

                (void)fprintf(r->live, "host  %-12s %-12s %s%s\n", s->hosts[i].name,
                              mh ? host_state_name(mh->state) : "unknown",
                              s->hosts[i].powered           ? ""
                              : mh && mh->state == HOST_OFF ? "power off  "
                                                            : "power off, not decided on  ",
                              mh ? mh->fence_error : "");
        }
        for (size_t i = 0; i < s->n_guests; i++) {
                const struct sim_guest *g = &s->guests[i];
                const struct guest *mg = model_guest_of(m, g->conf->name);

                (void)fprintf(r->live, "guest %-12s %-12s %-12s %s\n", g->conf->name,
                              mg ? guest_state_name(mg->state) : "unknown",
                              mg && mg->host ? model_host_name(m, mg->host) : "-",
                              mg ? mg->reason : "");
        }
        for (size_t i = 0; i < s->n_violations; i++)
                (void)fprintf(r->live, "BROKEN %s: %s\n", s->violations[i].promise,
                              s->violations[i].text);
        (void)fprintf(r->live, "%s\n",
                      s->n_violations ? "a promise was broken" : "every promise was kept");
}
