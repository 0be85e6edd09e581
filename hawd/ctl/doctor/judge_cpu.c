/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guests that see the CPU of their host (host-passthrough, host-model): where hosts differ, one
 * that was started on the richer CPU cannot be migrated to the poorer. Starting anew there works.
 */
#include "hawd/ctl/doctor/finding.h"

static bool has(const json_t *features, const char *name) {
        const json_t *x;
        size_t i;

        json_array_foreach(features, i, x) if (strcmp(jword(x), name) == 0) return true;
        return false;
}

static const json_t *cpu_of(const json_t *host) {
        const json_t *cpu = part_of(facts_of(host), "libvirt/cpu");

        return json_is_array(json_object_get(cpu, "features")) ? cpu : NULL;
}

static void append(char *buf, size_t size, const char *name) {
        size_t used = strlen(buf);

        text_fmt(buf + used, size - used, "%s%s", used ? ", " : "", name);
}

/** struct lack - what one host has and others lack */
struct lack {
        size_t n;
        char features[TEXT_LEN]; /* the first few */
        char hosts[TEXT_LEN];
};

static bool lacks(const json_t *host, const char *feature) {
        return cpu_of(host) && !has(json_object_get(cpu_of(host), "features"), feature);
}

static void look(const json_t *hosts, const json_t *from, struct lack *ret) {
        const json_t *features = json_object_get(cpu_of(from), "features"), *x, *h;
        bool poorer[HOSTS_MAX] = {0};
        size_t i, k;

        *ret = (struct lack){0};
        json_array_foreach(features, i, x) {
                bool any = false;

                json_array_foreach(hosts, k, h) if (k < HOSTS_MAX && lacks(h, jword(x))) {
                        poorer[k] = any = true;
                }
                if (!any)
                        continue;
                ret->n++;
                if (ret->n <= 4)
                        append(ret->features, sizeof(ret->features),
                               ret->n <= 3 ? jword(x) : "...");
        }
        json_array_foreach(hosts, k, h) if (k < HOSTS_MAX && poorer[k])
                append(ret->hosts, sizeof(ret->hosts), jtext(h, "name"));
}

/* "vm1, vm2 (host-passthrough) and 3 more (host-model)"; empty: no guest depends on it. */
static void dependants(const json_t *exam, char *buf, size_t size) {
        const json_t *modes = NULL, *m, *h, *g;
        const char *mode;
        size_t i, k;

        json_array_foreach(json_object_get(exam, "hosts"), i, h) {
                const json_t *found_modes = part_of(facts_of(h), "libvirt/cpu_modes");

                if (json_object_size(found_modes) > 0)
                        modes = found_modes;
        }
        buf[0] = '\0';
        json_object_foreach((json_t *)modes, mode, m) {
                int64_t n = jnum(m, "n");
                const json_t *some = json_object_get(m, "some");

                json_array_foreach(some, k, g) {
                        size_t used = strlen(buf);

                        text_fmt(buf + used, size - used, "%s%s", used ? ", " : "", jword(g));
                }
                text_fmt(buf + strlen(buf), size - strlen(buf), "%s (%s)",
                         n > (int64_t)json_array_size(some) ? " and more" : "", mode);
        }
}

static bool compare(struct findings *f, const json_t *hosts, const json_t *from,
                    const char *guests) {
        struct lack lack;

        look(hosts, from, &lack);
        if (lack.n == 0)
                return false;
        found_on(f, jtext(from, "name"), *guests ? SEVERITY_WARNING : SEVERITY_NOTE,
                 "its CPU (%s %s) has %zu features that %s lack (%s)%s%s%s",
                 jtext(cpu_of(from), "vendor"), jtext(cpu_of(from), "model"), lack.n, lack.hosts,
                 lack.features,
                 *guests ? ": guests that see their host's CPU cannot migrate there: " : "", guests,
                 *guests ? "; they can start there anew" : "");
        if (*guests)
                mend(f, "a <cpu> in their domains that all hosts have: virsh cpu-baseline");
        return true;
}

void judge_cpus(struct findings *f, const json_t *exam) {
        const json_t *hosts = json_object_get(exam, "hosts"), *h;
        bool any = false;
        char guests[FINDING_LEN / 2];
        size_t i, known = 0;

        dependants(exam, guests, sizeof(guests));
        json_array_foreach(hosts, i, h) {
                const json_t *cpu = part_of(facts_of(h), "libvirt/cpu");

                if (json_is_object(cpu) && !jnull(cpu, "error"))
                        found_on(f, jtext(h, "name"), SEVERITY_NOTE,
                                 "not known: its CPU: because %s", jtext(cpu, "error"));
                known += cpu_of(h) != NULL;
                any |= compare(f, hosts, h, guests);
        }
        if (!any && known > 1)
                found(f, SEVERITY_OK, "%zu hosts have the same CPU features", known);
}
