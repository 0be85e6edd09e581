/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * N+1: if any one host were lost, would its guests run on the others? By the planner that would
 * place them, with the rules, sizes and claims that hawd has now.
 */
#include "hawd/core/plan.h"
#include "hawd/ctl/doctor/finding.h"

static void add_hosts(struct model *m, const json_t *hosts) {
        const json_t *j;
        size_t i;

        json_array_foreach(hosts, i, j) {
                struct host *h;
                int state = host_state_from(jtext(j, "state"));

                if (m->n_hosts == HOSTS_MAX)
                        return;
                h = &m->hosts[m->n_hosts++];
                h->nodeid = (uint32_t)jnum(j, "nodeid");
                text_set(h->name, sizeof(h->name), jtext(j, "name"));
                h->state = state >= 0 ? (enum host_state)state : HOST_NEW;
                h->facts.vcpus = (uint32_t)jnum(j, "vcpus");
                h->facts.memory_mib = (uint64_t)jnum(j, "memory_mib");
        }
}

static void add_guests(struct model *m, const json_t *guests) {
        const json_t *j, *c;
        size_t i, k;

        json_array_foreach(guests, i, j) {
                struct guest_spec *spec = guest_spec_new();
                const struct host *last;
                struct guest *g;
                int desired = desired_from(jtext(j, "desired"));

                text_set(spec->name, sizeof(spec->name), jtext(j, "name"));
                spec->vcpus = (uint32_t)jnum(j, "vcpus");
                spec->memory_mib = (uint64_t)jnum(j, "memory_mib");
                spec->conf.priority = (int32_t)jnum(json_object_get(j, "settings"), "priority");
                g = model_guest_add(m, spec);
                guest_spec_unref(spec);
                g->desired = desired >= 0 ? (enum desired)desired : DESIRED_RUNNING;
                last = model_host_named(m, jtext(j, "host"));
                g->host = last ? last->nodeid : 0;
                json_array_foreach(json_object_get(j, "claims"), k, c) {
                        const struct host *h = model_host_named(m, jword(c));

                        if (h)
                                g->claims |= 1u << (h - m->hosts);
                }
        }
}

/* Names of an array, blank-separated; NULL for none. */
static struct blob *names(const json_t *list) {
        size_t i, len = 0, cap = 1;
        _cleanup_(freep) char *s = NULL;
        const json_t *j;

        json_array_foreach(list, i, j) cap += json_string_length(j) + 1;
        s = xcalloc(cap, 1);
        json_array_foreach(list, i, j) {
                text_fmt(s + len, cap - len, "%s%s", i ? " " : "", jword(j));
                len += strlen(s + len);
        }
        return len ? blob_new(s, len) : NULL;
}

static void add_rules(struct model *m, const json_t *rules) {
        const json_t *j;
        size_t i;

        json_array_foreach(rules, i, j) {
                int kind = rule_kind_from(jtext(j, "kind"));
                struct rule *r;

                if (kind < 0)
                        continue; /* of a newer hawd */
                r = model_rule_add(m, jtext(j, "name"));
                r->kind = (enum rule_kind)kind;
                r->strict = jbool(j, "strict");
                r->guests = names(json_object_get(j, "guests"));
                r->hosts = names(json_object_get(j, "hosts"));
        }
}

/* Cluster settings that placement needs, as a host that answers has them. */
static void settings(const json_t *exam, struct config *c) {
        const json_t *h;
        size_t i;

        config_defaults(c);
        json_array_foreach(json_object_get(exam, "hosts"), i, h) {
                const json_t *x = part_of(facts_of(h), "host/config");

                if (jnull(x, "cpu_overcommit_pct"))
                        continue;
                c->cpu_overcommit_pct = (uint32_t)jnum(x, "cpu_overcommit_pct");
                c->memory_reserve_mib = (uint64_t)jnum(x, "memory_reserve_mib");
                return;
        }
}

/* Would it be started elsewhere? */
static bool is_recovered(const struct guest *g) {
        return g->desired == DESIRED_RUNNING || g->desired == DESIRED_PAUSED;
}

/* The order in which guests are recovered. */
static int by_priority(const void *a, const void *b) {
        const struct guest *const *x = a, *const *y = b;
        int32_t p = (*x)->spec->conf.priority, q = (*y)->spec->conf.priority;

        if (p != q)
                return p > q ? -1 : 1;
        return (*x)->gid < (*y)->gid ? -1 : 1;
}

static void without(struct findings *f, const struct model *now, const struct config *config,
                    size_t lost) {
        struct model m;
        struct plan *plan = xcalloc(1, sizeof(*plan));
        const struct guest **guests = xcalloc(now->n_guests + 1, sizeof(*guests));
        size_t n = 0, unplaced = 0;
        char first[NAME_LEN] = "", why[TEXT_LEN] = "";

        model_init(&m);
        model_copy(&m, now);
        m.hosts[lost].state = HOST_LOST;
        for (size_t i = 0; i < m.n_guests; i++)
                if (m.guests[i].claims & (1u << lost)) {
                        m.guests[i].claims = 0;
                        if (is_recovered(&m.guests[i]))
                                guests[n++] = &m.guests[i];
                }
        qsort(guests, n, sizeof(*guests), by_priority);
        plan_init(plan, &m, config);
        for (size_t i = 0; i < n; i++) {
                uint32_t g = (uint32_t)(guests[i] - m.guests);
                struct place_result r;

                if (place_guest(&plan->problem, g, NULL, &r) == PLACE_OK) {
                        place_charge(&plan->problem, g, r.host);
                        continue;
                }
                if (unplaced++ == 0) {
                        text_set(first, sizeof(first), guests[i]->spec->name);
                        text_set(why, sizeof(why), r.why);
                }
        }
        if (unplaced > 0) {
                found_on(f, m.hosts[lost].name, SEVERITY_BAD,
                         "if it were lost, %zu of its %zu guests would find no place, %s for one: "
                         "%s",
                         unplaced, n, first, why);
                mend(f, "more memory or hosts, smaller guests, fewer strict rules; hawctl simulate "
                        "shows what would happen");
        }
        plan_free(plan);
        free(plan);
        free(guests);
        model_clear(&m);
}

void judge_capacity(struct findings *f, const json_t *exam) {
        const json_t *hosts = part_of(exam, "status/hosts");
        struct model m;
        struct config *config;
        size_t before = f->n, online = 0;

        if (!json_is_array(hosts) || json_array_size(hosts) == 1)
                return; /* local; or alone, which corosync or quorum says */
        model_init(&m);
        config = xcalloc(1, sizeof(*config));
        settings(exam, config);
        add_hosts(&m, hosts);
        add_guests(&m, json_object_get(exam, "guests"));
        add_rules(&m, json_object_get(exam, "rules"));
        for (size_t i = 0; i < m.n_hosts; i++)
                online += m.hosts[i].state == HOST_ONLINE;
        for (size_t i = 0; i < m.n_hosts && online > 1; i++)
                if (m.hosts[i].state == HOST_ONLINE)
                        without(f, &m, config, i);
        if (online < 2)
                found(f, SEVERITY_WARNING, "%zu host is online: nothing takes its guests over",
                      online);
        else if (f->n == before)
                found(f, SEVERITY_OK,
                      "if any one host were lost, the others have room for its "
                      "guests");
        free(config);
        model_clear(&m);
}
