/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl replica */
#include "hawd/base/config.h"
#include "hawd/ctl/text.h"

static void age_text(const json_t *r, char *buf, size_t size) {
        usec_t age;

        if (jnull(r, "lag_ms")) {
                text_set(buf, size, "-");
                return;
        }
        age = (usec_t)jint(r, "lag_ms") / 1000 * USEC_PER_SEC;
        format_duration(age, buf, size);
}

static int replica_list(struct ctl *ctl, const struct ctl_args *args) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        json_t *params = json_object();
        const json_t *list, *r;
        struct table *t;
        char age[64];
        size_t i;
        int rc;

        if (args->n_words > 0)
                json_object_set_new(params, "guest", json_string(args->words[0]));
        rc = ctl_call(ctl, "Replicas", params, &answer);
        if (rc != CTL_DONE)
                return rc;
        if (ctl->json) {
                ctl_print_json(TAKE_PTR(answer));
                return CTL_DONE;
        }
        list = json_object_get(answer, "replicas");
        t = table_new(ctl, "GUEST DISKS COPY MODE STATE >AGE WHY~");
        json_array_foreach(list, i, r) {
                age_text(r, age, sizeof(age));
                table_row(t);
                table_cell(t, jtext(r, "guest"));
                table_cell(t, or_dash(jtext(r, "data")));
                table_cell(t, or_dash(jtext(r, "host")));
                table_cell(t, jtext(r, "mode"));
                table_cell(t, jtext(r, "state"));
                table_cell(t, age);
                table_cell(t, jnull(r, "start") ? jtext(r, "error") : jtext(r, "start"));
        }
        table_print(t, "no replicas");
        return CTL_DONE;
}

static int set(struct ctl *ctl, const char *guest, const char *value, const char *said) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        int r = ctl_call(ctl, "GuestSet",
                         json_pack("{s:s,s:{s:s}}", "name", guest, "settings", "replica", value),
                         &answer);

        if (r != CTL_DONE)
                return r;
        if (ctl->json)
                ctl_print_json(json_pack("{s:s,s:s}", "guest", guest, "replica", value));
        else
                printf("%s %s\n", guest, said);
        return CTL_DONE;
}

static int replica_add(struct ctl *ctl, const struct ctl_args *args) {
        char value[3 * NAME_LEN], said[4 * NAME_LEN];

        text_fmt(value, sizeof(value), "%s %s%s%s", args->words[1], args->words[2],
                 args->n_words > 3 ? " " : "", args->n_words > 3 ? args->words[3] : "");
        text_fmt(said, sizeof(said), "is copied to %s; see hawctl replica list", args->words[1]);
        return set(ctl, args->words[0], value, said);
}

static int replica_remove(struct ctl *ctl, const struct ctl_args *args) {
        char question[2 * TEXT_LEN];
        int r;

        text_fmt(question, sizeof(question),
                 "%s will have no copy of its disks, and what there is of one is removed.",
                 args->words[0]);
        r = ctl_confirm(ctl, args, question);
        return r == CTL_DONE ? set(ctl, args->words[0], "none", "has no replica any more") : r;
}

/* Return: as ctl_call(); says @said when it is agreed on. */
static int ask(struct ctl *ctl, const char *method, json_t *params, const char *what,
               const char *said) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        int r = ctl_call(ctl, method, params, &answer);

        if (r != CTL_DONE)
                return r;
        if (ctl->json)
                ctl_print_json(json_pack("{s:s}", "done", what));
        else
                printf("%s %s\n", what, said);
        return CTL_DONE;
}

static int replica_resync(struct ctl *ctl, const struct ctl_args *args) {
        return ask(ctl, "ReplicaResync", json_pack("{s:s}", "guest", args->words[0]),
                   args->words[0], "is copied anew; see hawctl replica list");
}

static int replica_promote(struct ctl *ctl, const struct ctl_args *args) {
        bool loss = args_has(args, "accept-loss");
        char question[2 * TEXT_LEN];
        int r = CTL_DONE;

        text_fmt(question, sizeof(question),
                 "%s will start from its copy. What it wrote after that (hawctl replica list) is "
                 "given up.",
                 args->words[0]);
        if (loss)
                r = ctl_confirm(ctl, args, question);
        return r == CTL_DONE
                       ? ask(ctl, "ReplicaPromote",
                             json_pack("{s:s,s:b}", "guest", args->words[0], "accept_loss", loss),
                             args->words[0], "starts from its replica; see hawctl explain")
                       : r;
}

static int replica_outdate(struct ctl *ctl, const struct ctl_args *args) {
        return ask(ctl, "ReplicaOutdate", json_pack("{s:s}", "resource", args->words[0]),
                   args->words[0], "counts as behind on the other host");
}

static const struct ctl_option yes_options[] = {CTL_OPTION_YES, {NULL, NULL, NULL}};
static const struct ctl_option promote_options[] = {
        {"accept-loss", NULL, "whatever it wrote after the copy"},
        CTL_OPTION_YES,
        {NULL, NULL, NULL}};

static const struct ctl_verb verbs[] = {
        {.name = "list",
         .args = "[GUEST]",
         .help = "Guests with a replica: where, how far, and what keeps it from being started "
                 "from.",
         .max_words = 1,
         .run = replica_list},
        {.name = "add",
         .args = "GUEST HOST MODE [RESOURCE]",
         .help = "Copy a guest's disks to another host while it runs.",
         .more = "MODE is sync, async, or drbd with the name of its resource.",
         .min_words = 3,
         .max_words = 4,
         .run = replica_add},
        {.name = "remove",
         .args = "GUEST",
         .help = "Copy them no more.",
         .options = yes_options,
         .min_words = 1,
         .max_words = 1,
         .run = replica_remove},
        {.name = "resync",
         .args = "GUEST",
         .help = "Copy them anew, now.",
         .min_words = 1,
         .max_words = 1,
         .run = replica_resync},
        {.name = "promote",
         .args = "GUEST",
         .help = "Start a guest that does not run from its replica.",
         .more = "Without --accept-loss only if nothing is lost: then hawd does so by itself, too.",
         .options = promote_options,
         .min_words = 1,
         .max_words = 1,
         .run = replica_promote},
        {.name = "outdate",
         .args = "RESOURCE",
         .help = "For DRBD's fence-peer handler: done when the ledger counts the peer as behind.",
         .min_words = 1,
         .max_words = 1,
         .run = replica_outdate},
};

const struct ctl_noun ctl_noun_replica = {
        "replica", "copies of guests' disks on other hosts: list, add, remove, resync, promote",
        verbs, ARRAY_SIZE(verbs)};
