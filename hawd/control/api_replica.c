/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replicas of guests: shown, and asked for. */
#include "hawd/control/api_internal.h"
#include "hawd/core/promote.h"

/* What a loss of P at this moment would come to. */
static json_t *verdict_now(const struct model *m, const struct guest *g) {
        struct promotion p = replica_judge(m, g, false);
        char text[TEXT_LEN];

        if (g->claims) /* it runs, or may */
                return json_null();
        promotion_text(m, g, &p, text);
        return render_text(text);
}

static json_t *render_one(const struct model *m, const struct guest *g) {
        const struct conf_guest *c = &g->spec->conf;
        const struct replica *r = &g->replica;
        usec_t age = usec_sub(api_wall(), r->as_of);
        json_t *o = json_object();

        json_object_set_new(o, "guest", render_text(g->spec->name));
        json_object_set_new(o, "mode", render_text(replica_mode_name(c->replica.mode)));
        json_object_set_new(o, "resource", render_text(c->replica.resource));
        json_object_set_new(o, "data", render_host_name(m, r->data));
        json_object_set_new(o, "host", render_host_name(m, r->host));
        json_object_set_new(o, "state", render_text(replica_state_name(r->state)));
        json_object_set_new(o, "serial", json_integer(r->serial));
        render_time(o, "since", r->since_wall);
        render_time(o, "as_of", r->as_of);
        json_object_set_new(o, "lag_ms",
                            r->as_of ? json_integer((json_int_t)(age / USEC_PER_MSEC))
                                     : json_null());
        json_object_set_new(o, "lag_bytes",
                            json_integer((json_int_t)MIN(r->lag_bytes, (uint64_t)INT64_MAX)));
        json_object_set_new(o, "loss_allowed_ms",
                            json_integer((json_int_t)(c->replica_loss_usec / USEC_PER_MSEC)));
        json_object_set_new(o, "error", render_text(r->error));
        json_object_set_new(o, "start", verdict_now(m, g));
        return o;
}

void api_replicas(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {{"guest", API_NAME, false}, {.name = NULL}};
        struct api *api = ud;
        const struct model *m = core_model(api->core);
        const char *name;
        json_t *all;

        if (!api_params(api, call, params, list))
                return;
        name = param_text(params, "guest");
        if (name && !find_guest(m, name)) {
                api_no_guest(api, call, name);
                return;
        }
        all = json_array();
        for (size_t i = 0; i < m->n_guests; i++) {
                const struct guest *g = &m->guests[i];

                if (g->spec->conf.replica.mode != REPLICA_MODE_NONE &&
                    (!name || strcmp(name, g->spec->name) == 0))
                        json_array_append_new(all, render_one(m, g));
        }
        (void)varlink_reply(api->varlink, call, /* the client may be gone */
                            json_pack("{s:o}", "replicas", all));
}

void api_replica_promote(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {
                {"guest", API_NAME, true}, {"accept_loss", API_BOOL, false}, {.name = NULL}};
        struct request req = {.verb = VERB_REPLICA_PROMOTE};

        if (!api_params(ud, call, params, list) ||
            !api_know_guest(ud, call, param_text(params, "guest"), &req))
                return;
        if (param_bool(params, "accept_loss"))
                req.verb = VERB_REPLICA_FORCE;
        api_submit(ud, call, &req);
}

void api_replica_resync(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {{"guest", API_NAME, true}, {.name = NULL}};
        struct request req = {.verb = VERB_REPLICA_RESYNC};

        if (api_params(ud, call, params, list) &&
            api_know_guest(ud, call, param_text(params, "guest"), &req))
                api_submit(ud, call, &req);
}

void api_replica_outdate(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {{"resource", API_NAME, true}, {.name = NULL}};
        struct api *api = ud;
        const struct model *m = core_model(api->core);
        struct request req = {.verb = VERB_REPLICA_OUTDATE};
        const char *resource;

        if (!api_params(api, call, params, list))
                return;
        resource = param_text(params, "resource");
        for (size_t i = 0; i < m->n_guests; i++) {
                const struct conf_replica *r = &m->guests[i].spec->conf.replica;

                if (r->mode != REPLICA_MODE_DRBD || strcmp(r->resource, resource) != 0)
                        continue;
                text_set(req.guest, sizeof(req.guest), m->guests[i].spec->name);
                api_submit(api, call, &req);
                return;
        }
        api_error(api, call, "NotFound", "no guest has a replica by the DRBD resource %s",
                  resource);
}
