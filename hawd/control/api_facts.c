/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Facts: one request for each host, one answer for all of them. A request is answered exactly once,
 * so a gathering ends, also when its client has left.
 */
#include "hawd/control/api_internal.h"

#define ASKED_AT_ONCE 8

struct gathering {
        uint32_t number; /* 0: free */
        uint64_t call;
        size_t n, waiting;
        struct {
                char name[NAME_LEN];
                char error[TEXT_LEN];
                struct blob *facts;
        } hosts[HOSTS_MAX];
};

struct api_facts {
        uint32_t last_number;
        struct gathering gatherings[ASKED_AT_ONCE];
};

static uint64_t id_of(const struct gathering *g, size_t slot, size_t host) {
        return API_FACTS_ID | (uint64_t)g->number << 16 | slot << 8 | host;
}

static void answer(struct api *api, struct gathering *g) {
        json_t *list = json_array();

        for (size_t i = 0; i < g->n; i++) {
                struct blob *b = g->hosts[i].facts;

                json_array_append_new(list, json_pack("{s:o,s:o,s:o}", "name",
                                                      render_text(g->hosts[i].name), "error",
                                                      render_text(b ? NULL : g->hosts[i].error),
                                                      "facts", render_text(b ? b->data : NULL)));
                g->hosts[i].facts = blob_unref(b);
        }
        g->number = 0;
        (void)varlink_reply(api->varlink, g->call, json_pack("{s:o}", "hosts", list)); /* gone? */
}

static void count_down(struct api *api, struct gathering *g) {
        if (--g->waiting == 0)
                answer(api, g);
}

bool api_facts_reply(struct api *api, uint64_t id, const char *text, struct blob *facts) {
        size_t slot = (size_t)(id >> 8 & 0xff), host = (size_t)(id & 0xff);
        struct gathering *g;

        if (!(id & API_FACTS_ID))
                return false;
        assert(slot < ASKED_AT_ONCE);
        g = &api->facts->gatherings[slot];
        assert(g->number && id == id_of(g, slot, host) && host < g->n);
        g->hosts[host].facts = blob_ref(facts);
        text_set(g->hosts[host].error, TEXT_LEN, text && *text ? text : "hawd gave no reason");
        count_down(api, g);
        return true;
}

static void ask_one(struct api *api, struct gathering *g, size_t i) {
        struct request req = {.verb = VERB_FACTS};
        size_t slot = (size_t)(g - api->facts->gatherings);
        int r;

        req.id = id_of(g, slot, i);
        text_set(req.host, sizeof(req.host), g->hosts[i].name);
        r = api->ports.request(api->ports.ud, &req);
        if (r < 0)
                (void)api_facts_reply(api, req.id, strerror(-r), NULL);
}

static struct gathering *begin(struct api *api, uint64_t call) {
        for (size_t i = 0; i < ASKED_AT_ONCE; i++) {
                struct gathering *g = &api->facts->gatherings[i];

                if (g->number)
                        continue;
                *g = (struct gathering){.call = call};
                api->facts->last_number = MAX(api->facts->last_number + 1, 1);
                g->number = api->facts->last_number;
                return g;
        }
        return NULL;
}

void api_facts_method(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {{"host", API_NAME, false}, {.name = NULL}};
        struct api *api = ud;
        const struct model *m = core_model(api->core);
        const char *only;
        struct gathering *g;

        if (!api_params(api, call, params, list))
                return;
        only = param_text(params, "host");
        if (only && !find_host(m, only)) {
                api_no_host(api, call, only);
                return;
        }
        g = begin(api, call);
        if (!g) {
                api_error(api, call, "Busy", "%d others ask for facts; try again", ASKED_AT_ONCE);
                return;
        }
        for (size_t i = 0; i < m->n_hosts; i++)
                if (!only || strcmp(m->hosts[i].name, only) == 0)
                        text_set(g->hosts[g->n++].name, NAME_LEN, m->hosts[i].name);
        g->waiting = g->n + 1; /* answers may come at once: the last one is this function's */
        for (size_t i = 0; i < g->n; i++)
                ask_one(api, g, i);
        count_down(api, g);
}

struct api_facts *api_facts_new(void) {
        return xcalloc(1, sizeof(struct api_facts));
}

struct api_facts *api_facts_free(struct api_facts *f) {
        for (size_t i = 0; f && i < ASKED_AT_ONCE; i++)
                for (size_t k = 0; k < f->gatherings[i].n; k++)
                        blob_unref(f->gatherings[i].hosts[k].facts);
        free(f);
        return NULL;
}
