/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl reload */
#include "hawd/ctl/text.h"

static int tell_mistakes(const struct ctl *ctl, const json_t *answer) {
        const json_t *parameters = json_object_get(answer, "parameters");
        const json_t *list = json_object_get(parameters, "mistakes"), *line;
        size_t i;

        if (ctl->json)
                ctl_print_json(json_pack("{s:s,s:s,s:O}", "error", jtext(answer, "error"),
                                         "message", jtext(parameters, "message"), "mistakes",
                                         list));
        json_array_foreach(list, i, line) fprintf(stderr, "%s\n", json_string_value(line));
        return ctl_fail("%s", jtext(parameters, "message"));
}

static int run_reload(struct ctl *ctl, const struct ctl_args *args) {
        _cleanup_(json_unrefp) json_t *answer = NULL;
        const json_t *p, *differs, *line;
        char hosts[CELL_LEN];
        size_t i;
        int r = ctl_ask(ctl, "Reload", NULL, &answer);

        (void)args; /* takes none */
        if (r != CTL_DONE)
                return r;
        if (strcmp(jtext(answer, "error"), "io.hawd.BadConfig") == 0)
                return tell_mistakes(ctl, answer);
        if (*jtext(answer, "error"))
                return ctl_complain(ctl, answer);
        p = json_object_get(answer, "parameters");
        if (ctl->json) {
                ctl_print_json(json_incref((json_t *)p));
                return CTL_DONE;
        }
        printf("%s\n", jtext(p, "message"));
        json_array_foreach(json_object_get(p, "restart"), i, line)
                printf("%s\n", json_string_value(line));
        differs = json_object_get(p, "differs");
        join(differs, hosts, sizeof(hosts));
        if (json_array_size(differs) > 0)
                printf("another one is in force on %s: make the files equal, then hawctl reload "
                       "there\n",
                       hosts);
        return CTL_DONE;
}

static const struct ctl_verb verbs[] = {
        {.args = "",
         .help = "Have hawd on this host read its hawd.conf again.",
         .more = "A file with mistakes is refused, and each is told; the configuration in force is "
                 "kept.",
         .run = run_reload},
};

const struct ctl_noun ctl_noun_reload = {"reload", "read hawd.conf of this host again", verbs,
                                         ARRAY_SIZE(verbs)};
