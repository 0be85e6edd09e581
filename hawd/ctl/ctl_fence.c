/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl fence */
#include "hawd/ctl/fence.h"
#include "hawd/ctl/history.h"
#include "hawd/ctl/show.h"

static int fence_list(struct ctl *ctl, const struct ctl_args *args) {
        _cleanup_(json_unrefp) json_t *devices = NULL;
        int r = ctl_call_list(ctl, "Devices", "devices", &devices);

        (void)args; /* takes none */
        if (devices)
                show_devices(ctl, devices);
        return r;
}

static int fence_host(struct ctl *ctl, const struct ctl_args *args) {
        char question[2 * TEXT_LEN];
        int r;

        text_fmt(question, sizeof(question),
                 "%s will be switched off without a shutdown, and its guests restarted elsewhere.",
                 args->words[0]);
        r = ctl_confirm(ctl, args, question);
        return r == CTL_DONE ? ctl_do(ctl, "FenceHost", json_pack("{s:s}", "host", args->words[0]))
                             : r;
}

static int fence_confirm(struct ctl *ctl, const struct ctl_args *args) {
        char question[2 * TEXT_LEN];
        int r;

        text_fmt(question, sizeof(question),
                 "You say that you have SEEN %s without power. If it still runs, its guests will "
                 "run twice and their data will be destroyed.",
                 args->words[0]);
        r = ctl_confirm(ctl, args, question);
        return r == CTL_DONE
                       ? ctl_do(ctl, "FenceConfirm", json_pack("{s:s}", "host", args->words[0]))
                       : r;
}

static int fence_history(struct ctl *ctl, const struct ctl_args *args) {
        return history_run(ctl, args, "fence,device,host-lost,host-off");
}

static const struct ctl_option yes_options[] = {CTL_OPTION_YES, {NULL, NULL, NULL}};

static const struct ctl_option test_options[] = {
        {"all", NULL, "the devices of all hosts"},
        {"from", "HOST|all", "read by that host's hawd, or by each; else by this host's"},
        {NULL, NULL, NULL},
};

static const struct ctl_option history_options[] = {
        {"since", "TIME", "1h, 2d (ago), or \"2026-01-31 12:00\""},
        {"until", "TIME", "the same"},
        {"host", "HOST", "of this host only"},
        {"limit", "N", "the newest N (100)"},
        {NULL, NULL, NULL},
};

static const struct ctl_verb verbs[] = {
        {.name = "list",
         .args = "",
         .help = "All fence devices and whether they can be relied on.",
         .run = fence_list},
        {.name = "test",
         .args = "HOST",
         .help = "Read all fence devices of a host; nothing is switched.",
         .more = "Or of every host, with --all instead of HOST. Exit status 0 when every device of "
                 "a host in\nthe ring reads on, and those of HOST, if it is not, read at all.",
         .options = test_options,
         .max_words = 1,
         .run = fence_test_run},
        {.name = "host",
         .args = "HOST",
         .help = "Switch a host off, as if it were lost.",
         .options = yes_options,
         .min_words = 1,
         .max_words = 1,
         .run = fence_host},
        {.name = "confirm",
         .args = "HOST",
         .help = "Say that a lost host has been seen to be off.",
         .more = "Only for a host whose power you have cut or seen off yourself: hawd takes your "
                 "word for\nproof and starts its guests elsewhere at once.",
         .options = yes_options,
         .min_words = 1,
         .max_words = 1,
         .run = fence_confirm},
        {.name = "history",
         .args = "",
         .help = "Losses, fence actions and their results.",
         .options = history_options,
         .run = fence_history},
};

const struct ctl_noun ctl_noun_fence = {
        "fence", "fence devices and hosts: list, test, host, confirm, history", verbs,
        ARRAY_SIZE(verbs)};
