/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl rule */
#include "hawd/ctl/text.h"

static int rule_list(struct ctl *ctl, const struct ctl_args *args) {
        _cleanup_(json_unrefp) json_t *rules = NULL;
        int r = ctl_call_pages(ctl, "Rules", "rules", &rules);
        struct table *t;
        const json_t *rule;
        char buf[CELL_LEN];
        size_t i;

        (void)args; /* takes none */
        if (r != CTL_DONE)
                return r;
        if (ctl->json) {
                ctl_print_json(json_pack("{s:O}", "rules", rules));
                return CTL_DONE;
        }
        t = table_new(ctl, "RULE KIND STRICT GUESTS~ HOSTS~");
        json_array_foreach(rules, i, rule) {
                table_row(t);
                table_cell(t, jtext(rule, "name"));
                table_cell(t, jtext(rule, "kind"));
                table_cell(t, jbool(rule, "strict") ? "yes" : "no");
                join(json_object_get(rule, "guests"), buf, sizeof(buf));
                table_cell(t, buf);
                join(json_object_get(rule, "hosts"), buf, sizeof(buf));
                table_cell(t, buf);
        }
        table_print(t, "no rules: guests go wherever they fit best");
        return r;
}

static int rule_add(struct ctl *ctl, const struct ctl_args *args) {
        static const char *const kinds[] = {"separate", "together", "require",
                                            "prefer",   "avoid",    NULL};
        const char *kind = args->words[1], *nearest;
        size_t i = 0;

        while (kinds[i] && strcmp(kinds[i], kind) != 0)
                i++;
        if (!kinds[i]) {
                nearest = ctl_nearest(kind, kinds);
                return ctl_usage("there is no kind of rule '%s'%s%s%s", kind,
                                 nearest ? "; do you mean '"
                                         : ": separate, together, require, "
                                           "prefer or avoid",
                                 nearest ? nearest : "", nearest ? "'?" : "");
        }
        if (!args_has(args, "guests"))
                return ctl_usage("rule add needs --guests a,b");
        return ctl_do(ctl, "RuleSet",
                      json_pack("{s:s,s:s,s:o,s:o,s:b}", "name", args->words[0], "kind", kind,
                                "guests", ctl_words(args_get(args, "guests")), "hosts",
                                ctl_words(args_get(args, "hosts")), "strict",
                                args_has(args, "strict")));
}

static int rule_delete(struct ctl *ctl, const struct ctl_args *args) {
        return ctl_do(ctl, "RuleDelete", json_pack("{s:s}", "name", args->words[0]));
}

static const struct ctl_option add_options[] = {
        {"guests", "A,B", "the guests it is about"},
        {"hosts", "A,B", "the hosts it is about (require, prefer, avoid)"},
        {"strict", NULL, "rather not run at all than break it"},
        {NULL, NULL, NULL},
};

static const struct ctl_verb verbs[] = {
        {.name = "list", .args = "", .help = "All placement rules.", .run = rule_list},
        {.name = "add",
         .args = "NAME separate|together|require|prefer|avoid",
         .help = "Add a rule, or change the one of that name.",
         .more = "separate, together: guests on different hosts, or on the same one.\n"
                 "require, prefer, avoid: guests on some of these hosts only, rather there, or "
                 "rather\n"
                 "elsewhere.",
         .options = add_options,
         .min_words = 2,
         .max_words = 2,
         .run = rule_add},
        {.name = "delete",
         .args = "NAME",
         .help = "Delete a rule. Guests stay where they are.",
         .min_words = 1,
         .max_words = 1,
         .run = rule_delete},
};

const struct ctl_noun ctl_noun_rule = {"rule", "placement rules: list, add, delete", verbs,
                                       ARRAY_SIZE(verbs)};
