/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Methods that only read: the core's queries, rendered. */
#include <time.h>

#include "hawd/control/api_internal.h"

#define ATTENTION_MAX 200 /* of each list in the status, whatever has happened */
#define INCIDENT_PAGE_MAX 500

static const struct api_param no_params[] = {{.name = NULL}};

static usec_t boottime(void) {
        struct timespec t;

        clock_gettime(CLOCK_BOOTTIME, &t);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}

static json_t *host_json(struct api *api, const struct core_status *status, const struct host *h) {
        struct render_live live = {0};
        json_t *o;
        usec_t heard = 0;
        int64_t offset;

        live.heartbeat = core_heartbeat(api->core, h->nodeid, &heard);
        live.operational = status->operational;
        if (core_clock_offset(api->core, h->nodeid, &offset))
                live.clock_offset_usec = &offset;
        live.heard_usec_ago = usec_sub(boottime(), heard);
        for (size_t i = 0; i < status->n_ring; i++)
                live.in_ring |= status->ring[i] == h->nodeid;
        for (size_t i = 0; i < status->n_group; i++)
                live.in_group |= status->group[i].nodeid == h->nodeid;
        if (!live.in_group)
                live.heartbeat = NULL; /* an old one says nothing */
        o = render_host(core_model(api->core), h, api->ports.config(api->ports.ud), &live);
        json_object_set_new(o, "advice", render_advice(api->core, h->nodeid));
        return o;
}

static json_t *hosts_json(struct api *api, const struct core_status *status) {
        const struct model *m = core_model(api->core);
        json_t *list = json_array();

        for (size_t i = 0; i < m->n_hosts; i++)
                json_array_append_new(list, host_json(api, status, &m->hosts[i]));
        return list;
}

/* From the number @from on, at most @limit. @ret_next: the number of the next one; 0: that is all.
 */
static json_t *incidents_json(struct api *api, bool open_only, uint64_t from, size_t limit,
                              uint64_t *ret_next) {
        const struct model *m = core_model(api->core);
        usec_t now = api_wall();
        json_t *list = json_array();

        *ret_next = 0;
        for (size_t i = 0; i < m->n_incidents && *ret_next == 0; i++) {
                const struct incident *in = &m->incidents[i];

                if (in->id < from || (open_only && !in->open))
                        continue;
                if (json_array_size(list) == limit)
                        *ret_next = in->id;
                else
                        json_array_append_new(list, render_incident(m, in, now));
        }
        return list;
}

static size_t open_incidents(const struct model *m) {
        size_t n = 0;

        for (size_t i = 0; i < m->n_incidents; i++)
                n += m->incidents[i].open;
        return n;
}

static json_t *attention_json(const struct model *m) {
        json_t *list = json_array();

        for (size_t i = 0; i < m->n_guests && json_array_size(list) < ATTENTION_MAX; i++)
                if (!guest_as_wanted(&m->guests[i]))
                        json_array_append_new(list, render_guest(m, &m->guests[i]));
        return list;
}

static json_t *group_json(const struct model *m, const struct core_status *status) {
        json_t *list = json_array();

        for (size_t i = 0; i < status->n_group; i++)
                json_array_append_new(list, json_pack("{s:o,s:I,s:I}", "name",
                                                      render_host_name(m, status->group[i].nodeid),
                                                      "nodeid", (json_int_t)status->group[i].nodeid,
                                                      "pid", (json_int_t)status->group[i].pid));
        return list;
}

static const char *phase_name(enum sync_phase phase) {
        switch (phase) {
        case SYNC_NONE:
                return "none";
        case SYNC_EXCHANGE:
                return "exchange";
        case SYNC_PROMISE:
                return "promise";
        case SYNC_INSTALL:
                return "install";
        case SYNC_DONE:
                return "done";
        }
        return "none";
}

/* Before the first sync the ledger has no name of the cluster yet: the configuration has. */
static const char *cluster_name(struct api *api) {
        const struct model *m = core_model(api->core);

        return m->cluster[0] ? m->cluster : api->ports.config(api->ports.ud)->cluster_name;
}

static void render_store(struct api *api, const struct core_status *status, json_t *o) {
        struct api_store store;

        api->ports.store(api->ports.ud, &store);
        json_object_set_new(o, "store_error",
                            render_text(*store.error           ? store.error
                                        : status->store_failed ? status->store_error
                                                               : NULL));
        json_object_set_new(o, "store_lost", render_text(store.lost));
        json_object_set_new(o, "store_kept", render_text(store.kept));
}

json_t *api_render_status(struct api *api) {
        const struct model *m = core_model(api->core);
        const struct config *config = api->ports.config(api->ports.ud);
        struct core_status status;
        json_t *o = json_object();
        uint64_t next; /* those are the first ones */

        core_status(api->core, &status);
        json_object_set_new(o, "cluster", render_text(cluster_name(api)));
        json_object_set_new(o, "host", render_host_name(m, status.nodeid));
        json_object_set_new(o, "nodeid", json_integer(status.nodeid));
        json_object_set_new(o, "hawd_version", render_text(api->varlink_config.version));
        json_object_set_new(o, "ring",
                            json_string(config->ring == RING_SOLO ? "solo" : "corosync"));
        json_object_set_new(o, "operational", json_boolean(status.operational));
        json_object_set_new(o, "quorate", json_boolean(status.ring_quorate));
        json_object_set_new(o, "missing", render_text(status.missing));
        json_object_set_new(o, "sync", render_text(phase_name(status.phase)));
        json_object_set_new(o, "leader", render_host_name(m, status.leader_nodeid));
        json_object_set_new(o, "epoch", json_integer((json_int_t)status.epoch));
        json_object_set_new(o, "version", json_integer((json_int_t)status.version));
        json_object_set_new(o, "applied", json_integer((json_int_t)status.applied));
        json_object_set_new(o, "libvirt_up", json_boolean(status.libvirt_up));
        render_store(api, &status, o);
        json_object_set_new(
                o, "lease_renewed_ms_ago",
                status.lease_renewed
                        ? json_integer((json_int_t)(usec_sub(boottime(), status.lease_renewed) /
                                                    USEC_PER_MSEC))
                        : json_null());
        json_object_set_new(o, "group", group_json(m, &status));
        json_object_set_new(o, "hosts", hosts_json(api, &status));
        json_object_set_new(o, "waiting", render_waiting(api->core, 0));
        json_object_set_new(o, "guests", render_guest_counts(m));
        json_object_set_new(o, "attention", attention_json(m));
        json_object_set_new(o, "incidents", incidents_json(api, true, 0, ATTENTION_MAX, &next));
        json_object_set_new(o, "incidents_open", json_integer((json_int_t)open_incidents(m)));
        render_time(o, "now", api_wall());
        return o;
}

void api_status(void *ud, uint64_t call, json_t *params) {
        struct api *api = ud;

        if (api_params(api, call, params, no_params))
                (void)varlink_reply(api->varlink, call,
                                    json_pack("{s:o}", "status", api_render_status(api)));
}

void api_hosts(void *ud, uint64_t call, json_t *params) {
        struct api *api = ud;
        struct core_status status;

        if (!api_params(api, call, params, no_params))
                return;
        core_status(api->core, &status);
        (void)varlink_reply(api->varlink, call,
                            json_pack("{s:o,s:o}", "hosts", hosts_json(api, &status), "waiting",
                                      render_waiting(api->core, 0)));
}

void api_host(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {{"name", API_NAME, true}, {.name = NULL}};
        struct api *api = ud;
        struct core_status status;
        const struct host *h;

        if (!api_params(api, call, params, list))
                return;
        h = find_host(core_model(api->core), param_text(params, "name"));
        if (!h) {
                api_no_host(api, call, param_text(params, "name"));
                return;
        }
        core_status(api->core, &status);
        (void)varlink_reply(api->varlink, call,
                            json_pack("{s:o,s:o}", "host", host_json(api, &status, h), "waiting",
                                      render_waiting(api->core, h->nodeid)));
}

static int by_name(const void *a, const void *b) {
        const struct guest *const *x = a, *const *y = b;

        return strcmp((*x)->spec->name, (*y)->spec->name);
}

const struct guest **api_guests_from(const struct model *m, const char *from, size_t *ret_n) {
        const struct guest **list = xcalloc(m->n_guests, sizeof(*list));
        size_t n = 0;

        for (size_t i = 0; i < m->n_guests; i++)
                if (!from || strcmp(m->guests[i].spec->name, from) >= 0)
                        list[n++] = &m->guests[i];
        if (n > 0)
                qsort(list, n, sizeof(*list), by_name);
        *ret_n = n;
        return list;
}

void api_guests(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {
                {"from", API_STRING, false}, {"limit", API_INT, false}, {.name = NULL}};
        struct api *api = ud;
        const struct model *m = core_model(api->core);
        _cleanup_(freep) const struct guest **guests = NULL;
        json_t *page, *next = NULL;
        int64_t limit;
        size_t n;

        if (!api_params(api, call, params, list))
                return;
        limit = param_int(params, "limit", API_GUEST_PAGE_MAX);
        limit = MAX(1, MIN(limit, API_GUEST_PAGE_MAX));
        guests = api_guests_from(m, param_text(params, "from"), &n);
        page = json_array();
        for (size_t i = 0; i < n && i < (size_t)limit; i++)
                json_array_append_new(page, render_guest(m, guests[i]));
        if (n > (size_t)limit)
                next = render_text(guests[limit]->spec->name);
        (void)varlink_reply(
                api->varlink, call,
                json_pack("{s:o,s:o}", "guests", page, "next", next ? next : json_null()));
}

void api_guest(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {
                {"name", API_NAME, true}, {"xml", API_BOOL, false}, {.name = NULL}};
        struct api *api = ud;
        const struct model *m = core_model(api->core);
        const struct guest *g;
        const struct blob *xml;

        if (!api_params(api, call, params, list))
                return;
        g = find_guest(m, param_text(params, "name"));
        if (!g) {
                api_no_guest(api, call, param_text(params, "name"));
                return;
        }
        xml = param_bool(params, "xml") ? g->spec->xml : NULL;
        (void)varlink_reply(
                api->varlink, call,
                json_pack("{s:o,s:o}", "guest", render_guest(m, g), "xml",
                          render_xml(xml, varlink_may(api->varlink, call, VARLINK_ADMIN))));
}

void api_rules(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {{"from", API_STRING, false}, {.name = NULL}};
        struct api *api = ud;
        const char *next;
        json_t *rules;

        if (!api_params(api, call, params, list))
                return;
        rules = json_array();
        next = api_rules_page(core_model(api->core), param_text(params, "from"), rules);
        (void)varlink_reply(api->varlink, call,
                            json_pack("{s:o,s:o}", "rules", rules, "next", render_text(next)));
}

void api_incidents(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {{"open_only", API_BOOL, false},
                                                {"from", API_INT, false},
                                                {"limit", API_INT, false},
                                                {.name = NULL}};
        struct api *api = ud;
        json_t *incidents;
        uint64_t next;
        int64_t limit;

        if (!api_params(api, call, params, list))
                return;
        limit = param_int(params, "limit", INCIDENT_PAGE_MAX);
        limit = MAX(1, MIN(limit, INCIDENT_PAGE_MAX));
        incidents = incidents_json(api, param_bool(params, "open_only"),
                                   (uint64_t)param_int(params, "from", 0), (size_t)limit, &next);
        (void)varlink_reply(api->varlink, call,
                            json_pack("{s:o,s:o}", "incidents", incidents, "next",
                                      next ? json_integer((json_int_t)next) : json_null()));
}

void api_devices(void *ud, uint64_t call, json_t *params) {
        struct api *api = ud;
        const struct model *m = core_model(api->core);
        json_t *devices;

        if (!api_params(api, call, params, no_params))
                return;
        devices = json_array();
        for (size_t i = 0; i < m->n_devices; i++)
                json_array_append_new(devices, render_device(m, &m->devices[i],
                                                             api->ports.config(api->ports.ud)));
        (void)varlink_reply(api->varlink, call, json_pack("{s:o}", "devices", devices));
}

static json_t *lines_json(const char *text) {
        json_t *list = json_array();

        while (*text) {
                size_t len = strcspn(text, "\n");
                _cleanup_(freep) char *line = strndup(text, len);

                json_array_append_new(list, line && *line ? render_text(line) : json_string(""));
                text += len + (text[len] == '\n');
        }
        return list;
}

void api_explain(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {
                {"kind", API_NAME, true}, {"name", API_NAME, true}, {.name = NULL}};
        struct api *api = ud;
        _cleanup_(freep) char *text = NULL;
        const char *kind, *name;

        if (!api_params(api, call, params, list))
                return;
        kind = param_text(params, "kind");
        name = param_text(params, "name");
        if (strcmp(kind, "guest") == 0)
                text = core_explain_guest(api->core, name);
        else if (strcmp(kind, "host") == 0)
                text = core_explain_host(api->core, name);
        else
                (void)varlink_invalid(api->varlink, call, "kind");
        if (text)
                (void)varlink_reply(api->varlink, call,
                                    json_pack("{s:o}", "lines", lines_json(text)));
        else if (strcmp(kind, "guest") == 0)
                api_no_guest(api, call, name);
        else
                api_no_host(api, call, name); /* answered already when the kind was wrong */
}

/* Those who left are dropped when the next note comes; here, when there is no room. */
static void forget_gone(struct api *api) {
        struct peer peer;
        size_t kept = 0;

        for (size_t i = 0; i < api->n_watchers; i++)
                if (varlink_peer(api->varlink, api->watchers[i], &peer))
                        api->watchers[kept++] = api->watchers[i];
        api->n_watchers = kept;
}

void api_watch(void *ud, uint64_t call, json_t *params) {
        struct api *api = ud;

        if (!api_params(api, call, params, no_params))
                return;
        forget_gone(api);
        assert(api->n_watchers < ARRAY_SIZE(api->watchers)); /* one a client at most */
        if (varlink_notify(api->varlink, call,
                           json_pack("{s:o}", "status", api_render_status(api))) == 0)
                api->watchers[api->n_watchers++] = call;
}
