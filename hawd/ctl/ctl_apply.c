/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl apply: the file, the ledger, the difference; then it is made so. */
#include <ctype.h>

#include "hawd/ctl/apply.h"
#include "hawd/ctl/file.h"

#define FILE_MAX ((size_t)256 << 20)
#define TIMEOUT_USEC (5 * USEC_PER_MINUTE)

struct apply {
        struct ctl *ctl;
        const struct ctl_args *args;
        struct apply_how how;
        bool dry_run, prune;
        struct objects want;
        struct conf_file *reading;
        struct ledger ledger;
        struct changes changes;
        struct steps steps;
        json_t *report;
};

static int get_hosts(struct ctl *ctl, char **ret) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        char err[TEXT_LEN];
        const json_t *h;
        size_t i;
        int r = ctl_call(ctl, "Hosts", NULL, &answer);

        if (r != CTL_DONE)
                return r;
        *ret = NULL;
        json_array_foreach(json_object_get(answer, "hosts"), i, h) {
                /* One whose name is none has none yet. */
                (void)names_add(ret, jtext(h, "name"), err);
        }
        if (!*ret)
                *ret = xstrdup("");
        return CTL_DONE;
}

static json_t *clean_text(const char *text) {
        json_t *j = json_string(text);

        if (!j) { /* cut within a character, or never UTF-8 */
                _cleanup_(freep) char *copy = xstrdup(text);

                for (char *p = copy; *p; p++)
                        if (!isascii((unsigned char)*p))
                                *p = '?';
                j = json_string(copy);
        }
        return j;
}

/* Return: CTL_DONE when there are none, else CTL_USAGE. */
static int tell_mistakes(struct apply *a) {
        struct conf_errors errors = {0};
        json_t *list = json_array();
        size_t n = conf_file_errors(a->reading, a->args->words[0], &errors);

        (void)fflush(stdout);
        for (size_t i = 0; i < n; i++) {
                fprintf(stderr, "%s\n", errors.lines[i]);
                json_array_append_new(list, clean_text(errors.lines[i]));
        }
        conf_errors_clear(&errors);
        json_object_set_new(a->report, "mistakes", list);
        return n == 0 ? CTL_DONE
                      : ctl_usage("%zu %s in %s: nothing is done", n,
                                  n == 1 ? "mistake" : "mistakes", a->args->words[0]);
}

/* Mistakes of the file alone are told also when hawd does not answer. */
static int look(struct apply *a) {
        _cleanup_(freep) char *text = file_read(a->args->words[0], FILE_MAX, "guests and rules");
        _cleanup_(freep) char *hosts = NULL;
        int r, mistakes;

        if (!text)
                return CTL_FAILED;
        a->reading = objects_read(text, &a->want);
        r = ledger_fetch(a->ctl, &a->ledger);
        if (r == CTL_DONE)
                r = get_hosts(a->ctl, &hosts);
        objects_xml(&a->want, &a->ledger.objects, a->reading);
        if (r == CTL_DONE)
                objects_check(&a->want, &a->ledger.objects, hosts, a->prune, a->reading);
        mistakes = tell_mistakes(a);
        return r != CTL_DONE ? r : mistakes;
}

/* "2 guests are stopped: db, web. " behind what is in @text. */
static void say_ends(const struct apply *a, enum step_kind kind, const char *what, char *text,
                     size_t size) {
        size_t n = 0, used = strlen(text);
        char names[4 * TEXT_LEN] = "";

        for (size_t i = 0; i < a->steps.n; i++) {
                const struct step *s = &a->steps.list[i];
                size_t len = strlen(names);

                if (s->kind == kind)
                        text_fmt(names + len, sizeof(names) - len, "%s%s", n++ ? ", " : "",
                                 change_object(s->change)->name);
        }
        if (n > 0)
                text_fmt(text + used, size - used, "%zu %s%s %s %s: %s. ", n,
                         kind == STEP_RULE_DELETE ? "rule" : "guest", n == 1 ? "" : "s",
                         n == 1 ? "is" : "are", what, names);
}

static int confirm(const struct apply *a) {
        char question[16 * TEXT_LEN] = "";
        bool ends = false;

        for (size_t i = 0; i < a->steps.n; i++)
                ends |= step_ends(a->steps.list[i].kind);
        if (!ends)
                return CTL_DONE;
        say_ends(a, STEP_GUEST_DELETE, "stopped, undefined and forgotten (disks stay)", question,
                 sizeof(question));
        say_ends(a, STEP_GUEST_STOP, "stopped", question, sizeof(question));
        say_ends(a, STEP_RULE_DELETE, "deleted", question, sizeof(question));
        text_set(question + strlen(question), sizeof(question) - strlen(question), "Go on?");
        return ctl_confirm(a->ctl, a->args, question);
}

static int change(struct apply *a) {
        bool ending = json_array_size(a->ledger.deleting) > 0;
        int r;

        diff_objects(&a->ledger.objects, &a->want, a->prune, &a->changes);
        steps_of(&a->changes, ending, &a->steps);
        json_object_set_new(a->report, "changes", apply_changes_json(&a->changes));
        if (!a->how.json)
                apply_show(a->ctl, &a->changes);
        if (a->changes.n == 0 && !a->how.json)
                printf("nothing to change\n");
        if (a->changes.n == 0 || a->dry_run)
                return CTL_DONE;
        if (a->ctl->view_only)
                return ctl_fail("this would change something, and %s is for looking only: be root, "
                                "or a member of the group hawd; --dry-run only shows",
                                a->ctl->path);
        r = confirm(a);
        return r != CTL_DONE ? r
                             : apply_run(a->ctl, &a->changes, &a->steps, a->ledger.deleting,
                                         &a->how, a->report);
}

static int run_apply(struct ctl *ctl, const struct ctl_args *args) {
        struct apply a = {.ctl = ctl,
                          .args = args,
                          .how = {.json = ctl->json,
                                  .timeout = TIMEOUT_USEC,
                                  .no_wait = args_has(args, "no-wait")},
                          .dry_run = args_has(args, "dry-run"),
                          .prune = args_has(args, "prune")};
        const char *text = args_get(args, "timeout");
        char err[TEXT_LEN];
        int r;

        if (text && parse_duration(text, &a.how.timeout, err) < 0)
                return ctl_usage("--timeout: %s", err);
        ctl->json = false; /* one report, whatever happens */
        a.report = json_pack("{s:b}", "dry_run", a.dry_run);
        r = look(&a);
        if (r == CTL_DONE)
                r = change(&a);
        ctl->json = a.how.json;
        if (ctl->json)
                ctl_print_json(json_incref(a.report));
        json_decref(a.report);
        steps_clear(&a.steps);
        changes_clear(&a.changes);
        ledger_clear(&a.ledger);
        objects_clear(&a.want);
        conf_file_free(a.reading);
        return r;
}

static const struct ctl_option options[] = {
        {"dry-run", NULL, "only show what would change"},
        {"prune", NULL, "delete the guests and rules that are not in FILE"},
        CTL_OPTION_YES,
        {"no-wait", NULL, "do not wait until the guests are as wanted"},
        {"timeout", "TIME", "how long to wait (5min)"},
        {NULL, NULL, NULL},
};

static const struct ctl_verb verbs[] = {
        {.args = "FILE",
         .help = "Make guests and rules as FILE says ('-': standard input).",
         .more = "Shows what differs, then changes that alone; what FILE does not name stays as it "
                 "is.\nAsks before a guest is stopped or something is deleted.",
         .options = options,
         .min_words = 1,
         .max_words = 1,
         .run = run_apply},
};

const struct ctl_noun ctl_noun_apply = {"apply", "make guests and rules as a file says", verbs,
                                        ARRAY_SIZE(verbs)};
