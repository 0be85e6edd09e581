/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl explain: why is it there, or why does it not run? */
#include "hawd/ctl/ctl.h"

static int explain(struct ctl *ctl, const char *kind, const char *name) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        const json_t *line;
        size_t i;
        int r = ctl_call(ctl, "Explain", json_pack("{s:s,s:s}", "kind", kind, "name", name),
                         &answer);

        if (r != CTL_DONE)
                return r;
        if (ctl->json) {
                ctl_print_json(TAKE_PTR(answer));
                return CTL_DONE;
        }
        json_array_foreach(json_object_get(answer, "lines"), i, line)
                printf("%s\n", json_string_value(line));
        return CTL_DONE;
}

/* A host when there is one of that name, else a guest. */
static int find_kind(struct ctl *ctl, const char *name, const char **ret) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        const json_t *host;
        size_t i;
        int r = ctl_call(ctl, "Hosts", NULL, &answer);

        if (r != CTL_DONE)
                return r;
        *ret = "guest";
        json_array_foreach(json_object_get(answer, "hosts"), i,
                           host) if (strcmp(jtext(host, "name"), name) == 0) *ret = "host";
        return CTL_DONE;
}

static int run_explain(struct ctl *ctl, const struct ctl_args *args) {
        const char *kind = args->words[0];
        int r;

        if (args->n_words == 2) {
                if (strcmp(kind, "guest") != 0 && strcmp(kind, "host") != 0)
                        return ctl_usage("'%s' is neither guest nor host", kind);
                return explain(ctl, kind, args->words[1]);
        }
        r = find_kind(ctl, args->words[0], &kind);
        return r == CTL_DONE ? explain(ctl, kind, args->words[0]) : r;
}

static const struct ctl_verb verbs[] = {
        {.args = "[guest|host] NAME",
         .help = "Why a guest is where it is or does not run; why a host is in its state.",
         .min_words = 1,
         .max_words = 2,
         .run = run_explain},
};

const struct ctl_noun ctl_noun_explain = {"explain", "why is it there, why does it not run?", verbs,
                                          ARRAY_SIZE(verbs)};
