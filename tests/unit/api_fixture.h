/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A cluster for the tests of the API and of hawctl: three hosts, one of them lost, four guests, a
 * rule, an incident, some history. The core is the real one; requests are taken by the test.
 */
#pragma once

#include <stdio.h>

#include "hawd/control/api.h"

#define FIX_WALL (1700000000 * USEC_PER_SEC)
#define FIX_ROWS 1200

struct fix {
        struct config config;
        struct core *core;
        struct api *api;
        qb_loop_t *loop;
        struct request request; /* the last one; its spec and lists are gone, but for: */
        int32_t priority;
        uint32_t n_after;
        char first_after[NAME_LEN];
        char xml[64];
        char guests[256], hosts[256];
        unsigned n_requests;
        char log[2048];
        int history_error;
        char store_error[TEXT_LEN], store_lost[TEXT_LEN], store_kept[TEXT_LEN];
        unsigned n_mistakes, reloads; /* of hawd.conf */
};

static inline void fix_guest(struct model *m, const char *name, enum desired desired,
                             enum guest_state state, uint32_t host, const char *reason) {
        struct guest_spec *spec = guest_spec_new();
        struct guest *g;

        text_set(spec->name, sizeof(spec->name), name);
        text_fmt(spec->uuid, sizeof(spec->uuid), "00000000-0000-0000-0000-00000000000%zu",
                 m->n_guests);
        spec->vcpus = 2;
        spec->memory_mib = 1024;
        spec->conf.priority = 100;
        spec->conf.start_timeout_usec = 90 * USEC_PER_SEC;
        spec->conf.restart_window_usec = 10 * USEC_PER_MINUTE;
        spec->conf.healthy_after_usec = 10 * USEC_PER_MINUTE;
        spec->conf.replica_lag_usec = 5 * USEC_PER_MINUTE;
        spec->xml = blob_new("<domain/>", 9);
        g = model_guest_add(m, spec);
        guest_spec_unref(spec);
        g->desired = desired;
        g->state = state;
        g->health = state == GUEST_RUNNING ? HEALTH_HEALTHY : HEALTH_UNKNOWN;
        g->host = host;
        g->since_wall = FIX_WALL;
        if (host)
                g->claims = UINT32_C(1) << model_host_index(m, host);
        text_set(g->reason, sizeof(g->reason), reason);
}

static inline void fix_hosts(struct model *m) {
        static const enum host_state states[] = {HOST_ONLINE, HOST_ONLINE, HOST_LOST};

        m->n_hosts = ARRAY_SIZE(states);
        for (size_t i = 0; i < m->n_hosts; i++) {
                struct host *h = &m->hosts[i];

                h->nodeid = (uint32_t)i + 1;
                text_fmt(h->name, sizeof(h->name), "node%zu", i + 1);
                h->state = states[i];
                h->since_wall = FIX_WALL;
                h->facts.vcpus = 8;
                h->facts.memory_mib = 16384;
                text_set(h->facts.labels, sizeof(h->facts.labels), "rack1 ssd");
                text_set(h->facts.hawd_version, sizeof(h->facts.hawd_version), "0.1.0");
        }
        m->hosts[2].losses = 1;
        m->hosts[2].lost_wall = FIX_WALL;
        m->hosts[2].fence_tries = 2;
        m->hosts[2].fence_level = 1;
        m->hosts[2].incident = 1;
        text_set(m->hosts[2].fence_error, TEXT_LEN, "bmc3: no answer within 20 s");
        m->n_devices = 1;
        text_set(m->devices[0].name, NAME_LEN, "bmc3");
        m->devices[0].host = 3;
        m->devices[0].seen_on = true;
        text_set(m->devices[0].error, TEXT_LEN, "no answer");
}

static inline void fix_incidents(struct model *m) {
        struct incident *open = model_incident_add(m), *closed;

        open->kind = INCIDENT_HOST;
        open->host = 3;
        open->open = true;
        text_set(open->cause, TEXT_LEN, "left the ring");
        open->at[STEP_LAST_GOOD] = FIX_WALL;
        open->at[STEP_DETECTED] = FIX_WALL + 1500 * USEC_PER_MSEC;
        closed = model_incident_add(m);
        closed->open = false;
        closed->kind = INCIDENT_GUEST;
        closed->host = 1;
        closed->to_host = 2;
        text_set(closed->guest, NAME_LEN, "web");
        text_set(closed->cause, TEXT_LEN, "QEMU died");
        text_set(closed->outcome, TEXT_LEN, "restarted on node2");
        closed->at[STEP_LAST_GOOD] = FIX_WALL;
        closed->at[STEP_DETECTED] = FIX_WALL + USEC_PER_SEC;
        closed->at[STEP_PLACED] = FIX_WALL + 2 * USEC_PER_SEC;
        closed->at[STEP_STARTED] = FIX_WALL + 5 * USEC_PER_SEC;
        closed->at[STEP_HEALTHY] = FIX_WALL + 75 * USEC_PER_SEC;
}

static inline struct state *fix_state(void) {
        struct state *s = state_new();
        struct model *m = &s->model;
        struct rule *r;

        m->version = 10;
        s->version = 10;
        text_set(m->cluster, sizeof(m->cluster), "prod");
        fix_hosts(m);
        fix_guest(m, "web", DESIRED_RUNNING, GUEST_RUNNING, 2, "");
        fix_guest(m, "dns", DESIRED_RUNNING, GUEST_FAILED, 3, "waits for node3 to be proven off");
        fix_guest(m, "old", DESIRED_STOPPED, GUEST_STOPPED, 0, "");
        fix_guest(m, "lab", DESIRED_IGNORED, GUEST_FAILED, 1, "");
        r = model_rule_add(m, "apart");
        r->kind = RULE_SEPARATE;
        r->strict = true;
        r->guests = blob_new("web dns", 7);
        fix_incidents(m);
        return s;
}

static inline int fix_request(void *ud, const struct request *request) {
        struct fix *f = ud;

        f->request = *request;
        f->n_requests++;
        if (request->spec) {
                f->priority = request->spec->conf.priority;
                f->n_after = request->spec->n_after;
                text_set(f->first_after, NAME_LEN, request->spec->after[0]);
                text_set(f->xml, sizeof(f->xml),
                         request->spec->xml ? request->spec->xml->data : "");
        }
        text_set(f->guests, sizeof(f->guests), request->guests ? request->guests : "");
        text_set(f->hosts, sizeof(f->hosts), request->hosts ? request->hosts : "");
        return 0;
}

static inline bool fix_row_wanted(const struct api_history_filter *filter,
                                  const struct history_row *row) {
        bool kind = filter->n_kinds == 0;

        for (size_t i = 0; i < filter->n_kinds; i++)
                kind |= strcmp(filter->kinds[i], note_name((enum note_id)row->note.id)) == 0;
        return kind && (!filter->before_version || row->version < filter->before_version) &&
               row->wall >= filter->since_wall &&
               (!filter->host[0] || strcmp(row->host_name, filter->host) == 0) &&
               (!filter->guest[0] || strcmp(row->note.guest, filter->guest) == 0) &&
               (!filter->incident || row->note.incident == filter->incident);
}

/* On the reader's thread. Odd rows are of node3 that is lost, even ones of web that starts; the
 * oldest is of a host that had the number of node3 before it. */
static inline int fix_history(void *ud, const struct api_history_filter *filter, api_row_fn fn,
                              void *row_ud) {
        struct fix *f = ud;
        size_t n = 0;

        for (uint64_t v = FIX_ROWS; v > 0 && n < filter->limit; v--) {
                struct history_row row = {.version = v, .wall = FIX_WALL + v * USEC_PER_SEC};

                row.note.id = v % 2 ? NOTE_HOST_LOST : NOTE_GUEST_STARTED;
                row.note.host = v % 2 ? 3 : 2;
                row.note.incident = v % 2 ? 1 : 2;
                text_set(row.host_name, NAME_LEN, v == 1 ? "node3old" : v % 2 ? "node3" : "node2");
                text_set(row.note.guest, NAME_LEN, v % 2 ? "" : "web");
                text_fmt(row.note.text, sizeof(row.note.text), "row %u", (unsigned)v);
                if (!fix_row_wanted(filter, &row))
                        continue;
                n++;
                if (fn(row_ud, &row))
                        break;
        }
        return f->history_error;
}

static inline int fix_xml(const char *xml, size_t len, struct guest_spec **ret,
                          char err[TEXT_LEN]) {
        struct guest_spec *spec;

        if (len < 8 || strncmp(xml, "<domain", 7) != 0) {
                text_set(err, TEXT_LEN, "line 1: this is no domain");
                return -EINVAL;
        }
        spec = guest_spec_new();
        if (sscanf(xml, "<domain type=%*[^>]> <name>%63[^<]</name> <uuid>%36[^<]", spec->name,
                   spec->uuid) == 0)
                text_set(spec->name, sizeof(spec->name), xml + 8);
        spec->xml = blob_new(xml, len);
        *ret = spec;
        return 0;
}

static inline const struct config *fix_config(void *ud) {
        return &((struct fix *)ud)->config;
}

/* The first changes nothing, later ones do. */
static inline int fix_reload(void *ud, struct conf_errors *mistakes, struct conf_errors *later) {
        struct fix *f = ud;

        for (unsigned i = 0; i < f->n_mistakes; i++)
                conf_errors_add(mistakes, "hawd.conf", (int)i + 1, "mistake %u", i);
        if (f->n_mistakes > 0)
                return -EINVAL;
        f->config.hash += f->reloads;
        if (f->reloads++ > 0)
                conf_errors_add(later, "hawd.conf", 0, "'ring' changes when hawd is restarted");
        return 0;
}

static inline void fix_log(void *ud, int priority, const char *text) {
        struct fix *f = ud;
        size_t n = strlen(f->log);

        (void)priority;
        text_fmt(f->log + n, sizeof(f->log) - n, "%s\n", text);
}

static inline void fix_store(void *ud, struct api_store *ret) {
        struct fix *f = ud;

        *ret = (struct api_store){f->store_error, f->store_lost, f->store_kept};
}

/* Heap, as a core's own model would be: the fixture's owner may change it (fix_model()). */
static inline struct fix *fix_new(int (*request)(void *ud, const struct request *)) {
        struct fix *f = xcalloc(1, sizeof(*f));
        struct state *state = fix_state();
        struct core_boot boot = {.nodeid = 1,
                                 .incarnation = 7,
                                 .seed = 1,
                                 .epoch = 3,
                                 .promised = 3,
                                 .state = state,
                                 .hawd_version = "0.1.0"};
        struct api_ports ports = {.ud = f,
                                  .request = request ? request : fix_request,
                                  .history = fix_history,
                                  .spec_from_xml = fix_xml,
                                  .config = fix_config,
                                  .store = fix_store,
                                  .reload = fix_reload,
                                  .log = fix_log};

        config_defaults(&f->config);
        f->core = core_new(&boot, &f->config);
        state_unref(state);
        f->loop = qb_loop_create();
        if (api_new(f->loop, f->core, &ports, "0.1.0", &f->api) < 0)
                abort();
        return f;
}

static inline struct model *fix_model(struct fix *f) {
        return (struct model *)core_model(f->core); /* nobody else steps this core */
}

/* node3 came back under another node id, and its old self is lost. */
static inline void fix_renumbered(struct fix *f) {
        const struct conf_node nodes[] = {{1, "node1"}, {2, "node2"}, {4, "node3"}};
        const struct event ev = {.kind = EV_NODELIST, .nodelist = {nodes, ARRAY_SIZE(nodes)}};
        struct actions out = {0};

        if (core_step(f->core, &ev, &out) < 0)
                abort();
        actions_free(&out);
}

static inline struct fix *fix_free(struct fix *f) {
        api_free(f->api);
        core_free(f->core);
        qb_loop_destroy(f->loop);
        free(f);
        return NULL;
}
