/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cluster: who answers, what hawd says of hosts and guests, what differs between hosts. */
#include "hawd/ctl/doctor/finding.h"

#define CLOCK_BAD_MS 1000
#define CLOCK_OFF_MS 200

static bool is(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* As hawd has it; "" where it does not say. */
static const char *state_of(const json_t *exam, const char *name) {
        return jtext(row_of(part_of(exam, "status/hosts"), "name", name), "state");
}

/* One that is known to be down is judged by its state; that it gives no answer is no news. */
static bool down(const char *state) {
        return is(state, "off") || is(state, "away") || is(state, "lost") || is(state, "fencing");
}

void judge_answers(struct findings *f, const json_t *exam) {
        const json_t *h;
        size_t i;

        json_array_foreach(json_object_get(exam, "hosts"), i, h) {
                const char *name = jtext(h, "name");
                bool is_down = down(state_of(exam, name));

                if (jnull(h, "error")) {
                        found_on(f, name, SEVERITY_OK, "it answers");
                        continue;
                }
                found_on(f, name, is_down ? SEVERITY_NOTE : SEVERITY_BAD,
                         "no answer from this host, so it is not known what would hurt there: %s",
                         jtext(h, "error"));
                if (!is_down)
                        mend(f, "hawctl doctor --local on %s; journalctl -u hawd there", name);
        }
}

void judge_cluster(struct findings *f, const json_t *exam) {
        const json_t *s = json_object_get(exam, "status");

        if (!json_is_object(s))
                return; /* local */
        if (!jbool(s, "operational")) {
                found(f, SEVERITY_BAD, "nothing is decided: %s", jtext(s, "missing"));
                mend(f, "hawctl status");
        } else {
                found(f, SEVERITY_OK, "decisions are made");
        }
        if (!jnull(s, "store_error")) {
                found_on(f, jtext(s, "host"), SEVERITY_BAD, "the ledger cannot be stored: %s",
                         jtext(s, "store_error"));
                mend(f, "make room in hawd's state directory, or repair its disk");
        }
}

/* ---- hosts and guests, as hawd has them ---------------------------------------------------------
 */

static const struct {
        const char *state;
        enum severity severity;
        const char *means, *mend;
} states[] = {
        {"new", SEVERITY_WARNING, "its hawd was never seen", "systemctl enable --now hawd there"},
        {"joining", SEVERITY_WARNING, "it is joining: no guest starts there yet",
         "hawctl explain host"},
        {"maintenance", SEVERITY_NOTE, "it is in maintenance: no guest starts there", NULL},
        {"draining", SEVERITY_NOTE, "its guests are being moved away", NULL},
        {"degraded", SEVERITY_WARNING, "it is degraded: new guests start elsewhere",
         "hawctl explain host"},
        {"unsupervised", SEVERITY_BAD, "its guests run, but nobody watches them",
         "systemctl start hawd there"},
        {"away", SEVERITY_NOTE, "it left with no guest", NULL},
        {"lost", SEVERITY_BAD, "it is lost and not proven off", "hawctl explain host"},
        {"fencing", SEVERITY_BAD, "it is lost and being fenced", "hawctl explain host"},
        {"off", SEVERITY_WARNING, "it is proven off: one host less", "switch it on"},
        {"quarantined", SEVERITY_BAD, "it was fenced too often", "hawctl explain host"},
};

void judge_hosts(struct findings *f, const json_t *exam) {
        const json_t *h;
        size_t i;

        json_array_foreach(part_of(exam, "status/hosts"), i, h) {
                const char *state = jtext(h, "state");
                size_t k = 0;

                while (k < ARRAY_SIZE(states) && !is(states[k].state, state))
                        k++;
                if (k == ARRAY_SIZE(states)) {
                        found_on(f, jtext(h, "name"), SEVERITY_OK, "it is %s", state);
                        continue;
                }
                found_on(f, jtext(h, "name"), states[k].severity, "%s", states[k].means);
                if (states[k].mend && is(states[k].mend, "hawctl explain host"))
                        mend(f, "hawctl explain host %s says why and what helps", jtext(h, "name"));
                else if (states[k].mend)
                        mend(f, "%s", states[k].mend);
        }
}

void judge_nodelist(struct findings *f, const json_t *exam) {
        const json_t *list = part_of(exam, "status/waiting"), *w;
        size_t i;

        if (!json_is_array(list))
                return; /* local */
        json_array_foreach(list, i, w) {
                found_on(f, jtext(w, "name"), SEVERITY_WARNING,
                         "node %lld of the nodelist is not taken in under this name: %s",
                         (long long)jint(w, "nodeid"), jtext(w, "why"));
                mend(f, "%s", jtext(w, "mend"));
        }
        if (i == 0)
                found(f, SEVERITY_OK, "no host of the nodelist waits for its name");
}

void judge_guests(struct findings *f, const json_t *exam) {
        const json_t *list = json_object_get(exam, "guests"), *g;
        size_t i, bad = 0;

        if (!json_is_array(list))
                return;
        json_array_foreach(list, i, g) {
                const char *state = jtext(g, "state"), *name = jtext(g, "name");

                if (jbool(g, "as_wanted") || is(jtext(g, "desired"), "ignored"))
                        continue;
                if (!is(state, "failed") && !is(state, "blocked"))
                        continue;
                bad++;
                found_on(f, jtext(g, "host"), SEVERITY_BAD, "guest %s does not run: %s", name,
                         jtext(g, "reason"));
                mend(f, "hawctl explain guest %s", name);
        }
        if (bad == 0)
                found(f, SEVERITY_OK, "no guest has failed, of %zu", json_array_size(list));
}

/* ---- what should be equal ----------------------------------------------------------------------
 */

/* Of an entry of exam.hosts, e.g. "facts/libvirt/version"; "" when it does not say. */
static const char *value_at(const json_t *host, const char *path) {
        return jword(part_of(host, path));
}

/* How many hosts have @value there. */
static size_t count(const json_t *exam, const char *path, const char *value) {
        const json_t *h;
        size_t i, n = 0;

        json_array_foreach(json_object_get(exam, "hosts"), i, h) n += is(value_at(h, path), value);
        return n;
}

/* The value that most hosts have (of the first of them, when there are several); "": none has. */
static const char *usual(const json_t *exam, const char *path) {
        const char *best = "";
        const json_t *h;
        size_t i, most = 0;

        json_array_foreach(json_object_get(exam, "hosts"), i, h) {
                const char *value = value_at(h, path);
                size_t n = *value ? count(exam, path, value) : 0;

                if (n > most) {
                        most = n;
                        best = value;
                }
        }
        return best;
}

/* Return: how many differ from what most have; @say is called for each of them. */
static size_t differing(struct findings *f, const json_t *exam, const char *path,
                        void (*say)(struct findings *f, const char *host, const char *value,
                                    const char *most)) {
        const char *most = usual(exam, path);
        const json_t *h;
        size_t i, n = 0;

        json_array_foreach(json_object_get(exam, "hosts"), i, h) {
                const char *value = value_at(h, path);

                if (!*value || is(value, most))
                        continue;
                say(f, jtext(h, "name"), value, most);
                n++;
        }
        return n;
}

static void config_differs(struct findings *f, const char *host, const char *value,
                           const char *most) {
        (void)value;
        (void)most;
        found_on(f, host, SEVERITY_BAD,
                 "its hawd.conf in use is not that of the others: what is decided depends on who "
                 "leads");
        mend(f, "the same hawd.conf on all hosts, then systemctl reload hawd on each");
}

void judge_config_equal(struct findings *f, const json_t *exam) {
        static const char path[] = "facts/host/config/running_hash";

        if (json_array_size(json_object_get(exam, "hosts")) > 1 && *usual(exam, path) &&
            differing(f, exam, path, config_differs) == 0)
                found(f, SEVERITY_OK, "all hosts have the same hawd.conf in use");
}

static void hawd_differs(struct findings *f, const char *host, const char *value,
                         const char *most) {
        found_on(f, host, SEVERITY_WARNING, "hawd %s, most hosts have %s", value, most);
        mend(f, "finish the upgrade, host by host: versions next to each other work together, for "
                "a while");
}

static void libvirt_differs(struct findings *f, const char *host, const char *value,
                            const char *most) {
        found_on(f, host, SEVERITY_NOTE,
                 "libvirt %s, most hosts have %s: a guest may not migrate back to the older one",
                 value, most);
}

static void qemu_differs(struct findings *f, const char *host, const char *value,
                         const char *most) {
        found_on(f, host, SEVERITY_NOTE,
                 "QEMU %s, most hosts have %s: a guest may not migrate back to the older one",
                 value, most);
}

/* An upgrade takes effect when hawd is started anew. */
static size_t not_restarted(struct findings *f, const json_t *exam) {
        const json_t *h;
        size_t i, n = 0;

        json_array_foreach(json_object_get(exam, "hosts"), i, h) {
                const char *runs = value_at(h, "running_version");
                const char *installed = value_at(h, "facts/hawd_version");

                if (!*runs || !*installed || is(runs, installed))
                        continue;
                n++;
                found_on(f, jtext(h, "name"), SEVERITY_NOTE, "hawd %s runs, and %s is installed",
                         runs, installed);
                mend(f, "systemctl restart hawd; its guests run on");
        }
        return n;
}

void judge_versions(struct findings *f, const json_t *exam) {
        size_t n = differing(f, exam, "running_version", hawd_differs);

        n += not_restarted(f, exam);
        n += differing(f, exam, "facts/libvirt/version", libvirt_differs);
        n += differing(f, exam, "facts/libvirt/hypervisor_version", qemu_differs);
        if (n == 0 && json_array_size(json_object_get(exam, "hosts")) > 1)
                found(f, SEVERITY_OK, "all hosts have the same versions");
}

/* ---- clocks ------------------------------------------------------------------------------------
 */

/* Against the host that answers; two others may be twice as far apart. */
void judge_clocks(struct findings *f, const json_t *exam) {
        const json_t *h;
        bool any = false;
        size_t i;

        json_array_foreach(part_of(exam, "status/hosts"), i, h) {
                int64_t ms = jnum(h, "clock_offset_ms"), size = ms < 0 ? -ms : ms;

                if (jnull(h, "clock_offset_ms")) {
                        if (jbool(h, "in_group"))
                                found_on(f, jtext(h, "name"), SEVERITY_NOTE,
                                         "not known: its clock: because no heartbeat of it came");
                        continue;
                }
                if (size < CLOCK_OFF_MS)
                        continue;
                any = true;
                found_on(f, jtext(h, "name"), size > CLOCK_BAD_MS ? SEVERITY_BAD : SEVERITY_WARNING,
                         "its clock is %lld.%01lld s %s of that of %s: times in incidents are "
                         "stamped by the host that saw them",
                         (long long)size / 1000, (long long)size % 1000 / 100,
                         ms < 0 ? "behind" : "ahead", jtext(part_of(exam, "status"), "host"));
                mend(f, "the same time server on all hosts: chronyc tracking, timedatectl");
        }
        if (!any && i > 1)
                found(f, SEVERITY_OK, "the clocks agree");
}
