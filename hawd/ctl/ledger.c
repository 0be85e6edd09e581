/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/ledger.h"

#include <unistd.h>

#include "hawd/base/build.h"

#define TRIES 50
#define PAUSE_USEC (100 * USEC_PER_MSEC)

void ledger_clear(struct ledger *l) {
        objects_clear(&l->objects);
        json_decref(l->deleting);
        json_decref(l->guests);
        json_decref(l->rules);
        *l = (struct ledger){0};
}

static void set_names(struct object *o, const char *key, const json_t *names) {
        _cleanup_(freep) char *list = xstrdup("");
        const json_t *name;
        char err[TEXT_LEN];
        size_t i;

        json_array_foreach(names, i, name) {
                /* The ledger has none that is no name. */
                (void)names_add(&list, json_string_value(name), err);
        }
        object_set(o, key, list);
}

/* Return: CTL_DONE, or CTL_FAILED when hawd knows settings that this hawctl would lose. */
static int add_guest(struct ledger *l, const json_t *guest) {
        struct object *o = objects_add(&l->objects, OBJECT_GUEST, jtext(guest, "name"));
        json_t *settings = json_object_get(guest, "settings"), *value;
        const char *key;

        text_set(o->uuid, sizeof(o->uuid), jtext(guest, "uuid"));
        object_set(o, "desired", jtext(guest, "desired"));
        json_object_foreach(settings, key, value) {
                if (!conf_key_find(object_section(OBJECT_GUEST), key))
                        return ctl_fail("hawd on this host is not of hawctl's version "
                                        "(" HAWD_VERSION "): it has a setting '%s'",
                                        key);
                object_set(o, key, json_string_value(value));
        }
        set_names(o, "after", json_object_get(guest, "after"));
        if (!jnull(guest, "xml"))
                object_set(o, "xml", jtext(guest, "xml"));
        return CTL_DONE;
}

static void add_rule(struct ledger *l, const json_t *rule) {
        struct object *o = objects_add(&l->objects, OBJECT_RULE, jtext(rule, "name"));
        const json_t *hosts = json_object_get(rule, "hosts");

        object_set(o, "kind", jtext(rule, "kind"));
        object_set(o, "strict", jbool(rule, "strict") ? "yes" : "no");
        set_names(o, "guests", json_object_get(rule, "guests"));
        if (json_array_size(hosts) > 0)
                set_names(o, "hosts", hosts);
}

/* All pages, as long as they are of one version; *ret_whole: they were. */
static int fetch_pages(struct ctl *ctl, struct ledger *l, bool *ret_whole) {
        _cleanup_(json_unrefp) json_t *from = json_null();

        l->guests = json_array();
        l->rules = json_array();
        *ret_whole = false;
        for (bool first = true; first || json_is_string(from); first = false) {
                _cleanup_(json_unrefp) json_t *answer = NULL;
                int r = ctl_call(ctl, "Export", json_pack("{s:O}", "from", from), &answer);

                if (r != CTL_DONE)
                        return r;
                if (!first && jint(answer, "version") != l->version)
                        return CTL_DONE;
                l->version = jint(answer, "version");
                json_array_extend(l->guests, json_object_get(answer, "guests"));
                json_array_extend(l->rules, json_object_get(answer, "rules"));
                json_decref(from);
                from = json_incref(json_object_get(answer, "next"));
        }
        *ret_whole = true;
        return CTL_DONE;
}

static int take_all(struct ledger *l) {
        const json_t *x;
        size_t i;

        l->deleting = json_array();
        json_array_foreach(l->guests, i, x) {
                int r = CTL_DONE;

                if (jbool(x, "deleting"))
                        json_array_append_new(l->deleting, json_string(jtext(x, "name")));
                else
                        r = add_guest(l, x);
                if (r != CTL_DONE)
                        return r;
        }
        json_array_foreach(l->rules, i, x) add_rule(l, x);
        objects_sort(&l->objects);
        return CTL_DONE;
}

int ledger_fetch(struct ctl *ctl, struct ledger *ret) {
        bool whole = false;
        int r;

        *ret = (struct ledger){0};
        for (int i = 0; i < TRIES && !whole; i++) {
                if (i > 0)
                        (void)usleep(PAUSE_USEC); /* shorter does no harm */
                ledger_clear(ret);
                r = fetch_pages(ctl, ret, &whole);
                if (r != CTL_DONE)
                        return r;
        }
        if (!whole)
                return ctl_fail("the ledger changes all the time: try again");
        return take_all(ret);
}
