/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl snapshot */
#include <time.h>
#include <unistd.h>

#include "hawd/base/config.h"
#include "hawd/ctl/text.h"

#define POLL_USEC (200 * USEC_PER_MSEC)
#define TIMEOUT_USEC (2 * USEC_PER_MINUTE)

static usec_t now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (usec_t)t.tv_sec * USEC_PER_SEC + (usec_t)t.tv_nsec / 1000;
}

static int fetch(struct ctl *ctl, const char *guest, json_t **ret) {
        return ctl_call(ctl, "Snapshots", json_pack("{s:s}", "guest", guest), ret);
}

static const char *what_of(const json_t *s) {
        if (jbool(s, "deleting"))
                return "being deleted";
        if (strcmp(jtext(s, "kind"), "kept") == 0)
                return "left by a rollback";
        if (jbool(s, "failed"))
                return "did not help";
        return jbool(s, "good") ? "known good" : "";
}

static int snapshot_list(struct ctl *ctl, const struct ctl_args *args) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        const json_t *list, *s;
        struct table *t;
        char buf[NAME_LEN];
        size_t i;
        int r = fetch(ctl, args->words[0], &answer);

        if (r != CTL_DONE)
                return r;
        if (ctl->json) {
                ctl_print_json(TAKE_PTR(answer));
                return CTL_DONE;
        }
        list = json_object_get(answer, "snapshots");
        t = table_new(ctl, "SNAPSHOT TAKEN >MIB OVER STATE WHY~");
        json_array_foreach(list, i, s) {
                table_row(t);
                table_cell_fmt(t, "%s%s", jtext(s, "name"), jbool(s, "current") ? " *" : "");
                clock_time(jint(s, "taken_usec"), buf, sizeof(buf));
                table_cell(t, buf);
                if (jnull(s, "mib"))
                        table_cell(t, "-");
                else
                        table_cell_fmt(t, "%" PRId64, jint(s, "mib"));
                table_cell(t, or_dash(jtext(s, "over")));
                table_cell(t, what_of(s));
                table_cell_fmt(t, "%s%s", jbool(s, "goes") ? "goes: " : "", jtext(s, "why"));
        }
        table_print(t, "no snapshots");
        if (json_array_size(list) > 0)
                printf("* the guest's disks rest on it\n");
        if (!jnull(answer, "next")) {
                clock_time(jint(answer, "next_usec"), buf, sizeof(buf));
                printf("the next one is due %s\n", buf);
        }
        if (!jnull(answer, "taking"))
                printf("%s is being taken\n", jtext(answer, "taking"));
        if (!jnull(answer, "back_to"))
                printf("the guest goes back to %s\n", jtext(answer, "back_to"));
        if (!jnull(answer, "error"))
                printf("the last of it failed, or is not done yet: %s\n", jtext(answer, "error"));
        return r;
}

static bool is_listed(const json_t *answer, const char *name) {
        const json_t *s;
        size_t i;

        json_array_foreach(json_object_get(answer, "snapshots"), i,
                           s) if (strcmp(jtext(s, "name"), name) == 0) return true;
        return false;
}

/* Is it done? *@ret_why is borrowed from @answer: it failed. */
typedef bool done_fn(const json_t *answer, const char *name, const char **ret_why);

static bool is_taken(const json_t *answer, const char *name, const char **ret_why) {
        if (is_listed(answer, name))
                return true;
        if (strcmp(jtext(answer, "taking"), name) != 0 && !jnull(answer, "error"))
                *ret_why = jtext(answer, "error");
        return false;
}

static bool is_deleted(const json_t *answer, const char *name, const char **ret_why) {
        (void)ret_why; /* it is tried again */
        return !is_listed(answer, name);
}

static bool is_back(const json_t *answer, const char *name, const char **ret_why) {
        (void)name;
        (void)ret_why; /* the guest's end is waited for */
        return jnull(answer, "back_to");
}

static int give_up(const struct ctl_args *args, const json_t *answer) {
        const char *error = jtext(answer, "error");

        return ctl_fail("it is not done yet%s%s; hawd goes on with it while the guest runs: hawctl "
                        "snapshot list %s",
                        *error ? ": " : "", error, args->words[0]);
}

static int act(struct ctl *ctl, const struct ctl_args *args, const char *method, const char *name,
               done_fn *done, const char *said) {
        const char *text = args_get(args, "timeout");
        usec_t begun = now(), timeout = TIMEOUT_USEC;
        _cleanup_(json_unrefp) json_t *first = NULL;
        char err[TEXT_LEN];
        int r;

        if (text && parse_duration(text, &timeout, err) < 0)
                return ctl_usage("--timeout: %s", err);
        r = ctl_call(ctl, method,
                     json_pack(args_has(args, "no-quiesce") ? "{s:s,s:s,s:b}" : "{s:s,s:s}",
                               "guest", args->words[0], "name", name, "no_quiesce", 1),
                     &first);
        if (r != CTL_DONE)
                return r;
        for (;;) {
                _cleanup_(json_unrefp) json_t *answer = NULL;
                const char *why = NULL;

                if (args_has(args, "no-wait"))
                        break;
                r = fetch(ctl, args->words[0], &answer);
                if (r != CTL_DONE)
                        return r;
                if (done(answer, name, &why))
                        break;
                if (why)
                        return ctl_fail("%s of %s: %s", name, args->words[0], why);
                if (now() - begun >= timeout)
                        return give_up(args, answer);
                (void)usleep(POLL_USEC); /* shorter does no harm */
        }
        if (ctl->json)
                ctl_print_json(json_pack("{s:b,s:s,s:s}", "done", !args_has(args, "no-wait"),
                                         "guest", args->words[0], "name", name));
        else if (args_has(args, "no-wait"))
                printf("asked for: hawctl snapshot list %s\n", args->words[0]);
        else
                printf("%s %s %s\n", args->words[0], said, name);
        return CTL_DONE;
}

static int snapshot_create(struct ctl *ctl, const struct ctl_args *args) {
        char made_up[NAME_LEN];
        time_t t = time(NULL);
        struct tm tm;

        if (args->n_words > 1)
                return act(ctl, args, "SnapshotCreate", args->words[1], is_taken, "has a snapshot");
        if (!gmtime_r(&t, &tm) ||
            strftime(made_up, sizeof(made_up), "by-hand-%Y%m%d-%H%M%S", &tm) == 0)
                return ctl_fail("what time is it? give the snapshot a name");
        return act(ctl, args, "SnapshotCreate", made_up, is_taken, "has a snapshot");
}

static int snapshot_delete(struct ctl *ctl, const struct ctl_args *args) {
        char question[2 * TEXT_LEN];
        int r;

        text_fmt(question, sizeof(question), "%s of %s will be gone for good.", args->words[1],
                 args->words[0]);
        r = ctl_confirm(ctl, args, question);
        return r == CTL_DONE
                       ? act(ctl, args, "SnapshotDelete", args->words[1], is_deleted, "has no more")
                       : r;
}

static int snapshot_rollback(struct ctl *ctl, const struct ctl_args *args) {
        char question[2 * TEXT_LEN];
        int r;

        text_fmt(question, sizeof(question),
                 "%s will be stopped and go back to %s; what it wrote since is kept aside.",
                 args->words[0], args->words[1]);
        r = ctl_confirm(ctl, args, question);
        return r == CTL_DONE ? act(ctl, args, "SnapshotRollback", args->words[1], is_back,
                                   "has gone back to")
                             : r;
}

#define WAIT_OPTIONS                                                                               \
        {"timeout", "TIME", "wait no longer than this (2min)"}, {                                  \
                "no-wait", NULL, "only say it, do not wait for it"                                 \
        }

static const struct ctl_option create_options[] = {
        {"no-quiesce", NULL, "do not ask its agent to freeze its filesystems"},
        WAIT_OPTIONS,
        {NULL, NULL, NULL}};
static const struct ctl_option yes_options[] = {CTL_OPTION_YES, WAIT_OPTIONS, {NULL, NULL, NULL}};

static const struct ctl_verb verbs[] = {
        {.name = "create",
         .args = "GUEST [NAME]",
         .help = "Take a snapshot of all disks of a guest.",
         .more = "A guest that runs goes on; its agent, if it has one, freezes its filesystems.",
         .options = create_options,
         .min_words = 1,
         .max_words = 2,
         .run = snapshot_create},
        {.name = "list",
         .args = "GUEST",
         .help = "Its snapshots, and the disks that rollbacks have left.",
         .min_words = 1,
         .max_words = 1,
         .run = snapshot_list},
        {.name = "delete",
         .args = "GUEST SNAPSHOT",
         .help = "Delete a snapshot, or a disk that a rollback left.",
         .more = "It is done while the guest runs: what is written over it goes into its files.",
         .options = yes_options,
         .min_words = 2,
         .max_words = 2,
         .run = snapshot_delete},
        {.name = "rollback",
         .args = "GUEST SNAPSHOT",
         .help = "Let a guest go back to a snapshot.",
         .more = "A guest that runs is stopped, and started again. What it leaves is kept.",
         .options = yes_options,
         .min_words = 2,
         .max_words = 2,
         .run = snapshot_rollback},
};

const struct ctl_noun ctl_noun_snapshot = {"snapshot",
                                           "snapshots of guests: create, list, delete, rollback",
                                           verbs, ARRAY_SIZE(verbs)};
