/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What hawd would refuse, found before anything is done. */
#include "hawd/ctl/objects.h"
#include "hawd/ctl/order.h"

struct check {
        const struct objects *want, *now;
        const char *hosts;
        bool prune;
        struct conf_file *file;
};

/* What the key of the wanted object will be: what is not said stays. */
static const char *merged(const struct check *k, const struct object *o, const char *key) {
        const struct object *old = objects_find(k->now, o->kind, o->name);

        if (o->values[object_key(o->kind, key)] || !old)
                return object_get(o, key);
        return object_get(old, key);
}

static size_t count(const char *list) {
        char name[NAME_LEN];
        size_t n = 0;

        while (names_next(&list, name))
                n++;
        return n;
}

/* Then nothing is asked of hawd: a rule may still name a host that has left the cluster. */
static bool stays(const struct check *k, const struct object *o) {
        const struct object *old = objects_find(k->now, o->kind, o->name);

        for (size_t i = 0; old && i < object_section(o->kind)->n_keys; i++)
                if (o->values[i] && strcmp(o->values[i], old->values[i] ? old->values[i] : "") != 0)
                        return false;
        return old != NULL;
}

static void check_hosts(const struct check *k, const struct object *o) {
        const char *list = object_get(o, "hosts");
        char name[NAME_LEN];

        if (stays(k, o))
                return;
        while (names_next(&list, name))
                if (!names_have(k->hosts, name))
                        conf_file_mistake(k->file, object_line(o, "hosts"),
                                          "the cluster has no host '%s'; hawctl host list shows "
                                          "them",
                                          name);
}

static void check_rule(const struct check *k, const struct object *o) {
        const char *kind = merged(k, o, "kind");
        size_t guests = count(merged(k, o, "guests"));
        bool among = rule_among_guests(kind);
        size_t hosts = count(among ? object_get(o, "hosts") : merged(k, o, "hosts"));

        check_hosts(k, o);
        if (object_has_bad(o, "kind") || object_has_bad(o, "guests") || object_has_bad(o, "hosts"))
                return;
        if (!*kind)
                conf_file_mistake(k->file, o->line,
                                  "[rule %s] needs 'kind': separate, together, require, prefer or "
                                  "avoid",
                                  o->name);
        else if (among && (guests < 2 || hosts > 0))
                conf_file_mistake(k->file, o->line,
                                  "[rule %s]: %s needs two guests or more, and no hosts", o->name,
                                  kind);
        else if (!among && (guests < 1 || hosts < 1))
                conf_file_mistake(k->file, o->line, "[rule %s]: %s needs guests and hosts", o->name,
                                  kind);
}

/* Which other guest, as it will be, has this UUID. */
static const char *uuid_taken(const struct check *k, const struct object *o) {
        for (size_t i = 0; i < k->want->n; i++) {
                const struct object *x = &k->want->list[i];

                if (x->kind == OBJECT_GUEST && x != o && strcmp(x->uuid, o->uuid) == 0)
                        return x->name;
        }
        for (size_t i = 0; !k->prune && i < k->now->n; i++) {
                const struct object *x = &k->now->list[i];

                if (x->kind == OBJECT_GUEST && strcmp(x->uuid, o->uuid) == 0 &&
                    !objects_find(k->want, OBJECT_GUEST, x->name))
                        return x->name;
        }
        return NULL;
}

static void check_guest(const struct check *k, const struct object *o) {
        const struct object *old = objects_find(k->now, OBJECT_GUEST, o->name);
        const char *other;

        if (object_has_bad(o, "xml"))
                return;
        if (!old && !*object_get(o, "xml") && !o->lines[object_key(OBJECT_GUEST, "xml")]) {
                conf_file_mistake(k->file, o->line,
                                  "[guest %s] is new and needs 'xml'; hawctl guest add enrols a "
                                  "domain of libvirt",
                                  o->name);
                return;
        }
        if (!*o->uuid)
                return;
        other = uuid_taken(k, o);
        if (old && strcmp(old->uuid, o->uuid) != 0)
                conf_file_mistake(k->file, object_line(o, "xml"),
                                  "the UUID of %s is %s and cannot be changed to %s", o->name,
                                  old->uuid, o->uuid);
        else if (other)
                conf_file_mistake(k->file, object_line(o, "xml"),
                                  "%s has the UUID %s already: give %s another", other, o->uuid,
                                  o->name);
}

static bool says_new_after(const struct check *k, const struct object *o) {
        const struct object *old = objects_find(k->now, OBJECT_GUEST, o->name);

        return o->values[object_key(OBJECT_GUEST, "after")] &&
               (!old || strcmp(object_get(old, "after"), object_get(o, "after")) != 0);
}

static int by_name(const void *a, const void *b) {
        const struct order_node *x = a, *y = b;

        return strcmp(x->name, y->name);
}

/* Guests that would wait for each other, for ever. Those that do so already are left. */
static void check_circles(const struct check *k) {
        struct order_node *nodes = xcalloc(k->want->n + k->now->n, sizeof(*nodes));
        size_t n = 0;

        for (size_t i = 0; i < k->want->n; i++) {
                const struct object *o = &k->want->list[i];

                if (o->kind == OBJECT_GUEST)
                        nodes[n++] = (struct order_node){.name = o->name,
                                                         .after = merged(k, o, "after")};
        }
        for (size_t i = 0; !k->prune && i < k->now->n; i++) {
                const struct object *o = &k->now->list[i];

                if (o->kind == OBJECT_GUEST && !objects_find(k->want, OBJECT_GUEST, o->name))
                        nodes[n++] = (struct order_node){.name = o->name,
                                                         .after = object_get(o, "after")};
        }
        if (n > 0)
                qsort(nodes, n, sizeof(*nodes), by_name);
        order_nodes(nodes, n);
        for (size_t i = 0; i < n; i++) {
                const struct object *o = objects_find(k->want, OBJECT_GUEST, nodes[i].name);

                if (nodes[i].in_circle && o && says_new_after(k, o) &&
                    !names_have(object_get(o, "after"), o->name)) /* told already */
                        conf_file_mistake(k->file, object_line(o, "after"),
                                          "%s would wait for a guest that waits for %s: none of "
                                          "them could start",
                                          o->name, o->name);
        }
        free(nodes);
}

void objects_check(const struct objects *o, const struct objects *now, const char *hosts,
                   bool prune, struct conf_file *file) {
        const struct check k = {o, now, hosts, prune, file};

        for (size_t i = 0; i < o->n; i++) {
                if (o->list[i].kind == OBJECT_RULE)
                        check_rule(&k, &o->list[i]);
                else
                        check_guest(&k, &o->list[i]);
        }
        check_circles(&k);
}
