/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hawctl simulate: a cluster that is made up in a file; needs no hawd. */
#include "hawd/ctl/ctl.h"
#include "hawd/sim/scenario.h"

static int run_simulate(struct ctl *ctl, const struct ctl_args *args) {
        return simulate_main(args->words[0], ctl->json, stdout);
}

static const struct ctl_verb verbs[] = {
        {.args = "FILE",
         .help = "Play a scenario with the real decisions on a made-up cluster.",
         .min_words = 1,
         .max_words = 1,
         .run = run_simulate},
};

const struct ctl_noun ctl_noun_simulate = {"simulate", "play a scenario on a made-up cluster",
                                           verbs, ARRAY_SIZE(verbs)};
