/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots of a guest: shown, and asked for. */
#include "hawd/control/api_internal.h"
#include "hawd/core/snap_policy.h"

static const struct api_param guest_only[] = {{"guest", API_NAME, true}, {.name = NULL}};

/* NULL: none of that number, or the guest's own disks. */
static json_t *name_of(const struct guest_snaps *s, uint32_t id) {
        int i = snap_find(s->list, s->n, id);

        return i < 0 || !s->list[i].name[0] ? json_null() : json_string(s->list[i].name);
}

static json_t *render_one(const struct guest_snaps *s, size_t i,
                          const struct retention_verdict *v) {
        const struct snapshot *x = &s->list[i];
        json_t *o = json_object();

        json_object_set_new(o, "name", render_text(x->name));
        json_object_set_new(o, "kind", render_text(x->kind == SNAP_LEFT ? "kept" : "snapshot"));
        render_time(o, "taken", x->wall);
        json_object_set_new(o, "good", json_boolean(x->good && !x->failed));
        json_object_set_new(o, "failed", json_boolean(x->failed));
        json_object_set_new(o, "by_hand", json_boolean(x->by_hand));
        json_object_set_new(o, "deleting", json_boolean(x->deleting));
        json_object_set_new(o, "mib",
                            x->mib ? json_integer((json_int_t)MIN(x->mib, (uint64_t)INT64_MAX))
                                   : json_null());
        json_object_set_new(o, "over", name_of(s, x->parent));
        json_object_set_new(o, "current",
                            json_boolean(s->list[snap_current(s->list, s->n)].parent == x->id));
        json_object_set_new(o, "goes", json_boolean(v->go));
        json_object_set_new(o, "why",
                            render_text(v->text[0] ? v->text : retention_why_text(v->why)));
        return o;
}

static size_t by_age(const struct guest_snaps *s, size_t order[SNAPSHOTS_MAX]) {
        size_t n = 0, k;

        for (size_t i = 0; i < s->n; i++) {
                if (s->list[i].kind == SNAP_CURRENT)
                        continue;
                for (k = n++; k > 0 && s->list[order[k - 1]].wall > s->list[i].wall; k--)
                        order[k] = order[k - 1];
                order[k] = i;
        }
        return n;
}

void api_snapshots(void *ud, uint64_t call, json_t *params) {
        struct api *api = ud;
        const struct guest *g;
        const struct guest_snaps *s;
        json_t *o, *list;
        usec_t next;

        if (!api_params(api, call, params, guest_only))
                return;
        g = find_guest(core_model(api->core), param_text(params, "guest"));
        if (!g) {
                api_no_guest(api, call, param_text(params, "guest"));
                return;
        }
        o = json_object();
        list = json_array();
        s = g->snaps;
        if (s) {
                const struct retention r = snap_retention(&g->spec->conf);
                struct retention_verdict v[SNAPSHOTS_MAX];
                size_t order[SNAPSHOTS_MAX], n = by_age(s, order);

                (void)retention_judge(&r, s->list, s->n, api_wall(), v);

                for (size_t k = 0; k < n; k++)
                        json_array_append_new(list, render_one(s, order[k], &v[order[k]]));
        }
        json_object_set_new(o, "snapshots", list);
        json_object_set_new(o, "taking",
                            render_text(s && s->wish.act == SNAP_ACT_TAKE ? s->wish.name : NULL));
        json_object_set_new(o, "back_to",
                            s && s->wish.act == SNAP_ACT_ROLLBACK ? name_of(s, s->wish.target)
                                                                  : json_null());
        json_object_set_new(o, "error", render_text(s ? s->error : NULL));
        next = snap_next(core_model(api->core), g, api_wall());
        render_time(o, "next", next == USEC_INFINITY ? 0 : next);
        (void)varlink_reply(api->varlink, call, o); /* the client may be gone */
}

static void ask(struct api *api, uint64_t call, const json_t *params, enum verb verb) {
        static const struct api_param take[] = {{"guest", API_NAME, true},
                                                {"name", API_NAME, true},
                                                {"no_quiesce", API_BOOL, false},
                                                {.name = NULL}};
        static const struct api_param list[] = {
                {"guest", API_NAME, true}, {"name", API_NAME, true}, {.name = NULL}};
        struct request req = {.verb = verb,
                              .no_quiesce = json_is_true(json_object_get(params, "no_quiesce"))};

        if (!api_params(api, call, params, verb == VERB_SNAP_TAKE ? take : list) ||
            !api_know_guest(api, call, param_text(params, "guest"), &req))
                return;
        text_set(req.snapshot, sizeof(req.snapshot), param_text(params, "name"));
        api_submit(api, call, &req);
}

void api_snapshot_create(void *ud, uint64_t call, json_t *params) {
        ask(ud, call, params, VERB_SNAP_TAKE);
}

void api_snapshot_delete(void *ud, uint64_t call, json_t *params) {
        ask(ud, call, params, VERB_SNAP_DELETE);
}

void api_snapshot_rollback(void *ud, uint64_t call, json_t *params) {
        ask(ud, call, params, VERB_SNAP_ROLLBACK);
}
