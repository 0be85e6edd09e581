/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Export: what people gave to the ledger, in the words that GuestCreate and RuleSet take. */
#include "hawd/control/api_internal.h"

#define PAGE_BYTES ((size_t)1 << 20) /* of domain XML: JSON's escapes at most double it */
#define PAGE_RULES_BYTES ((size_t)1 << 20)

static void set_setting(void *ud, const char *key, const char *value) {
        json_object_set_new(ud, key, json_string(value));
}

static json_t *guest_object(const struct guest *g, bool secrets) {
        json_t *o = json_object(), *settings = json_object(), *after = json_array();

        guest_conf_each(&g->spec->conf, set_setting, settings);
        for (uint32_t i = 0; i < g->spec->n_after; i++)
                json_array_append_new(after, render_text(g->spec->after[i]));
        json_object_set_new(o, "name", render_text(g->spec->name));
        json_object_set_new(o, "uuid", render_text(g->spec->uuid));
        json_object_set_new(o, "deleting", json_boolean(g->deleting));
        json_object_set_new(o, "desired", render_text(desired_name(g->desired)));
        json_object_set_new(o, "settings", settings);
        json_object_set_new(o, "after", after);
        json_object_set_new(o, "xml", render_xml(g->spec->xml, secrets));
        return o;
}

/* One page of guests into @list. Return: the name of the next page's first one; NULL: all done. */
static const char *guests_page(const struct model *m, const char *from, bool secrets,
                               json_t *list) {
        _cleanup_(freep) const struct guest **guests = NULL;
        size_t n, bytes = 0;

        guests = api_guests_from(m, from, &n);
        for (size_t i = 0; i < n; i++) {
                const struct blob *xml = guests[i]->spec->xml;

                bytes += xml ? xml->len : 0;
                if (i > 0 && (bytes > PAGE_BYTES || i == API_GUEST_PAGE_MAX))
                        return guests[i]->spec->name;
                json_array_append_new(list, guest_object(guests[i], secrets));
        }
        return NULL;
}

static int by_name(const void *a, const void *b) {
        const struct rule *const *x = a, *const *y = b;

        return strcmp((*x)->name, (*y)->name);
}

const char *api_rules_page(const struct model *m, const char *from, json_t *list) {
        _cleanup_(freep) const struct rule **rules = xcalloc(m->n_rules, sizeof(*rules));
        size_t n = 0, bytes = 0;

        for (size_t i = 0; i < m->n_rules; i++)
                if (!from || strcmp(m->rules[i].name, from) >= 0)
                        rules[n++] = &m->rules[i];
        if (n > 0)
                qsort(rules, n, sizeof(*rules), by_name);
        for (size_t i = 0; i < n; i++) {
                const struct rule *r = rules[i];

                bytes += NAME_LEN + (r->guests ? r->guests->len : 0) +
                         (r->hosts ? r->hosts->len : 0);
                if (i > 0 && bytes > PAGE_RULES_BYTES)
                        return r->name;
                json_array_append_new(list, render_rule(r));
        }
        return NULL;
}

/* @from: "guest NAME" or "rule NAME", as `next` of the page before. */
void api_export(void *ud, uint64_t call, json_t *params) {
        static const struct api_param list[] = {{"from", API_STRING, false}, {.name = NULL}};
        struct api *api = ud;
        const struct model *m = core_model(api->core);
        const char *from, *more = NULL, *kind = "guest";
        json_t *guests, *rules, *next = json_null();

        if (!api_params(api, call, params, list))
                return;
        from = param_text(params, "from");
        if (from && strncmp(from, "guest ", 6) != 0 && strncmp(from, "rule ", 5) != 0) {
                (void)varlink_invalid(api->varlink, call, "from");
                return;
        }
        guests = json_array();
        rules = json_array();
        if (!from || *from == 'g')
                more = guests_page(m, from ? from + 6 : NULL,
                                   varlink_may(api->varlink, call, VARLINK_ADMIN), guests);
        if (!more) {
                kind = "rule";
                more = api_rules_page(m, from && *from == 'r' ? from + 5 : NULL, rules);
        }
        if (more)
                next = json_pack("s++", kind, " ", more);
        (void)varlink_reply(api->varlink, call,
                            json_pack("{s:o,s:o,s:I,s:o}", "guests", guests, "rules", rules,
                                      "version", (json_int_t)m->version, "next", next));
}
