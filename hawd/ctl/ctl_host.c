/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl host */
#include "hawd/ctl/show.h"

static int host_list(struct ctl *ctl, const struct ctl_args *args) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        const json_t *hosts;
        int r = ctl_call(ctl, "Hosts", NULL, &answer);

        (void)args; /* takes none */
        if (r != CTL_DONE)
                return r;
        if (ctl->json) {
                ctl_print_json(TAKE_PTR(answer));
                return CTL_DONE;
        }
        hosts = json_object_get(answer, "hosts");
        show_hosts(ctl, hosts);
        show_lost_hosts(ctl, hosts);
        show_waiting(ctl, json_object_get(answer, "waiting"));
        return CTL_DONE;
}

static void show_watchdog(const json_t *h) {
        char buf[CELL_LEN];

        if (jnull(h, "watchdog_ms")) {
                show_pair("watchdog",
                          jnull(h, "watchdog_error") ? "none armed" : jtext(h, "watchdog_error"));
                return;
        }
        text_fmt(buf, sizeof(buf), "armed, %lld s; fed for %lld s without a majority",
                 (long long)jint(h, "watchdog_ms") / 1000, (long long)jint(h, "lease_ms") / 1000);
        show_pair("watchdog", buf);
}

static void show_host(const struct ctl *ctl, const json_t *h) {
        const char *state = jtext(h, "state");
        char buf[CELL_LEN];

        printf("Host %s%s%s (node %lld): %s%s%s\n", color_on(ctl, COLOR_BOLD), jtext(h, "name"),
               color_off(ctl), (long long)jint(h, "nodeid"), color_on(ctl, state_color(state)),
               state, color_off(ctl));
        ago(jint(h, "since_usec"), buf, sizeof(buf));
        show_pair("since", buf);
        text_fmt(buf, sizeof(buf), "%lld running, %lld may run there (%lld vCPUs, %lld MiB)",
                 (long long)jint(h, "guests"), (long long)jint(h, "claims"),
                 (long long)jint(h, "guest_vcpus"), (long long)jint(h, "guest_memory_mib"));
        show_pair("guests", buf);
        if (!jnull(h, "memory_free_mib")) {
                text_fmt(buf, sizeof(buf), "%lld MiB free, load %lld%%, heard %lld ms ago",
                         (long long)jint(h, "memory_free_mib"), (long long)jint(h, "load_pct"),
                         (long long)jint(h, "heard_ms_ago"));
                show_pair("now", buf);
        }
        if (json_array_size(json_object_get(h, "labels")) > 0) {
                join(json_object_get(h, "labels"), buf, sizeof(buf));
                show_pair("labels", buf);
        }
        show_pair("hawd", jtext(h, "hawd_version"));
        show_watchdog(h);
        if (jint(h, "losses") > 0) {
                char when[NAME_LEN];

                clock_time(jint(h, "lost_usec"), when, sizeof(when));
                text_fmt(buf, sizeof(buf), "%lld %s, last %s; proven off: %s",
                         (long long)jint(h, "losses"), jint(h, "losses") == 1 ? "time" : "times",
                         when, jnull(h, "proof") ? "no" : jtext(h, "proof"));
                show_pair("lost", buf);
                show_pair("proof", jtext(h, "proof_text"));
        }
}

static int host_show(struct ctl *ctl, const struct ctl_args *args) {
        _cleanup_(json_unrefp) json_t *answer = NULL, *one = NULL;
        json_t *h;
        int r = ctl_call(ctl, "Host", json_pack("{s:s}", "name", args->words[0]), &answer);

        if (r != CTL_DONE)
                return r;
        if (ctl->json) {
                ctl_print_json(TAKE_PTR(answer));
                return CTL_DONE;
        }
        h = json_object_get(answer, "host");
        one = json_pack("[O]", h);
        show_host(ctl, h);
        show_lost_hosts(ctl, one);
        show_waiting(ctl, json_object_get(answer, "waiting"));
        printf("\n");
        show_devices(ctl, json_object_get(h, "devices"));
        return CTL_DONE;
}

static int host_release(struct ctl *ctl, const struct ctl_args *args) {
        return ctl_do(ctl, "HostRelease", json_pack("{s:s}", "host", args->words[0]));
}

static int host_accept_loss(struct ctl *ctl, const struct ctl_args *args) {
        int r = ctl_confirm(ctl, args,
                            "You say that every host that is not in the group is off and stays "
                            "off, and that what only they had stored may be lost. If one still "
                            "runs, its guests will run twice and their data will be destroyed.");

        return r == CTL_DONE ? ctl_do(ctl, "AcceptLoss", json_object()) : r;
}

static const struct ctl_option yes_options[] = {CTL_OPTION_YES, {NULL, NULL, NULL}};

static const struct ctl_verb verbs[] = {
        {.name = "list", .args = "", .help = "All hosts: state, guests, load.", .run = host_list},
        {.name = "show",
         .args = "HOST",
         .help = "One host with its losses and its fence devices.",
         .min_words = 1,
         .max_words = 1,
         .run = host_show},
        {.name = "release",
         .args = "HOST",
         .help = "Out of quarantine: it is switched on and gets guests again.",
         .min_words = 1,
         .max_words = 1,
         .run = host_release},
        {.name = "accept-loss",
         .args = "",
         .help = "No majority can come back: go on with the ledger of this host.",
         .options = yes_options,
         .run = host_accept_loss},
};

const struct ctl_noun ctl_noun_host = {"host", "hosts of the cluster: list, show, release", verbs,
                                       ARRAY_SIZE(verbs)};
