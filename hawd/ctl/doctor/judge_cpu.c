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

/* What @from has and @to has not: how many, the first few by name. */
static size_t lacking(const json_t *from, const json_t *to, char *buf, size_t size) {
        const json_t *x;
        size_t i, n = 0;

        buf[0] = '\0';
        json_array_foreach(json_object_get(from, "features"), i, x) {
                const char *name = jword(x);
                size_t used = strlen(buf);

                if (has(json_object_get(to, "features"), name))
                        continue;
                n++;
                if (n <= 3)
                        text_fmt(buf + used, size - used, "%s%s", n > 1 ? ", " : "", name);
                else if (n == 4)
                        text_fmt(buf + used, size - used, "%s", " ...");
        }
        return n;
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
                int64_t n = jint(m, "n");
                const json_t *some = json_object_get(m, "some");

                json_array_foreach(some, k, g) {
                        size_t used = strlen(buf);

                        text_fmt(buf + used, size - used, "%s%s", used ? ", " : "", jword(g));
                }
                text_fmt(buf + strlen(buf), size - strlen(buf), "%s (%s)",
                         n > (int64_t)json_array_size(some) ? " and more" : "", mode);
        }
}

static bool compare(struct findings *f, const json_t *from, const json_t *to, const char *guests) {
        const json_t *a = part_of(facts_of(from), "libvirt/cpu");
        const json_t *b = part_of(facts_of(to), "libvirt/cpu");
        char names[TEXT_LEN];
        size_t n;

        if (!json_is_array(json_object_get(a, "features")) ||
            !json_is_array(json_object_get(b, "features")))
                return false;
        n = lacking(a, b, names, sizeof(names));
        if (n == 0 && strcmp(jtext(a, "vendor"), jtext(b, "vendor")) == 0)
                return false;
        found_on(f, jtext(from, "name"), *guests ? SEVERITY_WARNING : SEVERITY_NOTE,
                 "its CPU (%s %s) has %zu features that %s lacks (%s)%s%s%s", jtext(a, "vendor"),
                 jtext(a, "model"), n, jtext(to, "name"), names,
                 *guests ? ": guests that see their host's CPU cannot migrate there: " : "", guests,
                 *guests ? "; they can start there anew" : "");
        if (*guests)
                mend(f, "a <cpu> in their domains that all hosts have: virsh cpu-baseline");
        return true;
}

void judge_cpus(struct findings *f, const json_t *exam) {
        const json_t *hosts = json_object_get(exam, "hosts"), *a, *b;
        bool any = false;
        char guests[FINDING_LEN / 2];
        size_t i, k, known = 0;

        dependants(exam, guests, sizeof(guests));
        json_array_foreach(hosts, i, a) {
                const json_t *cpu = part_of(facts_of(a), "libvirt/cpu");

                if (json_is_object(cpu) && !jnull(cpu, "error"))
                        found_on(f, jtext(a, "name"), SEVERITY_NOTE,
                                 "not known: its CPU: because %s", jtext(cpu, "error"));
                known += json_is_array(json_object_get(cpu, "features"));
                json_array_foreach(hosts, k, b) if (a != b) any |= compare(f, a, b, guests);
        }
        if (!any && known > 1)
                found(f, SEVERITY_OK, "%zu hosts have the same CPU features", known);
}
