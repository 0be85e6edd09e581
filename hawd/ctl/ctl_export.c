/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl export */
#include "hawd/ctl/file.h"
#include "hawd/ctl/ledger.h"

static char *as_json(const struct ledger *l) {
        json_t *all = json_pack("{s:I,s:O,s:O}", "version", (json_int_t)l->version, "guests",
                                l->guests, "rules", l->rules);
        _cleanup_(freep) char *dump = json_dumps(all, JSON_INDENT(2));
        char *text = xcalloc(strlen(dump) + 2, 1);

        json_decref(all);
        (void)stpcpy(stpcpy(text, dump), "\n");
        return text;
}

static int run_export(struct ctl *ctl, const struct ctl_args *args) {
        const char *path = args->n_words > 0 ? args->words[0] : NULL;
        _cleanup_(freep) char *text = NULL;
        struct ledger l;
        int r = ledger_fetch(ctl, &l);

        if (r == CTL_DONE) {
                text = ctl->json ? as_json(&l) : objects_write(&l.objects);
                r = file_write(path, text);
        }
        ledger_clear(&l);
        return r;
}

static const struct ctl_verb verbs[] = {
        {.args = "[FILE]",
         .help = "Write all guests and rules as text that hawctl apply reads.",
         .more = "To standard output without FILE. Equal ledgers give equal texts.",
         .max_words = 1,
         .run = run_export},
};

const struct ctl_noun ctl_noun_export = {"export", "guests and rules as text", verbs,
                                         ARRAY_SIZE(verbs)};
