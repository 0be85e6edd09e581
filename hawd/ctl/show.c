/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/show.h"

void show_pair(const char *label, const char *text) {
        char head[NAME_LEN];

        if (!text || !*text)
                return;
        text_fmt(head, sizeof(head), "%s:", label);
        printf("  %-13s %s\n", head, text);
}

static void mib(int64_t n, char *buf, size_t size) {
        if (n >= 10 * 1024)
                text_fmt(buf, size, "%.1f GiB", (double)n / 1024);
        else
                text_fmt(buf, size, "%lld MiB", (long long)n);
}

static void host_row(struct table *t, const json_t *h) {
        char buf[NAME_LEN], total[NAME_LEN];

        table_row(t);
        table_cell(t, jtext(h, "name"));
        table_cell_color(t, jtext(h, "state"), state_color(jtext(h, "state")));
        ago(jint(h, "since_usec"), buf, sizeof(buf));
        table_cell(t, buf);
        table_cell_fmt(t, "%lld", (long long)jint(h, "guests"));
        if (jnull(h, "vcpus"))
                table_cell(t, "-");
        else
                table_cell_fmt(t, "%lld/%lld", (long long)jint(h, "guest_vcpus"),
                               (long long)jint(h, "vcpus"));
        mib(jint(h, "memory_free_mib"), buf, sizeof(buf));
        mib(jint(h, "memory_mib"), total, sizeof(total));
        if (jnull(h, "memory_free_mib"))
                table_cell(t, "-");
        else
                table_cell_fmt(t, "%s of %s", buf, jnull(h, "memory_mib") ? "?" : total);
        if (jnull(h, "load_pct"))
                table_cell(t, "-");
        else
                table_cell_fmt(t, "%lld%%", (long long)jint(h, "load_pct"));
        table_cell(t, jtext(h, "hawd_version"));
}

void show_hosts(const struct ctl *ctl, const json_t *hosts) {
        struct table *t =
                table_new(ctl, "HOST STATE SINCE >GUESTS >VCPUS >MEMORY_FREE >LOAD VERSION");
        const json_t *h;
        size_t i;

        json_array_foreach(hosts, i, h) host_row(t, h);
        table_print(t, "no hosts: the cluster has not met yet");
}

static void remark(const struct ctl *ctl, const json_t *h, const char *text) {
        printf("%s%s:%s %s\n", color_on(ctl, COLOR_WARN), jtext(h, "name"), color_off(ctl), text);
}

static void show_ills(const struct ctl *ctl, const json_t *h) {
        const json_t *ill;
        char text[2 * TEXT_LEN];
        size_t i;

        json_array_foreach(json_object_get(h, "degraded_by"), i, ill) {
                text_fmt(text, sizeof(text), "degraded by %s: %s", jtext(ill, "reason"),
                         jtext(ill, "text"));
                remark(ctl, h, text);
        }
}

static void show_advice(const struct ctl *ctl, const json_t *h) {
        const json_t *a;
        char text[3 * TEXT_LEN];
        size_t i;

        json_array_foreach(json_object_get(h, "advice"), i, a) {
                if (jnull(a, "to"))
                        text_fmt(text, sizeof(text), "%s stays: %s", jtext(a, "guest"),
                                 jtext(a, "why"));
                else
                        text_fmt(text, sizeof(text), "%s should move to %s (%s): %s",
                                 jtext(a, "guest"), jtext(a, "to"), "hawctl guest move",
                                 jtext(a, "why"));
                remark(ctl, h, text);
        }
}

void show_lost_hosts(const struct ctl *ctl, const json_t *hosts) {
        const json_t *h;
        size_t i;

        show_config(ctl, hosts);
        json_array_foreach(hosts, i, h) {
                show_ills(ctl, h);
                show_advice(ctl, h);
                if (!jnull(h, "libvirt_ok") && !jbool(h, "libvirt_ok"))
                        remark(ctl, h, "libvirt does not answer: systemctl status libvirtd there");
                if (!jnull(h, "store_error")) {
                        char text[2 * TEXT_LEN];

                        text_fmt(text, sizeof(text), "it does not vote, and gets no guests: %s",
                                 jtext(h, "store_error"));
                        remark(ctl, h, text);
                }
                if (strcmp(jtext(h, "state"), "unsupervised") == 0)
                        remark(ctl, h,
                               "its guests run, but nobody watches them: "
                               "systemctl start hawd there");
                if (jnull(h, "not_proven_why"))
                        continue;
                printf("%s%s is not proven off%s; %lld %s for that\n", color_on(ctl, COLOR_BAD),
                       jtext(h, "name"), color_off(ctl), (long long)jint(h, "claims"),
                       jint(h, "claims") == 1 ? "guest waits" : "guests wait");
                show_pair("why", jtext(h, "not_proven_why"));
                show_pair("next", jtext(h, "next"));
                show_pair("mend", jtext(h, "mend"));
        }
}

void show_waiting(const struct ctl *ctl, const json_t *waiting) {
        const json_t *w;
        size_t i;

        json_array_foreach(waiting, i, w) {
                printf("%s%s waits:%s node %lld is called so in the nodelist, and not taken in\n",
                       color_on(ctl, COLOR_WARN), jtext(w, "name"), color_off(ctl),
                       (long long)jint(w, "nodeid"));
                show_pair("why", jtext(w, "why"));
                show_pair("mend", jtext(w, "mend"));
        }
}

void show_guests(const struct ctl *ctl, const json_t *guests, const char *empty) {
        struct table *t = table_new(ctl, "GUEST STATE WANTED HEALTH HOST SINCE REASON~");
        char buf[NAME_LEN];
        const json_t *g;
        size_t i;

        json_array_foreach(guests, i, g) {
                const char *state = jtext(g, "state");
                bool wanted = jbool(g, "as_wanted");

                table_row(t);
                table_cell(t, jtext(g, "name"));
                table_cell_color(t, state, state_color(state));
                table_cell(t, jbool(g, "deleting") ? "deleted" : jtext(g, "desired"));
                table_cell(t, strcmp(state, "running") == 0 ? jtext(g, "health") : "-");
                table_cell(t, jtext(g, "host"));
                ago(jint(g, "since_usec"), buf, sizeof(buf));
                table_cell(t, buf);
                table_cell(t, wanted ? "" : jtext(g, "reason"));
        }
        table_print(t, empty);
}

static const char *device_state(const json_t *d) {
        if (jbool(d, "distrusted"))
                return "distrusted";
        if (!jnull(d, "error") || !jbool(d, "reachable"))
                return "unreachable";
        return jbool(d, "seen_on") ? "good" : "not seen on yet";
}

void show_devices(const struct ctl *ctl, const json_t *devices) {
        struct table *t =
                table_new(ctl, "DEVICE HOST >LEVEL DRIVER STATE REACHED_BY CHECKED ERROR~");
        char buf[NAME_LEN];
        const json_t *d;
        size_t i;

        json_array_foreach(devices, i, d) {
                const char *state = device_state(d);
                bool good = strcmp(state, "good") == 0;

                table_row(t);
                table_cell(t, jtext(d, "name"));
                table_cell(t, jtext(d, "host"));
                if (jnull(d, "level"))
                        table_cell(t, ""); /* not in this host's hawd.conf */
                else
                        table_cell_fmt(t, "%lld", (long long)jint(d, "level"));
                table_cell(t, jtext(d, "driver"));
                table_cell_color(t, state, good ? COLOR_GOOD : COLOR_BAD);
                table_cell(t, jtext(d, "reached_by"));
                ago(jint(d, "checked_usec"), buf, sizeof(buf));
                table_cell(t, buf);
                table_cell(t, jtext(d, "error"));
        }
        table_print(t,
                    "no fence device is known: a host that is lost can only be confirmed by hand");
}
