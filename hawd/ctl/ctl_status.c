/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl status, watch: what is wrong comes before what is well. */
#include "hawd/ctl/client.h"
#include "hawd/ctl/show.h"

static void show_store(const json_t *s) {
        char text[3 * TEXT_LEN];

        if (!jnull(s, "store_error")) {
                text_fmt(text, sizeof(text),
                         "%s; this host does not vote meanwhile, and goes on by itself when it is "
                         "mended",
                         jtext(s, "store_error"));
                show_pair("store", text);
        } else if (!jnull(s, "store_lost")) {
                text_fmt(text, sizeof(text),
                         "%s; the other hosts give the ledger, until then this one does not vote",
                         jtext(s, "store_lost"));
                show_pair("store", text);
        }
        if (!jnull(s, "store_kept")) {
                text_fmt(text, sizeof(text),
                         "%s (in hawd's state directory; remove what is not "
                         "needed any more)",
                         jtext(s, "store_kept"));
                show_pair("kept", text);
        }
}

static void show_head(const struct ctl *ctl, const json_t *s) {
        bool operational = jbool(s, "operational"), quorate = jbool(s, "quorate");
        const char *missing = jtext(s, "missing");

        printf("Cluster %s%s%s: %s%s%s", color_on(ctl, COLOR_BOLD), or_dash(jtext(s, "cluster")),
               color_off(ctl), color_on(ctl, operational ? COLOR_GOOD : COLOR_BAD),
               operational ? "operational"
               : quorate   ? "NOT OPERATIONAL: nothing is decided"
                           : "NOT QUORATE: nothing is decided",
               color_off(ctl));
        if (strcmp(or_dash(jtext(s, "ring")), "solo") == 0)
                printf(", solo");
        else if (!jnull(s, "leader"))
                printf(", led by %s", jtext(s, "leader"));
        printf(", as %s sees it\n", or_dash(jtext(s, "host")));
        show_pair("missing", missing);
        if (!jbool(s, "libvirt_up"))
                show_pair("libvirt", "does not answer on this host: systemctl status libvirtd");
        show_store(s);
}

static void show_counts(const json_t *s) {
        static const char *const states[] = {"running",   "starting", "paused", "stopping",
                                             "migrating", "stopped",  "failed", "blocked"};
        const json_t *counts = json_object_get(s, "guests");
        long long wrong = jint(counts, "total") - jint(counts, "as_wanted");
        const char *sep = " (";

        printf("Guests: %lld", (long long)jint(counts, "total"));
        for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
                if (jint(counts, states[i]) == 0)
                        continue;
                printf("%s%lld %s", sep, (long long)jint(counts, states[i]), states[i]);
                sep = ", ";
        }
        if (jint(counts, "ignored") > 0)
                printf("%s%lld of them ignored", sep, (long long)jint(counts, "ignored"));
        if (jint(counts, "total") > 0)
                printf(wrong ? "); %lld not as wanted" : "); all as wanted", wrong);
        printf("\n");
}

void show_status(const struct ctl *ctl, const json_t *s) {
        const json_t *attention = json_object_get(s, "attention");
        const json_t *counts = json_object_get(s, "guests");
        long long wrong = jint(counts, "total") - jint(counts, "as_wanted");
        const json_t *incidents = json_object_get(s, "incidents");
        long long open = jint(s, "incidents_open");

        show_head(ctl, s);
        printf("\n");
        show_hosts(ctl, json_object_get(s, "hosts"));
        show_lost_hosts(ctl, json_object_get(s, "hosts"));
        show_waiting(ctl, json_object_get(s, "waiting"));
        printf("\n");
        show_counts(s);
        show_guests(ctl, attention, NULL);
        if (wrong > (long long)json_array_size(attention))
                printf("... and %lld more: hawctl guest list --wrong\n",
                       wrong - (long long)json_array_size(attention));
        if (open > 0) {
                printf("\nOpen incidents: %lld\n", open);
                show_open_incidents(ctl, incidents);
        }
        if (open > (long long)json_array_size(incidents))
                printf("... and %lld more\n", open - (long long)json_array_size(incidents));
}

static int run_status(struct ctl *ctl, const struct ctl_args *args) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        const json_t *status;
        int r = ctl_call(ctl, "Status", NULL, &answer);

        (void)args; /* takes none */
        if (r != CTL_DONE)
                return r;
        status = json_object_get(answer, "status");
        r = jbool(status, "operational") ? CTL_DONE : CTL_NOT_QUORATE;
        if (ctl->json)
                ctl_print_json(TAKE_PTR(answer));
        else
                show_status(ctl, status);
        return r;
}

static void watch_one(const struct ctl *ctl, const json_t *parameters) {
        const json_t *status = json_object_get(parameters, "status");
        const json_t *note = json_object_get(parameters, "note");

        if (ctl->json) {
                (void)json_dumpf(parameters, stdout, JSON_COMPACT); /* one object a line */
                printf("\n");
        } else if (json_is_object(status)) {
                show_status(ctl, status);
                printf("\n");
        } else if (json_is_object(note)) {
                show_note(ctl, note);
        }
        (void)fflush(stdout); /* a closed output is found by ferror() */
}

static int run_watch(struct ctl *ctl, const struct ctl_args *args) {
        (void)args; /* takes none */
        for (;;) {
                _cleanup_(json_unrefp) json_t *answer = NULL;
                int r = ctl_next(ctl, "Watch", NULL, USEC_INFINITY, &answer);

                if (r != CTL_DONE)
                        return r;
                if (*jtext(answer, "error"))
                        return ctl_complain(ctl, answer);
                watch_one(ctl, json_object_get(answer, "parameters"));
                if (ferror(stdout))
                        return CTL_FAILED;
                if (!jbool(answer, "continues"))
                        return ctl_fail("hawd ended the stream: it stops or restarts");
        }
}

static const struct ctl_verb status_verbs[] = {
        {.args = "",
         .help = "The cluster on one screen: what is wrong, why, and what mends it.",
         .more = "Exit status 4 when the cluster is not operational, 0 otherwise, also when hosts "
                 "or\n"
                 "guests are down.",
         .run = run_status},
};

static const struct ctl_verb watch_verbs[] = {
        {.args = "",
         .help = "The status, then what happens as it happens.",
         .more = "With --json: one object a line.",
         .run = run_watch},
};

const struct ctl_noun ctl_noun_status = {"status", "the cluster on one screen", status_verbs,
                                         ARRAY_SIZE(status_verbs)};
const struct ctl_noun ctl_noun_watch = {"watch", "the status, then what happens as it happens",
                                        watch_verbs, ARRAY_SIZE(watch_verbs)};
