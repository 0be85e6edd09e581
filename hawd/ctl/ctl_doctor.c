/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl doctor: everything that would hurt later, with its reason and its mend. */
#include "hawd/ctl/doctor/finding.h"
#include "hawd/ctl/doctor/gather.h"
#include "hawd/ctl/doctor/local.h"
#include "hawd/ctl/doctor/print.h"
#include "hawd/ctl/text.h"

#define STATUS_PATIENCE (10 * USEC_PER_SEC)

/* The version of the hawd that runs there: the facts have the installed one. */
static void set_version(json_t *entry, const json_t *live) {
        const json_t *h;
        size_t i;

        json_array_foreach(live, i, h) if (strcmp(jtext(h, "name"), jtext(entry, "name")) == 0)
                json_object_set(entry, "running_version", json_object_get(h, "hawd_version"));
}

/* Before the cluster has met for the first time it has no hosts: then this one tells of itself. */
static json_t *entries(const json_t *answers, const json_t *live) {
        json_t *list = json_array();
        const json_t *h;
        size_t i;

        json_array_foreach(answers, i, h) {
                json_t *entry = facts_entry(jtext(h, "name"),
                                            json_string_value(json_object_get(h, "error")),
                                            json_string_value(json_object_get(h, "facts")));

                set_version(entry, live);
                json_array_append_new(list, entry);
        }
        if (i == 0)
                json_array_append_new(list, local_facts());
        return list;
}

/* Return: CTL_DONE with *ret new; CTL_NO_ANSWER: this host's hawd does not answer, it was said. */
static int cluster_exam(struct ctl *ctl, const char *host, json_t **ret) {
        _cleanup_(json_unrefp) json_t *status = NULL, *guests = NULL, *rules = NULL, *facts = NULL,
                                      *replicas = NULL;
        int r;

        ctl->patience_usec = STATUS_PATIENCE;
        r = ctl_call(ctl, "Status", NULL, &status);
        ctl->patience_usec = 0;
        if (r == CTL_DONE)
                r = ctl_call_pages(ctl, "Guests", "guests", &guests);
        if (r == CTL_DONE)
                r = ctl_call_pages(ctl, "Rules", "rules", &rules);
        if (r == CTL_DONE)
                r = ctl_call(ctl, "Replicas", NULL, &replicas);
        if (r == CTL_DONE)
                r = gather_snapshots(ctl, guests);
        if (r == CTL_DONE && ctl->progress)
                fprintf(stderr, "asking %s ...\n", host ? host : "all hosts");
        if (r == CTL_DONE)
                r = ctl_call(ctl, "Facts", host ? json_pack("{s:s}", "host", host) : NULL, &facts);
        if (r != CTL_DONE)
                return r;
        *ret = json_pack("{s:b,s:I,s:O,s:O,s:O,s:O,s:o}", "local", false, "now_usec",
                         (json_int_t)wall_now(), "status", json_object_get(status, "status"),
                         "guests", guests, "rules", rules, "replicas",
                         json_object_get(replicas, "replicas"), "hosts",
                         entries(json_object_get(facts, "hosts"),
                                 json_object_get(json_object_get(status, "status"), "hosts")));
        return CTL_DONE;
}

static json_t *local_exam(const struct ctl *ctl) {
        if (ctl->progress)
                fprintf(stderr, "looking at this host alone ...\n");
        return json_pack("{s:b,s:I,s:n,s:n,s:n,s:[o]}", "local", true, "now_usec",
                         (json_int_t)wall_now(), "status", "guests", "rules", "hosts",
                         local_facts());
}

/* Of one host, and of the cluster as a whole. */
static void keep_host(struct findings *f, const char *host) {
        size_t kept = 0;

        for (size_t i = 0; i < f->n; i++)
                if (!f->list[i].host[0] || strcmp(f->list[i].host, host) == 0)
                        f->list[kept++] = f->list[i];
        f->n = kept;
}

static int run_doctor(struct ctl *ctl, const struct ctl_args *args) {
        _cleanup_(json_unrefp) json_t *exam = NULL;
        _cleanup_(findings_clear) struct findings f = {0};
        const char *host = args_get(args, "host");
        int r = CTL_NO_ANSWER;

        if (host && args_has(args, "local"))
                return ctl_usage("--local is this host: it goes without --host");
        if (!args_has(args, "local"))
                r = cluster_exam(ctl, host, &exam);
        if (r != CTL_DONE && r != CTL_NO_ANSWER)
                return r;
        if (r == CTL_NO_ANSWER && host)
                return r;
        if (r == CTL_NO_ANSWER)
                exam = local_exam(ctl);
        doctor_judge(exam, &f);
        if (host)
                keep_host(&f, host);
        if (ctl->json)
                ctl_print_json(doctor_json(&f, json_object_get(exam, "hosts")));
        else
                doctor_print(ctl, &f, args_has(args, "all"));
        if (jbool(exam, "local") && !ctl->json)
                printf("Only this host was looked at, and nothing that needs the others: fencing, "
                       "capacity, clocks, equal CPUs and configurations.\n");
        return findings_count(&f, SEVERITY_BAD) > 0 ? CTL_FAILED : CTL_DONE;
}

static const struct ctl_option options[] = {
        {"host", "HOST", "ask and judge this host only"},
        {"local", NULL, "look at this host without asking hawd for the others"},
        {"all", NULL, "print what is fine, too"},
        {0},
};

static const struct ctl_verb verbs[] = {
        {.args = "",
         .help = "Look at everything that would hurt later: quorum, fencing, corosync's timers, "
                 "libvirt,\nstorage, CPUs, capacity, clocks, configuration. Each finding has a "
                 "reason and a mend.",
         .more = "Exit status: 0 nothing is bad, 1 something is.\n"
                 "Where hawd does not answer, this host alone is looked at.",
         .options = options,
         .run = run_doctor},
};

const struct ctl_noun ctl_noun_doctor = {"doctor", "what would hurt later, and its mend", verbs,
                                         ARRAY_SIZE(verbs)};
