/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Methods that change something: each becomes a struct request; the core answers it. */
#include <stdio.h>

#include "hawd/control/api_internal.h"

static const struct api_param no_params[] = {{.name = NULL}};
static const struct api_param name_only[] = {{"name", API_NAME, true}, {.name = NULL}};
static const struct api_param host_only[] = {{"host", API_NAME, true}, {.name = NULL}};

static void spec_unrefp(struct guest_spec **s) {
        guest_spec_unref(*s);
}

/* The number of the call is that of the request. */
void api_submit(struct api *api, uint64_t call, struct request *req) {
        struct peer peer;
        int r;

        req->id = call;
        if (varlink_peer(api->varlink, call, &peer))
                peer_user(peer.uid, req->who);
        r = api->ports.request(api->ports.ud, req);
        if (r < 0)
                api_error(api, call, "Failed", "hawd does not take the request: %s", strerror(-r));
}

bool api_know_guest(struct api *api, uint64_t call, const char *name, struct request *req) {
        const struct guest *g = find_guest(core_model(api->core), name);

        if (g)
                text_set(req->guest, sizeof(req->guest), g->spec->name);
        else
                api_no_guest(api, call, name);
        return g;
}

static bool know_host(struct api *api, uint64_t call, const char *name, struct request *req) {
        bool known = find_host(core_model(api->core), name);

        if (known)
                text_set(req->host, sizeof(req->host), name);
        else
                api_no_host(api, call, name);
        return known;
}

/* Verbs that take nothing but a guest that is kept. */
static void submit_guest(struct api *api, uint64_t call, const json_t *params, enum verb verb) {
        struct request req = {.verb = verb};

        if (api_params(api, call, params, name_only) &&
            api_know_guest(api, call, param_text(params, "name"), &req))
                api_submit(api, call, &req);
}

static void submit_host(struct api *api, uint64_t call, const json_t *params, enum verb verb) {
        struct request req = {.verb = verb};

        if (api_params(api, call, params, host_only) &&
            know_host(api, call, param_text(params, "host"), &req))
                api_submit(api, call, &req);
}

/* "dns, db" or "dns db". Return: 0 or -EINVAL with @err. */
static int set_after(struct guest_spec *spec, const char *value, char err[TEXT_LEN]) {
        uint32_t n = 0;

        for (const char *p = value; *(p += strspn(p, ", \t")) != '\0';) {
                size_t len = strcspn(p, ", \t");
                char name[NAME_LEN];

                text_fmt(name, sizeof(name), "%.*s", (int)MIN(len, sizeof(name)), p);
                if (len >= NAME_LEN || !name_valid(name)) {
                        text_fmt(err, TEXT_LEN, "after: '%s' is no guest's name", name);
                        return -EINVAL;
                }
                if (strcmp(name, spec->name) == 0) {
                        text_fmt(err, TEXT_LEN, "after: %s cannot wait for itself", name);
                        return -EINVAL;
                }
                if (n == ARRAY_SIZE(spec->after)) {
                        text_fmt(err, TEXT_LEN, "after: at most %zu guests",
                                 ARRAY_SIZE(spec->after));
                        return -EINVAL;
                }
                text_set(spec->after[n++], NAME_LEN, name);
                p += len;
        }
        spec->n_after = n;
        return 0;
}

/* Replies a Usage error by itself. */
static bool set_settings(struct api *api, uint64_t call, const json_t *settings,
                         struct guest_spec *spec) {
        char err[TEXT_LEN] = "";
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)settings, key, value) {
                const char *text = json_string_value(value);
                int r = strcmp(key, "after") == 0 ? set_after(spec, text, err)
                                                  : guest_conf_set(&spec->conf, key, text, err);

                if (r < 0) {
                        api_error(api, call, "Usage", "%s", err[0] ? err : "no such setting");
                        return false;
                }
        }
        return true;
}

static struct guest_spec *new_spec(struct api *api, const char *name) {
        struct guest_spec *spec = guest_spec_new();

        text_set(spec->name, sizeof(spec->name), name);
        spec->conf = api->ports.config(api->ports.ud)->guest_defaults;
        return spec;
}

void api_guest_add(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {{"name", API_NAME, true},
                                                {"host", API_NAME, false},
                                                {"settings", API_STRING_MAP, false},
                                                {.name = NULL}};
        struct api *api = ud;
        struct request req = {.verb = VERB_GUEST_ADD, .desired = DESIRED_RUNNING};
        _cleanup_(spec_unrefp) struct guest_spec *spec = NULL;
        const char *name;

        if (!api_params(api, call, params, list))
                return;
        name = param_text(params, "name");
        if (param_text(params, "host") && !know_host(api, call, param_text(params, "host"), &req))
                return;
        if (find_guest(core_model(api->core), name)) {
                api_error(api, call, "Usage",
                          "hawd keeps %s already; hawctl guest set changes its settings", name);
                return;
        }
        spec = req.spec = new_spec(api, name);
        text_set(req.guest, sizeof(req.guest), name);
        if (set_settings(api, call, json_object_get(params, "settings"), spec))
                api_submit(api, call, &req);
}

/* The name stands in the XML only: remembered for the answer. */
static void remember_name(struct api *api, uint64_t call, const char *name) {
        struct peer peer;

        for (size_t i = 0; i < ARRAY_SIZE(api->created); i++) {
                struct api_created *c = &api->created[i];

                if (c->call != 0 && varlink_peer(api->varlink, c->call, &peer))
                        continue;
                c->call = call;
                text_set(c->name, sizeof(c->name), name);
                return;
        }
}

/* Of the parameter xml; replies by itself. Return: NULL when it is not usable. */
static struct guest_spec *spec_of_xml(struct api *api, uint64_t call, const json_t *params) {
        const json_t *xml = json_object_get(params, "xml");
        struct guest_spec *spec;
        char err[TEXT_LEN] = "";

        if (api->ports.spec_from_xml(json_string_value(xml), json_string_length(xml), &spec, err) ==
            0)
                return spec;
        api_error(api, call, "Usage", "the domain XML is not usable: %s", err);
        return NULL;
}

void api_guest_create(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {{"xml", API_STRING, true},
                                                {"settings", API_STRING_MAP, false},
                                                {"desired", API_NAME, false},
                                                {.name = NULL}};
        struct api *api = ud;
        struct request req = {.verb = VERB_GUEST_CREATE};
        _cleanup_(spec_unrefp) struct guest_spec *spec = NULL;
        const char *wanted;
        int desired;

        if (!api_params(api, call, params, list))
                return;
        wanted = param_text(params, "desired");
        desired = wanted ? desired_from(wanted) : DESIRED_RUNNING;
        if (desired < 0) {
                (void)varlink_invalid(api->varlink, call, "desired");
                return;
        }
        spec = spec_of_xml(api, call, params);
        if (!spec)
                return;
        if (!name_valid(spec->name)) {
                api_error(api, call, "Usage",
                          "'%s' is no name for a guest: use letters, digits, '.', '_' and '-'",
                          spec->name);
                return;
        }
        if (find_guest(core_model(api->core), spec->name)) {
                api_error(api, call, "Usage",
                          "hawd keeps a guest %s already; give this one another name in its XML",
                          spec->name);
                return;
        }
        req.spec = spec;
        req.desired = (enum desired)desired;
        text_set(req.guest, sizeof(req.guest), spec->name);
        spec->conf = api->ports.config(api->ports.ud)->guest_defaults;
        if (!set_settings(api, call, json_object_get(params, "settings"), spec))
                return;
        remember_name(api, call, spec->name);
        api_submit(api, call, &req);
}

static struct guest_spec *copy_spec(const struct guest_spec *old) {
        struct guest_spec *spec = guest_spec_new();
        unsigned refs = spec->refs;

        *spec = *old;
        spec->refs = refs;
        spec->xml = blob_ref(old->xml);
        return spec;
}

/* The settings stay, the definition is the new one; replies by itself. NULL: it is no good. */
static struct guest_spec *redefined(struct api *api, uint64_t call, const json_t *params,
                                    const struct guest_spec *old) {
        struct guest_spec *spec = spec_of_xml(api, call, params);

        if (spec && (strcmp(spec->name, old->name) != 0 || strcmp(spec->uuid, old->uuid) != 0)) {
                api_error(api, call, "Usage",
                          "the XML is of %s with the UUID %s, the guest is %s with the UUID %s: "
                          "neither can be changed",
                          spec->name, spec->uuid, old->name, old->uuid);
                guest_spec_unref(spec);
                return NULL;
        }
        if (spec) {
                spec->conf = old->conf;
                memcpy(spec->after, old->after, sizeof(spec->after));
                spec->n_after = old->n_after;
        }
        return spec;
}

void api_guest_set(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {{"name", API_NAME, true},
                                                {"settings", API_STRING_MAP, false},
                                                {"xml", API_STRING, false},
                                                {.name = NULL}};
        struct api *api = ud;
        struct request req = {.verb = VERB_GUEST_SET};
        _cleanup_(spec_unrefp) struct guest_spec *spec = NULL;
        const struct guest_spec *old;

        if (!api_params(api, call, params, list) ||
            !api_know_guest(api, call, param_text(params, "name"), &req))
                return;
        old = find_guest(core_model(api->core), req.guest)->spec;
        spec = param_text(params, "xml") ? redefined(api, call, params, old) : copy_spec(old);
        req.spec = spec;
        if (spec && set_settings(api, call, json_object_get(params, "settings"), spec))
                api_submit(api, call, &req);
}

void api_guest_move(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {
                {"name", API_NAME, true}, {"host", API_NAME, true}, {.name = NULL}};
        struct api *api = ud;
        struct request req = {.verb = VERB_GUEST_MOVE};

        if (api_params(api, call, params, list) &&
            api_know_guest(api, call, param_text(params, "name"), &req) &&
            know_host(api, call, param_text(params, "host"), &req))
                api_submit(api, call, &req);
}

void api_guest_start(void *ud, uint64_t call, json_t *params) {
        submit_guest(ud, call, params, VERB_GUEST_START);
}

void api_guest_stop(void *ud, uint64_t call, json_t *params) {
        submit_guest(ud, call, params, VERB_GUEST_STOP);
}

void api_guest_ignore(void *ud, uint64_t call, json_t *params) {
        submit_guest(ud, call, params, VERB_GUEST_IGNORE);
}

void api_guest_pause(void *ud, uint64_t call, json_t *params) {
        submit_guest(ud, call, params, VERB_GUEST_PAUSE);
}

void api_guest_resume(void *ud, uint64_t call, json_t *params) {
        submit_guest(ud, call, params, VERB_GUEST_RESUME);
}

void api_guest_recover(void *ud, uint64_t call, json_t *params) {
        submit_guest(ud, call, params, VERB_GUEST_RECOVER);
}

void api_guest_delete(void *ud, uint64_t call, json_t *params) {
        submit_guest(ud, call, params, VERB_GUEST_DELETE);
}

void api_guest_remove(void *ud, uint64_t call, json_t *params) {
        submit_guest(ud, call, params, VERB_GUEST_REMOVE);
}

static int by_text(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* NULL: none is there twice. */
static const char *named_twice(const json_t *names) {
        size_t n = json_array_size(names);
        _cleanup_(freep) const char **list = xcalloc(n + 1, sizeof(*list));

        for (size_t i = 0; i < n; i++)
                list[i] = json_string_value(json_array_get(names, i));
        qsort(list, n, sizeof(*list), by_text);
        for (size_t i = 1; i < n; i++)
                if (strcmp(list[i - 1], list[i]) == 0)
                        return list[i];
        return NULL;
}

/*
 * A list of names as the ledger keeps it: blank-separated. Names of guests that are not kept (yet)
 * are taken: a rule may come before its guests. Replies by itself.
 * Return: malloc'ed, NULL when a name is none.
 */
static char *name_list(struct api *api, uint64_t call, const json_t *names, const char *what) {
        const char *twice = named_twice(names);
        const json_t *name;
        size_t i, n = 0;
        char *list;

        if (twice) {
                api_error(api, call, "Usage", "%s: '%.64s' is named twice", what, twice);
                return NULL;
        }
        list = xcalloc(json_array_size(names) + 1, NAME_LEN);
        json_array_foreach(names, i, name) {
                const char *text = json_string_value(name);

                if (!name_valid(text)) {
                        api_error(api, call, "Usage", "%s: '%.64s' is no name", what, text);
                        free(list);
                        return NULL;
                }
                n += (size_t)sprintf(list + n, "%s%s", n ? " " : "", text);
        }
        return list;
}

static bool hosts_known(struct api *api, uint64_t call, const json_t *names) {
        const json_t *name;
        size_t i;

        json_array_foreach(names, i,
                           name) if (!find_host(core_model(api->core), json_string_value(name))) {
                api_no_host(api, call, json_string_value(name));
                return false;
        }
        return true;
}

/* What each kind of rule needs; replies by itself. */
static bool rule_makes_sense(struct api *api, uint64_t call, enum rule_kind kind, size_t n_guests,
                             size_t n_hosts) {
        bool among_guests = kind == RULE_SEPARATE || kind == RULE_TOGETHER;

        if (among_guests && (n_guests < 2 || n_hosts > 0))
                api_error(api, call, "Usage", "%s needs two guests or more, and no hosts",
                          rule_kind_name(kind));
        else if (!among_guests && (n_guests < 1 || n_hosts < 1))
                api_error(api, call, "Usage", "%s needs guests and hosts", rule_kind_name(kind));
        else
                return true;
        return false;
}

void api_rule_set(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {
                {"name", API_NAME, true},      {"kind", API_NAME, true},
                {"guests", API_STRINGS, true}, {"hosts", API_STRINGS, false},
                {"strict", API_BOOL, false},   {.name = NULL}};
        struct api *api = ud;
        struct request req = {.verb = VERB_RULE_SET};
        _cleanup_(freep) char *guests = NULL, *hosts = NULL;
        const json_t *g, *h;
        int kind;

        if (!api_params(api, call, params, list))
                return;
        g = json_object_get(params, "guests");
        h = json_object_get(params, "hosts");
        kind = rule_kind_from(param_text(params, "kind"));
        if (kind < 0 || !name_valid(param_text(params, "name"))) {
                (void)varlink_invalid(api->varlink, call, kind < 0 ? "kind" : "name");
                return;
        }
        if (!rule_makes_sense(api, call, (enum rule_kind)kind, json_array_size(g),
                              json_array_size(h)) ||
            !hosts_known(api, call, h))
                return;
        guests = name_list(api, call, g, "guests");
        hosts = guests ? name_list(api, call, h, "hosts") : NULL;
        if (!guests || !hosts)
                return;
        text_set(req.rule, sizeof(req.rule), param_text(params, "name"));
        req.rule_kind = (enum rule_kind)kind;
        req.strict = param_bool(params, "strict");
        req.guests = guests;
        req.hosts = *hosts ? hosts : NULL;
        api_submit(api, call, &req);
}

void api_rule_delete(void *ud, uint64_t call, json_t *params) {
        struct api *api = ud;
        struct request req = {.verb = VERB_RULE_DELETE};
        const struct model *m = core_model(api->core);
        const char *name;

        if (!api_params(api, call, params, name_only))
                return;
        name = param_text(params, "name");
        for (size_t i = 0; i < m->n_rules; i++)
                if (strcmp(m->rules[i].name, name) == 0) {
                        text_set(req.rule, sizeof(req.rule), name);
                        api_submit(api, call, &req);
                        return;
                }
        api_error(api, call, "NotFound", "there is no rule %s; hawctl rule list shows them", name);
}

void api_fence_test(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {
                {"host", API_NAME, false}, {"from", API_NAME, false}, {.name = NULL}};
        struct api *api = ud;
        struct request req = {.verb = VERB_FENCE_TEST};
        const char *host, *from;

        if (!api_params(api, call, params, list))
                return;
        host = param_text(params, "host");
        from = param_text(params, "from");
        if (host && !know_host(api, call, host, &req))
                return;
        text_set(req.from, sizeof(req.from), from ? from : "");
        api_submit(api, call, &req);
}

void api_reading(struct api *api, uint64_t id, const struct device_reading *row) {
        const struct model *m = core_model(api->core);
        struct core_status st;
        uint32_t ring = 0;

        core_status(api->core, &st);
        for (size_t i = 0; i < st.n_ring; i++) {
                int index = model_host_index(m, st.ring[i]);

                ring |= index >= 0 ? UINT32_C(1) << index : 0;
        }
        (void)varlink_notify(
                api->varlink, id, /* the client may be gone */
                json_pack("{s:o}", "reading",
                          render_reading(m, row, api->ports.config(api->ports.ud), ring)));
}

void api_fence_host(void *ud, uint64_t call, json_t *params) {
        submit_host(ud, call, params, VERB_FENCE_HOST);
}

void api_fence_confirm(void *ud, uint64_t call, json_t *params) {
        submit_host(ud, call, params, VERB_FENCE_CONFIRM);
}

void api_host_release(void *ud, uint64_t call, json_t *params) {
        submit_host(ud, call, params, VERB_HOST_RELEASE);
}

void api_accept_loss(void *ud, uint64_t call, json_t *params) {
        struct request req = {.verb = VERB_ACCEPT_LOSS};

        if (api_params(ud, call, params, no_params))
                api_submit(ud, call, &req);
}
